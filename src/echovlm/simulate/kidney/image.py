"""The picture of a simulated kidney: a longitudinal scan through liver or spleen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.simulate.bmode import BModeImage, Scan, scan_image
from echovlm.simulate.kidney import collecting
from echovlm.simulate.kidney.features import KidneyFeatures
from echovlm.simulate.phantom import ANECHOIC_DB, FLUID_ATTENUATION, Phantom
from echovlm.terms import Transducer

_ATTENUATION = 0.5  # dB/cm/MHz of the abdomen as a whole
_CORTEX_DB = -4.5
_VISIBLE_DB = 54.0  # least sum of gain and dynamic range that keeps dark tissue above black
_POLE_ANGLE = {"upper pole": np.pi, "lower pole": 0.0}
_SHIFT_MM = {"upper pole": (2.0, 12.0), "lower pole": (-10.0, 0.0)}
_SITE_U = {"upper pole": -0.78, "middle third": 0.0, "lower pole": 0.78}


@dataclass(frozen=True)
class _Kidney:
    """Place, size and own axes of the kidney: ``u`` along it, ``v`` across it (mm)."""

    x: float
    z: float
    half_u: float
    half_v: float
    angle_deg: float
    sinus_u: float
    sinus_v: float
    u: np.ndarray
    v: np.ndarray

    def place(self, u: float, v: float) -> tuple[float, float]:
        """Return (x, z) in the phantom of a point in the kidney's axes."""
        angle = np.deg2rad(self.angle_deg)
        x = self.x + u * np.cos(angle) - v * np.sin(angle)
        return float(x), float(self.z + u * np.sin(angle) + v * np.cos(angle))


def draw(features: KidneyFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan the kidney once; another call gives another view of the same patient."""
    gain_db = float(rng.uniform(-8, 8))
    depth_mm = float(rng.uniform(112, 142))
    scan = Scan(
        Transducer.CURVILINEAR,
        frequency_mhz=float(rng.uniform(2.8, 4.5)),
        depth_mm=depth_mm,
        sector_deg=float(rng.uniform(62, 74)),
        radius_mm=float(rng.uniform(48, 60)),
        focus_mm=depth_mm * float(rng.uniform(0.45, 0.7)),
        gain_db=gain_db,
        dynamic_range_db=max(float(rng.uniform(45, 70)), _VISIBLE_DB - gain_db),
        tgc_db_per_cm_mhz=_ATTENUATION + float(rng.uniform(-0.05, 0.04)),
        noise_db=float(rng.uniform(-38, -24)),
    )
    phantom = scan.blank_phantom(0.6, attenuation=_ATTENUATION)
    kidney = _place_kidney(phantom, features, scan, rng)
    _draw_abdomen(phantom, kidney, rng)
    outline = _draw_kidney(phantom, features, kidney, rng)
    if features.sfu_grade:
        _draw_dilatation(phantom, features, kidney, outline, rng)
    for index in range(features.stone_count):
        _draw_stone(phantom, features, kidney, scan, index, rng)
    for index in range(features.cyst_count):
        _draw_cyst(phantom, features, kidney, index, rng)
    _draw_obstacles(phantom, kidney, scan, rng)
    return scan_image(phantom, scan, rng)


def _place_kidney(
    phantom: Phantom, features: KidneyFeatures, scan: Scan, rng: np.random.Generator
) -> _Kidney:
    """Choose the place; the upper pole, on the left, mostly lies deeper."""
    half_u = features.kidney_length_mm / 2
    half_v = half_u * float(rng.uniform(0.43, 0.5))
    if features.sfu_grade >= 3:
        half_v *= 1.15
    angle = float(rng.uniform(-16, 6))
    x = float(rng.uniform(*_SHIFT_MM.get(features.site, (-7.0, 9.0))))
    top = float(rng.uniform(40, 46) if features.exophytic else rng.uniform(28, 36))
    z = top + half_v + 0.35 * half_u * abs(np.sin(np.deg2rad(angle)))
    z = min(z, scan.depth_mm - half_v - 14)
    turn = np.deg2rad(angle)
    dx, dz = phantom.x_mm - np.float32(x), phantom.z_mm - np.float32(z)
    u = (dx * np.cos(turn) + dz * np.sin(turn)).astype(np.float32)
    v = (dz * np.cos(turn) - dx * np.sin(turn)).astype(np.float32)
    # Both poles bend towards the far side, which makes the outline a bean.
    v = v - np.float32(rng.uniform(0.06, 0.16) * half_v) * ((u / half_u) ** 2 - 0.3)
    sinus_u = max(half_u - 1.35 * features.parenchyma_mm, 0.5 * half_u)
    sinus_v = max(half_v - features.parenchyma_mm, 0.34 * half_v)
    return _Kidney(x, z, half_u, half_v, angle, sinus_u, sinus_v, u, v)


# --- around the kidney ----------------------------------------------------------------------------


def _draw_abdomen(phantom: Phantom, kidney: _Kidney, rng: np.random.Generator) -> None:
    """Draw the abdominal wall, the organ in front of the kidney and the tissue behind it."""
    reach = phantom.range_mm
    behind = -5 + phantom.texture(rng, 4, 3.0, 3) + phantom.texture(rng, 14, 2.5, 2)
    phantom.fill(reach >= 0, behind)
    _draw_organ(phantom, kidney, rng)
    skin = float(rng.uniform(2, 3))
    wall = float(rng.uniform(13, 20))
    phantom.fill(reach < wall, -6 + phantom.texture(rng, 1.6, 3.5, 12))
    phantom.fill(reach < skin, 3.0)
    for depth in np.sort(rng.uniform(skin, wall, int(rng.integers(3, 6)))):
        _draw_line(phantom, reach, float(depth), 3.5, rng)
    _draw_line(phantom, reach, wall, 5.0, rng)
    psoas = kidney.z + kidney.half_v + rng.uniform(5, 9) + phantom.wave(rng, 50, 2.0)
    below = phantom.z_mm > psoas
    phantom.fill(below, -9 + phantom.texture(rng, 2.5, 3.0, 10) + phantom.texture(rng, 15, 3, 2))
    patchy = np.clip(phantom.texture(rng, 14, 1, 2) + 0.4, 0, 2)
    phantom.interface(below, np.float32(5) * patchy, 1.6)


def _draw_line(
    phantom: Phantom,
    reach: np.ndarray,
    depth_mm: float,
    amplitude: float,
    rng: np.random.Generator,
) -> None:
    """Draw a broken bright layer that follows the transducer's face."""
    wavy = depth_mm + phantom.wave(rng, 40, 0.6)
    patchy = np.clip(phantom.texture(rng, 10, 1.0, 3) + 0.5, 0, 1.8)
    phantom.interface(reach > wavy, np.float32(amplitude) * patchy, 1.2)


def _draw_organ(phantom: Phantom, kidney: _Kidney, rng: np.random.Generator) -> None:
    """Draw liver (vessels inside) or spleen (none) over the upper part of the kidney."""
    is_liver = bool(rng.uniform() < 0.6)
    right_end = kidney.x + kidney.half_u * float(rng.uniform(0.1, 0.9))
    semi_x = float(rng.uniform(70, 95)) if is_liver else float(rng.uniform(50, 65))
    organ = phantom.blob(
        rng, right_end - semi_x, kidney.z - kidney.half_v * rng.uniform(0.4, 0.8), semi_x,
        float(rng.uniform(34, 46)), float(rng.uniform(-4, 10)), roughness=0.025,
    )  # fmt: skip
    inside = phantom.occupancy(organ)
    phantom.fill(inside, rng.uniform(-1.5, 1.5) + phantom.texture(rng, 3, 0.8, 1.5))
    phantom.interface(organ, 5.0, 1.4)
    if not is_liver:
        return
    for _ in range(int(rng.integers(3, 7))):
        x = right_end - float(rng.uniform(12, 1.6 * semi_x))
        z = float(rng.uniform(24, kidney.z))
        long_mm, thick_mm = float(rng.uniform(2, 9)), float(rng.uniform(1.3, 2.6))
        vessel = phantom.ellipse(x, z, long_mm, thick_mm, float(rng.uniform(-50, 50)))
        within = phantom.occupancy(vessel) * (organ < 0.93)
        phantom.fill(within, -30)
        if rng.uniform() < 0.5:
            phantom.interface(within > 0.5, 5.0, 1.2, floor=0.3)


def _draw_obstacles(
    phantom: Phantom, kidney: _Kidney, scan: Scan, rng: np.random.Generator
) -> None:
    """Cast the shadow of a rib or of bowel gas over the flanks, never over the kidney's middle."""
    angle = np.arctan2(phantom.x_mm, phantom.z_mm + np.float32(scan.radius_mm))
    half = scan.half_angle_rad
    reach = phantom.range_mm
    if rng.uniform() < 0.35:
        side = -half * float(rng.uniform(0.86, 1.0))
        beam = np.exp(-(((angle - side) / 0.06) ** 2))
        phantom.fill((reach < 22) * beam * (reach > 14), attenuation=4.0)
    if rng.uniform() < 0.35:
        side = half * float(rng.uniform(0.88, 1.0))
        beam = np.exp(-(((angle - side) / 0.07) ** 2))
        gas = float(rng.uniform(24, 45))
        layer = (reach > gas) & (reach < gas + 6) & (angle > side - 0.08)
        phantom.fill(layer * beam, 8, 4.0)
        phantom.interface(layer, 6.0, 1.5)


# --- the kidney -----------------------------------------------------------------------------------


def _draw_kidney(
    phantom: Phantom, features: KidneyFeatures, kidney: _Kidney, rng: np.random.Generator
) -> np.ndarray:
    """Draw perirenal fat, cortex, pyramids and the bright sinus; return the outline."""
    angles = np.arctan2(kidney.v / kidney.half_v, kidney.u / kidney.half_u)
    uneven = 1 + sum(
        size * np.sin(order * angles + rng.uniform(0, 6))
        for order, size in ((2, 0.03), (3, 0.03), (5, 0.015), (8, 0.01))
    )
    outline = np.hypot(kidney.u / kidney.half_u, kidney.v / kidney.half_v) / uneven
    outline = outline.astype(np.float32)
    fat_mm = float(rng.uniform(2, 5))
    fat = phantom.occupancy(outline / np.float32(1 + fat_mm / kidney.half_v), 2.0)
    phantom.specular *= 1 - fat
    phantom.fill(fat, 3.5 + phantom.texture(rng, 3, 2.0, 2))
    cortex = phantom.occupancy(outline, 1.0)
    phantom.specular *= 1 - cortex
    phantom.fill(cortex, _CORTEX_DB + rng.uniform(-1.5, 1) + phantom.texture(rng, 2.5, 1.0, 1.5))
    patchy = np.clip(phantom.texture(rng, 12, 0.6, 1.5) + 0.7, 0, 1.5)
    phantom.interface(outline, float(rng.uniform(3, 6)) * patchy, 1.2)
    if features.pyramids_distinct:
        _draw_pyramids(phantom, kidney, outline, rng)
    _draw_sinus(phantom, features, kidney, rng)
    return outline


def _draw_pyramids(
    phantom: Phantom, kidney: _Kidney, outline: np.ndarray, rng: np.random.Generator
) -> None:
    """Draw dark blunt triangles between cortex and sinus, bases outwards."""
    angles = np.arctan2(kidney.v / kidney.half_v, kidney.u / kidney.half_u)
    sinus = np.hypot(kidney.u / kidney.sinus_u, kidney.v / kidney.sinus_v)
    # 0 at the sinus, 1 at the capsule
    depth = np.clip((sinus - 1) / np.maximum(sinus - outline, 1e-3), -1, 2)
    count = int(rng.integers(8, 11))
    turn = angles * np.float32(count / (2 * np.pi)) + float(rng.uniform(0, 1))
    turn += 0.12 * np.sin(2 * angles + float(rng.uniform(0, 6)))
    away = np.abs(turn - np.rint(turn)) * 2  # 0 at the middle of a pyramid, 1 between two
    half = 0.28 + 0.5 * np.clip(depth, 0, 1)
    inside = np.clip((half - away) / 0.12 + 0.5, 0, 1)
    inside *= np.clip((depth - 0.02) / 0.12, 0, 1) * np.clip((0.72 - depth) / 0.08, 0, 1)
    hilum = (np.abs(angles - np.pi / 2) < 0.5) & (depth > -1)
    drop = float(rng.uniform(8, 11))
    phantom.echogenicity_db -= (drop * inside * ~hilum).astype(np.float32)


def _draw_sinus(
    phantom: Phantom, features: KidneyFeatures, kidney: _Kidney, rng: np.random.Generator
) -> None:
    """Draw the central echo complex, ragged and with a way out at the hilum."""
    angles = np.arctan2(kidney.v / kidney.sinus_v, kidney.u / kidney.sinus_u)
    lobes = 0.12 * np.sin(7 * angles + rng.uniform(0, 6)) + 0.1 * np.sin(
        3 * angles + rng.uniform(0, 6)
    )
    ragged = 1 + phantom.texture(rng, 5, 0.14, 1.5) + lobes
    level = np.hypot(kidney.u / kidney.sinus_u, kidney.v / kidney.sinus_v) / ragged
    hilum = float(rng.uniform(0.0, 1.6))
    # The sinus opens at the hilum: its far border sinks into the parenchyma there.
    way = np.exp(-(((kidney.u - 0.12 * kidney.half_u) / (0.22 * kidney.half_u)) ** 2))
    deep = np.clip(kidney.v / kidney.half_v, 0, 1)
    level = (level / (1 + hilum * way * deep)).astype(np.float32)
    inside = phantom.occupancy(level, 3.0)
    bright = 2.0 if features.sfu_grade == 4 else float(rng.uniform(6, 9))
    patches = phantom.texture(rng, 4, 3.0, 2.0)
    phantom.fill(inside, bright + patches)
    strands = phantom.texture(rng, 5, 1.0, 2.5)
    weight = np.clip(phantom.texture(rng, 8, 1) + 0.3, 0, 1.5) * inside
    phantom.interface(strands > 0, np.float32(3.5) * weight, 1.0, floor=0.2)


def _draw_dilatation(
    phantom: Phantom,
    features: KidneyFeatures,
    kidney: _Kidney,
    outline: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Draw the fluid-filled collecting system of the SFU grade."""
    tree = collecting.tubes(
        features.sfu_grade, features.pelvis_mm, kidney.sinus_u, kidney.sinus_v, rng
    )
    distance = collecting.distance_mm(tree, kidney.u, kidney.v)
    distance += phantom.texture(rng, 6, 0.35)
    level = (1 + distance / 10).astype(np.float32)
    if features.sfu_grade >= 3:
        level = np.maximum(level, outline * np.float32(1 + features.parenchyma_mm / kidney.half_v))
    inside = phantom.occupancy(level, 0.8)
    phantom.specular *= 1 - inside
    phantom.fill(inside, ANECHOIC_DB, FLUID_ATTENUATION)
    phantom.interface(level, float(rng.uniform(4, 7)), 1.0)


def _draw_stone(
    phantom: Phantom,
    features: KidneyFeatures,
    kidney: _Kidney,
    scan: Scan,
    index: int,
    rng: np.random.Generator,
) -> None:
    """Draw a bright stone in the sinus and its shadow; the first is the larger one."""
    site, size = _site_and_size(features, index, rng)
    u = _SITE_U[site] * kidney.sinus_u + float(rng.uniform(-3, 3))
    v = float(rng.uniform(-0.35, 0.35)) * kidney.sinus_v
    x, z = kidney.place(u, v)
    thick = size * float(rng.uniform(0.45, 0.65))
    stone = phantom.blob(rng, x, z, size / 2, thick / 2, roughness=0.06)
    phantom.mark("stone", stone)
    inside = phantom.occupancy(stone, 0.8)
    loss = float(rng.uniform(32, 44)) / (2 * scan.frequency_mhz * thick / 10)
    phantom.fill(inside, 12, loss)
    top = (stone < 1) & (phantom.z_mm < z + 0.25 * thick)
    phantom.interface(top, float(rng.uniform(14, 20)), 1.4, floor=0.2)


def _draw_cyst(
    phantom: Phantom,
    features: KidneyFeatures,
    kidney: _Kidney,
    index: int,
    rng: np.random.Generator,
) -> None:
    """Draw a round cyst in the parenchyma or bulging from it; the first is the larger one."""
    site, size = _site_and_size(features, index, rng)
    radius = size / 2
    if site == "middle third":
        angle = -np.pi / 2 + float(rng.uniform(-0.3, 0.3))
    else:
        near_or_far = 1 if rng.uniform() < 0.5 else -1
        angle = _POLE_ANGLE[site] + near_or_far * float(rng.uniform(0.45, 0.85))
    normal_u, normal_v = np.cos(angle) / kidney.half_u, np.sin(angle) / kidney.half_v
    length = float(np.hypot(normal_u, normal_v))
    shift = 0.3 * radius if features.exophytic else -(radius + 2.0)
    u = kidney.half_u * np.cos(angle) + shift * normal_u / length
    v = kidney.half_v * np.sin(angle) + shift * normal_v / length
    x, z = kidney.place(float(u), float(v))
    cyst = phantom.blob(rng, x, z, radius, radius * float(rng.uniform(0.9, 1.0)), roughness=0.015)
    phantom.mark("lesion", cyst)
    inside = phantom.occupancy(cyst, 0.7)
    phantom.specular *= 1 - inside
    phantom.fill(inside, ANECHOIC_DB, FLUID_ATTENUATION)
    phantom.interface(cyst, float(rng.uniform(5, 8)), 1.0)


def _site_and_size(
    features: KidneyFeatures, index: int, rng: np.random.Generator
) -> tuple[str, float]:
    """Return site and diameter (mm) of a lesion; the second lies elsewhere and is smaller."""
    if index == 0:
        return features.site, features.lesion_mm
    others = [site for site in _SITE_U if site != features.site]
    return str(rng.choice(others)), features.lesion_mm * float(rng.uniform(0.55, 0.7))
