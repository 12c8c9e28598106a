"""Varying a picture as another operator or scanner setting would.

Every choice comes from the generator that is passed in, so a picture is a function of the seed and
the running number of its sample, whatever the number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Augmentation:
    """How far pictures are varied.

    Attributes:
        crop: most of a side that is cut off at each edge, 0 to 0.5.
        stretch: most relative change of the aspect.
        gamma: most relative change of the exponent of the grey curve.
        gain: most relative change of brightness.
        noise: most standard deviation of added speckle, grey levels.
        flip: probability of mirroring left and right; 0 where sides carry meaning.
    """

    crop: float = 0.05
    stretch: float = 0.08
    gamma: float = 0.25
    gain: float = 0.15
    noise: float = 0.0
    flip: float = 0.0


GENTLE = Augmentation()
STRONG = Augmentation(crop=0.12, stretch=0.15, gamma=0.4, gain=0.3, noise=10.0, flip=0.5)
STEADY = Augmentation(crop=0.07, stretch=0.1, gamma=0.3, gain=0.2, noise=5.0)


def augment(
    picture: np.ndarray,
    rng: np.random.Generator,
    how: Augmentation = GENTLE,
    mask: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Vary a picture, and its mask in the same way.

    Args:
        picture: ``(H, W, 3)`` uint8, RGB.
        rng: source of every choice.
        how: how far.
        mask: ``(H, W)`` bool, or None.

    Returns:
        Picture ``(H', W', 3)`` uint8 and mask ``(H', W')`` bool or None.
    """
    height, width = picture.shape[:2]
    top, bottom = (int(height * share) for share in rng.uniform(0, how.crop, 2))
    left, right = (int(width * share) for share in rng.uniform(0, how.crop, 2))
    window = np.s_[top : height - bottom, left : width - right]
    cut = picture[window]
    cut_mask = None if mask is None else mask[window]
    columns = max(28, int(cut.shape[1] * rng.uniform(1 - how.stretch, 1 + how.stretch)))
    size = (columns, cut.shape[0])
    cut = np.asarray(Image.fromarray(cut).resize(size, Image.Resampling.BILINEAR))
    if cut_mask is not None:
        resized = Image.fromarray(cut_mask).resize(size, Image.Resampling.NEAREST)
        cut_mask = np.asarray(resized)
    if rng.random() < how.flip:
        cut, cut_mask = cut[:, ::-1], None if cut_mask is None else cut_mask[:, ::-1]
    curve = np.linspace(0, 1, 256) ** rng.uniform(1 - how.gamma, 1 + how.gamma)
    grey = (curve * rng.uniform(1 - how.gain, 1 + how.gain) * 255).astype(np.float32)[cut]
    if how.noise:
        speckle = rng.standard_normal(grey.shape[:2], dtype=np.float32) * rng.uniform(0, how.noise)
        grey += (speckle * (grey[..., 0] > 0))[..., None]
    return grey.clip(0, 255).astype(np.uint8), cut_mask
