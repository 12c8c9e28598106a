"""One DICOM instance, de-identified: read, blank, look for text, clean the header, write.

    read_instance -> frames, regions, calibration
    frames outside the regions -> black; text inside -> black; header -> allow list
    anything in doubt -> ``quarantine`` says why, and nothing is claimed of the pixels

Nothing of the input reaches a message: an error names the file and the kind of fault.

Sources: DICOM PS3.15 Annex E (Basic Profile, Clean Pixel Data Option).
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from echovlm.errors import OutputError, StudyError
from echovlm.imaging.deidentify.header import (
    choose_class,
    clean_header,
    header_changes,
    patient_of,
    rebuild_file_meta,
    state_method,
    text_of,
)
from echovlm.imaging.deidentify.identifiers import identifiers_of
from echovlm.imaging.deidentify.ocr import find_lines, ocr_available
from echovlm.imaging.deidentify.pixels import (
    blank_boxes,
    blank_outside,
    kept_boxes,
    kept_mask,
    put_pixels,
)
from echovlm.imaging.deidentify.policy import Change, Policy
from echovlm.imaging.deidentify.pseudonyms import patient_digest, study_digest
from echovlm.imaging.deidentify.words import Kind
from echovlm.imaging.dicom import Instance, read_instance
from echovlm.imaging.kinds import unreadable
from echovlm.imaging.limits import DEFAULT_LIMITS, Limits
from echovlm.imaging.pixels import is_moving
from echovlm.imaging.quiet import quiet
from echovlm.study import Clip
from echovlm.terms import Anatomy

# Transfer syntaxes that lose detail: JPEG, near-lossless JPEG-LS, JPEG 2000, HTJ2K, JPEG XL.
_LOSSY_SYNTAXES = tuple(
    f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 81, 91, 93, 111, 112, 203)
)
_MOST_MASKED = 0.2  # share of the picture; above it a person should look

NOT_READ = "text inside the picture was looked for by shape alone. "
TEXT_FOUND = "text was found inside the picture and masked"
MUCH_MASKED = "more than a fifth of the picture was masked"
READER_FAILED = "the text reader failed on this picture"


@dataclass(frozen=True, eq=False)
class Deidentified:
    """A clean instance.

    Attributes:
        dataset: clean header and pixels, uncompressed, with file meta information.
        clip: the cleaned frames ``(N, H, W, 3)`` uint8 with regions and calibration.
        anatomy: the anatomy that the input stated, if any.
        patient_key: salted digest, equal for one patient.
        study_key: salted digest of the Study Instance UID.
        changes: what was changed, without old values.
        quarantine: empty, or why a person must look before the instance is used.
    """

    dataset: Dataset
    clip: Clip
    anatomy: Anatomy | None
    patient_key: str
    study_key: str
    changes: tuple[Change, ...]
    quarantine: str


def deidentify_instance(
    path: Path, policy: Policy, limits: Limits = DEFAULT_LIMITS
) -> Deidentified:
    """De-identify one DICOM file.

    Args:
        path: a DICOM file of ultrasound.
        policy: the salt and what becomes of text inside the picture.
        limits: what reading may cost.

    Raises:
        StudyError: when the file cannot be read as ultrasound, with the reason in one sentence.
    """
    path = Path(path)
    with quiet():
        try:
            instance = read_instance(path, limits)
            return _deidentified(instance, _whole_header(path), policy)
        except StudyError:
            raise
        except OSError as error:
            raise unreadable(path, error) from None
        except Exception:
            # Whatever fails here met irregular values, and its words may quote them.
            raise StudyError(path, "has a header that cannot be read", "Export it again") from None


def write_instance(result: Deidentified, path: Path) -> None:
    """Write a clean instance as a DICOM file, whole or not at all.

    Args:
        result: what :func:`deidentify_instance` gave.
        path: the file to write; its folder exists.

    Raises:
        OutputError: when the file cannot be written.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}).") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            result.dataset.save_as(stream, enforce_file_format=True)
        os.replace(name, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}).") from None
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _whole_header(path: Path) -> Dataset:
    """Read all elements before the pixels, none of which is written again as it is."""
    return dcmread(path, stop_before_pixels=True, force=True)


def _deidentified(instance: Instance, dataset: Dataset, policy: Policy) -> Deidentified:
    identifiers = identifiers_of(dataset)
    frames, changes, quarantine = _clean_pixels(instance.clip, identifiers, policy)
    clip = replace(instance.clip, frames=frames)
    clean = clean_header(dataset, instance.anatomy, policy.salt, identifiers)
    choose_class(clean, len(frames))
    put_pixels(clean, clip, lossy=_is_lossy(dataset))
    state_method(clean, pixels_clean=not quarantine)
    rebuild_file_meta(clean)
    study = text_of(dataset, "StudyInstanceUID") or text_of(dataset, "SOPInstanceUID")
    return Deidentified(
        dataset=clean,
        clip=clip,
        anatomy=instance.anatomy,
        patient_key=patient_digest(patient_of(dataset), policy.salt),
        study_key=study_digest(study, policy.salt),
        changes=header_changes(dataset, clean) + changes,
        quarantine=quarantine,
    )


def _clean_pixels(
    clip: Clip, identifiers: tuple[str, ...], policy: Policy
) -> tuple[np.ndarray, tuple[Change, ...], str]:
    """Blank and mask a copy of the frames; say what was done and why a person must look."""
    frames = clip.frames.copy()
    rows, columns = frames.shape[1:3]
    mask = kept_mask(kept_boxes(clip.regions, rows, columns), rows, columns)
    changes: tuple[Change, ...] = ()
    if blank_outside(frames, mask):
        changes = (Change("pixels", "outside the ultrasound regions", "blanked"),)
    reasons = [NOT_READ + ocr_available()] if ocr_available() else []
    try:
        lines = find_lines(frames, mask, identifiers, tell_apart=policy.keep_measurements)
    except Exception:  # tesseract fails in many ways, and its words may quote the picture
        lines, reasons = [], [READER_FAILED]
    stay = Kind.MEASUREMENT if policy.keep_measurements else None
    boxes = [line.box for line in lines if line.kind is not stay]
    changes += blank_boxes(frames, boxes)
    if boxes and policy.on_text == "quarantine":
        reasons.append(TEXT_FOUND)
    masked = mask & kept_mask(boxes, rows, columns)
    if masked.sum() > _MOST_MASKED * mask.sum():
        reasons.append(MUCH_MASKED)
    return frames, changes, "; ".join(reasons)


def _is_lossy(dataset: Dataset) -> bool:
    syntax = dataset.file_meta.get("TransferSyntaxUID", "")
    return syntax in _LOSSY_SYNTAXES or is_moving(syntax)
