"""The picture of a simulated thyroid lobe: a transverse scan of one side of the neck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from echovlm.simulate.bmode import BModeImage, Scan, scan_image
from echovlm.simulate.phantom import ANECHOIC_DB, FLUID_ATTENUATION, Phantom
from echovlm.simulate.thyroid.features import ThyroidFeatures
from echovlm.terms import Transducer

_ATTENUATION = 0.5  # dB/cm/MHz of the neck as a whole
_BLOOD_ATTENUATION = 0.15
_STRAP_DB = -10.0
_VISIBLE_DB = 54.0  # least sum of gain and dynamic range that keeps dark tissue above black
_NODULE_DB = {
    "isoechoic": (-1.5, 0.5),
    "hyperechoic": (4.5, 7.0),
    "hypoechoic": (-11.0, -9.0),
    "very hypoechoic": (-21.0, -18.0),
}


@dataclass(frozen=True)
class _Neck:
    """Where the parts of the neck lie (mm); ``medial`` is +1 where the trachea is on the right."""

    medial: int
    lobe_x: float
    lobe_z: float
    semi_x: float
    semi_z: float
    trachea_x: float
    trachea_z: float
    trachea_radius: float


def draw(features: ThyroidFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan the lobe once; another call gives another view of the same patient."""
    neck = _place_neck(features, rng)
    depth_mm = max(float(rng.uniform(32, 42)), neck.lobe_z + neck.semi_z + 4)
    gain_db = float(rng.uniform(-8, 8))
    scan = Scan(
        Transducer.LINEAR,
        frequency_mhz=float(rng.uniform(9, 13.5)),
        depth_mm=depth_mm,
        width_mm=2 * abs(neck.trachea_x) + float(rng.uniform(-3, 5)),
        focus_mm=depth_mm * float(rng.uniform(0.35, 0.65)),
        gain_db=gain_db,
        dynamic_range_db=max(float(rng.uniform(45, 70)), _VISIBLE_DB - gain_db),
        tgc_db_per_cm_mhz=_ATTENUATION + float(rng.uniform(-0.08, 0.06)),
        noise_db=float(rng.uniform(-42, -28)),
    )
    phantom = scan.blank_phantom(0.16, attenuation=_ATTENUATION)
    _draw_front(phantom, neck, rng)
    _draw_back(phantom, neck, rng)
    _draw_lobe(phantom, neck, rng)
    _draw_trachea(phantom, neck, rng)
    _draw_vessels(phantom, neck, features, scan, rng)
    for x, z, semi_x, semi_z in _nodules(features, neck, rng):
        _draw_nodule(phantom, features, (x, z, semi_x, semi_z), rng)
    return scan_image(phantom, scan, rng)


def _place_neck(features: ThyroidFeatures, rng: np.random.Generator) -> _Neck:
    """Choose the geometry; the lobe grows with its nodules."""
    medial = 1 if features.side == "right" else -1
    wide = features.nodule_lateral_mm * (1.75 if features.nodule_count == 2 else 1.0)
    semi_x = max(float(rng.uniform(8.5, 12)), wide / 2 + 3.5)
    semi_z = max(float(rng.uniform(7.5, 10)), features.nodule_depth_extent_mm / 2 + 3.0)
    lobe_x = medial * float(rng.uniform(-2, 1))
    radius = float(rng.uniform(8, 10))
    return _Neck(
        medial=medial,
        lobe_x=lobe_x,
        lobe_z=float(rng.uniform(8.5, 11.5)) + semi_z,
        semi_x=semi_x,
        semi_z=semi_z,
        trachea_x=lobe_x + medial * (semi_x + 0.75 * radius),
        trachea_z=float(rng.uniform(12.5, 15)) + radius,
        trachea_radius=radius,
    )


# --- the neck around the lobe ---------------------------------------------------------------------


def _draw_front(phantom: Phantom, neck: _Neck, rng: np.random.Generator) -> None:
    """Draw skin, fat, sternocleidomastoid and strap muscles."""
    z, x = phantom.z_mm, phantom.x_mm[0]
    skin = rng.uniform(1.3, 2.1) + phantom.wave(rng, 20, 0.08)
    fat = skin + rng.uniform(1.5, 3.5) + phantom.wave(rng, 12, 0.35)
    lobe_top = neck.lobe_z - neck.semi_z
    phantom.fill(z >= 0, -5 + phantom.texture(rng, 1.0, 3.0, 4.0) + phantom.texture(rng, 5, 2, 2))
    phantom.fill(phantom.band(skin, fat), -6 + phantom.texture(rng, 1.0, 2.5, 4))
    phantom.interface(z > fat, 4.0 * np.clip(phantom.texture(rng, 6, 1, 3) + 0.8, 0, 2), 0.5)
    strap_top = np.minimum(fat + rng.uniform(0.5, 1.5), lobe_top - 3)
    bottom = np.full_like(x, lobe_top + 0.5) + phantom.wave(rng, 12, 0.3)
    strap = phantom.band(strap_top, bottom + 4)
    phantom.fill(strap, _STRAP_DB + phantom.texture(rng, 0.8, 2.5, 5))
    phantom.interface(z > strap_top, 4.5, 0.4)
    middle = (strap_top + bottom) / 2 + phantom.wave(rng, 14, 0.4)
    phantom.interface(z > middle, 2.5 * np.clip(phantom.texture(rng, 6, 1, 3) + 0.5, 0, 2), 0.35)
    side_x = neck.lobe_x - neck.medial * (neck.semi_x + rng.uniform(3, 6))
    side_z = float(fat.mean()) + 4.8
    mastoid = phantom.blob(
        rng, side_x, side_z, float(rng.uniform(11, 15)), float(rng.uniform(3.8, 4.8)),
        neck.medial * -8.0, roughness=0.03,
    )  # fmt: skip
    phantom.fill(phantom.occupancy(mastoid), -9.5 + phantom.texture(rng, 0.7, 3.2, 4))
    patchy = np.clip(phantom.texture(rng, 5, 0.6, 2) + 0.8, 0.1, 1.6)
    phantom.interface(mastoid, 5.0 * patchy, 0.4)
    layer = phantom.band(0, skin)
    phantom.fill(layer, 3 + phantom.texture(rng, 0.5, 1.0, 4))
    phantom.interface(z > skin, 3.0, 0.35)
    phantom.interface(z > 0.25, 7.0, 0.35)


def _draw_back(phantom: Phantom, neck: _Neck, rng: np.random.Generator) -> None:
    """Draw the longus colli muscle and the front of the vertebra."""
    behind = neck.lobe_z + neck.semi_z
    x = neck.lobe_x + neck.medial * float(rng.uniform(-3, 3))
    longus = phantom.blob(
        rng, x, behind + 4.5, float(rng.uniform(8, 11)), float(rng.uniform(3.5, 4.5)),
        float(rng.uniform(-8, 8)), roughness=0.05,
    )  # fmt: skip
    phantom.fill(phantom.occupancy(longus), -11 + phantom.texture(rng, 0.7, 2.5, 2))
    patchy = np.clip(phantom.texture(rng, 5, 0.8, 2) + 0.6, 0, 1.6)
    phantom.interface(longus, 3.5 * patchy, 0.5)
    bone = behind + rng.uniform(8, 11) + phantom.wave(rng, 14, 0.8)
    phantom.fill(phantom.z_mm > bone, -22, 2.0)
    patchy = np.clip(phantom.texture(rng, 6, 1, 2) + 0.7, 0, 2)
    phantom.interface(phantom.z_mm > bone, 7 * patchy, 0.8)


def _draw_lobe(phantom: Phantom, neck: _Neck, rng: np.random.Generator) -> None:
    """Draw the lobe and the isthmus that leads from it over the trachea."""
    lobe = phantom.blob(
        rng, neck.lobe_x, neck.lobe_z, neck.semi_x, neck.semi_z,
        neck.medial * float(rng.uniform(-10, 4)), roughness=0.03,
    )  # fmt: skip
    over = np.hypot(phantom.x_mm - neck.trachea_x, phantom.z_mm - neck.trachea_z)
    thickness = float(rng.uniform(2.2, 3.8))
    ring = neck.trachea_radius + 0.6 + thickness / 2
    isthmus = np.abs(over - ring) / (thickness / 2)
    front = (phantom.z_mm < neck.trachea_z - 0.2 * neck.trachea_radius) & (
        neck.medial * (phantom.x_mm - neck.lobe_x) > 0
    )
    gland = np.minimum(lobe, np.where(front, isthmus, 9)).astype(np.float32)
    tissue = phantom.texture(rng, 1.0, 1.0, 1.5) + phantom.texture(rng, 5, 0.8, 1.5)
    inside = phantom.occupancy(gland)
    phantom.specular *= 1 - inside
    phantom.fill(inside, 1.0 + tissue)
    patchy = np.clip(phantom.texture(rng, 4, 0.5, 2) + 0.9, 0.1, 1.6)
    phantom.interface(gland, float(rng.uniform(3, 5)) * patchy, 0.4)


def _draw_trachea(phantom: Phantom, neck: _Neck, rng: np.random.Generator) -> None:
    """Draw cartilage, the bright front of the air, its reverberation and the dark behind it."""
    dx = phantom.x_mm - np.float32(neck.trachea_x)
    dz = phantom.z_mm - np.float32(neck.trachea_z)
    from_centre = np.hypot(dx, 0.95 * dz)
    level = from_centre / np.float32(neck.trachea_radius)
    air_radius = neck.trachea_radius - float(rng.uniform(1.3, 1.9))
    behind = (np.abs(dx) < 0.97 * air_radius) & (dz > 0)
    wall = phantom.occupancy(level)
    phantom.specular *= 1 - wall
    phantom.fill(wall, -11 + phantom.texture(rng, 0.8, 1.5, 2))
    phantom.interface(level, 3.5, 0.4)
    air = (from_centre < air_radius) | behind
    depth_in = np.clip(air_radius - from_centre, 0, None) + np.where(behind, dz, 0)
    haze = -13 - 2.0 * np.minimum(depth_in, 13) + phantom.texture(rng, 1.5, 2.0, 3)
    phantom.specular[air] = 0
    phantom.fill(air, haze)
    period = float(rng.uniform(1.9, 2.8))
    amplitude = float(rng.uniform(7, 12))
    fading = float(rng.uniform(0.35, 0.6))
    patchy = np.clip(phantom.texture(rng, 4, 0.5, 1.5) + 0.8, 0, 1.5)
    for echo in range(4):
        ring = from_centre / np.float32(max(air_radius - echo * period, 1.0))
        cap = dz < -0.25 * air_radius
        strength = np.float32(amplitude * fading**echo) * patchy * cap
        phantom.interface(ring, strength, 0.45 + 0.15 * echo, floor=0.0)


def _draw_vessels(
    phantom: Phantom,
    neck: _Neck,
    features: ThyroidFeatures,
    scan: Scan,
    rng: np.random.Generator,
) -> None:
    """Draw the common carotid artery and, where seen, the internal jugular vein."""
    edge = scan.width_mm / 2
    radius = float(rng.uniform(2.7, 3.5))
    x = neck.lobe_x - neck.medial * (neck.semi_x + radius - rng.uniform(0.2, 1.0))
    x = float(np.clip(x, -edge + radius + 0.6, edge - radius - 0.6))
    z = neck.lobe_z + float(rng.uniform(0.15, 0.5)) * neck.semi_z
    if features.jugular_seen:
        wide, tall = float(rng.uniform(3.6, 5.5)), float(rng.uniform(1.9, 3.0))
        vein_x = x - neck.medial * float(rng.uniform(1.0, 3.0))
        vein_z = z - radius - tall - 0.7
        vein = phantom.blob(rng, vein_x, vein_z, wide, tall, neck.medial * 10.0, roughness=0.04)
        _fill_vessel(phantom, vein, 2.5, rng)
    artery = phantom.ellipse(x, z, radius, radius * float(rng.uniform(0.94, 1.04)))
    ring = phantom.ellipse(x, z, radius + 0.8, radius + 0.8)
    phantom.fill(phantom.occupancy(ring), 2.0)
    _fill_vessel(phantom, artery, 7.0, rng)


def _fill_vessel(
    phantom: Phantom, level: np.ndarray, wall: float, rng: np.random.Generator
) -> None:
    inside = phantom.occupancy(level)
    phantom.specular *= 1 - inside
    phantom.fill(inside, float(rng.uniform(-42, -34)), _BLOOD_ATTENUATION)
    phantom.interface(level, wall, 0.4)


# --- nodules --------------------------------------------------------------------------------------


def _nodules(
    features: ThyroidFeatures, neck: _Neck, rng: np.random.Generator
) -> list[tuple[float, float, float, float]]:
    """Choose (x, z, half lateral, half depth extent) in mm of each nodule inside the lobe."""
    if features.nodule_count == 0:
        return []
    semi_x, semi_z = features.nodule_lateral_mm / 2, features.nodule_depth_extent_mm / 2
    reach_part = 1.25 if features.margin == "irregular" else 1.0
    free_x = neck.semi_x - reach_part * semi_x - 1.5
    free_z = neck.semi_z - reach_part * semi_z - 1.5
    if features.nodule_count == 1:
        angle, reach = rng.uniform(0, 2 * np.pi), 0.8 * np.sqrt(rng.uniform(0, 1))
        x = neck.lobe_x + reach * max(free_x, 0) * np.cos(angle)
        z = neck.lobe_z + reach * max(free_z, 0) * np.sin(angle)
        return [(float(x), float(z), semi_x, semi_z)]
    side = 1.0 if rng.uniform() < 0.5 else -1.0
    part = float(rng.uniform(0.55, 0.68))
    first = neck.lobe_x + side * (neck.semi_x - semi_x - 1.0)
    second = neck.lobe_x - side * (neck.semi_x - part * semi_x - 1.8)
    z = neck.lobe_z + float(rng.uniform(-0.2, 0.2)) * neck.semi_z
    return [(first, neck.lobe_z, semi_x, semi_z), (second, z, part * semi_x, part * semi_z)]


def _draw_nodule(
    phantom: Phantom,
    features: ThyroidFeatures,
    place: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> None:
    """Draw one nodule with the composition, echo, margin, halo and foci it was given."""
    level = _outline(phantom, features, place, rng)
    phantom.mark("nodule", level)
    inside = phantom.occupancy(level, 0.35)
    phantom.specular *= 1 - inside
    if features.halo:
        rim_mm = float(rng.uniform(0.7, 1.1))
        rim = phantom.occupancy(level / np.float32(1 + rim_mm / min(place[2:])), 0.3)
        phantom.fill(rim, -13)
        phantom.specular *= 1 - rim
    if features.composition == "cystic":
        phantom.fill(inside, ANECHOIC_DB, FLUID_ATTENUATION)
        phantom.interface(level, float(rng.uniform(4.5, 7)), 0.4)
        _draw_comet_tails(phantom, place, rng)
    elif features.composition == "spongiform":
        _draw_sponge(phantom, level, place, rng)
    else:
        texture = phantom.texture(rng, 1.3, 1.3, 1.3)
        phantom.fill(inside, float(rng.uniform(*_NODULE_DB[features.echogenicity])) + texture)
        if features.margin == "smooth":
            phantom.interface(level, float(rng.uniform(1.5, 3.0)), 0.4)
    if features.foci == "punctate":
        _draw_punctate(phantom, place, rng)


def _outline(
    phantom: Phantom,
    features: ThyroidFeatures,
    place: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the level set that shows the nodule's shape and margin."""
    tilt = float(rng.uniform(-8, 8))
    if features.margin == "smooth":
        return phantom.blob(rng, *place, tilt, roughness=0.02)
    x, z, semi_x, semi_z = place
    spiky = bool(rng.uniform() < 0.5)
    return phantom.blob(
        rng, x, z, 0.92 * semi_x, 0.92 * semi_z, tilt,
        roughness=float(rng.uniform(0.1, 0.15)),
        lobes=0 if spiky else int(rng.integers(4, 7)),
        spicules=int(rng.integers(7, 11)) if spiky else 0,
    )  # fmt: skip


def _draw_comet_tails(
    phantom: Phantom, place: tuple[float, float, float, float], rng: np.random.Generator
) -> None:
    """Hang one to three bright foci in the fluid, each with a tail that narrows and fades."""
    x, z, semi_x, semi_z = place
    count = int(rng.choice([1, 2, 3], p=[0.45, 0.35, 0.2])) if semi_x > 4 else 1
    for index in range(count):
        slot = (index + 0.5 + rng.uniform(-0.25, 0.25)) / count * 2 - 1
        focus_x = x + 0.62 * slot * semi_x
        focus_z = z + float(rng.uniform(-0.55, -0.1)) * semi_z
        tail_mm = float(rng.uniform(2.5, 4.0))
        below = phantom.z_mm - np.float32(focus_z)
        half = 0.55 * np.clip(1 - below / tail_mm, 0.12, 1)
        across = np.exp(-(((phantom.x_mm - np.float32(focus_x)) / half) ** 2))
        ripple = 0.35 + 0.65 * np.cos(np.pi * below / 0.55) ** 2
        fade = np.exp(-1.4 * below / tail_mm) * ((below >= 0) & (below < tail_mm))
        tail = 14 * across * ripple * fade
        phantom.specular = np.maximum(phantom.specular, tail.astype(np.float32))


def _draw_sponge(
    phantom: Phantom,
    level: np.ndarray,
    place: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> None:
    """Fill the nodule with tiny cysts parted by thin septa (a Voronoi honeycomb)."""
    x, z, semi_x, semi_z = place
    pitch = float(rng.uniform(2.1, 2.8))
    grid_x, grid_z = np.meshgrid(
        np.arange(x - semi_x - 2, x + semi_x + 2, pitch),
        np.arange(z - semi_z - 2, z + semi_z + 2, pitch * 0.8),
    )
    points = np.stack([grid_x.ravel(), grid_z.ravel()], axis=1)
    points += rng.uniform(-0.45, 0.45, points.shape) * pitch
    inside = phantom.occupancy(level, 0.3)
    where = np.nonzero(inside > 0)
    at = np.stack([phantom.x_mm[where], phantom.z_mm[where]], axis=1)
    distances, nearest = cKDTree(points).query(at, k=2)
    fluid_cells = rng.uniform(size=len(points)) < 0.85
    septum = (distances[:, 1] - distances[:, 0]) < rng.uniform(0.35, 0.5)
    fluid = fluid_cells[nearest[:, 0]] & ~septum
    echo = np.zeros(phantom.x_mm.shape, np.float32)
    echo[where] = np.where(fluid, np.float32(-40), np.float32(2.0))
    cells = np.zeros(phantom.x_mm.shape, bool)
    cells[where] = fluid
    phantom.fill(inside, echo, 0.3)
    phantom.interface(cells, 1.6, 0.3)
    phantom.interface(level, float(rng.uniform(2.0, 4.0)), 0.4)


def _draw_punctate(
    phantom: Phantom, place: tuple[float, float, float, float], rng: np.random.Generator
) -> None:
    """Scatter bright dots without shadow through the nodule."""
    x, z, semi_x, semi_z = place
    for _ in range(int(rng.integers(7, 12))):
        angle, reach = rng.uniform(0, 2 * np.pi), 0.72 * np.sqrt(rng.uniform(0, 1))
        dot = phantom.ellipse(
            x + reach * semi_x * np.cos(angle), z + reach * semi_z * np.sin(angle), 0.28, 0.2
        )
        weight = phantom.occupancy(dot) * np.float32(rng.uniform(10, 17))
        phantom.specular = np.maximum(phantom.specular, weight)
