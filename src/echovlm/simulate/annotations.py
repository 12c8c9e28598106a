"""What a scanner writes around and over a picture, with the truth of every letter.

Callipers stand at the ends of a lesion that is known to be there, and their text is the distance
between the drawn crosses times the spacing of the pixels. Names, numbers and dates are those of
invented people; each burned text is returned with its box and whether it identifies somebody, so
that de-identification can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.body_marks import BodyMark, draw_body_mark

Box = tuple[int, int, int, int]
"""``(x0, y0, x1, y1)`` in pixels, half-open."""

_CJK_FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSansCJK-Regular.ttc",
)
_WHITE, _YELLOW, _CYAN, _GREY = (235, 235, 235), (240, 220, 90), (110, 220, 230), (150, 150, 150)
_PAD = 6
_BODY_MARK_PX = 54


@dataclass(frozen=True)
class Diameter:
    """A pair of callipers in pixels of the picture: both ends as (x, y)."""

    start: tuple[int, int]
    end: tuple[int, int]


@dataclass(frozen=True)
class Overlay:
    """What is written.

    Attributes:
        header: lines that identify, left of the banner.
        header_right: lines that identify, right of the banner.
        inside: lines that identify, over the picture itself.
        settings: line of the scanner's settings, identifies nobody.
        callipers: diameters to mark, numbered from 1.
        body_mark: pictogram of the body part, or None.
        has_scale: depth scale at the right edge of the picture.
        has_grey_bar: grey bar left of the picture.
        font_px: height of the letters.
        face_px: row of the picture in which depth 0 lies (the flanks of a curved face lie above).
    """

    header: tuple[str, ...] = ()
    header_right: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    settings: str = ""
    callipers: tuple[Diameter, ...] = ()
    body_mark: BodyMark | None = None
    has_scale: bool = True
    has_grey_bar: bool = True
    font_px: int = 13
    face_px: int = 0


@dataclass(frozen=True)
class BurnedText:
    """A text in the pixels.

    Attributes:
        text: what it says.
        box: where it stands on the frame.
        is_patient: True where it identifies somebody.
        is_inside: True where it stands over the picture.
    """

    text: str
    box: Box
    is_patient: bool
    is_inside: bool


@dataclass(frozen=True, eq=False)
class Annotated:
    """A frame as a scanner exports it.

    Attributes:
        pixels: (H, W, 3) uint8.
        region: where the picture lies on the frame.
        texts: every text in it.
        graphics: boxes of callipers, body mark, scale and grey bar.
    """

    pixels: np.ndarray
    region: Box
    texts: tuple[BurnedText, ...]
    graphics: tuple[Box, ...]


def has_chinese_font() -> bool:
    """True where a font with Chinese characters is installed."""
    return _chinese_font() is not None


@cache
def _chinese_font() -> str | None:
    return next((path for path in _CJK_FONTS if Path(path).is_file()), None)


@cache
def _font(size_px: int, is_latin: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    path = None if is_latin else _chinese_font()
    return ImageFont.load_default(size_px) if path is None else ImageFont.truetype(path, size_px)


def lesion_diameters(image: BModeImage, largest_only: bool = True) -> tuple[Diameter, ...]:
    """Return the long and the short diameter of the lesions that lie wholly in the picture.

    Args:
        image: a still whose anatomy said where its lesions are; () where it said nothing.
        largest_only: leave out all but the first drawn, which is the larger.
    """
    height, width = image.pixels.shape
    found = []
    for place in image.places[:1] if largest_only else image.places:
        for long in (True, False):
            ends = [pixel_of(image, *end) for end in place.ends_mm(long)]
            if all(1 <= x < width - 1 and 1 <= y < height - 1 for x, y in ends):
                found.append(Diameter(ends[0], ends[1]))
    return tuple(found)


def pixel_of(image: BModeImage, x_mm: float, z_mm: float) -> tuple[int, int]:
    """Return (x, y) of the pixel whose centre is nearest to a position in the phantom."""
    column = (x_mm - image.left_mm) / image.spacing_mm
    return round(column), round((z_mm - image.top_mm) / image.spacing_mm - 0.5)


def diameter_mm(diameter: Diameter, spacing_mm: float) -> float:
    """Return the distance between both crosses, to a tenth of a millimetre."""
    (x0, y0), (x1, y1) = diameter.start, diameter.end
    return round(float(np.hypot(x1 - x0, y1 - y0)) * spacing_mm, 1)


def annotate(pixels: np.ndarray, spacing_mm: float, overlay: Overlay) -> Annotated:
    """Put a picture on a frame and write on it.

    Args:
        pixels: the picture, (H, W, 3) uint8.
        spacing_mm: side of its pixels.
        overlay: what to write.
    """
    return _Frame(pixels, spacing_mm, overlay).finished()


def annotate_loop(frames: np.ndarray, spacing_mm: float, overlay: Overlay) -> Annotated:
    """Put a cine loop on frames; what is written stays the same in all.

    Args:
        frames: (N, H, W, 3) uint8.
        spacing_mm: side of the pixels.
        overlay: what to write, without callipers and without lines over the picture.

    Returns:
        The annotation with pixels (N, H, W, 3).
    """
    first = annotate(frames[0], spacing_mm, overlay)
    loop = np.repeat(first.pixels[None], len(frames), axis=0)
    x0, y0, x1, y1 = first.region
    loop[:, y0:y1, x0:x1] = frames
    return Annotated(loop, first.region, first.texts, first.graphics)


class _Frame:
    """One frame while it is drawn."""

    def __init__(self, pixels: np.ndarray, spacing_mm: float, overlay: Overlay) -> None:
        self.spacing_mm, self.overlay = spacing_mm, overlay
        self.texts: list[BurnedText] = []
        self.graphics: list[Box] = []
        line = self._line_px
        height, width = pixels.shape[:2]
        banner = max(len(overlay.header), len(overlay.header_right)) * line
        top = banner + (_PAD if banner else 0) + (line if overlay.settings else 0) + _PAD
        left = 26 if overlay.has_grey_bar else _PAD
        right = 44 if overlay.has_scale else _PAD
        results = len(overlay.callipers) * line
        below = max(results, _BODY_MARK_PX if overlay.body_mark else 0) + 2 * _PAD
        across = self._widest(overlay.header) + self._widest(overlay.header_right) + 6 * _PAD
        frame_width = max(left + width + right, across, self._widest((overlay.settings,)) + 20)
        left += (frame_width - left - width - right) // 2
        frame = np.zeros((top + height + below, frame_width, 3), np.uint8)
        frame[top : top + height, left : left + width] = pixels
        self.region: Box = (left, top, left + width, top + height)
        self.canvas = Image.fromarray(frame)
        self.pen = ImageDraw.Draw(self.canvas)

    @property
    def _line_px(self) -> int:
        return round(1.4 * self.overlay.font_px)

    def _widest(self, lines: tuple[str, ...]) -> int:
        widths = [_font(self.overlay.font_px, text.isascii()).getlength(text) for text in lines]
        return int(max(widths, default=0)) + 1

    def finished(self) -> Annotated:
        """Draw everything and return the frame."""
        self._banner()
        if self.overlay.has_grey_bar:
            self._grey_bar()
        if self.overlay.has_scale:
            self._scale()
        self._inside()
        self._callipers()
        if self.overlay.body_mark is not None:
            x0, _, _, y1 = self.region
            box = (x0, y1 + _PAD, x0 + _BODY_MARK_PX, y1 + _PAD + _BODY_MARK_PX)
            draw_body_mark(self.pen, box, self.overlay.body_mark)
            self.graphics.append(box)
        pixels = np.asarray(self.canvas).copy()
        return Annotated(pixels, self.region, tuple(self.texts), tuple(self.graphics))

    def _write(
        self,
        text: str,
        x: int,
        y: int,
        colour: tuple[int, int, int],
        is_patient: bool = False,
        is_inside: bool = False,
    ) -> None:
        font = _font(self.overlay.font_px, text.isascii())
        self.pen.text((x, y), text, fill=colour, font=font)
        x0, y0, x1, y1 = self.pen.textbbox((x, y), text, font=font)
        box = (max(int(x0), 0), max(int(y0), 0), int(np.ceil(x1)), int(np.ceil(y1)))
        self.texts.append(BurnedText(text, box, is_patient, is_inside))

    def _banner(self) -> None:
        for row, text in enumerate(self.overlay.header):
            self._write(text, _PAD, _PAD // 2 + row * self._line_px, _WHITE, is_patient=True)
        for row, text in enumerate(self.overlay.header_right):
            x = self.canvas.width - _PAD - self._widest((text,))
            self._write(text, x, _PAD // 2 + row * self._line_px, _WHITE, is_patient=True)
        if self.overlay.settings:
            y = self.region[1] - self._line_px - _PAD // 2
            self._write(self.overlay.settings, _PAD, y, _CYAN)

    def _inside(self) -> None:
        x0, y0, _, _ = self.region
        for row, text in enumerate(self.overlay.inside):
            y = y0 + _PAD + row * self._line_px
            self._write(text, x0 + _PAD, y, _WHITE, is_patient=True, is_inside=True)

    def _grey_bar(self) -> None:
        x0, y0, _, y1 = self.region
        box = (x0 - 18, y0, x0 - 8, y0 + (y1 - y0) // 2)
        steps = np.linspace(255, 0, box[3] - box[1]).astype(int)
        for y, grey in zip(range(box[1], box[3]), steps.tolist(), strict=True):
            self.pen.line((box[0], y, box[2] - 1, y), fill=(grey, grey, grey))
        self.graphics.append(box)

    def _scale(self) -> None:
        """Draw a tick every 5 or 10 mm of depth and a number every 10 or 50 mm."""
        _, y0, x1, y1 = self.region
        y0 += self.overlay.face_px
        depth_mm = (y1 - y0) * self.spacing_mm
        minor, major = (5, 10) if depth_mm < 80 else (10, 50)
        for tick in range(0, int(depth_mm) + 1, minor):
            y = min(y0 + round(tick / self.spacing_mm), y1 - 1)
            length = 8 if tick % major == 0 else 4
            self.pen.line((x1 + 3, y, x1 + 3 + length, y), fill=_GREY)
            if tick and tick % major == 0:
                self._write(str(tick // 10), x1 + 14, y - self.overlay.font_px // 2, _GREY)
        self.graphics.append((x1 + 3, y0, x1 + 12, y1))

    def _callipers(self) -> None:
        x0, y0, _, y1 = self.region
        left = x0 + (_BODY_MARK_PX + 2 * _PAD if self.overlay.body_mark else 0)
        for number, diameter in enumerate(self.overlay.callipers, start=1):
            start = (diameter.start[0] + x0, diameter.start[1] + y0)
            end = (diameter.end[0] + x0, diameter.end[1] + y0)
            self._dotted(start, end)
            for x, y in (start, end):
                self.pen.line((x - 4, y, x + 4, y), fill=_YELLOW)
                self.pen.line((x, y - 4, x, y + 4), fill=_YELLOW)
                self.graphics.append((x - 4, y - 4, x + 5, y + 5))
            text = f"{number} D {diameter_mm(diameter, self.spacing_mm):.1f} mm"
            self._write(text, left, y1 + _PAD + (number - 1) * self._line_px, _YELLOW)

    def _dotted(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
        for part in np.arange(6, length - 5, 5) / max(length, 1):
            x = start[0] + part * (end[0] - start[0])
            y = start[1] + part * (end[1] - start[1])
            self.pen.point((round(x), round(y)), fill=_YELLOW)
