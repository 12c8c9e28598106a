"""Our results in the words of the paper's tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from echovlm.errors import DataError
from echovlm.evaluate.published import MeasuredRow
from echovlm.evaluate.rows import AVERAGE
from echovlm.prompts import Task
from echovlm.terms import Language

_TASKS = {Task.REPORT: "report", Task.IMPRESSION: "diagnosis", Task.QUESTION: "vqa"}
"""The paper's diagnosis is the impression of a report, its questions are open."""

_ENTITIES = {
    "entities Hamming": "Hamming accuracy",
    "entities precision": "macro precision",
    "entities recall": "macro recall",
    "entities F1": "macro F1",
}
"""Scores of 0 to 1 that the paper prints in %, by their names in its Tables 8, 10 and 12."""


def measured_rows(paths: Sequence[Path], language: Language) -> list[MeasuredRow]:
    """The scores of results that the paper has tables for, in % as it prints them.

    Args:
        paths: each a ``results.json`` of ``echovlm evaluate``. A system that several of them hold
            is told apart by the folder of its result.
        language: of the texts.

    Raises:
        DataError: when a file is absent, or no result of an evaluation.
    """
    found = [(path, row) for path in paths for row in _rows(path, language)]
    holders: dict[str, set[Path]] = {}
    for path, row in found:
        holders.setdefault(row.system, set()).add(path)
    return [
        replace(row, system=f"{row.system} ({path.resolve().parent.name})")
        if len(holders[row.system]) > 1
        else row
        for path, row in found
    ]


def _rows(path: Path, language: Language) -> list[MeasuredRow]:
    result = _read(path)
    try:
        return [
            MeasuredRow(
                system=name,
                task=_TASKS[Task(row["task"])],
                anatomy=_anatomy(row),
                metric=_ENTITIES.get(row["metric"], row["metric"]),
                value=_printed(row["metric"], entry["value"]),
                low=_printed(row["metric"], entry["low"]),
                high=_printed(row["metric"], entry["high"]),
                signature=row["signature"],
                test_set=result["about"]["manifest"],
            )
            for row in result["rows"]
            if row["task"] in _TASKS and row["language"] == language
            for name, entry in row["systems"].items()
            if entry["value"] is not None
        ]
    except (KeyError, TypeError, ValueError):
        raise _no_result(path) from None


def _anatomy(row: Mapping[str, Any]) -> str:
    """Of a row; what is called an average may be over a single anatomy."""
    if row["anatomy"] == AVERAGE and len(row["anatomies"]) == 1:
        return str(row["anatomies"][0])
    return str(row["anatomy"])


def _printed(metric: str, value: Any) -> Any:
    return 100 * value if metric in _ENTITIES and value is not None else value


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror})", "Name a results.json") from None
    except ValueError:
        raise _no_result(path) from None


def _no_result(path: Path) -> DataError:
    return DataError(path, "is no result of an evaluation", "Name a results.json")
