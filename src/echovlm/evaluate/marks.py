"""Painting out what was burned into a picture: callipers, texts, scales, body marks.

A system may read the answer off the callipers, which stand at the ends of a lesion that somebody
has found already. Marks are told from tissue by what tissue never is:

    beside the picture     parted from it by a black gutter (recursive XY cut, Nagy and Seth 1984),
                           or a bright island off the insonified area
    coloured               in a picture that is grey but for a few pixels
    text                   bright pixels in a row of glyphs (echovlm.imaging.deidentify.glyphs)
    a cross, + or x        four thin arms, each brighter than what lies to both of its sides

What stands beside the picture becomes black; marks over tissue are filled by biharmonic
interpolation from their surround (Damelin and Hoang 2018; scikit-image). The fill has no speckle,
so a trace of a large mark stays. Coloured callipers of a grey picture all go; of grey ones that
were scaled with their picture about half do, and dotted lines between them stay, as do coloured
marks in pictures with colour flow (docs/evaluation_benchmarks.md has the counts).
"""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
from scipy import ndimage

from echovlm.data.descriptors.lesion import to_grey
from echovlm.data.descriptors.tissue import find_tissue
from echovlm.imaging.deidentify.glyphs import rows_of_glyphs
from echovlm.study import Clip, Study

_ECHO = 6  # grey levels; compression noise on black lies below
_PICTURE_SHARE = 0.9  # of what is lit, left by a cut
_COLOUR = 30  # difference between the channels of a pixel that reads as colour
_MOST_COLOURED = 0.03  # share of the frame; above it colour is a flow map, not writing
_BRIGHT_ISLAND = 120  # grey levels; echoes off the insonified area are darker
_TEXT_SCORE = 1.0  # of a row of glyphs; between 0 and this lies more speckle than text
_TEXT_CONTRAST = 40  # grey levels of a letter above the middle of its row
_ARMS_PX = (4, 6, 8)
_CROSS_CONTRAST = 45  # grey levels; speckle reaches it once in several pictures
_ASIDE_PX = 3  # from an arm to what it is compared with
_EDGE_PX = 1  # of a mark, blurred into its surround


def without_marks(study: Study) -> Study:
    """The same study with its burned-in marks painted out."""
    return dataclasses.replace(study, clips=tuple(_cleaned(clip) for clip in study.clips))


def find_marks(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find what was burned into a clip.

    Args:
        frames: ``(N, H, W, 3)`` uint8; marks stand still in a loop.

    Returns:
        ``(H, W)`` bool each: what lies beside the picture, and what lies over it.
    """
    steady = frames.min(axis=0)
    beside = np.ones(steady.shape[:2], dtype=bool)
    picture = _picture(frames.max(axis=(0, 3)) > _ECHO)
    beside[picture] = False
    over = np.zeros_like(beside)
    over[picture] = _marks_over(steady[picture])
    tissue = np.zeros_like(beside)
    tissue[picture] = find_tissue(to_grey(frames[:, *picture].max(axis=0)))
    islands = _bright_islands(to_grey(steady) * ~tissue)
    return beside | islands | (over & ~tissue), over & tissue


def _cleaned(clip: Clip) -> Clip:
    from skimage.restoration import inpaint_biharmonic

    beside, over = find_marks(clip.frames)
    frames = clip.frames.copy()
    frames[:, beside] = 0
    if over.any():
        for frame in frames:
            filled = inpaint_biharmonic(frame / 255, over, channel_axis=-1)
            frame[over] = np.rint(np.clip(filled[over], 0, 1) * 255).astype(np.uint8)
    return dataclasses.replace(clip, frames=frames)


Window = tuple[slice, slice]


def _picture(lit: np.ndarray) -> Window:
    """The largest block of a frame that no black gutter parts: ``(rows, columns)``.

    What a gutter parts off must be small: a vessel may run black through the whole picture.
    """
    window = (slice(0, lit.shape[0]), slice(0, lit.shape[1]))
    while True:
        rows = _longest_run(np.any(lit[window], axis=1), window[0].start)
        if lit[rows, window[1]].sum() < _PICTURE_SHARE * lit[window].sum():
            rows = window[0]
        columns = _longest_run(np.any(lit[rows, window[1]], axis=0), window[1].start)
        if lit[rows, columns].sum() < _PICTURE_SHARE * lit[rows, window[1]].sum():
            columns = window[1]
        if (rows, columns) == window:
            return window
        window = (rows, columns)


def _longest_run(lit: np.ndarray, start: int) -> slice:
    """The longest stretch of True; everything where there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lit, [False]])))
    if not edges.size:
        return slice(start, start + lit.size)
    first, last = max(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[1] - run[0])
    return slice(start + int(first), start + int(last))


def _bright_islands(grey: np.ndarray) -> np.ndarray:
    """Connected parts with a bright pixel of a picture whose insonified area is black."""
    labels, count = ndimage.label(grey > _ECHO, np.ones((3, 3)))
    if not count:
        return np.zeros(grey.shape, dtype=bool)
    peaks = ndimage.maximum(grey, labels, np.arange(count + 1))
    return (np.asarray(peaks) >= _BRIGHT_ISLAND)[labels] & (labels > 0)


def _marks_over(picture: np.ndarray) -> np.ndarray:
    """Marks on a picture ``(H, W, 3)`` uint8, ``(H, W)`` bool, a little wider than they are."""
    callipers = _widened(_coloured(picture) | _crosses(to_grey(picture)))
    # A calliper in line with bright spots of tissue would read as a row of glyphs: copy the tissue
    # next to it, since glyphs are told from tissue by their flat grey.
    nearest = ndimage.distance_transform_edt(callipers, return_distances=False, return_indices=True)
    return callipers | _widened(_letters(picture[tuple(nearest)]))


def _letters(picture: np.ndarray) -> np.ndarray:
    grey = to_grey(picture)
    letters = np.zeros(grey.shape, dtype=bool)
    for row in rows_of_glyphs(picture):
        if row.score > _TEXT_SCORE:
            x0, y0, x1, y1 = row.box
            inside = grey[y0:y1, x0:x1]
            letters[y0:y1, x0:x1] |= inside > np.median(inside) + _TEXT_CONTRAST
    return letters


def _widened(marks: np.ndarray) -> np.ndarray:
    return ndimage.binary_dilation(marks, np.ones((3, 3)), iterations=_EDGE_PX)


def _coloured(picture: np.ndarray) -> np.ndarray:
    coloured = np.ptp(picture, axis=-1) > _COLOUR
    return coloured if coloured.mean() < _MOST_COLOURED else np.zeros_like(coloured)


def _crosses(grey: np.ndarray) -> np.ndarray:
    """Pixels of callipers, upright or lying on their side."""
    found = np.zeros(grey.shape, dtype=bool)
    around = np.pad(grey.astype(np.float32), _REACH_PX, mode="edge")
    for length, directions in product(_ARMS_PX, (_UPRIGHT, _ON_ITS_SIDE)):
        arms = [_arm_contrast(around, length, *direction) for direction in directions]
        centres = np.pad(np.min(arms, axis=0) > _CROSS_CONTRAST, _REACH_PX)
        for step, (down, right) in product(range(length + 1), directions):
            found |= _neighbour(centres, -step * down, -step * right)
    return found


_UPRIGHT = ((1, 0), (-1, 0), (0, 1), (0, -1))
_ON_ITS_SIDE = ((1, 1), (1, -1), (-1, 1), (-1, -1))
_REACH_PX = max(_ARMS_PX) + _ASIDE_PX


def _arm_contrast(around: np.ndarray, length: int, down: int, right: int) -> np.ndarray:
    """How much brighter the arm that leaves each pixel is than what lies beside it."""
    aside = _ASIDE_PX if down * right == 0 else _ASIDE_PX - 1  # a diagonal step is longer
    steps = range(_ASIDE_PX, length + 1)  # nearer to the centre every bright spot has arms
    arm = [_neighbour(around, step * down, step * right) for step in steps]
    beside = [
        _neighbour(around, step * down - side * right, step * right + side * down)
        for step in steps
        for side in (-aside, aside)
    ]
    return np.mean(arm, axis=0) - np.mean(beside, axis=0)


def _neighbour(padded: np.ndarray, down: int, right: int) -> np.ndarray:
    """Every pixel's neighbour at an offset, of a picture with ``_REACH_PX`` around it."""
    rows, columns = (size - 2 * _REACH_PX for size in padded.shape)
    top, left = _REACH_PX + down, _REACH_PX + right
    return padded[top : top + rows, left : left + columns]
