"""Rule tables as data: system, edition, citation, and rows with the provenance of each.

``provenance`` is ``"seen: SOURCE"`` where a row was read in the named source, and begins with
``"knowledge"`` where it was written from knowledge of the publication: such rows want one
clinician's check before anyone relies on them.

Rows that stand for a band of values have ``at_least``, ``above``, ``below`` and ``at_most``; the
bands of one measurement meet without gap or overlap, so that every value has exactly one row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import resources
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """The rules of one system.

    Attributes:
        system: its name.
        version: its edition.
        citation: DOI or address; in words where nothing was published.
        groups: rows by the name of their group; ``row`` names a row, ``provenance`` its source.
    """

    system: str
    version: str
    citation: str
    groups: dict[str, list[Row]]

    def group(self, name: str) -> list[Row]:
        """Rows of one group, in order."""
        return self.groups[name]

    def row(self, group: str, **wanted: Any) -> Row:
        """The row of a group that has these values."""
        return next(
            row
            for row in self.groups[group]
            if all(row[key] == value for key, value in wanted.items())
        )

    def band(self, group: str, value: float, **wanted: Any) -> Row:
        """The row of a group that has these values and whose band holds ``value``."""
        return next(
            row
            for row in self.groups[group]
            if all(row[key] == entry for key, entry in wanted.items()) and within(row, value)
        )

    def words(self, group: str, key: str = "value", **wanted: Any) -> tuple[str, ...]:
        """What the rows of a group with these values have under ``key``, in order, once each."""
        found: Iterator[str] = (
            row[key]
            for row in self.groups[group]
            if all(row[name] == entry for name, entry in wanted.items())
        )
        return tuple(dict.fromkeys(found))


def within(row: Row, value: float) -> bool:
    """Whether a value lies in the band of a row; a bound that is absent does not bind."""
    return not (
        ("at_least" in row and value < row["at_least"])
        or ("above" in row and value <= row["above"])
        or ("below" in row and value >= row["below"])
        or ("at_most" in row and value > row["at_most"])
    )


def as_printed(value: float, decimals: int | None) -> float:
    """A value with as many decimals as its table prints, halves upwards; None for all of them."""
    if decimals is None:
        return value
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def names() -> tuple[str, ...]:
    """Names of all tables, in alphabetical order."""
    files = resources.files(__package__).joinpath("tables").iterdir()
    return tuple(sorted(file.name.removesuffix(".json") for file in files))


@cache
def load(name: str) -> Table:
    """Read one table of ``tables/``."""
    text = resources.files(__package__).joinpath(f"tables/{name}.json").read_text("utf-8")
    return Table(**json.loads(text))
