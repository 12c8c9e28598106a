"""Which scores judge which task, on items that were written by hand."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from echovlm.evaluate import scoring
from echovlm.evaluate.items import UNKNOWN, Item
from echovlm.evaluate.rows import PLAIN, rows_of
from echovlm.evaluate.scoring import MEASUREMENT, scores_of, task_of
from echovlm.evaluate.systems import Reply
from echovlm.evaluate.text import preset
from echovlm.facts import Fact, Origin
from echovlm.prompts import Task
from echovlm.terms import Language

_NUMBER = itertools.count()
METRICS = preset("default").metrics


def item(reference, task=Task.REPORT, anatomy="breast", fact=None, value=1.0):
    number = next(_NUMBER)
    facts = (Fact(name=fact, value=value, origin=Origin.MASK, source="mask"),) if fact else ()
    return Item(
        id=f"i{number}",
        number=number,
        study=f"s{number}",
        images=("a.png",),
        patient=f"p{number}",
        source="test",
        anatomy=anatomy,
        task=task,
        language=Language.ENGLISH,
        question="?",
        reference=reference,
        facts=facts,
    )


def scored(items, *texts, looks=(PLAIN,)):
    """Scores of one system by their names, with the rows they make."""
    replies = {("m", look): [Reply(text) for text in texts] for look in looks}
    return {score.metric: score for score in scores_of(items, replies, {"m": 1.0}, METRICS)}


def value(score, anatomy="average"):
    row = next(r for r in rows_of(score, 100, 0) if r.told["anatomy"] == anatomy)
    return row.told["systems"]["m"]["value"]


# --- measurements ----------------------------------------


def measurements():
    return [
        item("The head circumference is 200 mm.", Task.QUESTION, UNKNOWN, "head_circumference_mm"),
        item("The longest diameter is 10 mm.", Task.QUESTION, "breast", "size_long_mm"),
        item("60 %.", Task.QUESTION, "heart", "ejection_fraction_percent"),
        item("The peak systolic velocity is 80 cm/s.", Task.QUESTION, "vessel", "psv_cm_per_s"),
    ]


def test_questions_about_one_measured_fact_are_measurements():
    assert {task_of(each) for each in measurements()} == {MEASUREMENT}
    assert task_of(item("Oval.", Task.QUESTION, "breast", "shape", "oval")) == "question"
    assert task_of(item("12 mm.", Task.QUESTION)) == "question"
    two = item("12 mm.", Task.QUESTION, fact="size_long_mm")
    other = Fact(name="margin", value="indistinct", origin=Origin.MASK, source="mask")
    assert task_of(dataclasses.replace(two, facts=(*two.facts, other))) == "question"


def test_errors_of_each_unit_stand_apart_and_percent_over_all():
    """190 of 200 mm, 15 of 10 mm, 48 of 60 %, 1 m/s of 80 cm/s: 5, 50, 20 and 25 %.

    The median in mm is the mean over the two anatomies, (10 + 5) / 2; that in % the mean of the
    four.
    """
    found = scored(measurements(), "190 mm", "1,5 cm", "48 %", "1.0 m/s")
    assert value(found["median error in mm"]) == pytest.approx(7.5)
    assert value(found["median error in percentage points"]) == pytest.approx(12)
    assert value(found["median error in cm/s"]) == pytest.approx(20)
    assert value(found["median error in %"]) == pytest.approx((5 + 50 + 20 + 25) / 4)
    assert value(found["median error in %"], "heart") == pytest.approx(20)
    assert value(found["without a number"]) == value(found["without a unit"]) == 0
    assert all(score.lower_is_better for score in found.values())


def test_a_unit_counts_the_items_that_have_it():
    found = scored(measurements(), "190 mm", "1,5 cm", "48 %", "1.0 m/s")
    average, *_ = rows_of(found["median error in mm"], 100, 0)
    assert (average.told["items"], average.told["patients"]) == (2, 2)
    average, *_ = rows_of(found["median error in %"], 100, 0)
    assert average.told["items"] == 4


def test_a_unit_of_another_dimension_is_none():
    found = scored(measurements(), "190 cm/s", "12", "48 mm", "fast")
    assert value(found["median error in %"]) == pytest.approx(100)
    assert value(found["without a unit"]) == pytest.approx(3 / 4)
    assert value(found["without a number"]) == pytest.approx(1 / 4)


# --- reports ----------------------------------------

LEFT = "Left breast: one oval hypoechoic mass, 12 x 9 mm, BI-RADS 3."
RIGHT = "Right breast: one oval hypoechoic mass, 12 x 9 mm, BI-RADS 3."


def test_a_report_has_facts_entities_mistakes_and_remarks():
    found = scored([item(LEFT)], RIGHT)
    assert value(found["side F1"]) == 0
    assert value(found["measurement F1"]) == 1
    assert value(found["texts with mistake: laterality"]) == 1
    assert value(found["texts with remark: missing unit"]) == 0
    assert found["texts with remark: missing unit"].lower_is_better
    assert value(found["entities Hamming"]) == value(found["entities F1"]) == 1
    assert not found["entities F1"].lower_is_better


def test_entities_by_hand():
    """Vessel has 5 entities. Plaque is right, stenosis missed: 4 of 5 cells; P = R = F1 = 1/2."""
    true = "Carotid plaque with stenosis of the carotid artery."
    found = scored([item(true, anatomy="vessel")], "Carotid plaque.")
    assert value(found["entities Hamming"]) == pytest.approx(4 / 5)
    assert value(found["entities precision"]) == pytest.approx(1 / 2)
    assert value(found["entities recall"]) == pytest.approx(1 / 2)
    assert value(found["entities F1"]) == pytest.approx(1 / 2)


def test_entities_are_averaged_over_the_anatomies_that_are_known():
    """Heart 0, vessel 1; the report of no known anatomy counts for facts alone."""
    items = [
        item("Pericardial effusion.", Task.IMPRESSION, "heart"),
        item("Carotid plaque.", Task.IMPRESSION, "vessel"),
        item("Left breast mass.", Task.IMPRESSION, UNKNOWN),
    ]
    found = scored(items, "Normal heart.", "Carotid plaque.", "Left breast mass.")
    average, *others = rows_of(found["entities F1"], 100, 0)
    assert average.told["systems"]["m"]["value"] == pytest.approx(1 / 2)
    assert average.told["items"] == 2
    assert {row.told["anatomy"] for row in others} == {"heart", "vessel"}
    assert {row.told["anatomy"] for row in rows_of(found["facts F1"], 100, 0)} == {
        "average", "heart", "vessel", UNKNOWN,
    }  # fmt: skip


def test_remarks_tell_sizes_without_unit_and_categories_that_do_not_fit():
    said = [
        "Left breast: a mass that measures 12 x 9.",
        "Left breast: oval anechoic circumscribed parallel mass with posterior enhancement, "
        "BI-RADS 5.",
    ]
    found = scored([item(LEFT), item(LEFT)], *said)
    assert value(found["texts with remark: missing unit"]) == pytest.approx(1 / 2)
    assert value(found["texts with remark: inconsistent category"]) == pytest.approx(1 / 2)


def test_captions_and_questions_are_texts_alone():
    found = scored([item(LEFT, Task.CAPTION)], RIGHT)
    assert "BLEU-1" in found
    assert not any("facts" in name or "entities" in name for name in found)


def test_references_are_read_once_for_all_looks(monkeypatch):
    read = []
    original = scoring.read_reports

    def counting(texts, languages):
        read.extend(texts)
        return original(texts, languages)

    monkeypatch.setattr(scoring, "read_reports", counting)
    scored([item(LEFT)], RIGHT, looks=(PLAIN, "blank", "noise"))
    assert read.count(LEFT) == 1
    assert read.count(RIGHT) == 3


def test_every_score_is_resampled_without_a_warning():
    with np.errstate(all="raise"):
        for score in scored([item(LEFT), item(RIGHT)], RIGHT, RIGHT).values():
            rows_of(score, 100, 0)
