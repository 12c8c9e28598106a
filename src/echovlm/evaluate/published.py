"""Numbers that the paper prints, and ours beside them.

The rows lie in ``published.json``: Tables 2 to 8 and 10 to 12 of arXiv 2509.14977 (EchoVLM), as far
as they are known to this project. Of Tables 4, 8, 10 and 11 the averages of all models are here and
single anatomies for EchoVLM-11B alone (Table 4 also BLEU-1 of Lingshu-7B); of Table 12 the averages
of two metrics. An average is the unweighted mean over the anatomies.

Nothing says how the numbers were made: no tokeniser of the Chinese texts, no smoothing or
averaging, no BERTScore model, no list of entities, and the test set is not public. Such choices
move BLEU by as much as the printed gains, so every comparison carries a warning: what can be
compared is the difference between two systems of one column, hardly the level.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from rich.table import Table

from echovlm.errors import OptionError
from echovlm.evaluate.text import incomparable

PUBLISHED, MEASURED = "published", "measured"

_UNCOMPARABLE = (
    "Published numbers come from a test set that is not public, and neither tokeniser, averaging "
    "nor the model of BERTScore is stated; compare differences between systems, not levels."
)
_OF_ENTITIES = frozenset({"Hamming accuracy", "macro precision", "macro recall", "macro F1"})
_OTHER_ENTITIES = (
    "The paper's list of entities and what finds them in a text are not public; ours is another "
    "list, so that neither levels nor differences can be compared with the published ones."
)


@dataclass(frozen=True)
class PublishedRow:
    """One printed number.

    Attributes:
        table: number of the table.
        task: "report", "diagnosis", "vqa" or, in Table 7, "training".
        anatomy: a value of :class:`echovlm.terms.Anatomy`, or "average".
        model: as the paper names it; in Tables 5 to 7 the variant of EchoVLM-11B.
        metric: name in our tables.
        value: 0-100, as printed; in hours for the training time of Table 7.
        source: paper, table and row.
    """

    table: int
    task: str
    anatomy: str
    model: str
    metric: str
    value: float
    source: str


@dataclass(frozen=True)
class MeasuredRow:
    """One of our numbers.

    Attributes:
        system: what was scored.
        task: as in :class:`PublishedRow`.
        anatomy: a value of :class:`echovlm.terms.Anatomy`, or "average".
        metric: name in our tables.
        value: 0-100.
        low: lower end of its interval, None where there is none.
        high: upper end.
        signature: what it takes to compute it again.
        test_set: tells the test set from another.
    """

    system: str
    task: str
    anatomy: str
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    signature: str = ""
    test_set: str = ""


@dataclass(frozen=True)
class ComparedRow:
    """One number of a comparison.

    Attributes:
        system: a published model or one of ours.
        anatomy: region, or "average".
        metric: name in our tables.
        value: 0-100.
        low: lower end of the interval, None where there is none.
        high: upper end.
        origin: ``PUBLISHED`` or ``MEASURED``.
        source: where it is printed, or the signature.
    """

    system: str
    anatomy: str
    metric: str
    value: float
    low: float | None
    high: float | None
    origin: str
    source: str


@dataclass(frozen=True)
class Comparison:
    """Published and measured numbers of one table.

    Attributes:
        title: table and paper.
        rows: published before measured ones, by anatomy.
        warnings: sentences to be printed with the rows, at least one.
    """

    title: str
    rows: tuple[ComparedRow, ...]
    warnings: tuple[str, ...]

    def markdown(self) -> str:
        """The comparison as Markdown: a line per system and anatomy, a column per metric."""
        header, lines = self._cells()
        cells = [header, ["---"] * len(header), *lines]
        table = [
            "| " + " | ".join(text.replace("|", "\\|") for text in line) + " |" for line in cells
        ]
        warnings = [f"> {warning}" for warning in self.warnings]
        signatures = [f"- {text}" for text in self._signatures()]
        parts = [
            f"## {self.title}",
            "\n>\n".join(warnings),
            "\n".join(table),
            "\n".join(signatures),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def terminal(self) -> Table:
        """The comparison as a table for the terminal, with the warnings below it."""
        header, lines = self._cells()
        caption = "\n".join((*self.warnings, *self._signatures()))
        table = Table(title=self.title, caption=caption, caption_justify="left")
        for place, name in enumerate(header):
            table.add_column(name, justify="left" if place < _NAMES else "right")
        for line in lines:
            table.add_row(*line, style="bold" if line[_NAMES - 1] == MEASURED else "")
        return table

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        metrics = list(dict.fromkeys(row.metric for row in self.rows))
        lines: dict[tuple[str, str, str], dict[str, str]] = {}
        for row in self.rows:
            lines.setdefault((row.anatomy, row.system, row.origin), {})[row.metric] = _number(row)
        header = ["anatomy", "system", "origin", *metrics]
        return header, [
            [*names, *(values.get(metric, "") for metric in metrics)]
            for names, values in lines.items()
        ]

    def _signatures(self) -> list[str]:
        measured = [row for row in self.rows if row.origin == MEASURED and row.source]
        return list(dict.fromkeys(f"{row.metric}: {row.source}" for row in measured))


_NAMES = 3  # columns of a comparison that name its line


def published_rows(
    table: int, metric: str | None = None, anatomy: str | None = None
) -> tuple[PublishedRow, ...]:
    """Printed numbers of one table.

    Args:
        table: its number in the paper.
        metric: only this metric.
        anatomy: only this anatomy, or "average".

    Raises:
        OptionError: when the paper has no such rows, with those that there are.
    """
    rows = _tables().get(table)
    if rows is None:
        raise OptionError(f"Table {table} is not among the published ones: {_listed(_tables())}.")
    for name, wanted in (("metric", metric), ("anatomy", anatomy)):
        known = dict.fromkeys(getattr(row, name) for row in rows)
        if wanted is not None and wanted not in known:
            raise OptionError(f"Table {table} has no {name} '{wanted}'; it has {_listed(known)}.")
    return tuple(
        row for row in rows if metric in (None, row.metric) and anatomy in (None, row.anatomy)
    )


def compare_with_published(measured: Sequence[MeasuredRow], table: int) -> Comparison:
    """Put measured numbers beside the printed ones of the same anatomy and metric.

    Args:
        measured: ours; those of another task or metric are left out, and a warning says so.
        table: number of the paper's table.

    Raises:
        OptionError: for an unknown table, or when nothing measured has a place in it.
    """
    printed = published_rows(table)
    known = {(row.task, row.anatomy, row.metric) for row in printed}
    fitting = [row for row in measured if (row.task, row.anatomy, row.metric) in known]
    if not fitting:
        raise OptionError(
            f"Nothing measured has a place in Table {table}, which holds "
            f"{_listed({row.metric for row in printed})} for {_listed({r.task for r in printed})}."
        )
    cells = {(row.task, row.anatomy, row.metric) for row in fitting}
    rows = [
        ComparedRow(r.model, r.anatomy, r.metric, r.value, None, None, PUBLISHED, r.source)
        for r in printed
        if (r.task, r.anatomy, r.metric) in cells
    ]
    rows += [
        ComparedRow(r.system, r.anatomy, r.metric, r.value, r.low, r.high, MEASURED, r.signature)
        for r in fitting
    ]
    order = list(dict.fromkeys(row.anatomy for row in printed))
    rows.sort(key=lambda row: (order.index(row.anatomy), row.origin == MEASURED))
    title = f"Table {table} of {_document()['paper']}: {_document()['tables'][str(table)]['title']}"
    return Comparison(title, tuple(rows), _warnings(fitting, len(measured) - len(fitting)))


def _warnings(fitting: Sequence[MeasuredRow], left_out: int) -> tuple[str, ...]:
    warnings = [_UNCOMPARABLE]
    if any(row.metric in _OF_ENTITIES for row in fitting):
        warnings.append(_OTHER_ENTITIES)
    if len({row.test_set for row in fitting}) > 1:
        warnings.append("The measured values come from several test sets; do not compare them.")
    of_metric: dict[str, dict[str, MeasuredRow]] = {}
    for row in fitting:
        of_metric.setdefault(row.metric, {})[row.system] = row
    warnings += [warning for rows in of_metric.values() if (warning := incomparable(rows))]
    if left_out:
        warnings.append(
            f"{left_out} measured numbers have no place in this table and are not shown."
        )
    return tuple(warnings)


def _number(row: ComparedRow) -> str:
    if row.low is None or row.high is None:
        return f"{row.value:.2f}"
    return f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f})"


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names)


@cache
def _document() -> dict[str, Any]:
    place = resources.files("echovlm.evaluate").joinpath("published.json")
    return json.loads(place.read_text(encoding="utf-8"))


@cache
def _tables() -> dict[int, tuple[PublishedRow, ...]]:
    document = _document()
    return {
        int(number): tuple(
            PublishedRow(
                table=int(number),
                task=line.get("task", table["task"]),
                anatomy=line["anatomy"],
                model=model,
                metric=line["metric"],
                value=value,
                source=f"{document['paper']}, Table {number}, {line['anatomy']}, {line['metric']}",
            )
            for line in table["rows"]
            for model, value in zip(
                line.get("models", document["models"]), line["values"], strict=True
            )
        )
        for number, table in document["tables"].items()
    }
