"""U2-BENCH from end to end: replies of every system, scores, files.

    out/replies/SYSTEM/plain/   what was replied, kept as it comes (a stopped run goes on)
    out/results.json            every number with its signature, and what it takes to repeat it
    out/results.md              the same for reading

Several processes ask about their own pictures each; the first one scores when all are done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from echovlm.data.writing import told_in_a_sentence
from echovlm.evaluate import u2_bench_tables
from echovlm.evaluate.book import Book, folder_name
from echovlm.evaluate.comparisons import holm
from echovlm.evaluate.evaluation import (
    REPLIES,
    RESULTS,
    TABLES,
    Contender,
    Share,
    names_of,
    write_text,
)
from echovlm.evaluate.gather import gather, is_kept, replies_of
from echovlm.evaluate.intervals import Resampled, Statistic, resampled
from echovlm.evaluate.rows import PLAIN
from echovlm.evaluate.systems import Reply, System, refusals
from echovlm.evaluate.u2_bench import Sample, Task
from echovlm.evaluate.u2_bench_metrics import RANGES, WEIGHTS, box_scores, task_scores, u2_score
from echovlm.evaluate.u2_bench_questions import Pictures, Plan, Questions, box_of

AGGREGATE = "all tasks"
"""What the U2-score is of, where other rows name a task."""

ABOUT_THE_DATA = (
    "The pictures and labels of U2-BENCH come under CC BY-NC-ND 4.0; the layout of its files was "
    "verified from public code only, not from the data themselves."
)

_COMPARED = frozenset({"U2-score", "accuracy", "RMSE", "BLEU-4", "IoU"})
_LOWER = frozenset({"RMSE", "MAE", "SD", "unreadable"})
_DECIMALS = {"BLEU-4": 1, "ROUGE-L": 1, "% within tolerance": 1, "U2-score": 4}
_FINE = 3  # digits of all other scores, which lie between 0 and 1
_RULES = {
    "accuracy": "files:mean|unreadable:wrong",
    "macro F1": "files:mean|unreadable:wrong",
    "IoU": "boxes:mean|unreadable:0",
    "boxes read": "boxes:mean",
    "unreadable": "files:mean",
    "answered": "files:mean",
    "U2-score": "weights:Dolphin-ai-bench|parts:accuracy, 1-RMSE, BLEU-4/100",
}
_VALUE_RULE = "files:mean|unanswered:left out"  # errors of clinical values

Texts = Mapping[str, Mapping[str, str]]
"""What each system wrote, by its name and the id of the item; without items that it does not do."""


def evaluate(
    plan: Plan,
    questions: Questions,
    contenders: Sequence[Contender],
    out: Path,
    console: Console,
    share: Share = (0, 1),
    wait: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Ask, score and write.

    Args:
        plan: what is asked.
        questions: of :func:`echovlm.evaluate.u2_bench_questions.read_questions`.
        contenders: in the order of the tables.
        out: folder for results, made where absent; run again on the same benchmark, it goes on,
            also with other tasks or more questions.
        console: for progress.
        share: number of this process and of all.
        wait: returns when all processes have come to it.

    Returns:
        What ``results.json`` holds; {} in all processes but the first.

    Raises:
        OptionError: when two systems have one name, or there is none.
        DataError: when ``out`` holds replies of another version or another benchmark, or a picture
            is damaged.
        OutputError: when something cannot be written.
    """
    systems = [one.system for one in contenders]
    names_of(contenders)
    with told_in_a_sentence(out):
        out.mkdir(parents=True, exist_ok=True)
    see = Pictures(plan.folder)
    for system in filter(is_kept, systems):
        book = _book(out, system, questions, share)
        gather(system, questions.items, see, book, system.name, console, share)
    wait()
    if share[0]:
        return {}
    replies = {
        one.name: [_book(out, one, questions, share).reply(item) for item in questions.items]
        if is_kept(one)
        else replies_of(one, questions.items, see)
        for one in systems
    }
    texts = {name: _texts(questions, said) for name, said in replies.items()}
    rows, comparisons = _judged(_scores(questions.samples, texts), plan)
    result = {
        "about": _about(plan, questions, contenders),
        "notes": [
            *(ABOUT_THE_DATA, *_notes(plan, questions, texts)),
            *refusals({(name, PLAIN): said for name, said in replies.items()}),
        ],
        "rows": rows,
        "comparisons": comparisons,
    }
    text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(out / RESULTS, text)
    write_text(out / TABLES, u2_bench_tables.markdown(result))
    return result


def _book(out: Path, system: System, questions: Questions, share: Share) -> Book:
    folder = out / REPLIES / folder_name(system.name) / PLAIN
    about = {"name": system.name, "version": system.version, "data": questions.digest}
    return Book(folder, about, share[0])


def _texts(questions: Questions, replies: Sequence[Reply | None]) -> dict[str, str]:
    """What a system wrote; without boxes where it wrote nothing for any of them.

    Files of predictions that were made for the benchmark alone hold none.
    """
    texts = {
        item.id: reply.text
        for item, reply in zip(questions.items, replies, strict=True)
        if reply is not None
    }
    boxes = _box_ids(questions.samples)
    if any(texts.get(name) for name in boxes):
        return texts
    return {name: text for name, text in texts.items() if name not in set(boxes)}


def _box_ids(samples: Sequence[Sample]) -> list[str]:
    return [box_of(sample).id for sample in samples if sample.box is not None]


# --- scores ---


@dataclass(frozen=True, eq=False)
class _Score:
    """A metric of a task: the patient of each question, and the statistic of each system."""

    task: str
    metric: str
    patients: Sequence[str]
    systems: Mapping[str, Statistic]

    @property
    def told(self) -> dict[str, Any]:
        """What its row says of it beside the values."""
        rule = _RULES.get(self.metric, _VALUE_RULE)
        unsigned = f"{self.metric}|library:echovlm-{version('echovlm')}|{rule}"
        return {
            "task": str(self.task),
            "metric": self.metric,
            "questions": len(self.patients),
            "patients": len(set(self.patients)),
            "lower_is_better": self.metric in _LOWER,
            "decimals": _DECIMALS.get(self.metric, _FINE),
            "signature": getattr(next(iter(self.systems.values())), "signature", unsigned),
        }


def _scores(samples: Sequence[Sample], texts: Texts) -> Iterator[_Score]:
    """The U2-score where every task is asked, then the scores of every task and its boxes."""
    if {sample.task for sample in samples} == set(Task):
        answers = _answers([sample.id for sample in samples], texts)
        whole = {name: {"U2-score": u2_score(samples, said)} for name, said in answers.items()}
        yield from _by_metric(AGGREGATE, samples, whole)
    for task in Task:
        own = [sample for sample in samples if sample.task is task]
        if own:
            answers = _answers([sample.id for sample in own], texts)
            scores = {name: task_scores(task, own, said) for name, said in answers.items()}
            yield from _by_metric(task, own, scores)
        boxed = [sample for sample in own if sample.box is not None]
        if boxed:
            answers = _answers(_box_ids(boxed), texts)
            boxes = {name: box_scores(boxed, said) for name, said in answers.items()}
            yield from _by_metric(f"{task}, boxes", boxed, boxes)


def _answers(ids: Sequence[str], texts: Texts) -> dict[str, list[str]]:
    """What each system wrote about these items; without systems that do not do them."""
    return {
        name: [of_system[one] for one in ids]
        for name, of_system in texts.items()
        if all(one in of_system for one in ids)
    }


def _by_metric(
    task: str, samples: Sequence[Sample], scores: Mapping[str, Mapping[str, Statistic]]
) -> Iterator[_Score]:
    for metric in dict.fromkeys(name for of_system in scores.values() for name in of_system):
        systems = {name: of_system[metric] for name, of_system in scores.items()}
        yield _Score(task, metric, [sample.patient for sample in samples], systems)


def _judged(
    scores: Iterable[_Score], plan: Plan
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Every score with its intervals, and what the main ones say of the systems' differences."""
    rows: list[dict[str, Any]] = []
    comparisons: list[dict[str, Any]] = []
    for score in scores:
        drawn = {name: _resampled(one, score, plan) for name, one in score.systems.items()}
        rows.append(score.told | {"systems": {name: _ends(one) for name, one in drawn.items()}})
        if score.metric in _COMPARED:
            comparisons += _compared(score, drawn)
    return rows, comparisons


def _compared(score: _Score, drawn: Mapping[str, Resampled | None]) -> list[dict[str, Any]]:
    """The first system against each other one, by the bootstrap, p corrected over these."""
    defined = {name: one for name, one in drawn.items() if one is not None}
    if len(defined) < 2:
        return []
    (first, own), *others = defined.items()
    apart = {name: own.less(other) for name, other in others}
    corrected = holm([one.p for one in apart.values()])
    return [
        {
            "task": score.told["task"],
            "metric": score.metric,
            "decimals": score.told["decimals"],
            "one": first,
            "other": name,
            "difference": one.value,
            "low": one.low,
            "high": one.high,
            "p": one.p,
            "p_corrected": float(p),
        }
        for (name, one), p in zip(apart.items(), corrected, strict=True)
    ]


def _resampled(statistic: Statistic, score: _Score, plan: Plan) -> Resampled | None:
    """None where the score is undefined, as the error of values none of which is answered."""
    try:
        return resampled(statistic, score.patients, plan.resamples, plan.seed)
    except ValueError:
        return None


def _ends(score: Resampled | None) -> dict[str, float | None]:
    if score is None:
        return {"value": None, "low": None, "high": None}
    found = score.interval
    return {"value": found.value, "low": found.low, "high": found.high}


# --- what a reader has to know ---


def _about(plan: Plan, questions: Questions, contenders: Sequence[Contender]) -> dict[str, Any]:
    samples = questions.samples
    return {
        "echovlm": version("echovlm"),
        "data": plan.folder.name,
        "digest": questions.digest,
        "tasks": [str(task) for task in plan.tasks],
        "most": plan.most,
        "resamples": plan.resamples,
        "seed": plan.seed,
        "questions": len(samples),
        "boxes": len(_box_ids(samples)),
        "files": len({(sample.task, sample.file) for sample in samples}),
        "patients": len({sample.patient for sample in samples}),
        "weights": {str(task): weight for task, weight in WEIGHTS.items()},
        "ranges": {file: list(ends) for file, ends in RANGES.items()},
        "systems": [
            {"name": one.system.name, "kind": one.kind, "version": one.system.version}
            for one in contenders
        ],
    }


def _notes(plan: Plan, questions: Questions, texts: Texts) -> Iterator[str]:
    samples, boxes = questions.samples, _box_ids(questions.samples)
    missing = [str(task) for task in Task if task not in {sample.task for sample in samples}]
    if missing:
        yield f"There is no U2-score: it needs all eight tasks; missing: {', '.join(missing)}."
    if plan.most:
        yield f"At most {plan.most} questions of each file were asked: a part of the benchmark."
    if questions.unmeasured:
        yield f"Rows without a measured value, which are not asked about: {questions.unmeasured}."
    for name, said in texts.items():
        silent = sum(not said.get(sample.id, "").strip() for sample in samples)
        if silent:
            yield (
                f"{name} has no answer to {silent} of {len(samples)} questions; they count as "
                "wrong, clinical values as not answered."
            )
        if boxes and not any(one in said for one in boxes):
            yield f"{name} has no answer to any question for a box, so its IoU is left out."
