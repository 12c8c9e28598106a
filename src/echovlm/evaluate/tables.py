"""Results as tables: Markdown for a file, rich for the terminal.

A cell is ``value (low to high)``; ``Δ`` is the image dependence, what the score loses when the
pictures are taken away. A score that loses nothing is red in the terminal and marked in Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from echovlm.evaluate.rows import AVERAGE, HEADLINES

BLIND = "⚠ not shown to look"

Result = Mapping[str, Any]
"""What ``results.json`` holds; see :func:`echovlm.evaluate.evaluation.evaluate`."""


def markdown(result: Result) -> str:
    """Everything a reader needs to judge the numbers, as Markdown."""
    about = result["about"]
    lines = [
        "# Evaluation",
        "",
        f"{about['items']} questions about {about['studies']} studies of {about['patients']} "
        f"patients, {about['split']} split of {about['data']} (manifest {about['manifest'][:12]}). "
        f"Intervals: 95 %, percentile bootstrap over patients, {about['resamples']} resamples, "
        f"seed {about['seed']}. Average: unweighted mean over the anatomies. Texts: preset "
        f"`{about['preset']}`{left_out(about)}.",
        "",
        *_systems(about["systems"]),
        "",
        *(f"{sentence}\n" for sentence in clean(result)),
        *(f"> {note}" for note in result["notes"]),
        "",
        "## Averages",
        "",
        *looks_told(about),
        *_table(result, [row for row in result["rows"] if row["anatomy"] == AVERAGE]),
    ]
    anatomies = [row for row in result["rows"] if row["anatomy"] != AVERAGE]
    if anatomies:
        lines += ["", "## By anatomy", "", *_table(result, anatomies)]
    if result["comparisons"]:
        lines += ["", "## Comparisons", "", *_comparisons(result["comparisons"])]
    lines += ["", "## Signatures", "", *_signatures(result["rows"]), ""]
    return "\n".join(lines)


def left_out(about: Mapping[str, Any]) -> str:
    """What the chosen text metrics lack of the stack they stand for, to end a sentence with."""
    return f", without {about['leaves_out']}" if about["leaves_out"] else ""


def clean(result: Result) -> list[str]:
    """What is said of contamination where there is none; where there is, a note says it."""
    return [sentence for sentence in result["contamination"] if sentence not in result["notes"]]


def looks_told(about: Mapping[str, Any]) -> list[str]:
    """What each look takes away, a sentence each, for Markdown."""
    return [f"Δ {name}: without {taken}.\n" for name, taken in about["looks"].items()]


def terminal(result: Result) -> Table:
    """The averages of the main scores as a table for the terminal; the files hold all."""
    names = [system["name"] for system in result["about"]["systems"]]
    table = Table(title="Averages over the anatomies, 95 % intervals", title_justify="left")
    for heading in ("task", "", "score", *names):
        table.add_column(Text(heading), overflow="fold")
    for row in result["rows"]:
        if row["anatomy"] == AVERAGE and row["metric"] in HEADLINES:
            cells = [_shown(row, name) for name in names]
            table.add_row(row["task"], row["language"], row["metric"], *cells)
    return table


def _shown(row: Mapping[str, Any], name: str) -> Text:
    entry = row["systems"].get(name)
    text = Text(cell(row, entry))
    for look, taken in (entry or {}).get("looks", {}).items():
        style = "red bold" if taken["blind"] else "dim"
        text.append(f"\nΔ {look} {_signed(taken['difference'], row['decimals'])}", style=style)
    return text


def cell(row: Mapping[str, Any], entry: Mapping[str, Any] | None) -> str:
    """A value with its interval; a dash where the system does not do the task."""
    if entry is None:
        return "-"
    if entry["value"] is None:
        return "undefined"
    digits = row["decimals"]
    if entry["low"] is None:
        return f"{entry['value']:.{digits}f}"
    return f"{entry['value']:.{digits}f} ({entry['low']:.{digits}f} to {entry['high']:.{digits}f})"


def _signed(value: float | None, decimals: int) -> str:
    return "undefined" if value is None else f"{value:+.{decimals}f}"


def _table(result: Result, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [system["name"] for system in result["about"]["systems"]]
    lines = [
        _line("task", "language", "anatomy", "score", "items", *names),
        "|" + "---|" * (5 + len(names)),
    ]
    for row in rows:
        cells = [
            row["task"], row["language"], row["anatomy"],
            row["metric"] + (" (lower is better)" if row["lower_is_better"] else ""),
            str(row["items"]),
        ]  # fmt: skip
        cells += [_marked(row, row["systems"].get(name)) for name in names]
        lines.append(_line(*cells))
    return lines


def _line(*cells: str) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"


def _marked(row: Mapping[str, Any], entry: Mapping[str, Any] | None) -> str:
    parts = [cell(row, entry)]
    for look, taken in (entry or {}).get("looks", {}).items():
        mark = f" **{BLIND}**" if taken["blind"] else ""
        parts.append(f"Δ {look} {_signed(taken['difference'], row['decimals'])}{mark}")
    return "<br>".join(parts)


def _systems(systems: Iterable[Mapping[str, Any]]) -> list[str]:
    return [
        f"- **{system['name']}**: {system['kind']}, version `{system['version']}`, temperature "
        f"{system['temperature']:g}"
        for system in systems
    ]


def _comparisons(comparisons: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = [
        "Paired by patient: the first system against each other one, by sign flips for scores that "
        "are means over items, else by the bootstrap; p corrected by Holm's method within each "
        "task and language.",
        "",
        "| task | language | score | systems | difference (95 %) | p | p, corrected | test |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in comparisons:
        digits = one["decimals"]
        ends = f"({one['low']:+.{digits}f} to {one['high']:+.{digits}f})"
        lines.append(
            _line(
                one["task"],
                one["language"],
                one["metric"],
                f"{one['one']} less {one['other']}",
                f"{one['difference']:+.{digits}f} {ends}",
                f"{one['p']:.4f}",
                f"{one['p_corrected']:.4f}",
                one["test"],
            )
        )
    return lines


def _signatures(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(
        dict.fromkeys(
            f"- {row['task']}, {row['language']}, {row['metric']}: `{row['signature']}`"
            for row in rows
            if row["signature"]
        )
    )
