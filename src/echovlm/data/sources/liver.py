"""Liver: AUL, annotated ultrasound liver images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from echovlm.data.sources.pictures import measured, picture, polygon_file, read_pixels
from echovlm.data.sources.public import PublicSet, label, refuse_stray, stills, stray_entries
from echovlm.data.sources.source import Draft, Entry, Reject
from echovlm.terms import Anatomy

_CLASSES = ("Benign", "Malignant", "Normal")
_TOO_COARSE = {"margin"}  # the outlines are polygons of a dozen corners, smooth by their making


@dataclass(frozen=True)
class Aul(PublicSet):
    """AUL: liver pictures of three classes with outlines (Zenodo 7272660).

    The set names no patients; some pictures are of one plane of one patient, which the search for
    near duplicates keeps together. The mask is the mass; the outlines of sector and liver stay with
    the set (one has no liver outline, two give the liver as the sector). Layout:
    ``CLASS/image/N.jpg``, ``CLASS/segmentation/{mass,liver,outline}/N.json`` with ``[[x, y], ...]``
    (seen; the whole set has 735 pictures).
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
            for path in stills(images):
                mass = outlines / "mass" / f"{path.stem}.json"
                files = [self.relative(path)]
                if kind != "Normal" or mass.exists():
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
            if len(entry.files) > 1:
                raise Reject("a mass is outlined, but it lies in the folder Normal")
            facts += [label("lesion_present", False, where), label("pathology", "normal", where)]
            return Draft(entry.key, (picture(path, None),), Anatomy.LIVER, tuple(facts))
        height, width = read_pixels(path).shape[:2]
        drafted, found = measured(path, polygon_file(self.root / entry.files[1], (height, width)))
        facts += [
            label("lesion_present", True, where),
            label("pathology", kind.lower(), where, lesion=1),
            *(fact for fact in found if fact.name not in _TOO_COARSE),
        ]
        return Draft(entry.key, (drafted,), Anatomy.LIVER, tuple(facts))
