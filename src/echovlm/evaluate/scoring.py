"""From replies to scores: which metrics judge which task.

| task | judged by |
|---|---|
| report, findings, impression | text metrics, facts (:mod:`echovlm.evaluate.clinical`) |
| caption, question | text metrics |
| question that asks for a length | error in mm and %, share of answers without a length |
| diagnosis, anatomy | choice among the candidates, probabilities, abstaining |
| choice, judge | share right, share unreadable |

A diagnosis or anatomy that has a single answer, or more than can be ranked, is judged as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from echovlm.evaluate import measures
from echovlm.evaluate.calibration import probabilities
from echovlm.evaluate.classification import (
    ClassProbabilities,
    accuracy,
    balanced_accuracy,
    class_probabilities,
    diagnosis_scores,
    macro_f1,
)
from echovlm.evaluate.clinical import FactKind, MistakeKind, clinical_scores
from echovlm.evaluate.clinical import signature as clinical_signature
from echovlm.evaluate.intervals import Statistic, mean_of
from echovlm.evaluate.items import CLOSED, Item
from echovlm.evaluate.lengths import length_scores
from echovlm.evaluate.replies import choice_scores, judge_scores, read_options
from echovlm.evaluate.rows import Answered, Score
from echovlm.evaluate.systems import Reply
from echovlm.evaluate.text import Metric
from echovlm.prompts import Task
from echovlm.terms import Language

MEASUREMENT = "measurement"
"""Questions about a length, judged by its error."""

IN_WORDS = "in words"
"""Closed questions without candidates: all answers are one, or too many; judged as text."""

UNREADABLE = "(unreadable)"
"""Stands for the choice of a system that wrote none of the candidates, or several."""

_ALL = "all"
_TOLD = (Task.REPORT, Task.FINDINGS, Task.IMPRESSION)
_LOWER = frozenset(
    {"calibration error", "Brier score", "area under risk-coverage", "unreadable",
     "median error in mm", "median error in %", "without a number", "without a unit"}
)  # fmt: skip
_MISTAKES = "texts with mistake: "
_FINE = 3  # digits of scores between 0 and 1

Replies = Mapping[Answered, Sequence[Reply | None]]
"""Replies to all items, by system and look; None where a system does not do the task."""

Metrics = Callable[[Language], Mapping[str, Metric]]
"""The text metrics of a preset in one language."""


@dataclass(frozen=True)
class Judge:
    """How the items of a task are judged.

    Attributes:
        make: items, replies to them and a temperature to a statistic per score.
        decimals: digits shown.
        signature: of scores that carry none themselves.
        by_anatomy: whether anatomies are judged apart.
    """

    make: Callable[[Sequence[Item], Sequence[Reply], float], Mapping[str, Statistic]]
    decimals: int
    signature: str
    by_anatomy: bool = True


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
    if item.task is Task.QUESTION and _length_of(item) is not None:
        return MEASUREMENT
    if item.task in CLOSED and not item.candidates:
        return f"{item.task} {IN_WORDS}"
    return str(item.task)


def _judges(task: str, items: Sequence[Item], texts: Mapping[str, Metric]) -> list[Judge]:
    if task == MEASUREMENT:
        return [Judge(_lengths, 1, "median over answers; a missing length counts as 0 mm")]
    if task == Task.CHOICE:
        return [Judge(_choices, _FINE, "echovlm.evaluate.replies")]
    if task == Task.JUDGE:
        return [Judge(_judgements, _FINE, "echovlm.evaluate.replies")]
    if task in CLOSED:
        closed = "closed set; probabilities: softmax of likelihoods over the temperature"
        return [Judge(_closed, _FINE, closed, by_anatomy=task != Task.ANATOMY)]
    judges = [Judge(_texts(texts), 1, "")]
    if task in _TOLD:
        judges.append(Judge(_facts, _FINE, clinical_signature()))
    return judges


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
        parts.setdefault(item.anatomy if judge.by_anatomy else _ALL, []).append(place)
    judged: dict[str, dict[Answered, Mapping[str, Statistic]]] = {
        part: {
            who: judge.make(
                [items[place] for place in places],
                [said[place] for place in places],
                temperatures[who[0]],
            )
            for who, said in replies.items()
        }
        for part, places in parts.items()
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
        }
        first = next(one for _, statistics in of_name.values() for one in statistics.values())
        yield Score(
            task=task,
            language=str(language),
            metric=name,
            patients=[item.patient for item in items],
            parts=of_name,
            signature=str(getattr(first, "signature", judge.signature)),
            lower_is_better=name in _LOWER or name.startswith(_MISTAKES),
            decimals=judge.decimals,
        )


# --- closed questions ---


def closed_probabilities(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> ClassProbabilities:
    """What a system thinks of closed items; what it wrote counts as certain of one candidate.

    Raises:
        ValueError: when a likelihood is no number.
    """
    classes = dict.fromkeys(answer for item in items for answer in item.candidates)
    chances = [_chances(item, said, temperature) for item, said in zip(items, replies, strict=True)]
    true = [item.reference for item in items]
    return class_probabilities(true, chances, [*classes, UNREADABLE])


def _chances(item: Item, reply: Reply, temperature: float) -> dict[str, float]:
    if not reply.likelihoods:
        return {chosen_in(reply.text, item.candidates) or UNREADABLE: 1.0}
    values = probabilities(reply.likelihoods, temperature)
    return dict(zip(item.candidates, values.tolist(), strict=True))


def chosen_in(text: str, candidates: Sequence[str]) -> str:
    """The candidate that a text names, "" where it names none or several.

    A candidate within a longer one that is named too ("cyst" in "cystic nodule") is not meant.
    """
    words = text.casefold()
    named = [one for one in candidates if one.casefold() in words]
    longest = [
        one
        for one in named
        if not any(one != other and one.casefold() in other.casefold() for other in named)
    ]
    return longest[0] if len(longest) == 1 else ""


def _closed(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> Mapping[str, Statistic]:
    thought = closed_probabilities(items, replies, temperature)
    if all(reply.likelihoods for reply in replies):
        return diagnosis_scores(thought)
    chosen = thought.chosen
    return {
        "accuracy": accuracy(thought.truth, chosen),
        "balanced accuracy": balanced_accuracy(thought.truth, chosen),
        "macro F1": macro_f1(thought.truth, chosen),
        "unreadable": mean_of([one == UNREADABLE for one in chosen]),
    }


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
) -> Callable[[Sequence[Item], Sequence[Reply], float], Mapping[str, Statistic]]:
    def make(
        items: Sequence[Item], replies: Sequence[Reply], temperature: float
    ) -> Mapping[str, Statistic]:
        said, true = [one.text for one in replies], [item.reference for item in items]
        return {name: one(said, true, items[0].language) for name, one in metrics.items()}

    return make


def _facts(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> Mapping[str, Statistic]:
    scores = clinical_scores(
        [one.text for one in replies],
        [item.reference for item in items],
        [item.language for item in items],
    )
    return (
        {"facts F1": scores.f1(), "facts precision": scores.precision()}
        | {"facts recall": scores.recall()}
        | {f"{kind} F1": scores.f1(kind) for kind in FactKind}
        | {f"{_MISTAKES}{kind}": scores.rate(kind) for kind in MistakeKind}
    )


# --- lengths ---


def _length_of(item: Item) -> float | None:
    """The true length a question asks for, in mm."""
    names = {fact.name for fact in item.facts}
    if len(names) != 1 or not next(iter(names)).endswith("_mm"):
        return None
    return measures.length_mm(item.reference, item.language, next(iter(names))) or None


def _lengths(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> Mapping[str, Statistic]:
    scores = length_scores(
        [one.text for one in replies],
        [length for item in items if (length := _length_of(item))],
        [item.language for item in items],
        [item.facts[0].name for item in items],
    )
    return {
        "median error in mm": scores.median_error_mm,
        "median error in %": scores.median_error_percent,
        "without a number": scores.without_number,
        "without a unit": scores.without_unit,
    }
