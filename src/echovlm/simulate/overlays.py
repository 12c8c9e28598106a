"""Which marks a user leaves on a picture: callipers where a lesion is known, scale, body mark."""

from __future__ import annotations

import numpy as np

from echovlm.simulate.annotations import Overlay, lesion_diameters
from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.body_marks import body_mark_for
from echovlm.terms import Anatomy


def draw_overlay(
    image: BModeImage, anatomy: Anatomy, side: str, rng: np.random.Generator
) -> Overlay:
    """Draw what is written on one still, without anything that identifies a person.

    Args:
        image: the still.
        anatomy: region shown.
        side: "left" or "right", "" where the picture does not tell.
        rng: source; it decides nothing by what the lesion is.
    """
    measured = rng.random() < 0.6
    marked = rng.random() < 0.5
    body_mark = body_mark_for(anatomy, side or None, rng)
    return Overlay(
        settings=settings_line(image, rng),
        callipers=lesion_diameters(image) if measured else (),
        body_mark=body_mark if marked else None,
        has_scale=bool(rng.random() < 0.8),
        has_grey_bar=bool(rng.random() < 0.7),
        font_px=int(rng.integers(11, 17)),
        face_px=round(-image.top_mm / image.spacing_mm),
    )


def settings_line(image: BModeImage, rng: np.random.Generator) -> str:
    """Return the line of settings a scanner shows; the depth is true."""
    depth_cm = (image.top_mm + image.pixels.shape[0] * image.spacing_mm) / 10
    return (
        f"D {depth_cm:.1f}cm  G {rng.integers(30, 90)}  DR {rng.integers(40, 90)}  "
        f"MI {rng.uniform(0.5, 1.4):.1f}  {rng.integers(14, 60)} Hz"
    )
