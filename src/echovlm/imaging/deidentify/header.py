"""A clean header: only what the allow list names, pseudonyms for UIDs, nothing else of the input.

    output = allowed elements whose value passes its rule
           + dummy or empty values where the SOP class requires an element
           + what was done (PS3.16 CID 7050 codes)

The output is built anew, so nothing needs to be found in order to be removed. Decisions: Patient's
Sex is emptied and Patient's Age removed, as the Basic Profile says. Maker and model are kept (they
are no attribute of PS3.15 Table E.1-1), serial number, station name and software version are not.
Whatever class the input had, the output is an US Image or, with several frames, an US Multi-frame
Image.

Sources: DICOM PS3.15 E.2 (Basic Profile) and Table E.1-1, PS3.3 A.6 and A.7, PS3.10 7.1.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    PYDICOM_IMPLEMENTATION_UID,
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from echovlm.imaging.deidentify.allowed import (
    IMAGE_TYPE,
    MANUFACTURERS,
    MODEL,
    NUMBERS,
    PAIRED,
    REGION_NUMBERS,
    TRANSDUCER,
    WORDS,
)
from echovlm.imaging.deidentify.identifiers import folded
from echovlm.imaging.deidentify.policy import Change
from echovlm.imaging.deidentify.pseudonyms import patient_digest, pseudonymous_uid
from echovlm.terms import Anatomy

# Elements that are always written; empty ones are of type 2 and Z in the Basic Profile.
_EMPTY = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "PatientOrientation",
)
_DECIMALS = ("FD", "FL", "DS")
_UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_BODY_PART = {
    Anatomy.BREAST: "BREAST",
    Anatomy.THYROID: "THYROID",
    Anatomy.LIVER: "LIVER",
    Anatomy.KIDNEY: "KIDNEY",
    Anatomy.HEART: "HEART",
    Anatomy.VESSEL: "CAROTID",
}
_PIXEL_GROUPS = (0x7FE0,)
_PIXEL_ELEMENTS = frozenset(
    (
        "Rows",
        "Columns",
        "NumberOfFrames",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "FrameTime",
        "FrameIncrementPointer",
        "UltrasoundColorDataPresent",
    )
)
# PS3.16 CID 7050, De-identification Method.
_BASIC_PROFILE = ("113100", "Basic Application Confidentiality Profile")
_CLEAN_PIXELS = ("113101", "Clean Pixel Data Option")


def patient_of(dataset: Dataset) -> str:
    """Give what tells patients apart: the identifier, else name and birth date, else the study."""
    identifier = text_of(dataset, "PatientID")
    if identifier:
        return identifier
    name, born = text_of(dataset, "PatientName").strip("^ "), text_of(dataset, "PatientBirthDate")
    return f"{name}|{born}" if name and born else text_of(dataset, "StudyInstanceUID")


def clean_header(
    dataset: Dataset, anatomy: Anatomy | None, salt: bytes, identifiers: tuple[str, ...]
) -> Dataset:
    """Build the header of the clean instance, without pixels.

    Args:
        dataset: header of the input, with file meta information.
        anatomy: what the input states in any way; kept as a coded body part.
        salt: secret of the archive.
        identifiers: words that must not appear, whatever the allow list says.

    Returns:
        A data set with file meta information, valid but for the pixel elements, which
        :func:`echovlm.imaging.deidentify.pixels.put_pixels` adds.
    """
    clean = Dataset()
    for keyword in _EMPTY:
        setattr(clean, keyword, "")
    key = patient_digest(patient_of(dataset), salt)
    clean.PatientName = clean.PatientID = key
    clean.Modality = "US"
    clean.SpecificCharacterSet = "ISO_IR 192"
    _put_uids(clean, dataset, salt)
    _put_image_type(clean, dataset)
    _put_allowed(clean, dataset, NUMBERS)
    for keyword, words in WORDS.items():
        word = text_of(dataset, keyword).upper()
        if word in words:
            setattr(clean, keyword, word)
    _put_device(clean, dataset, identifiers)
    if "BodyPartExamined" not in clean and anatomy in _BODY_PART:
        clean.BodyPartExamined = _BODY_PART[anatomy]
    _put_required(clean)
    _put_regions(clean, dataset)
    clean.PatientIdentityRemoved = "YES"
    clean.LongitudinalTemporalInformationModified = "REMOVED"
    clean.preamble = b"\0" * 128
    return clean


def _put_required(clean: Dataset) -> None:
    """Write what type 2 requires, empty where the input gave nothing that is kept.

    Laterality goes with paired body parts and with none at all, not with single ones (PS3.3
    C.7.3.1, type 2C).
    """
    for keyword in ("SeriesNumber", "InstanceNumber", "Manufacturer"):
        if keyword not in clean:
            setattr(clean, keyword, None if keyword.endswith("Number") else "")
    part = clean.get("BodyPartExamined")
    if "Laterality" in clean and (part not in PAIRED or "ImageLaterality" in clean):
        del clean.Laterality
    elif "Laterality" not in clean and "ImageLaterality" not in clean and part in (None, *PAIRED):
        clean.Laterality = ""


def state_method(clean: Dataset, pixels_clean: bool) -> None:
    """Write what was done.

    Args:
        clean: header of the clean instance.
        pixels_clean: False where a person must look first; then nothing is claimed of the pixels.
    """
    clean.BurnedInAnnotation = "NO" if pixels_clean else "YES"
    codes = (_BASIC_PROFILE, _CLEAN_PIXELS) if pixels_clean else (_BASIC_PROFILE,)
    items = []
    for value, meaning in codes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
        items.append(item)
    clean.DeidentificationMethodCodeSequence = Sequence(items)


def rebuild_file_meta(clean: Dataset) -> None:
    """Write new file meta information: no source, no private part, none of the input's values."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = clean.SOPClassUID
    meta.MediaStorageSOPInstanceUID = clean.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    clean.file_meta = meta


def choose_class(clean: Dataset, frames: int) -> None:
    """Set the SOP class that goes with the number of frames."""
    clean.SOPClassUID = UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage


def header_changes(before: Dataset, after: Dataset) -> tuple[Change, ...]:
    """List what became of every element of the input, nested ones included, by its name alone."""
    changes = list(_compared(before, after, ""))
    changes += [
        Change("header", _name(tag), "added")
        for tag in sorted(after.keys())
        if tag not in before
        and keyword_for_tag(tag) not in _PIXEL_ELEMENTS
        and tag.group not in _PIXEL_GROUPS
    ]
    if "file_meta" in before.__dict__:
        changes.append(Change("header", "FileMetaInformation", "replaced"))
    return tuple(changes)


def _compared(before: Dataset, after: Dataset, prefix: str) -> Iterator[Change]:
    for tag in sorted(before.keys()):
        name = prefix + _name(tag)
        if tag.group in _PIXEL_GROUPS or keyword_for_tag(tag) in _PIXEL_ELEMENTS:
            continue
        if tag not in after:
            yield Change("header", name, "removed")
            continue
        kept = after[tag]
        if kept.VR == "SQ":
            old = _items(before, tag)
            for index, (one, other) in enumerate(zip(old, kept.value, strict=False)):
                yield from _compared(one, other, f"{name}[{index}].")
        elif not _same(before, kept):
            yield Change("header", name, "emptied" if kept.is_empty else "replaced")


def _same(before: Dataset, kept: DataElement) -> bool:
    try:
        old = before[kept.tag]
        return (old.is_empty and kept.is_empty) or bool(old.value == kept.value)
    except Exception:  # an element that cannot be read was not copied
        return False


def _name(tag: BaseTag) -> str:
    """Keyword of a tag, or its number where DICOM has no name for it; never a private name."""
    tag = Tag(tag)
    return keyword_for_tag(tag) or f"({tag.group:04X},{tag.element:04X})"


def _put_uids(clean: Dataset, dataset: Dataset, salt: bytes) -> None:
    """Write pseudonymous UIDs; a missing one follows from what the input does state."""
    stated = {keyword: text_of(dataset, keyword) for keyword in _UIDS}
    meta = getattr(dataset, "file_meta", Dataset())
    stated["SOPInstanceUID"] = stated["SOPInstanceUID"] or text_of(
        meta, "MediaStorageSOPInstanceUID"
    )
    stated["SOPInstanceUID"] = stated["SOPInstanceUID"] or _fingerprint(dataset)
    for keyword in _UIDS:
        source = stated[keyword] or f"{keyword} of {stated['SOPInstanceUID']}"
        setattr(clean, keyword, pseudonymous_uid(source, salt))


def _fingerprint(dataset: Dataset) -> str:
    """Digest of a header that has no UID."""
    return hashlib.sha256(str(dataset).encode("utf-8", "surrogateescape")).hexdigest()


def _put_image_type(clean: Dataset, dataset: Dataset) -> None:
    value = dataset.get("ImageType") or []
    stated = [value] if isinstance(value, str) else [str(part).upper() for part in value]
    kept = [
        stated[place] if place < len(stated) and stated[place] in words else words[0]
        for place, words in enumerate(IMAGE_TYPE[:2])
    ]
    kept.append(stated[2] if len(stated) > 2 and stated[2] in IMAGE_TYPE[2] else "")
    kept.append(stated[3] if len(stated) > 3 and re.fullmatch("0[0-9A-F]{3}", stated[3]) else "")
    while len(kept) > 2 and not kept[-1]:
        kept.pop()
    clean.ImageType = kept


def _put_device(clean: Dataset, dataset: Dataset, identifiers: tuple[str, ...]) -> None:
    """Write maker, model and transducer where they are known words and name nobody."""
    maker = text_of(dataset, "Manufacturer")
    known = [name for words, name in MANUFACTURERS if re.search(words, maker, re.IGNORECASE)]
    if known:
        clean.Manufacturer = known[0]
    model = text_of(dataset, "ManufacturerModelName")
    if MODEL.fullmatch(model) and not _names_somebody(model, identifiers):
        clean.ManufacturerModelName = model
    value = dataset.get("TransducerData")
    first = str(value if isinstance(value, str) else (value or [""])[0]).strip()
    if TRANSDUCER.fullmatch(first) and not _names_somebody(first, identifiers):
        clean.TransducerData = first


def _names_somebody(text: str, identifiers: tuple[str, ...]) -> bool:
    plain = folded(text)
    return any(folded(word) in plain or plain in folded(word) for word in identifiers)


def _put_regions(clean: Dataset, dataset: Dataset) -> None:
    """Copy the numbers of every ultrasound region; a region without a sound box is left out."""
    items = []
    for item in _items(dataset, Tag("SequenceOfUltrasoundRegions")):
        kept = Dataset()
        _put_allowed(kept, item, REGION_NUMBERS)
        items.append(kept)
    if items:
        clean.SequenceOfUltrasoundRegions = Sequence(items)


def _put_allowed(target: Dataset, source: Dataset, allowed: dict[str, tuple[float, float]]) -> None:
    """Copy numbers that are in range and of the kind that the element holds."""
    for keyword, (least, most) in allowed.items():
        number = _number(source, keyword)
        if number is None or not least <= number <= most:
            continue
        if dictionary_VR(keyword) in _DECIMALS:
            setattr(target, keyword, round(number, 4) if keyword in NUMBERS else number)
        elif number.is_integer():
            setattr(target, keyword, int(number))


def _number(source: Dataset, keyword: str) -> float | None:
    """A finite number, the first of several; None where there is none."""
    try:
        value = source.get(keyword)
        if value is None or isinstance(value, (str, bytes)):
            return None
        number = float(value[0] if hasattr(value, "__getitem__") else value)
    except Exception:  # an element that cannot be read states nothing
        return None
    return number if math.isfinite(number) else None


def _items(dataset: Dataset, tag: BaseTag) -> list[Dataset]:
    try:
        value = dataset[tag].value if tag in dataset else []
        return [item for item in value if isinstance(item, Dataset)]
    except Exception:  # a sequence that cannot be read has no item to keep
        return []


def text_of(dataset: Dataset, keyword: str) -> str:
    """Give the first value of an element as text, empty where it is absent or cannot be read."""
    try:
        value = dataset.get(keyword)
    except Exception:  # an element that cannot be read states nothing
        return ""
    if value is None or isinstance(value, bytes):
        return ""
    if not isinstance(value, str) and hasattr(value, "__getitem__") and hasattr(value, "append"):
        value = value[0] if len(value) else ""
    return str(value).strip().strip("\0").strip()
