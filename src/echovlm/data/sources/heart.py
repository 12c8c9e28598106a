"""Heart: CAMUS (apical views, masks, ejection fraction) and MyHeart (loops of one adult)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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


@dataclass(frozen=True)
class Camus(PublicSet):
    """CAMUS: apical two- and four-chamber views at end-diastole and end-systole, with masks and EF.

    One record per patient. Layout: ``patientNNNN/patientNNNN_{2CH,4CH}_{ED,ES}.nii.gz`` with
    ``..._gt.nii.gz``, or the older ``.mhd`` files, and ``Info_2CH.cfg`` with ``EF`` (older:
    ``LVef``) in percent (by public readers; not seen).
    """

    name: str = "camus"
    title: str = "CAMUS: apical views, masks, ejection fraction"
    licence: str = "CC-BY-NC-SA-4.0"
    citation: str = "Leclerc et al., IEEE TMI 2019, 10.1109/TMI.2019.2900516"

    def entries(self) -> Iterator[Entry]:
        """One entry per patient."""
        folders = sorted(
            path
            for path in self.root.rglob("patient*")
            if path.is_dir() and path.name[7:].isdigit()
        )
        if not folders:
            raise DataError(
                self.root, "is not laid out as camus: no folder patientNNNN", "Check the path"
            )
        for folder in folders:
            files = tuple(
                self.relative(path) for path in sorted(folder.iterdir()) if path.is_file()
            )
            yield Entry(folder.name, files)

    def draft(self, entry: Entry) -> Draft:
        """Read one patient; sequences beside the four pictures are passed over."""
        files = {Path(name).name: self.root / name for name in entry.files}
        pictures: list[DraftPicture] = []
        facts = [label("anatomy", "heart", "CAMUS"), *_ejection_fraction(files)]
        for view in _VIEWS:
            for moment in _MOMENTS:
                stem = f"{entry.key}_{view}_{moment}"
                path, truth = _file(files, stem), _file(files, f"{stem}_gt")
                if path is None:
                    continue
                pictures.append(_picture(path, truth, f"{_VIEWS[view]}, {_MOMENTS[moment]}"))
        if not pictures:
            raise Reject("it has none of the four pictures")
        structures = {
            int(value)
            for drawn in pictures
            if drawn.mask is not None
            for value in np.unique(drawn.mask)
        }
        for value in sorted(structures - {0}):
            if value in _STRUCTURES:
                facts.append(label("structure", _STRUCTURES[value], f"mask value {value}"))
        return Draft(entry.key, tuple(pictures), Anatomy.HEART, tuple(facts))


def _file(files: dict[str, Path], stem: str) -> Path | None:
    return next(
        (files[f"{stem}{end}"] for end in (".nii.gz", ".nii", ".mhd") if f"{stem}{end}" in files),
        None,
    )


def _picture(path: Path, truth: Path | None, view: str) -> DraftPicture:
    volume = read_volume(path)
    mask = None
    if truth is not None:
        mask = read_volume(truth).frames[0].astype(np.uint8)
    return DraftPicture(
        pixels=as_grey(volume.frames[0]),
        mask=mask,
        view=view,
        pixel_spacing_mm=volume.pixel_spacing_mm,
    )


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

    One record, whose pictures are the key frames of every loop. Layout: ``*.mp4`` (seen).
    """

    name: str = "my-heart"
    title: str = "MyHeart: transthoracic cine loops of one adult"
    licence: str = "MIT"
    citation: str = "M. Vukadinovic: MyHeart"

    def entries(self) -> Iterator[Entry]:
        """One entry per cine loop; all have one patient."""
        files = sorted(self.root.glob("*.mp4"))
        if not files:
            raise DataError(self.root, "is not laid out as my-heart: no MP4 file", "Check the path")
        used = [self.relative(path) for path in files]
        for name in used:
            yield Entry(Path(name).stem, (name,))
        yield from stray_entries(self.root, [self.root], used)

    def draft(self, entry: Entry) -> Draft:
        """Read the key frames of one loop."""
        refuse_stray(entry)
        try:
            (clip,) = read(self.root / entry.files[0]).clips
        except StudyError as error:
            raise Reject(f"it {error.problem}") from None
        pictures = tuple(
            DraftPicture(pixels=clip.frames[frame], frame=frame, frame_time_ms=clip.frame_time_ms)
            for frame in key_frames(clip)
        )
        return Draft("1", pictures, Anatomy.HEART, (label("anatomy", "heart", "MyHeart"),))
