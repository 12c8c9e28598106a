"""The plan covers the data, keeps its budget and depends on nothing but data, recipe and seed."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest

from echovlm.errors import DataError, OptionError, OutputError
from echovlm.train import dataset
from echovlm.train.plan import Catalogue, plan


@pytest.fixture(scope="session")
def catalogue(reader, encoder, tmp_path_factory) -> Catalogue:
    return Catalogue.of(reader, encoder, tmp_path_factory.mktemp("cache") / "catalogue.npz")


def samples_of(batches):
    return Counter(sample for batch in batches for row in batch for sample in row)


def test_an_epoch_holds_every_sample_once(catalogue, recipe):
    batches = plan(catalogue, dataclasses.replace(recipe, steps=0, epochs=1))
    assert samples_of(batches) == Counter(range(len(catalogue.groups)))


def test_rows_share_their_pictures_and_batches_keep_the_budget(catalogue, recipe):
    for batch in plan(catalogue, dataclasses.replace(recipe, steps=0)):
        total = 0
        for row in batch:
            group = {int(catalogue.groups[sample]) for sample in row}
            assert len(group) == 1
            assert len(row) <= recipe.branches
            total += int(catalogue.prefixes[group.pop()] + catalogue.tokens[list(row)].sum())
        assert total <= recipe.tokens_per_batch


def test_sizes_are_those_of_the_tokens(catalogue, reader, encoder):
    for number in (0, len(reader) - 1):
        sample = reader.sample(number)
        branch = encoder.branch(sample)
        assert catalogue.tokens[number] == len(branch.ids)
        assert catalogue.targets[number] == len(branch.targets)
        grids = encoder.processor.image_processor(
            images=reader[number].pictures, return_tensors="np"
        )["image_grid_thw"]
        prefix = encoder.prefix_tokens(encoder.system_of(sample), [tuple(g) for g in grids])
        assert catalogue.prefixes[catalogue.groups[number]] == prefix


def test_weights_repeat_and_leave_out(catalogue, recipe):
    weights = dict.fromkeys(catalogue.task_names, 0.0) | {"report": 2.0, "diagnosis": 0.5}
    batches = plan(catalogue, dataclasses.replace(recipe, steps=0, task_weights=weights))
    seen = samples_of(batches)
    by_task = Counter()
    for sample, times in seen.items():
        by_task[catalogue.task_names[catalogue.tasks[sample]]] += times
    held = Counter(catalogue.task_names[task] for task in catalogue.tasks)
    assert set(by_task) == {"report", "diagnosis"}
    assert by_task["report"] == 2 * held["report"]
    assert 0 < by_task["diagnosis"] < held["diagnosis"]


def test_copies_of_a_sample_go_into_different_rows(catalogue, recipe):
    weights = {"report": 3.0}
    batches = plan(catalogue, dataclasses.replace(recipe, steps=0, task_weights=weights))
    rows = [row for batch in batches for row in batch]
    assert max(samples_of(batches).values()) == 3
    assert all(len(set(row)) == len(row) for row in rows)


def test_rows_of_a_file_follow_each_other(catalogue, recipe):
    shards = catalogue.groups % 3  # a study lies in one file
    spread = dataclasses.replace(catalogue, shards=shards)
    batches = plan(spread, dataclasses.replace(recipe, steps=0))
    files = [int(shards[row[0]]) for batch in batches for row in batch]
    assert len(set(files)) == 3
    assert sum(a != b for a, b in itertools.pairwise(files)) == 2
    assert samples_of(batches) == Counter(range(len(shards)))


def test_steps_and_epochs_decide_the_length(catalogue, recipe):
    one = plan(catalogue, dataclasses.replace(recipe, steps=0, epochs=1))
    half = plan(catalogue, dataclasses.replace(recipe, steps=0, epochs=0.5))
    assert len(half) == -(-len(one) // 2)
    assert half == one[: len(half)]
    long = plan(catalogue, dataclasses.replace(recipe, steps=len(one) + 5, accumulation=2))
    assert len(long) == 2 * (len(one) + 5)


def test_equal_seeds_give_equal_plans_and_other_seeds_others(catalogue, recipe):
    assert plan(catalogue, recipe) == plan(catalogue, recipe)
    assert plan(catalogue, recipe) != plan(catalogue, dataclasses.replace(recipe, seed=8))


def test_a_stored_catalogue_is_read_back_and_a_foreign_one_is_not(reader, encoder, tmp_path):
    cache = tmp_path / "catalogue.npz"
    first = Catalogue.of(reader, encoder, cache)
    again = Catalogue.of(reader, encoder, cache)
    assert np.array_equal(first.tokens, again.tokens)
    assert first.task_names == again.task_names
    cache.write_bytes(b"damaged")
    assert np.array_equal(Catalogue.of(reader, encoder, cache).tokens, first.tokens)


def test_a_full_disk_is_told_when_sizes_are_stored(reader, encoder, tmp_path):
    with pytest.raises(OutputError, match=r"catalogue.npz could not be written"):
        Catalogue.of(reader, encoder, tmp_path / "absent" / "catalogue.npz")


def test_kept_pictures_stay_within_their_memory(monkeypatch):
    monkeypatch.setattr(dataset, "_KEPT_BYTES", 250)
    kept = dataset._Kept()
    for name in "abcab":
        kept.add(name, np.zeros(100, np.uint8))
    assert list(kept) == ["a", "b"]  # the oldest went
    assert kept.held_bytes == 200
    kept.add("a", np.zeros(150, np.uint8))  # once, in its new size
    assert kept.held_bytes == sum(pixels.nbytes for pixels in kept.values()) == 250
    kept.add("large", np.zeros(900, np.uint8))
    assert list(kept) == ["large"]  # what is asked for now is kept at any size


def test_an_unknown_source_or_a_sample_too_long_is_told(catalogue, recipe):
    with pytest.raises(OptionError, match="source 'bus-bra', which the data do not hold"):
        plan(catalogue, dataclasses.replace(recipe, source_weights={"bus-bra": 2.0}))
    with pytest.raises(DataError, match="more than the 64 of a batch"):
        plan(catalogue, dataclasses.replace(recipe, tokens_per_batch=64))
    with pytest.raises(OptionError, match="no sample to train on"):
        plan(catalogue, dataclasses.replace(recipe, source_weights={"simulated": 0.0}))
