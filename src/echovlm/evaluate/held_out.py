"""Patients that training never saw, as studies for an engine and as facts to score it by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echovlm.data.quality import pictures
from echovlm.data.record import Picture, Record
from echovlm.data.sample import Split
from echovlm.data.store import StoredSet
from echovlm.errors import DataError
from echovlm.study import Clip, Study


@dataclass(frozen=True, eq=False)
class HeldOutCase:
    """One record of an imported set; its pictures are read only when they are asked for.

    Attributes:
        stored: the set it lies in.
        record: what its source states.
    """

    stored: StoredSet
    record: Record

    def value(self, name: str) -> str:
        """The first fact of this name as text, "" where there is none."""
        return next((str(value) for value in self.record.values(name)), "")

    def study(self) -> Study:
        """The record as the engine sees a new study: without its anatomy, frames of a loop joined.

        Raises:
            DataError: naming a picture that is missing or damaged.
        """
        clips: list[list[Picture]] = []
        for picture in self.record.pictures:
            of_loop = picture.frame_time_ms is not None
            if of_loop and clips and _same_loop(clips[-1][0], picture):
                clips[-1].append(picture)
            else:
                clips.append([picture])
        return Study(
            clips=tuple(self._clip(number, members) for number, members in enumerate(clips, 1)),
            name=self.record.id,
        )

    def first_picture(self) -> np.ndarray:
        """Pixels of the first picture, ``(H, W, 3)`` uint8 RGB.

        Raises:
            DataError: naming a picture that is missing or damaged.
        """
        return self._pixels(self.record.pictures[0])

    def _clip(self, number: int, members: Sequence[Picture]) -> Clip:
        first = members[0]
        spacing = first.pixel_spacing_mm
        return Clip(
            frames=np.stack([self._pixels(picture) for picture in members]),
            name=f"clip {number}",
            mode=first.mode,
            pixel_spacing_mm=spacing,
            calibration_note="" if spacing else "no calibration in the data set",
            frame_time_ms=first.frame_time_ms,
        )

    def _pixels(self, picture: Picture) -> np.ndarray:
        pixels = pictures.decode(self.stored.picture(picture.path))
        if pixels is None:
            raise DataError(
                self.stored.folder / picture.path, "is damaged", "Run 'echovlm data check'"
            )
        return pixels


def _same_loop(one: Picture, other: Picture) -> bool:
    size = (one.height_px, one.width_px)
    return one.clip == other.clip and size == (other.height_px, other.width_px)


def read_cases(folder: Path, splits: Mapping[str, Split]) -> dict[Split, list[HeldOutCase]]:
    """The records of an imported set by what their patients are for.

    Args:
        folder: the imported set.
        splits: split of every patient; patients without one are left out.

    Raises:
        DataError: when the folder is no imported set, or a line of it is damaged.
    """
    stored = StoredSet(folder)
    if stored.manifest.kind != "records":
        raise DataError(
            folder, "is no imported set", "Name a folder that 'echovlm data import' made"
        )
    cases: dict[Split, list[HeldOutCase]] = {split: [] for split in Split}
    for record in stored.records():
        if record.patient_key in splits:
            cases[splits[record.patient_key]].append(HeldOutCase(stored, record))
    return cases


def spread(
    cases: Sequence[HeldOutCase], labels: Sequence[str], most: int, seed: int = 0
) -> list[HeldOutCase]:
    """At most ``most`` cases, evenly over their labels, in a seeded order.

    Args:
        cases: to choose from.
        labels: label of each; rare ones are used up, frequent ones give the rest.
        most: number of cases.
        seed: equal seeds choose equal cases.
    """
    rng = np.random.default_rng(seed)
    turn: dict[str, int] = {}
    ranked: list[tuple[int, int, int]] = []
    for index in rng.permutation(len(cases)):
        label = labels[index]
        turn[label] = turn.get(label, 0) + 1
        ranked.append((turn[label], len(ranked), int(index)))
    return [cases[index] for _, _, index in sorted(ranked)[:most]]
