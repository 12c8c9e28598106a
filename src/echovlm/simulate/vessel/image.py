"""The picture of a simulated common carotid artery: a longitudinal scan of the neck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.simulate.bmode import BModeImage, Scan, scan_image
from echovlm.simulate.phantom import Phantom
from echovlm.simulate.vessel.features import Plaque, VesselFeatures
from echovlm.terms import Transducer

_ATTENUATION = 0.5  # dB/cm/MHz of the neck as a whole
_BLOOD_ATTENUATION = 0.15
_VISIBLE_DB = 54.0  # least sum of gain and dynamic range that keeps dark tissue above black
_PLAQUE_DB = {"hypoechoic": (-12.0, -9.0), "isoechoic": (-1.5, 1.5), "calcified": (9.0, 13.0)}


@dataclass(frozen=True)
class _Course:
    """The artery along the image: middle and outer half-width per column (mm)."""

    middle: np.ndarray
    half: float

    @property
    def near(self) -> np.ndarray:
        """Depth of the near adventitial border."""
        return self.middle - self.half

    @property
    def far(self) -> np.ndarray:
        """Depth of the far adventitial border."""
        return self.middle + self.half


@dataclass(frozen=True, eq=False)
class Lumen:
    """Where blood flows in a drawn artery.

    Attributes:
        x_mm: (K,) lateral positions, increasing.
        near_mm: (K,) depth at which the lumen begins.
        far_mm: (K,) depth at which it ends; equal to ``near_mm`` where the artery is closed.
    """

    x_mm: np.ndarray
    near_mm: np.ndarray
    far_mm: np.ndarray


def draw(features: VesselFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan the artery once; another call gives another view of the same patient."""
    return draw_with_lumen(features, rng)[0]


def draw_with_lumen(features: VesselFeatures, rng: np.random.Generator) -> tuple[BModeImage, Lumen]:
    """Scan the artery as ``draw`` does and say where its lumen is."""
    depth_mm = float(rng.uniform(30, 40))
    gain_db = float(rng.uniform(-8, 8))
    scan = Scan(
        Transducer.LINEAR,
        frequency_mhz=float(rng.uniform(9, 13)),
        depth_mm=depth_mm,
        width_mm=float(rng.uniform(36, 44)),
        focus_mm=depth_mm * float(rng.uniform(0.4, 0.65)),
        gain_db=gain_db,
        dynamic_range_db=max(float(rng.uniform(45, 70)), _VISIBLE_DB - gain_db),
        tgc_db_per_cm_mhz=_ATTENUATION + float(rng.uniform(-0.08, 0.06)),
        noise_db=float(rng.uniform(-42, -28)),
    )
    phantom = scan.blank_phantom(0.14, attenuation=_ATTENUATION)
    course = _course(phantom, features, scan, rng)
    _draw_neck(phantom, course, rng)
    if features.jugular_seen:
        _draw_vein(phantom, course, rng)
    near, far = _lumen(phantom, features, course, scan, rng)
    _draw_wall(phantom, features, course, rng)
    _draw_lumen(phantom, course, near, far, rng)
    for plaque in features.plaques:
        _draw_plaque(phantom, plaque, course, (near, far), scan, rng)
    return scan_image(phantom, scan, rng), Lumen(phantom.x_mm[0], near, far)


def _course(
    phantom: Phantom, features: VesselFeatures, scan: Scan, rng: np.random.Generator
) -> _Course:
    """Choose where the artery runs; a curved one bends by several millimetres."""
    x = phantom.x_mm[0]
    half = features.diameter_mm / 2
    highest = half + (11.5 if features.jugular_seen else 8.5)
    lowest = scan.depth_mm - half - 7
    middle = float(rng.uniform(highest + 2, max(lowest - 2, highest + 2.5)))
    curve = np.zeros_like(x)
    slope = float(rng.uniform(-4, 4))
    if features.course == "curved":
        bend = float(rng.uniform(1.8, 3.0)) * (1 if rng.uniform() < 0.5 else -1)
        phase = float(rng.uniform(-0.6, 0.6))
        curve = bend * np.cos(2 * np.pi * x / (scan.width_mm * rng.uniform(0.95, 1.2)) + phase)
        slope *= 0.4
    middle_mm = middle + np.tan(np.deg2rad(slope)) * x + curve
    return _Course((middle_mm + phantom.wave(rng, 25, 0.12)).astype(np.float32), half)


def _draw_neck(phantom: Phantom, course: _Course, rng: np.random.Generator) -> None:
    """Draw skin, fat and muscle in front of the artery and the tissue behind it."""
    z = phantom.z_mm
    skin = rng.uniform(1.2, 2.0) + phantom.wave(rng, 20, 0.08)
    fat = skin + rng.uniform(1.2, 2.6) + phantom.wave(rng, 12, 0.3)
    muscle_end = np.maximum(
        course.near - rng.uniform(1.5, 3.0) + phantom.wave(rng, 15, 0.3), fat + 1
    )
    tissue = phantom.texture(rng, 0.9, 3.0, 5) + phantom.texture(rng, 4, 2.0, 2.5)
    phantom.fill(z >= 0, -4 + tissue)
    phantom.fill(phantom.band(skin, fat), -6 + phantom.texture(rng, 0.8, 2.5, 5))
    phantom.fill(phantom.band(fat, muscle_end), -10 + phantom.texture(rng, 0.6, 3.8, 12))
    _draw_fascia(phantom, fat, 5.0, rng)
    _draw_fascia(phantom, muscle_end, 5.0, rng)
    for _ in range(int(rng.integers(1, 4))):
        depth = fat + rng.uniform(0.15, 0.9) * (muscle_end - fat) + phantom.wave(rng, 14, 0.25)
        _draw_fascia(phantom, depth, 3.0, rng)
    for _ in range(int(rng.integers(2, 5))):
        depth = course.far + rng.uniform(2.5, 12) + phantom.wave(rng, 14, 0.6)
        _draw_fascia(phantom, depth, 4.0, rng)
    phantom.fill(phantom.band(0, skin), 3 + phantom.texture(rng, 0.5, 1.0, 4))
    phantom.interface(z > skin, 3.0, 0.35)
    phantom.interface(z > 0.25, 7.0, 0.35)


def _draw_fascia(
    phantom: Phantom, depth: np.ndarray, amplitude: float, rng: np.random.Generator
) -> None:
    """Draw a broken bright line along a depth per column."""
    patchy = np.clip(phantom.texture(rng, 5, 1.0, 2.5) + 0.4, 0, 1.8)
    phantom.interface(phantom.z_mm > depth, np.float32(amplitude) * patchy, 0.4)


def _draw_vein(phantom: Phantom, course: _Course, rng: np.random.Generator) -> None:
    """Draw the jugular vein in front of the artery: thin wall, uneven width."""
    tall = float(rng.uniform(3.0, 4.6)) + phantom.wave(rng, 22, 0.5)
    bottom = course.near - rng.uniform(1.6, 2.4)
    end = float(rng.uniform(0.55, 1.3)) * (1 if rng.uniform() < 0.5 else -1)
    x = phantom.x_mm[0] / phantom.x_mm.max()
    taper = 1 / (1 + np.exp(-np.clip((end - x) * np.sign(end) * 12, -40, 40)))
    tall = np.maximum(tall, 1.5) * taper
    vein = phantom.band(bottom - tall, bottom)
    phantom.specular[vein] = 0
    phantom.fill(vein, float(rng.uniform(-42, -32)), _BLOOD_ATTENUATION)
    phantom.interface(vein, 3.0, 0.35)


def _lumen(
    phantom: Phantom,
    features: VesselFeatures,
    course: _Course,
    scan: Scan,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the depth per column where the lumen begins and ends, plaques included."""
    near_mm = features.imt_mm + phantom.wave(rng, 9, 0.03)
    far_mm = features.imt_mm + phantom.wave(rng, 9, 0.03)
    for plaque in features.plaques:
        bump = _bump(phantom, plaque, scan, rng) * (plaque.thickness_mm - features.imt_mm)
        if plaque.wall == "near":
            near_mm = near_mm + bump
        else:
            far_mm = far_mm + bump
    near = course.near + near_mm
    return near, np.maximum(course.far - far_mm, near)


def _bump(phantom: Phantom, plaque: Plaque, scan: Scan, rng: np.random.Generator) -> np.ndarray:
    """Return the plaque's outline along the vessel, 0 to 1, flat-topped and slightly uneven."""
    u = (phantom.x_mm[0] - plaque.position * scan.width_mm / 2) / (plaque.length_mm / 2)
    skew = float(rng.uniform(-0.3, 0.3))
    u = np.clip(u + skew * (1 - u**2) * (np.abs(u) < 1), -1, 1)
    top = (1 - np.abs(u) ** float(rng.uniform(2.2, 3.4))) ** 1.6
    return top * (1 + phantom.wave(rng, 3.5, 0.06) * np.clip(2 * top, 0, 1))


def _draw_wall(
    phantom: Phantom, features: VesselFeatures, course: _Course, rng: np.random.Generator
) -> None:
    """Draw the bright adventitia on both sides."""
    thick = float(rng.uniform(0.8, 1.2))
    for top, bottom in ((course.near - thick, course.near), (course.far, course.far + thick)):
        phantom.specular[phantom.band(top - 0.3, bottom + 0.3)] = 0
        phantom.fill(phantom.band(top, bottom), 7 + phantom.texture(rng, 1.0, 1.5, 4))
    phantom.interface(phantom.z_mm > course.far + 0.1, float(rng.uniform(6, 10)), 0.3)
    phantom.interface(phantom.z_mm > course.near - 0.1, float(rng.uniform(3, 6)), 0.4)


def _draw_lumen(
    phantom: Phantom, course: _Course, near: np.ndarray, far: np.ndarray, rng: np.random.Generator
) -> None:
    """Draw the dark media and blood and the line where blood meets intima."""
    wall = phantom.band(course.near, near) | phantom.band(far, course.far)
    phantom.fill(wall, -24.0)
    blood = phantom.band(near, far)
    below = phantom.z_mm - near
    haze = -20 - float(rng.uniform(7, 14)) * np.clip(below, 0, 2.2)
    phantom.fill(blood, np.maximum(haze, float(rng.uniform(-44, -38))), _BLOOD_ATTENUATION)
    phantom.specular[phantom.band(near, far - 0.3)] = 0
    patchy = np.clip(phantom.texture(rng, 6, 0.25, 3) + 0.9, 0.3, 1.4)
    patchy *= far > near  # a closed lumen has no surface
    phantom.interface(phantom.z_mm > far, float(rng.uniform(3.5, 5)) * patchy, 0.25)
    phantom.interface(phantom.z_mm > near, float(rng.uniform(2, 3.5)) * patchy, 0.25)


def _draw_plaque(
    phantom: Phantom,
    plaque: Plaque,
    course: _Course,
    lumen: tuple[np.ndarray, np.ndarray],
    scan: Scan,
    rng: np.random.Generator,
) -> None:
    """Fill the space between adventitia and lumen with the plaque's tissue."""
    middle = plaque.position * scan.width_mm / 2
    along = np.abs(phantom.x_mm - np.float32(middle)) < plaque.length_mm / 2
    near, far = lumen
    if plaque.wall == "near":
        body = phantom.band(course.near + 0.1, near - 0.1) & along
    else:
        body = phantom.band(far + 0.1, course.far - 0.1) & along
    texture = phantom.texture(rng, 1.0, 1.5, 2) + phantom.texture(rng, 2.5, 1.2, 2)
    phantom.specular[body] *= 0.3
    phantom.fill(body, float(rng.uniform(*_PLAQUE_DB[plaque.echo])) + texture)
    if plaque.echo != "calcified":
        return
    # The shadow's depth is set by the loss through the plaque, whatever the frequency.
    loss = float(rng.uniform(32, 45)) / (2 * scan.frequency_mhz * plaque.thickness_mm / 10)
    core = body & (np.abs(phantom.x_mm - np.float32(middle)) < 0.36 * plaque.length_mm)
    phantom.fill(core, attenuation=loss)
    phantom.interface(core, 13.0, 0.6)
