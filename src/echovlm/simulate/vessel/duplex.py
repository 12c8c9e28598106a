"""The two pictures of a carotid Doppler study: colour, and colour above a spectrum (duplex)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.doppler import ColourBox, ColourImage, colour_image
from echovlm.simulate.spectrum import SpectrumImage, Waveform, draw_spectrum, scale_for
from echovlm.simulate.vessel.flow import lumen_flow, narrowest_mm
from echovlm.simulate.vessel.image import Lumen, draw_with_lumen
from echovlm.simulate.vessel.stenosis import StenosisFeatures

DOPPLER_ANGLE_DEG = 60.0
"""Angle between beam and flow in the sample volume; velocities are corrected for it."""

_MARGIN_MM = 2.5  # of the colour box around the lumen
_LINE_GREY = 230
_GAP_PX = 8  # black rows between the picture and the spectrum
_SLOWEST_SCALE_CM_PER_S = 40.0


@dataclass(frozen=True, eq=False)
class Duplex:
    """Colour picture and spectrum of one artery in one view.

    Attributes:
        image: the B-mode picture below the colour.
        lumen: where blood flows in it.
        colour: the colour picture.
        box: settings of the colour box.
        spectrum: the spectrum at the narrowest place.
        pixels: (H, W, 3) uint8, the colour picture with the sample volume above the spectrum.
        spectrum_region: rectangle of the spectrum in ``pixels``, ``(x0, y0, x1, y1)``, half-open.
        sample_volume_mm: its position (x, z).
    """

    image: BModeImage
    lumen: Lumen
    colour: ColourImage
    box: ColourBox
    spectrum: SpectrumImage
    pixels: np.ndarray
    spectrum_region: tuple[int, int, int, int]
    sample_volume_mm: tuple[float, float]


def draw_duplex(features: StenosisFeatures, rng: np.random.Generator) -> Duplex:
    """Scan the artery with colour and take a spectrum where it is narrowest."""
    image, lumen = draw_with_lumen(features.vessel, rng)
    direction = 1 if rng.random() < 0.5 else -1
    lean = 1 if rng.random() < 0.5 else -1
    gate_x = narrowest_mm(lumen)
    gate_z = float(np.interp(gate_x, lumen.x_mm, (lumen.near_mm + lumen.far_mm) / 2))
    box = _box(features, lumen, image, gate_x, lean, rng)
    flow = lumen_flow(image, lumen, features, direction, float(rng.uniform(0.75, 0.95)))
    colour = colour_image(image, flow, box, rng)
    spectrum = _spectrum(features, rng)
    slope = _slope_deg(lumen, gate_x)
    top = colour.pixels.copy()
    _draw_sample_volume(top, image, (gate_x, gate_z), lean, slope)
    pixels, region = _stacked(top, spectrum)
    return Duplex(image, lumen, colour, box, spectrum, pixels, region, (gate_x, gate_z))


def _box(
    features: StenosisFeatures,
    lumen: Lumen,
    image: BModeImage,
    gate_x: float,
    lean: int,
    rng: np.random.Generator,
) -> ColourBox:
    """Choose the colour box; slow flow is looked for with a low scale."""
    half = float(np.abs(lumen.x_mm).max())
    steering = lean * float(rng.uniform(14, 20))
    width = half * float(rng.uniform(1.0, 1.25))
    middle = float(np.clip(gate_x, -half + width / 2 + 2, half - width / 2 - 2))
    covered = np.abs(lumen.x_mm - middle) < width / 2 + 2
    bottom_of_picture = image.top_mm + image.pixels.shape[0] * image.spacing_mm
    top = max(float(lumen.near_mm[covered].min()) - _MARGIN_MM, 2.0)
    bottom = min(float(lumen.far_mm[covered].max()) + _MARGIN_MM, bottom_of_picture - 1.0)
    shift = (bottom - top) / 2 * np.tan(np.deg2rad(steering))
    is_slow = features.psv_cm_per_s < 50
    return ColourBox(
        left_mm=middle - width / 2 - shift,
        right_mm=middle + width / 2 - shift,
        top_mm=top,
        bottom_mm=bottom,
        steering_deg=steering,
        nyquist_cm_per_s=float(np.round(rng.uniform(9, 13) if is_slow else rng.uniform(34, 44))),
        wall_filter_cm_per_s=0.8 if is_slow else 2.5,
    )


def _spectrum(features: StenosisFeatures, rng: np.random.Generator) -> SpectrumImage:
    waveform = Waveform(
        features.psv_cm_per_s,
        features.edv_cm_per_s,
        features.heart_rate_per_minute,
        features.broadening,
        is_damped=features.stenosis == "near occlusion",
    )
    room = rng.uniform(0.72, 0.88) if features.is_spectrum_aliased else rng.uniform(1.15, 1.5)
    highest = max(features.psv_cm_per_s, _SLOWEST_SCALE_CM_PER_S) * float(room)
    return draw_spectrum(waveform, scale_for(highest, float(rng.uniform(3, 4.5))), rng)


def _slope_deg(lumen: Lumen, x_mm: float) -> float:
    """Return the slope of the lumen's middle, positive where it goes deeper to the right."""
    middle = (lumen.near_mm + lumen.far_mm) / 2
    before, after = np.interp([x_mm - 3, x_mm + 3], lumen.x_mm, middle)
    return float(np.rad2deg(np.arctan2(after - before, 6)))


def _draw_sample_volume(
    pixels: np.ndarray,
    image: BModeImage,
    gate_mm: tuple[float, float],
    lean: int,
    slope_deg: float,
) -> None:
    """Draw the Doppler line, the gate across it and the angle cursor along the flow."""
    # The beam lies DOPPLER_ANGLE_DEG from the direction of the flow.
    angle = np.deg2rad(slope_deg + (DOPPLER_ANGLE_DEG if lean > 0 else 180 - DOPPLER_ANGLE_DEG))
    beam = np.array([np.cos(angle), np.sin(angle)])
    normal = np.array([-beam[1], beam[0]])
    flow = np.array([np.cos(np.deg2rad(slope_deg)), np.sin(np.deg2rad(slope_deg))])
    gate = np.array(gate_mm)
    reach = np.arange(1.2, 60, image.spacing_mm / 2)[:, None]
    dashed = reach[(reach[:, 0] * 1.5).astype(int) % 2 == 0]
    short = np.linspace(-1.3, 1.3, 40)[:, None]
    long = np.concatenate([np.linspace(-5, -2, 60), np.linspace(2, 5, 60)])[:, None]
    strokes = [gate - dashed * beam, gate + dashed * beam, gate + long * flow]
    strokes += [gate + side * 0.8 * beam + short * normal for side in (-1, 1)]
    spots = np.concatenate(strokes)
    rows = np.rint((spots[:, 1] - image.top_mm) / image.spacing_mm - 0.5).astype(int)
    columns = np.rint((spots[:, 0] - image.left_mm) / image.spacing_mm).astype(int)
    height, width = image.pixels.shape
    kept = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    pixels[rows[kept], columns[kept]] = _LINE_GREY


def _stacked(
    top: np.ndarray, spectrum: SpectrumImage
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Return the picture above the spectrum, and the spectrum's rectangle."""
    bottom = np.repeat(spectrum.pixels[..., None], 3, axis=2)
    height = top.shape[0] + _GAP_PX + bottom.shape[0]
    width = max(top.shape[1], bottom.shape[1])
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: top.shape[0], : top.shape[1]] = top
    first = top.shape[0] + _GAP_PX
    pixels[first:, : bottom.shape[1]] = bottom
    x0, y0, x1, y1 = spectrum.region
    return pixels, (x0, y0 + first, x1, y1 + first)
