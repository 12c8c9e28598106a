"""Systems under test: an engine, the training texts alone, grey statistics."""

import math

import numpy as np
import pytest

from echovlm.engine.scripted import ScriptedEngine
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import (
    Asked,
    EngineSystem,
    GreyStatistics,
    MostFrequent,
    Reply,
    refusals,
)
from echovlm.prompts import Task
from echovlm.terms import Language

EN, ZH = Language.ENGLISH, Language.CHINESE


def item(name, reference, task=Task.QUESTION, language=EN, candidates=(), anatomy="liver", **more):
    return Item(
        id=name, number=0, study=name, images=("1.png",), patient=name,
        source=more.get("source", "s"), anatomy=anatomy, task=task, language=language,
        question="What is seen?", reference=reference, candidates=candidates,
    )  # fmt: skip


def picture(grey):
    return np.full((20, 30, 3), grey, np.uint8)


def test_an_engine_ranks_candidates_and_writes_the_rest():
    reader = ScriptedEngine({"What is seen?": "A cyst."}, preferred=["cyst"], temperature=0.5)
    system = EngineSystem(reader, "mine", "float32", max_new_tokens=1)
    closed = item("a", "cyst", Task.DIAGNOSIS, candidates=("cyst", "normal"))
    asked = [
        Asked(item("b", "A cyst."), [picture(9)]),
        Asked(closed, [picture(9)]),
        Asked(item("c", "A cyst."), []),
        Asked(closed, []),
    ]
    wrote, ranked, blind, ranked_blind = system.replies(asked)
    assert (wrote.text, wrote.cut, wrote.likelihoods) == ("A", True, ())
    assert ranked.likelihoods == ranked_blind.likelihoods == (-0.5, -2.0)
    assert blind.text == "A"
    assert (system.name, system.version, system.temperature, system.sees) == (
        "mine", "1|float32|max_new_tokens:1", 0.5, True,
    )  # fmt: skip


def test_another_number_format_is_another_version():
    formats = ("float32", "float16")
    assert len({EngineSystem(ScriptedEngine(), "a", one).version for one in formats}) == 2


def test_refused_questions_are_counted_by_system_and_look():
    replies = {
        ("a", "plain"): [Reply("x"), Reply(refused=True), None, Reply(refused=True)],
        ("a", "blank"): [Reply("")] * 4,
    }
    assert refusals(replies) == [
        "a would not take 2 of 4 questions (plain); they count as answered with nothing."
    ]


def test_a_study_without_pictures_is_none_and_one_with_them_passes_for_calibrated():
    assert Asked(item("a", "x"), []).study is None
    study = Asked(item("a", "x"), [picture(1), picture(2)]).study
    assert len(study.clips) == 2
    assert study.is_calibrated


def test_the_most_frequent_answer_is_that_of_the_narrowest_known_group():
    train = [
        *(item(f"l{n}", "normal liver") for n in range(3)),
        *(item(f"k{n}", "normal kidney", anatomy="kidney", source="t") for n in range(2)),
        item("z", "囊肿", language=ZH),
    ]
    system = MostFrequent(train)
    asked = [
        item("1", "", anatomy="liver"),
        item("2", "", anatomy="kidney"),  # of another source than in training
        item("3", "", anatomy="heart"),
        item("4", "", language=ZH, anatomy="heart"),
        item("5", "", task=Task.REPORT),
    ]
    texts = [reply.text for reply in system.replies([Asked(one, []) for one in asked])]
    assert texts == ["normal liver", "normal kidney", "normal liver", "囊肿", ""]


def test_the_most_frequent_answer_gives_the_shares_of_candidates():
    names = ("cyst", "normal", "tumour")
    train = [item(f"{n}", name, Task.DIAGNOSIS, candidates=names)
             for n, name in enumerate(["cyst", "normal", "normal", "normal"])]  # fmt: skip
    (reply,) = MostFrequent(train).replies([Asked(train[0], [])])
    assert [math.exp(value) for value in reply.likelihoods] == pytest.approx(
        [0.25, 0.75, 0], abs=1e-5
    )


def test_grey_statistics_learn_what_brightness_tells_and_pass_on_the_rest():
    names = ("cyst", "normal")
    cases = [item(f"{n}", names[n % 2], Task.DIAGNOSIS, candidates=names) for n in range(12)]
    train = [Asked(one, [picture(40 + 120 * (n % 2) + n)]) for n, one in enumerate(cases)]
    system = GreyStatistics(train)
    dark = Asked(item("x", "cyst", Task.DIAGNOSIS, candidates=names), [picture(45)])
    bright = Asked(item("y", "normal", Task.DIAGNOSIS, candidates=names), [picture(170)])
    told = [np.argmax(reply.likelihoods) for reply in system.replies([dark, bright])]
    assert told == [0, 1]
    assert system.replies([Asked(item("w", "text"), [picture(1)])]) == [None]


def test_grey_statistics_do_not_drop_a_task_for_a_source_they_were_not_fitted_on():
    names = ("cyst", "normal")
    cases = [item(f"{n}", names[n % 2], Task.DIAGNOSIS, candidates=names) for n in range(4)]
    system = GreyStatistics([Asked(one, [picture(90 * (n % 2))]) for n, one in enumerate(cases)])
    strange = item("z", "a", Task.DIAGNOSIS, candidates=("a", "b", "c"))
    anatomy = item("y", "liver", Task.ANATOMY, candidates=("liver", "heart"))
    guessed, passed = system.replies([Asked(one, [picture(1)]) for one in (strange, anatomy)])
    assert len(guessed.likelihoods) == 3
    assert len(set(guessed.likelihoods)) == 1
    assert passed is None  # no training item of the whole task
