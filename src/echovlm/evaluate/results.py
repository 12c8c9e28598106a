"""The result of an evaluation: rows, comparisons, notes, and what pictures are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from echovlm.evaluate.calibration import reliability
from echovlm.evaluate.classification import ClassProbabilities
from echovlm.evaluate.closed import closed_probabilities
from echovlm.evaluate.comparisons import BOOTSTRAP, SIGN_FLIPS, holm, sign_flip_p
from echovlm.evaluate.items import Item
from echovlm.evaluate.perturb import Perturbation
from echovlm.evaluate.rows import AVERAGE, HEADLINES, PLAIN, Row, Score, difference, rows_of
from echovlm.evaluate.scoring import Replies
from echovlm.evaluate.selective import risk_coverage_curve
from echovlm.evaluate.systems import Reply, System
from echovlm.prompts import Task

Patients = dict[tuple[str, str], Sequence[str]]
"""Patient of each item, by task and language."""


@dataclass(frozen=True)
class Judged:
    """All scores of an evaluation.

    Attributes:
        rows: JSON values of every row, averages before their anatomies.
        comparisons: of the first system with each other one, by the averages.
        notes: sentences on what a reader has to know.
    """

    rows: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    notes: list[str]


def judged(scores: Iterable[Score], systems: Sequence[System], resamples: int, seed: int) -> Judged:
    """Resample every score.

    Args:
        scores: of all tasks.
        systems: under test.
        resamples: of the bootstrap over patients.
        seed: of the resamples.
    """
    rows: list[Row] = []
    patients: Patients = {}
    for score in scores:
        patients[score.task, score.language] = score.patients
        rows += rows_of(score, resamples, seed)
    for row in rows:
        _mark_blind(row.told)
    comparisons = _comparisons(rows, patients, seed)
    return Judged([row.told for row in rows], comparisons, _notes(rows, systems))


def _mark_blind(told: Mapping[str, Any]) -> None:
    """Say of every look whether the score does without what it takes away.

    It does where the interval of the difference reaches zero, or lies on the wrong side of it. To
    do without callipers and writing is no fault, nor to know the anatomy by another patient's
    picture of it.
    """
    judging = told["metric"] in HEADLINES
    harmless = {Perturbation.CALIPER_REMOVED}
    if told["task"] == Task.ANATOMY:
        harmless.add(Perturbation.PATIENT_SHUFFLED)
    for entry in told["systems"].values():
        for look, taken in entry["looks"].items():
            end = taken["high"] if told["lower_is_better"] else taken["low"]
            same = end is not None and (end >= 0 if told["lower_is_better"] else end <= 0)
            taken["blind"] = judging and same and look not in harmless


def _comparisons(rows: Sequence[Row], patients: Patients, seed: int) -> list[dict[str, Any]]:
    """The first system against each other one, by the averages of the main scores.

    p comes from sign flips where the score is a mean over items, else from the bootstrap, and is
    corrected over the comparisons of a task and language. Were every two systems compared by every
    score, the least p of the bootstrap could not pass the correction.
    """
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row.told["anatomy"] != AVERAGE or row.told["metric"] not in HEADLINES:
            continue
        family = row.told["task"], row.told["language"]
        one = next(iter(row.drawn), "")
        for other in list(row.drawn)[1:]:
            apart = difference(row.drawn[one], row.drawn[other])
            if apart["p"] is None:
                continue
            kept = {name: row.told[name] for name in ("task", "language", "metric", "decimals")}
            test: dict[str, Any] = {"test": BOOTSTRAP}
            if one in row.cases and other in row.cases:
                p = sign_flip_p(row.cases[one], row.cases[other], patients[family], seed)
                test = {"test": SIGN_FLIPS, "p": p}
            found = kept | {"one": one, "other": other} | apart | test
            families.setdefault(family, []).append(found)
    done = []
    for members in families.values():
        corrected = holm([one["p"] for one in members])
        done += [one | {"p_corrected": float(p)} for one, p in zip(members, corrected, strict=True)]
    return done


def _notes(rows: Sequence[Row], systems: Sequence[System]) -> list[str]:
    notes = []
    for system in systems:
        blind: dict[str, list[str]] = {}
        for row in rows:
            score = f"{row.told['task']} {row.told['language']} {row.told['metric']}"
            if row.told["anatomy"] == AVERAGE and system.name in row.told["systems"]:
                for look, taken in row.told["systems"][system.name]["looks"].items():
                    if taken["blind"]:
                        blind.setdefault(score, []).append(look)
        if blind:
            told = "; ".join(f"{score} ({', '.join(looks)})" for score, looks in blind.items())
            notes.append(
                f"{system.name} is not shown to look: it is not surely worse without what it "
                f"should see, by {told}."
            )
        missing = getattr(system, "missing", 0)
        if missing:
            notes.append(
                f"{system.name} has no prediction for {missing} items; they count as wrong."
            )
    return notes


# --- what pictures are drawn from ---


def confidences(
    items: Sequence[Item], replies: Replies, temperatures: Mapping[str, float]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """How sure systems that rank diagnoses are: reliability, and risk against coverage.

    Returns:
        "reliability" and "risk_coverage": by system, JSON values of their bins and points.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {"reliability": {}, "risk_coverage": {}}
    for (name, look), said in replies.items():
        pairs = _ranked(items, said)
        if look == PLAIN and pairs:
            thought = _thought(pairs, temperatures[name])
            sure, right = thought.confidences.tolist(), thought.right.tolist()
            found["reliability"][name] = [asdict(one) for one in reliability(sure, right)]
            found["risk_coverage"][name] = [asdict(p) for p in risk_coverage_curve(sure, right)]
    return found


def confusions(
    items: Sequence[Item], replies: Replies, temperatures: Mapping[str, float]
) -> dict[tuple[str, str], tuple[list[str], np.ndarray]]:
    """Names of the classes and counts ``(C, C)``, true by chosen, per system and anatomy."""
    tables = {}
    for (name, look), said in replies.items():
        pairs = _ranked(items, said) if look == PLAIN else []
        for anatomy in sorted({item.anatomy for item, _ in pairs}):
            own = [pair for pair in pairs if pair[0].anatomy == anatomy]
            language = min(item.language for item, _ in own)  # English where there are both
            own = [pair for pair in own if pair[0].language == language]
            thought = _thought(own, temperatures[name])
            classes = [one for one in thought.classes if one in {*thought.truth, *thought.chosen}]
            counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
            for true, chosen in zip(thought.truth, thought.chosen, strict=True):
                counts[classes.index(true), classes.index(chosen)] += 1
            tables[name, anatomy] = classes, counts
    return tables


def _thought(pairs: Sequence[tuple[Item, Reply]], temperature: float) -> ClassProbabilities:
    return closed_probabilities([i for i, _ in pairs], [r for _, r in pairs], temperature)


def _ranked(items: Sequence[Item], replies: Sequence[Reply | None]) -> list[tuple[Item, Reply]]:
    """Diagnoses whose candidates a system ranked."""
    return [
        (item, reply)
        for item, reply in zip(items, replies, strict=True)
        if item.task is Task.DIAGNOSIS and reply is not None and reply.likelihoods
    ]
