"""An evaluation from end to end: items, replies of every system under every look, scores, files.

    out/replies/SYSTEM/LOOK/    what was replied, kept as it comes (a stopped run goes on)
    out/results.json            every number with its signature, and what it takes to repeat it
    out/results.md, .html       the same for reading; the page needs no other file

Several processes ask their own studies each; the first one scores when all are done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from echovlm.data.manifest import MANIFEST
from echovlm.data.sample import Split
from echovlm.data.writing import sha256_of, told_in_a_sentence, write_whole
from echovlm.errors import OptionError
from echovlm.evaluate import tables
from echovlm.evaluate.book import Book, folder_name
from echovlm.evaluate.contamination import Contamination, contamination
from echovlm.evaluate.gather import gather, is_kept, replies_of
from echovlm.evaluate.items import Items, read_items, training_items
from echovlm.evaluate.looks import Look, Looks
from echovlm.evaluate.page import page
from echovlm.evaluate.perturb import Perturbation
from echovlm.evaluate.results import confidences, confusions, judged
from echovlm.evaluate.rows import PLAIN
from echovlm.evaluate.scoring import Replies, scores_of
from echovlm.evaluate.shown import ExpertLoad, drawings, routing, worst_cases
from echovlm.evaluate.systems import Reply, System, refusals
from echovlm.evaluate.text import Preset, preset
from echovlm.evaluate.text.bert_scores import LAYER
from echovlm.prompts import Task
from echovlm.terms import Language

RESULTS, TABLES, PAGE, REPLIES = "results.json", "results.md", "results.html", "replies"


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
        bert: folder of an encoder for BERTScore; None for none.
        bert_layer: whose hidden states it compares.
        trained_on: sets among whose pictures and patients those of the evaluation are sought.
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
    bert: Path | None = None
    bert_layer: int = LAYER
    trained_on: tuple[Path, ...] = ()
    resamples: int = 1000
    seed: int = 0

    @property
    def texts(self) -> Preset:
        """The text metrics.

        Raises:
            OptionError: for an unknown preset, or an encoder that cannot be used.
        """
        chosen = preset(self.preset)
        return chosen.with_bert_score(self.bert, self.bert_layer) if self.bert else chosen


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
    expert_load: ExpertLoad | None = None


def names_of(contenders: Sequence[Contender]) -> list[str]:
    """The names of the systems.

    Raises:
        OptionError: when two have one name, or there is none.
    """
    names = [one.system.name for one in contenders]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise OptionError(
            f"Two systems are called '{twice}'; name them: --model NAME=FOLDER, --predictions "
            "NAME=FILE."
        )
    if not names:
        raise OptionError(
            "There is no system to evaluate; name one with --model, --predictions or --endpoint."
        )
    return names


Share = tuple[int, int]
"""Number of this process, and of all processes."""


def read_plan(plan: Plan) -> Items:
    """The items that a plan asks.

    Raises:
        DataError: when the set cannot be read or nothing is left to ask.
        OptionError: for an unknown preset, or an encoder that cannot be used.
    """
    _ = plan.texts
    return read_items(
        plan.data, plan.split, plan.tasks, plan.languages, plan.sources, plan.most, plan.seed
    )


def fitting_items(plan: Plan, items: Items) -> Items | None:
    """The questions that a plan asks, about the training patients, for baselines.

    None where there are none, and where these are the patients that the plan asks about: what is
    fitted on an item says nothing when it is asked the same.

    Args:
        plan: what is evaluated.
        items: of :func:`read_plan`.

    Raises:
        DataError: when the set cannot be read.
    """
    if plan.split is Split.TRAIN:
        return None
    return training_items(
        plan.data, plan.tasks, plan.languages, plan.sources, items.answers, plan.seed
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
    names = names_of(contenders)
    manifest = sha256_of(plan.data / MANIFEST)
    asked = _Asking(plan, items, out, manifest, console, share)
    for contender in contenders:
        asked.gather(contender.system)
    wait()
    if share[0]:
        return {}
    replies = asked.replies([one.system for one in contenders])
    temperatures = {one.system.name: one.system.temperature for one in contenders}
    scores = scores_of(items.chosen, replies, temperatures, plan.texts.metrics)
    found = judged(scores, [one.system for one in contenders], plan.resamples, plan.seed)
    shared = _shared(plan, console)
    result: dict[str, Any] = {
        "about": _about(plan, items, contenders, manifest),
        "contamination": [one.sentence for one in shared],
        "notes": [one.sentence for one in shared if not one.is_clean]
        + _left_out(plan, items)
        + refusals(replies)
        + found.notes,
        "rows": found.rows,
        "comparisons": found.comparisons,
        **confidences(items.chosen, replies, temperatures),
        "routing": routing(items, {one.system.name: one.expert_load for one in contenders}),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(out / RESULTS, text)
    write_text(out / TABLES, tables.markdown(result))
    drawn = drawings(result, confusions(items.chosen, replies, temperatures))
    worst = worst_cases(items, replies, names, plan.languages, plan.texts)
    write_text(out / PAGE, page(result, drawn, worst))
    return result


def write_text(path: Path, text: str) -> None:
    """Write a result; what a model wrote may hold halves of characters, which no file can."""
    write_whole(path, [text.encode("utf-8", "replace")])


class _Asking:
    """The part of an evaluation that asks, or reads what was replied before."""

    def __init__(
        self, plan: Plan, items: Items, out: Path, manifest: str, console: Console, share: Share
    ) -> None:
        with told_in_a_sentence(out):
            out.mkdir(parents=True, exist_ok=True)
        self._items = items.chosen
        self._out = out
        self._manifest = manifest
        self._console = console
        self._share = share
        self._without = plan.looks
        self._looks = Looks(items, plan.seed)

    def gather(self, system: System) -> None:
        """Ask a system everything, with pictures and, where it sees, without."""
        for name, look in self._views(system) if is_kept(system) else ():
            title = system.name if name == PLAIN else f"{system.name}, {name}"
            book = self._book(system, name, look)
            gather(system, self._items, look.see, book, title, self._console, self._share)

    def replies(self, systems: Sequence[System]) -> Replies:
        """What every system replied to every item under every look."""
        found = {}
        for system in systems:
            for name, look in self._views(system):
                found[system.name, name] = self._replies(system, name, look)
        return found

    def _replies(self, system: System, name: str, look: Look) -> list[Reply | None]:
        if not is_kept(system):
            return replies_of(system, self._items, look.see)
        book = self._book(system, name, look)
        return [book.reply(item) for item in self._items]

    def _views(self, system: System) -> list[tuple[str, Look]]:
        without = [(str(kind), self._looks.look(kind)) for kind in self._without if system.sees]
        return [(PLAIN, self._looks.look(None)), *without]

    def _book(self, system: System, name: str, look: Look) -> Book:
        folder = self._out / REPLIES / folder_name(system.name) / name
        about = {"name": system.name, "version": system.version, "data": self._manifest}
        return Book(folder, about, self._share[0], look.shown)


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
        "looks": {str(look): look.takes_away for look in plan.looks},
        "preset": plan.preset,
        "leaves_out": plan.texts.leaves_out,
        "bert": plan.bert.name if plan.bert else "",
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


def _shared(plan: Plan, console: Console) -> list[Contamination]:
    """What the evaluation shares with the sets that systems were trained on."""
    if not plan.trained_on:
        return []
    with console.status("looking for the evaluation's pictures in the sets trained on"):
        return [contamination(plan.data, plan.trained_on, plan.split)]


def _left_out(plan: Plan, items: Items) -> list[str]:
    unfitted = ["No baselines: they would be fitted on the patients that are asked about."]
    return [
        f"{count} samples were not asked: {reason}." for reason, count in items.left_out.items()
    ] + (unfitted if plan.split is Split.TRAIN else [])
