"""Keys and UIDs in place of identifiers: the same input and salt give the same pseudonym.

    key = first 24 hex digits of HMAC-SHA256(salt, kind | identifier)
    UID = "2.25." + the HMAC's first 128 bits, marked as a name-based UUID

An unsalted digest of a short number can be undone by trying all numbers; the secret salt prevents
that. Sources: RFC 2104 (HMAC); DICOM PS3.5 B.2 (UUID derived UID).
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
import uuid

KEY_DIGITS = 24


def patient_digest(patient_id: str, salt: bytes) -> str:
    """Give the key of a patient.

    Args:
        patient_id: identifier as the archive states it; spaces around it do not count.
        salt: secret of the archive.

    Returns:
        24 hex digits, equal for one identifier and salt.
    """
    return _digest("patient", patient_id, salt).hex()[:KEY_DIGITS]


def study_digest(study_uid: str, salt: bytes) -> str:
    """Give the key of a study, 24 hex digits, from its Study Instance UID."""
    return _digest("study", study_uid, salt).hex()[:KEY_DIGITS]


def pseudonymous_uid(uid: str, salt: bytes) -> str:
    """Give the UID that stands for a UID, whatever element states it."""
    number = uuid.UUID(bytes=_digest("uid", uid, salt)[:16], version=5).int
    return f"2.25.{number}"


def _digest(kind: str, identifier: str, salt: bytes) -> bytes:
    text = unicodedata.normalize("NFKC", identifier).strip().strip("\0").strip()
    return hmac.new(salt, f"{kind}\0{text}".encode(), hashlib.sha256).digest()
