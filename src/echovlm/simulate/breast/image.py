"""The picture of a simulated breast: skin, fat, gland, muscle, chest wall and focal lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.simulate.bmode import BModeImage, Scan, scan_image
from echovlm.simulate.breast.features import BreastFeatures
from echovlm.simulate.phantom import ANECHOIC_DB, Phantom
from echovlm.terms import Transducer

_ATTENUATION = 0.6  # dB/cm/MHz of breast tissue as a whole


@dataclass(frozen=True)
class _Layers:
    """Depth of the layer borders, one value per column (mm)."""

    skin: np.ndarray
    gland: np.ndarray
    retro: np.ndarray
    muscle: np.ndarray
    wall: np.ndarray


def draw(features: BreastFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan the breast once; another call gives another view of the same patient."""
    tall_mm = 0.0
    if features.lesion_count:
        tall_mm = features.lesion_long_mm * min(features.lesion_ratio, 1.0)
        tall_mm = features.lesion_long_mm if features.lesion_ratio > 1 else tall_mm
    depth_mm = max(float(rng.uniform(28, 42)), tall_mm + 18)
    scan = Scan(
        Transducer.LINEAR,
        frequency_mhz=float(rng.uniform(8, 13)),
        depth_mm=depth_mm,
        width_mm=float(rng.uniform(34, 44)),
        focus_mm=depth_mm * float(rng.uniform(0.35, 0.7)),
        gain_db=float(rng.uniform(-8, 8)),
        dynamic_range_db=float(rng.uniform(50, 70)),
        tgc_db_per_cm_mhz=_ATTENUATION + float(rng.uniform(-0.08, 0.05)),
        noise_db=float(rng.uniform(-44, -28)),
    )
    phantom = scan.blank_phantom(0.16, attenuation=_ATTENUATION)
    layers = _draw_background(phantom, features, scan, tall_mm, rng)
    for place in _places(features, layers, scan, rng):
        _draw_lesion(phantom, features, scan, place, rng)
    return scan_image(phantom, scan, rng)


def _draw_background(
    phantom: Phantom,
    features: BreastFeatures,
    scan: Scan,
    tall_mm: float,
    rng: np.random.Generator,
) -> _Layers:
    """Draw skin, fat, gland, muscle and chest wall."""
    layers = _layers(phantom, features, scan, tall_mm, rng)
    x, z = phantom.x_mm[0], phantom.z_mm
    phantom.fill(z >= 0, -9 + phantom.texture(rng, 1.2, 1.2, 2.5))
    _draw_septa(phantom, layers.skin, layers.muscle, rng)
    gland = phantom.band(layers.gland, layers.retro)
    tissue = 1.0 + phantom.texture(rng, 1.4, 2.2, 3.0) + phantom.texture(rng, 6, 1.5, 1.5)
    if features.composition == "heterogeneous":
        islands = phantom.texture(rng, 4.5, 1.0, 1.8)
        tissue -= np.float32(9.5) * np.clip((islands - 0.2) / 0.35, 0, 1)
    phantom.fill(gland, tissue)
    for border, amplitude in ((layers.gland, 3.0), (layers.retro, 2.5)):
        phantom.interface(z > border, amplitude * _patchy(phantom, rng, 4, 0.6, 1.0), 0.5)
    phantom.fill(phantom.band(layers.muscle, layers.wall), -8 + phantom.texture(rng, 0.9, 3.2, 9))
    _draw_fascia(phantom, layers, rng)
    _draw_chest_wall(phantom, layers, x, rng)
    skin = phantom.band(0, layers.skin)
    phantom.fill(skin, 3 + phantom.texture(rng, 0.5, 1.0, 4))
    phantom.interface(z > layers.skin, 3.5 * _patchy(phantom, rng, 3, 0.9, 0.4), 0.35)
    phantom.interface(z > 0.25, float(rng.uniform(4, 9)), 0.35)
    # Ligaments and uneven fat throw faint vertical streaks.
    streaks = phantom.texture(rng, 3.5, 0.09, 0.6)
    phantom.attenuation_db_per_cm_mhz += np.where(z < layers.retro, streaks, 0)
    return layers


def _patchy(
    phantom: Phantom, rng: np.random.Generator, scale_mm: float, mean: float, spread: float
) -> np.ndarray:
    """Return an uneven strength for an interface, 0 to about twice its mean."""
    return np.clip(phantom.texture(rng, scale_mm, spread, 2.0) + np.float32(mean), 0, 2.2 * mean)


def _draw_fascia(phantom: Phantom, layers: _Layers, rng: np.random.Generator) -> None:
    """Draw the muscle's fascia and the fibrous lines inside it."""
    z = phantom.z_mm
    strength = float(rng.uniform(3, 7))
    phantom.interface(z > layers.muscle, strength * _patchy(phantom, rng, 5, 1.0, 0.5), 0.5)
    for _ in range(int(rng.integers(1, 4))):
        share = float(rng.uniform(0.15, 0.85))
        line = layers.muscle + share * (layers.wall - layers.muscle) + phantom.wave(rng, 18, 0.2)
        amplitude = float(rng.uniform(2, 4.5)) * _patchy(phantom, rng, 4, 0.3, 0.8)
        phantom.interface(z > line, amplitude, 0.4)


def _layers(
    phantom: Phantom,
    features: BreastFeatures,
    scan: Scan,
    tall_mm: float,
    rng: np.random.Generator,
) -> _Layers:
    """Draw the depth of each layer; a lesion needs room above the chest wall."""
    depth = scan.depth_mm
    skin = rng.uniform(1.2, 2.2) + phantom.wave(rng, 25, 0.08)
    ranges = {
        "homogeneous fat": ((0.30, 0.38), (0.06, 0.12)),
        "homogeneous fibroglandular": ((0.12, 0.19), (0.40, 0.52)),
        "heterogeneous": ((0.16, 0.26), (0.32, 0.44)),
    }
    fat_part, gland_part = ranges[features.composition]
    gland = depth * rng.uniform(*fat_part) + phantom.wave(rng, 12, 1.0)
    gland = np.maximum(gland, skin + 0.8)
    retro = gland + depth * rng.uniform(*gland_part) + phantom.wave(rng, 15, 0.8)
    retro = np.maximum(retro, gland + 0.8)
    muscle = retro + rng.uniform(1.0, 3.0) + phantom.wave(rng, 25, 0.4)
    slope = np.tan(np.deg2rad(rng.uniform(-5, 5))) * phantom.x_mm[0]
    muscle = np.maximum(muscle + slope, skin + tall_mm + 6)
    return _Layers(skin, gland, retro, muscle, muscle + rng.uniform(5, 9))


def _draw_septa(
    phantom: Phantom, top: np.ndarray, bottom: np.ndarray, rng: np.random.Generator
) -> None:
    """Draw fat lobules: thin bright septa and Cooper ligaments between two depths."""
    field = phantom.texture(rng, float(rng.uniform(3.5, 5.5)), 1.0, float(rng.uniform(1.6, 2.6)))
    inside = phantom.band(top, bottom)
    strength = _patchy(phantom, rng, 3.5, 0.7, 1.0) * inside
    phantom.interface(field > 0, np.float32(2.6) * strength, 0.35, floor=0.25)
    phantom.echogenicity_db += np.where(inside, 4 * np.exp(-((field / 0.12) ** 2)), 0).astype("f4")


def _draw_chest_wall(
    phantom: Phantom, layers: _Layers, x: np.ndarray, rng: np.random.Generator
) -> None:
    """Draw the rib or the pleura below the muscle, where the image reaches it."""
    z = phantom.z_mm
    phantom.fill(z >= layers.wall, -14 + phantom.texture(rng, 1.5, 3, 6))
    strength = float(rng.uniform(4, 11))
    phantom.interface(z > layers.wall, strength * _patchy(phantom, rng, 6, 1.0, 0.4), 0.6)
    if rng.uniform() < 0.4:
        middle = float(rng.uniform(-14, 14))
        column = int(np.argmin(np.abs(x - middle)))
        top = float(layers.wall[column]) + 1.5
        rib = phantom.ellipse(middle, top + 2.5, float(rng.uniform(5, 7)), 3.0)
        phantom.fill(phantom.occupancy(rib), -16, 5.0)
        front = np.clip((np.float32(top + 2.5) - z) / 1.5, 0, 1)
        phantom.interface(rib, float(rng.uniform(5, 10)) * front, 0.7)


def _places(
    features: BreastFeatures, layers: _Layers, scan: Scan, rng: np.random.Generator
) -> list[tuple[float, float, float]]:
    """Choose (x, z, long diameter) in mm of each lesion inside the breast tissue."""
    if features.lesion_count == 0:
        return []
    long_mm = features.lesion_long_mm
    upright = features.lesion_ratio > 1
    wide = long_mm / features.lesion_ratio if upright else long_mm
    tall = long_mm if upright else long_mm * features.lesion_ratio
    free = scan.width_mm / 2 - wide / 2 - 2
    if features.lesion_count == 1:
        spots = [(float(rng.uniform(-0.7, 0.7)) * free, long_mm)]
    else:
        side = 1.0 if rng.uniform() < 0.5 else -1.0
        second = float(np.clip(long_mm * rng.uniform(0.5, 0.8), 4.5, 10))
        gap = wide / 2 + second / 2 + float(rng.uniform(1.5, 3.5))
        first = -side * min(gap / 2 + 1, free)
        spots = [(first, long_mm), (first + side * gap, second)]
    result = []
    for x, size in spots:
        column = round((x / scan.width_mm + 0.5) * (layers.skin.size - 1))
        height = tall * size / long_mm
        top = float(layers.skin[column]) + height / 2 + 1.5
        bottom = float(layers.muscle[column]) - height / 2 - 1.5
        middle = (float(layers.gland[column]) + float(layers.retro[column])) / 2
        z = float(np.clip(middle + rng.uniform(-2.5, 2.5), top, max(bottom, top)))
        result.append((x, z, size))
    return result


def _draw_lesion(
    phantom: Phantom,
    features: BreastFeatures,
    scan: Scan,
    place: tuple[float, float, float],
    rng: np.random.Generator,
) -> None:
    """Draw one lesion with the margin, echo pattern and posterior features it was given."""
    x, z, size = place
    ratio = features.lesion_ratio
    semi_x, semi_z = (size / 2 / ratio, size / 2) if ratio > 1 else (size / 2, size / 2 * ratio)
    body = _outline(phantom, features, (x, z, semi_x, semi_z), rng)
    phantom.mark("lesion", body)  # callipers measure a mass without its spicules
    level = body
    if features.margin == "spiculated":
        level = _spiculated(phantom, body, (x, z, semi_x, semi_z), rng)
    soft = 2.8 if features.margin == "indistinct" else 0.6
    inside = phantom.occupancy(level, soft)
    surround = -9.0 if features.composition == "homogeneous fat" else 0.0
    if features.label == "breast-malignant":
        _draw_rim(phantom, level, features, rng)
    phantom.specular *= 1 - inside
    echo: np.ndarray | float = ANECHOIC_DB
    if features.echo_pattern != "anechoic":
        drop = {"breast-fibroadenoma": (-13, -10), "breast-malignant": (-19, -14)}[features.label]
        patchy = 4.5 if features.echo_pattern == "heterogeneous" else 0.8
        texture = phantom.texture(rng, 2.2, patchy, 1.3)
        echo = 0.55 * surround + float(rng.uniform(*drop)) + texture
    posterior_db = {
        "none": 0.0,
        "enhancement": float(rng.uniform(6, 11)),
        "shadowing": -float(rng.uniform(11, 18)),
    }[features.posterior]
    loss = _ATTENUATION - posterior_db / (2 * scan.frequency_mhz * 2 * semi_z / 10)
    if features.echo_pattern == "anechoic":
        # Reverberation between the near wall and the transducer veils the front of a cyst.
        veil = np.clip((phantom.z_mm - np.float32(z - semi_z)) / (0.8 * semi_z), 0, 1)
        echo = float(rng.uniform(-32, -22)) * (1 - veil) + ANECHOIC_DB * veil
    phantom.fill(inside, echo, max(loss, 0.0))
    if features.margin == "circumscribed":
        _draw_capsule(phantom, level, features, (x, z, semi_x, semi_z), rng)
    if features.calcifications:
        _draw_calcifications(phantom, (x, z, semi_x, semi_z), rng)


def _outline(
    phantom: Phantom,
    features: BreastFeatures,
    place: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the level set that shows the lesion's shape and margin, without spicules."""
    tilt = float(rng.uniform(-12, 12))
    if features.label == "breast-cyst":
        return phantom.blob(rng, *place, tilt, roughness=0.02)
    if features.label == "breast-fibroadenoma":
        lobes = 3 if features.shape == "oval" and rng.uniform() < 0.35 else 0
        return phantom.blob(rng, *place, tilt, roughness=0.025, lobes=lobes)
    if features.margin == "angular":
        return _angular(phantom, place, rng)
    lobes = int(rng.integers(8, 12)) if features.margin == "microlobulated" else 0
    return phantom.blob(rng, *place, tilt, roughness=0.12, lobes=lobes)


def _spiculated(
    phantom: Phantom,
    body: np.ndarray,
    place: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return a level set with thin tapering strands that radiate from the mass."""
    x, z, semi_x, semi_z = place
    level = body
    count = int(rng.integers(9, 14))
    for index in range(count):
        angle = 2 * np.pi * (index + rng.uniform(0.15, 0.85)) / count
        reach = np.array([0.6, 1.1, rng.uniform(1.35, 1.9)])
        turn = angle + np.array([0, 0, rng.uniform(-0.15, 0.15)])
        points = np.stack([x + reach * semi_x * np.cos(turn), z + reach * semi_z * np.sin(turn)], 1)
        base = 0.14 * min(semi_x, semi_z) * float(rng.uniform(0.7, 1.3))
        level = np.minimum(level, phantom.tube(points, np.array([1.6 * base, base, 0.15])))
    return level


def _angular(
    phantom: Phantom, place: tuple[float, float, float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return a level set with sharp corners: two overlapping polygons."""
    x, z, semi_x, semi_z = place
    parts = []
    for turn in (0.0, np.pi / 5):
        u = (phantom.x_mm - np.float32(x)) / np.float32(semi_x) + phantom.texture(rng, 2.5, 0.06)
        v = (phantom.z_mm - np.float32(z)) / np.float32(semi_z) + phantom.texture(rng, 2.5, 0.06)
        sides = 4
        angles = turn + 2 * np.pi * (np.arange(sides) + rng.uniform(-0.22, 0.22, sides)) / sides
        reach = rng.uniform(0.62, 1.0, sides)
        edges = [
            (u * np.float32(np.cos(a)) + v * np.float32(np.sin(a))) / np.float32(r)
            for a, r in zip(angles, reach, strict=True)
        ]
        parts.append(np.max(edges, axis=0))
    return np.minimum(parts[0], parts[1])


def _draw_rim(
    phantom: Phantom, level: np.ndarray, features: BreastFeatures, rng: np.random.Generator
) -> None:
    """Draw the uneven bright tissue around a malignant mass."""
    width = 0.5 if features.margin in ("spiculated", "indistinct") else 0.22
    rim = np.exp(-(((level - 1.1) / width) ** 2)) * np.clip(phantom.texture(rng, 4, 1) + 0.8, 0, 2)
    phantom.echogenicity_db += (4.0 * rim * (level > 0.9)).astype(np.float32)


def _draw_capsule(
    phantom: Phantom,
    level: np.ndarray,
    features: BreastFeatures,
    place: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> None:
    """Draw the thin bright border and the edge shadows of a smooth lesion."""
    x, z, semi_x, semi_z = place
    strength = (3.0, 7.0) if features.echo_pattern == "anechoic" else (2.0, 4.0)
    phantom.interface(level, float(rng.uniform(*strength)), 0.4)
    for side in (-1, 1):
        edge = phantom.ellipse(x + side * (semi_x + 0.1), z + 0.2 * semi_z, 0.35, 0.6 * semi_z)
        phantom.fill(phantom.occupancy(edge), attenuation=float(rng.uniform(0.6, 1.8)))


def _draw_calcifications(
    phantom: Phantom, place: tuple[float, float, float, float], rng: np.random.Generator
) -> None:
    """Scatter bright dots through the mass."""
    x, z, semi_x, semi_z = place
    for _ in range(int(rng.integers(7, 13))):
        angle, reach = rng.uniform(0, 2 * np.pi), 0.75 * np.sqrt(rng.uniform(0, 1))
        dot = phantom.ellipse(
            x + reach * semi_x * np.cos(angle), z + reach * semi_z * np.sin(angle), 0.28, 0.2
        )
        weight = phantom.occupancy(dot)
        phantom.specular = np.maximum(phantom.specular, weight * np.float32(rng.uniform(9, 16)))
