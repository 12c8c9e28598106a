"""Posterior features: the band behind the lesion against its neighbours at the same depth.

    band        beams of the middle 70 % of the lesion's width (edge shadows are left out), from
                a gap below its lower border, 0.8 of its extent in depth
    neighbours  tissue on both sides on the same depths, a gap away from the lesion's widest beams
    difference  median over the depths of (median of the band - median of the neighbours)

    enhancement   difference > 14 grey levels     shadowing   difference < -14
    combined      one third of the band enhanced, another shadowed, each by 14 or more
    none          otherwise

No word where the band is short of tissue, where the neighbours are too dark to show a shadow, or
where the beams' direction is unknown.

Source: ACR BI-RADS Ultrasound, 5th edition (2013), posterior features; the numbers are this
package's. 14 grey levels are 3.3 dB at the usual 60 dB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.data.descriptors.beams import SMALLEST_BAND_PX, BeamView
from echovlm.data.descriptors.descriptor import Descriptor, decided, undetermined
from echovlm.data.descriptors.lesion import Lesion

POSTERIOR_CONTRAST = 14.0

_MARGIN = 8.0
_MIDDLE_SHARE = 0.7
_DARK = 25.0


@dataclass(frozen=True, eq=False)
class Behind:
    """Bands behind (or above) a lesion, as ``(depths, beams)`` bool."""

    band: np.ndarray
    left: np.ndarray
    right: np.ndarray


def bands_behind(view: BeamView) -> Behind:
    """Find the band behind a lesion and its neighbours at the same depth."""
    return _bands(view, above=False)


def _bands(view: BeamView, above: bool) -> Behind:
    mask = view.mask[::-1] if above else view.mask
    beams = np.flatnonzero(mask.any(axis=0))
    first, last = int(beams[0]), int(beams[-1])
    cut = round((last - first + 1) * (1 - _MIDDLE_SHARE) / 2)
    depth, beam = np.indices(mask.shape)
    lowest = np.where(mask.any(axis=0), mask.shape[0] - 1 - mask[::-1].argmax(axis=0), 0)
    bottom = int(lowest.max())
    deep = depth <= bottom + view.gap + view.behind
    below = depth > lowest[None] + view.gap
    band = below & deep & (beam >= first + cut) & (beam <= last - cut)
    depths = band.any(axis=1)[:, None]
    reach = max(SMALLEST_BAND_PX, round(0.5 * (last - first + 1)))
    left = depths & (beam < first - view.gap) & (beam >= first - view.gap - reach)
    right = depths & (beam > last + view.gap) & (beam <= last + view.gap + reach)
    parts = [part[::-1] if above else part for part in (band, left, right)]
    return Behind(*(part & view.tissue for part in parts))


def posterior(lesion: Lesion, view: BeamView) -> Descriptor:
    """Compare what lies behind the lesion with what lies beside that.

    Numbers: ``difference``, ``beside`` (median grey level of the neighbours), ``lowest third`` and
    ``highest third`` of the band, and ``above``: the same difference in front of the lesion, which
    a change of tissue across the picture would show as well.
    """
    name = "posterior"
    if lesion.unfit:
        return undetermined(name, lesion.unfit)
    if lesion.beams.kind == "unknown":
        return undetermined(name, "the direction of the beams is unknown")
    bands = bands_behind(view)
    beside = bands.left | bands.right
    found = _compare(view, bands.band, beside)
    if found.size < max(SMALLEST_BAND_PX, 0.5 * view.behind):
        return undetermined(name, "too little tissue lies behind the lesion")
    difference = float(np.median(found))
    level = float(np.median(view.grey[beside]))
    numbers = {"difference": difference, "beside": level}
    if level < _DARK and difference < POSTERIOR_CONTRAST:
        return undetermined(name, "the tissue at that depth is too dark", numbers)
    thirds = _thirds(view, bands.band, beside)
    numbers |= {"lowest third": min(thirds), "highest third": max(thirds)}
    front = _bands(view, above=True)
    over = _compare(view, front.band, front.left | front.right)
    if over.size:
        numbers["above"] = float(np.median(over))
    word = _word(difference, thirds)
    return decided(name, word, numbers, _doubt(view, bands, numbers, word))


def _compare(view: BeamView, band: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """Differences of the medians, one for each depth that has enough places of both."""
    difference = view.levels(band) - view.levels(beside)
    return difference[~np.isnan(difference)]


def _thirds(view: BeamView, band: np.ndarray, beside: np.ndarray) -> list[float]:
    """The difference of each third of the band's beams, 0 for one without enough places."""
    beams = np.arange(band.shape[1])
    found = [
        _compare(view, band & np.isin(beams, part), beside)
        for part in np.array_split(np.flatnonzero(band.any(axis=0)), 3)
    ]
    return [float(np.median(values)) if values.size else 0.0 for values in found]


def _word(difference: float, thirds: list[float]) -> str:
    if min(thirds) < -POSTERIOR_CONTRAST and max(thirds) > POSTERIOR_CONTRAST:
        return "combined"
    if difference > POSTERIOR_CONTRAST:
        return "enhancement"
    return "shadowing" if difference < -POSTERIOR_CONTRAST else "none"


def _doubt(view: BeamView, bands: Behind, numbers: dict[str, float], word: str) -> str:
    """Why a word must not be stated; empty where it may."""
    difference, wanted = numbers["difference"], POSTERIOR_CONTRAST + _MARGIN
    each = [_compare(view, bands.band, side) for side in (bands.left, bands.right)]
    if min(values.size for values in each) < SMALLEST_BAND_PX:
        return "tissue on one side only"
    sides = [float(np.median(values)) for values in each]
    if word == "combined":
        clear = numbers["lowest third"] < -wanted and numbers["highest third"] > wanted
        return "" if clear else "only slightly combined"
    if word == "none":
        extremes = [*sides, numbers["lowest third"], numbers["highest third"]]
        clear = abs(difference) < POSTERIOR_CONTRAST - _MARGIN
        clear = clear and max(abs(value) for value in extremes) < wanted
        return "" if clear else "nearly enhanced or shadowed"
    sign = 1 if word == "enhancement" else -1
    if min(sign * value for value in sides) < POSTERIOR_CONTRAST:
        return "one side says otherwise"
    if sign * numbers.get("above", 0.0) > sign * difference / 2:
        return "the tissue differs in front of the lesion too"
    return "" if sign * difference > wanted else "only slightly"
