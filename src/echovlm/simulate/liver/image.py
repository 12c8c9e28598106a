"""The picture of a simulated liver: abdominal wall, vessels, diaphragm, kidney and lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.simulate.bmode import BModeImage, Scan, scan_image
from echovlm.simulate.liver.features import LiverFeatures
from echovlm.simulate.phantom import ANECHOIC_DB, FLUID_ATTENUATION, Phantom
from echovlm.terms import Transducer

_ATTENUATION = (0.50, 0.62, 0.74, 0.88)
"""dB/cm/MHz by steatosis grade: design values of the simulator, not clinical cut-offs."""

_BRIGHTNESS_DB = (0.0, 3.0, 5.5, 8.0)
_VESSEL_WALL = (1.0, 0.8, 0.28, 0.0)
_VESSEL_LUMEN_DB = (ANECHOIC_DB, -30.0, -11.0, -1.5)
_DIAPHRAGM = (1.0, 0.8, 0.35, 0.0)


@dataclass(frozen=True)
class _Place:
    """Where the liver lies in this view (mm)."""

    wall: float
    centre_x: float
    centre_z: float
    semi_x: float
    semi_z: float
    side: int  # 1: kidney and hilum on the right of the image, -1: on the left
    kidney: tuple[float, float, float, float, float]  # x, z, semi_x, semi_z, tilt in degrees

    def clear_of(self, x: float, z: float, reach: float, kidney_shown: bool) -> bool:
        """Return True where a circle lies inside the diaphragm and off the kidney."""
        u = (x - self.centre_x) / (self.semi_x - reach)
        v = max(z - self.centre_z, 0) / (self.semi_z - reach)
        if np.hypot(u, v) > 1:
            return False
        if not kidney_shown:
            return True
        kidney_x, kidney_z, semi_x = self.kidney[:3]
        return float(np.hypot(x - kidney_x, (z - kidney_z) * 1.4)) > 0.8 * semi_x + reach


def draw(features: LiverFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan the liver once; another call gives another view of the same patient."""
    depth_mm = float(rng.uniform(125, 165))
    scan = Scan(
        Transducer.CURVILINEAR,
        frequency_mhz=float(rng.uniform(2.8, 4.2)),
        depth_mm=depth_mm,
        sector_deg=float(rng.uniform(58, 74)),
        radius_mm=float(rng.uniform(45, 62)),
        focus_mm=depth_mm * float(rng.uniform(0.4, 0.7)),
        gain_db=float(rng.uniform(-8, 8)),
        dynamic_range_db=float(rng.uniform(50, 70)),
        tgc_db_per_cm_mhz=_ATTENUATION[0] + float(rng.uniform(-0.03, 0.03)),
        noise_db=float(rng.uniform(-42, -28)),
    )
    phantom = scan.blank_phantom(0.5, attenuation=_ATTENUATION[features.grade])
    place = _place(scan, rng)
    _draw_parenchyma(phantom, features, place, rng)
    _draw_vessels(phantom, features, place, rng)
    if features.kidney_shown:
        _draw_kidney(phantom, features, place, rng)
    spots = _lesion_places(features, place, scan, rng)
    for x, z, size in spots:
        _draw_lesion(phantom, features, (x, z, size), scan, rng)
    _draw_beyond(phantom, features, place, rng)
    _draw_wall(phantom, place, rng)
    flanks = [side for side in (-1, 1) if all(side * x < 0.1 * size for x, _, size in spots)]
    if features.kidney_shown:
        flanks = [side for side in flanks if side != place.side]
    if flanks and rng.uniform() < 0.4:
        _draw_rib(phantom, scan, place, int(rng.choice(flanks)), rng)
    return scan_image(phantom, scan, rng)


def _place(scan: Scan, rng: np.random.Generator) -> _Place:
    """Choose where the diaphragm runs (an arc below, shifted to one side) and the kidney lies."""
    side = 1 if rng.uniform() < 0.75 else -1
    semi_x = scan.depth_mm * float(rng.uniform(0.62, 0.78))
    semi_z = scan.depth_mm * float(rng.uniform(0.62, 0.74))
    bottom = scan.depth_mm * float(rng.uniform(0.84, 0.93))
    wall = float(rng.uniform(9, 20))
    kidney = (
        side * float(rng.uniform(48, 62)),
        wall + float(rng.uniform(62, 78)),
        float(rng.uniform(42, 50)),
        float(rng.uniform(19, 24)),
        -side * float(rng.uniform(10, 30)),
    )
    return _Place(
        wall=wall,
        centre_x=side * scan.depth_mm * float(rng.uniform(0.05, 0.25)),
        centre_z=bottom - semi_z,
        semi_x=semi_x,
        semi_z=semi_z,
        side=side,
        kidney=kidney,
    )


def _draw_parenchyma(
    phantom: Phantom, features: LiverFeatures, place: _Place, rng: np.random.Generator
) -> None:
    """Fill the image with liver of the grade's brightness."""
    phantom.echogenicity_db += _BRIGHTNESS_DB[features.grade]
    phantom.echogenicity_db += phantom.texture(rng, 3.0, 0.9, 1.4)
    phantom.echogenicity_db += phantom.texture(rng, 25.0, 0.8, 1.5)
    phantom.attenuation_db_per_cm_mhz += phantom.texture(rng, 14, 0.03, 0.6)


def _draw_vessels(
    phantom: Phantom, features: LiverFeatures, place: _Place, rng: np.random.Generator
) -> None:
    """Draw portal branches (bright walls) and hepatic veins (bare walls)."""
    side = place.side
    veins = []
    hilum = np.array([side * rng.uniform(10, 45), place.wall + rng.uniform(30, 65)])
    heading = np.pi / 2 * (1 + side) + rng.uniform(-0.5, 0.5)
    trunk, radii = _course(hilum, heading, rng.uniform(45, 80), rng.uniform(3.2, 5.0), rng)
    portal = [(trunk, radii)]
    for joint in rng.choice(np.arange(1, 5), int(rng.integers(1, 4)), replace=False):
        turn = heading + rng.uniform(0.5, 1.1) * rng.choice([-1, 1])
        reach, radius = rng.uniform(18, 40), 0.75 * float(radii[joint])
        portal.append(_course(trunk[joint], turn, reach, radius, rng))
    drain_z = place.centre_z + rng.uniform(0.65, 0.85) * place.semi_z
    drain = np.array([place.centre_x + side * rng.uniform(-15, 30), drain_z])
    for _ in range(int(rng.integers(1, 4))):
        heading = -np.pi / 2 - side * rng.uniform(-0.3, 1.2)
        veins.append(_course(drain, heading, rng.uniform(35, 75), rng.uniform(2.4, 4.2), rng))
    for _ in range(int(rng.integers(3, 8))):
        start = np.array([rng.uniform(-0.6, 0.6) * place.semi_x, place.wall + rng.uniform(12, 75)])
        branches = portal if rng.uniform() < 0.55 else veins
        radius = rng.uniform(1.2, 2.4)
        branches.append(_course(start, rng.uniform(0, 2 * np.pi), rng.uniform(2, 14), radius, rng))
    _draw_vessel(phantom, veins, features, 0.12, rng)
    _draw_vessel(phantom, portal, features, 1.0, rng)


def _course(
    start: np.ndarray, heading: float, reach: float, radius: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre line and radii of a vessel that bends and tapers."""
    steps = 6
    bend = rng.uniform(-0.6, 0.6)
    headings = heading + bend * np.linspace(0, 1, steps) + rng.normal(0, 0.06, steps)
    moves = np.stack([np.cos(headings), np.sin(headings)], axis=1) * reach / steps
    points = start + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    return points, radius * np.linspace(1, 0.35, steps + 1)


def _draw_vessel(
    phantom: Phantom,
    branches: list[tuple[np.ndarray, np.ndarray]],
    features: LiverFeatures,
    wall: float,
    rng: np.random.Generator,
) -> None:
    """Draw a vessel tree; steatosis blurs its wall and fills its lumen."""
    level = phantom.tubes(branches)
    inside = phantom.occupancy(level, soft_mm=1.0)
    lumen = _VESSEL_LUMEN_DB[features.grade]
    if lumen <= -20:
        phantom.fill(inside, lumen, 0.1)
    else:
        phantom.echogenicity_db += inside * np.float32(lumen)
    strength = wall * _VESSEL_WALL[features.grade] * float(rng.uniform(5.0, 9.0))
    if strength > 0:
        patchy = np.clip(phantom.texture(rng, 8, 0.4) + 1.0, 0.3, 1.8)
        phantom.interface(level, np.float32(strength) * patchy, 1.1, floor=0.4)


def _draw_kidney(
    phantom: Phantom, features: LiverFeatures, place: _Place, rng: np.random.Generator
) -> None:
    """Draw the right kidney: its cortex is the reference for the liver's brightness."""
    x, z, semi_x, semi_z, tilt = place.kidney
    outline = phantom.ellipse(x, z, semi_x, semi_z, tilt)
    fat = phantom.ellipse(x, z + 1, semi_x + 4, semi_z + 3.5, tilt)
    phantom.fill(phantom.occupancy(fat, 1.5), 5.0)
    phantom.specular *= fat >= 1
    cortex = -1.5 + phantom.texture(rng, 4, 0.8)
    phantom.fill(phantom.occupancy(outline, 1.0), cortex, 0.5)
    for angle in np.deg2rad(np.arange(0, 360, 45) + rng.uniform(0, 45)):
        dx, dz = 0.62 * semi_x * np.cos(angle), 0.62 * semi_z * np.sin(angle)
        turn = np.deg2rad(tilt)
        px = x + dx * np.cos(turn) - dz * np.sin(turn)
        pz = z + dx * np.sin(turn) + dz * np.cos(turn)
        pyramid = phantom.ellipse(px, pz, 4.5, 3.2, float(np.rad2deg(angle)) + tilt)
        phantom.fill(phantom.occupancy(pyramid, 1.5), -7.0)
    sinus = phantom.blob(rng, x, z, 0.55 * semi_x, 0.36 * semi_z, tilt, roughness=0.12)
    phantom.fill(phantom.occupancy(sinus, 3.0), 9.0 + phantom.texture(rng, 3, 2.5))
    phantom.interface(outline, 6.0, 1.4)


def _lesion_places(
    features: LiverFeatures, place: _Place, scan: Scan, rng: np.random.Generator
) -> list[tuple[float, float, float]]:
    """Choose (x, z, long diameter) in mm of each lesion, inside the liver and the sector."""
    spots: list[tuple[float, float, float]] = []
    size = features.lesion_long_mm
    for _ in range(features.lesion_count):
        spots.append(_free_spot(features, size, spots, place, scan, rng))
        size = features.lesion_long_mm * float(rng.uniform(0.55, 0.8))
    return spots


def _free_spot(
    features: LiverFeatures,
    size: float,
    taken: list[tuple[float, float, float]],
    place: _Place,
    scan: Scan,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """Draw positions at the lesion's site until one is free; keep the last after many tries."""
    top = place.wall + size / 2 + 4
    bottom = place.centre_z + place.semi_z * 0.96 - size / 2 - 3
    share = {"superficial": (0.0, 0.14), "central": (0.36, 0.56), "deep": (0.78, 1.0)}
    for _ in range(80):
        z = top + (bottom - top) * float(rng.uniform(*share[features.site]))
        half = (z - size / 2 + scan.radius_mm) * float(np.tan(scan.half_angle_rad)) - size / 2 - 4
        x = float(rng.uniform(-1, 1)) * max(half, 1.0)
        apart = all(
            np.hypot(x - other_x, z - other_z) > (size + other) / 2 + 4
            for other_x, other_z, other in taken
        )
        if apart and place.clear_of(x, z, size / 2 + 3, features.kidney_shown):
            break
    return x, z, size


def _draw_lesion(
    phantom: Phantom,
    features: LiverFeatures,
    spot: tuple[float, float, float],
    scan: Scan,
    rng: np.random.Generator,
) -> None:
    """Draw a cyst (thin wall, enhancement) or a haemangioma (even, bright)."""
    x, z, size = spot
    semi_x, semi_z = size / 2, size / 2 * features.lesion_ratio
    tilt = float(rng.uniform(-25, 25))
    lobes = int(rng.integers(5, 8)) if features.shape == "lobulated" else 0
    level = phantom.blob(rng, x, z, semi_x, semi_z, tilt, roughness=0.02, lobes=lobes)
    phantom.mark("lesion", level)
    inside = phantom.occupancy(level, 1.0)
    phantom.specular *= 1 - inside
    if features.echo_pattern == "anechoic":
        gained_db = float(rng.uniform(7, 11))
        loss = _ATTENUATION[0] - gained_db / (2 * scan.frequency_mhz * 2 * semi_z / 10)
        phantom.fill(inside, ANECHOIC_DB, max(loss, FLUID_ATTENUATION))
        phantom.interface(level, float(rng.uniform(4, 7)), 1.2)
        return
    phantom.fill(inside, float(rng.uniform(8, 11)) + phantom.texture(rng, 3, 1.0))


def _draw_beyond(
    phantom: Phantom, features: LiverFeatures, place: _Place, rng: np.random.Generator
) -> None:
    """Draw the diaphragm and what lies beyond it: lung with a weak mirror image."""
    uneven = float(rng.uniform(0.01, 0.03))
    level = phantom.blob(
        rng, place.centre_x, place.centre_z, place.semi_x, place.semi_z, roughness=uneven
    )
    beyond = (level > 1) & (phantom.z_mm > place.centre_z)
    weight = phantom.occupancy(level, 2.0)
    keep = np.where(phantom.z_mm > place.centre_z, weight, 1)
    phantom.specular *= keep
    hidden = _DIAPHRAGM[features.grade]
    mirror = _BRIGHTNESS_DB[features.grade] - 8.0 * hidden + phantom.texture(rng, 8, 2.5, 2.0)
    phantom.fill(1 - keep, mirror)
    strength = _DIAPHRAGM[features.grade] * float(rng.uniform(14, 26))
    if strength > 0:
        patchy = np.clip(phantom.texture(rng, 16, 0.5) + 1.0, 0.15, 2.0)
        thick = float(rng.uniform(1.5, 2.8))
        phantom.interface(beyond, np.float32(strength) * patchy, thick, floor=0.1)


def _draw_wall(phantom: Phantom, place: _Place, rng: np.random.Generator) -> None:
    """Draw skin, fat and muscle as layers that follow the transducer's face."""
    top = phantom.rows_above(place.wall + 6)
    reach = top.range_mm + top.texture(rng, 30, 0.5, 1.5)
    top.fill(reach < place.wall, -5 + top.texture(rng, 1.2, 3.0, 12), 0.6)
    top.specular *= reach >= place.wall
    inner = np.sort(rng.uniform(0.15, 0.9, int(rng.integers(2, 5)))) * place.wall
    for depth in (0.6, *inner, place.wall):
        line = np.exp(-(((reach - np.float32(depth)) / np.float32(0.7)) ** 2))
        patchy = np.clip(top.texture(rng, 3, 0.4, 6) + 0.9, 0.1, 2)
        np.maximum(top.specular, float(rng.uniform(2.5, 7)) * line * patchy, out=top.specular)


def _draw_rib(
    phantom: Phantom, scan: Scan, place: _Place, flank: int, rng: np.random.Generator
) -> None:
    """Let a rib at one flank of the sector throw its shadow."""
    angle = flank * scan.half_angle_rad * float(rng.uniform(0.82, 1.0))
    reach = scan.radius_mm + 0.75 * place.wall
    x, z = reach * np.sin(angle), reach * np.cos(angle) - scan.radius_mm
    rib = phantom.ellipse(x, z, float(rng.uniform(4, 7)), 2.5, float(np.rad2deg(-angle)))
    phantom.fill(phantom.occupancy(rib), -4, float(rng.uniform(4, 9)))
