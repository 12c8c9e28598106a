"""Whether two pictures are the same but for crop, brightness, scale and compression.

A perceptual hash of 256 bits (:mod:`echovlm.data.quality.duplicates`) outlives all of these but the
crop: 2 % off each side cost 34 bits, 5 % some 85. So each picture is hashed in 81 views, each side
cut by 0, 4 or 8 %:

    candidates    the whole of one differs from a view of the other in at most ``NEAR_BITS``
    the same      the detail of both, after the cuts were fitted, correlates by ``SAME_DETAIL``

Detail is what a Gaussian takes away. The second step parts pictures that are merely built alike:
apical four-chamber views of different simulated hearts come within 38 bits, but their detail
correlates by 0.60 at most, that of cropped copies by 0.98 and more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.fft import dctn

from echovlm.data.quality.duplicates import HASH_BITS

SAME_DETAIL = 0.7

_CUTS = tuple(product((0.0, 0.04, 0.08), repeat=4))  # off left, top, right and bottom
_SIDE = 16  # frequencies of the hash in each direction
_GRID = 64  # of the library's hash: four pixels for each frequency
_KEPT = 128  # side of the picture that views are cut from
_DETAIL = 96  # side of the pictures whose detail is compared
_BLUR = 3.0  # pixels of that; coarser structure is no detail
_STARTS = 4  # views that the fit starts from; one may lead to a lesser summit
_STEPS = (0.02, 0.01, 0.005)
_MOST_CUT = 0.12

Cuts = tuple[float, ...]
"""What is cut off the left, top, right and bottom, as shares of the width and height."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What is kept of a picture to know it again.

    Attributes:
        bits: ``(81, 256)`` bool, hashes of its views, the whole first; ``(1, 256)`` where only the
            hash was recorded.
        small: ``(128, 128)`` uint8, the picture itself; None where only the hash was recorded.
    """

    bits: np.ndarray
    small: np.ndarray | None


def seen(pixels: np.ndarray) -> Seen:
    """Look at a picture.

    Args:
        pixels: ``(H, W, 3)`` uint8 RGB. The first hash is that of
            :func:`echovlm.data.quality.duplicates.perceptual_hash`.
    """
    whole = Image.fromarray(pixels).convert("L")
    small = _resized(whole, _KEPT)
    grids = [_resized(whole, _GRID), *(_resized(small, _GRID, cuts) for cuts in _CUTS[1:])]
    stack = np.stack([np.asarray(grid, dtype=np.float64) for grid in grids])
    low = dctn(stack, axes=(1, 2))[:, :_SIDE, :_SIDE].reshape(len(grids), HASH_BITS)
    return Seen(low > np.median(low, axis=1, keepdims=True), np.asarray(small))


def recorded(hexadecimal: str) -> Seen:
    """What a recorded hash tells of a picture that is not there."""
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(hexadecimal), np.uint8))
    return Seen(bits.astype(bool)[None], None)


def distances(some: Sequence[Seen], others: Sequence[Seen]) -> np.ndarray:
    """Fewest bits between the whole of one picture and a view of the other.

    Returns:
        ``(some, others)``, 0 to 256.
    """
    return np.minimum(_from_views(some, others), _from_views(others, some).T)


def _from_views(some: Sequence[Seen], others: Sequence[Seen]) -> np.ndarray:
    starts = np.cumsum([0] + [len(one.bits) for one in some[:-1]])
    views = np.concatenate([one.bits for one in some]).astype(np.float32) * 2 - 1
    wholes = np.stack([one.bits[0] for one in others]).astype(np.float32) * 2 - 1
    agree = views @ wholes.T  # agreeing less differing bits
    return (HASH_BITS - np.maximum.reduceat(agree, starts, axis=0)) / 2


def agreement(one: Seen, other: Seen) -> float | None:
    """Correlation of the detail of two pictures, one of them cropped as fits best.

    Returns:
        -1 to 1; None where one of them is known by its hash alone.
    """
    first, second = one.small, other.small
    if first is None or second is None:
        return None
    pictures = ((first, second), (second, first))
    starts = [
        (int(away), way, place)
        for way, (viewed, whole) in enumerate(((one, other), (other, one)))
        for place, away in enumerate((viewed.bits != whole.bits[0]).sum(axis=1))
    ]
    return max(_fitted(*pictures[way], _CUTS[place]) for _, way, place in sorted(starts)[:_STARTS])


def _fitted(viewed: np.ndarray, whole: np.ndarray, start: Cuts) -> float:
    """Correlation of a whole picture with the crop of another that a climb from a view finds."""
    picture, target = Image.fromarray(viewed), _detail(Image.fromarray(whole))

    def correlation(cuts: Cuts) -> float:
        return float((target * _detail(picture, cuts)).mean())

    best, found = start, correlation(start)
    for step, _, side, move in product(_STEPS, range(2), range(4), (-2, -1, 1, 2)):
        cuts = list(best)
        cuts[side] = min(max(cuts[side] + move * step, 0.0), _MOST_CUT)
        value = correlation(tuple(cuts))
        if value > found:
            best, found = tuple(cuts), value
    return found


def _detail(picture: Image.Image, cuts: Cuts = (0.0, 0.0, 0.0, 0.0)) -> np.ndarray:
    """What is finer than the blur, with mean square 1; zeros where there is nothing."""
    grid = np.asarray(_resized(picture, _DETAIL, cuts), dtype=np.float32)
    fine = grid - ndimage.gaussian_filter(grid, _BLUR)
    size = float(np.sqrt((fine**2).mean()))
    return fine / size if size else fine


def _resized(picture: Image.Image, side: int, cuts: Cuts = (0.0, 0.0, 0.0, 0.0)) -> Image.Image:
    left, top, right, bottom = cuts
    box = (
        left * picture.width,
        top * picture.height,
        (1 - right) * picture.width,
        (1 - bottom) * picture.height,
    )
    return picture.resize((side, side), Image.Resampling.LANCZOS, box=box)
