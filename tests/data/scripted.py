"""A source whose studies are drawn from a seed, for tests of what is done with any source."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from echovlm.data.record import AskedText, ReportText
from echovlm.data.sources.source import Draft, DraftPicture, Entry, Reject
from echovlm.facts import Fact, Origin
from echovlm.terms import Anatomy, Language


def speckle(seed: int, height: int = 64, width: int = 80) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.rayleigh(60, (height // 8 + 1, width // 8 + 1))
    smooth = np.kron(coarse, np.ones((8, 8)))[:height, :width]
    return (smooth + rng.rayleigh(12, (height, width))).clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class ScriptedSource:
    """``count`` breast studies; every tenth cannot be read, two in three have a report."""

    count: int
    slow_s: float = 0.0
    kill_at: int = -1  # this entry ends the process that reads it, as a crash would
    fault_at: int = -1  # this entry raises an error whose words are patient data
    name: str = "scripted"
    licence: str = "CC0-1.0"
    citation: str = "drawn from a seed"

    def entries(self) -> Iterator[Entry]:
        for number in range(self.count):
            yield Entry(key=f"study {number:04d}", values={"number": number})

    def settings(self) -> dict[str, Any]:
        return {"count": self.count}

    def draft(self, entry: Entry) -> Draft:
        number = entry.values["number"]
        time.sleep(self.slow_s)
        if number == self.kill_at:
            os._exit(9)
        if number == self.fault_at:
            raise KeyError("DOE^JOHN")
        if number % 10 == 9:
            raise Reject("its picture is damaged")
        malignant = number % 2 == 1
        mask = np.zeros((64, 80), np.uint8)
        mask[20:40, 30:60] = 1
        return Draft(
            patient=f"{number // 2:04d}",
            anatomy=Anatomy.BREAST,
            pictures=(DraftPicture(pixels=speckle(number), mask=mask),),
            facts=facts(malignant),
            reports=(_report(malignant),) if number % 3 else (),
            asked=(
                AskedText(
                    language=Language.ENGLISH,
                    topic="lesion",
                    question="Is there a focal lesion?",
                    answer="Yes, there is a focal lesion.",
                    origin=Origin.SIMULATED,
                    source="scripted",
                ),
            ),
        )


def facts(malignant: bool) -> tuple[Fact, ...]:
    label = {"origin": Origin.LABEL, "source": "table.csv: label"}
    return (
        Fact(name="anatomy", value="breast", **label),
        Fact(name="lesion_present", value=True, **label),
        Fact(name="pathology", value="malignant" if malignant else "benign", lesion=1, **label),
    )


def _report(malignant: bool) -> ReportText:
    return ReportText(
        language=Language.ENGLISH,
        findings="There is a hypoechoic nodule in the breast.",
        impression="Breast nodule, likely malignant." if malignant else "Benign breast nodule.",
        origin=Origin.HUMAN,
        source="reports.csv",
    )


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
