"""The pelvis around ovary and uterus, and how the scanner is set for it."""

from __future__ import annotations

import numpy as np

from echovlm.simulate.bmode import Scan
from echovlm.simulate.outline import window
from echovlm.simulate.phantom import ANECHOIC_DB, FLUID_ATTENUATION, Phantom
from echovlm.terms import Transducer

SPACING_MM = 0.3
"""Grid step of gynaecological phantoms."""


def endocavitary_scan(rng: np.random.Generator, depth_mm: float) -> Scan:
    """Return settings of a transvaginal scan.

    Args:
        rng: source of every setting.
        depth_mm: displayed depth.
    """
    return Scan(
        transducer=Transducer.ENDOCAVITARY,
        frequency_mhz=float(rng.uniform(5.2, 6.4)),
        depth_mm=depth_mm,
        sector_deg=float(rng.uniform(98, 118)),
        radius_mm=float(rng.uniform(10, 13)),
        focus_mm=depth_mm * float(rng.uniform(0.4, 0.65)),
        **_display(rng),
    )


def transabdominal_scan(rng: np.random.Generator, depth_mm: float) -> Scan:
    """Return settings of a scan through the full bladder."""
    return Scan(
        transducer=Transducer.CURVILINEAR,
        frequency_mhz=float(rng.uniform(3.4, 4.4)),
        depth_mm=depth_mm,
        sector_deg=float(rng.uniform(62, 76)),
        radius_mm=float(rng.uniform(45, 58)),
        focus_mm=depth_mm * float(rng.uniform(0.45, 0.7)),
        # The bladder takes nothing from the beam; without less TGC all below it would be white.
        **_display(rng, tgc=0.5 - 0.024 * float(rng.uniform(3, 6))),
    )


def _display(rng: np.random.Generator, tgc: float = 0.5) -> dict[str, float]:
    return {
        "gain_db": float(rng.uniform(-7, 7)),
        "dynamic_range_db": float(rng.uniform(50, 68)),
        "tgc_db_per_cm_mhz": tgc + float(rng.uniform(-0.07, 0.05)),
        "noise_db": float(rng.uniform(-40, -31)),
    }


def fill_background(phantom: Phantom, rng: np.random.Generator, depth_mm: float) -> None:
    """Draw fat, fascia, bowel and pelvic vessels, down to the pelvic wall.

    Args:
        phantom: uniform tissue.
        rng: source of the anatomy, independent of any label.
        depth_mm: displayed depth.
    """
    phantom.echogenicity_db += np.float32(rng.uniform(-6, -2))
    phantom.echogenicity_db += phantom.texture(rng, 14, 2.6) + phantom.texture(rng, 3.0, 2.0)
    half_mm = float(phantom.x_mm.max())
    for _ in range(int(rng.integers(5, 10))):
        _fascia(phantom, rng, half_mm, depth_mm)
    for side in rng.permutation([-1, 1])[: int(rng.integers(1, 3))]:
        _bowel(phantom, rng, side * half_mm * rng.uniform(0.45, 0.8), depth_mm)
    if rng.random() < 0.75:
        side = int(rng.choice([-1, 1]))
        _iliac_vessel(phantom, rng, side * half_mm * rng.uniform(0.3, 0.6), depth_mm)
    _pelvic_wall(phantom, rng, depth_mm)


def near_field(phantom: Phantom, rng: np.random.Generator, thickness_mm: float) -> None:
    """Draw the layers just under the transducer: vaginal wall, or skin, fat and fascia."""
    level = phantom.range_mm / np.float32(thickness_mm)
    phantom.fill(level < 1, echo_db=float(rng.uniform(-3, 3)))
    ridge = 2.5 * np.sin(level * np.float32(rng.uniform(9, 15))) * (level < 1.4)
    phantom.echogenicity_db += ridge.astype(np.float32)
    phantom.interface(level < 1, float(rng.uniform(1.5, 4)), 0.6)


def free_fluid(
    phantom: Phantom, rng: np.random.Generator, x: float, z: float, width_mm: float
) -> None:
    """Draw a pool of clear fluid with a pointed, irregular outline.

    Args:
        phantom: tissue to change.
        rng: source of the outline.
        x: lateral position of the middle.
        z: depth of the middle.
        width_mm: lateral extent.
    """
    phantom = window(phantom, x, z, width_mm / 2 + 6)
    across = (phantom.x_mm - np.float32(x)) / np.float32(width_mm / 2)
    bulge = np.clip(1 - across**2, 0, None) ** 0.8
    height = width_mm * rng.uniform(0.17, 0.23)
    lean = rng.uniform(-0.12, 0.12) * (phantom.x_mm - np.float32(x))
    wave = 0.12 * height * np.sin(phantom.x_mm * np.float32(rng.uniform(0.25, 0.45)))
    away = np.abs(phantom.z_mm - np.float32(z) - lean - wave)
    level = away / np.maximum(height * bulge, 0.01).astype(np.float32)
    fluid(phantom, level)
    phantom.interface(level, 2.0, 0.5)


def fluid(phantom: Phantom, level: np.ndarray, soft_mm: float = 0.5) -> None:
    """Fill the inside of a level set with clear fluid."""
    weight = phantom.occupancy(level, soft_mm)
    phantom.fill(weight, echo_db=ANECHOIC_DB, attenuation=FLUID_ATTENUATION)
    phantom.specular *= 1 - weight


def _fascia(phantom: Phantom, rng: np.random.Generator, half_mm: float, depth_mm: float) -> None:
    x, z = rng.uniform(-0.9, 0.9) * half_mm, rng.uniform(0.15, 1.0) * depth_mm
    length = rng.uniform(10, 32)
    phantom = window(phantom, x, z, 0.75 * length)
    lean = rng.uniform(-0.35, 0.35)
    bend = rng.uniform(-0.012, 0.012)
    dx = phantom.x_mm - np.float32(x)
    line = np.abs(phantom.z_mm - np.float32(z) - lean * dx - bend * dx**2)
    fade = np.exp(-((dx / (length / 2)) ** 4))
    thick = rng.uniform(0.4, 1.0)
    strength = np.exp(-((line / thick) ** 2)) * fade
    phantom.echogenicity_db += (rng.uniform(6, 13) * strength).astype(np.float32)


def _bowel(phantom: Phantom, rng: np.random.Generator, x: float, depth_mm: float) -> None:
    z = depth_mm * rng.uniform(0.55, 0.9)
    for _ in range(int(rng.integers(2, 4))):
        size = rng.uniform(7, 13)
        at_x, at_z = x + rng.normal(0, 9), z + rng.normal(0, 7)
        part = window(phantom, at_x, at_z, 2.2 * size)
        level = part.blob(
            rng,
            at_x,
            at_z,
            size * rng.uniform(1.0, 1.6),
            size,
            angle_deg=rng.uniform(-40, 40),
            roughness=0.07,
        )
        weight = part.occupancy(level, 1.5)
        part.fill(weight, echo_db=part.texture(rng, 2.5, 3.5) - 7)
        rim = np.exp(-(((level - 0.82) / 0.1) ** 2)) * weight
        part.echogenicity_db -= (8 * rim).astype(np.float32)
        if rng.random() < 0.4:
            _gas(part, rng, level, at_z)


def _gas(phantom: Phantom, rng: np.random.Generator, level: np.ndarray, z: float) -> None:
    """Put gas into a bowel loop whose middle lies at depth ``z``: a bright front, dirty shadow."""
    core = level < rng.uniform(0.3, 0.5)
    front = np.clip((np.float32(z) - phantom.z_mm) / 2 + 0.7, 0, 1)
    phantom.interface(core, front * np.float32(rng.uniform(6, 12)), 0.9)
    phantom.fill(core, attenuation=float(rng.uniform(2.0, 3.0)))


def _iliac_vessel(phantom: Phantom, rng: np.random.Generator, x: float, depth_mm: float) -> None:
    z = depth_mm * rng.uniform(0.62, 0.85)
    phantom = window(phantom, x, z, 32)
    angle, length = rng.uniform(-65, 65), rng.uniform(14, 26)
    level = phantom.blob(rng, x, z, length, rng.uniform(2.4, 3.8), angle, roughness=0.05)
    weight = phantom.occupancy(level, 0.6)
    phantom.fill(weight, echo_db=float(rng.uniform(-26, -18)), attenuation=0.15)
    phantom.interface(level, 2.5, 0.6)


def _pelvic_wall(phantom: Phantom, rng: np.random.Generator, depth_mm: float) -> None:
    """Draw muscle and the bright bony or presacral line along the bottom of the image."""
    base = depth_mm * rng.uniform(0.86, 0.97)
    slope, bend = rng.uniform(-0.2, 0.2), rng.uniform(-0.004, 0.001)
    wave = phantom.texture(rng, 22, 2.2)
    line = base + slope * phantom.x_mm + bend * phantom.x_mm**2 + wave
    below = phantom.z_mm > line
    phantom.fill(below, echo_db=phantom.texture(rng, 4, 2.5) + np.float32(rng.uniform(-9, -3)))
    strength = rng.uniform(0.5, 2.2) * np.clip(1 + phantom.texture(rng, 12, 0.7), 0.05, 2.5)
    phantom.interface(below, strength.astype(np.float32), 1.6)
