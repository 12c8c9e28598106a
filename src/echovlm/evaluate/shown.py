"""What the page of an evaluation shows beside its tables: drawings, routing and the worst cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from echovlm.evaluate import plots
from echovlm.evaluate.clinical import read_reports, remarks
from echovlm.evaluate.intervals import Statistic
from echovlm.evaluate.items import Item, Items
from echovlm.evaluate.page import Drawing, WorstCase
from echovlm.evaluate.rows import PLAIN
from echovlm.evaluate.scoring import Replies
from echovlm.evaluate.systems import Asked
from echovlm.evaluate.text import Preset
from echovlm.prompts import Task
from echovlm.terms import Language

_WORST = 8
_AT_ONCE = 256  # cases scored each alone: as many rows of weights
_ROUTED_STUDIES = 12  # of each anatomy
_DRAWN = {Task.REPORT: "BLEU-1", Task.DIAGNOSIS: "balanced accuracy", Task.QUESTION: "ROUGE-1"}

ExpertLoad = Callable[[Asked], np.ndarray | None]
"""Gives ``(layers, experts)``: how the pictures of an item are spread; None without experts."""


def routing(
    items: Items, loads_of: Mapping[str, ExpertLoad | None]
) -> dict[str, dict[str, list[list[float]]]]:
    """Mean expert load by system and anatomy, of a dozen studies each.

    Args:
        items: of the evaluation.
        loads_of: by system; systems without experts have no entry in the result.
    """
    chosen: dict[str, dict[str, Item]] = {}
    for item in items.chosen:
        studies = chosen.setdefault(item.anatomy, {})
        if len(studies) < _ROUTED_STUDIES:
            studies.setdefault(item.study, item)
    found: dict[str, dict[str, list[list[float]]]] = {}
    for name, expert_load in loads_of.items():
        if expert_load is None:
            continue
        for anatomy, studies in sorted(chosen.items()):
            loads = [expert_load(Asked(item, items.pictures(item))) for item in studies.values()]
            known = [load for load in loads if load is not None]
            if known:
                mean = np.mean(known, axis=0).round(4).tolist()
                found.setdefault(name, {})[anatomy] = mean
    return found


def drawings(
    result: Mapping[str, Any], tables_of: Mapping[tuple[str, str], tuple[list[str], np.ndarray]]
) -> list[Drawing]:
    """Scores by anatomy, reliability, confusion of the first system, routing.

    Args:
        result: what ``results.json`` holds.
        tables_of: of :func:`echovlm.evaluate.results.confusions`.
    """
    names = [system["name"] for system in result["about"]["systems"]]
    drawn = []
    for task, metric in _DRAWN.items():
        for language in result["about"]["languages"]:
            rows = [
                row
                for row in result["rows"]
                if (row["task"], row["metric"], row["language"]) == (task, metric, language)
            ]
            if len(rows) > 1:
                title = f"{task}, {language}: {metric} by anatomy, with 95 % intervals"
                drawn.append(Drawing(title, plots.by_anatomy(rows, names)))
    if result["reliability"]:
        title = "Diagnosis: how often answers of a confidence are right"
        drawn.append(Drawing(title, plots.reliability(result["reliability"])))
        title = (
            "Diagnosis: share wrong of the answers that are given, when unsure ones are withheld"
        )
        drawn.append(Drawing(title, plots.risk_coverage(result["risk_coverage"])))
    for (name, anatomy), (classes, counts) in tables_of.items():
        if name == names[0]:
            title = f"Diagnosis, {anatomy}: what {name} chose, in one language"
            drawn.append(Drawing(title, plots.confusion(classes, counts)))
    for name, loads in result["routing"].items():
        arrays = {anatomy: np.array(load) for anatomy, load in loads.items()}
        title = f"{name}: share of the router's places per layer and expert"
        drawn.append(Drawing(title, plots.routing(arrays)))
    return drawn


def worst_cases(
    items: Items,
    replies: Replies,
    names: Sequence[str],
    languages: Sequence[Language],
    texts: Preset,
) -> list[WorstCase]:
    """The reports, or else findings, of the first system that agree least with their reference.

    Args:
        items: of the evaluation.
        replies: to them.
        names: systems, in the order of the tables.
        languages: asked in.
        texts: the metrics; ROUGE-L ranks, or else BLEU-1.
    """
    written = next(
        (
            places
            for task in (Task.REPORT, Task.FINDINGS, Task.CAPTION)
            if (places := [n for n, item in enumerate(items.chosen) if item.task is task])
            and all(replies[names[0], PLAIN][n] is not None for n in places)
        ),
        [],
    )
    ranked: list[tuple[float, str, int]] = []
    for language in languages:
        own = [n for n in written if items.chosen[n].language is language]
        if not own:
            continue
        metrics = texts.metrics(language)
        name = "ROUGE-L" if "ROUGE-L" in metrics else "BLEU-1"
        metric = metrics[name]
        said = [_text(replies[names[0], PLAIN][n]) for n in own]
        scored = metric(said, [items.chosen[n].reference for n in own], language)
        singles = _case_by_case(scored, len(own))
        ranked += [(float(value), name, n) for value, n in zip(singles, own, strict=True)]
    return [
        WorstCase(
            id=items.chosen[n].id,
            system=names[0],
            anatomy=items.chosen[n].anatomy,
            language=str(items.chosen[n].language),
            metric=name,
            score=value,
            reference=items.chosen[n].reference,
            texts={who: _text(replies[who, PLAIN][n]) for who in names if replies[who, PLAIN][n]},
            remarks=_remarks(_text(replies[names[0], PLAIN][n]), items.chosen[n]),
            pictures=list(items.pictures(items.chosen[n])),
        )
        for value, name, n in sorted(ranked)[:_WORST]
    ]


def _case_by_case(score: Statistic, cases: int) -> np.ndarray:
    """The score of each case alone, ``(cases,)``."""
    parts = np.array_split(np.arange(cases), max(1, cases // _AT_ONCE))
    return np.concatenate(
        [score((part[:, None] == np.arange(cases)).astype(np.int32)) for part in parts]
    )


def _remarks(text: str, item: Item) -> list[str]:
    said, true = read_reports([text, item.reference], [item.language] * 2)
    return [remark.sentence for remark in remarks(said, true)]


def _text(reply: Any) -> str:
    return "" if reply is None else str(reply.text)
