"""Pictures and a table of a training run, drawn from its log.

    loss.png              training and validation loss, validation metrics
    loss_by_group.png     loss per anatomy, task and language
    schedule.png          learning rates and gradient norm
    expert_load.png       share of the router's places per layer and expert, last interval
    expert_load_time.png  the same over the run
    router.png            router entropy and mix weight per layer over the run
    speed.png             tokens per second, memory, model FLOPs utilisation

A picture is drawn where the log has its numbers; a network without experts has no pictures of them.
"""

from __future__ import annotations

import io
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
)
from rich.table import Table
from rich.text import Text

from echovlm.data.writing import told_in_a_sentence, write_whole
from echovlm.train.logs import duration
from echovlm.train.run_log import EVAL, LOG, RunLog, read_log
from echovlm.train.watch import GROUPS

_DPI = 110
_WARNINGS = 5  # the last ones are printed
_LOG_TICKS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
_NUMBERED_EXPERTS = 16
_NUMBERED_LAYERS = 40


def draw(run_folder: Path, out_folder: Path) -> list[Path]:
    """Draw a run.

    Args:
        run_folder: folder with a ``log.jsonl``.
        out_folder: where the PNG files go; made where absent.

    Returns:
        The files, in the order of the list above.

    Raises:
        TrainingError: if the log is absent or damaged.
        OutputError: if a file could not be written.
    """
    log = RunLog(read_log(run_folder / LOG))
    with told_in_a_sentence(out_folder):
        out_folder.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, Callable[[RunLog], Figure | None]] = {
        "loss": _loss,
        "loss_by_group": _loss_by_group,
        "schedule": _schedule,
        "expert_load": _expert_load,
        "expert_load_time": _expert_load_time,
        "router": _router,
        "speed": _speed,
    }
    written = []
    for name, drawing in drawings.items():
        figure = drawing(log)
        if figure is not None:
            path = out_folder / f"{name}.png"
            buffer = io.BytesIO()
            FigureCanvasAgg(figure)
            figure.savefig(buffer, format="png", dpi=_DPI)
            write_whole(path, [buffer.getvalue()])
            written.append(path)
    return written


def _panels(
    titles: Sequence[str], width: float = 9.0, height: float = 3.2
) -> tuple[Figure, list[Axes]]:
    """Panels below one another that share the steps."""
    figure = Figure(figsize=(width, height * len(titles)), layout="constrained")
    axes = figure.subplots(len(titles), 1, sharex=True, squeeze=False)[:, 0]
    for panel, title in zip(axes, titles, strict=True):
        _dress(panel, title)
    axes[-1].set_xlabel("step")
    figure.align_ylabels(axes)
    return figure, list(axes)


def _dress(panel: Axes, title: str) -> None:
    panel.set_title(title, loc="left", fontsize=11)
    panel.grid(alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


def _legend(panel: Axes, columns: int = 1, title: str | None = None) -> None:
    """To the right of the panel, where it covers no line."""
    panel.legend(
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
        fontsize=9,
        frameon=False,
        ncols=columns,
        title=title,
    )


def _line(panel: Axes, log: RunLog, name: str, label: str, **style: Any) -> None:
    steps, values = log.series(name)
    marker = "o" if len(steps) < 30 else None
    panel.plot(steps, values, label=label, **{"marker": marker, "markersize": 3, "lw": 1.4} | style)


def _smooth(values: Sequence[float]) -> np.ndarray:
    """Running mean over a twentieth of the curve, shorter at its ends."""
    half = max(len(values) // 40, 1)
    return np.array(
        [np.mean(values[max(place - half, 0) : place + half + 1]) for place in range(len(values))]
    )


def _loss(log: RunLog) -> Figure | None:
    steps, values = log.series("loss")
    if not steps:
        return None
    metrics = log.metrics
    figure, panels = _panels(["Loss", *["Validation metrics"][: len(metrics)]])
    smoothed = len(steps) >= 40
    _line(panels[0], log, "loss", "training", color="C0", **{"alpha": 0.3} if smoothed else {})
    if smoothed:
        panels[0].plot(steps, _smooth(values), color="C0", lw=1.8, label="training, smoothed")
    if "eval_loss" in log.names:
        _line(panels[0], log, "eval_loss", "validation", color="C1", marker="o")
    panels[0].set_ylabel("loss (nats per token)")
    _legend(panels[0])
    for name in metrics:
        _line(panels[1], log, name, name.removeprefix(EVAL).replace("_", " "), marker="o")
    if metrics:
        panels[1].set_ylabel("score")
        _legend(panels[1], columns=math.ceil(len(metrics) / 14))
    return figure


def _loss_by_group(log: RunLog) -> Figure | None:
    shown = {
        kind: [n for n in names if f"loss/{kind}/{n}" in log.names]
        for kind, names in GROUPS.items()
    }
    shown = {kind: names for kind, names in shown.items() if names}
    if not shown:
        return None
    figure, panels = _panels([f"Loss per {kind}" for kind in shown])
    for panel, (kind, names) in zip(panels, shown.items(), strict=True):
        for place, name in enumerate(names):
            _line(panel, log, f"loss/{kind}/{name}", name, color=f"C{place}")
        panel.set_ylabel("loss (nats per token)")
        _legend(panel)
    return figure


def _schedule(log: RunLog) -> Figure | None:
    rates = [name for name in log.names if name.startswith("learning_rate")]
    titles = [*["Learning rate"][: len(rates)]]
    if "grad_norm" in log.names:
        titles.append("Gradient norm before clipping")
    if not titles:
        return None
    figure, panels = _panels(titles)
    for name in rates:
        _line(panels[0], log, name, name.removeprefix("learning_rate/").replace("_", " "))
    if rates:
        panels[0].set_ylabel("learning rate")
        _legend(panels[0])
    if "grad_norm" in log.names:
        _line(panels[-1], log, "grad_norm", "")
        panels[-1].set_ylabel("norm (all trained weights)")
        panels[-1].set_yscale("log")
        panels[-1].yaxis.set_major_locator(LogLocator(subs=_LOG_TICKS, numticks=12))
        panels[-1].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panels[-1].yaxis.set_minor_formatter(NullFormatter())
    return figure


def _load(log: RunLog) -> np.ndarray:
    """Loads of the last interval ``(layers, experts)``, shares of the router's places."""
    return np.array(
        [[log.last(f"router/{layer}/load/{e}") for e in range(log.experts)] for layer in log.layers]
    )


def _expert_load(log: RunLog) -> Figure | None:
    if not log.experts:
        return None
    load = _load(log)
    layers, experts = load.shape
    figure = Figure(
        figsize=(max(5.5, 2.5 + 0.65 * experts), max(3.2, 1.6 + 0.28 * layers)),
        layout="constrained",
    )
    panel = figure.subplots()
    most = max(2 / experts, float(np.nanmax(load)))
    scale = mpl.colors.TwoSlopeNorm(vcenter=1 / experts, vmin=0, vmax=most)
    image = panel.imshow(load, cmap="RdBu_r", norm=scale, aspect="auto")
    panel.set_title(
        f"Expert load at step {log.series(f'router/{log.layers[0]}/load/0')[0][-1]}, "
        f"even share {1 / experts:.1%}",
        loc="left",
        fontsize=11,
    )
    panel.set_xlabel("expert")
    panel.set_ylabel("layer")
    panel.set_xticks(range(experts))
    panel.set_yticks(range(layers), [str(layer) for layer in log.layers])
    if experts <= _NUMBERED_EXPERTS and layers <= _NUMBERED_LAYERS:
        for (row, column), value in np.ndenumerate(load):
            far = value > 0.75 * (most - 1 / experts) + 1 / experts or value < 0.25 / experts
            colour = "white" if far else "black"
            panel.text(
                column, row, f"{value:.0%}", ha="center", va="center", fontsize=8, color=colour
            )
    bar = figure.colorbar(image, ax=panel, format=PercentFormatter(1.0, decimals=0))
    bar.set_label("share of the router's places")
    return figure


def _expert_load_time(log: RunLog) -> Figure | None:
    if not log.experts:
        return None
    columns = min(4, len(log.layers))
    rows = math.ceil(len(log.layers) / columns)
    figure = Figure(figsize=(3.2 * columns + 1.6, 2.1 * rows + 0.8), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for place, panel in enumerate(grid.flat):
        if place >= len(log.layers):
            panel.set_visible(False)
            continue
        layer = log.layers[place]
        _dress(panel, f"layer {layer}")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
        panel.tick_params(labelbottom=place + columns >= len(log.layers))
        for expert in range(log.experts):
            name = f"router/{layer}/load/{expert}"
            _line(panel, log, name, str(expert), color=_colour(expert, log.experts), marker=None)
        panel.axhline(1 / log.experts, color="black", lw=0.8, ls=":", label="even share")
    grid[0, 0].set_ylim(bottom=0)
    grid[0, 0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    figure.suptitle("Expert load over the run", x=0.01, ha="left", fontsize=12)
    figure.supxlabel("step", fontsize=10)
    figure.supylabel("share of the router's places", fontsize=10)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside right upper", title="expert", fontsize=9, frameon=False
    )
    return figure


def _router(log: RunLog) -> Figure | None:
    titles = {
        "entropy_share": "Router entropy per layer, as a share of the most it can be (ln E)",
        "mix": "Mean weight of the expert path per layer",
    }
    names = {
        "entropy_share": [f"router/{layer}/entropy_share" for layer in log.layers],
        "mix": [f"mix/{layer}" for layer in log.layers],
    }
    shown = [kind for kind in titles if any(name in log.names for name in names[kind])]
    if not shown:
        return None
    figure, panels = _panels([titles[kind] for kind in shown])
    for panel, kind in zip(panels, shown, strict=True):
        for place, (layer, name) in enumerate(zip(log.layers, names[kind], strict=True)):
            colour = mpl.colormaps["viridis"](0.92 * place / max(len(log.layers) - 1, 1))
            _line(panel, log, name, f"layer {layer}", color=colour, marker=None)
        panel.set_ylabel("entropy / ln E" if kind == "entropy_share" else "mix weight")
        panel.set_ylim(-0.03, 1.03)
        _legend(panel, columns=math.ceil(len(log.layers) / 14))
    return figure


def _speed(log: RunLog) -> Figure | None:
    kinds = [
        (
            "Throughput",
            "tokens per second",
            {"tokens_per_s": "all", "supervised_per_s": "supervised"},
        ),
        ("Peak memory of one process", "GiB", {"memory_gib": ""}),
        ("Model FLOPs utilisation", "share of the measured peak", {"mfu": ""}),
    ]
    shown = [kind for kind in kinds if any(f"speed/{name}" in log.names for name in kind[2])]
    if not shown:
        return None
    figure, panels = _panels([title for title, _, _ in shown], height=2.6)
    for panel, (_, unit, curves) in zip(panels, shown, strict=True):
        for name, label in curves.items():
            _line(panel, log, f"speed/{name}", label)
        panel.set_ylabel(unit)
        panel.set_ylim(0, 1.05 * panel.get_ylim()[1])
        if "mfu" in curves:
            panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        if len(curves) > 1:
            _legend(panel)
    return figure


def _colour(place: int, number: int) -> Any:
    """Colours that can be told apart: ten named ones, or a scale where there are more."""
    return f"C{place}" if number <= 10 else mpl.colormaps["turbo"](place / (number - 1))


def summary_table(run_folder: Path) -> Table:
    """What ``echovlm train inspect RUN`` prints.

    Args:
        run_folder: folder with a ``log.jsonl``.

    Raises:
        TrainingError: if the log is absent or damaged.
    """
    log = RunLog(read_log(run_folder / LOG))
    table = Table(title=str(run_folder), title_justify="left", show_header=False)
    table.add_column("what", no_wrap=True)
    table.add_column("value")
    for rows in (_run_rows, _group_rows, _expert_rows, _speed_rows, _warning_rows):
        for name, value in rows(log):
            table.add_row(name, Text(value))
    return table


def _run_rows(log: RunLog) -> Iterable[tuple[str, str]]:
    last = log.lines[-1]
    epoch, seconds = log.last("epoch"), log.last("time_s")
    yield "steps", f"{last['step']}" + ("" if math.isnan(epoch) else f" ({epoch:.2f} epochs)")
    if not math.isnan(seconds):
        yield "time", duration(seconds)
    for name, words in (("loss", "training loss"), ("eval_loss", "validation loss")):
        _, values = log.series(name)
        if values:
            yield words, f"{values[0]:.3f} → {values[-1]:.3f} nats per token"
    for name in log.metrics:
        steps, values = log.series(name)
        if values:
            best = int(np.argmax(values))
            text = f"{values[-1]:.3f}, highest {values[best]:.3f} at step {steps[best]}"
            yield f"validation {name.removeprefix(EVAL).replace('_', ' ')}", text


def _group_rows(log: RunLog) -> Iterable[tuple[str, str]]:
    for kind, names in GROUPS.items():
        values = [(name, log.last(f"loss/{kind}/{name}")) for name in names]
        text = ", ".join(f"{name} {value:.3f}" for name, value in values if not math.isnan(value))
        if text:
            yield f"loss per {kind}", text


def _expert_rows(log: RunLog) -> Iterable[tuple[str, str]]:
    if log.experts:
        load = _load(log)
        for words, find in (("least", np.nanargmin), ("most", np.nanargmax)):
            row, expert = np.unravel_index(int(find(load)), load.shape)
            place = f"layer {log.layers[row]}, expert {expert}"
            yield f"{words} used expert", f"{load[row, expert]:.1%} of the places ({place})"
        yield (
            "router entropy",
            _range(log, [f"router/{i}/entropy_share" for i in log.layers], "ln E"),
        )
    if log.layers:
        yield "weight of the expert path", _range(log, [f"mix/{layer}" for layer in log.layers])


def _range(log: RunLog, names: Sequence[str], unit: str = "") -> str:
    values = [value for value in map(log.last, names) if not math.isnan(value)]
    if not values:
        return "not logged"
    return f"{min(values):.2f} to {max(values):.2f} {unit}".rstrip() + " over the layers"


def _speed_rows(log: RunLog) -> Iterable[tuple[str, str]]:
    kinds = (
        ("speed/tokens_per_s", "tokens per second", "{:,.0f} (median)", statistics.median),
        ("speed/supervised_per_s", "supervised per second", "{:,.0f} (median)", statistics.median),
        ("speed/memory_gib", "peak memory", "{:.2f} GiB", max),
        ("speed/mfu", "model FLOPs utilisation", "{:.1%} (median)", statistics.median),
    )
    for name, words, form, pick in kinds:
        _, values = log.series(name)
        if values:
            yield words, form.format(pick(values))


def _warning_rows(log: RunLog) -> Iterable[tuple[str, str]]:
    for step, sentence in log.warnings[-_WARNINGS:]:
        yield f"warning at step {step}", sentence
