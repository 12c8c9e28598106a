"""The paper's main claim at nano size: what the expert path adds under a frozen base.

A dense base learns from four anatomies; then, with the base frozen, arms with and without experts
learn to report three others. Every stage leaves its result in the work folder, and a run that was
interrupted goes on.

    work/settings.json               sizes and number format
    work/simulated/ built/           the studies, and samples of all of them
    work/general/ held-out/          samples of the base and of the arms
    work/tokenizer/ vision/ start/ base/
    work/trials/NAME/                both stages of an arm with a seed, and what it wrote
    work/results.json .md, ablation.png
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from transformers import AutoTokenizer

from echovlm.data.sample import Split
from echovlm.data.writing import told_in_a_sentence, write_whole
from echovlm.errors import TrainingError
from echovlm.reproduce.ablation_base import TOKENIZER, make_base
from echovlm.reproduce.ablation_data import make_data
from echovlm.reproduce.ablation_plan import (
    ARMS,
    FOUR,
    NONE,
    WIDE,
    Arm,
    Sizes,
    Trial,
    rank_of_equal_size,
)
from echovlm.reproduce.ablation_render import draw, render_markdown, verdict
from echovlm.reproduce.ablation_results import collect, validation_score
from echovlm.reproduce.ablation_scores import chosen_cases
from echovlm.reproduce.ablation_trials import (
    BLANK,
    TEST,
    VALIDATION,
    Bench,
    run_trials,
    write_texts,
)
from echovlm.train.precision import fast_dtype
from echovlm.train.start import nano_config

SETTINGS, RESULTS, TABLES, PICTURE = "settings.json", "results.json", "results.md", "ablation.png"


def run_ablation(work: Path, sizes: Sizes, workers: int, console: Console) -> dict[str, Any]:
    """Run the ablation, or go on with it.

    Args:
        work: folder, made where absent.
        sizes: how much of everything.
        workers: processes that simulate and that train arms.
        console: for progress.

    Returns:
        What ``results.json`` holds.

    Raises:
        TrainingError: when the folder holds an ablation of other sizes, or a stage stopped.
        DataError: when there are too few studies.
        OutputError: when something cannot be written; what is finished is kept.
    """
    precision = _claim(work, sizes)
    console.print("Simulating studies and building samples")
    make_data(work, sizes, workers)
    for split in (Split.VALIDATION, Split.TEST):
        chosen_cases(work, split, 1)  # that there are any is told before hours of training
    console.print("Training the dense base")
    base = make_base(work, sizes, precision, console)
    bench = Bench(work, base, sizes, precision, _wide_rank(work))
    console.print("Choosing learning rates")
    rates, sweep = _choose_rates(bench, workers, console)
    chosen = [
        Trial(arm, seed, *rates[arm])
        for arm in ARMS
        for seed in (sizes.seeds if arm.several else sizes.seeds[:1])
    ]
    console.print("Training the arms")
    first = sizes.seeds[0]
    writes = {
        trial: (TEST, BLANK) if trial.arm.several and trial.seed == first else (TEST,)
        for trial in chosen
    }
    run_trials(bench, writes, workers, console)
    write_texts(bench, base, TEST, work / "base.json")
    result = collect(bench, chosen, sweep, work / "base.json")
    text = json.dumps(result, indent=1, ensure_ascii=False, default=str) + "\n"
    write_whole(work / RESULTS, [text.encode("utf-8")])
    write_whole(work / TABLES, [render_markdown(result).encode("utf-8")])
    draw(result, work / PICTURE)
    console.print(verdict(result), markup=False)
    return result


def _claim(work: Path, sizes: Sizes) -> str:
    """Make the folder this ablation's own, or see that it is; the number format of its products.

    The format is measured once, so that all arms compute in the same.
    """
    told = json.loads(json.dumps(dataclasses.asdict(sizes)))
    path = work / SETTINGS
    if path.exists():
        stored = json.loads(path.read_text("utf-8"))
        odd = [name for name, value in told.items() if stored["sizes"].get(name) != value]
        if odd:
            raise TrainingError(
                f"{work} holds an ablation with another value of {odd[0]}; give another folder, or "
                "the options it was started with."
            )
        return str(stored["precision"])
    with told_in_a_sentence(work):
        work.mkdir(parents=True, exist_ok=True)
    precision = str(fast_dtype()).removeprefix("torch.")
    text = json.dumps({"sizes": told, "precision": precision}, indent=1) + "\n"
    write_whole(path, [text.encode("utf-8")])
    return precision


def _wide_rank(work: Path) -> int:
    """The rank of the arm that is fair on trainable parameters."""
    config = nano_config(AutoTokenizer.from_pretrained(work / TOKENIZER))
    return rank_of_equal_size(config)


def _choose_rates(
    bench: Bench, workers: int, console: Console
) -> tuple[dict[Arm, tuple[float, float]], list[dict[str, Any]]]:
    """Rates of adapters and of experts for every arm, and the trials that chose them.

    Both arms without experts get the best of their grids. The arms with experts take over the rate
    of the narrow adapters, which they have too, and the best rate of experts for four of them.
    """
    seed = bench.sizes.seeds[0]
    plain = [Trial(NONE, seed, rate) for rate in bench.sizes.lora_rates]
    wide = [Trial(WIDE, seed, rate) for rate in bench.sizes.wide_rates]
    run_trials(bench, dict.fromkeys([*plain, *wide], (VALIDATION,)), workers, console)
    sweep: list[dict[str, Any]] = []
    adapters = _best(bench, plain, sweep).lora_rate
    wide_adapters = _best(bench, wide, sweep).lora_rate
    four = [Trial(FOUR, seed, adapters, rate) for rate in bench.sizes.expert_rates]
    run_trials(bench, dict.fromkeys(four, (VALIDATION,)), workers, console)
    experts = _best(bench, four, sweep).expert_rate
    rates = {arm: (adapters, experts if arm.experts else 0.0) for arm in ARMS}
    return rates | {WIDE: (wide_adapters, 0.0)}, sweep


def _best(bench: Bench, trials: Sequence[Trial], sweep: list[dict[str, Any]]) -> Trial:
    """The trial with the best validation; all of them are added to the sweep."""
    scores = {trial: validation_score(bench.texts(trial, VALIDATION)) for trial in trials}
    best = max(trials, key=lambda trial: scores[trial])
    sweep += [
        {
            "arm": trial.arm.name,
            "lora_rate": trial.lora_rate,
            "expert_rate": trial.expert_rate,
            "validation": round(score, 3),
            "chosen": trial == best,
        }
        for trial, score in scores.items()
    ]
    return best
