"""From a phantom to a B-mode image: speckle, resolution, attenuation, noise, compression.

The model is convolution in beam space (Bamber and Dickinson 1980; Meunier and Bertrand 1995):
white complex scatterers, weighted by the phantom, are blurred along the beam by the pulse and
across it by a beam whose width follows the distance to the focus. What the beam lost on the way,
less what the time gain compensation (TGC) gave back, is applied sample by sample. Envelope, log
compression and scan conversion follow. It is a picture model: no refraction, no multiple
scattering.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from echovlm.simulate.console import current_console
from echovlm.simulate.phantom import Phantom
from echovlm.simulate.places import Place
from echovlm.terms import Transducer

SPEED_OF_SOUND_MM_PER_US = 1.54
"""Speed assumed by every scanner (soft tissue, 1540 m/s)."""

HEADROOM_DB = 28.0
"""White lies this far above reference speckle at 0 dB gain."""

_F_NUMBER = {
    Transducer.LINEAR: 2.24,
    Transducer.CURVILINEAR: 2.6,
    Transducer.PHASED: 3.2,
    Transducer.ENDOCAVITARY: 2.5,
}
_PULSE_WAVELENGTHS = 1.25  # axial FWHM of the pulse
_SAMPLES_PER_WIDTH = 2.4  # samples per FWHM, both ways
_SIDE_LOBE = 0.016  # amplitude of the wide pedestal under the beam
_SIDE_LOBE_WIDTH = 6.0  # its width against the main lobe
_NOISE_RISE_DB = 25.0  # noise at the face lies this far below noise at full depth
_DISPLAY_SMOOTHING_PX = 0.5
_SIGMA_PER_FWHM = 1 / 2.3548


@dataclass(frozen=True)
class Scan:
    """Settings of the scanner and geometry of its image.

    Attributes:
        transducer: decides the shape of the sector.
        frequency_mhz: centre frequency, 2 to 15.
        depth_mm: displayed depth.
        width_mm: width of the image (linear only).
        sector_deg: full opening angle (all others).
        radius_mm: radius of the face (curvilinear about 50, endocavitary about 10, phased 0).
        focus_mm: depth of best lateral resolution; 55 % of the depth where 0.
        gain_db: brightness, -10 to 10.
        dynamic_range_db: span from black to white, 45 to 70.
        tgc_db_per_cm_mhz: what the TGC gives back; equal to the tissue's attenuation it leaves
            the image even, smaller it darkens the far field.
        noise_db: electronic noise at full depth against reference speckle.
    """

    transducer: Transducer
    frequency_mhz: float
    depth_mm: float
    width_mm: float = 38.0
    sector_deg: float = 65.0
    radius_mm: float = 50.0
    focus_mm: float = 0.0
    gain_db: float = 0.0
    dynamic_range_db: float = 60.0
    tgc_db_per_cm_mhz: float = 0.5
    noise_db: float = -34.0

    @property
    def is_linear(self) -> bool:
        """True where the beams run parallel."""
        return self.transducer is Transducer.LINEAR

    @property
    def wavelength_mm(self) -> float:
        """Wavelength at the centre frequency."""
        return SPEED_OF_SOUND_MM_PER_US / self.frequency_mhz

    @property
    def focal_width_mm(self) -> float:
        """Lateral FWHM at the focus: 1.45 wavelengths x F-number."""
        return 1.45 * self.wavelength_mm * _F_NUMBER[self.transducer]

    @property
    def half_angle_rad(self) -> float:
        """Half of the opening angle; 0 for a linear transducer."""
        return 0.0 if self.is_linear else float(np.deg2rad(self.sector_deg / 2))

    @property
    def half_width_mm(self) -> float:
        """Largest lateral distance from the middle that the image shows."""
        if self.is_linear:
            return self.width_mm / 2
        widest = min(self.half_angle_rad, np.pi / 2)
        return float((self.radius_mm + self.depth_mm) * np.sin(widest))

    @property
    def top_mm(self) -> float:
        """Smallest depth in the image: 0, or negative at the flanks of a curved face."""
        return float(self.radius_mm * (np.cos(self.half_angle_rad) - 1)) if self.radius_mm else 0.0

    def beam_width_mm(self, range_mm: np.ndarray) -> np.ndarray:
        """Return the lateral FWHM at each distance from the face (mm)."""
        focus = self.focus_mm or 0.55 * self.depth_mm
        return self.focal_width_mm * np.sqrt(1 + ((range_mm - focus) / (0.55 * focus)) ** 2)

    def blank_phantom(
        self, spacing_mm: float, echo_db: float = 0.0, attenuation: float = 0.5
    ) -> Phantom:
        """Return uniform tissue that just covers this image."""
        return Phantom.blank(
            2 * self.half_width_mm,
            self.depth_mm,
            spacing_mm,
            echo_db,
            attenuation,
            radius_mm=None if self.is_linear else self.radius_mm,
            above_mm=-self.top_mm,
        )


@dataclass(frozen=True, eq=False)
class BModeImage:
    """A finished image with square pixels.

    Attributes:
        pixels: (H, W) uint8, black outside the sector.
        spacing_mm: side of a pixel.
        left_mm: lateral position of the first column.
        top_mm: depth of the first row.
        transducer: what made it.
        places: where lesions were drawn, in mm of the phantom.
    """

    pixels: np.ndarray
    spacing_mm: float
    left_mm: float
    top_mm: float
    transducer: Transducer = Transducer.LINEAR
    places: tuple[Place, ...] = ()

    def pixel(self, x_mm: float, z_mm: float) -> tuple[int, int]:
        """Return (row, column) of a position in the phantom."""
        row = (z_mm - self.top_mm) / self.spacing_mm
        return round(row), round((x_mm - self.left_mm) / self.spacing_mm)


@dataclass(frozen=True, eq=False)
class Envelope:
    """Detected amplitude along the beams, before compression.

    Attributes:
        amplitude: (ranges, beams) float32; speckle of 0 dB tissue has RMS 1.
        range_mm: distance from the face of each row.
        lateral: position of each beam across the face: mm (linear) or rad.
    """

    amplitude: np.ndarray
    range_mm: np.ndarray
    lateral: np.ndarray


def scan_image(
    phantom: Phantom,
    scan: Scan,
    rng: np.random.Generator,
    height_px: int = 280,
    scatterers: np.ndarray | None = None,
) -> BModeImage:
    """Scan a phantom.

    Args:
        phantom: tissue; beyond its grid the nearest tissue continues.
        scan: settings and geometry.
        rng: source of speckle and noise; equal seeds give bit-equal images.
        height_px: rows of the image; the columns follow from the geometry.
        scatterers: complex noise on ``scatterer_grid``, for cine loops whose speckle moves with
            the tissue (``cine.py``); drawn from ``rng`` where None.
    """
    console = current_console()
    places = tuple(phantom.places)
    if console is not None:
        scan = console.scan(scan, places, still=scatterers is None)
        height_px = console.height_px(height_px)
    echo = envelope(phantom, scan, rng, scatterers)
    level_db = 20 * np.log10(np.maximum(echo.amplitude, 1e-6)) + (scan.gain_db - HEADROOM_DB)
    if console is None:
        grey = compressed(level_db, scan.dynamic_range_db)
    else:
        grey = console.grey(level_db, echo, scan)
    return _convert(grey, echo, scan, height_px, places)


def compressed(level_db: np.ndarray, dynamic_range_db: float) -> np.ndarray:
    """Return grey values 0 to 255 of levels in dB against white, evenly spaced in dB."""
    return np.clip(255 * (1 + level_db / dynamic_range_db), 0, 255).astype(np.float32)


def envelope(
    phantom: Phantom,
    scan: Scan,
    rng: np.random.Generator,
    scatterers: np.ndarray | None = None,
) -> Envelope:
    """Return what the beams bring back, for display or for physics tests."""
    range_mm, lateral, pitch = _beams(scan)
    sigma = _beam_sigma(scan, range_mm, lateral, pitch)
    margin = _margin(sigma)
    wide = _widened(lateral, pitch, margin)
    maps = (phantom.attenuation_db_per_cm_mhz, phantom.echogenicity_db, phantom.specular)
    attenuation, echo_db, mirror = _along_beams(maps, phantom, scan, range_mm, wide)
    loss_db = _loss_db(attenuation, scan, range_mm, pitch)
    weight = np.exp(np.float32(np.log(10) / 20) * echo_db)
    mirror = mirror / _coherent_gain(sigma, scan, range_mm)[:, None]
    noise = complex_noise(rng, weight.shape) if scatterers is None else scatterers
    field = weight * noise + mirror * (1 + 0.7 * noise)
    field = _blur(field, sigma, scan, range_mm)
    field *= np.exp(np.float32(-np.log(10) / 20) * loss_db)
    inner = field[:, margin : margin + lateral.size]
    rise_db = scan.noise_db - _NOISE_RISE_DB * (1 - range_mm / scan.depth_mm)
    floor = (10 ** (rise_db / 20)).astype(np.float32)[:, None]
    inner = inner + floor * complex_noise(rng, inner.shape)
    return Envelope(np.abs(inner).astype(np.float32), range_mm, lateral)


def scatterer_grid(scan: Scan) -> tuple[np.ndarray, np.ndarray]:
    """Return where scatterers lie: ranges (mm) and beam positions (mm, or rad where they fan out).

    The beams reach past both edges of the image, because what lies there blurs into it.
    """
    range_mm, lateral, pitch = _beams(scan)
    margin = _margin(_beam_sigma(scan, range_mm, lateral, pitch))
    return range_mm, _widened(lateral, pitch, margin)


def _beam_sigma(scan: Scan, range_mm: np.ndarray, lateral: np.ndarray, pitch: float) -> np.ndarray:
    """Return the beam's standard deviation at each range, in beams."""
    width = scan.beam_width_mm(range_mm)
    if not scan.is_linear:
        width = width / np.maximum(scan.radius_mm + range_mm, 0.5)
    return np.clip(width / pitch * _SIGMA_PER_FWHM, 0.4, lateral.size / 4)


def _margin(sigma: np.ndarray) -> int:
    """Return how many beams past an edge still blur into the image."""
    return int(np.ceil(3 * np.median(sigma)))


def _widened(lateral: np.ndarray, pitch: float, margin: int) -> np.ndarray:
    return np.arange(-margin, lateral.size + margin) * pitch + lateral[0]


def _beams(scan: Scan) -> tuple[np.ndarray, np.ndarray, float]:
    """Return ranges (mm), beam positions (mm or rad) and their pitch."""
    step = _PULSE_WAVELENGTHS * scan.wavelength_mm / _SAMPLES_PER_WIDTH
    range_mm = np.arange(0, scan.depth_mm + step, step, dtype=np.float32)
    width = scan.beam_width_mm(range_mm)
    if scan.is_linear:
        half = scan.width_mm / 2
    else:
        half = scan.half_angle_rad
        width = (width / np.maximum(scan.radius_mm + range_mm, 1e-3))[range_mm > 1]
    count = int(np.ceil(2 * half / (float(width.min()) / _SAMPLES_PER_WIDTH))) + 1
    lateral = np.linspace(-half, half, count, dtype=np.float32)
    return range_mm, lateral, 2 * half / (count - 1)


def _along_beams(
    maps: tuple[np.ndarray, ...],
    phantom: Phantom,
    scan: Scan,
    range_mm: np.ndarray,
    lateral: np.ndarray,
) -> list[np.ndarray]:
    """Sample maps along the beams, bilinearly; off the grid the nearest tissue goes on.

    Parallel beams lie on the grid's axes, so each axis is interpolated alone, which is faster.
    """
    spacing = np.float32(phantom.spacing_mm)
    z0, x0 = phantom.z_mm[0, 0], phantom.x_mm[0, 0]
    if scan.is_linear:
        rows, columns = (range_mm - z0) / spacing, (lateral.astype(np.float32) - x0) / spacing
        return [_interpolate(_interpolate(values, rows, 0), columns, 1) for values in maps]
    reach = (range_mm + scan.radius_mm)[:, None].astype(np.float32)
    angle = lateral.astype(np.float32)[None]
    z, x = reach * np.cos(angle) - np.float32(scan.radius_mm), reach * np.sin(angle)
    return _bilinear(maps, (z - z0) / spacing, (x - x0) / spacing)


def _bilinear(
    maps: tuple[np.ndarray, ...], rows: np.ndarray, columns: np.ndarray
) -> list[np.ndarray]:
    """Interpolate equally shaped maps at fractional positions, clipped to the grid.

    The weights serve all maps, which makes this faster than ``ndimage.map_coordinates``.
    """
    height, width = maps[0].shape
    rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    row = np.minimum(rows.astype(np.int32), height - 2)
    column = np.minimum(columns.astype(np.int32), width - 2)
    down, right = (rows - row).astype(np.float32), (columns - column).astype(np.float32)
    corner = row * np.int32(width) + column
    results = []
    for values in maps:
        flat = np.ascontiguousarray(values).ravel()
        top, bottom = flat.take(corner), flat.take(corner + width)
        top += right * (flat.take(corner + 1) - top)
        bottom += right * (flat.take(corner + (width + 1)) - bottom)
        top += down * (bottom - top)
        results.append(top)
    return results


def _interpolate(values: np.ndarray, positions: np.ndarray, axis: int) -> np.ndarray:
    """Interpolate linearly along one axis at fractional positions, clipped to the grid."""
    positions = np.clip(positions, 0, values.shape[axis] - 1)
    lower = np.minimum(positions.astype(np.intp), values.shape[axis] - 2)
    part = (positions - lower).astype(np.float32)
    part = part[:, None] if axis == 0 else part
    first = values.take(lower, axis=axis)
    return first + part * (values.take(lower + 1, axis=axis) - first)


def _loss_db(attenuation: np.ndarray, scan: Scan, range_mm: np.ndarray, pitch: float) -> np.ndarray:
    """Return the two-way loss less TGC at each sample, smeared by the aperture."""
    step_cm = float(range_mm[1] - range_mm[0]) / 10
    excess = attenuation - np.float32(scan.tgc_db_per_cm_mhz)
    loss = np.cumsum(excess, axis=0, dtype=np.float32)
    loss *= np.float32(2 * scan.frequency_mhz * step_cm)
    focus = scan.focus_mm or 0.55 * scan.depth_mm
    smear = scan.focal_width_mm / (1.0 if scan.is_linear else focus + scan.radius_mm)
    return ndimage.gaussian_filter1d(loss, smear / pitch, axis=1, mode="nearest", truncate=3)


def _pulse_sigma(scan: Scan, range_mm: np.ndarray) -> float:
    """Return the pulse's standard deviation in samples."""
    step = float(range_mm[1] - range_mm[0])
    return _PULSE_WAVELENGTHS * scan.wavelength_mm * _SIGMA_PER_FWHM / step


def _unit_energy(sigma: np.ndarray | float) -> np.ndarray:
    """Return the factor that gives a unit-sum Gaussian unit energy; it is its gain for a line."""
    return np.sqrt(2 * np.asarray(sigma) * np.sqrt(np.pi)).astype(np.float32)


def _coherent_gain(sigma: np.ndarray, scan: Scan, range_mm: np.ndarray) -> np.ndarray:
    """Return by how much blurring raises an extended interface against speckle."""
    return _unit_energy(sigma) * _unit_energy(_pulse_sigma(scan, range_mm))


def _blur(field: np.ndarray, sigma: np.ndarray, scan: Scan, range_mm: np.ndarray) -> np.ndarray:
    """Blur by the pulse along the beam and by the depth-dependent beam across it."""
    pulse = _pulse_sigma(scan, range_mm)
    size = fft.next_fast_len(field.shape[1] + int(4 * np.median(sigma)))
    frequency = fft.fftfreq(size).astype(np.float32) ** 2
    main = sigma.astype(np.float32)[:, None]
    exponent = np.float32(-2 * np.pi**2) * main**2 * frequency
    across = _unit_energy(main) * np.exp(exponent)
    lobe = _unit_energy(_SIDE_LOBE_WIDTH * main) * np.exp(_SIDE_LOBE_WIDTH**2 * exponent)
    spectrum = fft.fft(field.astype(np.complex64), size, axis=1)
    spectrum *= across + np.float32(_SIDE_LOBE) * lobe
    field = fft.ifft(spectrum, axis=1, overwrite_x=True)[:, : field.shape[1]]
    field *= _unit_energy(pulse)
    return ndimage.gaussian_filter1d(field, pulse, axis=0, mode="nearest", truncate=3)


def complex_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return circular complex Gaussian noise of RMS 1, complex64."""
    parts = rng.standard_normal((*shape, 2), dtype=np.float32) * np.float32(np.sqrt(0.5))
    return parts.view(np.complex64)[..., 0]


def _convert(
    grey: np.ndarray, echo: Envelope, scan: Scan, height_px: int, places: tuple[Place, ...]
) -> BModeImage:
    """Resample beam space to square pixels; outside the sector stays black."""
    spacing = (scan.depth_mm - scan.top_mm) / height_px
    width_px = max(round(2 * scan.half_width_mm / spacing), 8)
    left = -(width_px - 1) / 2 * spacing
    x = (left + np.arange(width_px) * spacing).astype(np.float32)[None]
    z = (scan.top_mm + (np.arange(height_px) + 0.5) * spacing).astype(np.float32)[:, None]
    if scan.is_linear:
        lateral, reach = np.broadcast_arrays(x, z)
    else:
        lateral = np.arctan2(x, z + np.float32(scan.radius_mm))
        reach = np.hypot(x, z + np.float32(scan.radius_mm)) - np.float32(scan.radius_mm)
    step = echo.range_mm[1] - echo.range_mm[0]
    pitch = echo.lateral[1] - echo.lateral[0]
    # One display pixel may span several samples along the beam: average them before sampling.
    grey = ndimage.gaussian_filter1d(grey, max(0.4 * spacing / float(step), 0.3), axis=0)
    pixels = _bilinear((grey,), reach / step, (lateral - echo.lateral[0]) / pitch)[0]
    pixels = ndimage.gaussian_filter(pixels, _DISPLAY_SMOOTHING_PX, truncate=2)
    outside = (reach < 0) | (reach > scan.depth_mm)
    if not scan.is_linear:
        outside |= np.abs(lateral) > scan.half_angle_rad
    pixels[outside] = 0
    return BModeImage(
        pixels=np.rint(pixels).astype(np.uint8),
        spacing_mm=float(spacing),
        left_mm=float(left),
        top_mm=scan.top_mm,
        transducer=scan.transducer,
        places=places,
    )
