"""What size a compressed frame says it has, before a decoder believes it.

Decoders reserve memory for the size in the codestream, not for that of the DICOM header. One
damaged byte in a JPEG 2000 header of a 640 x 480 picture asks for 20 GB, so the two sizes are
compared first.
Sources: ITU-T T.81 B.2.2 (JPEG frame header), ITU-T T.87 C.2.2 (JPEG-LS), ITU-T T.800 A.5.1 (JPEG
2000 SIZ) and I.4 (JP2 boxes), ISO/IEC 18181-1 D.1 and 18181-2 (JPEG XL size header and boxes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

# Start-of-frame markers: all of C0 to CF but DHT, JPG and DAC, and that of JPEG-LS.
_FRAME_MARKERS = (*(m for m in range(0xC0, 0xD0) if m not in (0xC4, 0xC8, 0xCC)), 0xF7)
_START_OF_SCAN = 0xDA
_XL_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_XL_LENGTHS_BITS = (9, 13, 18, 30)


def coded_size(frame: bytes) -> tuple[int, int, int | None] | None:
    """Read the size from a compressed frame.

    Args:
        frame: one JPEG, JPEG-LS, JPEG 2000 or JPEG XL picture.

    Returns:
        ``(rows, columns, samples per pixel)``, the last None for JPEG XL; None where no such
        header is found.
    """
    try:
        if frame[:4] == b"\xff\x4f\xff\x51":
            return _jpeg_2000(frame)
        if frame[:3] == b"\xff\xd8\xff":
            return _jpeg(frame)
        if frame[:2] == b"\xff\x0a":
            return _jpeg_xl(frame)
        if frame[4:8] == b"jP  ":
            return _jpeg_2000(next(_boxes(frame, b"jp2c"), b""))
        if frame[4:8] == b"JXL ":
            return _jpeg_xl(next(_boxes(frame, b"jxlc"), b"") or next(_boxes(frame, b"jxlp"))[4:])
    except (struct.error, IndexError, StopIteration):
        return None
    return None


def _jpeg(frame: bytes) -> tuple[int, int, int] | None:
    place = 2
    while frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if marker in _FRAME_MARKERS:
            rows, columns, samples = struct.unpack_from(">HHB", frame, place + 5)
            return rows, columns, samples
        if marker == _START_OF_SCAN:
            return None
        place += 2 + struct.unpack_from(">H", frame, place + 2)[0]
    return None


def _jpeg_2000(stream: bytes) -> tuple[int, int, int] | None:
    if stream[:4] != b"\xff\x4f\xff\x51":
        return None
    width, height, left, top = struct.unpack_from(">LLLL", stream, 8)
    (samples,) = struct.unpack_from(">H", stream, 40)
    return height - top, width - left, samples


def _jpeg_xl(stream: bytes) -> tuple[int, int, None] | None:
    if stream[:2] != b"\xff\x0a":
        return None
    bits = int.from_bytes(stream[2:14], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    small = take(1)

    def length() -> int:
        return 8 * (take(5) + 1) if small else 1 + take(_XL_LENGTHS_BITS[take(2)])

    rows = length()
    ratio = take(3)
    if ratio == 0:
        return rows, length(), None
    numerator, denominator = _XL_RATIOS[ratio - 1]
    return rows, rows * numerator // denominator, None


def _boxes(data: bytes, kind: bytes) -> Iterator[bytes]:
    """Contents of the top-level boxes of one kind."""
    place = 0
    while place + 8 <= len(data):
        (size,) = struct.unpack_from(">L", data, place)
        content = place + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, content)
            content += 8
        end = place + size if size else len(data)
        if end < content:
            return
        if data[place + 4 : place + 8] == kind:
            yield data[content:end]
        place = end
