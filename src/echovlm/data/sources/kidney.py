"""Kidney: KidneyStoneUS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from echovlm.data.sources.public import (
    PublicSet,
    label,
    lesion_mask,
    picture,
    refuse_stray,
    stray_entries,
)
from echovlm.data.sources.source import Draft, Entry
from echovlm.terms import Anatomy


@dataclass(frozen=True)
class KidneyStoneUs(PublicSet):
    """KidneyStoneUS: kidneys with stones and approximate masks.

    The masks are pseudo masks, so nothing is measured on them. The set names no patients. Layout:
    ``images/N.png``, ``masks/N.png`` (seen).
    """

    name: str = "kidney-stone-us"
    title: str = "KidneyStoneUS: kidney stones, approximate masks"
    licence: str = "CC-BY-SA-4.0"
    citation: str = "Momeni; Antillia: KidneyStoneUS"

    def entries(self) -> Iterator[Entry]:
        """One entry per picture."""
        images, masks = self.find("images"), self.find("masks")
        used: list[str] = []
        for path in sorted(images.glob("*.png")):
            files = (self.relative(path), self.relative(masks / path.name))
            used += files
            yield Entry(path.stem, files)
        yield from stray_entries(self.root, [images, masks], used)

    def draft(self, entry: Entry) -> Draft:
        """Read one picture."""
        refuse_stray(entry)
        path, mask = self.root / entry.files[0], lesion_mask(self.root / entry.files[1])
        facts = (
            label("anatomy", "kidney", "KidneyStoneUS"),
            label("stone_present", True, "KidneyStoneUS"),
        )
        return Draft(entry.key, (picture(path, mask),), Anatomy.KIDNEY, facts)
