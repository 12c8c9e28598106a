"""A cine loop of one beat in the apical four-chamber view, with the true ventricle in each frame.

The volume follows ``shape.contraction``: full in frame 0, smallest where that curve peaks. In every
frame the cavity is the resting one scaled along and across its axis, so by any formula that is
homogeneous in length and width, such as area-length ``V = 0.85 A^2 / L`` (ASE/EACVI 2015,
DOI 10.1016/j.echo.2014.10.003), the loop has the ejection fraction of its features.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import ndimage

from echovlm.rads.heart import area_length_volume_ml
from echovlm.simulate.bmode import BModeImage, scan_image
from echovlm.simulate.cine import TissueScatterers
from echovlm.simulate.heart.features import HeartFeatures
from echovlm.simulate.heart.image import HEIGHT_PX, Scene, compose
from echovlm.simulate.heart.motion import origin
from echovlm.simulate.heart.shape import contraction

_CHEST_WALL_MM = 12.0  # nothing moves nearer to the transducer
_CHEST_BORDER_MM = 6.0


@dataclass(frozen=True, eq=False)
class HeartCine:
    """One simulated beat.

    Attributes:
        pixels: (N, H, W) uint8; frame 0 is end-diastole.
        ventricle: (N, H, W) bool, the true cavity of the left ventricle in each frame, papillary
            muscle counted in.
        length_mm: (N,) the cavity's true length from apex to the middle of the mitral ring.
        spacing_mm: side of a pixel.
        frame_time_ms: time between frames.
        contraction: (N,) how far the ventricle has contracted, 0 to 1.
    """

    pixels: np.ndarray
    ventricle: np.ndarray
    length_mm: np.ndarray
    spacing_mm: float
    frame_time_ms: float
    contraction: np.ndarray

    def volumes_ml(self) -> np.ndarray:
        """Return the ventricle's volume in each frame by area-length from the true masks, (N,)."""
        area_cm2 = self.ventricle.sum(axis=(1, 2)) * self.spacing_mm**2 / 100
        pairs = zip(area_cm2, self.length_mm / 10, strict=True)
        return np.array([area_length_volume_ml(float(area), float(long)) for area, long in pairs])


def draw_cine(
    features: HeartFeatures,
    rng: np.random.Generator,
    frames: int = 20,
    heart_rate_per_minute: float | None = None,
) -> HeartCine:
    """Scan one whole beat in equal steps; view and texture stay, speckle moves with the wall.

    Args:
        features: what to draw.
        rng: source of the view, the heart rate and the speckle.
        frames: number of frames; frame 0 is end-diastole and the loop closes.
        heart_rate_per_minute: length of the beat; drawn from 60 to 80 where None.
    """
    seed = int(rng.integers(2**63))
    beat_ms = float(rng.uniform(750, 1000))
    if heart_rate_per_minute is not None:
        beat_ms = 60_000 / heart_rate_per_minute
    times = np.arange(frames) / frames
    scatterers: TissueScatterers | None = None
    images, masks, lengths = [], [], []
    for time in times:
        scene = compose(features, np.random.default_rng(seed), float(time), origin)
        if scatterers is None:
            scatterers = TissueScatterers(scene.scan, rng)
        moved = scatterers.moved(partial(_before, scene))
        image = scan_image(scene.phantom, scene.scan, rng, HEIGHT_PX, moved)
        images.append(image)
        masks.append(_ventricle_mask(scene, image))
        lengths.append(scene.shape.length)
    return HeartCine(
        pixels=np.stack([image.pixels for image in images]),
        ventricle=np.stack(masks),
        length_mm=np.array(lengths),
        spacing_mm=images[0].spacing_mm,
        frame_time_ms=beat_ms / frames,
        contraction=np.array([contraction(float(time)) for time in times]),
    )


def _before(scene: Scene, x_mm: np.ndarray, z_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the tissue at image positions was at end-diastole; the chest wall stays."""
    u, v = scene.view.coordinates(x_mm, z_mm)
    before = scene.view.place(np.stack(origin(u, v, scene.shape, scene.resting), axis=-1))
    depth = np.hypot(x_mm, z_mm)
    free = np.clip((depth - _CHEST_WALL_MM) / _CHEST_BORDER_MM, 0, 1)
    return x_mm + free * (before[..., 0] - x_mm), z_mm + free * (before[..., 1] - z_mm)


def _ventricle_mask(scene: Scene, image: BModeImage) -> np.ndarray:
    """Return the cavity of the left ventricle on the pixels of the image."""
    phantom = scene.phantom
    rows, columns = np.indices(image.pixels.shape, dtype=np.float32)
    z_mm = image.top_mm + (rows + 0.5) * image.spacing_mm
    x_mm = image.left_mm + columns * image.spacing_mm
    spots = np.stack([z_mm - phantom.z_mm[0, 0], x_mm - phantom.x_mm[0, 0]]) / phantom.spacing_mm
    level = ndimage.map_coordinates(scene.ventricle, spots, order=1, mode="nearest")
    return level < 1
