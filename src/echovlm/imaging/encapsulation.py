"""Whether compressed pixel data is whole, and how large a deflated file would grow.

Several decoders give a picture from half a JPEG stream and keep silent. Each fragment of
encapsulated pixel data states its length, and a delimiter ends the last one, so a file that was cut
is known before anything is decoded. A deflated data set is inflated in pieces once, to count.
Sources: DICOM PS3.5 A.4, Table A.4-1 (encapsulation) and A.5 (deflated).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

_ITEM = (0xFFFE, 0xE000)
_DELIMITER = (0xFFFE, 0xE0DD)
_UNDEFINED = 0xFFFFFFFF
_PIECE_BYTES = 1 << 20
_FRAME_ELEMENTS = ["NumberOfFrames", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"]
# Tag, VR, two reserved bytes and the undefined length of an encapsulated Pixel Data element.
_BEFORE_FRAMES_BYTES = 12
# Preamble, prefix, and the group length element in front of the file meta information it counts.
_BEFORE_META_BYTES = 128 + 4 + 12


def is_whole(stream: BinaryIO) -> bool:
    """Walk the fragments of a pixel data element.

    Args:
        stream: a DICOM file, positioned at the tag of its Pixel Data element.

    Returns:
        False where the element is missing, a fragment reaches past the file, or the sequence is not
        closed. Native pixel data, which states one length, is left to the decoder's own check.
    """
    header = stream.read(12)
    if len(header) < 12:
        return False
    explicit = header[4:6] in (b"OB", b"OW", b"UN")
    if not explicit or struct.unpack("<L", header[8:])[0] != _UNDEFINED:
        return True
    start = stream.tell()
    end = stream.seek(0, 2)
    stream.seek(start)
    while len(item := stream.read(8)) == 8:
        group, element, length = struct.unpack("<HHL", item)
        if (group, element) == _DELIMITER:
            return True
        if (group, element) != _ITEM or stream.tell() + length > end:
            return False
        stream.seek(length, 1)
    return False


def coded_frames(path: Path, wanted: range) -> Iterator[bytes]:
    """Give the wanted frames of encapsulated pixel data, still compressed.

    Args:
        path: a DICOM file with encapsulated pixel data.
        wanted: increasing frame indices.

    Raises:
        Exception: whatever pydicom raises on damaged data.
    """
    with open(path, "rb") as stream:
        dataset = dcmread(
            stream, stop_before_pixels=True, specific_tags=_FRAME_ELEMENTS, force=True
        )
        offsets = None
        if "ExtendedOffsetTable" in dataset:
            offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
        stream.seek(_BEFORE_FRAMES_BYTES, 1)
        count = int(dataset.get("NumberOfFrames") or 1)
        frames = generate_frames(stream, number_of_frames=count, extended_offsets=offsets)
        for index, frame in enumerate(frames):
            if index in wanted:
                yield frame


def inflates_beyond(path: Path, most_bytes: int) -> bool:
    """Tell whether a deflated DICOM file would need more memory than allowed.

    Args:
        path: a DICOM file; any transfer syntax but Deflated gives False at once.
        most_bytes: what the inflated data set may take.

    Raises:
        InvalidDicomError: when the file has no DICOM preamble.
        zlib.error: when the deflated data is damaged.
    """
    meta = read_file_meta_info(path)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return False
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    total = 0
    with open(path, "rb") as stream:
        stream.seek(_BEFORE_META_BYTES + meta.FileMetaInformationGroupLength)
        while piece := inflater.unconsumed_tail or stream.read(_PIECE_BYTES):
            total += len(inflater.decompress(piece, _PIECE_BYTES))
            if total > most_bytes:
                return True
    return False
