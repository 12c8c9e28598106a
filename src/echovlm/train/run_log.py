"""A run's log as it is read back: ``log.jsonl``, one JSON object per logging step."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from echovlm.errors import TrainingError

LOG = "log.jsonl"
EVAL = "eval_"
"""What names of validation numbers begin with, as transformers writes them."""
_TIMES = ("runtime", "_per_second", "_loading_time")


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a run's log, in order.

    A broken last line is left out: it belongs to a run that is writing it or was killed there.

    Args:
        path: a ``log.jsonl``.

    Raises:
        TrainingError: if the file is absent, empty, or holds a line that is no log line.
    """
    lines = read_lines(path)
    parsed = [parse_line(line) for line in lines]
    if parsed and parsed[-1] is None:
        parsed.pop()
    if None in parsed:
        raise TrainingError(
            f"{path}: line {parsed.index(None) + 1} is damaged, it is no JSON object with a step; "
            "remove that line, or draw another run."
        )
    if not parsed:
        raise TrainingError(
            f"{path} holds no line yet; wait for the run's first logging step, or name another run."
        )
    return [line for line in parsed if line is not None]


@dataclass(frozen=True)
class RunLog:
    """A log by the names of its numbers.

    Attributes:
        lines: as :func:`read_log` gives them.
    """

    lines: Sequence[dict[str, Any]]

    def series(self, name: str) -> tuple[list[int], list[float]]:
        """Steps and values of one number, as logged; values that are no number are left out."""
        pairs = [
            (line["step"], float(line[name]))
            for line in self.lines
            if isinstance(line.get(name), int | float)
        ]
        return [step for step, _ in pairs], [value for _, value in pairs]

    def last(self, name: str) -> float:
        """The value logged last; NaN where there is none."""
        values = self.series(name)[1]
        return values[-1] if values else math.nan

    @cached_property
    def names(self) -> list[str]:
        """Every name in the log, in order of first appearance."""
        return list(dict.fromkeys(name for line in self.lines for name in line))

    @property
    def metrics(self) -> list[str]:
        """Names of validation metrics, the loss aside."""
        return [
            name
            for name in self.names
            if name.startswith(EVAL) and name != "eval_loss" and not name.endswith(_TIMES)
        ]

    @property
    def warnings(self) -> list[tuple[int, str]]:
        """Steps and sentences of what was warned of."""
        return [(line["step"], line["warning"]) for line in self.lines if "warning" in line]

    @cached_property
    def layers(self) -> list[int]:
        """Layers with a mix weight or a router in the log."""
        found = {
            int(name.split("/")[1]) for name in self.names if name.startswith(("router/", "mix/"))
        }
        return sorted(found)

    @cached_property
    def experts(self) -> int:
        """Experts of a layer; 0 for a network without."""
        return len({name.split("/")[3] for name in self.names if "/load/" in name})


def read_lines(path: Path) -> list[str]:
    """The lines of a log as they stand in the file.

    Raises:
        TrainingError: if the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise TrainingError(
            f"{path} cannot be read ({error.strerror}); name the folder of a training run, "
            f"which holds {LOG}."
        ) from error
    return text.removesuffix("\n").split("\n") if text else []


def parse_line(line: str) -> dict[str, Any] | None:
    """One line of a log; None where it is no JSON object with a step."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("step"), int) else None
