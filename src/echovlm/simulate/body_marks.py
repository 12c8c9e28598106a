"""Pictograms of the body part under the transducer, as scanners draw them in a corner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import ImageDraw

from echovlm.terms import Anatomy

_LINE = (210, 210, 210)
_TRANSDUCER = (240, 220, 90)


@dataclass(frozen=True)
class BodyMark:
    """A pictogram with the transducer on it.

    Attributes:
        anatomy: breast, thyroid or kidney; nothing else has a pictogram.
        x: lateral position of the transducer's middle, 0 (left) to 1.
        y: its vertical position, 0 (top) to 1.
        angle_deg: direction of its face, 0 lateral.
    """

    anatomy: Anatomy
    x: float
    y: float
    angle_deg: float


def body_mark_for(anatomy: Anatomy, side: str | None, rng: np.random.Generator) -> BodyMark | None:
    """Return a pictogram with a transducer at a place that suits the picture.

    Args:
        anatomy: region shown.
        side: "left" or "right" lobe of a thyroid (the patient's right is on the left); None where
            the picture does not tell.
        rng: source of the exact place.

    Returns:
        None where the anatomy has no pictogram, or the side must be known and is not.
    """
    jitter = rng.uniform(-0.08, 0.08, 2)
    if anatomy is Anatomy.BREAST:
        place = 0.5 + 0.3 * rng.uniform(-1, 1, 2)
        return BodyMark(anatomy, float(place[0]), float(place[1]), float(rng.uniform(-90, 90)))
    if anatomy is Anatomy.THYROID and side in ("left", "right"):
        middle = 0.25 if side == "right" else 0.75
        return BodyMark(anatomy, middle + jitter[0] / 2, 0.5 + jitter[1], 0.0)
    if anatomy is Anatomy.KIDNEY:
        return BodyMark(anatomy, 0.5 + jitter[0], 0.5 + jitter[1], 90.0)
    return None


def draw_body_mark(
    pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], mark: BodyMark
) -> None:
    """Draw a pictogram into a box ``(x0, y0, x1, y1)`` of a canvas."""
    x0, y0, x1, y1 = box
    size = min(x1 - x0, y1 - y0) - 1

    def at(x: float, y: float) -> tuple[float, float]:
        return x0 + x * size, y0 + y * size

    if mark.anatomy is Anatomy.BREAST:
        pen.ellipse((*at(0.04, 0.04), *at(0.96, 0.96)), outline=_LINE)
        pen.ellipse((*at(0.43, 0.43), *at(0.57, 0.57)), outline=_LINE)
    elif mark.anatomy is Anatomy.THYROID:
        pen.ellipse((*at(0.08, 0.12), *at(0.40, 0.88)), outline=_LINE)
        pen.ellipse((*at(0.60, 0.12), *at(0.92, 0.88)), outline=_LINE)
        pen.rectangle((*at(0.39, 0.52), *at(0.61, 0.66)), outline=_LINE)
    else:
        angles = np.linspace(0, 2 * np.pi, 60)
        dent = 0.16 * np.exp(-(((angles - np.pi) / 0.5) ** 2))
        reach = 0.44 - dent
        curve = [
            at(0.5 + 0.7 * r * np.cos(a), 0.5 + r * np.sin(a))
            for a, r in zip(angles.tolist(), reach.tolist(), strict=True)
        ]
        pen.line(curve, fill=_LINE)
    angle = np.deg2rad(mark.angle_deg)
    dx, dy = 0.16 * float(np.cos(angle)), 0.16 * float(np.sin(angle))
    ends = (*at(mark.x - dx, mark.y - dy), *at(mark.x + dx, mark.y + dy))
    pen.line(ends, fill=_TRANSDUCER, width=3)
