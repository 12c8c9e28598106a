"""DICOM instances of a simulated study: ultrasound images and cine loops with true calibration.

Modules of the US Image and US Multi-frame Image IODs (DICOM PS3.3 A.6, A.7); the region of the
picture is stated as C.8.5.5 asks, in cm per pixel. Patient, doctors and hospital stand where
scanners put them, in private elements and nested sequences as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)
from pydicom.valuerep import PersonName

from echovlm.simulate.archive.plan import PlannedStudy
from echovlm.simulate.people import Person
from echovlm.simulate.spectrum import SpectrumScale
from echovlm.study import Mode, Region
from echovlm.terms import Anatomy, Language

IMPLEMENTATION_UID = "2.25.226040213906146275911217803871"
_CREATOR = "AURALIS_PRIVATE_01"
# By the first word of the label: BodyPartExamined (PS3.16 Annex L), whether it is paired, and the
# defined term of Image Type value 3 (PS3.3 C.8.5.6.1.1), which has none for heart and neck vessels.
_BODY_PARTS = {
    "breast": ("BREAST", True, "BREAST"),
    "thyroid": ("THYROID", False, "SMALL PARTS"),
    "liver": ("LIVER", False, "ABDOMINAL"),
    "kidney": ("KIDNEY", True, "RETROPERITONEAL"),
    "heart": ("HEART", False, ""),
    "carotid": ("CAROTID", True, ""),
    "ovary": ("OVARY", True, "PELVIC"),
    "uterus": ("UTERUS", False, "PELVIC"),
}
_DESCRIPTIONS = {
    Anatomy.BREAST: ("乳腺超声", "Breast ultrasound"),
    Anatomy.THYROID: ("甲状腺超声", "Thyroid ultrasound"),
    Anatomy.LIVER: ("肝脏超声", "Liver ultrasound"),
    Anatomy.KIDNEY: ("肾脏超声", "Kidney ultrasound"),
    Anatomy.HEART: ("心脏超声", "Echocardiogram"),
    Anatomy.VESSEL: ("颈动脉超声", "Carotid ultrasound"),
    Anatomy.GYNAECOLOGY: ("妇科超声", "Pelvic ultrasound"),
}
_MODE_BITS = {Mode.B_MODE: "0001", Mode.COLOUR_DOPPLER: "0011", Mode.SPECTRAL_DOPPLER: "0005"}
# PS3.3 C.8.5.5.1.1 and C.8.5.5.1.2: spatial format, data type.
_REGION_CODES = {
    Mode.B_MODE: (1, 1),
    Mode.COLOUR_DOPPLER: (1, 2),
    Mode.SPECTRAL_DOPPLER: (3, 3),
    Mode.GRAPHICS: (5, 14),
}
_CENTIMETRES, _SECONDS, _CM_PER_S = 3, 4, 7  # PS3.3 C.8.5.5.1.15, physical units


@dataclass(frozen=True, eq=False)
class Frames:
    """What one instance shows.

    Attributes:
        pixels: (N, H, W, 3) uint8.
        mode: what most of it shows.
        regions: what lies where, with spacing.
        frame_time_ms: None for a still.
        side: "left" or "right", "" where neither picture nor plan tells.
        spectrum: scale of its spectrum, None without one.
    """

    pixels: np.ndarray
    mode: Mode
    regions: tuple[Region, ...]
    frame_time_ms: float | None = None
    side: str = ""
    spectrum: SpectrumScale | None = None


def image_instance(study: PlannedStudy, frames: Frames, number: int) -> Dataset:
    """Return one image or cine loop of a study as a data set that can be written.

    Args:
        study: what it belongs to.
        frames: its pixels.
        number: InstanceNumber, from 1.
    """
    is_loop = frames.frame_time_ms is not None
    kind = UltrasoundMultiFrameImageStorage if is_loop else UltrasoundImageStorage
    dataset = _started(study, kind, study.uid("instance", number))
    _patient(dataset, study)
    _study(dataset, study)
    _request(dataset, study)
    _equipment(dataset, study)
    dataset.Modality = "US"
    dataset.SeriesInstanceUID = study.uid("series", 1)
    dataset.SeriesNumber = "1"
    dataset.InstanceNumber = str(number)
    body_part, is_paired, term = _BODY_PARTS[study.label.split("-")[0]]
    dataset.BodyPartExamined = body_part
    if frames.side:
        dataset.ImageLaterality = frames.side[0].upper()
    elif is_paired:
        dataset.Laterality = ""
    dataset.PatientOrientation = ""
    taken = study.when + timedelta(seconds=20 * number)
    dataset.ContentDate, dataset.ContentTime = f"{taken:%Y%m%d}", f"{taken:%H%M%S}"
    dataset.AcquisitionDateTime = f"{taken:%Y%m%d%H%M%S}"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", term, _MODE_BITS[frames.mode]]
    dataset.LossyImageCompression = "00"
    if study.rng(2).random() < 0.5 and study.burned != "nothing":
        dataset.BurnedInAnnotation = "YES"  # the others say nothing, as most scanners do
    _regions(dataset, frames)
    _pixels(dataset, frames, study.is_grey)
    return dataset


def text_instance(study: PlannedStudy) -> Dataset:
    """Return a Basic Text SR of the study, an object without pixels (PS3.3 A.35.1)."""
    dataset = _started(study, BasicTextSRStorage, study.uid("text"))
    _patient(dataset, study)
    _study(dataset, study)
    _equipment(dataset, study)
    dataset.Modality = "SR"
    dataset.SeriesInstanceUID = study.uid("series", 2)
    dataset.SeriesNumber = "2"
    dataset.InstanceNumber = "1"
    dataset.ReferencedPerformedProcedureStepSequence = Sequence()
    dataset.PerformedProcedureCodeSequence = Sequence()
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ContentDate, dataset.ContentTime = f"{study.when:%Y%m%d}", f"{study.when:%H%M%S}"
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = Sequence(
        [_code("18782-3", "LN", "Radiology Study observation")]
    )
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
    item.ConceptNameCodeSequence = Sequence([_code("121071", "DCM", "Finding")])
    item.TextValue = f"{study.person.name} {study.person.number}"
    dataset.ContentSequence = Sequence([item])
    return dataset


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _started(study: PlannedStudy, kind: str, uid: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = kind
    dataset.file_meta.MediaStorageSOPInstanceUID = uid
    dataset.file_meta.ImplementationClassUID = IMPLEMENTATION_UID
    dataset.file_meta.ImplementationVersionName = "ECHOVLM_SIM"
    dataset.SpecificCharacterSet = study.character_set
    dataset.SOPClassUID, dataset.SOPInstanceUID = kind, uid
    return dataset


def person_name(person: Person, character_set: str) -> PersonName:
    """Return a name as DICOM writes it: Latin letters, and Chinese ones in the second group."""
    latin = f"{person.roman[0]}^{person.roman[1]}"
    if person.language is Language.ENGLISH or character_set == "ISO_IR 100":
        return PersonName(latin)
    return PersonName(f"{latin}={person.family}^{person.given}")


def _patient(dataset: Dataset, study: PlannedStudy) -> None:
    person = study.person
    age = study.when.year - person.born.year
    dataset.PatientName = person_name(person, study.character_set)
    dataset.PatientID = person.number
    dataset.PatientBirthDate = f"{person.born:%Y%m%d}"
    dataset.PatientSex = person.sex
    dataset.PatientAge = f"{age:03d}Y"
    dataset.PatientAddress = person.address
    dataset.PatientTelephoneNumbers = person.phone
    if study.rng(3).random() < 0.3:
        dataset.PatientComments = f"{person.name} {person.phone}"


def _study(dataset: Dataset, study: PlannedStudy) -> None:
    referring, _, reporting = study.doctors
    dataset.StudyInstanceUID = study.study_uid
    dataset.StudyDate, dataset.StudyTime = f"{study.when:%Y%m%d}", f"{study.when:%H%M%S}"
    dataset.StudyID = f"{study.number:05d}"
    dataset.AccessionNumber = study.accession
    dataset.StudyDescription = _description(study)
    dataset.ReferringPhysicianName = person_name(referring, study.character_set)
    dataset.NameOfPhysiciansReadingStudy = person_name(reporting, study.character_set)


def _description(study: PlannedStudy) -> str:
    return _DESCRIPTIONS[study.anatomy][study.language is Language.ENGLISH]


def _request(dataset: Dataset, study: PlannedStudy) -> None:
    """State who made the images, and the request; its free text names the patient."""
    description = _description(study)
    dataset.PerformingPhysicianName = person_name(study.doctors[1], study.character_set)
    request = Dataset()
    request.ScheduledProcedureStepDescription = description
    request.ScheduledProcedureStepID = f"S{study.number:05d}"
    request.RequestedProcedureID = f"R{study.number:05d}"
    request.RequestedProcedureDescription = f"{description} {study.person.name}"
    dataset.RequestAttributesSequence = Sequence([request])


def _equipment(dataset: Dataset, study: PlannedStudy) -> None:
    dataset.Manufacturer = "Auralis Imaging (simulated)"
    dataset.ManufacturerModelName = "AS-7"
    dataset.InstitutionName = study.hospital
    dataset.InstitutionAddress = study.doctors[0].address
    dataset.StationName = f"US-{study.number % 4 + 1}"
    dataset.DeviceSerialNumber = f"SN{study.seed % 1000:03d}{study.number % 4:03d}"
    dataset.SoftwareVersions = "7.1"
    block = dataset.private_block(0x0019, _CREATOR, create=True)
    block.add_new(0x01, "LO", study.person.name)
    block.add_new(0x02, "PN", person_name(study.person, study.character_set))
    inner = Dataset()
    inner.PatientID = study.person.number
    inner.PatientBirthDate = f"{study.person.born:%Y%m%d}"
    block.add_new(0x03, "SQ", Sequence([inner]))


def _regions(dataset: Dataset, frames: Frames) -> None:
    items = []
    for region in frames.regions:
        spatial_format, data_type = _REGION_CODES[region.mode]
        x0, y0, x1, y1 = region.box
        item = Dataset()
        item.RegionSpatialFormat, item.RegionDataType = spatial_format, data_type
        item.RegionFlags = 0
        item.RegionLocationMinX0, item.RegionLocationMinY0 = x0, y0
        item.RegionLocationMaxX1, item.RegionLocationMaxY1 = x1 - 1, y1 - 1
        scale = frames.spectrum if region.mode is Mode.SPECTRAL_DOPPLER else None
        if scale is not None:
            item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = _SECONDS, _CM_PER_S
            item.PhysicalDeltaX = scale.seconds_per_pixel
            item.PhysicalDeltaY = -scale.cm_per_s_per_pixel  # velocity grows upwards
            item.ReferencePixelX0, item.ReferencePixelY0 = 0, scale.baseline_row
            item.ReferencePixelPhysicalValueX = item.ReferencePixelPhysicalValueY = 0.0
        else:
            row, column = region.pixel_spacing_mm or (0.0, 0.0)
            units = _CENTIMETRES if region.pixel_spacing_mm else 0
            item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = units
            item.PhysicalDeltaX, item.PhysicalDeltaY = column / 10, row / 10
        items.append(item)
    dataset.SequenceOfUltrasoundRegions = Sequence(items)


def _pixels(dataset: Dataset, frames: Frames, is_grey: bool) -> None:
    pixels = frames.pixels
    if is_grey:
        pixels = np.rint(pixels.astype(np.float32).mean(axis=-1)).astype(np.uint8)
    dataset.SamplesPerPixel = 1 if is_grey else 3
    dataset.PhotometricInterpretation = "MONOCHROME2" if is_grey else "RGB"
    if not is_grey:
        dataset.PlanarConfiguration = 0
        dataset.UltrasoundColorDataPresent = int(frames.mode is not Mode.B_MODE)
    dataset.Rows, dataset.Columns = pixels.shape[1:3]
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    if frames.frame_time_ms is not None:
        dataset.NumberOfFrames = len(pixels)
        dataset.FrameIncrementPointer = 0x00181063
        dataset.FrameTime = f"{frames.frame_time_ms:.4f}"
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB"
