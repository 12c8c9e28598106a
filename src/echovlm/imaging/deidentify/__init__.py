"""De-identification: a clean DICOM instance, and clean report texts.

:func:`deidentify_instance` gives header and pixels without patient data and says what it changed,
:func:`write_instance` writes them, :func:`scrub` cleans a report text. What cannot be made sure of
is put in quarantine with the reason. See docs/deidentify.md.
"""

from echovlm.imaging.deidentify.identifiers import identifiers_of
from echovlm.imaging.deidentify.instance import Deidentified, deidentify_instance, write_instance
from echovlm.imaging.deidentify.ocr import ocr_available
from echovlm.imaging.deidentify.policy import Change, Policy
from echovlm.imaging.deidentify.pseudonyms import patient_digest, study_digest
from echovlm.imaging.deidentify.text import clinical_part, scrub

__all__ = [
    "Change",
    "Deidentified",
    "Policy",
    "clinical_part",
    "deidentify_instance",
    "identifiers_of",
    "ocr_available",
    "patient_digest",
    "scrub",
    "study_digest",
    "write_instance",
]
