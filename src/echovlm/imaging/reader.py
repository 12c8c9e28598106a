"""A path becomes a study: one file, or a folder of stills, cine loops and DICOM files.

Files are told apart by content, never by suffix. A folder is read with everything below it, in
natural order ("image 2" before "image 10"); hidden files and a DICOMDIR are passed over, linked
folders are not entered. What cannot be read is listed in ``Study.left_out``, and only a folder with
nothing readable at all is an error.

File names often hold a patient's name, so they stay out of the study: clips are called by kind and
running number ("image 1", "cine loop 2"). A file name appears only where the user must be told
which file was left out, or in the error about that file.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from echovlm.errors import StudyError
from echovlm.imaging.cine import read_cine
from echovlm.imaging.dicom import Instance, is_directory_index, read_instance
from echovlm.imaging.kinds import ACCEPTED, Kind, head_of, kind_of, unreadable
from echovlm.imaging.limits import DEFAULT_LIMITS, Limits
from echovlm.imaging.quiet import quiet
from echovlm.imaging.stills import read_still
from echovlm.study import Clip, LeftOut, Study
from echovlm.terms import Anatomy

_NAMED_REASONS = 3
_PASSED_OVER = ("thumbs.db", "desktop.ini", "__macosx")


def read(path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Study:
    """Read stills, cine loops and DICOM files as one study.

    Args:
        path: an image (PNG, JPEG, TIFF, BMP, GIF), a cine loop (MP4, AVI, multi-frame DICOM), a
            DICOM file, or a folder that mixes them.
        limits: what reading may cost; the default keeps a study below about 1 GiB.

    Returns:
        A study of at least one clip. Spacing in mm is given only where the DICOM calibration can be
        trusted, anatomy only where the files state one and the same.

    Raises:
        StudyError: when nothing at the path can be read, with the reason in one sentence.
    """
    place = Path(path)
    with quiet():
        if _is_folder(place):
            return _study_of_folder(place, limits)
        return _study([_read_file(place, limits)], [])


def _is_folder(place: Path) -> bool:
    try:
        os.stat(place)
    except OSError as error:
        raise unreadable(place, error) from None
    except ValueError:
        raise StudyError(repr(str(place)), "is not a path", "Check the path") from None
    return place.is_dir()


def _study_of_folder(folder: Path, limits: Limits) -> Study:
    files = _files_below(folder, limits)
    if not files:
        raise StudyError(folder, "is a folder without files", f"Give a folder of {ACCEPTED}")
    instances: list[Instance] = []
    refused: list[tuple[str, StudyError]] = []
    room_bytes = limits.study_bytes
    for file in files:
        try:
            if room_bytes <= 0:
                raise StudyError(file, "no longer fits into memory", "Read the study in parts")
            room = replace(limits, clip_bytes=min(limits.clip_bytes, room_bytes))
            instance = _read_file(file, room)
        except StudyError as error:
            refused.append((str(file.relative_to(folder)), error))
            continue
        instances.append(instance)
        room_bytes -= instance.clip.frames.nbytes
    if not instances:
        raise _nothing_readable(folder, refused)
    left_out = [LeftOut(name, _sentence(error)) for name, error in refused]
    return _study(instances, left_out)


def _files_below(folder: Path, limits: Limits) -> list[Path]:
    """List the files below a folder in natural order, hidden ones and a DICOMDIR excepted."""
    found: list[Path] = []

    def refuse(error: OSError) -> None:
        if Path(error.filename or folder) == folder:
            raise unreadable(folder, error) from None

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not _is_passed_over(name)]
        found += [Path(parent, name) for name in names if not _is_passed_over(name)]
        if len(found) > limits.files:
            raise StudyError(
                folder,
                f"holds more than {limits.files} files",
                "Give the folder of one study",
            )
    return sorted(found, key=lambda file: _natural(str(file.relative_to(folder))))


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.lower() in _PASSED_OVER or is_directory_index(Path(name))


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key by which numbers inside a name count as numbers."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
        for part in re.split(r"(\d+)", name)
        if part
    ]


def _read_file(path: Path, limits: Limits) -> Instance:
    """Read one file by its content."""
    kind = kind_of(head_of(path))
    try:
        if kind is Kind.DICOM:
            return read_instance(path, limits)
        if kind is Kind.STILL:
            return Instance(read_still(path, limits), None, b"")
        if kind is not None:
            return Instance(read_cine(path, kind.value, limits), None, b"")
    except OSError as error:
        raise unreadable(path, error) from None
    raise StudyError(path, "is not an image, cine loop or DICOM file", f"Give {ACCEPTED}")


def _study(instances: list[Instance], left_out: list[LeftOut]) -> Study:
    clips = tuple(
        replace(instance.clip, name=_clip_name(instance.clip, number))
        for number, instance in enumerate(instances, start=1)
    )
    patients = {instance.patient for instance in instances} - {b""}
    notes = (
        (f"the DICOM files name {len(patients)} different patients, but a study is of one",)
        if len(patients) > 1
        else ()
    )
    return Study(clips, anatomy=_common_anatomy(instances), left_out=tuple(left_out), notes=notes)


def _clip_name(clip: Clip, number: int) -> str:
    return f"{'cine loop' if clip.is_cine else 'image'} {number}"


def _common_anatomy(instances: list[Instance]) -> Anatomy | None:
    """The anatomy that every statement in the study agrees on."""
    stated = {instance.anatomy for instance in instances} - {None}
    return stated.pop() if len(stated) == 1 else None


def _nothing_readable(folder: Path, refused: list[tuple[str, StudyError]]) -> StudyError:
    named = "; ".join(f"{name} {error.problem}" for name, error in refused[:_NAMED_REASONS])
    more = len(refused) - _NAMED_REASONS
    rest = f"; and {more} more" if more > 0 else ""
    return StudyError(folder, f"holds no readable file ({named}{rest})", f"Give {ACCEPTED}")


def _sentence(error: StudyError) -> str:
    return f"{error.problem}. {error.remedy}." if error.remedy else f"{error.problem}."
