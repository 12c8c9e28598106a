"""What a file is, told from its first bytes: names and suffixes are not believed.

DICOM files often have no suffix, exports carry the wrong one, a text file may be called ``.png``.
Sources: PNG (ISO/IEC 15948, 5.2), JPEG (ITU-T T.81, B.1.1.3), TIFF 6.0 section 2, BMP and RIFF
headers, GIF89a section 17, ISO base media file format (ISO/IEC 14496-12, 4.3), DICOM PS3.10 7.1.
"""

from __future__ import annotations

import os
import stat
from enum import Enum
from pathlib import Path

from echovlm.errors import StudyError

HEAD_BYTES = 512

ACCEPTED = "PNG, JPEG, TIFF, BMP or GIF images, MP4 or AVI cine loops, and DICOM files"


class Kind(Enum):
    """How a file is read; the values of cine kinds are ffmpeg's names of the container."""

    STILL = "still"
    MP4 = "mov"
    AVI = "avi"
    DICOM = "dicom"

    @property
    def is_cine(self) -> bool:
        """True for video containers."""
        return self in (Kind.MP4, Kind.AVI)


_STILL_STARTS = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"BM",
    b"GIF87a",
    b"GIF89a",
)
# The first box of an ISO base media or QuickTime file.
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
# HEIF and AVIF photographs have the same boxes, but ffmpeg would show one tile of them.
_PHOTO_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")


def kind_of(head: bytes) -> Kind | None:
    """Name the kind of a file from its first ``HEAD_BYTES`` bytes, None where it is not read."""
    if head[128:132] == b"DICM":
        return Kind.DICOM
    if head.startswith(_STILL_STARTS):
        return Kind.STILL
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return Kind.AVI
    if head[4:8] in _MP4_BOXES:
        return None if head[8:12] in _PHOTO_BRANDS else Kind.MP4
    if _starts_like_a_bare_data_set(head):
        return Kind.DICOM
    return None


def _starts_like_a_bare_data_set(head: bytes) -> bool:
    """True for a DICOM data set written without preamble: little-endian group 2 or 8 in front."""
    if len(head) < 16 or head[:2] not in (b"\x02\x00", b"\x08\x00") or head[3] != 0:
        return False
    if head[4:6].isalpha() and head[4:6].isupper():
        return True
    return int.from_bytes(head[4:8], "little") <= 256


def head_of(path: Path) -> bytes:
    """Read the first bytes of a regular file.

    Raises:
        StudyError: for a device, pipe or socket, an empty file, or one that may not be read.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise StudyError(path, "is not a regular file", f"Give {ACCEPTED}")
        with open(path, "rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        raise unreadable(path, error) from None
    if not head:
        raise StudyError(path, "is empty", "Export the file again")
    return head


def unreadable(path: Path, error: OSError) -> StudyError:
    """Turn an operating-system error into the package's sentence."""
    if isinstance(error, FileNotFoundError):
        return StudyError(path, "does not exist", "Check the path")
    if isinstance(error, PermissionError):
        return StudyError(path, "may not be read", "Check its permissions")
    reason = os.strerror(error.errno).lower() if error.errno else "unknown error"
    return StudyError(path, f"cannot be opened ({reason})", "Check the path")
