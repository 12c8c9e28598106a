"""What identifies people and places in a header: the words to look for in pixels and texts.

Every name, identifier, date, address and institution of the header is collected, from nested
sequences as well. The words never leave this package: they are compared, not reported.

Sources: DICOM PS3.15 Table E.1-1 (attributes that identify), PS3.5 6.2 (value representations).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

_NAMES = ("PN",)
_DATES = ("DA", "DT")
_TEXTS = ("SH", "LO", "AE", "ST", "LT", "UC", "UT")
# Of the text elements only these identify. Descriptions and departments are ordinary words, and so
# is an identifier without a digit ("Thyroid" as Study ID): they would take clinical words away.
_PLACES = re.compile(r"InstitutionName|InstitutionAddress|Residence|Address|CurrentPatientLocation")
_IDENTIFYING = re.compile(
    r"PatientID|Telephone|MedicalRecordLocator|AccessionNumber|StudyID|StationName|"
    r"DeviceSerialNumber|AETitle|AdmissionID|ServiceEpisodeID|PlacerOrderNumber|FillerOrderNumber|"
    r"ProcedureStepID|RequestedProcedureID|InsurancePlan|ClinicalTrialSubject"
)
_SHORTEST = 2  # characters; one letter alone is in every word
_PLACEHOLDERS = {"ANONYMOUS", "ANON", "UNKNOWN", "NONE", "NA", "US", "PATIENT", "TEST", "NULL"}


def identifiers_of(dataset: Dataset) -> tuple[str, ...]:
    """Collect the identifying words of a header.

    Args:
        dataset: a header, with or without file meta information; values may be irregular.

    Returns:
        Whole values and the parts of names, longest first, without repeats.
    """
    found: set[str] = set()
    for element in _elements(dataset):
        for value in _values(element):
            if element.VR in _NAMES:
                found.update(_name_parts(value))
            elif element.VR in _DATES:
                found.update(_date_forms(value))
            elif _PLACES.search(element.keyword) or (
                _IDENTIFYING.search(element.keyword) and re.search(r"\d", value)
            ):
                found.add(value)
    return tuple(sorted((w for w in found if _telling(w)), key=lambda w: (-len(w), w)))


def _elements(dataset: Dataset) -> Iterator[DataElement]:
    """Walk all elements that can be read, nested ones included."""
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
            if element.VR == "SQ":
                for item in element.value:
                    yield from _elements(item)
            elif element.VR in (*_NAMES, *_DATES, *_TEXTS):
                yield element
        except Exception:  # an element that cannot be read cannot be compared; it is removed anyway
            continue


def _values(element: DataElement) -> list[str]:
    value = element.value
    values = value if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
    return [str(part).strip() for part in values if part is not None and str(part).strip()]


def _name_parts(name: str) -> set[str]:
    """Give the parts of a person name in all its groups, and Chinese ones joined."""
    found = {name}
    for group in name.split("="):
        parts = [part.strip() for part in re.split(r"[\^,\s]+", group) if part.strip()]
        found.update(parts)
        if len(parts) > 1 and not parts[0].isascii():
            found.add("".join(parts[:2]))  # a Chinese name is written without a gap
    return found


def _date_forms(date: str) -> set[str]:
    """Give the ways in which a machine prints a date."""
    digits = re.sub(r"\D", "", date)[:8]
    if len(digits) < 8:
        return set()
    year, month, day = digits[:4], digits[4:6], digits[6:]
    orders = ((year, month, day), (day, month, year), (month, day, year))
    return {digits} | {mark.join(order) for order in orders for mark in "-/."}


def _telling(word: str) -> bool:
    letters = folded(word)
    if letters.upper() in _PLACEHOLDERS:
        return False
    if not letters.isascii():
        return len(letters) >= _SHORTEST
    return len(letters) >= (4 if letters.isdigit() else 3) or (
        len(letters) >= _SHORTEST and letters.isalpha()
    )


def folded(text: str) -> str:
    """Bring a text to the form in which texts are compared: letters and digits, lower case."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if character.isalnum())
