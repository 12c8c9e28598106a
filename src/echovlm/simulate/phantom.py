"""Tissue maps: where a simulated body part scatters, weakens and mirrors ultrasound.

A phantom is a Cartesian grid in the imaging plane. Rows run with depth ``z`` (0 mm at the middle of
the transducer's face), columns with the lateral position ``x`` (0 mm in the middle). Anatomy is
drawn into three maps: echogenicity in dB against reference parenchyma, attenuation, and the
amplitude of interfaces that mirror rather than scatter. ``bmode.py`` turns the maps into an image.

Shapes are *level sets*: arrays that are below 1 inside, 1 on the border and above 1 outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage
from scipy.interpolate import CubicSpline

from echovlm.simulate.places import Place, place_of

ANECHOIC_DB = -60.0
"""Echogenicity of fluid: far below every dynamic range."""

FLUID_ATTENUATION = 0.02
"""Attenuation of clear fluid in dB/cm/MHz (water 0.002, bile and urine a little more)."""


@dataclass(eq=False)
class Phantom:
    """A mutable tissue map; every drawing method changes it in place.

    Attributes:
        spacing_mm: grid step, equal in both directions.
        x_mm: lateral position of each grid point, shape (Nz, Nx).
        z_mm: depth of each grid point, shape (Nz, Nx).
        echogenicity_db: backscatter against reference parenchyma, shape (Nz, Nx) float32.
        attenuation_db_per_cm_mhz: one-way amplitude loss, shape (Nz, Nx) float32.
        specular: coherent amplitude of interfaces against 0 dB speckle, shape (Nz, Nx) float32.
        radius_mm: distance from the face back to the point where the beams cross; None where the
            beams are parallel (linear transducer).
        places: where lesions were drawn, in the order of drawing; parts of a phantom share it.
    """

    spacing_mm: float
    x_mm: np.ndarray
    z_mm: np.ndarray
    echogenicity_db: np.ndarray
    attenuation_db_per_cm_mhz: np.ndarray
    specular: np.ndarray
    radius_mm: float | None = None
    places: list[Place] = field(default_factory=list)

    @classmethod
    def blank(
        cls,
        width_mm: float,
        depth_mm: float,
        spacing_mm: float = 0.2,
        echo_db: float = 0.0,
        attenuation: float = 0.5,
        radius_mm: float | None = None,
        above_mm: float = 0.0,
    ) -> Phantom:
        """Return uniform tissue.

        Args:
            width_mm: lateral extent, centred on x = 0.
            depth_mm: deepest grid row.
            spacing_mm: grid step.
            echo_db: echogenicity everywhere.
            attenuation: dB/cm/MHz everywhere.
            radius_mm: see the class; ``Scan.blank_phantom`` sets it from the transducer.
            above_mm: how far the grid reaches above z = 0 (the flanks of a curved face).
        """
        columns = int(np.ceil(width_mm / spacing_mm)) + 1
        rows = int(np.ceil((depth_mm + above_mm) / spacing_mm)) + 1
        x = (np.arange(columns, dtype=np.float32) - (columns - 1) / 2) * np.float32(spacing_mm)
        z = np.arange(rows, dtype=np.float32) * np.float32(spacing_mm) - np.float32(above_mm)
        z_mm, x_mm = np.meshgrid(z, x, indexing="ij")
        return cls(
            spacing_mm=spacing_mm,
            x_mm=x_mm,
            z_mm=z_mm,
            echogenicity_db=np.full(x_mm.shape, echo_db, np.float32),
            attenuation_db_per_cm_mhz=np.full(x_mm.shape, attenuation, np.float32),
            specular=np.zeros(x_mm.shape, np.float32),
            radius_mm=radius_mm,
        )

    @property
    def range_mm(self) -> np.ndarray:
        """Distance from the transducer's face along the beam, shape (Nz, Nx)."""
        if self.radius_mm is None:
            return self.z_mm
        return np.hypot(self.x_mm, self.z_mm + self.radius_mm) - np.float32(self.radius_mm)

    def rows_above(self, depth_mm: float) -> Phantom:
        """Return the part above a depth as a phantom that shares this one's maps.

        Drawing in place on it (``fill``, ``interface``, ``out=``) draws on the whole, only faster.
        """
        rows = slice(0, int(np.searchsorted(self.z_mm[:, 0], depth_mm)) + 1)
        return Phantom(
            self.spacing_mm,
            self.x_mm[rows],
            self.z_mm[rows],
            self.echogenicity_db[rows],
            self.attenuation_db_per_cm_mhz[rows],
            self.specular[rows],
            self.radius_mm,
            self.places,
        )

    # --- shapes ---------------------------------------------------------------------------------

    def ellipse(
        self, x: float, z: float, semi_x: float, semi_z: float, angle_deg: float = 0.0
    ) -> np.ndarray:
        """Return the level set of an ellipse (all lengths in mm).

        Args:
            x: lateral centre.
            z: depth of the centre.
            semi_x: half-axis along x before rotation.
            semi_z: half-axis along z before rotation.
            angle_deg: rotation that lowers the right end.
        """
        u, v = self._local(x, z, angle_deg)
        return np.hypot(u / np.float32(semi_x), v / np.float32(semi_z))

    def blob(
        self,
        rng: np.random.Generator,
        x: float,
        z: float,
        semi_x: float,
        semi_z: float,
        angle_deg: float = 0.0,
        roughness: float = 0.0,
        lobes: int = 0,
        spicules: int = 0,
    ) -> np.ndarray:
        """Return the level set of an ellipse with an irregular contour.

        Args:
            rng: source of the contour.
            x: lateral centre in mm.
            z: depth of the centre in mm.
            semi_x: mean half-axis along x before rotation, mm.
            semi_z: mean half-axis along z before rotation, mm.
            angle_deg: rotation that lowers the right end.
            roughness: relative SD of the contour's radius (0 smooth, 0.1 uneven, 0.25 irregular).
            lobes: number of rounded lobulations around the contour, 0 for none.
            spicules: number of narrow spikes, 0 for none.
        """
        u, v = self._local(x, z, angle_deg)
        u, v = u / np.float32(semi_x), v / np.float32(semi_z)
        angles = np.linspace(-np.pi, np.pi, 1441)
        radius = _contour(rng, angles, roughness, lobes, spicules).astype(np.float32)
        # The nearest of 1441 angles is as smooth as interpolation and several times faster.
        turn = (np.arctan2(v, u) + np.float32(np.pi)) * np.float32(1440 / (2 * np.pi))
        return np.hypot(u, v) / radius.take((turn + np.float32(0.5)).astype(np.int32))

    def tube(self, points_mm: np.ndarray, radii_mm: np.ndarray) -> np.ndarray:
        """Return the level set of a tapering, bending tube; far away it stays at 4.

        Args:
            points_mm: (n, 2) centre line as (x, z), at least two points.
            radii_mm: (n,) radius at each point.
        """
        return self.tubes([(points_mm, radii_mm)])

    def tubes(self, branches: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Return the level set of several joined tubes, each (points, radii) as for ``tube``."""
        level = np.full(self.x_mm.shape, 4.0, np.float32)
        for points, radii in branches:
            for index in range(len(points) - 1):
                self._add_segment(level, points[index : index + 2], radii[index : index + 2])
        return level

    def _add_segment(self, level: np.ndarray, ends_mm: np.ndarray, radii_mm: np.ndarray) -> None:
        """Join one straight piece of a tube to a level set."""
        window = self._window(ends_mm, 2 * float(radii_mm.max()) + 4 * self.spacing_mm)
        (x0, z0), (dx, dz) = ends_mm[0], ends_mm[1] - ends_mm[0]
        x = self.x_mm[window] - np.float32(x0)
        z = self.z_mm[window] - np.float32(z0)
        length = max(float(dx * dx + dz * dz), 1e-9)
        part = np.clip(x * np.float32(dx / length) + z * np.float32(dz / length), 0, 1)
        distance = np.hypot(x - part * np.float32(dx), z - part * np.float32(dz))
        radius = np.float32(radii_mm[0]) + part * np.float32(radii_mm[1] - radii_mm[0])
        np.minimum(level[window], distance / radius, out=level[window])

    def _window(self, points_mm: np.ndarray, margin_mm: float) -> tuple[slice, slice]:
        """Return the grid window around points, clipped to the grid (possibly empty)."""
        low = points_mm.min(axis=0) - margin_mm - (self.x_mm[0, 0], self.z_mm[0, 0])
        high = points_mm.max(axis=0) + margin_mm - (self.x_mm[0, 0], self.z_mm[0, 0])
        left, top = np.maximum(low / self.spacing_mm, 0).astype(int)
        right, bottom = np.maximum(high / self.spacing_mm + 2, 0).astype(int)
        return slice(top, bottom), slice(left, right)

    def band(self, top_mm: np.ndarray | float, bottom_mm: np.ndarray | float) -> np.ndarray:
        """Return the mask between two depths, each a scalar or one value per column (mm)."""
        return (self.z_mm >= top_mm) & (self.z_mm < bottom_mm)

    def texture(
        self, rng: np.random.Generator, scale_mm: float, sd_db: float, stretch: float = 1.0
    ) -> np.ndarray:
        """Return a smooth random field in dB to add to the echogenicity.

        Args:
            rng: source of the field.
            scale_mm: distance in depth over which the field changes.
            sd_db: its standard deviation.
            stretch: how much longer that distance is laterally.
        """
        down = max(scale_mm / 2 / self.spacing_mm, 1.0)
        across = max(scale_mm * stretch / 2 / self.spacing_mm, 1.0)
        rows, columns = self.x_mm.shape
        size = (int(rows / down) + 5, int(columns / across) + 5)
        coarse = rng.standard_normal(size, dtype=np.float32)
        coarse = ndimage.gaussian_filter(coarse, 1.0, mode="wrap")
        coarse *= np.float32(sd_db / max(float(coarse.std()), 1e-9))
        by_row = _linear(coarse, 1 + np.arange(rows) / down)
        return np.ascontiguousarray(_linear(by_row.T, 1 + np.arange(columns) / across).T)

    def wave(self, rng: np.random.Generator, scale_mm: float, sd_mm: float) -> np.ndarray:
        """Return a smooth random curve over the columns, for layers that undulate.

        Args:
            rng: source of the curve.
            scale_mm: lateral distance over which it changes.
            sd_mm: its standard deviation.
        """
        step = max(scale_mm / 2 / self.spacing_mm, 1.0)
        columns = self.x_mm.shape[1]
        coarse = ndimage.gaussian_filter1d(rng.standard_normal(int(columns / step) + 6), 1.0)
        coarse /= 0.5311  # what the filter leaves of white noise's SD
        knots = (np.arange(coarse.size) - 2) * step
        return (sd_mm * CubicSpline(knots, coarse)(np.arange(columns))).astype(np.float32)

    def _local(self, x: float, z: float, angle_deg: float) -> tuple[np.ndarray, np.ndarray]:
        """Return coordinates about (x, z) rotated by ``angle_deg``."""
        angle = np.deg2rad(angle_deg)
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        dx, dz = self.x_mm - np.float32(x), self.z_mm - np.float32(z)
        return dx * cos + dz * sin, dz * cos - dx * sin

    # --- drawing --------------------------------------------------------------------------------

    def occupancy(self, level: np.ndarray, soft_mm: float = 0.0) -> np.ndarray:
        """Return how much of each grid cell lies inside a level set, 0 to 1.

        Args:
            level: level set, shape (Nz, Nx).
            soft_mm: width of the transition; 0 gives one grid step (an anti-aliased edge).
        """
        width = max(soft_mm, self.spacing_mm)
        window = _surroundings(level < 1, int(width / self.spacing_mm) + 2)
        near = level[window]
        slope_z, slope_x = np.gradient(near, np.float32(self.spacing_mm))
        distance = (1.0 - near) / np.maximum(np.hypot(slope_z, slope_x), 1e-6)
        weight = np.zeros(level.shape, np.float32)
        weight[window] = np.clip(0.5 + distance / np.float32(width), 0, 1)
        return weight

    def fill(
        self,
        mask: np.ndarray,
        echo_db: np.ndarray | float | None = None,
        attenuation: np.ndarray | float | None = None,
    ) -> None:
        """Give a region its tissue.

        Args:
            mask: bool mask, or weights 0 to 1 (from ``occupancy``) for a soft edge.
            echo_db: new echogenicity; None keeps the old.
            attenuation: new dB/cm/MHz; None keeps the old.
        """
        weight = mask.astype(np.float32)
        if echo_db is not None:
            self.echogenicity_db += weight * (np.float32(echo_db) - self.echogenicity_db)
        if attenuation is not None:
            old = self.attenuation_db_per_cm_mhz
            old += weight * (np.float32(attenuation) - old)

    def interface(
        self,
        level_or_mask: np.ndarray,
        amplitude: np.ndarray | float,
        thickness_mm: float = 0.4,
        floor: float = 0.05,
    ) -> None:
        """Add a specular border: bright where the beam meets it at a right angle.

        Args:
            level_or_mask: level set (float) or bool mask of the region whose border mirrors.
            amplitude: amplitude at normal incidence against 0 dB speckle (8 is about +18 dB).
            thickness_mm: full width at half maximum of the drawn line.
            floor: part of the amplitude that remains where the beam grazes the border.
        """
        inside = level_or_mask
        if inside.dtype != bool:
            inside = self.occupancy(inside)
        sigma = max(thickness_mm / 2.355 / self.spacing_mm, 0.6)
        rows, columns = _surroundings(inside, int(4 * sigma) + 2)
        smooth = ndimage.gaussian_filter(inside[rows, columns].astype(np.float32), sigma)
        slope_z, slope_x = np.gradient(smooth)
        slope = np.hypot(slope_z, slope_x)
        beam_x, beam_z = self._beam(rows, columns)
        cosine = np.abs(slope_x * beam_x + slope_z * beam_z) / np.maximum(slope, 1e-9)
        line = slope * np.float32(sigma * np.sqrt(2 * np.pi)) * (floor + (1 - floor) * cosine**2)
        scale = amplitude[rows, columns] if isinstance(amplitude, np.ndarray) else amplitude
        self.specular[rows, columns] = np.maximum(self.specular[rows, columns], line * scale)

    def mark(self, structure: str, level: np.ndarray) -> None:
        """Remember where a lesion was drawn; the tissue stays as it is.

        Args:
            structure: what it is, a value of the lexicon's ``structure``.
            level: its level set.
        """
        place = place_of(structure, level, self.x_mm, self.z_mm, self.spacing_mm)
        if place is not None:
            self.places.append(place)

    def _beam(self, rows: slice, columns: slice) -> tuple[np.ndarray | float, np.ndarray | float]:
        """Return the unit direction of the beam through each point of a window."""
        if self.radius_mm is None:
            return 0.0, 1.0
        x = self.x_mm[rows, columns]
        z = self.z_mm[rows, columns] + self.radius_mm
        length = np.maximum(np.hypot(x, z), 1e-6)
        return x / length, z / length


def _contour(
    rng: np.random.Generator, angles: np.ndarray, roughness: float, lobes: int, spicules: int
) -> np.ndarray:
    """Return the contour's relative radius at each angle, about 1 on average and periodic."""
    radius = np.ones_like(angles)
    if roughness > 0:
        orders = np.arange(2, 12)
        weights = rng.standard_normal((2, orders.size)) / orders**0.8
        waves = weights[0] @ np.cos(np.outer(orders, angles))
        waves += weights[1] @ np.sin(np.outer(orders, angles))
        radius += roughness * waves / max(float(waves.std()), 1e-9)
    if lobes > 0:
        phase = rng.uniform(-np.pi, np.pi)
        depth = rng.uniform(0.10, 0.16)
        radius += depth * (np.abs(np.cos(lobes / 2 * (angles - phase))) - 0.64) * 2
    for index in range(spicules):
        centre = -np.pi + 2 * np.pi * (index + rng.uniform(0.1, 0.9)) / spicules
        width = rng.uniform(0.05, 0.11)
        away = np.abs((angles - centre + np.pi) % (2 * np.pi) - np.pi)
        radius += rng.uniform(0.3, 0.8) * np.maximum(1 - away / (2 * width), 0) ** 1.5
    return np.maximum(radius, 0.3)


def _linear(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Interpolate along the first axis at fractional row positions."""
    lower = np.minimum(positions.astype(int), values.shape[0] - 2)
    part = (positions - lower).astype(np.float32)[:, None]
    first = values[lower]
    return first + part * (values[lower + 1] - first)


def _surroundings(inside: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Return the window that holds a region and its margin, clipped to the grid."""
    rows = np.flatnonzero(inside.any(axis=1))
    columns = np.flatnonzero(inside.any(axis=0))
    if rows.size == 0:
        return slice(0, 2), slice(0, 2)
    return (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1),
    )
