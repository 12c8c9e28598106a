"""Kidney: KidneyStoneUS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from echovlm.data.sources.pictures import picture
from echovlm.data.sources.public import PublicSet, label, refuse_stray, stray_entries
from echovlm.data.sources.source import Draft, Entry
from echovlm.terms import Anatomy


@dataclass(frozen=True)
class KidneyStoneUs(PublicSet):
    """KidneyStoneUS: kidneys with stones.

    The masks are pseudo masks, made by a program: the eleven seen cover 1 to 90 pixels, most of
    them outside the kidney and away from the callipers. They are not read. The set names no
    patients. Layout: ``images/N.png``, ``masks/N.png`` (seen).
    """

    name: str = "kidney-stone-us"
    title: str = "KidneyStoneUS: kidney stones"
    licence: str = "CC-BY-SA-4.0"
    citation: str = "Momeni; Antillia: KidneyStoneUS"

    def entries(self) -> Iterator[Entry]:
        """One entry per picture."""
        images, masks = self.find("images"), self.find("masks")
        used: list[str] = []
        for path, files in self.pairs(images, masks):
            used += files
            yield Entry(path.stem, files[:1])
        yield from stray_entries(self.root, [images, masks], used)

    def draft(self, entry: Entry) -> Draft:
        """Read one picture."""
        refuse_stray(entry)
        facts = (
            label("anatomy", "kidney", "KidneyStoneUS"),
            label("stone_present", True, "KidneyStoneUS"),
        )
        drafted = picture(self.root / entry.files[0], None)
        return Draft(entry.key, (drafted,), Anatomy.KIDNEY, facts)
