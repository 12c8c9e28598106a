"""Branch batches: shared images change what a step costs, never what it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from echovlm.train.batches import BranchCollator, TrainingSample
from echovlm.train.trainer import branch_loss

TURNS = [
    ("What is seen?", "a cyst"),
    ("诊断是什么？", "乳腺囊肿"),
    ("Which organ is it?", "breast"),
]


def sample(turns, images=1):
    rng = np.random.default_rng(7)
    pictures = [rng.integers(0, 255, (84, 70 + 28 * i, 3), dtype=np.uint8) for i in range(images)]
    return TrainingSample(images=pictures, turns=turns)


def summed_loss(model, processor, samples):
    """Sum of the token losses, so that batches of different make-up can be compared."""
    batch = BranchCollator(processor)(samples)
    model.config.text_config.router_aux_loss_coef = 0.0
    with torch.no_grad():
        return float(branch_loss(model, batch)) * int((batch["target_ids"] >= 0).sum())


@pytest.mark.parametrize("images", [1, 3])
def test_loss_of_branches_equals_the_loss_of_each_turn_alone(model, processor, images):
    together = summed_loss(model, processor, [sample(TURNS, images)])
    apart = sum(summed_loss(model, processor, [sample([turn], images)]) for turn in TURNS)
    assert together == pytest.approx(apart, rel=1e-5)


def test_padding_changes_no_loss(model, processor):
    short, long = sample(TURNS[:1]), sample(TURNS, images=2)
    apart = summed_loss(model, processor, [short]) + summed_loss(model, processor, [long])
    assert summed_loss(model, processor, [short, long]) == pytest.approx(apart, rel=1e-5)


def test_a_single_branch_is_what_the_network_sees_in_a_conversation(model, processor):
    """Ids, positions and loss equal those of the chat template and the model's own numbering."""
    one = sample(TURNS[:1], images=2)
    batch = BranchCollator(processor)([one])
    content = [{"type": "image"}] * 2 + [{"type": "text", "text": one.turns[0][0]}]
    messages = [
        {"role": "user", "content": content},
        {"role": "assistant", "content": one.turns[0][1]},
    ]
    text = processor.apply_chat_template(messages, tokenize=False)
    inputs = processor(text=[text], images=list(one.images), return_tensors="pt")
    assert torch.equal(batch["input_ids"], inputs["input_ids"])
    positions, _ = model.model.get_rope_index(
        inputs["input_ids"], image_grid_thw=inputs["image_grid_thw"]
    )
    assert torch.equal(batch["position_ids"], positions)
    labels = torch.full_like(inputs["input_ids"], -100)
    labels[:, 1:] = batch["target_ids"][:, :-1]
    with torch.no_grad():
        expected = model.eval()(**inputs, labels=labels).loss
    model.config.text_config.router_aux_loss_coef = 0.0
    assert float(branch_loss(model, batch).detach()) == pytest.approx(float(expected), rel=1e-5)


def test_supervised_tokens_are_the_answer_its_end_and_the_newline(processor):
    batch = BranchCollator(processor)([sample(TURNS[:1])])
    targets = batch["target_ids"][batch["target_ids"] >= 0]
    assert processor.tokenizer.decode(targets) == "a cyst<|im_end|>\n"


def test_a_turn_over_the_limit_is_an_error_not_a_cut(processor):
    with pytest.raises(ValueError, match="over 8"):
        BranchCollator(processor, max_branch_tokens=8)([sample(TURNS)])
