"""Draws the ovary: stroma, follicles, a cyst and what a cyst holds."""

from __future__ import annotations

import numpy as np

from echovlm.simulate.bmode import BModeImage, scan_image
from echovlm.simulate.gynaecology import pelvis
from echovlm.simulate.gynaecology.ovary import OvaryFeatures
from echovlm.simulate.outline import window
from echovlm.simulate.phantom import Phantom


def draw_ovary(features: OvaryFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan one ovary through the vagina.

    Args:
        features: what to draw.
        rng: source of the view, the surroundings and the speckle.
    """
    reach = max(features.cyst_long_mm * 0.9, features.ovary_long_mm)
    depth = float(max(reach * rng.uniform(1.35, 1.6) + 12, rng.uniform(58, 72)))
    scan = pelvis.endocavitary_scan(rng, depth)
    phantom = scan.blank_phantom(pelvis.SPACING_MM)
    pelvis.fill_background(phantom, rng, depth)
    pelvis.near_field(phantom, rng, rng.uniform(4, 8))
    x = rng.uniform(-0.14, 0.14) * depth
    z = depth * rng.uniform(0.46, 0.54)
    if features.has_free_fluid:
        side = int(rng.choice([-1, 1]))
        width = rng.uniform(0.42, 0.55) * depth
        pelvis.free_fluid(phantom, rng, x + side * 0.2 * depth, 0.88 * depth, width)
    if features.contents:
        _ovary_with_cyst(phantom, rng, features, x, z)
    else:
        _ovary_with_follicles(phantom, rng, features, x, z)
    return scan_image(phantom, scan, rng, height_px=272)


def _stroma(
    phantom: Phantom,
    rng: np.random.Generator,
    x: float,
    z: float,
    semi: tuple[float, float],
    angle_deg: float,
) -> None:
    """Draw the ovary's solid part; ``semi`` are its half-axes in mm."""
    phantom = window(phantom, x, z, 1.3 * max(semi) + 6)
    halo = phantom.blob(rng, x, z, semi[0] + 3, semi[1] + 3, angle_deg, roughness=0.04)
    phantom.fill(phantom.occupancy(halo, 3.0), echo_db=phantom.texture(rng, 3, 2.0) + 1)
    level = phantom.blob(rng, x, z, *semi, angle_deg, roughness=0.03)
    echo = phantom.texture(rng, 2.5, 1.6) + np.float32(rng.uniform(-10, -6))
    # The core is a little brighter than the cortex.
    echo += (3 * np.exp(-((level / 0.5) ** 2))).astype(np.float32)
    phantom.fill(phantom.occupancy(level, 0.8), echo_db=echo, attenuation=0.5)
    phantom.interface(level, 1.6, 0.5)


def _ovary_with_follicles(
    phantom: Phantom, rng: np.random.Generator, features: OvaryFeatures, x: float, z: float
) -> None:
    semi = (features.ovary_long_mm / 2, features.ovary_short_mm / 2)
    angle = float(rng.uniform(-35, 35))
    _stroma(phantom, rng, x, z, semi, angle)
    for u, v, radius in _places(rng, features.follicles_mm, semi):
        turn = np.deg2rad(angle)
        at_x = x + u * np.cos(turn) - v * np.sin(turn)
        at_z = z + u * np.sin(turn) + v * np.cos(turn)
        _follicle(phantom, rng, at_x, at_z, radius)


def _places(
    rng: np.random.Generator, sizes_mm: tuple[float, ...], semi: tuple[float, float]
) -> list[tuple[float, float, float]]:
    """Return (u, v, radius) of follicles that stay apart and inside the ovary.

    Follicles crowd towards the cortex, so of many random places the one with most clearance from
    the others and least from the border is kept.
    """
    placed: list[tuple[float, float, float]] = []
    for size in sizes_mm:
        radius = size / 2
        inner = np.maximum(np.array(semi) - radius - 0.8, 0.5)
        turn, reach = rng.uniform(-np.pi, np.pi, 160), np.sqrt(rng.uniform(0, 1, 160))
        spots = np.stack([reach * np.cos(turn) * inner[0], reach * np.sin(turn) * inner[1]], axis=1)
        clearance = np.full(len(spots), 2.5)
        for u, v, other in placed:
            gap = np.hypot(spots[:, 0] - u, spots[:, 1] - v) - other - radius
            clearance = np.minimum(clearance, gap)
        score = clearance + 0.8 * reach
        best = int(np.argmax(score))
        placed.append((float(spots[best, 0]), float(spots[best, 1]), radius))
    return placed


def _follicle(
    phantom: Phantom, rng: np.random.Generator, x: float, z: float, radius: float
) -> None:
    phantom = window(phantom, x, z, 1.4 * radius + 3)
    stretch = rng.uniform(0.88, 1.0)
    level = phantom.blob(
        rng, x, z, radius, radius * stretch, angle_deg=rng.uniform(-60, 60), roughness=0.035
    )
    pelvis.fluid(phantom, level)
    phantom.interface(level, float(rng.uniform(2.0, 3.5)), 0.45)


def _ovary_with_cyst(
    phantom: Phantom, rng: np.random.Generator, features: OvaryFeatures, x: float, z: float
) -> None:
    angle = float(rng.uniform(-25, 25))
    semi = (features.cyst_long_mm / 2, features.cyst_short_mm / 2)
    _remnant(phantom, rng, features, x, z, semi)
    phantom = window(phantom, x, z, 1.15 * max(semi) + 8)
    wall = phantom.blob(rng, x, z, semi[0] + 2.2, semi[1] + 2.2, angle, roughness=0.012)
    phantom.fill(phantom.occupancy(wall, 1.2), echo_db=phantom.texture(rng, 2, 1.5) - 3)
    level = phantom.blob(rng, x, z, *semi, angle, roughness=0.014)
    phantom.mark("lesion", level)
    pelvis.fluid(phantom, level)
    phantom.interface(level, float(rng.uniform(3.5, 6)), 0.6)
    phantom.interface(wall, 1.6, 0.5)
    _contents(phantom, rng, features, level, (x, z), semi)


def _remnant(
    phantom: Phantom,
    rng: np.random.Generator,
    features: OvaryFeatures,
    x: float,
    z: float,
    semi: tuple[float, float],
) -> None:
    """Draw the rest of the ovary as a crescent at the flank of the cyst, follicles in it."""
    side = int(rng.choice([-1, 1]))
    turn = rng.uniform(-0.5, 0.45)
    out = np.array([side * np.cos(turn), np.sin(turn)])
    border = 1 / np.hypot(out[0] / semi[0], out[1] / semi[1])
    centre = np.array([x, z]) + out * border
    size = (0.42 * features.ovary_short_mm + 4, 0.46 * features.ovary_long_mm)
    _stroma(phantom, rng, float(centre[0]), float(centre[1]), size, float(np.rad2deg(turn) * side))
    for index, diameter in enumerate(features.follicles_mm):
        spread = (index - (len(features.follicles_mm) - 1) / 2) * 9.5 + rng.uniform(-1.2, 1.2)
        radius = min(diameter, 6.5) / 2
        aside = radius + rng.uniform(3.4, 6.2)
        at = centre + out * aside + np.array([-out[1], out[0]]) * spread
        _follicle(phantom, rng, at[0], at[1], radius)


def _contents(
    phantom: Phantom,
    rng: np.random.Generator,
    features: OvaryFeatures,
    level: np.ndarray,
    centre: tuple[float, float],
    semi: tuple[float, float],
) -> None:
    inside = phantom.occupancy(level / np.float32(0.985), 0.8)
    if features.contents == "low-level":
        echo = phantom.texture(rng, 5, 0.8) + np.float32(rng.uniform(-21, -17))
        phantom.fill(inside, echo_db=echo, attenuation=0.12)
    elif features.contents == "reticular":
        _reticulum(phantom, rng, inside, semi)
    elif features.contents == "septated":
        _septum(phantom, rng, inside, centre, semi)


def _reticulum(
    phantom: Phantom, rng: np.random.Generator, inside: np.ndarray, semi: tuple[float, float]
) -> None:
    """Draw a fishnet of fibrin: the borders between random cells, stronger in some places."""
    cell = min(semi) * rng.uniform(0.34, 0.46)
    x, z = phantom.x_mm + phantom.texture(rng, 5, 0.9), phantom.z_mm + phantom.texture(rng, 5, 0.9)
    nearest = np.full(x.shape, np.inf, np.float32)
    second = nearest.copy()
    across = np.arange(float(x.min()), float(x.max()) + cell, cell)
    for row, seed_z in enumerate(np.arange(float(z.min()), float(z.max()) + cell, cell)):
        for seed_x in across + (row % 2) * cell / 2:
            at = np.array([seed_x, seed_z]) + rng.uniform(-0.36, 0.36, 2) * cell
            away = np.hypot(x - np.float32(at[0]), z - np.float32(at[1]))
            second = np.minimum(second, np.maximum(nearest, away))
            nearest = np.minimum(nearest, away)
    strand = -11 + np.clip(phantom.texture(rng, 7, 4.0), -9, 5)
    net = strand - 20 * np.clip((second - nearest) / 1.1 - 0.5, 0, 3) ** 2
    haze = np.float32(rng.uniform(-36, -28))
    phantom.fill(inside, echo_db=np.maximum(net, haze).astype(np.float32), attenuation=0.1)


def _septum(
    phantom: Phantom,
    rng: np.random.Generator,
    inside: np.ndarray,
    centre: tuple[float, float],
    semi: tuple[float, float],
) -> None:
    """Draw one complete thin septum, mostly across the beam so that it reflects."""
    lean = rng.uniform(-0.7, 0.7)
    offset = rng.uniform(-0.2, 0.2) * min(semi)
    bend = rng.choice([-1, 1]) * rng.uniform(0.1, 0.3) / max(semi)
    dx = phantom.x_mm - np.float32(centre[0])
    wave = phantom.texture(rng, 9, 0.35)
    curve = centre[1] + offset + lean * dx + bend * (dx**2 - 0.25 * semi[0] ** 2) + wave
    away = np.abs(phantom.z_mm - curve) / np.hypot(1, lean)
    strength = np.exp(-((away / 0.45) ** 2)) * inside
    bright = np.clip(phantom.texture(rng, 6, 2.5), -5, 4)
    echo = np.where(strength > 0.05, -60 + (60 + bright) * strength, -60).astype(np.float32)
    np.maximum(phantom.echogenicity_db, echo, out=phantom.echogenicity_db)
    mirror = (1.2 * strength / (1 + lean**2)).astype(np.float32)
    np.maximum(phantom.specular, mirror, out=phantom.specular)
