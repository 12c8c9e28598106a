"""Results of U2-BENCH as tables: Markdown for a file, rich for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from echovlm.evaluate.tables import cell

_SHOWN = frozenset(
    {"U2-score", "accuracy", "RMSE", "BLEU-4", "IoU", "unreadable", "answered", "boxes read"}
)  # of the terminal: what the U2-score rests on, boxes, and what could be read at all
_ENDS = ("low", "high")

Result = Mapping[str, Any]
"""What ``results.json`` holds; see :mod:`echovlm.evaluate.u2_bench_run`."""


def markdown(result: Result) -> str:
    """Everything a reader needs to judge the numbers, as Markdown."""
    about = result["about"]
    lines = [
        "# U2-BENCH",
        "",
        f"{about['questions']} questions and {about['boxes']} for boxes, about {about['patients']} "
        f"patients in {about['files']} files of {about['data']} (digest {about['digest'][:12]}). "
        "A task's score is the unweighted mean over its files. Intervals: 95 %, percentile "
        f"bootstrap over patients, {about['resamples']} resamples, seed {about['seed']}.",
        "",
        *(
            f"- **{one['name']}**: {one['kind']}, version `{one['version']}`"
            for one in about["systems"]
        ),
        "",
        *(f"> {note}\n" for note in result["notes"]),
        "## Scores",
        "",
        *_scores(result),
    ]
    if result["comparisons"]:
        lines += ["", "## Comparisons", "", *_comparisons(result["comparisons"])]
    weights = ", ".join(f"{task} {weight:g}" for task, weight in about["weights"].items())
    lines += ["", "## Signatures", "", f"- Weights of the U2-score: {weights}"]
    lines += [f"- {row['task']}, {row['metric']}: `{row['signature']}`" for row in result["rows"]]
    return "\n".join(lines) + "\n"


def terminal(result: Result) -> Table:
    """The main scores as a table for the terminal; the files hold all."""
    names = [system["name"] for system in result["about"]["systems"]]
    table = Table(title="U2-BENCH, 95 % intervals over patients", title_justify="left")
    for heading in ("task", "score", *names):
        table.add_column(heading, overflow="fold")
    for row in result["rows"]:
        if row["metric"] in _SHOWN:
            cells = [cell(row, row["systems"].get(name)) for name in names]
            table.add_row(*map(Text, (row["task"], row["metric"], *cells)))
    return table


def _scores(result: Result) -> list[str]:
    names = [system["name"] for system in result["about"]["systems"]]
    rows = [
        (
            row["task"],
            row["metric"] + (" (lower is better)" if row["lower_is_better"] else ""),
            str(row["questions"]),
            str(row["patients"]),
            *(cell(row, row["systems"].get(name)) for name in names),
        )
        for row in result["rows"]
    ]
    return _table(("task", "score", "questions", "patients", *names), rows)


def _comparisons(comparisons: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = []
    for one in comparisons:
        apart, low, high = (f"{one[part]:+.{one['decimals']}f}" for part in ("difference", *_ENDS))
        rows.append(
            (
                *(one["task"], one["metric"], f"{one['one']} less {one['other']}"),
                *(f"{apart} ({low} to {high})", f"{one['p']:.4f}", f"{one['p_corrected']:.4f}"),
            )
        )
    return [
        "The first system against each other one, paired by patient, by the bootstrap; p corrected "
        "by Holm's method over the systems.",
        "",
        *_table(("task", "score", "systems", "difference (95 %)", "p", "p, corrected"), rows),
    ]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return ["| " + " | ".join(one.replace("|", "\\|") for one in line) + " |" for line in lines]
