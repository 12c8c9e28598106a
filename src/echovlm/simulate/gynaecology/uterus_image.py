"""Draws the uterus in its long axis: serosa, myometrium, endometrium, cervix, fibroid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.simulate.bmode import BModeImage, Scan, scan_image
from echovlm.simulate.gynaecology import pelvis
from echovlm.simulate.gynaecology.uterus import UterusFeatures
from echovlm.simulate.outline import outline, ripple, window
from echovlm.simulate.phantom import ANECHOIC_DB, FLUID_ATTENUATION, Phantom

_CONTOUR = np.array(
    [
        (0.50, 0.00),
        (0.47, 0.26),
        (0.36, 0.43),
        (0.18, 0.50),
        (0.00, 0.45),
        (-0.18, 0.34),
        (-0.34, 0.29),
        (-0.46, 0.24),
        (-0.50, 0.00),
    ]
)
"""Half outline from fundus to cervix: along the axis in lengths, across it in depths."""


@dataclass(frozen=True)
class _Axis:
    """Position of the uterus: middle, direction from cervix to fundus, and bend."""

    x_mm: float
    z_mm: float
    turn_rad: float
    side: int  # 1: the lower flank lies to the right of the direction
    bend_per_mm: float
    length_mm: float
    depth_mm: float

    def place(self, along_mm: np.ndarray, across_mm: np.ndarray) -> np.ndarray:
        """Return (N, 2) positions (x, z) of points given along and across the bent axis."""
        across = np.asarray(across_mm) + self.bend_per_mm * np.asarray(along_mm) ** 2
        cos, sin = np.cos(self.turn_rad), np.sin(self.turn_rad)
        x = self.x_mm + along_mm * cos - across * sin * self.side
        z = self.z_mm + along_mm * sin + across * cos * self.side
        return np.stack([x, z], axis=-1)

    def coordinates(self, phantom: Phantom) -> tuple[np.ndarray, np.ndarray]:
        """Return (along, across) in mm of every grid point; across 0 is the cavity's midline."""
        cos, sin = np.float32(np.cos(self.turn_rad)), np.float32(np.sin(self.turn_rad))
        dx, dz = phantom.x_mm - np.float32(self.x_mm), phantom.z_mm - np.float32(self.z_mm)
        along = dx * cos + dz * sin
        across = (dz * cos - dx * sin) * np.float32(self.side)
        return along, across - np.float32(self.bend_per_mm) * along**2


def draw_uterus(features: UterusFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan one uterus in its long axis, through the vagina or through the full bladder.

    Args:
        features: what to draw.
        rng: source of the view, the surroundings and the speckle.
    """
    through_bladder = bool(rng.random() < 0.35)
    if through_bladder:
        scan = pelvis.transabdominal_scan(rng, float(rng.uniform(106, 124)))
    else:
        more = 0.35 * features.fibroid_mm if features.location == "subserosal" else 0.0
        scan = pelvis.endocavitary_scan(rng, float(rng.uniform(76, 90)) + more)
    phantom = scan.blank_phantom(pelvis.SPACING_MM * (1.5 if through_bladder else 1.0))
    pelvis.fill_background(phantom, rng, scan.depth_mm)
    pelvis.near_field(phantom, rng, rng.uniform(12, 18) if through_bladder else rng.uniform(4, 7))
    axis = _axis(features, rng, scan, through_bladder)
    if through_bladder:
        _bladder(phantom, rng, axis)
    if features.has_free_fluid:
        _fluid_behind(phantom, rng, axis, scan, bool(features.location))
    _myometrium(phantom, rng, axis)
    shift = None
    if features.location:
        shift = _fibroid_place(features, rng, axis, scan)
    _endometrium(phantom, rng, features, axis, shift)
    _cervix(phantom, rng, axis)
    if shift is not None:
        _fibroid(phantom, rng, features, axis, shift)
    return scan_image(phantom, scan, rng, height_px=272)


def _axis(
    features: UterusFeatures, rng: np.random.Generator, scan: Scan, through_bladder: bool
) -> _Axis:
    """Return how the uterus lies in this view.

    Through the vagina the fundus of an anteverted uterus points to the left of the image and that
    of a retroverted one to the right. Through the bladder the cervix always lies to the right;
    the fundus rises towards the bladder (anteverted) or sinks away from it (retroverted).
    """
    is_anteverted = features.position == "anteverted"
    if through_bladder:
        turn = 180 + (rng.uniform(6, 20) if is_anteverted else -rng.uniform(28, 42))
        x, z = rng.uniform(-6, 4), scan.depth_mm * rng.uniform(0.56, 0.62)
    else:
        lift = rng.uniform(-6, 16)
        turn = 180 + lift if is_anteverted else -lift
        x, z = rng.uniform(-5, 5), scan.depth_mm * rng.uniform(0.46, 0.52)
    return _Axis(
        x_mm=float(x),
        z_mm=float(z),
        turn_rad=float(np.deg2rad(turn)),
        side=-1 if np.cos(np.deg2rad(turn)) < 0 else 1,
        bend_per_mm=float(rng.uniform(-0.001, 0.0045)),
        length_mm=features.length_mm,
        depth_mm=features.depth_mm,
    )


def _body(phantom: Phantom, axis: _Axis, margin_mm: float, uneven: np.ndarray) -> np.ndarray:
    """Return the level set of the outer contour, grown by a margin."""
    upper = _CONTOUR[1:-1] * [1, -1]
    shape = np.concatenate([_CONTOUR, upper[::-1]])
    along = shape[:, 0] * (axis.length_mm + 2 * margin_mm)
    across = shape[:, 1] * (axis.depth_mm + 2 * margin_mm)
    points = axis.place(along, across)
    centre = axis.place(np.array(0.0), np.array(0.0))
    return outline(phantom, points, centre, uneven)


def _myometrium(phantom: Phantom, rng: np.random.Generator, axis: _Axis) -> None:
    uneven = ripple(rng, 0.018)
    fat = _body(phantom, axis, 3.0, uneven)
    phantom.fill(phantom.occupancy(fat, 3.0), echo_db=phantom.texture(rng, 4, 2.0) + 2)
    level = _body(phantom, axis, 0.0, uneven)
    along, across = axis.coordinates(phantom)
    layers = 1.2 * np.sin(
        level * np.float32(rng.uniform(16, 24)) + 0.15 * phantom.texture(rng, 6, 6)
    )
    echo = phantom.texture(rng, 3, 1.4) + layers + np.float32(rng.uniform(-9, -5))
    # The junctional zone beside the endometrium is darker than the outer myometrium.
    zone = np.exp(-((across / (0.22 * axis.depth_mm)) ** 2)) * (along > -0.2 * axis.length_mm)
    echo = (echo - 3.5 * zone).astype(np.float32)
    weight = phantom.occupancy(level, 0.8)
    phantom.specular *= 1 - weight
    phantom.fill(weight, echo_db=echo, attenuation=0.62)
    phantom.interface(level, float(rng.uniform(2.0, 4.0)), 0.7)
    _arcuate_vessels(phantom, rng, axis)


def _arcuate_vessels(phantom: Phantom, rng: np.random.Generator, axis: _Axis) -> None:
    """Draw the small dark veins of the outer myometrium."""
    for _ in range(int(rng.integers(0, 5))):
        along = rng.uniform(-0.1, 0.36) * axis.length_mm
        across = rng.choice([-1, 1]) * 0.36 * axis.depth_mm
        x, z = axis.place(np.array(along), np.array(across))
        turn = np.rad2deg(axis.turn_rad) + rng.uniform(-15, 15)
        part = window(phantom, x, z, 6)
        level = part.ellipse(x, z, rng.uniform(2, 4.5), rng.uniform(0.5, 0.9), turn)
        part.fill(part.occupancy(level, 0.5), echo_db=-24.0)


def _endometrium(
    phantom: Phantom,
    rng: np.random.Generator,
    features: UterusFeatures,
    axis: _Axis,
    fibroid: tuple[float, float] | None,
) -> None:
    """Draw the double layer and the canal; a submucosal fibroid pushes them aside."""
    along, across = axis.coordinates(phantom)
    across = across + 0.8 * np.sin(along * np.float32(rng.uniform(0.1, 0.2)))
    if fibroid is not None and features.location == "submucosal":
        reach = np.exp(-(((along - fibroid[0]) / (0.55 * features.fibroid_mm)) ** 2))
        across = across + np.sign(fibroid[1]) * 0.3 * features.fibroid_mm * reach
    front, back = 0.33 * axis.length_mm, -0.16 * axis.length_mm
    span = np.clip((along - back) / (front - back), 0, 1)
    taper = np.sqrt(np.clip(1 - (2 * span - 1) ** 4, 0, 1)) * (0.55 + 0.45 * span)
    half = np.maximum(features.endometrium_mm / 2 * taper, 0.01)
    level = (np.abs(across) / half).astype(np.float32)
    inside = (span > 0) & (span < 1)
    weight = phantom.occupancy(np.where(inside, level, 5.0).astype(np.float32), 0.7)
    line = np.exp(-((across / 0.45) ** 2)) * inside
    texture = phantom.texture(rng, 2, 1.2)
    if features.endometrium == "triple-line":
        rim = np.exp(-(((np.abs(across) - half) / 0.7) ** 2)) * inside
        phantom.fill(weight, echo_db=texture - 13)
        phantom.echogenicity_db += (17 * np.maximum(rim, line) * inside).astype(np.float32)
    else:
        bright = 3.0 if features.endometrium == "thick" else 4.0
        phantom.fill(weight, echo_db=texture + bright)
        phantom.echogenicity_db += (3 * line).astype(np.float32)
    phantom.specular += (0.5 * line * np.cos(axis.turn_rad) ** 2).astype(np.float32)


def _cervix(phantom: Phantom, rng: np.random.Generator, axis: _Axis) -> None:
    """Draw the canal, and sometimes a small retention cyst of the cervix."""
    along, across = axis.coordinates(phantom)
    inside = (along < -0.16 * axis.length_mm) & (along > -0.49 * axis.length_mm)
    canal = np.exp(-((across / 0.9) ** 2)) * inside
    phantom.echogenicity_db += (7 * canal).astype(np.float32)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.65, 0.25, 0.1]))):
        place = rng.uniform(-0.42, -0.3) * axis.length_mm, rng.choice([-1, 1]) * rng.uniform(4, 7)
        x, z = axis.place(np.array(place[0]), np.array(place[1]))
        radius = rng.uniform(1.6, 2.8)
        part = window(phantom, x, z, 5)
        pelvis.fluid(part, part.ellipse(x, z, radius, radius * 0.85))


# --- around the uterus ------------------------------------------------------------------------


def _bladder(phantom: Phantom, rng: np.random.Generator, axis: _Axis) -> None:
    """Draw the full bladder above the uterus, with reverberation under its front wall."""
    x, top = axis.x_mm + rng.uniform(0, 14), rng.uniform(15, 20)
    bottom = axis.z_mm - 0.47 * axis.depth_mm - 1
    height = max(bottom - top, 14.0)
    level = phantom.blob(
        rng,
        x,
        top + height / 2,
        rng.uniform(42, 52),
        height / 2,
        rng.uniform(-4, 8),
        roughness=0.03,
    )
    weight = phantom.occupancy(level, 0.8)
    phantom.fill(weight, echo_db=ANECHOIC_DB, attenuation=FLUID_ATTENUATION)
    depth = phantom.z_mm - np.float32(top)
    haze = -24 - 2.2 * depth + 3 * np.sin(depth * 1.6)
    phantom.echogenicity_db[:] = np.where(
        weight > 0.5, np.maximum(phantom.echogenicity_db, haze), phantom.echogenicity_db
    )
    phantom.specular *= 1 - weight
    phantom.interface(level, 4.0, 0.8)


def _fluid_behind(
    phantom: Phantom, rng: np.random.Generator, axis: _Axis, scan: Scan, has_fibroid: bool
) -> None:
    """Draw fluid in the pouch, on the side away from the transducer and clear of a fibroid."""
    along = (rng.uniform(-0.45, -0.3) if has_fibroid else rng.uniform(-0.3, 0.0)) * axis.length_mm
    x, z = axis.place(np.array(along), np.array(0.42 * axis.depth_mm))
    deepest = scan.depth_mm - 9
    width = rng.uniform(36, 48)
    pelvis.free_fluid(phantom, rng, float(x), min(float(z) + 4, deepest), width)


# --- fibroid ----------------------------------------------------------------------------------


def _fibroid_place(
    features: UterusFeatures, rng: np.random.Generator, axis: _Axis, scan: Scan
) -> tuple[float, float]:
    """Return the fibroid's centre along and across the axis, in mm.

    Of both walls the one that leaves the nodule further inside the image is taken most times.
    """
    radius = features.fibroid_mm / 2
    is_fundal = features.site == "fundus"
    along = axis.length_mm * (rng.uniform(0.27, 0.32) if is_fundal else rng.uniform(-0.04, 0.04))
    half_depth = (0.42 if is_fundal else 0.46) * axis.depth_mm
    across = {
        "subserosal": half_depth + radius * rng.uniform(0.15, 0.4),
        "intramural": half_depth - radius + rng.uniform(0.0, 1.5),
        "submucosal": radius * rng.uniform(0.45, 0.6),
    }[features.location]
    room = [_room_mm(scan, axis.place(np.array(along), np.array(s * across))) for s in (-1, 1)]
    better = -1 if room[0] > room[1] else 1
    is_forced = min(room) < radius
    flank = better if is_forced or rng.random() < 0.5 else -better
    return float(along), float(flank * across)


def _room_mm(scan: Scan, place: np.ndarray) -> float:
    """Return the distance from a place to the nearest edge of the image."""
    x, z = abs(float(place[0])), float(place[1]) + scan.radius_mm
    reach = float(np.hypot(x, z))
    flank = reach * float(np.sin(scan.half_angle_rad - np.arctan2(x, z)))
    return min(flank, reach - scan.radius_mm, scan.radius_mm + scan.depth_mm - reach)


def _fibroid(
    phantom: Phantom,
    rng: np.random.Generator,
    features: UterusFeatures,
    axis: _Axis,
    place: tuple[float, float],
) -> None:
    """Draw a dark round nodule of whorled muscle bundles with shadows behind its edges."""
    x, z = axis.place(np.array(place[0]), np.array(place[1]))
    radius = features.fibroid_mm / 2
    phantom = window(phantom, float(x), float(z), 1.2 * radius + 5)
    level = phantom.blob(
        rng,
        float(x),
        float(z),
        radius,
        radius * rng.uniform(0.9, 1.0),
        angle_deg=rng.uniform(-40, 40),
        roughness=0.02,
    )
    phantom.mark("nodule", level)
    weight = phantom.occupancy(level, 0.8)
    echo = _whorls(phantom, rng, float(x), float(z)) + np.float32(rng.uniform(-19, -15))
    phantom.specular *= 1 - weight
    phantom.fill(weight, echo_db=echo, attenuation=float(rng.uniform(0.85, 1.15)))
    rim = np.exp(-(((level - 1.0) * radius / 0.9) ** 2)) * (level > 0.9)
    phantom.echogenicity_db += (3.5 * rim).astype(np.float32)
    phantom.interface(level, float(rng.uniform(1.5, 2.5)), 0.6)
    _edge_shadows(phantom, level, radius)


def _whorls(phantom: Phantom, rng: np.random.Generator, x: float, z: float) -> np.ndarray:
    """Return the dB pattern of interlacing bundles: rings around two or three centres."""
    pattern = np.zeros_like(phantom.x_mm)
    for _ in range(int(rng.integers(2, 4))):
        cx, cz = x + rng.normal(0, 3.0), z + rng.normal(0, 3.0)
        distance = np.hypot(phantom.x_mm - np.float32(cx), phantom.z_mm - np.float32(cz))
        pattern += np.sin(
            distance * np.float32(rng.uniform(1.3, 2.0)) + np.float32(rng.uniform(0, 6))
        )
    return (2.3 * pattern + phantom.texture(rng, 3, 1.5)).astype(np.float32)


def _edge_shadows(phantom: Phantom, level: np.ndarray, radius: float) -> None:
    """Weaken the beams that graze the nodule's flanks (refraction), as extra attenuation."""
    slope_z, slope_x = np.gradient(level, phantom.spacing_mm)
    reach = phantom.radius_mm or 0.0
    beam_x, beam_z = phantom.x_mm, phantom.z_mm + np.float32(reach)
    slope = np.maximum(np.hypot(slope_z, slope_x) * np.hypot(beam_x, beam_z), 1e-6)
    grazing = 1 - np.abs(slope_x * beam_x + slope_z * beam_z) / slope
    rim = np.exp(-(((level - 1.0) * radius / 1.3) ** 2))
    strength = rim * np.clip(grazing * 3 - 2, 0, 1)
    phantom.attenuation_db_per_cm_mhz += (2.2 * strength).astype(np.float32)
