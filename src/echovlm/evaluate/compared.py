"""Our results in the words of the paper's tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from echovlm.errors import DataError
from echovlm.evaluate.published import MeasuredRow
from echovlm.prompts import Task
from echovlm.terms import Language

_TASKS = {Task.REPORT: "report", Task.IMPRESSION: "diagnosis", Task.QUESTION: "vqa"}
"""The paper's diagnosis is the impression of a report, its questions are open."""


def measured_rows(path: Path, language: Language) -> list[MeasuredRow]:
    """The text scores of a ``results.json`` that the paper has tables for.

    Args:
        path: written by ``echovlm evaluate``.
        language: of the texts.

    Raises:
        DataError: when the file is absent, or no result of an evaluation.
    """
    result = _read(path)
    try:
        return [
            MeasuredRow(
                system=name,
                task=_TASKS[Task(row["task"])],
                anatomy=row["anatomy"],
                metric=row["metric"],
                value=entry["value"],
                low=entry["low"],
                high=entry["high"],
                signature=row["signature"],
            )
            for row in result["rows"]
            if row["task"] in _TASKS and row["language"] == language
            for name, entry in row["systems"].items()
            if entry["value"] is not None
        ]
    except (KeyError, TypeError, ValueError):
        raise _no_result(path) from None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror})", "Name a results.json") from None
    except ValueError:
        raise _no_result(path) from None


def _no_result(path: Path) -> DataError:
    return DataError(path, "is no result of an evaluation", "Name a results.json")
