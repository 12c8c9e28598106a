"""Preference tuning makes the edited text likelier than its draft, by the formula."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
import torch

from echovlm.data.exporting import export_set, import_foreign
from echovlm.data.formats import MESSAGES
from echovlm.data.reader import SampleReader
from echovlm.data.sample import Split, Turn
from echovlm.data.store import StoredSet
from echovlm.errors import DataError
from echovlm.model.packing import PACKED
from echovlm.train import recipes
from echovlm.train.adapters import adapters_off, prepare
from echovlm.train.dataset import PlannedBatches
from echovlm.train.plan import Catalogue, plan
from echovlm.train.preference import (
    PairEncoder,
    PreferenceTrainer,
    preference_losses,
    sum_by_text,
)
from echovlm.train.rows import Encoder, Row
from echovlm.train.stage import answer_losses

DRAFT = "The draft says something else."


@pytest.fixture(scope="module")
def drafts(built_set, tmp_path_factory) -> SampleReader:
    """Eight training samples as others would send them: messages with the rejected draft."""
    folder = tmp_path_factory.mktemp("edited")
    export_set(StoredSet(built_set), folder / "out", MESSAGES)
    file = folder / "out" / "train.jsonl"
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    edited = [record | {"rejected_response": DRAFT} for record in records[:8]]
    (folder / "out" / "edited.jsonl").write_text("\n".join(map(json.dumps, edited)))
    import_foreign(folder / "out" / "edited.jsonl", folder / "set", MESSAGES)
    return SampleReader(folder / "set", Split.TRAIN)


@pytest.fixture
def pairs(processor) -> PairEncoder:
    return PairEncoder(processor)


@pytest.fixture
def tuning(recipe) -> recipes.Recipe:
    """The preference recipe at the size of the tests, without the likelihood term."""
    return dataclasses.replace(
        recipe,
        name="preference",
        trainable=(),
        lora=recipes.preference().lora,
        lora_dropout=0.0,
        learning_rate=1e-2,
        dpo_likelihood=0.0,
        tokens_per_batch=2048,
        steps=8,
    )


def trainer_of(model, tuning, drafts, pairs, folder) -> PreferenceTrainer:
    torch.manual_seed(0)
    prepare(model, tuning)
    model.set_attn_implementation({"text_config": PACKED})
    batches = plan(Catalogue.of(drafts, pairs, folder / "catalogue.npz"), tuning)
    return PreferenceTrainer(
        model, tuning, PlannedBatches(drafts, pairs, batches, tuning), folder, tuning.steps
    )


def test_the_loss_of_two_pairs_by_hand():
    # Pair one: edited text of two tokens, draft of one; pair two: one token each. In nats.
    turns = torch.tensor([0, 0, 1, 2, 3])
    policy = -torch.tensor([1.0, 2.0, 4.0, 5.0, 1.0])
    reference = -torch.tensor([1.5, 2.5, 3.0, 4.0, 3.0])
    gained = sum_by_text(policy - reference, turns)
    assert gained.tolist() == [[1.0, -1.0], [-1.0, 2.0]]
    losses = preference_losses(0.5 * gained)  # margins 2 and -3, halved
    expected = [math.log(1 + math.exp(-1.0)), math.log(1 + math.exp(1.5))]
    assert losses.tolist() == pytest.approx(expected, abs=1e-6)


def test_drafts_come_in_with_the_messages_form(drafts):
    assert len(drafts) == 8
    assert drafts.sample(0).extra["rejected_response"] == DRAFT


def test_a_pair_has_the_likelihoods_its_texts_have_alone(drafts, pairs, model, processor):
    model.eval().set_attn_implementation({"text_config": PACKED})
    example, plain = drafts[0], Encoder(processor)
    sample = example.sample
    system = pairs.system_of(sample)
    batch = pairs.collate([Row(system, example.pictures, [pairs.branch(sample)] * 2)])
    with torch.no_grad():
        found = sum_by_text(answer_losses(model, batch)[0], batch["target_turn"])
        for column, text in enumerate((sample.answer, DRAFT)):
            said = sample.model_copy(
                update={"turns": (*sample.turns[:-1], Turn(role="assistant", text=text))}
            )
            alone = plain.collate([Row(system, example.pictures, [plain.branch(said)])])
            total = answer_losses(model, alone)[0].sum()
            torch.testing.assert_close(found[:, column], total.repeat(2), atol=0, rtol=1e-5)


def test_only_the_last_answer_is_compared(drafts, pairs, processor):
    sample = drafts.sample(0)
    again = Turn(role="user", text="And the second?")
    longer = sample.model_copy(update={"turns": (*sample.turns, again, sample.turns[-1], again)})
    pair = pairs.branch(longer)
    decode = processor.tokenizer.decode
    for branch, text in ((pair.chosen, sample.answer), (pair.rejected, DRAFT)):
        assert decode([token for _, token in branch.targets]) == f"{text}<|im_end|>\n"
        assert decode(branch.ids).count("And the second?") == 1
        assert sample.answer in decode(branch.ids)
    assert len(pair.ids) == len(pair.chosen.ids) + len(pair.rejected.ids)


def test_a_sample_without_a_draft_of_its_own_is_told(drafts, pairs):
    sample = drafts.sample(0)
    with pytest.raises(DataError, match=f"{sample.id}: has no text in its field 'rejected_resp"):
        pairs.branch(sample.model_copy(update={"extra": {}}))
    with pytest.raises(DataError, match="has the answer itself"):
        pairs.branch(sample.model_copy(update={"extra": {"rejected_response": sample.answer}}))


def test_the_first_loss_is_ln_2_and_the_likelihood_of_the_edited_texts(
    model, tuning, drafts, pairs, tmp_path
):
    tuning = dataclasses.replace(tuning, dpo_likelihood=0.5)
    trainer = trainer_of(model, tuning, drafts, pairs, tmp_path)
    batch = trainer.train_dataset[0]
    with torch.no_grad():
        loss = trainer.compute_loss(model, batch)
        tokens = answer_losses(model, batch)[0]
    edited = [
        tokens[batch["target_turn"] == turn].mean() for turn in range(0, len(batch["turns"]), 2)
    ]
    assert float(loss) == pytest.approx(math.log(2) + 0.5 * float(sum(edited)) / len(edited))
    everything = torch.tensor(2 * len(edited))  # pairs of a step of two batches
    half = trainer.compute_loss(model, batch, num_items_in_batch=everything).detach()
    assert float(half) == pytest.approx(float(loss) / 2)


def test_edited_texts_become_likelier_than_their_drafts(model, tuning, drafts, pairs, tmp_path):
    trainer = trainer_of(model, tuning, drafts, pairs, tmp_path)
    before = {name: p.clone() for name, p in model.named_parameters() if not p.requires_grad}
    trainer.train()
    log = [line for line in trainer.state.log_history if "preference/margin" in line]
    assert len(log) == tuning.steps
    assert log[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert log[0]["preference/margin"] == pytest.approx(0, abs=1e-5)
    last = log[-1]
    assert last["preference/margin"] > 0.5
    assert last["preference/accuracy"] == 1
    assert last["preference/chosen"] > last["preference/rejected"]
    assert all(
        torch.equal(p, before[name]) for name, p in model.named_parameters() if name in before
    )
    batch = trainer.train_dataset[0]
    model.eval()
    with torch.no_grad():
        after = answer_losses(model, batch)[0]
        with adapters_off(model):
            start = answer_losses(model, batch)[0]
    gained = sum_by_text(start - after, batch["target_turn"])
    assert (gained[:, 0] > gained[:, 1]).all()
