"""Pulsed-wave spectral Doppler: a velocity-time picture with known peak and end-diastolic velocity.

In each column the blood in the sample volume has velocities up to the envelope ``v(t)``, which runs
from the end-diastolic velocity (EDV) over a steep systolic upstroke to the peak systolic velocity
(PSV), through the dicrotic notch and back. Undisturbed flow fills only a band below the envelope
and leaves a dark window beneath; the more disturbed, the more of that window is filled (spectral
broadening). Grey is the logarithm of power, whose estimates are gamma-distributed. Velocities past
the end of the scale come in at the other end (aliasing). Rows and columns convert to cm/s and s
exactly, as the physical deltas of DICOM do (PS3.3 C.8.5.5.1.15 to 17, units 7 and 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.interpolate import PchipInterpolator
from scipy.special import erf

from echovlm.simulate import digits

SCALE_WIDTH_PX = 60
"""Width of the strip with the velocity scale, to the right of the spectrum."""

# Time in the beat and height of the envelope, 0 at EDV and 1 at PSV.
_BRISK = (
    (0.0, 0.025, 0.075, 0.095, 0.12, 0.20, 0.29, 0.345, 0.385, 0.47, 0.65, 0.82, 0.95, 1.0),
    (0.0, 0.06, 0.88, 1.0, 0.93, 0.66, 0.47, 0.34, 0.41, 0.35, 0.17, 0.05, 0.0, 0.0),
)
_DAMPED = (  # behind or in a nearly closed artery the upstroke is slow and the peak round
    (0.0, 0.08, 0.22, 0.28, 0.36, 0.55, 0.78, 0.94, 1.0),
    (0.0, 0.25, 0.92, 1.0, 0.9, 0.5, 0.15, 0.0, 0.0),
)
_DYNAMIC_RANGE_DB = 34.0
_NOISE_DB = -30.0  # mean noise against the band below the envelope
_EDGE_PX = 0.6  # softness of the envelope
_BAND = 0.3  # thickness of the band of undisturbed flow, as part of the envelope
_LOOKS = 3.0  # independent estimates averaged in one pixel
_TICK_GREY = 190


@dataclass(frozen=True)
class Waveform:
    """Flow through the sample volume.

    Attributes:
        psv_cm_per_s: peak systolic velocity, 0 without flow.
        edv_cm_per_s: end-diastolic velocity, not above the PSV.
        heart_rate_per_minute: mean rate; the beats' lengths vary about it.
        broadening: how much of the window below the envelope is filled, 0 to 1.
        is_damped: True for a slow upstroke.
    """

    psv_cm_per_s: float
    edv_cm_per_s: float
    heart_rate_per_minute: float
    broadening: float
    is_damped: bool = False

    def envelope(self, part: np.ndarray) -> np.ndarray:
        """Return the greatest velocity in cm/s at parts of the beat, 0 to 1."""
        height = PchipInterpolator(*(_DAMPED if self.is_damped else _BRISK))(part)
        return self.edv_cm_per_s + (self.psv_cm_per_s - self.edv_cm_per_s) * height


@dataclass(frozen=True)
class SpectrumScale:
    """What rows and columns of a spectrum mean.

    Attributes:
        seconds_per_pixel: time from one column to the next (PhysicalDeltaX).
        cm_per_s_per_pixel: velocity from one row to the row above (minus PhysicalDeltaY).
        baseline_row: row of zero velocity, counted from the top of the spectrum.
        height_px: rows of the spectrum.
    """

    seconds_per_pixel: float
    cm_per_s_per_pixel: float
    baseline_row: int
    height_px: int

    def velocity_cm_per_s(self, row: np.ndarray | float) -> np.ndarray | float:
        """Return the velocity towards the transducer at a row."""
        return (self.baseline_row - row) * self.cm_per_s_per_pixel

    @property
    def highest_cm_per_s(self) -> float:
        """Greatest velocity that is shown without aliasing."""
        return self.baseline_row * self.cm_per_s_per_pixel


@dataclass(frozen=True, eq=False)
class SpectrumImage:
    """A spectrum and its truth.

    Attributes:
        pixels: (H, W + SCALE_WIDTH_PX) uint8, the velocity scale on the right.
        region: rectangle of the spectrum itself, ``(x0, y0, x1, y1)``, half-open.
        scale: what its rows and columns mean.
        envelope_cm_per_s: (W,) true envelope in each column.
        beat_starts_px: (B,) columns at which the upstrokes begin.
        is_aliased: True where the peak lies past the end of the scale.
    """

    pixels: np.ndarray
    region: tuple[int, int, int, int]
    scale: SpectrumScale
    envelope_cm_per_s: np.ndarray
    beat_starts_px: np.ndarray
    is_aliased: bool


def scale_for(
    highest_cm_per_s: float, seconds: float, height_px: int = 200, width_px: int = 440
) -> SpectrumScale:
    """Return a scale that ends at a velocity, with a fifth of the rows below the baseline."""
    baseline = round(0.8 * height_px)
    return SpectrumScale(seconds / width_px, highest_cm_per_s / baseline, baseline, height_px)


def draw_spectrum(
    waveform: Waveform, scale: SpectrumScale, rng: np.random.Generator, width_px: int = 440
) -> SpectrumImage:
    """Draw a spectrum.

    Args:
        waveform: the flow.
        scale: rows and columns, see ``scale_for``.
        rng: source of the beats' lengths, the speckle and the noise.
        width_px: columns of the spectrum.
    """
    part, starts = _beats(waveform.heart_rate_per_minute, scale.seconds_per_pixel, width_px, rng)
    envelope = waveform.envelope(part)
    if waveform.psv_cm_per_s == 0:
        envelope = np.zeros(width_px)
    power = _folded_power(envelope, waveform.broadening, scale)
    shape = power.shape
    looks = rng.gamma(_LOOKS, 1 / _LOOKS, shape)
    noise = 10 ** (_NOISE_DB / 10) * rng.gamma(1.0, 1.0, shape)
    # Neighbouring columns share most of their pulses.
    seen = ndimage.gaussian_filter1d(power * looks + noise, 0.7, axis=1)
    level = 1 + 10 * np.log10(np.maximum(seen, 1e-9)) / _DYNAMIC_RANGE_DB
    spectrum = np.clip(235 * level, 0, 255)
    pixels = np.zeros((shape[0], width_px + SCALE_WIDTH_PX), np.uint8)
    pixels[:, :width_px] = np.rint(spectrum)
    _draw_scale(pixels, scale, width_px)
    return SpectrumImage(
        pixels=pixels,
        region=(0, 0, width_px, shape[0]),
        scale=scale,
        envelope_cm_per_s=envelope,
        beat_starts_px=starts,
        is_aliased=waveform.psv_cm_per_s > scale.highest_cm_per_s,
    )


def _beats(
    rate: float, seconds_per_pixel: float, width_px: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of the beat in each column and the columns where beats begin."""
    mean_px = 60 / rate / seconds_per_pixel
    count = int(width_px / mean_px * 1.3) + 4
    lengths = mean_px * (1 + 0.035 * np.clip(rng.standard_normal(count), -2.5, 2.5))
    starts = np.cumsum(lengths) - lengths[0] * (1 + rng.uniform(0, 1))
    columns = np.arange(width_px, dtype=float)
    beat = np.searchsorted(starts, columns, side="right") - 1
    part = (columns - starts[beat]) / (starts[beat + 1] - starts[beat])
    return part, starts[(starts >= 0) & (starts < width_px)]


def _folded_power(envelope: np.ndarray, broadening: float, scale: SpectrumScale) -> np.ndarray:
    """Return the power at each row and column, with what lies past the scale folded back in."""
    rows = np.arange(scale.height_px, dtype=float)[:, None]
    power = np.zeros((scale.height_px, envelope.size))
    for turns in range(int(envelope.max() / (scale.cm_per_s_per_pixel * rows.size)) + 2):
        velocity = (scale.baseline_row - rows + turns * scale.height_px) * scale.cm_per_s_per_pixel
        power += _power(velocity, envelope, broadening, scale)
    return power


def _power(
    velocity: np.ndarray, envelope: np.ndarray, broadening: float, scale: SpectrumScale
) -> np.ndarray:
    """Return the power at velocities, 1 in the band just below the envelope."""
    soft = _EDGE_PX * scale.cm_per_s_per_pixel

    def below(limit: np.ndarray | float) -> np.ndarray:
        return 0.5 * (1 + erf((limit - velocity) / (np.sqrt(2) * soft)))

    wall_filter = 3 * scale.cm_per_s_per_pixel
    flowing = np.maximum(below(envelope) - below(wall_filter), 0)
    band = np.clip((velocity / np.maximum(envelope, 1e-6) - (1 - 2 * _BAND)) / _BAND, 0, 1)
    floor = 10 ** ((-26 + 24 * broadening) / 10)
    return flowing * (floor + (1 - floor) * band**2)


def _draw_scale(pixels: np.ndarray, scale: SpectrumScale, width_px: int) -> None:
    """Draw baseline, a tick each second and the velocity scale with its numbers."""
    height = scale.height_px
    pixels[scale.baseline_row, :width_px] = np.maximum(pixels[scale.baseline_row, :width_px], 130)
    for second in range(1, int(width_px * scale.seconds_per_pixel) + 1):
        column = round(second / scale.seconds_per_pixel)
        if column < width_px:
            pixels[height - 4 :, column] = _TICK_GREY
    step = _tick_step(scale.highest_cm_per_s)
    lowest = int(scale.velocity_cm_per_s(float(height - 1)) // step) + 1
    for index in range(lowest, int(scale.highest_cm_per_s // step) + 1):
        row = round(scale.baseline_row - index * step / scale.cm_per_s_per_pixel)
        pixels[row, width_px : width_px + 5] = _TICK_GREY
        top = row - digits.HEIGHT_PX // 2
        if 0 <= top <= height - digits.HEIGHT_PX:
            text = str(index * step) if index else "0 cm/s"
            digits.write(pixels, text, top, width_px + 9, _TICK_GREY)


def _tick_step(highest_cm_per_s: float) -> int:
    """Return a round step that puts three to six ticks above the baseline."""
    return next(step for step in (5, 10, 20, 25, 50, 100, 200) if highest_cm_per_s / step <= 6)
