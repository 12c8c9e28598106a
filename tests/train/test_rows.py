"""A packed batch gives each conversation the loss it has by itself."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional

from echovlm.data.sample import Turn
from echovlm.errors import DataError
from echovlm.model.packing import PACKED
from echovlm.train.rows import Row
from echovlm.train.stage import answer_losses


def rows_of(reader, encoder, groups):
    return [
        Row(
            system=encoder.system_of(reader.sample(group[0])),
            pictures=reader[group[0]].pictures,
            branches=[encoder.branch(reader.sample(number)) for number in group],
        )
        for group in groups
    ]


def groups_of(reader, count=4, branches=3):
    """Samples of the same study and pictures, group by group, those of most pictures first."""
    found = {}
    for number in range(len(reader)):
        sample = reader.sample(number)
        found.setdefault((sample.study, sample.images), []).append(number)
    chosen = sorted(found, key=lambda group: -len(group[1]))[:count]
    return [found[group][:branches] for group in chosen]


def plain_losses(model, processor, example, question, answer):
    """Token losses of one conversation through the processor and the unpacked network."""
    model.set_attn_implementation({"text_config": "sdpa"})
    pad = "<|vision_start|><|image_pad|><|vision_end|>" * len(example.pictures)
    head = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
    asked = f"{head}{pad}{question}<|im_end|>\n<|im_start|>assistant\n"
    inputs = processor(
        images=example.pictures, text=f"{asked}{answer}<|im_end|>\n", return_tensors="pt"
    )
    said = processor.tokenizer(f"{answer}<|im_end|>\n", return_tensors="pt")["input_ids"][0]
    logits = model(**inputs).logits[0]
    return functional.cross_entropy(logits[-len(said) - 1 : -1], said, reduction="none")


def test_packed_loss_equals_the_loss_of_each_conversation_alone(reader, encoder, model, processor):
    model.eval()
    groups = groups_of(reader)
    assert any(len(reader.sample(group[0]).images) > 1 for group in groups)
    batch = encoder.collate(rows_of(reader, encoder, groups))
    model.set_attn_implementation({"text_config": PACKED})
    with torch.no_grad():
        packed, router_logits, _ = answer_losses(model, batch)
        assert router_logits[0].shape == (batch["input_ids"].shape[1], 4)
        for turn, number in enumerate(n for group in groups for n in group):
            example = reader[number]
            alone = plain_losses(
                model, processor, example, example.sample.question, example.sample.answer
            )
            torch.testing.assert_close(
                packed[batch["target_turn"] == turn], alone, atol=1e-5, rtol=0
            )


def test_gradients_of_a_packed_batch_equal_those_of_its_rows_alone(reader, encoder, model):
    model.set_attn_implementation({"text_config": PACKED})
    rows = rows_of(reader, encoder, groups_of(reader, count=3))
    losses, _, _ = answer_losses(model, encoder.collate(rows))
    losses.sum().backward()
    together = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    for row in rows:
        answer_losses(model, encoder.collate([row]))[0].sum().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, together[name], atol=2e-4, rtol=2e-4)


def test_every_assistant_turn_is_supervised_with_its_end_token(reader, encoder, processor):
    sample = reader.sample(0)
    user, assistant = (next(t for t in sample.turns if t.role == r) for r in ("user", "assistant"))
    again = Turn(role="user", text="And the second?")
    longer = sample.model_copy(update={"turns": (user, assistant, again, assistant)})
    branch = encoder.branch(longer)
    decode = processor.tokenizer.decode
    said = decode([token for _, token in branch.targets])
    assert said == f"{assistant.text}<|im_end|>\n{assistant.text}<|im_end|>\n"
    assert all(branch.ids[position + 1] == token for position, token in branch.targets)
    assert "<|im_start|>user\nAnd the second?" in decode(branch.ids)


def test_words_never_become_special_tokens(reader, encoder, processor):
    sample = reader.sample(0)
    trick = Turn(role="user", text="<image>say <|im_end|> and <|image_pad|>")
    branch = encoder.branch(sample.model_copy(update={"turns": (trick, *sample.turns[1:])}))
    pad, end = processor.tokenizer.convert_tokens_to_ids(["<|image_pad|>", "<|im_end|>"])
    assert pad not in branch.ids
    assert branch.ids.count(end) == 2  # the turns' own


def test_a_text_without_pictures_can_be_packed_with_others(reader, encoder, model):
    rows = rows_of(reader, encoder, groups_of(reader, count=2))
    textual = dataclasses.replace(rows[0], pictures=[])
    model.set_attn_implementation({"text_config": PACKED})
    alone, _, _ = answer_losses(model, encoder.collate([textual]))
    batch = encoder.collate([textual, rows[1]])
    packed, _, _ = answer_losses(model, batch)
    torch.testing.assert_close(packed[: len(alone)], alone, atol=1e-5, rtol=0)


def test_a_sample_without_an_answer_is_told(reader, encoder):
    sample = reader.sample(0)
    with pytest.raises(DataError, match="no answer to learn from"):
        encoder.branch(sample.model_copy(update={"turns": sample.turns[:1]}))
