"""Pictures of an evaluation, as SVG for a page that needs no other file."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from echovlm.evaluate.rows import AVERAGE

_COLOURS = ("#1b6ca8", "#d1495b", "#3c8d5a", "#b8860b", "#6b4c9a", "#5f6b73", "#c06c2b", "#2a9d8f")
_SETTINGS: Any = {
    "text.parse_math": False,  # names are data
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # the reader's fonts, which may have Chinese
    "svg.hashsalt": "echovlm",  # equal figures give equal bytes
}


def by_anatomy(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> bytes:
    """One score of several systems, by anatomy, with intervals.

    Args:
        rows: of one task, language and metric: the average and each anatomy.
        names: systems, in the order of their colours.
    """
    rows = sorted(rows, key=lambda row: (row["anatomy"] == AVERAGE, row["anatomy"]))
    figure = _figure(1.6 + 0.95 * len(rows), 2.8)
    axes = figure.subplots()
    width = 0.8 / max(1, len(names))
    for number, name in enumerate(names):
        places, values, below, above = [], [], [], []
        for place, row in enumerate(rows):
            entry = row["systems"].get(name)
            if entry and entry["value"] is not None:
                places.append(place + (number - (len(names) - 1) / 2) * width)
                values.append(entry["value"])
                low, high = entry["low"], entry["high"]
                below.append(max(0.0, entry["value"] - (entry["value"] if low is None else low)))
                above.append(max(0.0, (entry["value"] if high is None else high) - entry["value"]))
        axes.errorbar(
            places, values, yerr=[below, above], fmt="o", ms=4, capsize=2, lw=1,
            color=_COLOURS[number % len(_COLOURS)], label=name,
        )  # fmt: skip
    axes.set_xticks(range(len(rows)), [row["anatomy"] for row in rows], rotation=20, ha="right")
    axes.grid(axis="y", alpha=0.3)
    axes.set_ylabel(rows[0]["metric"])
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8)
    return _svg(figure)


def reliability(bins: Mapping[str, Sequence[Mapping[str, float]]]) -> bytes:
    """Accuracy against confidence; the area of a mark is the number of answers in its bin.

    Args:
        bins: per system the bins of :func:`echovlm.evaluate.calibration.reliability`.
    """
    figure = _figure(6.2, 3.4)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999999", lw=1, ls="--")
    for number, (name, own) in enumerate(bins.items()):
        full = [one for one in own if one["count"]]
        largest = max((one["count"] for one in full), default=1)
        axes.scatter(
            [one["confidence"] for one in full],
            [one["accuracy"] for one in full],
            s=[8 + 90 * one["count"] / largest for one in full],
            color=_COLOURS[number % len(_COLOURS)],
            alpha=0.7,
            label=name,
        )
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="confidence", ylabel="share right")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8)
    return _svg(figure)


def risk_coverage(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> bytes:
    """Share of wrong answers against the share of cases answered, the surest first.

    Args:
        curves: per system the points of :mod:`echovlm.evaluate.selective`.
    """
    figure = _figure(6.2, 3.0)
    axes = figure.subplots()
    for number, (name, points) in enumerate(curves.items()):
        axes.plot(
            [point["coverage"] for point in points],
            [point["risk"] for point in points],
            drawstyle="steps-post",
            lw=1.2,
            color=_COLOURS[number % len(_COLOURS)],
            label=name,
        )
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="share answered", ylabel="share wrong")
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8)
    return _svg(figure)


def confusion(names: Sequence[str], counts: np.ndarray) -> bytes:
    """True classes (rows) against chosen ones (columns).

    Args:
        names: of the classes.
        counts: ``(C, C)``.
    """
    size = max(3.2, 0.34 * len(names) + 1.8)
    figure = _figure(size + 0.6, size)
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 0.55 else "black"
        axes.text(
            column,
            row,
            str(counts[row, column]),
            ha="center",
            va="center",
            fontsize=7,
            color=colour,
        )
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set(xlabel="chosen", ylabel="true")
    return _svg(figure)


def routing(loads: Mapping[str, np.ndarray]) -> bytes:
    """Which experts the tokens of each anatomy go to.

    Args:
        loads: per anatomy ``(layers, experts)`` shares of the router's places, each row sums to 1.
    """
    columns = min(4, len(loads))
    lines = math.ceil(len(loads) / columns)
    layers, experts = next(iter(loads.values())).shape
    figure = _figure(2.1 * columns + 0.8, (0.16 * layers + 1.1) * lines)
    grid = figure.subplots(lines, columns, squeeze=False)
    drawn = None
    for axes, (anatomy, load) in zip(grid.flat, loads.items(), strict=False):
        drawn = axes.imshow(load, cmap="viridis", vmin=0, vmax=max(0.5, 2 / experts), aspect="auto")
        axes.set_title(anatomy, fontsize=8)
        axes.set_xticks(range(experts), range(1, experts + 1), fontsize=7)
        axes.set_yticks(*_some(layers), fontsize=7)
    for axes in list(grid.flat)[len(loads) :]:
        axes.set_axis_off()
    if drawn is not None:
        figure.colorbar(drawn, ax=list(grid.flat), label="share of places", fraction=0.03)
    return _svg(figure)


def _some(layers: int) -> tuple[list[int], list[str]]:
    """Ticks for at most eight layers."""
    step = max(1, math.ceil(layers / 8))
    places = list(range(0, layers, step))
    return places, [str(place + 1) for place in places]


def _figure(width_in: float, height_in: float) -> Figure:
    with mpl.rc_context(_SETTINGS):
        return Figure(figsize=(width_in, height_in), layout="constrained")


def _svg(figure: Figure) -> bytes:
    stream = io.BytesIO()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None})
    return stream.getvalue()
