"""From replies to scores: which metrics judge which task.

| task | judged by |
|---|---|
| report, findings, impression | text metrics; facts, entities, mistakes, remarks (``clinical``) |
| caption, question | text metrics |
| question that asks for a measurement | error in its unit and in %, number or unit missing |
| diagnosis, anatomy | choice among the candidates, probabilities, abstaining |
| choice, judge | share right, share unreadable |

A diagnosis or anatomy that has a single answer, or more than can be ranked, is judged as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from echovlm.evaluate.clinical import (
    FactKind,
    MistakeKind,
    Reading,
    RemarkKind,
    entity_scores_of,
    read_reports,
    remarks_by_rule,
    score_readings,
)
from echovlm.evaluate.clinical import signature as clinical_signature
from echovlm.evaluate.closed import closed_scores
from echovlm.evaluate.intervals import Statistic, mean_of
from echovlm.evaluate.items import CLOSED, UNKNOWN, Item
from echovlm.evaluate.measurements import MeasurementScores, measured_value, measurement_scores
from echovlm.evaluate.replies import choice_scores, judge_scores, read_options
from echovlm.evaluate.rows import Answered, Score
from echovlm.evaluate.systems import Reply
from echovlm.evaluate.text import Metric
from echovlm.facts.statement import unit_of
from echovlm.prompts import Task
from echovlm.terms import Language

MEASUREMENT = "measurement"
"""Questions about a measurement, judged by its error."""

IN_WORDS = "in words"
"""Closed questions without candidates: all answers are one, or too many; judged as text."""

_ALL = "all"
_TOLD = (Task.REPORT, Task.FINDINGS, Task.IMPRESSION)
_LOWER = (
    "calibration error", "Brier score", "area under risk-coverage", "unreadable", "median error in",
    "without a number", "without a unit", "texts with",
)  # fmt: skip
"""How the names of scores begin of which less is better."""

_MISSING_MEASUREMENT = "median over answers; a missing number or unit counts as 0"
_FINE = 3  # digits of scores between 0 and 1
_SHARES = ("without a number", "without a unit")

Replies = Mapping[Answered, Sequence[Reply | None]]
"""Replies to all items, by system and look; None where a system does not do the task."""

Metrics = Callable[[Language], Mapping[str, Metric]]
"""The text metrics of a preset in one language."""

Scorer = Callable[[Sequence[Reply], float], Mapping[str, Statistic]]
"""Replies to some items and the temperature of who replied, to a statistic per score."""


@dataclass(frozen=True)
class Judge:
    """How the items of a task are judged.

    Attributes:
        of: what scores the replies to some items; made once for all systems and looks.
        decimals: digits shown.
        signature: of scores that carry none themselves.
        by_anatomy: whether anatomies are judged apart.
        judges: which items of the task it judges.
    """

    of: Callable[[Sequence[Item]], Scorer]
    decimals: int
    signature: str
    by_anatomy: bool = True
    judges: Callable[[Item], bool] = lambda item: True


def scores_of(
    items: Sequence[Item], replies: Replies, temperatures: Mapping[str, float], metrics: Metrics
) -> Iterator[Score]:
    """Every score of every task and language.

    Args:
        items: what was asked.
        replies: what each system replied, in the order of the items.
        temperatures: of each system's likelihoods.
        metrics: of texts.
    """
    groups: dict[tuple[str, Language], list[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault((task_of(item), item.language), []).append(place)
    for (task, language), places in sorted(groups.items()):
        own = [items[place] for place in places]
        done = {
            who: [said[place] for place in places]
            for who, said in replies.items()
            if all(said[place] is not None for place in places)
        }
        for judge in _judges(task, own, metrics(language)):
            yield from _scores(task, language, own, done, temperatures, judge)


def task_of(item: Item) -> str:
    """The task under which an item is judged."""
    if item.task is Task.QUESTION and _true_value(item) is not None:
        return MEASUREMENT
    if item.task in CLOSED and not item.candidates:
        return f"{item.task} {IN_WORDS}"
    return str(item.task)


def _judges(task: str, items: Sequence[Item], texts: Mapping[str, Metric]) -> list[Judge]:
    if task == MEASUREMENT:
        units = sorted({_unit(item) for item in items})
        return [
            Judge(_directly(_relative_errors), 1, _MISSING_MEASUREMENT),
            *(Judge(_directly(_errors), 1, _MISSING_MEASUREMENT, judges=_is_in(unit))
              for unit in units),
        ]  # fmt: skip
    if task == Task.CHOICE:
        return [Judge(_directly(_choices), _FINE, "echovlm.evaluate.replies")]
    if task == Task.JUDGE:
        return [Judge(_directly(_judgements), _FINE, "echovlm.evaluate.replies")]
    if task in CLOSED:
        closed = "closed set; probabilities: softmax of likelihoods over the temperature"
        by_anatomy = task != Task.ANATOMY
        return [Judge(_directly(_closed), _FINE, closed, by_anatomy=by_anatomy)]
    judges = [Judge(_directly(partial(_texts, texts)), 1, "")]
    if task in _TOLD:
        judges.append(Judge(_told, _FINE, clinical_signature()))
    return judges


def _directly(
    score: Callable[[Sequence[Item], Sequence[Reply], float], Mapping[str, Statistic]],
) -> Callable[[Sequence[Item]], Scorer]:
    """What needs nothing made of the items beforehand."""
    return lambda items: partial(score, items)


def _scores(
    task: str,
    language: Language,
    items: Sequence[Item],
    replies: Mapping[Answered, Sequence[Any]],
    temperatures: Mapping[str, float],
    judge: Judge,
) -> Iterator[Score]:
    parts: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        if judge.judges(item):
            parts.setdefault(item.anatomy if judge.by_anatomy else _ALL, []).append(place)
    judged: dict[str, dict[Answered, Mapping[str, Statistic]]] = {}
    for part, places in parts.items():
        scored = judge.of([items[place] for place in places])
        judged[part] = {
            who: scored([said[place] for place in places], temperatures[who[0]])
            for who, said in replies.items()
        }
    names = dict.fromkeys(
        name for of_part in judged.values() for scores in of_part.values() for name in scores
    )
    for name in names:
        of_name = {
            part: (
                parts[part],
                {who: scores[name] for who, scores in of_part.items() if name in scores},
            )
            for part, of_part in judged.items()
            if any(name in scores for scores in of_part.values())
        }
        first = next(one for _, statistics in of_name.values() for one in statistics.values())
        yield Score(
            task=task,
            language=str(language),
            metric=name,
            patients=[item.patient for item in items],
            parts=of_name,
            signature=str(getattr(first, "signature", judge.signature)),
            lower_is_better=name.startswith(_LOWER),
            decimals=_FINE if name.startswith(_SHARES) else judge.decimals,
        )


# --- closed questions, choices and judgements ---


def _closed(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> Mapping[str, Statistic]:
    # The temperature is fitted to diagnoses.
    asked = items[0].task is Task.ANATOMY
    return closed_scores(items, replies, 1.0 if asked else temperature)


def _choices(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> Mapping[str, Statistic]:
    options = [read_options(item.question) for item in items]
    scores = choice_scores([one.text for one in replies], [i.reference for i in items], options)
    return {"accuracy": scores.accuracy, "unreadable": scores.unreadable}


def _judgements(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> Mapping[str, Statistic]:
    scores = judge_scores([one.text for one in replies], [item.reference for item in items])
    return {"accuracy": scores.accuracy, "unreadable": scores.unreadable}


# --- texts ---


def _texts(
    metrics: Mapping[str, Metric],
    items: Sequence[Item],
    replies: Sequence[Reply],
    temperature: float,
) -> Mapping[str, Statistic]:
    said, true = [one.text for one in replies], [item.reference for item in items]
    return {name: one(said, true, items[0].language) for name, one in metrics.items()}


def _told(items: Sequence[Item]) -> Scorer:
    """Reads each text once; the references for all systems together."""
    languages = [item.language for item in items]
    true = read_reports([item.reference for item in items], languages)

    def scored(replies: Sequence[Reply], temperature: float) -> Mapping[str, Statistic]:
        said = read_reports([one.text for one in replies], languages)
        return _facts(said, true) | _entities(said, true, items[0].anatomy) | _remarks(said)

    return scored


def _facts(said: Sequence[Reading], true: Sequence[Reading]) -> dict[str, Statistic]:
    scores = score_readings(said, true)
    return (
        {"facts F1": scores.f1(), "facts precision": scores.precision()}
        | {"facts recall": scores.recall()}
        | {f"{kind} F1": scores.f1(kind) for kind in FactKind}
        | {f"texts with mistake: {kind}": scores.rate(kind) for kind in MistakeKind}
    )


def _entities(
    said: Sequence[Reading], true: Sequence[Reading], anatomy: str
) -> dict[str, Statistic]:
    """Entities of one anatomy, none where it is not known."""
    if anatomy == UNKNOWN:
        return {}
    scores = entity_scores_of(said, true, [anatomy] * len(said))
    return {
        "entities Hamming": scores.hamming_accuracy(),
        "entities precision": scores.macro_precision(),
        "entities recall": scores.macro_recall(),
        "entities F1": scores.macro_f1(),
    }


def _remarks(said: Sequence[Reading]) -> dict[str, Statistic]:
    kinds = [{each.kind for each in remarks_by_rule(reading)} for reading in said]
    return {
        f"texts with remark: {kind}": mean_of([kind in found for found in kinds])
        for kind in RemarkKind
    }


# --- measurements ---


def _asked_name(item: Item) -> str:
    """The one fact a question asks for, "" where there are several or none."""
    names = {fact.name for fact in item.facts}
    return names.pop() if len(names) == 1 else ""


def _true_value(item: Item) -> float | None:
    """The true value of the measurement that a question asks for, in the unit of its name."""
    name = _asked_name(item)
    return _value_in(item.reference, name, item.language) if unit_of(name) else None


@lru_cache(maxsize=65536)
def _value_in(reference: str, name: str, language: Language) -> float | None:
    return measured_value(reference, name, language) or None


def _unit(item: Item) -> str:
    return str(unit_of(_asked_name(item)))


def _is_in(unit: str) -> Callable[[Item], bool]:
    return lambda item: _unit(item) == unit


def _measured(items: Sequence[Item], replies: Sequence[Reply]) -> MeasurementScores:
    return measurement_scores(
        [one.text for one in replies],
        [value for item in items if (value := _true_value(item))],
        [_asked_name(item) for item in items],
        [item.language for item in items],
    )


def _relative_errors(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> Mapping[str, Statistic]:
    scores = _measured(items, replies)
    return {
        "median error in %": scores.median_error_percent,
        "without a number": scores.without_number,
        "without a unit": scores.without_unit,
    }


def _errors(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> Mapping[str, Statistic]:
    """Of items with one unit; an error of a share is one of percentage points, not of the share."""
    scores = _measured(items, replies)
    unit = scores.units[0].replace("%", "percentage points")
    return {f"median error in {unit}": scores.median_error}
