"""Closed curves through anatomical landmarks, and windows that make small shapes cheap."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.interpolate import PchipInterpolator

from echovlm.simulate.phantom import Phantom


def window(phantom: Phantom, x: float, z: float, reach_mm: float) -> Phantom:
    """Return a part of the phantom that shares its maps: what is drawn there is drawn in both.

    Args:
        phantom: the whole.
        x: lateral middle in mm.
        z: depth of the middle in mm.
        reach_mm: half of the side; the window ends with the phantom but is never empty.
    """

    def span(middle: float, first: float, size: int) -> slice:
        low = int((middle - reach_mm - first) / phantom.spacing_mm)
        high = int((middle + reach_mm - first) / phantom.spacing_mm) + 1
        low = min(max(low, 0), size - 4)
        return slice(low, max(min(high, size), low + 4))

    rows, columns = phantom.x_mm.shape
    part = (
        span(z, float(phantom.z_mm[0, 0]), rows),
        span(x, float(phantom.x_mm[0, 0]), columns),
    )
    return dataclasses.replace(
        phantom,
        x_mm=phantom.x_mm[part],
        z_mm=phantom.z_mm[part],
        echogenicity_db=phantom.echogenicity_db[part],
        attenuation_db_per_cm_mhz=phantom.attenuation_db_per_cm_mhz[part],
        specular=phantom.specular[part],
    )


def outline(
    phantom: Phantom,
    points_mm: np.ndarray,
    centre_mm: np.ndarray | None = None,
    ripple: np.ndarray | None = None,
) -> np.ndarray:
    """Return the level set of a smooth closed curve through landmarks.

    Seen from its centre the curve must be star-shaped (each direction meets it once).

    Args:
        phantom: the grid to fill.
        points_mm: landmarks ``(N, 2)`` as (x, z), in any order of turning.
        centre_mm: point inside as (x, z); the mean of the landmarks where None.
        ripple: relative change of the radius at equally spaced angles from -pi to pi, (K,).

    Returns:
        (Nz, Nx) float32, below 1 inside and 1 on the curve.
    """
    centre = points_mm.mean(axis=0) if centre_mm is None else np.asarray(centre_mm)
    dx, dz = (points_mm - centre).T
    angles, radii = np.arctan2(dz, dx), np.hypot(dx, dz)
    order = np.argsort(angles)
    angles, radii = angles[order], radii[order]
    turns = np.concatenate([angles - 2 * np.pi, angles, angles + 2 * np.pi])
    fine = np.linspace(-np.pi, np.pi, 721)
    radius = PchipInterpolator(turns, np.tile(radii, 3))(fine)
    if ripple is not None:
        radius = radius * (1 + np.interp(fine, np.linspace(-np.pi, np.pi, ripple.size), ripple))
    x = phantom.x_mm - np.float32(centre[0])
    z = phantom.z_mm - np.float32(centre[1])
    # A table lookup by rounded angle is several times faster than interpolation and just as smooth.
    index = ((np.arctan2(z, x) + np.float32(np.pi)) * np.float32(720 / (2 * np.pi))).astype(int)
    return np.hypot(x, z) / radius.astype(np.float32)[np.clip(index, 0, 720)]


def ripple(rng: np.random.Generator, size: float, orders: int = 9) -> np.ndarray:
    """Return a periodic random unevenness of a contour.

    Args:
        rng: source.
        size: standard deviation relative to the radius.
        orders: number of waves; more make it finer.
    """
    angles = np.linspace(-np.pi, np.pi, 181)
    waves = np.arange(2, orders + 2)
    weights = rng.standard_normal((2, waves.size)) / waves**0.6
    values = weights[0] @ np.cos(np.outer(waves, angles))
    values += weights[1] @ np.sin(np.outer(waves, angles))
    return size * values / max(float(values.std()), 1e-9)
