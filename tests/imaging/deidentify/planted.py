"""DICOM files with an invented patient in every corner, and frames with burned-in text."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from dicom_files import instance, region
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from echovlm.simulate.cases import make_case


def tissue(seed: int = 7) -> np.ndarray:
    """A simulated picture ``(H, W, 3)`` uint8."""
    return make_case(seed=seed).study.clips[0].frames[0].copy()


def burn(
    frame: np.ndarray,
    text: str,
    place: tuple[int, int],
    size: int = 16,
    grey: int = 255,
    font: Path | None = None,
) -> np.ndarray:
    """Write text on a copy of a frame; where ``font`` is None, in Pillow's own."""
    picture = Image.fromarray(frame)
    face = ImageFont.truetype(font, size) if font else ImageFont.load_default(size)
    ImageDraw.Draw(picture).text(place, text, font=face, fill=(grey,) * 3)
    return np.asarray(picture).copy()


def ink(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where burning changed a frame, ``(H, W)`` bool."""
    return (before != after).any(axis=-1)


def _item(**elements: object) -> Dataset:
    dataset = Dataset()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def _nested(keyword: str, inner: str) -> Callable[[Dataset, str], None]:
    def plant(dataset: Dataset, text: str) -> None:
        setattr(dataset, keyword, Sequence([_item(**{inner: text})]))

    return plant


def _plain(keyword: str) -> Callable[[Dataset, str], None]:
    def plant(dataset: Dataset, text: str) -> None:
        setattr(dataset, keyword, text)

    return plant


def _private(dataset: Dataset, text: str) -> None:
    block = dataset.private_block(0x0019, "MAKER", create=True)
    block.add_new(0x10, "UT", text)


def _private_in_region(dataset: Dataset, text: str) -> None:
    block = dataset.SequenceOfUltrasoundRegions[0].private_block(0x7FDF, "MAKER", create=True)
    block.add_new(0x02, "LO", text)


def _private_nested(dataset: Dataset, text: str) -> None:
    block = dataset.private_block(0x200D, "MAKER", create=True)
    block.add_new(0x01, "SQ", Sequence([_item(PatientName=text)]))


def _overlay(dataset: Dataset, text: str) -> None:
    data = text.encode("utf-8")
    dataset.add_new(0x60003000, "OW", data + b"\0" * (len(data) % 2))
    dataset.add_new(0x60000022, "LO", text)


def _icon(dataset: Dataset, text: str) -> None:
    data = text.encode("utf-8")
    icon = _item(Rows=1, Columns=len(data), PhotometricInterpretation="MONOCHROME2")
    icon.add_new(0x7FE00010, "OW", data + b"\0" * (len(data) % 2))
    dataset.IconImageSequence = Sequence([icon])


def _unknown(dataset: Dataset, text: str) -> None:
    data = text.encode("gb18030")
    dataset.add_new(0x00091001, "UN", data + b"\0" * (len(data) % 2))


def _image_type(dataset: Dataset, text: str) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", text]


def _transducer(dataset: Dataset, text: str) -> None:
    dataset.TransducerData = ["C5-1", text, text]


TEXT_PLACES: dict[str, Callable[[Dataset, str], None]] = {
    **{
        name: _plain(name)
        for name in [
            "PatientName",
            "PatientID",
            "OtherPatientNames",
            "PatientComments",
            "PatientAddress",
            "Occupation",
            "EthnicGroup",
            "AdditionalPatientHistory",
            "AccessionNumber",
            "StudyID",
            "StudyDescription",
            "SeriesDescription",
            "ProtocolName",
            "ImageComments",
            "InstitutionName",
            "InstitutionAddress",
            "InstitutionalDepartmentName",
            "StationName",
            "DeviceSerialNumber",
            "SoftwareVersions",
            "ReferringPhysicianName",
            "PerformingPhysicianName",
            "OperatorsName",
            "PhysiciansOfRecord",
            "NameOfPhysiciansReadingStudy",
            "RequestingPhysician",
            "Manufacturer",
            "ManufacturerModelName",
            "TransducerData",
            "ProcessingFunction",
            "MedicalRecordLocator",
            "DerivationDescription",
            "RequestedProcedureDescription",
            "PerformedProcedureStepID",
            "IssuerOfPatientID",
            "StageName",
        ]
    },
    "OtherPatientIDsSequence": _nested("OtherPatientIDsSequence", "PatientID"),
    "RequestAttributesSequence": _nested("RequestAttributesSequence", "RequestedProcedureID"),
    "ReferencedPatientSequence": _nested("ReferencedPatientSequence", "PatientName"),
    "PerformingPhysicianIdentificationSequence": _nested(
        "PerformingPhysicianIdentificationSequence", "InstitutionName"
    ),
    "AnatomicRegionSequence": _nested("AnatomicRegionSequence", "CodeMeaning"),
    "private": _private,
    "private sequence": _private_nested,
    "private in a region": _private_in_region,
    "overlay": _overlay,
    "icon": _icon,
    "unknown": _unknown,
    "several transducers": _transducer,
}
"""Places of free text, each with what plants a text there."""

CODE_PLACES: dict[str, Callable[[Dataset, str], None]] = {
    "ImageType": _image_type,
    **{
        name: _plain(name)
        for name in [
            "BodyPartExamined",
            "TransducerType",
            "Laterality",
            "ImageLaterality",
            "LossyImageCompressionMethod",
        ]
    },
}
"""Places of coded words, for planted words of capitals."""


def planted_instance(
    places: dict[str, str], charset: str, born: str = "19810214", frame: np.ndarray | None = None
) -> Dataset:
    """An instance with one B-mode region of 0.2 mm pixels and texts in the named places."""
    frame = np.full((64, 80, 3), 90, np.uint8) if frame is None else frame
    dataset = instance(frame)
    rows, columns = frame.shape[:2]
    box = {"RegionLocationMaxX1": columns - 1, "RegionLocationMaxY1": rows - 1}
    dataset.SequenceOfUltrasoundRegions = Sequence([region(**box)])
    dataset.SpecificCharacterSet = charset
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(dataset, keyword, f"1.2.826.{born}.{len(keyword)}")
    dataset.FrameOfReferenceUID = f"1.2.826.{born}.99"
    for keyword in ("StudyDate", "SeriesDate", "PatientBirthDate", "ContentDate"):
        setattr(dataset, keyword, born)
    dataset.StudyTime = "134502"
    dataset.PatientAge = "045Y"
    dataset.PatientSex = "F"
    for place, text in places.items():
        {**TEXT_PLACES, **CODE_PLACES}[place](dataset, text)
    return dataset


def file_of(dataset: Dataset, text: str = "") -> bytes:
    """The file of a data set, with a text in preamble and file meta information."""
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if text.isascii():
        dataset.file_meta.SourceApplicationEntityTitle = text[:16]
        dataset.file_meta.ImplementationVersionName = text[:16]
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.4"
    data = text.encode("utf-8")
    dataset.file_meta.PrivateInformation = data + b"\0" * (len(data) % 2)
    dataset.preamble = data[:128].ljust(128, b"\0")
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
