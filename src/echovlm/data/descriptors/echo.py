"""Echogenicity against the tissue beside the lesion at the same depth, and echotexture.

    contrast   median over the core of (grey - median of the neighbours at the same depth)
    core       the lesion without its outer tenth, so that the drawn outline does not matter
    neighbours both sides of the lesion on the same depths, a gap away from the outline; what lies
               below the lesion (shadow, enhancement) and outside the tissue never counts

    level            (median of the core - black) / (median of the neighbours - black), where black
                     is the 1st percentile of the tissue, at most 32: displays rarely show nothing
                     as 0, and some pictures show nothing black
    empty            level < 0.20 and 90th percentile of the core < 0.35 on the same scale
    anechoic         empty, with enhancement behind it
    no word          empty, without enhancement: a dark solid lesion looks the same
    very hypoechoic  contrast < -70 grey levels and level < 0.30
    hypoechoic       contrast < -12
    isoechoic        -12 to 12
    hyperechoic      contrast > 12

    coarse         standard deviation of the smoothed grey levels over the inner core (the lesion
                   without its outer fifth), less a straight line over depth (attenuation, veil)
    patchiness     coarse / standard deviation of what the smoothing took away (mostly speckle)
    heterogeneous  coarse > 10 and patchiness > 0.70
    homogeneous    coarse < 8 and patchiness < 0.50
    no word        in between; "heterogeneous" is not sure where bright foci (2.5 standard
                   deviations above the median) with their surroundings fill a tenth

Grey levels of a log-compressed picture are proportional to decibels: contrast in dB is
contrast / 255 x dynamic range, given only where the range is known. With the usual 60 dB, 12 grey
levels are 2.8 dB, about the smallest difference that a reader names (the number is
this package's).

BI-RADS compares with subcutaneous fat and TI-RADS with thyroid tissue and strap muscle. No mask
says where those are: neighbours at the same depth are what a mask can give, free of attenuation
and time gain, and this is stated in the source of each fact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from echovlm.data.descriptors.beams import BeamView
from echovlm.data.descriptors.descriptor import Descriptor, decided, undetermined
from echovlm.data.descriptors.lesion import Lesion

EMPTY_LEVEL = 0.20
EMPTY_HIGH = 0.35
VERY_LOW_CONTRAST = -70.0
VERY_LOW_LEVEL = 0.30
ECHO_CONTRAST = 12.0
COARSE = (8.0, 10.0)
PATCHINESS = (0.50, 0.70)

_DARK_SURROUND = 30.0  # grey levels; below it the display has no room for "darker"
_CONTRAST_MARGIN = 5.0
_VERY_LOW_MARGIN = 15.0
_LEVEL_MARGIN = 0.08
_COARSE_MARGIN = 2.0
_PATCHY_MARGIN = 0.10
_BRIGHTEST_BLACK = 32.0
_BLACK = 20.0  # grey levels; below it the display cuts speckle off
_FOCUS_SPREADS = 2.5  # above the median: one pixel in 160 of normal speckle
_FOCI_SHARE = 0.10
_SIGMA_OVER_MAD = 1.4826  # standard deviation over median absolute deviation, normal distribution
_SMOOTHING_SHARE = 0.07  # of the diameter of equal area
_SMALLEST_CORE_PX = 100
_SMALLEST_SIDE_PX = 60
_DEPTH_SHARE = 0.6  # of the lesion's depths that need neighbours


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Tissue beside the lesion at its own depths, as ``(depths, beams)`` bool."""

    left: np.ndarray
    right: np.ndarray

    @property
    def both(self) -> np.ndarray:
        """Both sides together."""
        return self.left | self.right


def neighbours(view: BeamView) -> Neighbours:
    """Find the tissue beside a lesion, depth by depth."""
    wide: np.ndarray = ndimage.binary_dilation(view.mask, iterations=view.gap)
    depths = np.asarray(view.mask.any(axis=1))[:, None]
    beams = np.arange(view.mask.shape[1])
    has = wide.any(axis=1)
    first = np.where(has, wide.argmax(axis=1), 0)[:, None]
    last = np.where(has, wide.shape[1] - 1 - wide[:, ::-1].argmax(axis=1), 0)[:, None]
    free = view.tissue & depths & ~_behind(wide)
    left = free & (beams < first) & (beams >= first - view.side)
    right = free & (beams > last) & (beams <= last + view.side)
    return Neighbours(left, right)


def _behind(mask: np.ndarray) -> np.ndarray:
    """Places that lie deeper than some part of the mask on the same beam, outside the mask."""
    below: np.ndarray = np.logical_or.accumulate(mask, axis=0)
    return below & ~mask


def echogenicity(lesion: Lesion, view: BeamView, posterior: str | None) -> Descriptor:
    """Compare the lesion with the tissue beside it.

    Numbers: ``contrast at equal depth`` in grey levels, ``level`` (0 black, 1 as the neighbours),
    ``high`` (90th percentile on that scale), ``surround`` (median grey level of the neighbours)
    and ``contrast dB`` where the dynamic range is known.

    Args:
        lesion: the lesion.
        view: its neighbourhood.
        posterior: word of its posterior features, None where there is none.
    """
    name = "echogenicity"
    inner, sides = view.core, neighbours(view)
    if inner.sum() < _SMALLEST_CORE_PX:
        return undetermined(name, "the lesion is too small")
    contrast = _contrast(view, inner, sides.both)
    if np.isnan(contrast):
        return undetermined(name, "too little tissue beside the lesion at its depth")
    surround = float(np.median(view.grey[sides.both]))
    black = min(float(np.percentile(lesion.grey[lesion.tissue], 1)), _BRIGHTEST_BLACK)
    level, high = (np.percentile(view.grey[inner], (50, 90)) - black) / max(surround - black, 1)
    numbers = {"contrast at equal depth": contrast, "level": float(level), "high": float(high)}
    numbers["surround"] = surround
    if lesion.dynamic_range_db is not None:
        numbers["contrast dB"] = contrast / 255 * lesion.dynamic_range_db
    if surround - black < _DARK_SURROUND and contrast < ECHO_CONTRAST:
        return undetermined(name, "the tissue beside the lesion is too dark", numbers)
    if level < EMPTY_LEVEL and high < EMPTY_HIGH and contrast < -ECHO_CONTRAST:
        if posterior != "enhancement":
            reason = "as dark as an empty lesion, but without enhancement behind it"
            return undetermined(name, reason, numbers)
        return decided(name, "anechoic", numbers, lesion.unfit or _anechoic_doubt(numbers))
    word = _echo_word(contrast, float(level))
    return decided(
        name, word, numbers, lesion.unfit or _echo_doubt(view, inner, sides, word, numbers)
    )


def _anechoic_doubt(numbers: dict[str, float]) -> str:
    empty = numbers["level"] < EMPTY_LEVEL - _LEVEL_MARGIN
    return "" if empty and numbers["high"] < EMPTY_HIGH - _LEVEL_MARGIN else "not quite empty"


def _echo_word(contrast: float, level: float) -> str:
    if contrast < VERY_LOW_CONTRAST and level < VERY_LOW_LEVEL:
        return "very hypoechoic"
    if contrast < -ECHO_CONTRAST:
        return "hypoechoic"
    return "hyperechoic" if contrast > ECHO_CONTRAST else "isoechoic"


def _contrast(view: BeamView, inner: np.ndarray, beside: np.ndarray) -> float:
    """Median difference to the neighbours at the same depth; NaN where there are too few."""
    level = view.levels(beside)
    known = ~np.isnan(level[inner.any(axis=1)])
    if known.mean() < _DEPTH_SHARE or beside.sum() < _SMALLEST_SIDE_PX:
        return float("nan")
    return float(np.nanmedian((view.grey - level[:, None])[inner]))


def _echo_doubt(
    view: BeamView, inner: np.ndarray, sides: Neighbours, word: str, numbers: dict[str, float]
) -> str:
    """Why a word must not be stated; empty where it may."""
    contrast, level = numbers["contrast at equal depth"], numbers["level"]
    if contrast < 0 and level < EMPTY_LEVEL + _LEVEL_MARGIN:
        return "nearly empty"
    if word == "very hypoechoic":
        clear = contrast < VERY_LOW_CONTRAST - _VERY_LOW_MARGIN
        return "" if clear else "nearly only hypoechoic"
    if word == "hypoechoic" and level < VERY_LOW_LEVEL and contrast < VERY_LOW_CONTRAST / 2:
        return "nearly very hypoechoic"
    each = [_contrast(view, inner, side) for side in (sides.left, sides.right)]
    if np.isnan(each).any():
        return "tissue on one side only"
    if word == "isoechoic":
        even = max(abs(value) for value in each) < ECHO_CONTRAST - _CONTRAST_MARGIN
        return "" if even and abs(contrast) < ECHO_CONTRAST / 3 else "nearly darker or brighter"
    sign = -1 if word == "hypoechoic" else 1
    if min(sign * value for value in each) <= ECHO_CONTRAST:
        return "one side says otherwise"
    return "" if sign * contrast > ECHO_CONTRAST + _CONTRAST_MARGIN else "nearly isoechoic"


def echotexture(lesion: Lesion, view: BeamView, echogenicity: str | None) -> Descriptor:
    """Tell whether the grey levels of the core vary beyond speckle.

    Numbers: ``coarse`` in grey levels, ``patchiness``, and ``foci share`` of a heterogeneous one.

    Args:
        lesion: the lesion.
        view: its neighbourhood.
        echogenicity: word of its echogenicity; what is anechoic has no texture.
    """
    name = "echotexture"
    inner = view.deep_core
    if echogenicity == "anechoic":
        return undetermined(name, "the lesion is anechoic")
    if inner.sum() < 2 * _SMALLEST_CORE_PX:
        return undetermined(name, "the lesion is too small")
    if np.median(view.grey[inner]) < _BLACK:
        return undetermined(name, "the lesion is nearly black")
    coarse, fine = _texture(view.grey, inner)
    numbers = {"coarse": coarse, "patchiness": coarse / max(fine, 1.0)}
    ratio = numbers["patchiness"]
    if coarse > COARSE[1] and ratio > PATCHINESS[1]:
        near = coarse < COARSE[1] + _COARSE_MARGIN or ratio < PATCHINESS[1] + _PATCHY_MARGIN
        word = "heterogeneous"
        # Calcifications are foci, not echotexture, and no mask tells one from the other.
        numbers["foci share"] = _foci_share(view.grey, inner)
        near = near or numbers["foci share"] > _FOCI_SHARE
    elif coarse < COARSE[0] and ratio < PATCHINESS[0]:
        near = coarse > COARSE[0] - _COARSE_MARGIN or ratio > PATCHINESS[0] - _PATCHY_MARGIN
        word = "homogeneous"
    else:
        return undetermined(name, "between homogeneous and heterogeneous", numbers)
    return decided(
        name,
        word,
        numbers,
        lesion.unfit or ("only slightly, or by a few bright foci" if near else ""),
    )


def _texture(grey: np.ndarray, inner: np.ndarray) -> tuple[float, float]:
    """Standard deviations of the smoothed grey levels and of what smoothing took away."""
    level = _level(grey, inner)
    sigma = max(2.5, _SMOOTHING_SHARE * _diameter(inner))
    weight = ndimage.gaussian_filter(inner.astype(np.float32), sigma, truncate=2.5)
    smooth = ndimage.gaussian_filter(level * inner, sigma, truncate=2.5) / np.maximum(weight, 1e-3)
    return float(smooth[inner].std()), float((level - smooth)[inner].std())


def _foci_share(grey: np.ndarray, inner: np.ndarray) -> float:
    """Share of the inner core in and around places far brighter than its speckle."""
    level = _level(grey, inner)
    median = float(np.median(level[inner]))
    spread = _SIGMA_OVER_MAD * float(np.median(np.abs(level[inner] - median)))
    foci = ndimage.binary_dilation((level > median + _FOCUS_SPREADS * spread) & inner, iterations=2)
    return float(foci[inner].mean())


def _level(grey: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Grey levels less a straight line over depth."""
    slope, start = np.polyfit(np.nonzero(inner)[0], grey[inner], 1)
    line = (start + slope * np.arange(len(grey)))[:, None].astype(np.float32)
    flat: np.ndarray = grey - line
    return flat


def _diameter(inner: np.ndarray) -> float:
    return float(np.sqrt(inner.sum() * 4 / np.pi))
