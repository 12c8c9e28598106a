"""Reading pictures and masks of public sets."""

from __future__ import annotations

import numpy as np
import trees
from PIL import Image
from scripted import speckle

from echovlm.data.sources.pictures import measured, mode_of, picture
from echovlm.terms import Mode


def coloured(patches: dict[tuple[int, int, int], int]) -> np.ndarray:
    """Speckle with square patches of a colour, side in pixels."""
    frame = np.repeat(speckle(1, 96, 128)[..., None] // 2, 3, axis=2)
    for number, (colour, side) in enumerate(patches.items()):
        frame[5 : 5 + side, 40 * number : 40 * number + side] = colour
    return frame


def test_reds_and_blues_make_colour_doppler():
    flow = coloured({(220, 40, 20): 12, (20, 60, 220): 12})
    assert mode_of(flow) is Mode.COLOUR_DOPPLER
    plain = np.repeat(speckle(1, 96, 128)[..., None], 3, axis=2)
    assert mode_of(plain) is Mode.B_MODE
    assert mode_of(np.stack([plain, flow])) is Mode.COLOUR_DOPPLER


def test_marks_and_tints_are_no_colour_doppler():
    marks = coloured({(255, 255, 0): 12, (0, 40, 255): 4})
    assert mode_of(marks) is Mode.B_MODE
    sepia = (speckle(1, 96, 128)[..., None] * np.array([1.0, 0.75, 0.4])).astype(np.uint8)
    assert mode_of(sepia) is Mode.B_MODE


def test_nothing_is_measured_under_colour_doppler(tmp_path):
    path = tmp_path / "flow.png"
    Image.fromarray(coloured({(220, 40, 20): 20, (20, 60, 220): 20})).save(path)
    drafted, facts = measured(path, trees.disc())
    assert drafted.mode is Mode.COLOUR_DOPPLER
    assert drafted.mask is not None
    assert facts == []


def test_bytes_of_png_and_jpeg_are_kept_and_others_are_decoded(tmp_path):
    for name, kept in (("a.png", True), ("a.jpg", True), ("a.bmp", False), ("a.tif", False)):
        trees.still(tmp_path / name, 1)
        drafted = picture(tmp_path / name, None)
        if kept:
            assert drafted.encoded == (tmp_path / name).read_bytes()
            assert drafted.pixels is None
        else:
            assert drafted.encoded is None
            assert drafted.pixels.shape == (trees.HEIGHT, trees.WIDTH, 3)
