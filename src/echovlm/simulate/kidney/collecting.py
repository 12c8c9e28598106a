"""The dilated collecting system: a tree of pelvis, major calyces and minor calyces.

Positions are relative to the renal sinus: ``u`` along the kidney (-1 upper, +1 lower end of the
sinus), ``v`` across it (-1 near, +1 far side). The tree is a smooth union of tapered tubes, so the
branches stay connected as they do in a kidney.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MINOR = (  # (major calyx, u, v) of each minor calyx
    (0, -0.62, -0.72), (0, -0.96, -0.2), (0, -0.78, 0.58),
    (1, 0.02, -0.9), (1, -0.3, -0.86),
    (2, 0.6, -0.74), (2, 0.97, -0.12), (2, 0.74, 0.6),
)  # fmt: skip


@dataclass(frozen=True)
class Tube:
    """A tapered tube between two points, in mm of the kidney's own axes."""

    start: tuple[float, float]
    end: tuple[float, float]
    start_radius_mm: float
    end_radius_mm: float


def tubes(
    grade: int, pelvis_mm: float, half_u_mm: float, half_v_mm: float, rng: np.random.Generator
) -> list[Tube]:
    """Return the fluid-filled tree of an SFU grade.

    Args:
        grade: 1 pelvis, 2 pelvis and major calyces, 3 and 4 minor calyces as well.
        pelvis_mm: extent of the pelvis across the kidney.
        half_u_mm: half length of the renal sinus.
        half_v_mm: half width of the renal sinus.
        rng: source of the branching.
    """

    def at(u: float, v: float, jitter: float = 0.05) -> tuple[float, float]:
        du, dv = rng.uniform(-jitter, jitter, 2)
        return float((u + du) * half_u_mm), float((v + dv) * half_v_mm)

    mirrored = 1.0 if rng.uniform() < 0.5 else -1.0
    radius = min(pelvis_mm / 2, (0.6 if grade == 3 else 0.72) * half_v_mm)
    centre = at(0.02, 0.25)
    reach = 0.3 if grade == 1 else 0.2
    flank = (centre[0] - reach * half_u_mm, centre[1] - 0.05 * half_v_mm)
    other = (centre[0] + reach * half_u_mm, centre[1] + 0.05 * half_v_mm)
    tree = [
        Tube(flank, centre, 0.6 * radius, radius),
        Tube(centre, other, radius, 0.6 * radius),
        Tube(centre, at(0.25, 1.15), 0.7 * radius, 0.3 * radius),
    ]
    if grade == 1:
        return tree
    far = 0.8 if grade == 2 else 0.6
    ends = [at(-far, -0.2, 0.1), at(0.0, -0.65 if grade == 2 else -0.42), at(far, -0.18, 0.1)]
    neck = {2: 0.38, 3: 0.36, 4: 0.5}[grade] * radius
    cup = {2: 0.62, 3: 0.5, 4: 0.6}[grade] * radius
    tree += [Tube(centre, end, neck, cup) for end in ends]
    if grade == 2:
        return tree
    club = (0.62 if grade == 3 else 0.66) * radius
    for major, u, v in _MINOR:
        start = ends[major if mirrored > 0 else 2 - major]
        end = at(mirrored * u, v, 0.1)
        tree.append(Tube(start, end, 0.3 * radius, club * float(rng.uniform(0.85, 1.15))))
    return tree


def distance_mm(
    tree: list[Tube], u_mm: np.ndarray, v_mm: np.ndarray, blend_mm: float = 1.6
) -> np.ndarray:
    """Return the signed distance to the tree's wall, negative in the fluid (smooth union)."""
    total = np.zeros_like(u_mm)
    for tube in tree:
        length_u, length_v = tube.end[0] - tube.start[0], tube.end[1] - tube.start[1]
        square = max(length_u**2 + length_v**2, 1e-6)
        part = ((u_mm - tube.start[0]) * length_u + (v_mm - tube.start[1]) * length_v) / square
        part = np.clip(part, 0, 1)
        away = np.hypot(
            u_mm - tube.start[0] - part * length_u, v_mm - tube.start[1] - part * length_v
        )
        radius = tube.start_radius_mm + part * (tube.end_radius_mm - tube.start_radius_mm)
        total += np.exp(-np.clip((away - radius) / blend_mm, -30, 30))
    return (-blend_mm * np.log(np.maximum(total, 1e-12))).astype(np.float32)
