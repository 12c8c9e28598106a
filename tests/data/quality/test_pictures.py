"""Picture faults: what is no usable ultrasound is told, real ultrasound is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scripted import speckle

from echovlm.data.quality.pictures import decode, faults


def coloured(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels[..., None], 3, axis=2)


def photograph() -> np.ndarray:
    rows, columns = np.mgrid[0:200, 0:200]
    return np.stack([rows, columns, 255 - rows], axis=-1).astype(np.uint8)


def page() -> np.ndarray:
    image = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(image).text((20, 20), "A page of text\nwith some lines", fill="black")
    return np.asarray(image)


def gradient() -> np.ndarray:
    return coloured(np.tile(np.linspace(20, 200, 256), (256, 1)).astype(np.uint8))


@pytest.mark.parametrize(
    ("pixels", "fault"),
    [
        (None, "it cannot be decoded"),
        (np.zeros((100, 100, 3), np.uint8), "it is blank"),
        (coloured(speckle(1, 20, 100)), "it is smaller than 32 pixels"),
        (photograph(), "it is too colourful for ultrasound"),
        (page(), "it is too white for ultrasound"),
        (gradient(), "it is too smooth for ultrasound"),
    ],
)
def test_what_is_no_usable_ultrasound_is_told(pixels, fault):
    assert faults(pixels) == [fault]


def test_speckle_with_a_colour_box_is_ultrasound():
    pixels = coloured(speckle(2, 200, 300))
    pixels[50:120, 80:200] = (200, 40, 20)
    assert faults(pixels) == []


def test_damaged_bytes_decode_to_nothing():
    assert decode(b"\x89PNG\r\n") is None
    assert decode(b"") is None


def test_no_real_still_is_taken_for_something_else(shared_dir):
    folder = shared_dir / "ultrasound"
    paths = [
        path
        for pattern in ("breast/*/Images/*.png", "liver/*/*/image/*.jpg", "vessel/**/*.png")
        for path in sorted(folder.glob(pattern))[::12]
        if "ask" not in path.as_posix()
    ]
    assert len(paths) > 60
    assert {path.name: faults(decode(path.read_bytes())) for path in paths} == {
        path.name: [] for path in paths
    }
