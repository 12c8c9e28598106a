"""What is asked: items of a built set, their candidates, a fair choice of them."""

import itertools
import json
import shutil
from collections import Counter

import pytest

from echovlm.data.sample import IMAGE_TAG, Split
from echovlm.data.store import SAMPLES
from echovlm.errors import DataError, OptionError
from echovlm.evaluate import items as items_module
from echovlm.evaluate.items import CLOSED, read_items, spread, training_items
from echovlm.prompts import Task
from echovlm.terms import Language


@pytest.fixture(scope="module")
def items(built_set):
    return read_items(built_set, Split.VALIDATION)


def test_items_hold_question_reference_and_place_of_every_sample(items):
    assert len(items.chosen) == len(items.ids) == len(items.reader)
    for item in items.chosen:
        sample = items.reader.sample(item.number)
        assert (item.id, item.reference) == (sample.id, sample.answer)
        assert item.patient == sample.patient_key
        assert IMAGE_TAG not in item.question
        assert item.question in sample.turns[0].text


def test_the_items_of_a_study_stand_together(items):
    studies = [item.study for item in items.chosen]
    assert len(set(studies)) == 1 + sum(one != other for one, other in itertools.pairwise(studies))


def test_closed_items_choose_from_the_answers_of_all_splits(built_set, items):
    train = read_items(built_set, Split.TRAIN, tasks=[Task.ANATOMY])
    closed = [item for item in items.chosen if item.task in CLOSED and item.candidates]
    assert closed
    assert all(item.reference in item.candidates for item in closed)
    anatomy = next(item for item in closed if item.task is Task.ANATOMY)
    answers = {item.reference for item in train.chosen if item.language is anatomy.language}
    assert answers <= set(anatomy.candidates)
    assert all(not item.candidates for item in items.chosen if item.task not in CLOSED)


def test_a_choice_of_items_takes_both_languages_of_the_same_studies(built_set):
    few = read_items(built_set, Split.TRAIN, tasks=[Task.REPORT], most=1, seed=4).chosen
    groups = Counter((item.language, item.anatomy) for item in few)
    assert set(groups.values()) == {1}
    chinese = {item.study for item in few if item.language is Language.CHINESE}
    assert chinese == {item.study for item in few if item.language is Language.ENGLISH}


def test_another_seed_chooses_other_items(built_set):
    every = read_items(built_set, Split.TRAIN, tasks=[Task.QUESTION]).chosen
    chosen = [tuple(item.id for item in spread(every, 3, seed)) for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_pictures_are_those_of_the_sample(items):
    item = items.chosen[0]
    pictures = items.pictures(item)
    assert [one.shape for one in pictures] == [
        one.shape for one in items.reader[item.number].pictures
    ]
    assert items.pictures(item) is pictures  # decoded once


def test_what_is_not_there_is_told_beside_what_is(built_set):
    with pytest.raises(DataError, match="has no sample in its test split"):
        read_items(built_set, Split.TEST)
    with pytest.raises(
        DataError,
        match="holds nothing of source 'elsewhere' in its train split; it has simulated",
    ):
        read_items(built_set, Split.TRAIN, sources=["simulated", "elsewhere"])
    with pytest.raises(DataError, match=r"it has the tasks anatomy, .* in the languages en, zh"):
        read_items(built_set, Split.TRAIN, tasks=[])


def test_training_items_are_none_where_there_are_none(built_set, monkeypatch):
    def found(*sources):
        return training_items(built_set, [Task.REPORT], list(Language), sources, {})

    assert found("elsewhere") is None
    every = found("simulated", "elsewhere")
    assert {item.task for item in every.chosen} == {Task.REPORT}
    monkeypatch.setattr(items_module, "_FITTED", len(every.reader) // 2)
    half = {item.id for item in found("simulated").chosen}
    assert half < {item.id for item in every.chosen}


def test_training_items_choose_from_the_same_candidates(built_set, items):
    tasks, languages = list(CLOSED), list(Language)
    train = training_items(built_set, tasks, languages, (), items.answers)
    ours = {(i.task, i.language, i.source, i.anatomy): i.candidates for i in items.chosen}
    same = [
        item.candidates == ours[key]
        for item in train.chosen
        if (key := (item.task, item.language, item.source, item.anatomy)) in ours
    ]
    assert same
    assert all(same)


def test_a_seed_below_0_is_refused(built_set):
    with pytest.raises(OptionError, match="The seed must be 0 or more, not -1"):
        read_items(built_set, Split.TRAIN, seed=-1)


def test_items_about_the_same_pictures_have_one_view(items):
    report = next(item for item in items.chosen if item.task is Task.REPORT)
    same = [item for item in items.chosen if item.view == report.view]
    assert len(same) > 1
    assert {item.study for item in same} == {report.study}


# --- samples that cannot be asked ---

LISTED = "Which is it?\nA. cyst\nB. normal"


@pytest.fixture
def changed(built_set, tmp_path):
    """A copy of the set whose first sample of a task asks and answers something else."""

    def change(task, question, answer):
        shutil.copytree(built_set, tmp_path / "set")
        path = tmp_path / "set" / SAMPLES
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        row = next(r for r in rows if (r["task"], r["split"]) == (task, "train"))
        row["turns"] = [
            {"role": "user", "text": IMAGE_TAG + question},
            {"role": "assistant", "text": answer},
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text(lines, encoding="utf-8")
        return tmp_path / "set", row["id"]

    return change


@pytest.mark.parametrize(
    ("task", "question", "answer", "reason"),
    [
        ("choice", LISTED, "A", ""),
        ("choice", "Which is it? (a) cyst (b) normal", "(a)", "a choice whose options cannot be"),
        ("choice", LISTED, "C", "a choice whose answer names no single option"),
        ("judge", "It is a cyst.", "True", ""),
        ("judge", "It is a cyst.", "perhaps", "a judgement whose answer is neither true nor"),
        ("report", "x" * 4000, "Normal.", ""),
        ("report", "x" * 4001, "Normal.", "a question of more than 4,000 characters"),
        ("report", "Describe it.", " ", "no question or no answer"),
    ],
)
def test_samples_that_cannot_be_asked_are_left_out_with_the_reason(
    changed, task, question, answer, reason
):
    folder, name = changed(task, question, answer)
    read = read_items(folder, Split.TRAIN)
    assert name in read.ids
    assert (name in {item.id for item in read.chosen}) is (not reason)
    assert len(read.left_out) == bool(reason)
    for told, count in read.left_out.items():
        assert told.startswith(reason)
        assert count == 1


def test_only_what_was_wanted_counts_as_left_out(changed):
    folder, _ = changed("choice", "Which is it?", "A")
    assert read_items(folder, Split.TRAIN, tasks=[Task.REPORT]).left_out == {}
    assert sum(read_items(folder, Split.TRAIN, tasks=[Task.CHOICE]).left_out.values()) == 1
