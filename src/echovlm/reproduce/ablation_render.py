"""The result of the ablation as Markdown and as a picture."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from echovlm.data.writing import write_whole
from echovlm.reproduce.ablation_plan import FOUR, NONE
from echovlm.reproduce.ablation_results import CLAIMED
from echovlm.reproduce.ablation_scores import SCORES

_PAPER = "#888888"
_MEASURED = "#2a6f97"
_COSTS = ("MFLOP per token, answering", "training", "training, s", "rate of adapters", "of experts")


def render_markdown(result: Mapping[str, Any]) -> str:
    """Tables and verdict.

    Args:
        result: what :func:`echovlm.reproduce.ablation_results.collect` gives.
    """
    sizes = result["sizes"]
    told = (
        f"{result['studies']} test studies of {result['patients']} patients, each reported in both "
        "languages; scores are means over anatomies and languages, intervals 95 % percentile "
        f"bootstrap over patients ({sizes['resamples']} resamples). Arms with several seeds show "
        f"their mean. Each arm: two stages of {sizes['stage_steps']} steps of at most "
        f"{sizes['stage_tokens']} tokens, in {result['precision']}."
    )
    parts = [
        told,
        _table(_score_rows(result)),
        _table(_cost_rows(result)),
        _table(_anatomy_rows(result)),
        _table(_difference_rows(result)),
        verdict(result),
        _sweep(result),
        "\n".join(
            f"- {name}, {language}: `{signature}`"
            for name, of in result["signatures"].items()
            for language, signature in of.items()
        ),
    ]
    return "\n\n".join(parts) + "\n"


def verdict(result: Mapping[str, Any]) -> str:
    """Whether four experts gain over none what the paper says, in a sentence per metric."""
    found = next(row for row in result["differences"] if row["other"] == NONE.name)
    return "\n".join(
        f"- {FOUR.name} less {NONE.name}, {name}: {_signed(score['value'])} "
        f"({_signed(score['low'])} to {_signed(score['high'])}); published {_signed(claimed)}; "
        + _judged(score, claimed)
        for name, claimed in CLAIMED.items()
        for score in [found["scores"][name]]
    )


def _judged(score: Mapping[str, float], claimed: float) -> str:
    if score["value"] >= claimed:
        return "**reached**."
    short = f"**missed by {claimed - score['value']:.2f}**"
    if score["low"] > 0:
        return f"{short}, though the gain is above zero."
    return f"{short}, and {'a loss' if score['high'] < 0 else 'no gain is certain'}."


def _score_rows(result: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    yield ["arm", "seeds", *SCORES, "published " + " / ".join(SCORES)]
    for arm in result["arms"]:
        published = arm["published"]
        yield [
            arm["name"],
            str(len(arm["seeds"])),
            *(_with_interval(arm["scores"][name]) for name in SCORES),
            " / ".join(f"{published[name]:.2f}" for name in SCORES) if published else "",
        ]
        if arm["blanked"]:
            yield [
                f"{arm['name']}, pictures blanked",
                "",
                *(f"{arm['blanked'][name]:.2f}" for name in SCORES),
                "",
            ]
    yield ["the dense base, untuned", "", *(f"{result['base'][name]:.2f}" for name in SCORES), ""]


def _cost_rows(result: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    yield ["arm", "trainable", "parameters", *_COSTS]
    for arm in result["arms"]:
        yield [
            arm["name"],
            f"{arm['trainable']:,}",
            f"{arm['parameters']:,}",
            f"{arm['answer_flops_per_token'] / 1e6:.2f}",
            f"{arm['training_flops_per_token'] / 1e6:.2f}",
            f"{arm['training_seconds']:.0f}",
            f"{arm['lora_rate']:g}",
            f"{arm['expert_rate']:g}" if arm["expert_rate"] else "",
        ]


def _anatomy_rows(result: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    kinds = ("by_anatomy", "by_language")
    score = SCORES[0]
    names = [name for kind in kinds for name in result["arms"][0]["scores"][score][kind]]
    yield [f"{score} of the arm", *names, "by seed"]
    for arm in result["arms"]:
        found = arm["scores"][score]
        values = {name: value for kind in kinds for name, value in found[kind].items()}
        seeds = ", ".join(f"{value:.2f}" for value in found["by_seed"])
        yield [arm["name"], *(f"{values[name]:.2f}" for name in names), seeds]


def _difference_rows(result: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    yield [f"{FOUR.name} less", "seeds", *SCORES]
    for row in result["differences"]:
        yield [
            row["other"],
            str(len(row["seeds"])),
            *(_with_interval(row["scores"][name], signed=True) for name in SCORES),
        ]


def _sweep(result: Mapping[str, Any]) -> str:
    lines = ["Rates were chosen by BLEU-1 of the validation studies, first seed:", ""]
    for row in result["sweep"]:
        rate = f"adapters {row['lora_rate']:g}"
        rate += f", experts {row['expert_rate']:g}" if row["expert_rate"] else ""
        mark = " (chosen)" if row["chosen"] else ""
        lines.append(f"- {row['arm']}, {rate}: {row['validation']:.2f}{mark}")
    return "\n".join(lines)


def _with_interval(score: Mapping[str, float], signed: bool = False) -> str:
    show = _signed if signed else "{:.2f}".format
    return f"{show(score['value'])} ({show(score['low'])} to {show(score['high'])})"


def _signed(value: float) -> str:
    return f"{value:+.2f}"


def _table(rows: Iterator[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    width = lines[0].count("|") - 1
    return "\n".join([lines[0], "|" + "---|" * width, *lines[1:]])


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw BLEU-1 and ROUGE-1 of every arm, with intervals, seeds and the published values.

    Args:
        result: as for :func:`render_markdown`.
        path: PNG file.
    """
    arms = list(reversed(result["arms"]))
    figure = Figure(figsize=(11, 0.55 * len(arms) + 1.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, name in zip(figure.subplots(1, 2, sharey=True), CLAIMED, strict=True):
        for place, arm in enumerate(arms):
            score = arm["scores"][name]
            away = [[score["value"] - score["low"]], [score["high"] - score["value"]]]
            axes.barh(place, score["value"], color=_MEASURED, alpha=0.35, height=0.6)
            axes.errorbar(score["value"], place, xerr=away, color=_MEASURED, capsize=4)
            axes.plot(score["by_seed"], [place] * len(score["by_seed"]), ".", color=_MEASURED)
            if arm["blanked"]:
                axes.plot(arm["blanked"][name], place, "x", color="#c1121f")
            if arm["published"]:
                axes.plot(arm["published"][name], place, "D", mfc="none", color=_PAPER)
        axes.axvline(result["base"][name], color="#333333", linestyle=":", linewidth=1)
        axes.set_yticks(range(len(arms)), [arm["name"] for arm in arms])
        axes.set_xlabel(f"{name} of reports of unseen anatomies")
        axes.set_xlim(0, 100)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        "bar: measured, with 95 % interval over patients   dot: one seed   x: pictures blanked   "
        "diamond: published, 7B   dotted: untuned base",
        fontsize=9,
    )
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    write_whole(path, [stream.getvalue()])
