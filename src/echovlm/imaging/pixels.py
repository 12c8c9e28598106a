"""Pixel data of a DICOM instance as RGB, whatever its photometric interpretation and syntax.

    stored values -> decoder of the transfer syntax -> palette, window or colours -> uint8 RGB

pydicom decodes still-picture syntaxes and turns YBR_FULL(_422) and YBR_RCT/ICT into RGB; the
palette and the grey window are applied here, because pydicom 3.0 reads a big-endian palette as if
it were little-endian. JPEG XL goes through imagecodecs, MPEG-2, H.264 and H.265 through PyAV.

Sources: DICOM PS3.3 C.7.6.3 (Image Pixel), C.7.9 (Palette Color Lookup Table), C.11.2.1.2 (window);
PS3.5 8.2 and Annex A.4 (encapsulated syntaxes).
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_fragments, parse_basic_offsets
from pydicom.pixels import apply_color_lut, get_decoder, iter_pixels
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from echovlm.errors import StudyError
from echovlm.imaging.cine import decode_stream
from echovlm.imaging.codestream import coded_size
from echovlm.imaging.encapsulation import coded_frames
from echovlm.imaging.limits import Limits
from echovlm.study import Clip

_JPEG_XL = ("1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112")
# Video syntaxes and ffmpeg's name of their bare streams (PS3.5 A.4.5 to A.4.10, A.4.12).
_VIDEO = {
    f"1.2.840.10008.1.2.4.{number}{form}": name
    for numbers, name in (
        ((100, 101), "mpegvideo"),
        ((102, 103, 104, 105, 106), "h264"),
        ((107, 108), "hevc"),
    )
    for number in numbers
    for form in ("", ".1")
}
# Syntaxes whose frames state their own size: JPEG, JPEG-LS and JPEG 2000 (PS3.5 A.4.1 to A.4.4).
_SIZED = (
    *JPEGTransferSyntaxes,
    *JPEGLSTransferSyntaxes,
    *JPEG2000TransferSyntaxes,
)
_RETIRED = ("HSV", "ARGB", "CMYK", "YBR_PARTIAL_422", "YBR_PARTIAL_420")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_GREY = ("MONOCHROME1", "MONOCHROME2")
_PALETTE = "PALETTE COLOR"


def is_moving(syntax: UID) -> bool:
    """True where the pixel data is one video stream rather than a row of pictures."""
    return str(syntax) in _VIDEO


def decode_moving(path: Path, syntax: UID, limits: Limits) -> Clip:
    """Decode the video stream in the pixel data of an instance.

    Args:
        path: the file.
        syntax: its transfer syntax, one for which :func:`is_moving` holds.
        limits: what reading may cost.

    Raises:
        StudyError: when the stream is of an unknown kind, or truncated, damaged or too large.
    """
    encapsulated = io.BytesIO(dcmread(path).PixelData)
    parse_basic_offsets(encapsulated)
    stream = b"".join(generate_fragments(encapsulated))
    container = _container(stream, bare=_VIDEO[str(syntax)])
    if container is None:
        raise StudyError(path, "holds a video stream of an unknown kind", "Export it as MP4")
    return decode_stream(path, io.BytesIO(stream), container, limits)


def _container(stream: bytes, bare: str) -> str | None:
    """Name what wraps a moving picture: a file, a transport or program stream, or nothing."""
    if stream[4:8] == b"ftyp":
        return "mov"
    if stream[:1] == b"\x47" and stream[188:189] == b"\x47":
        return "mpegts"
    if stream.startswith(b"\x00\x00\x01\xba"):
        return "mpeg"
    if stream.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01")):
        return bare
    return None


def decode_frames(path: Path, dataset: Dataset, wanted: range) -> np.ndarray:
    """Decode frames of an instance to RGB.

    Args:
        path: the file; frames that are not wanted are never decoded.
        dataset: its header, with file meta information.
        wanted: increasing frame indices.

    Returns:
        ``(N, H, W, 3)`` uint8, 0-255, RGB.

    Raises:
        StudyError: when the photometric interpretation or transfer syntax cannot be decoded.
        Exception: whatever the decoders raise on damaged data.
    """
    interpretation = _interpretation(path, dataset)
    table = None
    if interpretation == _PALETTE:
        table, first = palette_table(dataset)
    elif interpretation in _GREY:
        table, first = grey_table(dataset)
    frames: np.ndarray | None = None
    for slot, values in zip(range(len(wanted)), _stored_frames(path, dataset, wanted), strict=True):
        if values.dtype.kind not in "iu":
            raise ValueError("pixels must be whole numbers")
        if values.ndim == 2 and table is not None:
            index = np.clip(values.astype(np.int32) - first, 0, len(table) - 1)
            pixels = table[index]
        else:
            pixels = _eight_bit_colour(values, dataset)
        if frames is None:
            frames = np.empty((len(wanted), *pixels.shape), dtype=np.uint8)
        frames[slot] = pixels
    assert frames is not None
    return frames


def _interpretation(path: Path, dataset: Dataset) -> str:
    """Photometric interpretation, refused by name where it is not read."""
    interpretation = str(dataset.get("PhotometricInterpretation", ""))
    if interpretation in _RETIRED:
        raise StudyError(
            path,
            f"has the photometric interpretation {interpretation}, which is not read",
            "Export it as RGB or MONOCHROME2",
        )
    expected = {**dict.fromkeys(_COLOUR, 3), **dict.fromkeys(_GREY, 1), _PALETTE: 1}
    if expected.get(interpretation) != dataset.get("SamplesPerPixel", 1):
        raise StudyError(
            path,
            "has a photometric interpretation that does not go with its samples per pixel",
            "Export it as RGB or MONOCHROME2",
        )
    return interpretation


def _stored_frames(path: Path, dataset: Dataset, wanted: range) -> Iterator[np.ndarray]:
    """Decode the wanted frames: colour as RGB, grey and palette indices as they are stored."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in _JPEG_XL:
        yield from _jpeg_xl_frames(path, dataset, wanted)
        return
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise StudyError(
            path,
            f"is compressed as '{_syntax_name(syntax)}', which cannot be decoded",
            "Export it uncompressed",
        ) from None
    if not decoder.is_available:
        raise StudyError(
            path,
            f"is compressed as '{_syntax_name(syntax)}', whose decoder is not installed",
            "Install echovlm again with its dependencies",
        )
    if syntax in _SIZED:
        for frame in coded_frames(path, wanted):
            _check_coded_size(frame, dataset)
    if syntax == DeflatedExplicitVRLittleEndian:
        yield from iter_pixels(dcmread(path), indices=wanted)
    else:  # frame by frame from the disk
        yield from iter_pixels(path, indices=wanted, transfer_syntax_uid=syntax)


def _jpeg_xl_frames(path: Path, dataset: Dataset, wanted: range) -> Iterator[np.ndarray]:
    if importlib.util.find_spec("imagecodecs") is None:
        raise StudyError(
            path,
            "is compressed as JPEG XL, whose decoder is not installed",
            "Install it with: pip install 'echovlm[jpegxl]'",
        )
    import imagecodecs

    for frame in coded_frames(path, wanted):
        _check_coded_size(frame, dataset)
        yield imagecodecs.jpegxl_decode(frame, index=0)


def _check_coded_size(frame: bytes, dataset: Dataset) -> None:
    """Compare the size in a compressed frame with the header, before memory is reserved for it.

    Raises:
        ValueError: when they differ.
    """
    size = coded_size(frame)
    samples = dataset.get("SamplesPerPixel", 1)
    if (
        size is None
        or size[:2] != (dataset.Rows, dataset.Columns)
        or size[2] not in (None, samples)
    ):
        raise ValueError("the coded frame has another size than the header says")


def palette_table(dataset: Dataset) -> tuple[np.ndarray, int]:
    """Build the colours of PALETTE COLOR.

    Sixteen-bit entries are brought to 8 bits; entries declared as 16 bits whose values all fit 8
    bits are taken as they are, and a big-endian table is turned (PS3.5 7.3).

    Returns:
        ``(entries, 3)`` uint8, and the stored value that the first entry belongs to.

    Raises:
        Exception: KeyError, AttributeError, ValueError ... where the tables are absent or broken.
    """
    entries, first, _ = dataset.RedPaletteColorLookupTableDescriptor
    entries = entries or 1 << 16
    if "RedPaletteColorLookupTableData" in dataset:
        colours = [
            _palette_channel(dataset, f"{name}PaletteColorLookupTableData", entries)
            for name in ("Red", "Green", "Blue")
        ]
        table = np.stack(colours, axis=-1)
    else:
        stored = np.arange(entries, dtype=np.int32) + first
        table = apply_color_lut(stored, dataset)[:, :3]
    if table.max(initial=0) > 255:
        table = table >> 8
    return table.astype(np.uint8), int(first)


def _palette_channel(dataset: Dataset, name: str, entries: int) -> np.ndarray:
    data = dataset[name].value
    little_endian = dataset.original_encoding[1] is not False
    words = np.frombuffer(data[: len(data) // 2 * 2], dtype="<u2" if little_endian else ">u2")
    if len(data) < 2 * entries:
        # Eight-bit entries, two to a word, the first in the low byte.
        words = words.astype("<u2").view(np.uint8)
    if len(words) < entries:
        raise ValueError("the palette is shorter than it says")
    return words[:entries]


def grey_table(dataset: Dataset) -> tuple[np.ndarray, int]:
    """Build the display values of MONOCHROME1 and MONOCHROME2.

    The window of the file is applied where it has one (PS3.3 C.11.2.1.2.1, linear), else the stored
    bits are spread over 0-255.

    Returns:
        ``(values, 3)`` uint8, and the stored value that the first entry belongs to.
    """
    bits = int(dataset.get("BitsStored") or 8)
    if not 1 <= bits <= 16:
        raise ValueError("grey values have 1 to 16 bits")
    signed = dataset.get("PixelRepresentation") == 1
    first = -(1 << (bits - 1)) if signed else 0
    stored = np.arange(first, first + (1 << bits), dtype=np.float64)
    slope = _first_number(dataset, "RescaleSlope")
    modality = stored * (1.0 if slope is None else slope)
    modality += _first_number(dataset, "RescaleIntercept") or 0.0
    centre, width = _first_number(dataset, "WindowCenter"), _first_number(dataset, "WindowWidth")
    if centre is not None and width is not None and width > 1:
        shown = (modality - (centre - 0.5)) / (width - 1) + 0.5
    else:
        shown = (stored - first) / ((1 << bits) - 1)
    grey = np.rint(np.clip(shown, 0.0, 1.0) * 255).astype(np.uint8)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        grey = 255 - grey
    return np.repeat(grey[:, None], 3, axis=1), first


def _first_number(dataset: Dataset, name: str) -> float | None:
    """First value of a decimal element, None where it is absent or no finite number."""
    value = dataset.get(name)
    if value is not None and not isinstance(value, (str, float, int)):
        value = value[0] if len(value) else None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _eight_bit_colour(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    return (values >> max(0, int(dataset.BitsStored) - 8)).astype(np.uint8)


def _syntax_name(syntax: UID) -> str:
    return syntax.name if syntax.is_transfer_syntax else "an unknown transfer syntax"
