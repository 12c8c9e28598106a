"""Draws the apical four-chamber view: walls, cavities, valves, pericardium, surroundings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from echovlm.simulate.bmode import BModeImage, Scan, scan_image
from echovlm.simulate.heart.features import HeartFeatures
from echovlm.simulate.heart.motion import coarse_origin
from echovlm.simulate.heart.shape import HeartShape, contraction, valve_opening
from echovlm.simulate.outline import outline, ripple
from echovlm.simulate.phantom import ANECHOIC_DB, FLUID_ATTENUATION, Phantom
from echovlm.terms import Transducer

HEIGHT_PX = 272
_SPACING_MM = 0.6
_BLOOD_DB = -38.0


Origin = Callable[[np.ndarray, np.ndarray, HeartShape, HeartShape], tuple[np.ndarray, np.ndarray]]
"""Where tissue at (u, v) of a shape was in the resting shape, see ``motion.py``."""


def draw(features: HeartFeatures, rng: np.random.Generator) -> BModeImage:
    """Scan one still at a moment when the mitral valve is as the features say."""
    moments = (0.46, 0.57) if features.mitral_valve == "open" else (0.0, 0.28)
    time = float(rng.uniform(*moments))
    rng = np.random.default_rng(int(rng.integers(2**63)))
    scene = compose(features, rng, time)
    return scan_image(scene.phantom, scene.scan, rng, height_px=HEIGHT_PX)


@dataclass(frozen=True, eq=False)
class Scene:
    """One moment, ready to be scanned.

    Attributes:
        phantom: tissue.
        scan: scanner settings.
        view: how the heart lies in the image.
        shape: the heart now.
        resting: the heart at end-diastole.
        ventricle: level set of the left ventricle's cavity on the phantom's grid.
    """

    phantom: Phantom
    scan: Scan
    view: _View
    shape: HeartShape
    resting: HeartShape
    ventricle: np.ndarray


def compose(
    features: HeartFeatures, rng: np.random.Generator, time: float, origin: Origin = coarse_origin
) -> Scene:
    """Draw one moment of the beat.

    Args:
        features: what to draw.
        rng: source of everything random, which never depends on the time.
        time: moment in the beat, 0 to 1.
        origin: how the wall carries its texture.
    """
    resting = _resting_shape(features, rng)
    fraction = features.ejection_fraction_percent / 100
    shape = resting.contracted(contraction(time), fraction)
    scan, view = _view(features, rng, resting)
    phantom = scan.blank_phantom(_SPACING_MM)
    ventricle = view.fill(phantom, rng, shape, resting, features.effusion_mm, origin)
    view.valves(phantom, rng, shape, valve_opening(time))
    _clutter(phantom, rng, scan)
    return Scene(phantom, scan, view, shape, resting, ventricle)


def _resting_shape(features: HeartFeatures, rng: np.random.Generator) -> HeartShape:
    radius = features.left_ventricle_diastolic_mm / 2
    large = 1.32 if features.is_left_atrium_large else 1.0
    return HeartShape(
        is_round=features.is_dilated,
        radius=radius,
        length=features.left_ventricle_length_mm,
        resting_length=features.left_ventricle_length_mm,
        wall=features.wall_mm,
        right_width=float(rng.uniform(29, 35)),
        left_atrium=(float(rng.uniform(18, 20.5)) * large, float(rng.uniform(36, 41)) * large),
        right_atrium=(float(rng.uniform(17, 19.5)), float(rng.uniform(30, 36))),
        dent=float(rng.uniform(9, 12)) * features.has_atrial_collapse,
    )


def _view(
    features: HeartFeatures, rng: np.random.Generator, resting: HeartShape
) -> tuple[Scan, _View]:
    """Return the scanner's settings and how the heart lies in the sector."""
    apex_z = float(rng.uniform(19, 26)) + 0.55 * features.effusion_mm
    reach = resting.resting_length + resting.left_atrium[1]
    turn = float(rng.uniform(-13, -3))
    # Both flanks share the sector: a wide right half pushes the apex to the right.
    apex_x = resting.right_width * 0.42 - resting.radius * 0.12 + float(rng.uniform(-6, 6))
    scan = Scan(
        transducer=Transducer.PHASED,
        frequency_mhz=float(rng.uniform(2.4, 3.2)),
        depth_mm=apex_z + reach + float(rng.uniform(12, 26)),
        sector_deg=float(rng.uniform(80, 92)),
        radius_mm=0.0,
        focus_mm=float(rng.uniform(70, 110)),
        gain_db=float(rng.uniform(-7, 7)),
        dynamic_range_db=float(rng.uniform(48, 66)),
        tgc_db_per_cm_mhz=0.45 + float(rng.uniform(-0.04, 0.04)),
        noise_db=float(rng.uniform(-38, -28)),
    )
    return scan, _View(apex_x, apex_z, np.deg2rad(turn))


@dataclass(frozen=True)
class _View:
    """Where the heart lies in the image, and the drawing of it there."""

    apex_x_mm: float
    apex_z_mm: float
    turn_rad: float

    def place(self, points: np.ndarray) -> np.ndarray:
        """Return image positions (x, z) of the heart's own points (u, v)."""
        cos, sin = np.cos(self.turn_rad), np.sin(self.turn_rad)
        u, v = points[..., 0], points[..., 1]
        return np.stack(
            [self.apex_x_mm + u * cos - v * sin, self.apex_z_mm + u * sin + v * cos], axis=-1
        )

    def coordinates(self, x_mm: np.ndarray, z_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the heart's own (u, v) of image positions."""
        cos, sin = np.float32(np.cos(self.turn_rad)), np.float32(np.sin(self.turn_rad))
        dx = x_mm - np.float32(self.apex_x_mm)
        dz = z_mm - np.float32(self.apex_z_mm)
        return dx * cos + dz * sin, dz * cos - dx * sin

    def fill(
        self,
        phantom: Phantom,
        rng: np.random.Generator,
        shape: HeartShape,
        resting: HeartShape,
        effusion_mm: float,
        origin: Origin = coarse_origin,
    ) -> np.ndarray:
        """Draw the surroundings, the pericardium and its fluid, the muscle and the cavities.

        Returns:
            The level set of the left ventricle's cavity.
        """
        self._surroundings(phantom, rng, resting)
        centre = self.place(np.array([-0.3 * resting.right_width, 0.7 * resting.length]))
        uneven = ripple(rng, 0.012)
        # A sac full of fluid stays while the heart moves in it; an empty one moves along.
        still = dataclasses.replace(resting, dent=0.0)
        around = still.outside(effusion_mm) if effusion_mm else shape.outside(0.8)
        sac = outline(phantom, self.place(around), centre, uneven)
        muscle = outline(phantom, self.place(shape.outside(0.0)), centre, uneven)
        self._pericardium(phantom, rng, sac, bool(effusion_mm))
        self._muscle(phantom, rng, muscle, shape, resting, origin)
        if effusion_mm:
            phantom.interface(muscle, 1.6, 0.9, floor=0.2)
        return self._cavities(phantom, rng, shape)

    def _surroundings(
        self, phantom: Phantom, rng: np.random.Generator, resting: HeartShape
    ) -> None:
        """Draw lung and liver beside the heart, the brighter mediastinum and the aorta behind."""
        phantom.echogenicity_db += phantom.texture(rng, 28, 4.5) + phantom.texture(rng, 5, 2.0)
        phantom.echogenicity_db += np.float32(rng.uniform(-17, -8))
        phantom.attenuation_db_per_cm_mhz[:] = 0.45
        _, v = self.coordinates(phantom.x_mm, phantom.z_mm)
        back = resting.resting_length + resting.left_atrium[1]
        behind = np.clip((v - back + 6) / 12, 0, 1)
        phantom.echogenicity_db += (rng.uniform(4, 9) * behind).astype(np.float32)
        side = rng.uniform(0.3, 1.1) * resting.left_atrium[0]
        if rng.random() < 0.6:
            aorta = self.place(np.array([(side, back + rng.uniform(12, 16))]))
            _stroke(phantom, aorta, float(rng.uniform(15, 20)), _BLOOD_DB + 6)

    def _pericardium(
        self, phantom: Phantom, rng: np.random.Generator, sac: np.ndarray, has_fluid: bool
    ) -> None:
        distance = (sac - 1) * 55  # mm, near enough beside the sac
        slope_z, slope_x = np.gradient(sac)
        reach = np.maximum(np.hypot(phantom.x_mm, phantom.z_mm) * np.hypot(slope_z, slope_x), 1e-6)
        facing = np.abs(slope_x * phantom.x_mm + slope_z * phantom.z_mm) / reach
        band = np.exp(-(((distance - 1.2) / 1.8) ** 2)) * (0.3 + 0.7 * facing)
        patchy = np.clip(1 + phantom.texture(rng, 16, 0.6), 0.05, 2)
        phantom.echogenicity_db += (rng.uniform(5, 10) * band * patchy).astype(np.float32)
        inside = phantom.occupancy(sac, 1.0)
        if has_fluid:
            phantom.fill(inside, echo_db=ANECHOIC_DB, attenuation=FLUID_ATTENUATION)
        else:
            phantom.fill(inside, echo_db=phantom.texture(rng, 4, 2) - 3)
        amplitude = (rng.uniform(2.5, 4.5) * patchy).astype(np.float32)
        phantom.interface(sac, amplitude, 1.6, floor=0.1)

    def _muscle(
        self,
        phantom: Phantom,
        rng: np.random.Generator,
        level: np.ndarray,
        shape: HeartShape,
        resting: HeartShape,
        origin: Origin,
    ) -> None:
        """Draw the heart's solid part; its texture moves with the wall."""
        u, v = self.coordinates(phantom.x_mm, phantom.z_mm)
        texture = phantom.texture(rng, 2.2, 3.0) + phantom.texture(rng, 13, 3.2)
        texture = self._carried(phantom, texture, origin(u, v, shape, resting))
        # Fat in the groove between atria and ventricles is brighter than muscle.
        groove = np.exp(-(((v - shape.length - 1) / 6) ** 2))
        echo = texture + np.float32(rng.uniform(-8, -3)) + 4 * groove.astype(np.float32)
        weight = phantom.occupancy(level, 1.2)
        phantom.specular *= 1 - phantom.occupancy(level / np.float32(0.97), 1.0)
        phantom.fill(weight, echo_db=echo, attenuation=0.5)

    def _carried(
        self, phantom: Phantom, field: np.ndarray, before: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """Return a field that moved along with the tissue, which was at ``before``."""
        x, z = np.moveaxis(self.place(np.stack(before, axis=-1)), -1, 0)
        spot = (
            (z - phantom.z_mm[0, 0]) / phantom.spacing_mm,
            (x - phantom.x_mm[0, 0]) / phantom.spacing_mm,
        )
        return ndimage.map_coordinates(field, spot, order=1, mode="nearest")

    def _cavities(
        self, phantom: Phantom, rng: np.random.Generator, shape: HeartShape
    ) -> np.ndarray:
        """Draw the four cavities; return the level set of the left ventricle."""
        blood = phantom.texture(rng, 10, 3.0) + np.float32(_BLOOD_DB)
        left, right = shape.left_atrium_outline(), shape.right_atrium_outline()
        pairs = (
            ((shape.left_ventricle(), None), (left, left.mean(axis=0))),
            ((shape.right_ventricle(), shape.right_middle), (right, right.mean(axis=0))),
        )
        ventricles = []
        for ventricle, atrium in pairs:
            rough = self._outline(phantom, ventricle[0], ventricle[1], ripple(rng, 0.024, 22))
            smooth = self._outline(phantom, atrium[0], atrium[1], ripple(rng, 0.035, 6))
            ventricles.append(rough)
            level = np.minimum(rough, smooth)  # one space: the valve between them is a thin sheet
            weight = phantom.occupancy(level, 1.8)
            phantom.fill(weight, echo_db=blood, attenuation=0.1)
            phantom.specular *= 1 - weight
            phantom.interface(level, float(rng.uniform(0.8, 1.8)), 1.0, floor=0.08)
        self._inner_parts(phantom, rng, shape)
        return ventricles[0]

    def _outline(
        self, phantom: Phantom, points: np.ndarray, middle: np.ndarray | None, uneven: np.ndarray
    ) -> np.ndarray:
        """Return the level set of an outline given in the heart's own coordinates."""
        centre = None if middle is None else self.place(middle)
        return outline(phantom, self.place(points), centre, uneven)

    def _inner_parts(self, phantom: Phantom, rng: np.random.Generator, shape: HeartShape) -> None:
        """Draw papillary muscle, moderator band, lung veins and the thin place of the septum."""
        flank = shape.side(np.array([0.4, 0.6]))
        at = np.array([(flank[0], 0.4 * shape.length), (flank[1] * 0.82, 0.6 * shape.length)])
        _stroke(phantom, self.place(at), 5.5, -7.0)
        band = np.array(
            [
                (-shape.radius * 0.88 - shape.wall, 0.5 * shape.length),
                (-shape.radius - shape.wall - 0.62 * shape.right_width, 0.5 * shape.length),
            ]
        )
        if rng.random() < 0.6:
            _stroke(phantom, self.place(band), 2.2, -9.0)
        septal = -shape.radius * 0.8 - shape.wall
        for _ in range(3):  # trabeculae towards the tip of the right ventricle
            start = np.array([septal - rng.uniform(2, 9), rng.uniform(0.3, 0.46) * shape.length])
            bar = start + np.array([(0, 0), (rng.uniform(-6, 2), rng.uniform(4, 10))])
            _stroke(phantom, self.place(bar), 1.4, -10.0)
        half, length = shape.left_atrium
        back = shape.resting_length + length
        for sign in (-1, 1):
            start = np.array([sign * half * 0.62, back - 8])
            vein = start + np.array([(0, 0), (sign * rng.uniform(5, 9), rng.uniform(13, 18))])
            _stroke(phantom, self.place(vein), rng.uniform(4.5, 7), _BLOOD_DB)
        fossa = np.array([(-half * 0.94 - 1.2, shape.length + 0.42 * length)])
        if rng.random() < 0.7:
            _stroke(phantom, self.place(fossa), 7.0, -17.0)

    def valves(
        self, phantom: Phantom, rng: np.random.Generator, shape: HeartShape, opening: float
    ) -> None:
        """Draw both valves; ``opening`` runs from 0 (closed) to 1 (wide open)."""
        ring, base = shape.ring, shape.length + 1.0
        bright = float(rng.uniform(3, 7))
        hinges = np.array([(-ring * 0.94, base), (ring * 0.96, base)])
        self._leaflets(phantom, hinges, 0.58, opening, bright)
        right_hinges = shape.tricuspid + np.array([0, 1.0])
        self._leaflets(phantom, right_hinges, 0.62, opening, bright - 1)
        for spot in (*hinges, *right_hinges):
            size = float(rng.uniform(2.5, 4.5))
            _stroke(phantom, self.place(np.array([spot])), size, bright + 1)
        muscle = float(shape.side(np.array(0.6))) * 0.8
        tip = np.array([(ring * 0.45, base - 13.0), (muscle, 0.62 * shape.length)])
        _stroke(phantom, self.place(tip), 0.9, -13.0)

    def _leaflets(
        self, phantom: Phantom, hinges: np.ndarray, split: float, opening: float, echo_db: float
    ) -> None:
        """Draw the two leaflets of one valve as curved strokes from their hinges.

        Args:
            phantom: the grid.
            hinges: (2, 2) left and right hinge in (u, v).
            split: where the tips meet when closed, as part of the ring from the left.
            opening: 0 closed to 1 wide open.
            echo_db: brightness.
        """
        left, right = hinges
        span = right - left
        meet = left + split * span + (0, -5.5)
        for hinge, length, sign in ((left, split, 1), (right, 1 - split, -1)):
            reach = np.hypot(*span) * length + 3.0
            turn = np.deg2rad(72)
            opened = hinge + reach * np.array([sign * np.cos(turn), -np.sin(turn)])
            tip = meet + (opened - meet) * opening
            bow = np.array([sign * 1.2, -2.5]) * (1 - opening) + np.array([sign * 3.5, 0]) * opening
            middle = (hinge + tip) / 2 + bow
            part = np.linspace(0, 1, 24)[:, None]
            curve = (1 - part) ** 2 * hinge + 2 * part * (1 - part) * middle + part**2 * tip
            _stroke(phantom, self.place(curve), 1.3, echo_db)
            _stroke(phantom, self.place(tip[None]), 2.2, echo_db)


def _stroke(phantom: Phantom, points_mm: np.ndarray, width_mm: float, echo_db: float) -> None:
    """Draw a line through points (x, z) with a soft edge; one point gives a dot."""
    if len(points_mm) > 1:
        steps = np.linspace(0, len(points_mm) - 1, 30)
        index = np.arange(len(points_mm))
        points_mm = np.stack([np.interp(steps, index, points_mm[:, k]) for k in (0, 1)], axis=1)
    reach = width_mm + 1.0
    low, high = points_mm.min(axis=0) - reach, points_mm.max(axis=0) + reach
    origin = np.array([phantom.x_mm[0, 0], phantom.z_mm[0, 0]])
    first = np.maximum(((low - origin) / phantom.spacing_mm).astype(int), 0)
    last = np.maximum(((high - origin) / phantom.spacing_mm).astype(int) + 1, 0)
    window = (slice(first[1], last[1]), slice(first[0], last[0]))
    x, z = phantom.x_mm[window], phantom.z_mm[window]
    if x.size == 0:
        return
    away = np.full(x.shape, np.inf, np.float32)
    for px, pz in points_mm.astype(np.float32):
        np.minimum(away, (x - px) ** 2 + (z - pz) ** 2, out=away)
    weight = np.clip((width_mm / 2 + 0.5 - np.sqrt(away)) / 1.0, 0, 1)
    echo = phantom.echogenicity_db[window]
    echo += weight * (np.float32(echo_db) - echo)


def _clutter(phantom: Phantom, rng: np.random.Generator, scan: Scan) -> None:
    """Add the chest wall, its reverberations over the apex, and beams lost to ribs and lung."""
    reach = phantom.range_mm
    wall = rng.uniform(9, 13)
    layers = 4 * np.sin(reach * np.float32(2 * np.pi / rng.uniform(2.6, 4))) + rng.uniform(-2, 4)
    phantom.fill(reach < wall, echo_db=(layers + phantom.texture(rng, 5, 2)).astype(np.float32))
    haze = rng.uniform(-14, -6) - (reach - wall) * rng.uniform(0.45, 0.8)
    haze = haze + 2.5 * np.sin(reach * np.float32(2 * np.pi / rng.uniform(5, 8)))
    haze += phantom.texture(rng, 8, 3)
    phantom.echogenicity_db[:] = np.maximum(phantom.echogenicity_db, haze)
    angle = np.arctan2(phantom.x_mm, np.maximum(phantom.z_mm, 1e-3)) / scan.half_angle_rad
    grid = np.linspace(-1, 1, 9)
    loss = np.abs(ndimage.gaussian_filter1d(rng.normal(0, 4.5, 9), 0.7))
    loss[[0, -1]] += rng.uniform(0, 9, 2)
    shade = np.interp(angle, grid, loss).astype(np.float32)
    shade *= np.clip((reach - wall) / 25, 0, 1)
    phantom.echogenicity_db -= shade
    phantom.specular *= 10 ** (-shade / 20)
