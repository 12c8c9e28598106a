"""How the tissue of the heart moves: where each point was at end-diastole.

Coordinates are the heart's own ``(u, v)`` in mm (``shape.py``). Along the long axis the ventricle
shortens evenly between its apex, which stays, and its ring, and the atria stretch between the ring
and their back wall, which stays. Across it, cavity, wall and right ventricle each scale by their
own width, so that a point of the inner border remains a point of the inner border.
"""

from __future__ import annotations

import numpy as np

from echovlm.simulate.heart.shape import HeartShape

_BESIDE_MM = 25.0  # how far beside the heart the lung and liver are pulled along
_ABOVE_MM = 8.0  # how far above the apex
_BEHIND_MM = 15.0  # how far behind the ring the atrial walls narrow with it


def origin(
    u: np.ndarray, v: np.ndarray, shape: HeartShape, resting: HeartShape
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the tissue found at (u, v) was at end-diastole.

    Args:
        u: position across, mm.
        v: position along, mm.
        shape: the heart now.
        resting: the heart at end-diastole.
    """
    away = np.abs(u)
    part = np.clip(v / shape.length, 0, 1)
    inner, inner_rest = shape.side(part), resting.side(part)
    outer, outer_rest = inner + shape.wall, inner_rest + resting.wall
    room = np.where(u < 0, shape.right_width, 0.0)
    room_rest = np.where(u < 0, resting.right_width, 0.0)
    edge = outer + room
    cavity = away * inner_rest / np.maximum(inner, 1e-3)
    wall = inner_rest + (away - inner) * (resting.wall / shape.wall)
    right = outer_rest + (away - outer) * (resting.right_width / shape.right_width)
    beyond = away + (outer_rest + room_rest - edge)
    before = np.select([away <= inner, away <= outer, away <= edge], [cavity, wall, right], beyond)
    beside = _fading(away - edge, _BESIDE_MM)
    across = _fading(-v, _ABOVE_MM) * _fading(v - shape.length, _BEHIND_MM) * beside
    along = _along(v, shape, resting)
    return u + np.sign(u) * (before - away) * across, v + (along - v) * beside


def _along(v: np.ndarray, shape: HeartShape, resting: HeartShape) -> np.ndarray:
    """Return the position along the axis at end-diastole of a point inside the heart."""
    back = resting.resting_length + max(resting.left_atrium[1], resting.right_atrium[1])
    places = np.array([-1.0, 0.0, shape.length, back, back + 1.0])
    before = np.array([-1.0, 0.0, resting.length, back, back + 1.0])
    return v + np.interp(v, places, before - places)


def _fading(distance_mm: np.ndarray, scale_mm: float) -> np.ndarray:
    """Return 1 where a distance is not positive, falling smoothly to 0 over the scale."""
    return np.exp(-((np.maximum(distance_mm, 0) / scale_mm) ** 2))


def coarse_origin(
    u: np.ndarray, v: np.ndarray, shape: HeartShape, resting: HeartShape
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``origin`` for stills, where only the texture of the wall must suit its shape.

    It scales the ventricle as a whole. Stills keep it because a shipped network was trained on
    them.
    """
    near = np.exp(-((np.maximum(v - shape.length, 0) / 18) ** 2))
    before_v = v + near * v * np.float32(resting.length / shape.length - 1)
    outer = shape.radius + shape.wall
    narrow = (resting.radius + resting.wall) / outer - 1
    flank = near * np.exp(-((np.maximum(np.abs(u) - outer, 0) / 25) ** 2))
    before_u = u + flank * u * np.float32(narrow)
    return before_u, before_v
