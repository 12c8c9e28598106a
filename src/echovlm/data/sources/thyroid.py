"""Thyroid: DDTI (nodules with TI-RADS descriptors) and TN3K (nodule masks)."""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echovlm.data.record import Rejected
from echovlm.data.sources.pictures import (
    lesion_mask,
    measured,
    picture,
    polygon_mask,
    read_pixels,
)
from echovlm.data.sources.public import (
    PublicSet,
    by_number,
    label,
    refuse_stray,
    stray_entries,
)
from echovlm.data.sources.source import Draft, DraftPicture, Entry, Reject
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


_CATEGORY = re.compile(r"2|3|4[ABC]|5")  # TI-RADS as the set uses it, before the ACR's of 2017


@dataclass(frozen=True)
class Ddti(PublicSet):
    """DDTI: thyroid nodules with radiologists' descriptors, TI-RADS and outlines.

    One record per case. The descriptors are of the case; where a picture outlines several nodules,
    nobody says of which, so none is stated. Layout: ``N.xml`` and ``N_1.jpg``, ``N_2.jpg``, ...,
    perhaps in a folder ``archive``; in a file ``composition``, ``echogenicity``, ``margins``,
    ``calcifications``, ``tirads`` and ``mark`` elements with ``image`` and ``svg`` (JSON of regions
    with ``points`` of ``x`` and ``y``) (checked against four public readers; not seen).
    """

    name: str = "ddti"
    title: str = "DDTI: thyroid nodules, TI-RADS descriptors, outlines"
    licence: str = "open access, terms unverified"
    citation: str = "Pedraza et al., Proc. SPIE 9287, 2015, 10.1117/12.2073532"

    def entries(self) -> Iterator[Entry]:
        """One entry per case."""
        folder = self.holding("[0-9]*.xml")
        used: list[str] = []
        for file in sorted(folder.glob("[0-9]*.xml"), key=lambda path: by_number(path.stem)):
            paths = sorted(folder.glob(f"{file.stem}_*.jpg"), key=lambda path: by_number(path.stem))
            names = tuple(self.relative(path) for path in (file, *paths))
            used += names
            yield Entry(f"case-{file.stem}", names)
        yield from stray_entries(self.root, [folder], used)

    def draft(self, entry: Entry) -> Draft:
        """Read one case; a picture without an outline comes without a mask."""
        refuse_stray(entry)
        case = _case(self.root / entry.files[0])
        if len(entry.files) < 2:
            raise Reject("it has no picture")
        pictures: list[DraftPicture] = []
        found: list[Fact] = []
        rejected: list[Rejected] = []
        outlined = 0
        for name in entry.files[1:]:
            path = self.root / name
            try:
                height, width = read_pixels(path).shape[:2]
            except Reject as refusal:
                rejected.append(self.left_out(f"{entry.key} picture {path.stem}", refusal))
                continue
            mask = None
            try:
                mask = _outlines(case, path.stem.rpartition("_")[2], (height, width))
            except Reject as refusal:
                rejected.append(self.left_out(f"{entry.key} outline {path.stem}", refusal))
            if mask is None:
                pictures.append(picture(path, None))
                continue
            outlined = max(outlined, int(mask.max()))
            drafted, facts = measured(path, mask, len(pictures))
            pictures.append(drafted)
            found += facts
        if not pictures:
            raise Reject(rejected[0].reason)
        stated = [label("anatomy", "thyroid", "DDTI"), *_ddti_labels(case, outlined)]
        facts = [*stated, *(found if outlined == 1 else [])]
        return Draft(
            entry.key, tuple(pictures), Anatomy.THYROID, tuple(facts), rejected=tuple(rejected)
        )


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


def _ddti_labels(case: ET.Element, outlined: int) -> Iterator[Fact]:
    """What the file says of the nodule; ``outlined`` is the most nodules outlined in a picture."""
    category = (case.findtext("tirads") or "").strip().upper()
    graded = _CATEGORY.fullmatch(category) is not None
    if outlined:
        yield label("lesion_present", True, "XML: mark")
    elif graded:
        yield label("lesion_present", True, "XML: tirads")
    else:
        return
    if outlined > 1:
        return
    for tag, words in _WORDS.items():
        said = " ".join((case.findtext(tag) or "").lower().replace("- ", " ").split())
        if said in words:
            yield label(_NAMES[tag], words[said], f"XML: {tag}", lesion=1)
    if graded:
        yield label("tirads", category, "XML: tirads", lesion=1)


def _outlines(case: ET.Element, index: str, shape: tuple[int, int]) -> np.ndarray | None:
    """Regions 1, 2, ... of one picture; None where the file outlines nothing in it."""
    mask = np.zeros(shape, np.uint8)
    count = 0
    for mark in case.iter("mark"):
        if (mark.findtext("image") or "").strip() != index:
            continue
        try:
            regions = json.loads(mark.findtext("svg") or "[]")
            outlines = [[(p["x"], p["y"]) for p in region["points"]] for region in regions]
        except (ValueError, KeyError, TypeError):
            raise Reject("an outline of its XML file is damaged, so it is left out") from None
        for points in outlines:
            new = (polygon_mask(points, shape) > 0) & (mask == 0)
            if not new.any():
                raise Reject("one of its outlines lies inside another, so none is kept")
            count += 1
            mask[new] = count
    return mask if count else None


@dataclass(frozen=True)
class Tn3k(PublicSet):
    """TN3K: thyroid nodules with masks, and benign or malignant where the label files are there.

    Layout: ``trainval-image/N.jpg``, ``trainval-mask/N.jpg`` (2879), ``test-image``, ``test-mask``
    (614), and ``tn3k-trainval-fold*.json``, which is passed over; with the labels that Gong's
    archive and the ACL repository add, ``label4trainval.csv`` and ``label4test.csv`` as
    "N.jpg,LABEL", 1 malignant (checked against five public readers; not seen). The set names no
    patients.
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
            masks = self.find(f"{part}-mask")
            labels = _labels(images.parent / f"label4{part}.csv")
            folders += [images, masks]
            for path, files in self.pairs(images, masks):
                used += files
                yield Entry(f"{part}-{path.stem}", files, {"label": labels.get(path.name)})
        yield from stray_entries(self.root, folders, used)

    def draft(self, entry: Entry) -> Draft:
        """Read one picture."""
        refuse_stray(entry)
        path, mask = (self.root / file for file in entry.files)
        drafted, found = measured(path, lesion_mask(mask, above=127))
        facts = [label("anatomy", "thyroid", "TN3K"), label("lesion_present", True, "TN3K")]
        if (kind := entry.values["label"]) is not None:
            pathology = "malignant" if kind == "1" else "benign"
            facts.append(label("pathology", pathology, f"label {kind}", lesion=1))
        return Draft(entry.key, (drafted,), Anatomy.THYROID, (*facts, *found))


def _labels(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    labels = {}
    with open(path, encoding="utf-8-sig", newline="") as stream:
        for number, row in enumerate(csv.reader(stream), start=1):
            if len(row) != 2 or row[1].strip() not in ("0", "1"):
                raise DataError(path, f"is damaged in line {number}", "Restore the published file")
            labels[row[0].strip()] = row[1].strip()
    return labels
