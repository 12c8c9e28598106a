"""Rows of glyphs: where overlay text stands on a frame, found by its shape before anything is read.

The machine writes text in one flat colour with sharp edges, in rows of glyphs of like height;
tissue does neither. At several thresholds of several views of the frame

    glyph = connected component of plausible size whose pixels lie near one brightness
    row   = glyphs side by side, of like height and brightness, on one line
    score = w . (number of glyphs, contrast to the surround, the same relative to the brightness,
                 flatness, log height, is single) + b

and a row is text where the score is above a bound. The weights are a logistic regression on text
planted in real and simulated ultrasound; docs/deidentify.md says what it finds and misses.
Text that nobody can read is found as well, and speckle that a reader would take for letters is not.

Sources: Matas et al. 2002, "Robust wide baseline stereo from maximally stable extremal regions";
Neumann and Matas 2012, CVPR, "Real-time scene text localization" (regions chained to text lines).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Box = tuple[int, int, int, int]

_THRESHOLDS = (40, 70, 100, 130, 160, 190, 215, 235)
_COLOUR_THRESHOLDS = (50, 90, 140)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_MOST_COLOURED = 0.03  # share of the frame; above it colour is a flow map, not writing
_HEIGHT_PIXELS = (5, 64)
_TALLEST_SINGLE_PIXELS = 40  # letters that run into one another
_PEAK_ABOVE_THRESHOLD = 16
_FLAT_STEP = 24  # grey levels below the peak that still count as the glyph's one colour
_LEAST_CONTRAST = 40
_MOST_GLYPHS = 8_000  # more components of glyph size than this are speckle, not text
_MOST_SPIKES = 12
_SPIKES = 4  # brightness values that are looked at alone
_SPIKE_STEEPNESS = 6  # an overlay colour 40 grey levels away from its surround counts as 240

_WORD_GAP = 1.6  # line heights between two words of a row

_WEIGHTS = (0.697, 1.405, 6.468, 3.339, 0.595, -1.929)
_BIAS = -9.403
TEXT_SCORE = 0.0


@dataclass(frozen=True)
class Row:
    """A row of glyphs.

    Attributes:
        box: ``(x0, y0, x1, y1)`` in pixels, half-open.
        score: above :data:`TEXT_SCORE` for text.
    """

    box: Box
    score: float


@dataclass(frozen=True, eq=False)
class _Components:
    """Connected components of one view at one threshold, as columns."""

    boxes: np.ndarray  # (C, 4)
    peak: np.ndarray
    flat: np.ndarray
    extent: np.ndarray
    contrast: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> _Components:
        return _Components(
            self.boxes[chosen],
            self.peak[chosen],
            self.flat[chosen],
            self.extent[chosen],
            self.contrast[chosen],
        )

    @property
    def height(self) -> np.ndarray:
        return self.boxes[:, 3] - self.boxes[:, 1]

    @property
    def width(self) -> np.ndarray:
        return self.boxes[:, 2] - self.boxes[:, 0]


def rows_of_glyphs(frame: np.ndarray) -> list[Row]:
    """Find rows of glyphs on a frame.

    Args:
        frame: ``(H, W, 3)`` uint8, RGB.

    Returns:
        Every row with its score, the same text often several times.
    """
    found: list[Row] = []
    for view, threshold, fewest in _views(frame):
        components = _components(view, threshold)
        if components is not None:
            found += _rows(components, fewest)
    return found


def _views(frame: np.ndarray) -> Iterator[tuple[np.ndarray, int, int]]:
    """Pictures in which text is bright: as it is, turned over, by colour alone, by one grey alone.

    Each comes with a threshold and the fewest glyphs that make a row: holes in tissue are dark
    blobs, and specks of one grey are everywhere, so there one glyph is not enough.
    """
    light = np.rint(frame @ _LUMA).astype(np.uint8)
    for threshold in _THRESHOLDS:
        yield light, threshold, 1
        yield 255 - light, threshold, 3
    colour = np.ptp(frame, axis=-1)
    coloured = np.mean(colour > _COLOUR_THRESHOLDS[0])
    for threshold in _COLOUR_THRESHOLDS if 0 < coloured < _MOST_COLOURED else ():
        yield colour, threshold, 1
    for value in _spikes(light):
        away = abs(light.astype(np.int16) - value) * _SPIKE_STEEPNESS
        yield (255 - np.minimum(away, 255)).astype(np.uint8), 255 - 5 * _SPIKE_STEEPNESS, 3


def _spikes(light: np.ndarray) -> list[int]:
    """Brightness values, other than black and white, that stand out of the histogram."""
    counts = np.bincount(light.ravel(), minlength=256).astype(float)
    around = ndimage.median_filter(counts, 13)
    excess = counts - 2 * around
    excess[:90] = excess[250:] = 0
    spikes = np.flatnonzero(excess > 30)
    if len(spikes) > _MOST_SPIKES:  # a stretched histogram is all spikes
        return []
    return [int(value) for value in spikes[np.argsort(-excess[spikes])][:_SPIKES]]


def _components(view: np.ndarray, threshold: int) -> _Components | None:
    above = view > threshold
    labels, count = ndimage.label(above, np.ones((3, 3)))
    if not count:
        return None
    places = ndimage.find_objects(labels)
    boxes = np.array([(x.start, y.start, x.stop, y.stop) for y, x in places])
    inside = labels[above] - 1
    values = view[above].astype(np.int32)
    area = np.bincount(inside, minlength=count)
    peak = np.zeros(count, np.int32)
    np.maximum.at(peak, inside, values)
    flat = np.bincount(inside, values >= peak[inside] - _FLAT_STEP, minlength=count) / area
    extent = area / ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    near = ndimage.maximum_filter(labels, 5)
    ring = (near > 0) & ~above
    owner = near[ring] - 1
    size = np.maximum(np.bincount(owner, minlength=count), 1)
    contrast = peak - np.bincount(owner, view[ring], minlength=count) / size
    components = _Components(boxes, peak, flat, extent, contrast)
    low_enough = components.height <= _HEIGHT_PIXELS[1]
    return components[low_enough & (peak - threshold >= _PEAK_ABOVE_THRESHOLD) & (area >= 2)]


def _rows(components: _Components, fewest: int) -> list[Row]:
    glyphs = components[
        (components.height >= _HEIGHT_PIXELS[0])
        & (components.width <= 4 * components.height + 2)
        & (components.extent > 0.12)
        & (components.flat >= 0.3)
        & (components.contrast >= _LEAST_CONTRAST)
    ]
    if not 1 <= len(glyphs.peak) <= _MOST_GLYPHS:
        return []
    glyphs = glyphs[np.argsort(glyphs.boxes[:, 0], kind="stable")]
    group = _chained(glyphs)
    # Letters may run into one another: a wide component counts as several glyphs.
    stands_for = np.maximum(1, np.rint(glyphs.width / (0.7 * glyphs.height)))
    rows = []
    for number in np.flatnonzero(np.bincount(group, stands_for) >= 2):
        row = _straightened(glyphs[group == number])
        if len(row.peak) < fewest:
            continue
        if len(row.peak) == 1 and row.height[0] > _TALLEST_SINGLE_PIXELS:
            continue
        rows.append(Row(_extended(row, components), _score(row)))
    return rows


def _chained(glyphs: _Components) -> np.ndarray:
    """Number the row of every glyph; glyphs come sorted from left to right."""
    x0, y0, x1, y1 = glyphs.boxes.T
    height, peak = glyphs.height, glyphs.peak
    reach = 0.9 * height.max() + 1
    stops = np.searchsorted(x0, x1 + reach)
    pairs: list[np.ndarray] = []
    for i, stop in enumerate(stops):
        j = np.arange(i + 1, stop)
        tall, low = np.maximum(height[i], height[j]), np.minimum(height[i], height[j])
        slack = 0.15 * tall + 1
        beside = x0[j] - x1[i] <= 0.9 * tall + 1
        alike = (low >= 0.5 * tall) & (abs(peak[i] - peak[j]) <= 16)
        overlap = np.minimum(y1[i], y1[j]) - np.maximum(y0[i], y0[j]) >= 0.6 * low
        in_line = (abs(y1[i] - y1[j]) <= slack) | (abs(y0[i] - y0[j]) <= slack)
        partners = j[beside & alike & overlap & in_line]
        pairs.append(np.stack([np.full_like(partners, i), partners]))
    one, other = np.concatenate(pairs, axis=1)
    count = len(height)
    links = coo_array((np.ones(len(one)), (one, other)), (count, count))
    return connected_components(links, directed=False)[1]


def _straightened(row: _Components) -> _Components:
    """Drop what drifted off the line: a chain of specks may wander up and down."""
    middle = row.boxes[:, 1] + row.boxes[:, 3]
    off = abs(middle - np.median(middle)) / 2
    return row[off <= 0.6 * np.median(row.height)]


def _score(row: _Components) -> float:
    count = len(row.peak)
    features = (
        min(count, 6),
        row.contrast.mean() / 100,
        (row.contrast / row.peak).mean(),
        row.flat.mean(),
        np.log(np.median(row.height)),
        count == 1,
    )
    return float(np.dot(_WEIGHTS, features) + _BIAS)


def _extended(row: _Components, components: _Components) -> Box:
    """Take in what stands in line with a row: the next word, dots, letters that were no glyph."""
    x0, y0 = row.boxes[:, :2].min(axis=0)
    x1, y1 = row.boxes[:, 2:].max(axis=0)
    height = y1 - y0
    boxes, peak = components.boxes, np.median(row.peak)
    in_line = (
        (abs(components.peak - peak) <= 30)
        & (components.contrast >= 0.6 * row.contrast.mean())
        & (boxes[:, 1] >= y0 - 0.4 * height)
        & (boxes[:, 3] <= y1 + 0.4 * height)
    )
    left, low, right, high = boxes[in_line].T
    top, bottom = y0, y1
    while True:
        near = (left <= x1 + _WORD_GAP * height) & (right >= x0 - _WORD_GAP * height)
        reached = min(x0, left[near].min(initial=x0)), max(x1, right[near].max(initial=x1))
        top, bottom = low[near].min(initial=y0), high[near].max(initial=y1)
        if reached == (x0, x1):
            return int(x0), int(top), int(x1), int(bottom)
        x0, x1 = reached
