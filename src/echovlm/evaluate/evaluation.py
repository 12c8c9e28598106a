"""An evaluation from end to end: items, replies of every system under every look, scores, files.

    out/replies/SYSTEM/LOOK/    what was replied, kept as it comes (a stopped run goes on)
    out/results.json            every number with its signature, and what it takes to repeat it
    out/results.md, .html       the same for reading; the page needs no other file

Several processes ask their own studies each; the first one scores when all are done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from echovlm.data.manifest import MANIFEST
from echovlm.data.reader import SampleReader
from echovlm.data.sample import Split
from echovlm.data.writing import sha256_of, write_whole
from echovlm.errors import OptionError
from echovlm.evaluate import plots, tables
from echovlm.evaluate.book import Book, folder_name
from echovlm.evaluate.gather import gather
from echovlm.evaluate.items import Item, Items, read_items
from echovlm.evaluate.looks import Looks
from echovlm.evaluate.page import Drawing, WorstCase, page
from echovlm.evaluate.perturb import Perturbation
from echovlm.evaluate.results import confusions, judged, reliabilities
from echovlm.evaluate.rows import PLAIN
from echovlm.evaluate.scoring import Replies, scores_of
from echovlm.evaluate.systems import Asked, System
from echovlm.evaluate.text import preset
from echovlm.prompts import Task
from echovlm.terms import Language

RESULTS, TABLES, PAGE, REPLIES = "results.json", "results.md", "results.html", "replies"

_WORST = 8
_ROUTED_STUDIES = 12  # of each anatomy
_DRAWN = {Task.REPORT: "BLEU-1", Task.DIAGNOSIS: "balanced accuracy", Task.QUESTION: "ROUGE-1"}


@dataclass(frozen=True)
class Plan:
    """What is evaluated, and how.

    Attributes:
        data: a built set.
        split: whose patients are asked about.
        tasks: which questions.
        languages: in which languages.
        sources: data sets within ``data``; all where empty.
        most: most items of each task, language and anatomy; 0 for all.
        looks: what is taken away from the pictures in turn.
        preset: of the text metrics.
        resamples: of the bootstrap.
        seed: of the choice of items, of the looks and of the bootstrap.
    """

    data: Path
    split: Split = Split.TEST
    tasks: tuple[Task, ...] = tuple(Task)
    languages: tuple[Language, ...] = tuple(Language)
    sources: tuple[str, ...] = ()
    most: int = 0
    looks: tuple[Perturbation, ...] = ()
    preset: str = "default"
    resamples: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Contender:
    """A system with what a table says of it.

    Attributes:
        system: itself.
        kind: "checkpoint", "endpoint", "predictions", "baseline".
        expert_load: gives ``(layers, experts)`` of some pictures; None where there is none.
    """

    system: System
    kind: str
    expert_load: Callable[[Asked], np.ndarray | None] | None = None


Share = tuple[int, int]
"""Number of this process, and of all processes."""


def read_plan(plan: Plan) -> Items:
    """The items that a plan asks.

    Raises:
        DataError: when the set cannot be read or nothing is left to ask.
        OptionError: for an unknown preset.
    """
    preset(plan.preset)
    return read_items(
        plan.data, plan.split, plan.tasks, plan.languages, plan.sources, plan.most, plan.seed
    )


def training_items(plan: Plan) -> Items | None:
    """The questions that a plan asks, about the training patients; None where there are none.

    Raises:
        DataError: when the set cannot be read.
    """
    if not len(SampleReader(plan.data, Split.TRAIN)):
        return None
    return read_items(
        plan.data, Split.TRAIN, plan.tasks, plan.languages, plan.sources, seed=plan.seed
    )


def evaluate(
    plan: Plan,
    items: Items,
    contenders: Sequence[Contender],
    out: Path,
    console: Console,
    share: Share = (0, 1),
    wait: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Ask, score and write.

    Args:
        plan: what is evaluated.
        items: of :func:`read_plan`.
        contenders: in the order of the tables.
        out: folder for results, made where absent; run again with the same plan, it goes on.
        console: for progress.
        share: number of this process and of all.
        wait: returns when all processes have come to it.

    Returns:
        What ``results.json`` holds; {} in all processes but the first.

    Raises:
        OptionError: when two systems have one name, or there is none.
        DataError: when ``out`` holds replies of another version or other data, or a picture is
            damaged.
        OutputError: when something cannot be written.
    """
    names = [one.system.name for one in contenders]
    twice = next((name for name in names if names.count(name) > 1), None)
    if not names or twice:
        raise OptionError(
            f"Two systems are called '{twice}'; name them: --model NAME=FOLDER."
            if twice
            else "There is no system to evaluate; name one with --model or --predictions."
        )
    manifest = sha256_of(plan.data / MANIFEST)
    asked = _Asking(plan, items, out, manifest, console, share)
    for contender in contenders:
        asked.gather(contender.system)
    wait()
    if share[0]:
        return {}
    replies = asked.replies([one.system for one in contenders])
    temperatures = {one.system.name: one.system.temperature for one in contenders}
    scores = scores_of(items.chosen, replies, temperatures, preset(plan.preset).metrics)
    found = judged(scores, [one.system for one in contenders], plan.resamples, plan.seed)
    result: dict[str, Any] = {
        "about": _about(plan, items, contenders, manifest),
        "notes": _left_out(items) + found.notes,
        "rows": found.rows,
        "comparisons": found.comparisons,
        "reliability": reliabilities(items.chosen, replies, temperatures),
        "routing": _routing(items, contenders, asked.looks),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(out / RESULTS, [text.encode("utf-8")])
    write_whole(out / TABLES, [tables.markdown(result).encode("utf-8")])
    drawings = _drawings(result, confusions(items.chosen, replies, temperatures))
    worst = _worst(plan, items, replies, names, asked.looks)
    write_whole(out / PAGE, [page(result, drawings, worst).encode("utf-8")])
    return result


class _Asking:
    """The part of an evaluation that asks, or reads what was replied before."""

    def __init__(
        self, plan: Plan, items: Items, out: Path, manifest: str, console: Console, share: Share
    ) -> None:
        self._items = items.chosen
        self._out = out
        self._about = {"data": manifest, "seed": plan.seed}
        self._console = console
        self._share = share
        self._without = plan.looks
        self.looks = Looks(items, plan.seed)

    def gather(self, system: System) -> None:
        """Ask a system everything, with pictures and, where it sees, without."""
        for name, see in self._views(system):
            title = system.name if name == PLAIN else f"{system.name}, {name}"
            book = self._book(system, name)
            gather(system, self._items, see, book, title, self._console, self._share)

    def replies(self, systems: Sequence[System]) -> Replies:
        """What every system replied to every item under every look."""
        found = {}
        for system in systems:
            for name, _ in self._views(system):
                book = self._book(system, name)
                found[system.name, name] = [book.reply(item) for item in self._items]
        return found

    def _views(self, system: System) -> list[tuple[str, Callable[[Item], Sequence[np.ndarray]]]]:
        without = [(str(look), self.looks.see(look)) for look in self._without if system.sees]
        return [(PLAIN, self.looks.see(None)), *without]

    def _book(self, system: System, look: str) -> Book:
        folder = self._out / REPLIES / folder_name(system.name) / look
        return Book(folder, {"version": system.version} | self._about, self._share[0])


def _about(
    plan: Plan, items: Items, contenders: Sequence[Contender], manifest: str
) -> dict[str, Any]:
    return {
        "echovlm": version("echovlm"),
        "data": plan.data.name,
        "manifest": manifest,
        "split": str(plan.split),
        "tasks": [str(task) for task in plan.tasks],
        "languages": [str(language) for language in plan.languages],
        "sources": list(plan.sources),
        "most": plan.most,
        "looks": [str(look) for look in plan.looks],
        "preset": plan.preset,
        "resamples": plan.resamples,
        "seed": plan.seed,
        "items": len(items.chosen),
        "studies": len({item.study for item in items.chosen}),
        "patients": len({item.patient for item in items.chosen}),
        "systems": [
            {
                "name": one.system.name,
                "kind": one.kind,
                "version": one.system.version,
                "temperature": one.system.temperature,
                "sees": one.system.sees,
            }
            for one in contenders
        ],
    }


def _left_out(items: Items) -> list[str]:
    return [
        f"{count} samples were not asked: {reason}." for reason, count in items.left_out.items()
    ]


def _routing(
    items: Items, contenders: Sequence[Contender], looks: Looks
) -> dict[str, dict[str, list[list[float]]]]:
    """Mean expert load by anatomy of every system that has experts."""
    see = looks.see(None)
    chosen: dict[str, dict[str, Item]] = {}
    for item in items.chosen:
        studies = chosen.setdefault(item.anatomy, {})
        if len(studies) < _ROUTED_STUDIES:
            studies.setdefault(item.study, item)
    found: dict[str, dict[str, list[list[float]]]] = {}
    for contender in contenders:
        if contender.expert_load is None:
            continue
        for anatomy, studies in sorted(chosen.items()):
            loads = [contender.expert_load(Asked(item, see(item))) for item in studies.values()]
            known = [load for load in loads if load is not None]
            if known:
                mean = np.mean(known, axis=0).round(4).tolist()
                found.setdefault(contender.system.name, {})[anatomy] = mean
    return found


def _drawings(
    result: Mapping[str, Any], tables_of: Mapping[tuple[str, str], tuple[list[str], np.ndarray]]
) -> list[Drawing]:
    names = [system["name"] for system in result["about"]["systems"]]
    drawings = []
    for task, metric in _DRAWN.items():
        for language in result["about"]["languages"]:
            rows = [
                row
                for row in result["rows"]
                if (row["task"], row["metric"], row["language"]) == (task, metric, language)
            ]
            if len(rows) > 1:
                title = f"{task}, {language}: {metric} by anatomy, with 95 % intervals"
                drawings.append(Drawing(title, plots.by_anatomy(rows, names)))
    if result["reliability"]:
        title = "Diagnosis: how often answers of a confidence are right"
        drawings.append(Drawing(title, plots.reliability(result["reliability"])))
    for (name, anatomy), (classes, counts) in tables_of.items():
        if name == names[0]:
            title = f"Diagnosis, {anatomy}: what {name} chose, in one language"
            drawings.append(Drawing(title, plots.confusion(classes, counts)))
    for name, loads in result["routing"].items():
        arrays = {anatomy: np.array(load) for anatomy, load in loads.items()}
        title = f"{name}: share of the router's places per layer and expert"
        drawings.append(Drawing(title, plots.routing(arrays)))
    return drawings


def _worst(
    plan: Plan, items: Items, replies: Replies, names: Sequence[str], looks: Looks
) -> list[WorstCase]:
    """The reports, or else findings, of the first system that agree least with their reference."""
    written = next(
        (
            places
            for task in (Task.REPORT, Task.FINDINGS, Task.CAPTION)
            if (places := [n for n, item in enumerate(items.chosen) if item.task is task])
            and all(replies[names[0], PLAIN][n] is not None for n in places)
        ),
        [],
    )
    see = looks.see(None)
    ranked: list[tuple[float, str, int]] = []
    for language in plan.languages:
        own = [n for n in written if items.chosen[n].language is language]
        if not own:
            continue
        name, metric = next(
            (name, one)
            for name, one in preset(plan.preset).metrics(language).items()
            if name.startswith(("ROUGE-L", "BLEU"))
        )
        said = [_text(replies[names[0], PLAIN][n]) for n in own]
        scored = metric(said, [items.chosen[n].reference for n in own], language)
        singles = scored(np.eye(len(own), dtype=np.int32))
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
            pictures=list(see(items.chosen[n])),
        )
        for value, name, n in sorted(ranked)[:_WORST]
    ]


def _text(reply: Any) -> str:
    return "" if reply is None else str(reply.text)
