"""What an evaluation keeps, asks again and never mixes up."""

import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console

from echovlm.data.sample import Split
from echovlm.errors import DataError
from echovlm.evaluate.evaluation import (
    PAGE,
    TABLES,
    Contender,
    Plan,
    evaluate,
    fitting_items,
    read_plan,
)
from echovlm.evaluate.perturb import Perturbation
from echovlm.evaluate.systems import MostFrequent, Reply
from echovlm.prompts import Task

QUIET = Console(file=io.StringIO(), width=120)


class Describes:
    """Says what the pictures hold, and remembers what it said of each item."""

    version, temperature, sees = "1", 1.0, True

    def __init__(self, name="describes"):
        self.name, self.said = name, []

    def replies(self, asked):
        texts = [f"{np.sum([np.sum(p, dtype=int) for p in one.pictures])}" for one in asked]
        self.said += texts
        return [Reply(text) for text in texts]


@pytest.fixture
def plan(built_set):
    return Plan(built_set, Split.TRAIN, tasks=(Task.ANATOMY,), most=1, resamples=100)


def run(plan, system, out, share=(0, 1)):
    return evaluate(plan, read_plan(plan), [Contender(system, "scripted")], out, QUIET, share)


def kept(out, look, name="describes"):
    files = (out / "replies" / name / look).glob("replies-*.jsonl")
    return [line for path in files for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("kind", [Perturbation.OTHER_ORGAN, Perturbation.NOISE])
def test_more_items_show_what_they_would_have_shown_at_once(plan, tmp_path, kind):
    few = dataclasses.replace(plan, looks=(kind,))
    more = dataclasses.replace(few, most=3)
    run(few, Describes(), tmp_path / "grown")
    system = Describes()
    grown = run(more, system, tmp_path / "grown")
    at_once = run(more, Describes(), tmp_path / "once")
    assert grown["rows"] == at_once["rows"]
    assert set(kept(tmp_path / "once", kind)) <= set(kept(tmp_path / "grown", kind))
    again = Describes()
    run(few, again, tmp_path / "grown")
    assert again.said == []  # the donors of the smaller choice are kept too


def test_another_seed_asks_only_where_the_seed_is_seen(plan, tmp_path):
    every = dataclasses.replace(plan, most=0, looks=(Perturbation.NOISE, Perturbation.BLANK))
    first, second = Describes(), Describes()
    run(every, first, tmp_path)
    run(dataclasses.replace(every, seed=1), second, tmp_path)
    assert len(first.said) == 3 * len(second.said) > 0  # plain, noise and blank; noise alone


def test_replies_that_cost_nothing_are_not_kept_and_may_change(plan, tmp_path):
    items = read_plan(plan)
    for chosen in (items.chosen, items.chosen[:2]):
        result = run(plan, MostFrequent(chosen), tmp_path / "new")
        assert result["rows"]
        assert not (tmp_path / "new" / "replies").exists()


def test_the_first_process_alone_asks_what_is_not_kept(plan, tmp_path):
    class Cheap(Describes):
        kept = False

    other, first = Cheap(), Cheap()
    assert run(plan, other, tmp_path, (1, 2)) == {}
    run(plan, first, tmp_path, (0, 2))
    assert (len(other.said), len(first.said)) == (0, len(read_plan(plan).chosen))


def test_systems_of_like_names_share_no_replies(plan, tmp_path):
    systems = [Describes(name) for name in ("a/b", "a-b")]
    for system in systems:
        run(plan, system, tmp_path)
        assert len(system.said) == len(read_plan(plan).chosen)
    folder = next(path for path in (tmp_path / "replies").iterdir() if path.name != "a-b")
    folder.rename(tmp_path / "replies" / "moved")
    (tmp_path / "replies" / "a-b").rename(folder)
    with pytest.raises(DataError, match="holds replies with another name"):
        run(plan, Describes("a/b"), tmp_path)


def test_no_baseline_is_fitted_on_the_patients_that_are_asked_about(plan):
    assert fitting_items(plan, read_plan(plan)) is None
    held_out = dataclasses.replace(plan, split=Split.VALIDATION)
    items = read_plan(held_out)
    assert {item.task for item in fitting_items(held_out, items).chosen} == {Task.ANATOMY}
    elsewhere = dataclasses.replace(held_out, sources=("elsewhere",))
    assert fitting_items(elsewhere, items) is None


def test_pictures_and_patients_that_training_had_are_told(plan, built_set, tmp_path):
    """Asked about its own training patients, then about those of the validation split."""
    seen = run(dataclasses.replace(plan, trained_on=(built_set,)), Describes(), tmp_path / "seen")
    (sentence,) = seen["contamination"]
    assert sentence.startswith("Contamination: ")
    assert sentence in seen["notes"]
    assert (tmp_path / "seen" / TABLES).read_text("utf-8").count(sentence) == 1
    held_out = dataclasses.replace(plan, split=Split.VALIDATION, trained_on=(built_set,))
    unseen = run(held_out, Describes(), tmp_path / "unseen")
    (sentence,) = unseen["contamination"]
    assert sentence.startswith("No contamination found: ")
    assert sentence not in unseen["notes"]
    assert (tmp_path / "unseen" / PAGE).read_text("utf-8").count(sentence) == 1
