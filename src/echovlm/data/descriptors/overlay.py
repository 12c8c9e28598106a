"""Pictures that show what was measured, one per descriptor, for a person to check the rules by.

Every picture is the B-mode picture with the measured places drawn in and a caption below: the
word, "(unsure)" where it may not be stated, the numbers, and the reason where there is one.

    outline        curve of the outline, its hull and the two Feret axes: orientation, shape, size
    margin         both strips, green where the step is clear and red where not
    echogenicity   core (yellow) and neighbours at the same depth (blue)
    posterior      band behind (yellow) and its neighbours (blue)
    position       the nine cells
    tissue         everything outside the insonified area in red
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from echovlm.data.descriptors import beams, echo, margin, outline, posterior
from echovlm.data.descriptors.describe import Description
from echovlm.data.descriptors.descriptor import Descriptor
from echovlm.data.descriptors.head import Head
from echovlm.data.descriptors.lesion import to_grey
from echovlm.data.descriptors.lumen import Lumen
from echovlm.data.descriptors.size import Segment

_WIDTH_PX = 560  # of the finished picture; small pictures are enlarged
_LINE_PX = 14
_YELLOW, _BLUE, _GREEN, _RED = (255, 210, 0), (70, 150, 255), (60, 220, 90), (255, 70, 60)


def overlays(description: Description) -> dict[str, Image.Image]:
    """Draw every descriptor of a lesion, name to RGB picture."""
    drawers: dict[str, Callable[[Description], Image.Image]] = {
        "outline": _outline,
        "margin": _margin,
        "echogenicity": _echogenicity,
        "posterior": _posterior,
        "position": _position,
        "tissue": _tissue,
    }
    return {name: draw(description) for name, draw in drawers.items()}


def head_overlay(image: np.ndarray, head: Head) -> Image.Image:
    """Draw the fitted ellipse of a fetal head on its picture, ``(H, W)`` or RGB uint8."""
    turn = np.linspace(0, 2 * np.pi, 181)
    angle = np.radians(head.angle_degrees)
    u, v = head.semi_axes_px[0] * np.cos(turn), head.semi_axes_px[1] * np.sin(turn)
    across = head.centre_px[1] + u * np.cos(angle) - v * np.sin(angle)
    down = head.centre_px[0] + (u * np.sin(angle) + v * np.cos(angle)) / head.stretch
    sheet = _Sheet(to_grey(image))
    sheet.line(np.stack([down, across], axis=1), _YELLOW)
    length = (
        "not calibrated" if head.circumference_mm is None else f"{head.circumference_mm:.1f} mm"
    )
    return sheet.finish(f"head circumference: {length}, misfit {head.misfit:.3f}")


def lumen_overlay(image: np.ndarray, mask: np.ndarray, lumen: Lumen) -> Image.Image:
    """Draw the measured lines of a lumen on its picture, ``(H, W)`` or RGB uint8."""
    sheet = _Sheet(to_grey(image))
    sheet.line(outline.closed_curve(mask, 1.0), _YELLOW, closed=True)
    for index, chord in enumerate(lumen.chords_px):
        sheet.segment(chord, (_RED, _GREEN)[index] if index < 2 else _BLUE)
    length = "no mm" if lumen.diameter_mm is None else f"{lumen.diameter_mm:.1f} mm"
    text = f"lumen: {lumen.section}, {length}, axis ratio {lumen.axis_ratio:.2f}"
    return sheet.finish(f"{text}. {lumen.reason}" if lumen.reason else text)


class _Sheet:
    """A picture being drawn on, enlarged to a fixed width."""

    def __init__(self, grey: np.ndarray) -> None:
        self.scale = _WIDTH_PX / grey.shape[1]
        size = (_WIDTH_PX, round(grey.shape[0] * self.scale))
        self.picture = Image.fromarray(grey).convert("RGB").resize(size, Image.Resampling.BILINEAR)
        self.draw = ImageDraw.Draw(self.picture)

    def line(
        self, points_px: np.ndarray, colour: tuple[int, int, int], closed: bool = False
    ) -> None:
        """Draw a curve through ``(N, 2)`` (row, column)."""
        points = np.concatenate([points_px, points_px[:1]]) if closed else points_px
        self.draw.line([self._place(row, column) for row, column in points], fill=colour, width=2)

    def segment(self, ends: Segment, colour: tuple[int, int, int]) -> None:
        """Draw a straight line."""
        self.line(np.array(ends), colour)

    def tint(self, mask: np.ndarray, colour: tuple[int, int, int], strength: float = 0.35) -> None:
        """Colour the pixels of a mask ``(H, W)``."""
        alpha = Image.fromarray((mask * round(255 * strength)).astype(np.uint8))
        alpha = alpha.resize(self.picture.size, Image.Resampling.NEAREST)
        self.picture.paste(Image.new("RGB", self.picture.size, colour), mask=alpha)
        self.draw = ImageDraw.Draw(self.picture)

    def finish(self, caption: str) -> Image.Image:
        """Put the caption below and return the picture."""
        lines = textwrap.wrap(caption, _WIDTH_PX // 7)
        width, height = self.picture.size
        whole = Image.new("RGB", (width, height + _LINE_PX * len(lines) + 6))
        whole.paste(self.picture)
        draw = ImageDraw.Draw(whole)
        for index, text in enumerate(lines):
            draw.text((4, height + 3 + _LINE_PX * index), text, fill=(255, 255, 255))
        return whole

    def _place(self, row: float, column: float) -> tuple[float, float]:
        # Pixel centres lie at whole numbers, the enlarged picture starts at their upper left edge.
        return (column + 0.5) * self.scale, (row + 0.5) * self.scale


def _sheet(description: Description) -> _Sheet:
    sheet = _Sheet(description.lesion.grey)
    lesion = description.lesion
    curve = outline.closed_curve(lesion.mask, 1.0)
    sheet.line(curve, (255, 140, 0), closed=True)
    return sheet


def _outline(description: Description) -> Image.Image:
    sheet = _sheet(description)
    sheet.segment(description.size.long_axis_px, _GREEN)
    sheet.segment(description.size.short_axis_px, _BLUE)
    size = description.size
    length = "no mm" if size.long_mm is None else f"{size.long_mm:.1f} x {size.short_mm:.1f} mm"
    words = f"{_caption(description.shape)}; {_caption(description.orientation)}; {length}"
    return sheet.finish(words)


def _margin(description: Description) -> Image.Image:
    sheet = _sheet(description)
    edge = margin.measure_edge(description.lesion)
    clear = np.append(np.nan_to_num(edge.step * edge.sign) > margin.CLEAR_STEP, False)
    known = edge.sector >= 0
    sheet.tint(known & clear[edge.sector], _GREEN)
    sheet.tint(known & ~clear[edge.sector], _RED)
    return sheet.finish(_caption(description.margin))


def _echogenicity(description: Description) -> Image.Image:
    sheet = _sheet(description)
    lesion = description.lesion
    view = beams.view(lesion)
    sheet.tint(view.in_picture(view.core, lesion.grey.shape), _YELLOW, 0.2)
    sheet.tint(view.in_picture(echo.neighbours(view).both, lesion.grey.shape), _BLUE, 0.25)
    words = f"{_caption(description.echogenicity)}; {_caption(description.echotexture)}"
    return sheet.finish(words)


def _posterior(description: Description) -> Image.Image:
    sheet = _sheet(description)
    lesion = description.lesion
    view = beams.view(lesion)
    bands = posterior.bands_behind(view)
    sheet.tint(view.in_picture(bands.band, lesion.grey.shape), _YELLOW, 0.2)
    sheet.tint(view.in_picture(bands.left | bands.right, lesion.grey.shape), _BLUE, 0.25)
    return sheet.finish(f"{_caption(description.posterior)}; beams: {lesion.beams.kind}")


def _position(description: Description) -> Image.Image:
    sheet = _sheet(description)
    height, width = description.lesion.grey.shape
    for third in (1 / 3, 2 / 3):
        row, column = third * height - 0.5, third * width - 0.5
        sheet.segment(((row, 0.0), (row, width - 1.0)), _BLUE)
        sheet.segment(((0.0, column), (height - 1.0, column)), _BLUE)
    return sheet.finish(_caption(description.image_position))


def _tissue(description: Description) -> Image.Image:
    sheet = _sheet(description)
    sheet.tint(~description.lesion.tissue, _RED)
    return sheet.finish(f"insonified area; beams: {description.lesion.beams.kind}")


def _caption(found: Descriptor) -> str:
    word = "no word" if found.word is None else found.word
    unsure = "" if found.sure else f" (unsure: {found.reason})"
    numbers = ", ".join(f"{name} {value:.2f}" for name, value in found.numbers.items())
    return f"{found.name}: {word}{unsure} [{numbers}]"
