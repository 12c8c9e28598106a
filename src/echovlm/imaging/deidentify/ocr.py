"""Text inside the picture: found by its shape, read by tesseract, judged, and masked.

    rows of glyphs in every distinct frame -> one page of all doubtful or wanted lines -> tesseract
    -> text, unless it is a measurement that may stay
    then tesseract reads the masked picture once more, as a check by other means

Reading speckle with tesseract alone misses light text over tissue and costs about a second for each
frame. Here shape finds the text (``glyphs.py``), in a tenth of that, and tesseract sees one page of
cut-out lines, enlarged, dark on white. What shape is sure of is text whether or not it can be read.

Source: Smith 2007, ICDAR, "An overview of the Tesseract OCR engine".
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from echovlm.imaging.deidentify.glyphs import TEXT_SCORE, Box, rows_of_glyphs
from echovlm.imaging.deidentify.words import Kind, kind_of_text

LANGUAGES = ("eng", "chi_sim")
_DOUBTFUL_SCORE = -2.0  # rows between this and TEXT_SCORE are text only where they can be read
_CERTAIN_SCORE = 3.0  # text by shape, even in one frame of a loop
_STEADY_SHARE = 0.25
_LINE_PIXELS = 36  # height of a cut-out line on the page
_MARGIN_PIXELS = 14
_PAGE_WIDTH = 1400
_MOST_LINES = 60
_SURE_PERCENT = 60  # confidence of tesseract
_SAME_FRAME_STEP = 48  # grey levels; text that appears changes pixels by more
_SAME_FRAME_PIXELS = 12
_CHECK_PIXELS = 1_000_000


@dataclass(frozen=True)
class Line:
    """A line of text.

    Attributes:
        box: ``(x0, y0, x1, y1)`` in pixels, half-open.
        view: where its shape is clearest.
        score: of its shape there.
        kind: what the text is.
        seen: all views that show it.
    """

    box: Box
    view: int
    score: float
    kind: Kind = Kind.UNKNOWN
    seen: frozenset[int] = frozenset()


@functools.cache
def ocr_available() -> str:
    """Say what is missing for reading text in pixels, or nothing where all is there."""
    wanted = f"tesseract with the languages {' and '.join(LANGUAGES)}"
    remedy = "install it (Debian: tesseract-ocr, tesseract-ocr-chi-sim)"
    if importlib.util.find_spec("pytesseract") is None:
        return "Text in pixels cannot be read: install it with: pip install 'echovlm[data]'."
    if shutil.which("tesseract") is None:
        return f"Text in pixels cannot be read: {wanted} is absent; {remedy}."
    import pytesseract

    try:
        absent = set(LANGUAGES) - set(pytesseract.get_languages())
    except Exception:  # a broken installation fails in many ways
        absent = set(LANGUAGES)
    return f"Text in pixels cannot be read: {wanted} is incomplete; {remedy}." if absent else ""


def find_lines(
    frames: np.ndarray, mask: np.ndarray, identifiers: Sequence[str], tell_apart: bool = False
) -> list[Line]:
    """Find the lines of text that remain on a clip.

    Args:
        frames: ``(N, H, W, 3)`` uint8; pixels outside the mask are black already.
        mask: ``(H, W)`` bool, True where pixels stay.
        identifiers: words of the header.
        tell_apart: read every line to tell measurements apart; else only doubtful ones are read.

    Returns:
        Lines whose box holds the whole text with a margin, and what each of them is. Where
        tesseract is absent, what shape alone is sure of.

    Raises:
        Exception: whatever tesseract raises when it fails.
    """
    y0, x0, y1, x1 = _bounds(mask)
    views = _distinct(frames[:, y0:y1, x0:x1])
    lines = _merged(
        [
            Line(row.box, number, row.score, seen=frozenset((number,)))
            for number, view in enumerate(views)
            for row in rows_of_glyphs(view)
            if row.score > _DOUBTFUL_SCORE
        ]
    )
    lines = [line for line in lines if _is_steady(line, len(views))]
    if not ocr_available():
        sure = [] if tell_apart else [line for line in lines if line.score > TEXT_SCORE]
        rest = [line for line in lines if line not in sure]
        lines = sure + _judged(rest, views, identifiers)
        cleaned = _without(views, lines)
        lines += _read_again(cleaned, identifiers)
    else:
        lines = [line for line in lines if line.score > TEXT_SCORE]
    shape = mask.shape
    return [replace(line, box=_grown(line.box, (x0, y0), shape)) for line in lines]


def _bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _distinct(frames: np.ndarray) -> list[np.ndarray]:
    """Frames that differ from the one before, and what stands still in a loop (least over time)."""
    views = [frames[0]]
    for frame in frames[1:]:
        step = abs(frame.astype(np.int16) - views[-1]).max(axis=-1)
        if np.count_nonzero(step > _SAME_FRAME_STEP) > _SAME_FRAME_PIXELS:
            views.append(frame)
    if len(views) > 2:
        views.append(frames.min(axis=0))
    return views


def _merged(lines: list[Line]) -> list[Line]:
    """Join boxes of like height that overlap; the best scored one says where to read."""
    done: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.score):
        for place, other in enumerate(done):
            a, b = line.box, other.box
            joined = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
            if _same_line(a, b) and joined[3] - joined[1] <= 1.8 * min(a[3] - a[1], b[3] - b[1]):
                done[place] = replace(other, box=joined, seen=line.seen | other.seen)
                break
        else:
            done.append(line)
    return done


def _is_steady(line: Line, views: int) -> bool:
    """True where a shape is certain, or stands in a good part of the loop; speckle never stays."""
    return line.score >= _CERTAIN_SCORE or len(line.seen) >= _STEADY_SHARE * views


def _same_line(one: Box, other: Box) -> bool:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width > 0 and height >= 0.6 * min(one[3] - one[1], other[3] - other[1])


def _judged(lines: list[Line], views: list[np.ndarray], identifiers: Sequence[str]) -> list[Line]:
    """Read lines; what shape doubts and nobody can read is no text."""
    lines = sorted(lines, key=lambda line: -line.score)
    texts = _read_lines([_cut(views[line.view], line.box) for line in lines[:_MOST_LINES]])
    judged = []
    for place, line in enumerate(lines):
        text, percent = texts.get(place, ("", 0.0))
        kind = kind_of_text(text, identifiers) if text else Kind.UNKNOWN
        readable = percent >= _SURE_PERCENT and sum(c.isalnum() for c in text) >= 3
        if line.score <= TEXT_SCORE and not readable:
            continue
        if kind is Kind.MEASUREMENT and not readable:
            kind = Kind.UNKNOWN
        judged.append(replace(line, kind=kind))
    return judged


def _cut(view: np.ndarray, box: Box) -> np.ndarray:
    """Cut a line out, enlarged, dark on white, ``(H, W)`` uint8."""
    x0, y0, x1, y1 = _grown(box, (0, 0), view.shape[:2])
    part = view[y0:y1, x0:x1]
    light, colour = part.max(axis=-1), np.ptp(part, axis=-1)
    picture = colour if np.percentile(colour, 95) > 60 else light
    inner = picture[_inner(picture.shape)]
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    if np.median(border) < inner.max() - np.median(border):
        picture = 255 - picture
    scale = _LINE_PIXELS / max(1, box[3] - box[1])
    width = min(_PAGE_WIDTH, max(8, round(picture.shape[1] * scale)))
    height = max(8, round(picture.shape[0] * scale))
    low, high = np.percentile(picture, (1, 99))
    stretched = np.clip((picture - low) * (255 / max(1.0, high - low)), 0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(stretched).resize((width, height), Image.Resampling.BICUBIC))


def _inner(shape: tuple[int, ...]) -> tuple[slice, slice]:
    return slice(shape[0] // 4, -(shape[0] // 4) or None), slice(None)


def _read_lines(cuts: list[np.ndarray]) -> dict[int, tuple[str, float]]:
    """Read all lines with one call: text and mean confidence in percent, by place."""
    if not cuts:
        return {}
    tops, height = [], _MARGIN_PIXELS
    for cut in cuts:
        tops.append(height)
        height += cut.shape[0] + _MARGIN_PIXELS
    width = max(cut.shape[1] for cut in cuts) + 2 * _MARGIN_PIXELS
    page = np.full((height, width), 255, np.uint8)
    for cut, top in zip(cuts, tops, strict=True):
        page[top : top + cut.shape[0], _MARGIN_PIXELS : _MARGIN_PIXELS + cut.shape[1]] = cut
    words: dict[int, list[tuple[int, str, float]]] = {}
    for (x0, y0, _, y1), text, percent in _read(page, layout=11):
        place = int(np.searchsorted(tops, (y0 + y1) / 2, side="right")) - 1
        words.setdefault(max(0, place), []).append((x0, text, percent))
    return {
        place: (
            " ".join(text for _, text, _ in sorted(found)),
            float(np.mean([percent for _, _, percent in found])),
        )
        for place, found in words.items()
    }


def _read(picture: np.ndarray, layout: int) -> list[tuple[Box, str, float]]:
    """Let tesseract read a picture ``(H, W)`` uint8: box, text and confidence of every word."""
    import pytesseract

    table = pytesseract.image_to_data(
        Image.fromarray(picture),
        lang="+".join(LANGUAGES),
        config=f"--oem 1 --psm {layout}",
        output_type=pytesseract.Output.DICT,
    )
    found = []
    for text, percent, x, y, w, h in zip(
        *(table[name] for name in ("text", "conf", "left", "top", "width", "height")), strict=True
    ):
        if text.strip():
            found.append(((x, y, x + w, y + h), text.strip(), float(percent)))
    return found


def _without(views: list[np.ndarray], lines: list[Line]) -> np.ndarray:
    """The brightest of all views over time, ``(H, W)`` uint8, with the lines found so far black."""
    picture = np.max([view.max(axis=-1) for view in views], axis=0)
    for line in lines:
        x0, y0, x1, y1 = _grown(line.box, (0, 0), picture.shape)
        picture[y0:y1, x0:x1] = 0
    return picture


def _read_again(picture: np.ndarray, identifiers: Sequence[str]) -> list[Line]:
    """Read the whole picture once, as a check: words that tesseract is sure of are text too."""
    scale = min(1.0, (_CHECK_PIXELS / picture.size) ** 0.5)
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    lines = []
    for box, text, percent in _read(255 - small, layout=11):
        letters = sum(character.isalnum() for character in text)
        kind = kind_of_text(text, identifiers)
        if letters >= 3 and (percent >= 80 or (kind is Kind.IDENTIFIER and percent >= 40)):
            x0, y0, x1, y1 = (round(edge / scale) for edge in box)
            lines.append(Line((x0, y0, x1, y1), 0, TEXT_SCORE, kind))
    return lines


def _grown(box: Box, origin: tuple[int, int], shape: tuple[int, ...]) -> Box:
    """Move a box to the frame and widen it by a third of a line, by a glyph to the sides."""
    x0, y0, x1, y1 = box
    height = y1 - y0
    up, aside = round(0.3 * height) + 1, round(0.6 * height) + 1
    dx, dy = origin
    return (
        max(0, x0 + dx - aside),
        max(0, y0 + dy - up),
        min(shape[1], x1 + dx + aside),
        min(shape[0], y1 + dy + up),
    )
