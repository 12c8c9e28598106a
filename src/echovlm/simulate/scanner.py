"""How scanners and their users differ: settings drawn per picture, whatever the picture shows.

An anatomy chooses settings that suit it. At the console they change: another transducer frequency,
depth and focus, more noise, uneven time gain, elements that couple badly, another dynamic range and
grey map, another size of the picture on the screen. Last of all the user turns the gain until the
picture has the brightness they like, so that brightness tells nothing of the tissue. None of it
depends on the diagnosis; structures that a report speaks of stay in the picture.

Order as in a scanner: gains in dB before compression, grey map after it (Szabo, Diagnostic
Ultrasound Imaging, 2nd edition, chapter 10).
"""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from echovlm.simulate.bmode import Envelope, Scan, compressed
from echovlm.simulate.console import at_console
from echovlm.simulate.places import Place

_SLIDERS = 8  # TGC sliders of a usual console
_LATERAL_POINTS = 7
_EDGE_MM = 3.0  # lesions keep this distance from the edges of a narrowed picture
_STEPS = 14  # halvings of the gain; 40 dB / 2^14 is far below one grey value


class Variation(StrEnum):
    """How widely settings vary from picture to picture."""

    NARROW = "narrow"
    WIDE = "wide"


@dataclass(frozen=True)
class ConsoleSettings:
    """One user's settings on one scanner, for one picture.

    Attributes:
        frequency_ratio: against the anatomy's choice.
        depth_ratio: the same, for the depth.
        width_ratio: the same, for the width or the opening angle.
        focus_ratio: the same, for the depth of the focus.
        noise_db: added to the electronic noise.
        attenuation_db_per_cm_mhz: added to what the TGC gives back.
        sliders_db: gain at evenly spaced depths, shallow first.
        lateral_db: gain at evenly spaced beams, left first; never above 0.
        dynamic_range_db: span from black to white.
        gamma: exponent of the grey map; below 1 it lifts dark grey.
        contrast: part of an S-shaped curve in the grey map, 0 to 1.
        brightness: mean grey that the user wants, as part of white.
        size_ratio: rows of the picture against the anatomy's choice.
    """

    frequency_ratio: float
    depth_ratio: float
    width_ratio: float
    focus_ratio: float
    noise_db: float
    attenuation_db_per_cm_mhz: float
    sliders_db: tuple[float, ...]
    lateral_db: tuple[float, ...]
    dynamic_range_db: float
    gamma: float
    contrast: float
    brightness: float
    size_ratio: float

    def scan(self, scan: Scan, places: tuple[Place, ...], still: bool) -> Scan:
        """Return the anatomy's settings as they are set here."""
        changed = dataclasses.replace(
            scan,
            tgc_db_per_cm_mhz=scan.tgc_db_per_cm_mhz + self.attenuation_db_per_cm_mhz,
            noise_db=scan.noise_db + self.noise_db,
            dynamic_range_db=self.dynamic_range_db,
        )
        if not still:
            return changed
        focus = scan.focus_mm or 0.55 * scan.depth_mm
        changed = dataclasses.replace(
            changed,
            frequency_mhz=float(np.clip(scan.frequency_mhz * self.frequency_ratio, 2, 15)),
            depth_mm=scan.depth_mm * self.depth_ratio,
            width_mm=scan.width_mm * self.width_ratio,
            sector_deg=scan.sector_deg * self.width_ratio,
            focus_mm=focus * self.focus_ratio,
        )
        if all(_shows(changed, place) for place in places):
            return changed
        return dataclasses.replace(
            changed,
            depth_mm=max(scan.depth_mm, changed.depth_mm),
            width_mm=max(scan.width_mm, changed.width_mm),
            sector_deg=max(scan.sector_deg, changed.sector_deg),
        )

    def gains_db(self, echo: Envelope, scan: Scan) -> np.ndarray:
        """Return what sliders and coupling add to each sample, (ranges, beams) in dB."""
        sliders = np.linspace(0, scan.depth_mm, len(self.sliders_db))
        beams = np.linspace(echo.lateral[0], echo.lateral[-1], len(self.lateral_db))
        down = np.interp(echo.range_mm, sliders, self.sliders_db).astype(np.float32)
        across = np.interp(echo.lateral, beams, self.lateral_db).astype(np.float32)
        return down[:, None] + across[None]

    def wanted_gain_db(self, level_db: np.ndarray) -> float:
        """Return the gain that gives levels in dB the brightness that is wanted."""
        seen = level_db[::3, ::3]
        low, high = -30.0, 30.0
        for _ in range(_STEPS):
            middle = (low + high) / 2
            mean = float(self.mapped(seen + np.float32(middle)).mean())
            low, high = (middle, high) if mean < 255 * self.brightness else (low, middle)
        return (low + high) / 2

    def mapped(self, level_db: np.ndarray) -> np.ndarray:
        """Return grey values 0 to 255 of levels in dB against white."""
        part = compressed(level_db, self.dynamic_range_db) / np.float32(255)
        part = part ** np.float32(self.gamma)
        curve = part * part * (3 - 2 * part)
        return 255 * (part + np.float32(self.contrast) * (curve - part))


@dataclass
class Sonographer:
    """Someone at a console: turns the gain once per still, and once per cine loop.

    Attributes:
        settings: of the console.
        gain_db: as it was turned last, None before.
    """

    settings: ConsoleSettings
    gain_db: float | None = None

    def scan(self, scan: Scan, places: tuple[Place, ...], still: bool) -> Scan:
        """Return the anatomy's settings as they are set here."""
        if still:
            self.gain_db = None
        return self.settings.scan(scan, places, still)

    def grey(self, level_db: np.ndarray, echo: Envelope, scan: Scan) -> np.ndarray:
        """Return grey values 0 to 255 of levels in dB against white."""
        uneven = level_db + self.settings.gains_db(echo, scan)
        if self.gain_db is None:
            self.gain_db = self.settings.wanted_gain_db(uneven)
        return self.settings.mapped(uneven + np.float32(self.gain_db))

    def height_px(self, height_px: int) -> int:
        """Return the rows of the picture."""
        return round(height_px * self.settings.size_ratio)


def draw_console(rng: np.random.Generator) -> ConsoleSettings:
    """Draw the settings of one picture.

    Args:
        rng: source; seed it apart from the features so that settings never depend on them.
    """
    lateral = rng.normal(0, 2.5, _LATERAL_POINTS) * (rng.random() < 0.6)
    lateral[[0, -1]] -= rng.uniform(0, 7, 2) * (rng.random(2) < 0.4)
    return ConsoleSettings(
        frequency_ratio=float(rng.uniform(0.72, 1.3)),
        depth_ratio=float(rng.uniform(0.97, 1.16)),
        width_ratio=float(rng.uniform(0.95, 1.08)),
        focus_ratio=float(rng.uniform(0.6, 1.5)),
        noise_db=float(rng.uniform(-4, 9)),
        attenuation_db_per_cm_mhz=float(rng.normal(0, 0.05)),
        sliders_db=tuple(float(value) for value in rng.normal(0, 2.2, _SLIDERS)),
        lateral_db=tuple(float(value) for value in np.minimum(lateral, 0)),
        dynamic_range_db=float(rng.uniform(42, 84)),
        gamma=float(np.exp(rng.uniform(np.log(0.65), np.log(1.6)))),
        contrast=float(rng.uniform(0, 0.7)),
        brightness=float(rng.uniform(0.17, 0.46)),
        size_ratio=float(rng.uniform(0.8, 1.6)),
    )


def console_for(variation: Variation, seed: int, picture: int) -> AbstractContextManager[None]:
    """Return the context in which one picture of a case is to be scanned.

    Args:
        variation: narrow leaves every setting to the anatomy.
        seed: of the case.
        picture: its number within the case, from 0.
    """
    if variation is Variation.NARROW:
        return nullcontext()
    settings = draw_console(np.random.default_rng([seed, picture, 0x5CA7]))
    return at_console(Sonographer(settings))


def _shows(scan: Scan, place: Place) -> bool:
    """Return whether all of a lesion lies inside the picture."""
    x0, z0, x1, z1 = place.box_mm
    corners_x, corners_z = np.array([x0, x1, x0, x1]), np.array([z0, z0, z1, z1])
    if scan.is_linear:
        deepest, widest = corners_z, np.abs(corners_x) - scan.width_mm / 2
        return bool((deepest < scan.depth_mm - _EDGE_MM).all() and (widest < -_EDGE_MM / 2).all())
    reach = np.hypot(corners_x, corners_z + scan.radius_mm)
    angle = np.abs(np.arctan2(corners_x, corners_z + scan.radius_mm))
    inside = (reach - scan.radius_mm < scan.depth_mm - _EDGE_MM).all()
    return bool(inside and (angle < scan.half_angle_rad - _EDGE_MM / scan.depth_mm).all())
