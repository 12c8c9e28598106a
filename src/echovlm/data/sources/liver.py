"""Liver: AUL, annotated ultrasound liver images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from echovlm.data.sources.public import (
    STILLS,
    PublicSet,
    label,
    mask_facts,
    picture,
    polygon_file,
    read_pixels,
    refuse_stray,
    stray_entries,
)
from echovlm.data.sources.source import Draft, Entry
from echovlm.terms import Anatomy

_CLASSES = ("Benign", "Malignant", "Normal")
_TOO_COARSE = {"margin"}  # the outlines are polygons of a dozen corners, smooth by their making


@dataclass(frozen=True)
class Aul(PublicSet):
    """AUL: liver pictures of three classes with outlines (Zenodo 7272660).

    The set names no patients; some pictures are of one plane of one patient, which the search for
    near duplicates keeps together. The mask is the mass; the outlines of sector and liver stay with
    the set. Layout: ``CLASS/image/N.jpg``, ``CLASS/segmentation/{mass,liver,outline}/N.json``
    (seen).
    """

    name: str = "aul"
    title: str = "AUL: liver, benign, malignant and normal, outlines"
    licence: str = "CC-BY-4.0"
    citation: str = "Xu et al., Briefings in Bioinformatics 2023, 10.1093/bib/bbac569"

    def entries(self) -> Iterator[Entry]:
        """One entry per picture, class by class."""
        used: list[str] = []
        folders = []
        for kind in _CLASSES:
            images = self.find(kind, "image")
            outlines = images.parent / "segmentation"
            folders += [images, *(f for f in sorted(outlines.glob("*")) if f.is_dir())]
            paths = [p for p in images.iterdir() if p.suffix.lower() in STILLS]
            for path in sorted(paths, key=lambda p: (len(p.stem), p.stem)):
                mass = outlines / "mass" / f"{path.stem}.json"
                files = [self.relative(path)]
                if kind != "Normal":
                    files.append(self.relative(mass))
                others = [self.relative(f / f"{path.stem}.json") for f in outlines.glob("*")]
                used += [*files, *others]
                yield Entry(f"{kind.lower()}-{path.stem}", tuple(files), {"class": kind})
        yield from stray_entries(self.root, folders, used)

    def draft(self, entry: Entry) -> Draft:
        """Read one picture."""
        refuse_stray(entry)
        kind = entry.values["class"]
        path = self.root / entry.files[0]
        where = f"folder {kind}"
        facts = [label("anatomy", "liver", "AUL")]
        if kind == "Normal":
            facts += [label("lesion_present", False, where), label("pathology", "normal", where)]
            return Draft(entry.key, (picture(path, None),), Anatomy.LIVER, tuple(facts))
        pixels = read_pixels(path)
        mask = polygon_file(self.root / entry.files[1], (pixels.shape[0], pixels.shape[1]))
        facts += [
            label("lesion_present", True, where),
            label("pathology", kind.lower(), where, lesion=1),
            *(fact for fact in mask_facts(pixels, mask) if fact.name not in _TOO_COARSE),
        ]
        return Draft(entry.key, (picture(path, mask),), Anatomy.LIVER, tuple(facts))
