"""What is asked: items of a built set, their candidates, a fair choice of them."""

import itertools
from collections import Counter

import pytest

from echovlm.data.sample import IMAGE_TAG, Split
from echovlm.errors import DataError
from echovlm.evaluate.items import CLOSED, read_items, spread
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


def test_nothing_to_ask_is_told(built_set):
    with pytest.raises(DataError, match="holds nothing to ask in its test split"):
        read_items(built_set, Split.TEST)
    with pytest.raises(DataError, match="Name another split or other tasks"):
        read_items(built_set, Split.TRAIN, sources=["elsewhere"])
