"""Where a drawn lesion lies: found from what was drawn, so that marks and measurements are true.

The long and short diameter are those of the ellipse with the same second moments as the drawn
region: exact for an ellipse, and little moved by spicules and lobes (Hu 1962, IRE Trans Inf Theory
8:179). The box holds every drawn point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Place:
    """A lesion in the imaging plane; x runs laterally from the middle, z down from the face.

    Attributes:
        structure: what it is, a value of the lexicon's ``structure`` ("mass", "stone", "lesion").
        x_mm: lateral centre.
        z_mm: depth of the centre.
        long_mm: longest diameter.
        short_mm: diameter at a right angle to it.
        angle_rad: direction of the long diameter, 0 lateral, growing as its right end sinks.
        box_mm: ``(x0, z0, x1, z1)`` around all of it.
    """

    structure: str
    x_mm: float
    z_mm: float
    long_mm: float
    short_mm: float
    angle_rad: float
    box_mm: tuple[float, float, float, float]

    def ends_mm(self, long: bool) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return both ends of a diameter as (x, z), the left or upper one first."""
        angle = self.angle_rad if long else self.angle_rad + np.pi / 2
        half = (self.long_mm if long else self.short_mm) / 2
        dx, dz = half * float(np.cos(angle)), half * float(np.sin(angle))
        ends = ((self.x_mm - dx, self.z_mm - dz), (self.x_mm + dx, self.z_mm + dz))
        return ends if ends[0] <= ends[1] else (ends[1], ends[0])


def place_of(
    structure: str, level: np.ndarray, x_mm: np.ndarray, z_mm: np.ndarray, spacing_mm: float
) -> Place | None:
    """Measure the inside of a level set.

    Args:
        structure: what it is.
        level: level set ``(Nz, Nx)``, below 1 inside.
        x_mm: lateral position of each grid point.
        z_mm: depth of each grid point.
        spacing_mm: grid step.

    Returns:
        Its place, None where fewer than nine grid points lie inside.
    """
    inside = level < 1
    if np.count_nonzero(inside) < 9:
        return None
    x, z = x_mm[inside].astype(float), z_mm[inside].astype(float)
    centre_x, centre_z = float(x.mean()), float(z.mean())
    # A grid cell has an extent of its own: the square of its step over twelve, along each axis.
    cell = spacing_mm**2 / 12
    moments = np.cov(np.stack([x, z]), bias=True) + cell * np.eye(2)
    variances, axes = np.linalg.eigh(moments)
    short, long = 4 * np.sqrt(variances)
    direction = axes[:, 1] if axes[0, 1] >= 0 else -axes[:, 1]
    half = spacing_mm / 2
    return Place(
        structure=structure,
        x_mm=centre_x,
        z_mm=centre_z,
        long_mm=float(long),
        short_mm=float(short),
        angle_rad=float(np.arctan2(direction[1], direction[0])),
        box_mm=(
            float(x.min()) - half,
            float(z.min()) - half,
            float(x.max()) + half,
            float(z.max()) + half,
        ),
    )
