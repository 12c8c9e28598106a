"""What every rule gives back: which system, by which edition, from which rows, and what to heed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, computed_field

from echovlm.rads.table import Row, Table

NOTICE = (
    "A rule computed from the given inputs: preliminary, not reviewed by a physician, "
    "not medical advice."
)


class UsedRow(BaseModel):
    """A row of a rule table that a result rests on.

    Attributes:
        row: its name in the table.
        provenance: "seen: SOURCE", or "knowledge: ..." where a clinician has yet to check it.
    """

    model_config = ConfigDict(frozen=True)

    row: str
    provenance: str


class Result(BaseModel):
    """What every rule gives.

    Attributes:
        system: assessment system.
        version: its edition.
        citation: where it was published.
        computed: True where the category follows from the inputs by rule, False where somebody
            stated it and it was only checked.
        status: never anything but preliminary.
        notice: what a reader must be told with every result.
        provenance: the rows that were used, with the source of each.
        warnings: what a reader must know about these inputs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    version: str
    citation: str
    computed: bool = True
    status: Literal["preliminary"] = "preliminary"
    notice: str = NOTICE
    provenance: tuple[UsedRow, ...]
    warnings: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def needs_clinician_check(self) -> bool:
        """True where any row that was used is written from knowledge."""
        return any(used.provenance.startswith("knowledge") for used in self.provenance)


def about(table: Table, rows: Iterable[Row]) -> dict[str, Any]:
    """The common fields of a result that rests on these rows of a table."""
    used = {row["row"]: UsedRow(row=row["row"], provenance=row["provenance"]) for row in rows}
    return {
        "system": table.system,
        "version": table.version,
        "citation": table.citation,
        "provenance": tuple(used.values()),
    }
