"""The allow list: every element that may leave, and what its value must look like.

Whatever is not listed here is not written: private groups, overlays, curves, icons, free text,
names, dates, nested sequences, elements that DICOM will define next year. A listed element is
written only if its value is in range or one of the named words; a number that could carry an
identifier is bounded, and no text of the input is copied: words are written as this file
spells them.

Sources: DICOM PS3.15 Table E.1-1 (Basic Profile: Patient's Sex is emptied, Patient's Age removed),
PS3.3 A.6 and A.7 (US and US Multi-frame), C.8.5.5 (regions), C.8.5.6 (US Image), C.7.6.3 (Image
Pixel), PS3.16 Annex L (body parts).
"""

from __future__ import annotations

import re

REGION_NUMBERS: dict[str, tuple[float, float]] = {
    "RegionSpatialFormat": (0, 5),
    "RegionDataType": (0, 18),
    "RegionFlags": (0, 63),
    "RegionLocationMinX0": (0, 65_535),
    "RegionLocationMinY0": (0, 65_535),
    "RegionLocationMaxX1": (0, 65_535),
    "RegionLocationMaxY1": (0, 65_535),
    "ReferencePixelX0": (-65_535, 65_535),
    "ReferencePixelY0": (-65_535, 65_535),
    "PhysicalUnitsXDirection": (0, 12),
    "PhysicalUnitsYDirection": (0, 12),
    "ReferencePixelPhysicalValueX": (-10_000, 10_000),
    "ReferencePixelPhysicalValueY": (-10_000, 10_000),
    "PhysicalDeltaX": (-10_000, 10_000),
    "PhysicalDeltaY": (-10_000, 10_000),
    "TransducerFrequency": (0, 99_999),
    "PulseRepetitionFrequency": (0, 99_999),
    "DopplerCorrectionAngle": (-90, 90),
    "SteeringAngle": (-90, 90),
}
"""Elements of one item of SequenceOfUltrasoundRegions, with the smallest and largest value."""

NUMBERS: dict[str, tuple[float, float]] = {
    "DepthOfScanField": (1, 1_000),
    "InstanceNumber": (0, 9_999),
    "SeriesNumber": (0, 9_999),
    "LossyImageCompressionRatio": (1, 1_000),
}
"""Numbers of the instance itself."""

WORDS: dict[str, tuple[str, ...]] = {
    "BodyPartExamined": (
        "ABDOMEN",
        "AORTA",
        "BLADDER",
        "BREAST",
        "CAROTID",
        "CCA",
        "HEAD",
        "HEART",
        "HIP",
        "ICA",
        "KIDNEY",
        "KNEE",
        "LIVER",
        "NECK",
        "OVARY",
        "PANCREAS",
        "PELVIS",
        "PROSTATE",
        "SHOULDER",
        "SPLEEN",
        "TESTIS",
        "THYROID",
        "UTERUS",
    ),
    "Laterality": ("L", "R"),
    "ImageLaterality": ("L", "R", "U", "B"),
    "LossyImageCompression": ("00", "01"),
    "LossyImageCompressionMethod": (
        "ISO_10918_1",
        "ISO_14495_1",
        "ISO_15444_1",
        "ISO_15444_15",
        "ISO_13818_2",
        "ISO_14496_10",
        "ISO_23008_2",
        "ISO_18181_1",
    ),
    "TransducerType": (
        "SECTOR_PHASED",
        "SECTOR_MECH",
        "SECTOR_ANNULAR",
        "LINEAR",
        "CURVED LINEAR",
        "SINGLE CRYSTAL",
        "SPLIT XTAL CWD",
        "IV_PHASED",
        "IV_ROT XTAL",
        "IV_ROT MIRROR",
        "ENDOCAV_PA",
        "ENDOCAV_MECH",
        "ENDOCAV_CLA",
        "ENDOCAV_AA",
        "ENDOCAV_LINEAR",
        "VECTOR_PHASED",
    ),
}
"""Coded words of the instance itself."""

PAIRED = ("BREAST", "CAROTID", "CCA", "HIP", "ICA", "KIDNEY", "KNEE", "OVARY", "SHOULDER", "TESTIS")
"""Body parts that have a side."""

# PS3.3 C.8.5.6.1.1: the first three values of Image Type; the fourth is a bit mask in hex.
IMAGE_TYPE: tuple[tuple[str, ...], ...] = (
    ("ORIGINAL", "DERIVED"),
    ("PRIMARY", "SECONDARY"),
    (
        "ABDOMINAL",
        "BREAST",
        "CHEST",
        "ENDOCAVITARY",
        "ENDORECTAL",
        "ENDOVAGINAL",
        "EPICARDIAL",
        "FETAL_HEART",
        "GYNECOLOGY",
        "INTRACARDIAC",
        "INTRAOPERATIVE",
        "INTRAVASCULAR",
        "MUSCULOSKELETAL",
        "NEONATAL_HEAD",
        "OBSTETRICAL",
        "OPHTHALMIC",
        "PEDIATRIC",
        "PELVIC",
        "PENILE",
        "RETROPERITONEAL",
        "SCROTAL",
        "TRANSCRANIAL",
        "TRANSESOPHAGEAL",
        "TRANSTHORACIC",
        "VASCULAR",
        "PEDIATRIC ABDOMEN",
        "PEDIATRIC HEAD",
        "PERIPHERAL VASCULAR",
        "SMALL PARTS",
    ),
)

# Makers, as they are written in the output; a maker that matches none of them is left out.
MANUFACTURERS: tuple[tuple[str, str], ...] = (
    (r"g\.?e\.?(\b|_| )|general electric|vingmed|kretz", "GE"),
    (r"philips|\batl\b|agilent|hewlett", "Philips"),
    (r"siemens|acuson", "Siemens"),
    (r"toshiba|canon", "Canon"),
    (r"hitachi|aloka", "Hitachi"),
    (r"fujifilm|sonosite", "SonoSite"),
    (r"samsung|medison", "Samsung"),
    (r"mindray|迈瑞", "Mindray"),
    (r"sonoscape|开立", "SonoScape"),
    (r"supersonic|hologic", "SuperSonic"),
    (r"esaote", "Esaote"),
    (r"terason|teratech", "Terason"),
    (r"b-?k medical|bk ultrasound", "BK Medical"),
    (r"butterfly", "Butterfly"),
    (r"clarius", "Clarius"),
    (r"zonare", "Zonare"),
    (r"chison|祥生", "Chison"),
    (r"vinno|飞依诺", "Vinno"),
    (r"wisonic|华声", "Wisonic"),
    (r"edan|理邦", "Edan"),
)

# Families of machines, short ones only with a number; behind it a model name may have two short
# words without a long run of digits ("Vivid E95", "EPIQ 7C").
MODEL = re.compile(
    r"(?:(?:CX|HDI?|HS|iE|iU|iQ|M|MX|NX|RS|S|SC|SSD|TE|WS|Z|ZS|DC)-?\d{1,4}[A-Za-z]{0,2}|"
    r"(?:LOGIQ|Vivid|Voluson|Venue|Versana|Vscan|EPIQ|Affiniti|Lumify|Sparq|ClearVue|SEQUOIA|"
    r"(?:ACUSON )?(?:Antares|Juniper|Redwood|Sequoia|SC?\d{4})|Aplio|Xario|Viamo|Nemio|Artida|"
    r"HI VISION|Arietta|ProSound|HERA|Accuvix|SonoAce|Resona|Nuewa|Consona|M-?Turbo|Turbo|Edge|"
    r"X-?Porte|MicroMaxx|Titan|MyLab|Aixplorer|uSmart|Pro Focus|Acclarix))"
    r"(?: ?[A-Za-z]{0,3}\d{1,4}[A-Za-z]{0,2}| (?:Pro|Plus|Elite|MACH|GPX)){0,2}",
    re.IGNORECASE,
)

# Names of transducers: a letter and a digit, never more than two digits in a row ("C5-1", "6L3").
TRANSDUCER = re.compile(r"(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])(?:(?!\d{3})[A-Za-z0-9-]){2,7}")
