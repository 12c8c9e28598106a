"""Breast: BUS-BRA, BUSI and BUS-UC."""

from __future__ import annotations

import csv
import glob
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echovlm.data.record import Rejected
from echovlm.data.sources.pictures import lesion_mask, measured, picture, read_mask
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

_LEAST_OVERLAP = 0.5  # of the mask's box and the published one: shared area over joint area


@dataclass(frozen=True)
class BusBra(PublicSet):
    """BUS-BRA: breast lesions with histology, BI-RADS and masks (Zenodo 8231412).

    One record is one ``Case``: its one or two pictures show one lesion. ``Side`` names the half
    of a divided screen, not the side of the body: both halves of every case share histology and
    BI-RADS, and texts burned into the pictures run across them. So no laterality is stated.
    Layout: ``bus_data.csv``, ``Images/ID.png``, ``Masks/mask_....png`` (seen).
    """

    name: str = "bus-bra"
    title: str = "BUS-BRA: breast lesions, histology, BI-RADS, masks"
    licence: str = "CC-BY-4.0"
    citation: str = "Gomez-Flores et al., Medical Physics 2024, 10.1002/mp.16812"

    def entries(self) -> Iterator[Entry]:
        """One entry per case, in the order of the table."""
        table = self.find("bus_data.csv")
        folder = table.parent
        cases: dict[str, list[dict[str, str]]] = {}
        for row in _table(table, ("ID", "Case", "Histology", "Pathology", "BIRADS", "Side")):
            cases.setdefault(row["Case"], []).append(row)
        used: list[str] = []
        for case, rows in cases.items():
            files = []
            for row in rows:
                files.append(self.relative(folder / "Images" / f"{row['ID']}.png"))
                mask = f"mask_{row['ID'].removeprefix('bus_')}.png"
                files.append(self.relative(folder / "Masks" / mask))
            used += files
            yield Entry(f"case-{case}", tuple(files), {"rows": rows})
        folders = [folder / "Images", folder / "Masks"]
        yield from stray_entries(self.root, [f for f in folders if f.is_dir()], used)

    def draft(self, entry: Entry) -> Draft:
        """Read one case; a picture that cannot be used leaves the other."""
        refuse_stray(entry)
        rows: list[dict[str, str]] = entry.values["rows"]
        facts: list[Fact] = [label("anatomy", "breast", "BUS-BRA"), *_bus_bra_labels(rows)]
        pictures: list[DraftPicture] = []
        rejected: list[Rejected] = []
        files = zip(rows, entry.files[::2], entry.files[1::2], strict=True)
        for number, (row, path, mask) in enumerate(files, start=1):
            try:
                drafted, found, refusal = self._half(row, path, mask, len(pictures))
            except Reject as reason:
                rejected.append(self.left_out(f"{entry.key} picture {number}", reason))
                continue
            if refusal:
                rejected.append(self.left_out(f"{entry.key} mask {number}", refusal))
            pictures.append(drafted)
            facts += found
        if not pictures:
            raise Reject(rejected[0].reason)
        case = rows[0]["Case"]
        return Draft(case, tuple(pictures), Anatomy.BREAST, tuple(facts), rejected=tuple(rejected))

    def _half(
        self, row: dict[str, str], path: str, mask_path: str, number: int
    ) -> tuple[DraftPicture, list[Fact], Reject | None]:
        """One picture, what its mask shows, and why its mask is left out where it is."""
        side = row["Side"]
        view = f"{side} half of the screen" if side in ("left", "right") else ""
        mask = lesion_mask(self.root / mask_path)
        if _fills_box(row.get("BBOX", ""), mask):
            return *measured(self.root / path, mask, number, view), None
        refusal = Reject("its mask does not fill the box of bus_data.csv, so it is left out")
        return picture(self.root / path, None, view), [], refusal


def _table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DataError(path, "cannot be read as CSV", "Restore the published file") from None
    missing = [name for name in columns if rows and name not in rows[0]]
    if not rows or missing:
        raise DataError(
            path, f"lacks the columns {', '.join(missing or columns)}", "Restore the published file"
        )
    return rows


def _bus_bra_labels(rows: list[dict[str, str]]) -> Iterator[Fact]:
    yield label("lesion_present", True, "bus_data.csv")
    for name, column in (
        ("pathology", "Pathology"),
        ("histology", "Histology"),
        ("birads", "BIRADS"),
    ):
        values = {row[column].strip().lower() for row in rows}
        if len(values) > 1:
            raise Reject(f"its rows disagree in {column}")
        value = values.pop()
        if value:
            yield label(name, value, f"bus_data.csv: {column}", lesion=1)


def _fills_box(text: str, mask: np.ndarray) -> bool:
    """Whether a mask fills the published box (x, y, width, height); True where there is none."""
    try:
        x, y, width, height = (float(part) for part in json.loads(text))
    except (ValueError, TypeError):
        return True
    rows, columns = np.nonzero(mask)
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    across = min(right, x + width) - max(left, x)
    down = min(bottom, y + height) - max(top, y)
    shared = max(across, 0) * max(down, 0)
    union = (right - left) * (bottom - top) + width * height - shared
    return bool(shared >= _LEAST_OVERLAP * union)


@dataclass(frozen=True)
class Busi(PublicSet):
    """BUSI: breast ultrasound images of three classes with masks.

    The set names no patients, and is known to hold duplicates, axillary pictures and one lesion in
    two classes (Pawlowska et al., Data in Brief 2023, PMC10293973): near duplicates keep together
    in one split. Layout: ``Dataset_BUSI_with_GT/{benign,malignant,normal}/benign (1).png``,
    ``benign (1)_mask.png``, ``benign (1)_mask_1.png``; 437, 210 and 133 pictures (checked against
    the paper and public readers; not seen).
    """

    name: str = "busi"
    title: str = "BUSI: breast, benign, malignant and normal, masks"
    licence: str = "unverified, see its page"
    citation: str = "Al-Dhabyani et al., Data in Brief 2020, 10.1016/j.dib.2019.104863"

    def entries(self) -> Iterator[Entry]:
        """One entry per picture."""
        folders = [self.find(kind) for kind in ("benign", "malignant", "normal")]
        used: list[str] = []
        for folder in folders:
            for path in sorted(folder.glob("*.png"), key=lambda path: by_number(path.stem)):
                if "_mask" in path.stem:
                    continue
                masks = sorted(folder.glob(f"{glob.escape(path.stem)}_mask*.png"))
                files = tuple(self.relative(file) for file in (path, *masks))
                used += files
                yield Entry(path.stem, files, {"class": folder.name})
        yield from stray_entries(self.root, folders, used)

    def draft(self, entry: Entry) -> Draft:
        """Read one picture with its masks; several masks are lesions 1, 2, ..."""
        refuse_stray(entry)
        kind = entry.values["class"]
        path = self.root / entry.files[0]
        masks = [read_mask(self.root / file) > 0 for file in entry.files[1:]]
        facts = [label("anatomy", "breast", "BUSI"), label("pathology", kind, f"folder {kind}")]
        if kind == "normal":
            if any(mask.any() for mask in masks):
                raise Reject("a lesion is outlined, but it lies in the folder normal")
            facts.append(label("lesion_present", False, "folder normal"))
            return Draft(entry.key, (picture(path, None),), Anatomy.BREAST, tuple(facts))
        if not masks:
            raise Reject("its mask is missing")
        drafted, found = measured(path, _joined(masks))
        facts += [label("lesion_present", True, f"folder {kind}"), *found]
        return Draft(entry.key, (drafted,), Anatomy.BREAST, tuple(facts))


def _joined(masks: list[np.ndarray]) -> np.ndarray:
    """One label picture of several masks: 1, 2, ...; the first one wins where they overlap."""
    joined = np.zeros(masks[0].shape, np.uint8)
    for number, mask in enumerate(masks, start=1):
        if mask.shape != joined.shape:
            raise Reject("its masks are of different sizes")
        new = mask & (joined == 0)
        if not new.any():
            raise Reject("one of its masks is empty or lies inside another")
        joined[new] = number
    return joined


@dataclass(frozen=True)
class BusUc(PublicSet):
    """BUS-UC: breast lesions of two classes with masks (Mendeley 3ksd7w7jkx).

    The set names no patients. Layout: ``{Benign,Malignant}/images/01.png`` and ``masks/01.png``,
    358 and 453 pictures, beside a folder ``All`` that repeats them and is passed over (checked
    against two public readers; not seen). One of them counts fewer masks than pictures.
    """

    name: str = "bus-uc"
    title: str = "BUS-UC: breast, benign and malignant, masks"
    licence: str = "CC-BY-4.0"
    citation: str = (
        "Iqbal and Sharif, Engineering Applications of Artificial Intelligence 2024, "
        "10.1016/j.engappai.2023.107292; Mendeley Data 10.17632/3ksd7w7jkx.1"
    )

    def entries(self) -> Iterator[Entry]:
        """One entry per picture."""
        used: list[str] = []
        folders: list[Path] = []
        for kind in ("Benign", "Malignant"):
            images, masks = self.find(kind, "images"), self.find(kind, "masks")
            folders += [images, masks]
            for path, files in self.pairs(images, masks):
                used += files
                yield Entry(f"{kind.lower()}-{path.stem}", files, {"class": kind})
        yield from stray_entries(self.root, folders, used)

    def draft(self, entry: Entry) -> Draft:
        """Read one picture."""
        refuse_stray(entry)
        kind: str = entry.values["class"]
        path, mask = (self.root / file for file in entry.files)
        drafted, found = measured(path, lesion_mask(mask))
        facts = (
            label("anatomy", "breast", "BUS-UC"),
            label("lesion_present", True, f"folder {kind}"),
            label("pathology", kind.lower(), f"folder {kind}", lesion=1),
            *found,
        )
        return Draft(entry.key, (drafted,), Anatomy.BREAST, facts)
