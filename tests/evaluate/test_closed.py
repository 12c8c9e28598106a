"""Closed questions: what is chosen, and scores over candidates of several data sets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from echovlm.evaluate.closed import UNREADABLE, chosen_in, closed_probabilities, closed_scores
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import Reply
from echovlm.prompts import Task
from echovlm.terms import Language

PAIR = ("benign", "malignant")
OTHERS = ("cyst", "normal")


def item(reference: str, candidates: tuple[str, ...] = PAIR, source: str = "one") -> Item:
    return Item(
        id=reference,
        number=0,
        study="s",
        images=("a.png",),
        patient="p",
        source=source,
        anatomy="breast",
        task=Task.DIAGNOSIS,
        language=Language.ENGLISH,
        question="?",
        reference=reference,
        candidates=candidates,
    )


def ranked(*shares: float) -> Reply:
    return Reply(likelihoods=tuple(math.log(share) for share in shares))


def value(statistic, cases: int) -> float:
    return float(statistic(np.ones((1, cases), dtype=int))[0])


@pytest.mark.parametrize(
    ("text", "candidates", "chosen"),
    [
        ("The lesion is malignant.", PAIR, "malignant"),
        ("This is not malignant.", PAIR, ""),
        ("It is benign, not malignant.", PAIR, "benign"),
        ("Benign or malignant.", PAIR, ""),
        ("Abnormal.", ("normal", "abnormal"), "abnormal"),
        ("不正常", ("正常", "异常"), ""),
        ("考虑为恶性结节。", ("良性结节", "恶性结节"), "恶性结节"),
        ("cystic nodule", ("cyst", "cystic nodule"), "cystic nodule"),
        ("", PAIR, ""),
    ],
)
def test_what_a_text_chooses(text, candidates, chosen):
    assert chosen_in(text, candidates) == chosen


def test_every_likelihood_of_two_classes_gives_the_halved_brier_score():
    """0.1^2 + 0.1^2 over two."""
    scores = closed_scores([item("benign")], [ranked(0.9, 0.1)], 1.0)
    assert value(scores["Brier score"], 1) == pytest.approx(0.01)
    assert closed_probabilities([item("benign")], [ranked(0.9, 0.1)], 1.0).classes == PAIR


def test_an_unreadable_answer_is_wrong_and_no_class():
    """Of benign 3 of 4 are found (F1 6/7), of malignant 1 of 1."""
    items = [item("benign")] * 4 + [item("malignant")]
    replies = [Reply("benign")] * 3 + [Reply("?"), Reply("malignant")]
    scores = closed_scores(items, replies, 1.0)
    assert value(scores["accuracy"], 5) == 4 / 5
    assert value(scores["macro F1"], 5) == pytest.approx((6 / 7 + 1) / 2)
    assert value(scores["unreadable"], 5) == 1 / 5


def test_a_missing_answer_of_who_ranks_is_wrong_and_leaves_the_scores_of_ranking():
    items = [item("benign"), item("malignant"), item("malignant")]
    replies = [ranked(0.8, 0.2), ranked(0.3, 0.7), Reply("")]
    scores = closed_scores(items, replies, 1.0)
    assert value(scores["accuracy"], 3) == pytest.approx(2 / 3)
    assert "AUROC" in scores
    assert closed_probabilities(items, replies, 1.0).classes == (*PAIR, UNREADABLE)


def test_areas_are_taken_within_the_candidates_of_a_set():
    """A coin in both sets: 0.5, although each set's cases are sure negatives of the other's."""
    items = [item("benign"), item("malignant")]
    items += [item("cyst", OTHERS, "two"), item("normal", OTHERS, "two")]
    scores = closed_scores(items, [ranked(0.5, 0.5)] * 4, 1.0)
    assert value(scores["AUROC"], 4) == 0.5
    assert value(scores["AUPRC"], 4) == 0.5
