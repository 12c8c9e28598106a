"""Numbers beside a scale, so that a picture itself says what a row or column means.

Each character is 3 by 5 dots and each dot two by two pixels.
"""

from __future__ import annotations

import numpy as np

_DOTS = {
    "0": "111101101101111",
    "1": "010110010010111",
    "2": "111001111100111",
    "3": "111001111001111",
    "4": "101101111001001",
    "5": "111100111001111",
    "6": "111100111101111",
    "7": "111001010010010",
    "8": "111101111101111",
    "9": "111101111001111",
    "-": "000000111000000",
    "+": "000010111010000",
    "c": "000111100100111",
    "m": "000111111101101",
    "/": "001001010100100",
    "s": "011100010001110",
    " ": "000000000000000",
}
_DOT_PX = 2
HEIGHT_PX = 5 * _DOT_PX


def width_px(text: str) -> int:
    """Return how wide a text is."""
    return _DOT_PX * (4 * len(text) - 1)


def write(pixels: np.ndarray, text: str, row: int, column: int, grey: int) -> None:
    """Write a number or "cm/s" into a picture, in place.

    Args:
        pixels: (H, W) or (H, W, 3) uint8; the text is clipped to it.
        text: digits, signs, blanks and the letters c, m, s.
        row: top of the text.
        column: its left end.
        grey: brightness, 0 to 255.
    """
    for index, character in enumerate(text):
        dots = np.array(list(_DOTS[character]), dtype=int).reshape(5, 3)
        glyph = np.kron(dots, np.ones((_DOT_PX, _DOT_PX), int)).astype(bool)
        rows, columns = np.nonzero(glyph)
        rows, columns = rows + row, columns + column + index * 4 * _DOT_PX
        kept = (rows >= 0) & (rows < pixels.shape[0])
        kept &= (columns >= 0) & (columns < pixels.shape[1])
        pixels[rows[kept], columns[kept]] = grey
