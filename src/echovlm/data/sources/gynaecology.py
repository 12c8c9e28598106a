"""Obstetrics and gynaecology: HC18 (fetal head) and MMOTU (ovarian tumours)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from echovlm.data.descriptors import head_facts
from echovlm.data.sources.pictures import lesion_mask, measured, picture
from echovlm.data.sources.public import PublicSet, label, refuse_stray, stills, stray_entries
from echovlm.data.sources.source import Draft, Entry, Reject
from echovlm.errors import DataError, InputError
from echovlm.facts import Fact
from echovlm.terms import Anatomy

_TABLE = "training_set_pixel_size_and_HC.csv"


@dataclass(frozen=True)
class Hc18(PublicSet):
    """HC18: fetal heads with outline, pixel size and head circumference (Zenodo 1327317).

    The first three digits of a name are the scan, which stands for the patient. The outline is
    filled to give the mask. Layout: ``training_set_pixel_size_and_HC.csv``,
    ``training_set/NNN_HC.png`` and ``NNN_HC_Annotation.png`` or ``NNN_HC_Mask.png`` (seen: Mask;
    Annotation by public readers, some with one ``training_set`` in another; the whole set has 999
    pictures).
    """

    name: str = "hc18"
    title: str = "HC18: fetal head, circumference and pixel size in mm"
    licence: str = "CC-BY-4.0"
    citation: str = "van den Heuvel et al., PLoS ONE 2018, 10.1371/journal.pone.0200412"

    def entries(self) -> Iterator[Entry]:
        """One entry per picture, in the order of the table."""
        table = self.find(_TABLE)
        folder = table.parent / "training_set"
        if (folder / "training_set").is_dir():
            folder = folder / "training_set"
        used: list[str] = []
        try:
            with open(table, encoding="utf-8-sig", newline="") as stream:
                rows = [tuple(row[:3]) for row in csv.reader(stream)][1:]
            values = [(name, float(size), float(length)) for name, size, length in rows]
        except (OSError, ValueError, csv.Error):
            raise DataError(
                table, "is no table of name, pixel size and circumference", "Restore it"
            ) from None
        for name, pixel_size_mm, circumference_mm in values:
            path = folder / name
            masks = [folder / f"{path.stem}_{kind}.png" for kind in ("Annotation", "Mask")]
            mask = next((file for file in masks if file.exists()), masks[1])
            files = (self.relative(path), self.relative(mask))
            used += files
            about = {"pixel_size_mm": pixel_size_mm, "circumference_mm": circumference_mm}
            yield Entry(path.stem, files, about)
        yield from stray_entries(self.root, [folder] if folder.is_dir() else [], used)

    def draft(self, entry: Entry) -> Draft:
        """Read one picture."""
        refuse_stray(entry)
        path = self.root / entry.files[0]
        outline = lesion_mask(self.root / entry.files[1]) > 0
        mask = ndimage.binary_fill_holes(outline).astype(np.uint8)
        size = float(entry.values["pixel_size_mm"])
        spacing = (size, size)
        facts = [
            label("anatomy", "gynaecology", "HC18"),
            label("structure", "fetal head", "HC18"),
            label("head_circumference_mm", float(entry.values["circumference_mm"]), _TABLE),
        ]
        try:
            measured = head_facts(mask > 0, image_index=0, pixel_spacing_mm=spacing)
        except InputError:
            raise Reject("its outline is no head") from None
        _check_circumference(measured, float(entry.values["circumference_mm"]))
        drawn = picture(path, mask, pixel_spacing_mm=spacing)
        return Draft(entry.key[:3], (drawn,), Anatomy.GYNAECOLOGY, tuple(facts))


_LARGEST_DIFFERENCE = 0.05


def _check_circumference(measured: tuple[Fact, ...], stated_mm: float) -> None:
    """Refuse a picture whose outline does not fit the circumference of the table."""
    for fact in measured:
        if abs(float(fact.value) - stated_mm) > _LARGEST_DIFFERENCE * stated_mm:
            raise Reject("its outline does not fit the circumference of the table")


_OVARIAN = {
    0: ("endometrioma", "benign"),
    1: ("serous cystadenoma", "benign"),
    2: ("teratoma", None),
    3: ("theca cell tumour", None),
    4: ("simple cyst", "benign"),
    5: ("normal ovary", "normal"),
    6: ("mucinous cystadenoma", "benign"),
    7: ("high-grade serous carcinoma", "malignant"),
}


@dataclass(frozen=True)
class Mmotu(PublicSet):
    """MMOTU, the 2-D part: ovarian tumours of eight classes with masks.

    Layout: ``OTU_2d/images/N.JPG``, ``OTU_2d/annotations/N_binary.PNG`` beside ``N.PNG`` and
    ``N_binary_binary.PNG``, classes in ``OTU_2d/train_cls.txt`` and ``val_cls.txt`` as
    "N.JPG  CLASS"; 1469 pictures; the contrast part ``OTU_3d`` is passed over (checked against four
    public readers; not seen; the copy at figshare is laid out otherwise). No legend of the class
    numbers is published; all readers take the order of the paper. A class that does not decide
    between benign and malignant gives no pathology.
    """

    name: str = "mmotu"
    title: str = "MMOTU: ovarian tumours of eight classes, masks"
    licence: str = "CC-BY-4.0"
    citation: str = (
        "Zhao et al., Pattern Recognition 2025, 10.1016/j.patcog.2025.112311; "
        "figshare 10.6084/m9.figshare.25058690"
    )

    def entries(self) -> Iterator[Entry]:
        """One entry per picture."""
        inside = self.root.name == "OTU_2d"
        images = self.find("images") if inside else self.find("OTU_2d", "images")
        folder = images.parent
        classes: dict[str, int] = {}
        for name in ("train_cls.txt", "val_cls.txt"):
            if (folder / name).exists():
                _add_classes(folder / name, classes)
        if not classes:
            raise DataError(folder, "has neither train_cls.txt nor val_cls.txt", "Restore them")
        used: list[str] = []
        annotations = folder / "annotations"
        shown = stills(images)
        absent = sorted(classes.keys() - {path.name for path in shown})
        for path in (*shown, *(images / name for name in absent)):
            same = [annotations / f"{path.stem}{end}.PNG" for end in ("_binary", "", "_binary" * 2)]
            used += [self.relative(file) for file in (path, *same)]
            files = (self.relative(path), self.relative(same[0]))
            yield Entry(path.stem, files, {"class": classes.get(path.name)})
        folders = [f for f in (images, annotations) if f.is_dir()]
        yield from stray_entries(self.root, folders, used)

    def draft(self, entry: Entry) -> Draft:
        """Read one picture."""
        refuse_stray(entry)
        number = entry.values["class"]
        if number not in _OVARIAN:
            raise Reject("its class is missing or unknown")
        histology, pathology = _OVARIAN[number]
        source = f"class {number}"
        path, mask = self.root / entry.files[0], lesion_mask(self.root / entry.files[1])
        facts = [label("anatomy", "gynaecology", "MMOTU")]
        if pathology == "normal":
            drafted = picture(path, mask)
            facts += [label("lesion_present", False, source), label("pathology", "normal", source)]
            facts.append(label("structure", "ovary", "annotations"))
        else:
            drafted, found = measured(path, mask)
            facts += [
                label("lesion_present", True, source),
                label("histology", histology, source, lesion=1),
            ]
            if pathology:
                facts.append(label("pathology", pathology, source, lesion=1))
            facts += found
        return Draft(entry.key, (drafted,), Anatomy.GYNAECOLOGY, tuple(facts))


def _add_classes(path: Path, classes: dict[str, int]) -> None:
    """Add the classes of one list.

    Raises:
        DataError: when the list is damaged or gives a picture another class than before.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or not words[1].isdigit():
            raise DataError(path, f"is damaged in line {number}", "Restore the published file")
        if classes.setdefault(words[0], int(words[1])) != int(words[1]):
            raise DataError(
                path, f"gives a second class in line {number}", "Restore the published file"
            )
