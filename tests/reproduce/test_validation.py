"""Validation scores the text a network writes about held-out studies."""

from __future__ import annotations

import dataclasses

import pytest

from echovlm.data.reader import SampleReader
from echovlm.data.sample import Split
from echovlm.engine import Engine
from echovlm.errors import DataError
from echovlm.report import Answer
from echovlm.reproduce import validation
from echovlm.train import recipes


@pytest.fixture
def recipe():
    return dataclasses.replace(recipes.full(), validate_studies=6, visual_tokens=9, seed=1)


@pytest.fixture
def answers(monkeypatch):
    """Replace the engine's answers by scripted ones; returns what was asked."""
    asked = []

    def script(said):
        def ask_many(self, studies, question, language=None, max_new_tokens=0):
            asked.extend(study.name for study in studies)
            return [
                Answer(question=question, text=said(study.name), language="en", model="m",
                       model_version="v", finish_reason="stop")
                for study in studies
            ]  # fmt: skip

        monkeypatch.setattr(Engine, "ask_many", ask_many)
        return asked

    return script


def test_true_texts_score_100_and_foreign_ones_little(built_set, processor, model, recipe, answers):
    reader = SampleReader(built_set, Split.VALIDATION)
    true = {reader.sample(n).id: reader.sample(n).answer for n in range(len(reader))}
    score = validation.written_text(recipe, built_set, processor)
    asked = answers(lambda name: true[name])
    assert score(model)["score"] == pytest.approx(100)
    assert 0 < len(asked) <= 6
    answers(lambda name: "zzz")
    assert score(model)["score"] == 0


def test_the_same_studies_are_asked_every_time(built_set, processor, model, recipe, answers):
    asked = answers(lambda name: "x")
    validation.written_text(recipe, built_set, processor)(model)
    first = list(asked)
    asked.clear()
    validation.written_text(recipe, built_set, processor)(model)
    assert asked == first


def test_a_network_is_really_asked(built_set, processor, model, recipe):
    model.eval()
    scores = validation.written_text(
        dataclasses.replace(recipe, validate_studies=2), built_set, processor
    )(model)
    assert 0 <= scores["score"] <= 100


def test_each_study_is_asked_once(built_set, processor, model, recipe, answers):
    asked = answers(lambda name: "x")
    everyone = dataclasses.replace(recipe, validate_studies=1000)
    validation.written_text(everyone, built_set, processor)(model)
    reader = SampleReader(built_set, Split.VALIDATION)
    studies = {reader.sample(n).id: reader.sample(n).study for n in range(len(reader))}
    assert len({studies[name] for name in asked}) == len(asked) == len(set(studies.values()))


@pytest.mark.parametrize("lacking", [{"language": None}, {"images": ()}])
def test_a_text_without_language_or_pictures_is_left_out(
    built_set, processor, recipe, monkeypatch, lacking
):
    sample = SampleReader.sample
    monkeypatch.setattr(
        SampleReader,
        "sample",
        lambda reader, number: sample(reader, number).model_copy(update=lacking),
    )
    with pytest.raises(DataError, match="of a known language"):
        validation.written_text(recipe, built_set, processor)


def test_a_set_without_texts_is_told(built_set, processor, recipe, monkeypatch):
    monkeypatch.setattr(validation, "_TASKS", ())
    with pytest.raises(DataError, match="--no-validate"):
        validation.written_text(recipe, built_set, processor)
