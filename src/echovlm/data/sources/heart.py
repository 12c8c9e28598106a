"""Heart: CAMUS (apical views, masks, ejection fraction) and MyHeart (loops of one adult)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echovlm.data.record import Rejected
from echovlm.data.sources.pictures import mode_of
from echovlm.data.sources.public import PublicSet, label, refuse_stray, stray_entries
from echovlm.data.sources.source import Draft, DraftPicture, Entry, Reject
from echovlm.data.sources.volumes import as_grey, read_volume
from echovlm.errors import DataError, StudyError
from echovlm.facts import Fact
from echovlm.imaging import read
from echovlm.imaging.frames import key_frames
from echovlm.terms import Anatomy

_VIEWS = {"2CH": "apical two-chamber", "4CH": "apical four-chamber"}
_MOMENTS = {"ED": "end-diastole", "ES": "end-systole"}
_STRUCTURES = {1: "left ventricle", 2: "myocardium", 3: "left atrium"}


_STILLS = tuple(f"{view}_{moment}" for view in _VIEWS for moment in _MOMENTS)
_ENDINGS = (".nii.gz", ".nii", ".mhd")
_PASSED_OVER = (
    *(f"sequence{mask}{end}" for mask in ("", "_gt") for end in _ENDINGS),
    ".raw",
    ".zraw",
    "MANDATORY_CITATION.md",
)


@dataclass(frozen=True)
class Camus(PublicSet):
    """CAMUS: apical two- and four-chamber views at end-diastole and end-systole, with masks and EF.

    One record per patient. Pixels need not be square (their spacing is kept). Layout:
    ``database_nifti/patientNNNN/patientNNNN_{2CH,4CH}_{ED,ES}.nii.gz`` with ``..._gt.nii.gz``, or
    the older ``.mhd`` files in ``training`` and ``testing``, and ``Info_{2CH,4CH}.cfg`` with ``EF``
    (older: ``LVef``) in percent. The sequences beside them are passed over, and so are sex, age and
    ``ImageQuality`` (checked against public readers; not seen).
    """

    name: str = "camus"
    title: str = "CAMUS: apical views, masks, ejection fraction"
    licence: str = "CC-BY-NC-SA-4.0"
    citation: str = "Leclerc et al., IEEE TMI 2019, 10.1109/TMI.2019.2900516"

    def entries(self) -> Iterator[Entry]:
        """One entry per patient; of two folders of one name both carry the folder above."""
        folders = sorted(
            path
            for path in self.root.rglob("patient*")
            if path.is_dir() and path.name[7:].isdigit()
        )
        if not folders:
            raise DataError(
                self.root, "is not laid out as camus: no folder patientNNNN", "Check the path"
            )
        times = Counter(folder.name for folder in folders)
        used: list[str] = []
        for folder in folders:
            files = [folder / f"Info_{view}.cfg" for view in _VIEWS]
            for still in _STILLS:
                for part in ("", "_gt"):
                    stem = f"{folder.name}_{still}{part}"
                    files += [folder / f"{stem}{end}" for end in _ENDINGS]
            names = tuple(self.relative(path) for path in files if path.exists())
            used += names
            once = times[folder.name] == 1
            key = folder.name if once else f"{folder.parent.name}-{folder.name}"
            yield Entry(key, names, {"folder": folder.name})
        yield from stray_entries(self.root, folders, used, _PASSED_OVER)

    def draft(self, entry: Entry) -> Draft:
        """Read one patient; a picture or mask that cannot be used leaves the others."""
        refuse_stray(entry)
        files = {Path(name).name: self.root / name for name in entry.files}
        pictures: list[DraftPicture] = []
        rejected: list[Rejected] = []
        for still in _STILLS:
            stem = f"{entry.values['folder']}_{still}"
            try:
                drafted, refusal = _picture(_file(files, stem), _file(files, f"{stem}_gt"), still)
            except Reject as reason:
                rejected.append(self.left_out(f"{entry.key} {still}", reason))
                continue
            if refusal:
                rejected.append(self.left_out(f"{entry.key} {still} mask", refusal))
            pictures.append(drafted)
        if not pictures:
            raise Reject(rejected[0].reason)
        masks = [drawn.mask for drawn in pictures if drawn.mask is not None]
        seen = sorted({int(value) for mask in masks for value in np.unique(mask)} - {0})
        facts = (
            label("anatomy", "heart", "CAMUS"),
            *_ejection_fraction(files),
            *(label("structure", _STRUCTURES[value], f"mask value {value}") for value in seen),
        )
        return Draft(entry.key, tuple(pictures), Anatomy.HEART, facts, rejected=tuple(rejected))


def _file(files: dict[str, Path], stem: str) -> Path | None:
    return next((files[f"{stem}{end}"] for end in _ENDINGS if f"{stem}{end}" in files), None)


def _picture(
    path: Path | None, truth: Path | None, still: str
) -> tuple[DraftPicture, Reject | None]:
    """One picture, and why its mask is left out where it is.

    Raises:
        Reject: when the picture cannot be used.
    """
    if path is None:
        raise Reject("its picture is missing")
    volume = read_volume(path)
    pixels = as_grey(volume.frames[0])
    view, _, moment = still.partition("_")
    mask, refusal = None, None
    try:
        mask = _mask(truth, pixels.shape)
    except Reject as reason:
        refusal = reason
    drafted = DraftPicture(
        pixels=pixels,
        mask=mask,
        view=f"{_VIEWS[view]}, {_MOMENTS[moment]}",
        pixel_spacing_mm=volume.pixel_spacing_mm,
    )
    return drafted, refusal


def _mask(path: Path | None, shape: tuple[int, ...]) -> np.ndarray:
    if path is None:
        raise Reject("its mask is missing")
    values = read_volume(path).frames[0]
    if values.shape != shape:
        raise Reject("its mask is not as large as its picture")
    if not np.isin(values, (0, *_STRUCTURES)).all():
        raise Reject("its mask holds a value without a known meaning")
    if not values.any():
        raise Reject("its mask is empty")
    return values.astype(np.uint8)


def _ejection_fraction(files: dict[str, Path]) -> list[Fact]:
    found = set()
    for name in ("Info_2CH.cfg", "Info_4CH.cfg"):
        if name in files:
            text = files[name].read_text(encoding="utf-8", errors="replace")
            match = re.search(r"^(?:LV)?[Ee][Ff]\s*:\s*([\d.]+)\s*$", text, re.MULTILINE)
            if match:
                found.add(float(match[1]))
    if len(found) > 1:
        raise Reject("its two Info files disagree in the ejection fraction")
    source = "Info_2CH.cfg, Info_4CH.cfg: EF"
    return [label("ejection_fraction_percent", value, source) for value in found if 0 < value < 100]


@dataclass(frozen=True)
class MyHeart(PublicSet):
    """MyHeart: transthoracic cine loops of one adult, without labels.

    One record per loop, whose pictures are its key frames; all are of one person. A loop with
    colour Doppler is told by its colours. Layout: ``*.mp4`` (seen).
    """

    name: str = "my-heart"
    title: str = "MyHeart: transthoracic cine loops of one adult"
    licence: str = "MIT"
    citation: str = "M. Vukadinovic: MyHeart"

    def entries(self) -> Iterator[Entry]:
        """One entry per cine loop; all have one patient."""
        folder = self.holding("*.mp4")
        used = [self.relative(path) for path in sorted(folder.glob("*.mp4"))]
        for name in used:
            yield Entry(Path(name).stem, (name,))
        yield from stray_entries(self.root, [folder], used)

    def draft(self, entry: Entry) -> Draft:
        """Read the key frames of one loop."""
        refuse_stray(entry)
        try:
            (clip,) = read(self.root / entry.files[0]).clips
        except StudyError as error:
            raise Reject(f"it {error.problem}") from None
        mode = mode_of(clip.frames)
        pictures = tuple(
            DraftPicture(
                pixels=clip.frames[frame],
                mode=mode,
                frame=frame,
                frame_time_ms=clip.frame_time_ms,
            )
            for frame in key_frames(clip)
        )
        return Draft("1", pictures, Anatomy.HEART, (label("anatomy", "heart", "MyHeart"),))
