from __future__ import annotations

import numpy as np
from drawn import ellipse, speckle

from echovlm.data.descriptors import describe, measure_head, measure_lumen
from echovlm.data.descriptors.overlay import head_overlay, lumen_overlay, overlays

LESION = ellipse((130, 170), 60, 35)
PICTURE = speckle(0, np.where(LESION, 70.0, 110.0))


def coloured(picture: object) -> int:
    pixels = np.asarray(picture).astype(int)
    return int((np.ptp(pixels, axis=2) > 30).sum())


def test_every_descriptor_is_drawn_with_a_caption() -> None:
    drawn = overlays(describe(PICTURE, LESION))
    assert set(drawn) == {
        "outline", "margin", "echogenicity", "posterior", "position", "tissue",
    }  # fmt: skip
    for picture in drawn.values():
        assert picture.mode == "RGB"
        height = round(300 * picture.width / 340)
        assert coloured(picture) > 300
        assert np.asarray(picture)[height:].max() > 200, "the caption is missing"


def test_heads_and_lumens_are_drawn() -> None:
    head = measure_head(LESION, pixel_spacing_mm=(0.5, 0.5))
    assert coloured(head_overlay(PICTURE, head)) > 300
    assert coloured(lumen_overlay(PICTURE, LESION, measure_lumen(LESION))) > 300


def test_a_lesion_at_the_border_can_be_drawn() -> None:
    cut = ellipse((5, 5), 40, 30)
    assert len(overlays(describe(PICTURE, cut))) == 6
