"""Thyroid: DDTI (nodules with TI-RADS descriptors) and TN3K (nodule masks)."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echovlm.data.sources.public import (
    PublicSet,
    label,
    lesion_mask,
    mask_facts,
    picture,
    polygon_mask,
    read_pixels,
    refuse_stray,
    stray_entries,
)
from echovlm.data.sources.source import Draft, Entry, Reject
from echovlm.errors import DataError
from echovlm.facts import Fact
from echovlm.terms import Anatomy

# Words of the set's XML files -> fact and canonical value; other words give no fact.
_WORDS = {
    "echogenicity": {
        "hypoechogenicity": "hypoechoic",
        "marked hypoechogenicity": "very hypoechoic",
        "isoechogenicity": "isoechoic",
        "hyperechogenicity": "hyperechoic",
    },
    "margins": {
        "well defined smooth": "circumscribed",
        "well defined": "circumscribed",
        "ill defined": "indistinct",
        "microlobulated": "microlobulated",
        "spiculated": "spiculated",
    },
    "calcifications": {
        "non": "none",
        "none": "none",
        "microcalcifications": "punctate",
        "microcalcification": "punctate",
        "macrocalcifications": "macrocalcification",
        "macrocalcification": "macrocalcification",
    },
}
_NAMES = {"echogenicity": "echogenicity", "margins": "margin", "calcifications": "calcification"}


@dataclass(frozen=True)
class Ddti(PublicSet):
    """DDTI: thyroid nodules with radiologists' descriptors, TI-RADS and outlines.

    One record per case. Layout: ``N.xml`` and ``N_1.jpg``, ``N_2.jpg``, ...; in a file
    ``composition``, ``echogenicity``, ``margins``, ``calcifications``, ``tirads`` and ``mark``
    elements with ``image`` and ``svg`` (JSON of regions with ``points``) (from knowledge of the set
    and public readers; not seen).
    """

    name: str = "ddti"
    title: str = "DDTI: thyroid nodules, TI-RADS descriptors, outlines"
    licence: str = "open for research, see its page"
    citation: str = "Pedraza et al., Proc. SPIE 9287, 2015, 10.1117/12.2073532"

    def entries(self) -> Iterator[Entry]:
        """One entry per case."""
        files = sorted(self.root.glob("*.xml"), key=lambda p: (len(p.stem), p.stem))
        if not files:
            raise DataError(self.root, "is not laid out as ddti: no N.xml was found", "Check it")
        used: list[str] = []
        for file in files:
            paths = sorted(
                self.root.glob(f"{file.stem}_*.jpg"), key=lambda p: (len(p.stem), p.stem)
            )
            names = tuple(self.relative(path) for path in (file, *paths))
            used += names
            yield Entry(f"case-{file.stem}", names)
        yield from stray_entries(self.root, [self.root], used)

    def draft(self, entry: Entry) -> Draft:
        """Read one case; a picture without an outline comes without a mask."""
        refuse_stray(entry)
        case = _case(self.root / entry.files[0])
        if len(entry.files) < 2:
            raise Reject("it has no picture")
        pictures, facts = [], [label("anatomy", "thyroid", "DDTI"), *_ddti_labels(case)]
        for number, name in enumerate(entry.files[1:]):
            path = self.root / name
            pixels = read_pixels(path)
            index = path.stem.rpartition("_")[2]
            mask = _outlines(case, index, (pixels.shape[0], pixels.shape[1]))
            pictures.append(picture(path, mask))
            if mask is not None and int(mask.max()) == 1:
                facts += mask_facts(pixels, mask, number)
        return Draft(entry.key, tuple(pictures), Anatomy.THYROID, tuple(facts))


def _case(path: Path) -> ET.Element:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise Reject(f"its file {path.name} cannot be read") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # nothing in the set needs them; they can be harm
        raise Reject(f"its file {path.name} declares entities")
    try:
        return ET.fromstring(text)
    except ET.ParseError:
        raise Reject(f"its file {path.name} is no XML") from None


def _ddti_labels(case: ET.Element) -> Iterator[Fact]:
    yield label("lesion_present", True, "XML: mark")
    for tag, words in _WORDS.items():
        said = (case.findtext(tag) or "").strip().lower()
        if said in words:
            yield label(_NAMES[tag], words[said], f"XML: {tag}", lesion=1)
    category = (case.findtext("tirads") or "").strip().upper()
    if category:
        yield label("tirads", category, "XML: tirads", lesion=1)


def _outlines(case: ET.Element, index: str, shape: tuple[int, int]) -> np.ndarray | None:
    mask = np.zeros(shape, np.uint8)
    count = 0
    for mark in case.iter("mark"):
        if (mark.findtext("image") or "").strip() != index:
            continue
        try:
            regions = json.loads(mark.findtext("svg") or "[]")
            outlines = [[(p["x"], p["y"]) for p in region["points"]] for region in regions]
        except (ValueError, KeyError, TypeError):
            raise Reject("an outline of its XML file is damaged") from None
        for points in outlines:
            count += 1
            mask[(polygon_mask(points, shape) > 0) & (mask == 0)] = count
    return mask if count else None


@dataclass(frozen=True)
class Tn3k(PublicSet):
    """TN3K: thyroid nodules with masks, and benign or malignant where the label files are there.

    Layout: ``trainval-image/N.jpg``, ``trainval-mask/N.jpg``, ``test-image``, ``test-mask``,
    ``label4trainval.csv`` and ``label4test.csv`` as "N.jpg,LABEL", 1 malignant (by public loaders;
    not seen). The set names no patients.
    """

    name: str = "tn3k"
    title: str = "TN3K: thyroid nodules, masks"
    licence: str = "MIT"
    citation: str = (
        "Gong et al., Computers in Biology and Medicine 2023, 10.1016/j.compbiomed.2022.106389"
    )

    def entries(self) -> Iterator[Entry]:
        """One entry per picture."""
        used: list[str] = []
        folders = []
        for part in ("trainval", "test"):
            images = self.find(f"{part}-image")
            masks = images.parent / f"{part}-mask"
            labels = _labels(images.parent / f"label4{part}.csv")
            folders += [images, masks]
            for path in sorted(images.iterdir()):
                files = (self.relative(path), self.relative(masks / path.name))
                used += files
                yield Entry(f"{part}-{path.stem}", files, {"label": labels.get(path.name)})
        yield from stray_entries(self.root, [f for f in folders if f.is_dir()], used)

    def draft(self, entry: Entry) -> Draft:
        """Read one picture."""
        refuse_stray(entry)
        path = self.root / entry.files[0]
        mask = lesion_mask_of_jpeg(self.root / entry.files[1])
        facts = [label("anatomy", "thyroid", "TN3K"), label("lesion_present", True, "TN3K")]
        if (kind := entry.values["label"]) is not None:
            pathology = "malignant" if kind == "1" else "benign"
            facts.append(label("pathology", pathology, f"label {kind}", lesion=1))
        facts += mask_facts(read_pixels(path), mask)
        return Draft(entry.key, (picture(path, mask),), Anatomy.THYROID, tuple(facts))


def lesion_mask_of_jpeg(path: Path) -> np.ndarray:
    """A mask saved as JPEG: 1 above half of the range, without the fringe of compression."""
    lesion_mask(path)  # tells what is missing, damaged or empty
    mask = (read_pixels(path)[..., 0] > 127).astype(np.uint8)
    if not mask.any():
        raise Reject(f"its mask {path.name} is empty")
    return mask


def _labels(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    with open(path, encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.reader(stream) if len(row) == 2]
    return {name.strip(): value.strip() for name, value in rows if value.strip() in ("0", "1")}
