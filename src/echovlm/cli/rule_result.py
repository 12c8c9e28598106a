"""How the result of a rule looks: its lines, where it comes from, its warnings, what it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from echovlm.rads.result import Result

STATUS = "Computed by rule from the values given; preliminary, not medical advice."

Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def show_rule(found: Result, as_json: bool, *lines: str) -> None:
    """Print a result laid out for people, or as one JSON document.

    Args:
        found: what the rule gave.
        as_json: whether to print JSON and nothing else.
        lines: what the system says, for people.
    """
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    rows: dict[str, list[str]] = {}
    for used in found.provenance:
        rows.setdefault(used.provenance, []).append(used.row)
    print("\n".join(lines))
    print(f"\nSystem: {found.system} {found.version}, {found.citation}")
    for provenance, names in rows.items():
        print(f"Provenance: {provenance} ({'; '.join(names)})")
    for warning in found.warnings:
        print(f"Warning: {warning}")
    print(STATUS)
