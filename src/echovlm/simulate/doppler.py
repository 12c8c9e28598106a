"""Colour Doppler: a box inside a B-mode picture that shows velocity along the beam as colour.

The scanner sees only the component of the velocity along its beam, ``v cos(angle)``. It estimates
it as the phase of the lag-one autocorrelation of the pulses, ``v = v_N arg(R) / pi`` (Kasai et al.,
IEEE Trans Sonics Ultrason 1985), so a component beyond the Nyquist velocity ``v_N`` wraps round
into the opposite colour (aliasing). A wall filter takes slow motion away. Towards the transducer is
red, away from it blue; the colour bar beside the picture runs from ``+v_N`` to ``-v_N``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from echovlm.simulate import digits
from echovlm.simulate.bmode import BModeImage

BAR_WIDTH_PX = 52
"""Width of the strip with the colour bar, to the right of the picture."""

_KERNEL_MM = (0.35, 0.5)  # how far an estimate averages, in depth and across (SD)
_PRIORITY_GREY = 215  # brighter tissue hides colour
_SHOWN_POWER = 0.3  # of the power of fully perfused blood
_FRAME_GREY = 200
_TOWARDS = ((70, 0, 0), (190, 10, 0), (250, 90, 0), (255, 235, 90))
_AWAY = ((0, 0, 80), (0, 20, 200), (0, 110, 250), (120, 240, 255))


@dataclass(frozen=True)
class ColourBox:
    """Where and how colour is measured.

    Attributes:
        left_mm: lateral position of the top left corner.
        right_mm: lateral position of the top right corner.
        top_mm: depth of the upper edge.
        bottom_mm: depth of the lower edge.
        steering_deg: tilt of the beams, positive where they lean to the right with depth; the box
            becomes a parallelogram. 0 gives a rectangle.
        nyquist_cm_per_s: greatest velocity along the beam that is shown without aliasing.
        wall_filter_cm_per_s: slower motion along the beam is not shown; above 0.
    """

    left_mm: float
    right_mm: float
    top_mm: float
    bottom_mm: float
    steering_deg: float
    nyquist_cm_per_s: float
    wall_filter_cm_per_s: float

    def contains(self, x_mm: np.ndarray, z_mm: np.ndarray) -> np.ndarray:
        """Return which positions lie inside the box."""
        across = x_mm - (z_mm - self.top_mm) * np.tan(np.deg2rad(self.steering_deg))
        inside = (across >= self.left_mm) & (across <= self.right_mm)
        return inside & (z_mm >= self.top_mm) & (z_mm <= self.bottom_mm)

    def towards(self, x_cm_per_s: np.ndarray, z_cm_per_s: np.ndarray) -> np.ndarray:
        """Return the component towards the transducer of velocities (x to the right, z down)."""
        angle = np.deg2rad(self.steering_deg)
        return -(x_cm_per_s * np.sin(angle) + z_cm_per_s * np.cos(angle))


@dataclass(frozen=True, eq=False)
class Flow:
    """Moving blood on the pixels of a picture.

    Attributes:
        x_cm_per_s: (H, W) velocity to the right, 0 where nothing flows.
        z_cm_per_s: (H, W) velocity downwards.
        blood: (H, W) share of each pixel that is moving blood, 0 to 1.
        disorder_cm_per_s: (H, W), spread of the velocities about their mean (turbulence).
    """

    x_cm_per_s: np.ndarray
    z_cm_per_s: np.ndarray
    blood: np.ndarray
    disorder_cm_per_s: np.ndarray


@dataclass(frozen=True, eq=False)
class ColourImage:
    """A picture with its colour box.

    Attributes:
        pixels: (H, W + BAR_WIDTH_PX, 3) uint8: the B-mode picture, grey and unchanged outside the
            box, with the colour bar on its right.
        velocity_cm_per_s: (H, W) float32, true component towards the transducer; NaN outside the
            box and where no blood flows.
        shown_cm_per_s: (H, W) float32, what the colour says; NaN where no colour is shown.
        inside: (H, W) bool, the box.
        region: its bounding rectangle ``(x0, y0, x1, y1)`` in pixels, half-open (DICOM PS3.3
            C.8.5.5.1.2, data type 2).
        bar: rectangle of the colour bar, the same way (data type 14).
    """

    pixels: np.ndarray
    velocity_cm_per_s: np.ndarray
    shown_cm_per_s: np.ndarray
    inside: np.ndarray
    region: tuple[int, int, int, int]
    bar: tuple[int, int, int, int]


def pixel_positions(image: BModeImage) -> tuple[np.ndarray, np.ndarray]:
    """Return (x, z) in mm of the middle of every pixel, each (H, W) float32."""
    grid: np.ndarray = np.indices(image.pixels.shape, dtype=np.float32)
    x_mm = np.float32(image.left_mm) + grid[1] * np.float32(image.spacing_mm)
    return x_mm, np.float32(image.top_mm) + (grid[0] + 0.5) * np.float32(image.spacing_mm)


def alias(velocity_cm_per_s: np.ndarray, nyquist_cm_per_s: float) -> np.ndarray:
    """Return velocities wrapped into -Nyquist to +Nyquist."""
    span = 2 * nyquist_cm_per_s
    return (velocity_cm_per_s + nyquist_cm_per_s) % span - nyquist_cm_per_s


def colour_image(
    image: BModeImage, flow: Flow, box: ColourBox, rng: np.random.Generator
) -> ColourImage:
    """Lay colour over a B-mode picture of a linear transducer.

    Args:
        image: the picture.
        flow: what moves in it.
        box: where and how colour is measured.
        rng: source of turbulence and noise.

    Raises:
        ValueError: where the box lies outside the picture.
    """
    x_mm, z_mm = pixel_positions(image)
    inside = box.contains(x_mm, z_mm)
    if not inside.any():
        raise ValueError("the colour box lies outside the picture")
    true = box.towards(flow.x_cm_per_s, flow.z_cm_per_s).astype(np.float32)
    shown = _estimate(true, flow, box, image, rng)
    shown[~inside] = np.nan
    grey = np.repeat(image.pixels[..., None], 3, axis=2)
    seen = np.isfinite(shown)
    grey[seen] = colours(shown[seen] / box.nyquist_cm_per_s)
    edge = inside & ~ndimage.binary_erosion(inside, np.ones((3, 3)))
    grey[edge] = _FRAME_GREY
    pixels, bar = _with_bar(grey, box)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return ColourImage(
        pixels=pixels,
        velocity_cm_per_s=np.where(inside & (flow.blood > 0.5), true, np.float32(np.nan)),
        shown_cm_per_s=shown,
        inside=inside,
        region=(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1),
        bar=bar,
    )


def _estimate(
    true: np.ndarray, flow: Flow, box: ColourBox, image: BModeImage, rng: np.random.Generator
) -> np.ndarray:
    """Return the estimated velocity towards the transducer, NaN where no colour is shown."""
    kernel = [length / image.spacing_mm for length in _KERNEL_MM]
    eddies = ndimage.gaussian_filter(rng.standard_normal(true.shape), np.array(kernel) * 1.2)
    eddies /= max(float(eddies.std()), 1e-9)
    moving = true + flow.disorder_cm_per_s * eddies
    passed = moving**4 / (moving**4 + box.wall_filter_cm_per_s**4)
    # Blood speckle: the power of each small volume is exponentially distributed.
    power = flow.blood * passed * rng.exponential(1.0, true.shape)
    phase = np.exp(1j * np.pi * moving / box.nyquist_cm_per_s)
    noise = 0.5 * (rng.standard_normal(true.shape) + 1j * rng.standard_normal(true.shape))
    lag_one = ndimage.gaussian_filter(power * phase + noise, kernel)
    strength = ndimage.gaussian_filter(power, kernel)
    shown = (np.angle(lag_one) / np.pi * box.nyquist_cm_per_s).astype(np.float32)
    hidden = (strength < _SHOWN_POWER) | (image.pixels > _PRIORITY_GREY)
    shown[hidden | (np.abs(shown) < box.wall_filter_cm_per_s)] = np.nan
    return shown


def colours(share: np.ndarray) -> np.ndarray:
    """Return the colour of velocities.

    Args:
        share: velocity towards the transducer over the Nyquist velocity, -1 to 1, any shape.

    Returns:
        RGB uint8 with one more axis.
    """
    places = np.linspace(0, 1, len(_TOWARDS))
    size = np.abs(share)
    towards = [np.interp(size, places, [c[k] for c in _TOWARDS]) for k in range(3)]
    away = [np.interp(size, places, [c[k] for c in _AWAY]) for k in range(3)]
    rgb = np.where((share >= 0)[..., None], np.stack(towards, -1), np.stack(away, -1))
    return np.rint(rgb).astype(np.uint8)


def _with_bar(picture: np.ndarray, box: ColourBox) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Return the picture with a colour bar and its end values on the right, and the bar's box."""
    height, width = picture.shape[:2]
    pixels = np.zeros((height, width + BAR_WIDTH_PX, 3), np.uint8)
    pixels[:, :width] = picture
    tall, left, top = min(120, height // 2), width + 18, 22
    share = np.linspace(1, -1, tall)
    ramp = colours(share)
    ramp[np.abs(share) * box.nyquist_cm_per_s < box.wall_filter_cm_per_s] = 0
    pixels[top : top + tall, left : left + 14] = ramp[:, None]
    limit = str(round(box.nyquist_cm_per_s))
    rows = (top - digits.HEIGHT_PX - 3, top + tall + 3)
    for sign, row in zip(("+", "-"), rows, strict=True):
        digits.write(pixels, sign + limit, row, width + 10, 220)
    digits.write(pixels, "cm/s", rows[1] + digits.HEIGHT_PX + 4, width + 10, 220)
    return pixels, (left, top, left + 14, top + tall)
