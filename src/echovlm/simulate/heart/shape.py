"""The shape of the heart in the apical four-chamber view at any moment of the beat.

Coordinates are the heart's own, in mm: ``v`` runs from the inner apex of the left ventricle (0)
along its long axis towards the atria, ``u`` across, positive towards the lateral wall of the left
ventricle (the right of the image). The apex stays where it is; in systole the base moves to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

# Time in the beat, how far the ventricle has contracted (0 end-diastole, 1 end-systole), and how
# wide the mitral valve is open: ejection, early filling, rest, atrial kick.
_TIME = (0.0, 0.05, 0.20, 0.35, 0.41, 0.50, 0.60, 0.84, 0.93, 1.0)
_CONTRACTION = (0.0, 0.04, 0.68, 1.0, 0.98, 0.52, 0.24, 0.17, 0.03, 0.0)
_OPENING = (0.0, 0.0, 0.0, 0.0, 0.05, 1.0, 0.55, 0.40, 0.80, 0.0)

_PEAK = {False: 0.66, True: 0.55}  # where the ventricle is widest, as part of its length
_NARROWING = {False: 0.22, True: 0.34}  # by how much the ring is narrower than the widest place


def contraction(time: float) -> float:
    """Return the contraction, 0 to 1, at a time in the beat, 0 to 1."""
    return float(PchipInterpolator(_TIME, _CONTRACTION)(time))


def valve_opening(time: float) -> float:
    """Return how wide the mitral valve is open, 0 to 1, at a time in the beat, 0 to 1."""
    return float(PchipInterpolator(_TIME, _OPENING)(time))


def fill_factor(is_round: bool) -> float:
    """Return the ventricle's volume over that of a cylinder of its diameter and length."""
    peak, narrowing = _PEAK[is_round], _NARROWING[is_round]
    return peak * 2 / 3 + (1 - peak) * (1 - 2 * narrowing / 3 + narrowing**2 / 5)


def half_width(part: np.ndarray, is_round: bool) -> np.ndarray:
    """Return the half-width over its largest at parts of the length (0 apex, 1 ring)."""
    peak = _PEAK[is_round]
    dome = np.sqrt(np.clip(1 - (1 - part / peak) ** 2, 0, 1))
    base = 1 - _NARROWING[is_round] * ((part - peak) / (1 - peak)) ** 2
    return np.where(part < peak, dome, base)


def _moved(point: np.ndarray, u_mm: float, v_mm: float) -> np.ndarray:
    return point + np.array([u_mm, v_mm])


@dataclass(frozen=True)
class HeartShape:
    """Lengths of one heart at one moment, all in mm.

    Attributes:
        is_round: True for a spherical ventricle, False for a bullet.
        radius: half the ventricle's largest inner diameter.
        length: inner length of the ventricle, apex to mitral ring.
        resting_length: the same at end-diastole.
        wall: thickness of the ventricle's wall and septum.
        right_width: width of the right ventricle at its base.
        left_atrium: (half-width, length) of the left atrium at end-diastole.
        right_atrium: (half-width, length) of the right atrium at end-diastole.
        dent: depth of the dent in the right atrium's free wall.
    """

    is_round: bool
    radius: float
    length: float
    resting_length: float
    wall: float
    right_width: float
    left_atrium: tuple[float, float]
    right_atrium: tuple[float, float]
    dent: float

    def contracted(self, amount: float, ejection_fraction: float) -> HeartShape:
        """Return the shape after part of the ejection.

        Args:
            amount: 0 at end-diastole (this shape), 1 at end-systole.
            ejection_fraction: 0 to 1; the volume at ``amount`` 1 is ``1 - ejection_fraction`` of
                this shape's, because length times squared radius shrinks by just that.
        """
        shortest = 1 - 0.25 * ejection_fraction
        narrowest = np.sqrt((1 - ejection_fraction) / shortest)
        shorten = 1 - (1 - shortest) * amount
        radius = self.radius * (1 - (1 - float(narrowest)) * amount)
        # The wall keeps its volume: it thickens while the cavity narrows and shortens.
        muscle = (2 * self.radius * self.wall + self.wall**2) / shorten
        return HeartShape(
            is_round=self.is_round,
            radius=radius,
            length=self.length * shorten,
            resting_length=self.resting_length,
            wall=float(np.sqrt(radius**2 + muscle)) - radius,
            right_width=self.right_width * (1 - 0.35 * ejection_fraction * amount),
            left_atrium=self.left_atrium,
            right_atrium=self.right_atrium,
            dent=self.dent * (1 - 0.4 * amount),
        )

    # --- borders --------------------------------------------------------------------------------

    def side(self, parts: np.ndarray) -> np.ndarray:
        """Return the ventricle's half-width in mm at parts of its length."""
        return self.radius * half_width(parts, self.is_round)

    @property
    def ring(self) -> float:
        """Half-width of the mitral ring."""
        return float(self.side(np.array(1.0)))

    @property
    def tricuspid(self) -> np.ndarray:
        """Ends of the tricuspid ring: lateral, septal; the septal end lies nearer to the apex."""
        septal = -float(self.side(np.array(0.94))) - self.wall * 0.9
        outer = septal - self.right_width * 0.94
        return np.array([(outer, 0.9 * self.length), (septal, 0.94 * self.length)])

    def left_ventricle(self) -> np.ndarray:
        """Return the cavity's outline (N, 2)."""
        parts = np.array([0.0, 0.03, 0.09, 0.2, 0.35, 0.5, 0.66, 0.8, 0.92, 1.0])
        side, along = self.side(parts), parts * self.length
        right = np.stack([side, along], axis=1)
        left = np.stack([-side, along], axis=1)[1:]
        floor = np.array([(0.35, 1.015), (0.0, 1.02), (-0.35, 1.015)])
        return np.concatenate([right, floor * [self.ring, self.length], left[::-1]])

    def right_ventricle(self) -> np.ndarray:
        """Return the cavity's outline: a triangle with a rounded free wall, off the apex."""
        parts = np.array([0.28, 0.45, 0.62, 0.8])
        septal = np.stack([-self.side(parts) - self.wall, parts * self.length], axis=1)
        outer, inner = self.tricuspid
        tip = _moved(septal[0], -0.04 * self.right_width, -0.03 * self.length)
        free = [
            _moved(outer, 0.02 * self.right_width, -0.18 * self.length),
            _moved(outer, 0.15 * self.right_width, -0.36 * self.length),
            _moved(tip, -0.22 * self.right_width, 0.1 * self.length),
        ]
        middle = _moved((outer + inner) / 2, 0, 0.012 * self.length)
        return np.array([*septal, inner, middle, outer, *free, tip])

    @property
    def right_middle(self) -> np.ndarray:
        """A point of the right ventricle that sees all of its border."""
        return _moved(self.tricuspid[0], 0.34 * self.right_width, -0.1 * self.length)

    def left_atrium_outline(self) -> np.ndarray:
        """Return the outline from the mitral ring to the back wall, which hardly moves."""
        half, length = self.left_atrium
        top, back = self.length - 0.5, self.resting_length + length
        middle = 0.06 * half
        septal = -self.ring * 0.92
        return np.array(
            [
                (septal, top),
                (0.0, top + 0.5),
                (self.ring * 0.95, top),
                (middle + half * 0.98, top + 0.34 * (back - top)),
                (middle + half * 1.0, top + 0.62 * (back - top)),
                (middle + half * 0.78, back - 0.12 * (back - top)),
                (middle + half * 0.3, back),
                (middle - half * 0.35, back - 0.5),
                (-half * 0.80, back - 0.14 * (back - top)),
                (-half * 0.92, top + 0.5 * (back - top)),
                (-half * 0.9, top + 0.2 * (back - top)),
            ]
        )

    def right_atrium_outline(self) -> np.ndarray:
        """Return the outline from the tricuspid ring to the back wall."""
        half, length = self.right_atrium
        outer, inner = self.tricuspid
        top, back = max(outer[1], inner[1]) - 0.5, self.resting_length + length
        left = -self.left_atrium[0] * 0.94 - 2.6  # the atrial septum's right face
        left = min(left, inner[0] + 3.0)
        middle = left - half
        tall = back - top
        return np.array(
            [
                _moved(inner, -1.5, -0.5),
                _moved((outer + inner) / 2, 0, -0.5),
                _moved(outer, 1.5, -0.5),
                (middle - half * 1.02, top + 0.25 * tall),
                (middle - half * 1.0 + self.dent, top + 0.5 * tall),
                (middle - half * 0.8 + 0.3 * self.dent, top + 0.78 * tall),
                (middle - half * 0.3, back - 0.02 * tall),
                (middle + half * 0.35, back),
                (left - 0.06 * half, back - 0.18 * tall),
                (left, top + 0.5 * tall),
                (left + 0.5, top + 0.2 * tall),
            ]
        )

    def outside(self, gap: float) -> np.ndarray:
        """Return the outline around the whole heart.

        Args:
            gap: greatest room for fluid between heart and pericardium; it is widest beside the
                ventricles, narrower at the apex, and closes behind the atria where veins enter.
        """
        parts = np.array([0.06, 0.2, 0.4, 0.6, 0.8, 0.96])
        flank = np.stack([self.side(parts) + self.wall, parts * self.length], axis=1)
        flank[0] += (0, -0.35 * self.wall)
        half, back = self.left_atrium[0], self.resting_length + self.left_atrium[1]
        tall = back - self.length
        behind = [
            (max(half * 1.04, self.ring) + 3.5, self.length + 0.22 * tall),
            (half * 1.08 + 3, self.length + 0.6 * tall),
            (half * 0.8 + 2, back - 2),
            (half * 0.2, back + 3),
            (-half * 0.6, back + 3),
        ]
        atrium, ventricle = self.right_atrium_outline(), self.right_ventricle()
        shell = np.array([(0, 3), (-2, 3), (-3, 2), (-3, 0), (-3, 0)])
        free = ventricle[[6, 7, 8, 9]] + np.array([-4.5, -1.0])
        tip = _moved(ventricle[10], -3, -6)
        apex = [(-0.28 * self.radius, -0.75 * self.wall), (0.05 * self.radius, -0.8 * self.wall)]
        points = np.array([*flank, *behind, *(atrium[[7, 6, 5, 4, 3]] + shell), *free, tip, *apex])
        return points + gap * _ROOM[:, None] * _outward(points)


_ROOM = np.array(
    [
        *(0.85, 0.95, 1.0, 1.0, 1.0, 0.9),  # lateral wall, apex to base
        *(0.55, 0.15, 0.0, 0.0, 0.0),  # left atrium
        *(0.1, 0.4, 0.75, 0.9, 0.95),  # right atrium, back to ring
        *(0.9, 0.85, 0.8, 0.7),  # free wall of the right ventricle
        *(0.6, 0.6, 0.7),  # apex
    ]
)
"""Share of the fluid's depth at each point of the outline around the heart."""


def _outward(points: np.ndarray) -> np.ndarray:
    """Return unit normals of a closed outline that turns from the left heart over the base."""
    along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)
    return normal / np.maximum(np.hypot(normal[:, 0], normal[:, 1]), 1e-6)[:, None]
