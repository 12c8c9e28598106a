"""Masks and pictures whose descriptors are known because they were drawn so."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SIZE = (300, 340)


def grid(size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.indices(size)
    return rows.astype(float), columns.astype(float)


def ellipse(
    centre: tuple[float, float],
    along: float,
    across: float,
    degrees: float = 0.0,
    size: tuple[int, int] = SIZE,
) -> np.ndarray:
    """Semi-axis ``along`` lies at ``degrees`` from the horizontal, downwards to the right."""
    rows, columns = grid(size)
    down, right = rows - centre[0], columns - centre[1]
    turn = np.radians(degrees)
    u = right * np.cos(turn) + down * np.sin(turn)
    v = down * np.cos(turn) - right * np.sin(turn)
    return (u / along) ** 2 + (v / across) ** 2 <= 1


def star(
    centre: tuple[float, float], radius: float, depth: float, points: int, aspect: float = 1.0
) -> np.ndarray:
    """A wavy disk: its radius swings by ``depth`` (share) ``points`` times."""
    rows, columns = grid()
    down, right = rows - centre[0], (columns - centre[1]) / aspect
    swing = radius * (1 + depth * np.cos(points * np.arctan2(down, right)))
    return np.hypot(down, right) <= swing


def speckle(seed: int, level: np.ndarray, spread: float = 12.0) -> np.ndarray:
    """A picture with this mean grey level everywhere and speckle-like noise of a few pixels."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.standard_normal(level.shape), (0.8, 1.4))
    noise *= spread / noise.std()
    return np.clip(np.rint(level + noise), 0, 255).astype(np.uint8)
