"""From what the arms wrote to the table: scores, intervals, differences, sizes, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLConfig

from echovlm.evaluate.intervals import Statistic, interval, paired_difference
from echovlm.model import EchoVLMConfig
from echovlm.reproduce.ablation_plan import FOUR, NONE, Arm, Sizes, Trial
from echovlm.reproduce.ablation_scores import SCORES, ReportScore, Written
from echovlm.reproduce.ablation_trials import BLANK, TEST, Bench, read_texts, seconds
from echovlm.train.base import is_dense
from echovlm.train.estimate_flops import flop_rates
from echovlm.train.recipes import full
from echovlm.train.sizes import expected_trainable, part_sizes

PUBLISHED: Mapping[str, tuple[float, float, float, float]] = {
    NONE.name: (43.72, 56.92, 49.77, 44.76),
    "2 experts": (50.33, 58.75, 52.74, 50.33),
    FOUR.name: (53.87, 61.69, 55.78, 53.16),
    "6 experts": (54.03, 61.91, 56.15, 53.59),
    "4 experts, no shared expert": (49.29, 58.42, 52.33, 49.54),
    "4 experts, top-1": (49.93, 58.80, 52.97, 49.87),
}
"""BLEU-1, ROUGE-1, ROUGE-L, METEOR of reports (paper, Tables 5, 6 and 7)."""

CLAIMED = {"BLEU-1": 10.15, "ROUGE-1": 4.77}
"""What four experts gain over none (paper, Table 7)."""


def collect(
    bench: Bench, chosen: Sequence[Trial], sweep: Sequence[Mapping[str, Any]], base: Path
) -> dict[str, Any]:
    """Score everything that was written.

    Args:
        bench: what trials share.
        chosen: the trials of the table, all of them finished.
        sweep: what chose the rates.
        base: file of what the base wrote.

    Returns:
        JSON values.
    """
    texts = {trial: read_texts(bench.texts(trial, TEST)) for trial in chosen}
    rows = next(iter(texts.values()))
    patients = [row.patient for row in rows]
    arms = list(dict.fromkeys(trial.arm for trial in chosen))
    scores = {
        name: {trial: ReportScore.of(found, name) for trial, found in texts.items()}
        for name in SCORES
    }
    return {
        "sizes": asdict(bench.sizes),
        "precision": bench.precision,
        "studies": len(rows),
        "patients": len(set(patients)),
        "sweep": list(sweep),
        "signatures": {name: next(iter(of.values())).signatures for name, of in scores.items()},
        "arms": [
            _arm(bench, arm, [trial for trial in chosen if trial.arm == arm], scores, patients)
            for arm in arms
        ],
        "base": _plain_scores(read_texts(base)),
        "differences": [
            _difference(FOUR, other, scores, patients, bench.sizes)
            for other in arms
            if other != FOUR
        ],
    }


def _arm(
    bench: Bench,
    arm: Arm,
    trials: Sequence[Trial],
    scores: Mapping[str, Mapping[Trial, ReportScore]],
    patients: Sequence[str],
) -> dict[str, Any]:
    sizes = bench.sizes
    blanks = [path for trial in trials if (path := bench.texts(trial, BLANK)).exists()]
    return {
        "name": arm.name,
        "seeds": [trial.seed for trial in trials],
        "lora_rate": trials[0].lora_rate,
        "expert_rate": trials[0].expert_rate,
        "training_seconds": round(float(np.mean([seconds(bench, trial) for trial in trials])), 1),
        **_costs(bench, trials[0]),
        "scores": {
            name: asdict(interval(_mean(of, trials), patients, sizes.resamples))
            | {
                "by_seed": [_value(of[trial], len(patients)) for trial in trials],
                "by_anatomy": _mean_of([of[trial].by_anatomy() for trial in trials]),
                "by_language": _mean_of([of[trial].by_language() for trial in trials]),
            }
            for name, of in scores.items()
        },
        "blanked": _mean_of([_plain_scores(read_texts(path)) for path in blanks]),
        "published": dict(zip(SCORES, PUBLISHED[arm.name], strict=True))
        if arm.name in PUBLISHED
        else None,
    }


def _costs(bench: Bench, trial: Trial) -> dict[str, Any]:
    """Parameters and operations of a trial's network.

    Operations are those of a decoder token without attention's pairs and the head, which are the
    same in every arm: of an answer, with adapters folded in, and of a step of the second stage.
    """
    folder = bench.checkpoint(trial)
    config = (Qwen2VLConfig if is_dense(folder) else EchoVLMConfig).from_pretrained(folder)
    recipe = bench.stages(trial)[1][1]
    return {
        "parameters": sum(part_sizes(config).values()),
        "trainable": sum(expected_trainable(config, recipe).values()),
        "answer_flops_per_token": flop_rates(config, full()).forward.token,
        "training_flops_per_token": flop_rates(config, recipe).training.token,
    }


def _difference(
    one: Arm,
    other: Arm,
    scores: Mapping[str, Mapping[Trial, ReportScore]],
    patients: Sequence[str],
    sizes: Sizes,
) -> dict[str, Any]:
    """One arm less another on the seeds that both have."""
    trials = list(scores[SCORES[0]])
    seeds = {trial.seed for trial in trials if trial.arm == other}
    ours = [trial for trial in trials if trial.arm == one and trial.seed in seeds]
    theirs = [trial for trial in trials if trial.arm == other]
    return {
        "one": one.name,
        "other": other.name,
        "seeds": [trial.seed for trial in ours],
        "scores": {
            name: asdict(
                paired_difference(_mean(of, ours), _mean(of, theirs), patients, sizes.resamples)
            )
            | {
                "by_seed": [
                    _value(of[a], len(patients)) - _value(of[b], len(patients))
                    for a, b in zip(ours, theirs, strict=True)
                ]
            }
            for name, of in scores.items()
        },
    }


def _mean(of: Mapping[Trial, ReportScore], trials: Sequence[Trial]) -> Statistic:
    """The mean over seeds."""
    return lambda weights: np.mean([of[trial](weights) for trial in trials], axis=0)


def _value(score: Callable[[np.ndarray], np.ndarray], studies: int) -> float:
    return float(score(np.ones((1, studies), dtype=np.int32))[0])


def _plain_scores(rows: Sequence[Written]) -> dict[str, float]:
    return {name: _value(ReportScore.of(rows, name), len(rows)) for name in SCORES}


def _mean_of(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in found])) for name in (found or [{}])[0]}


def validation_score(path: Path) -> float:
    """What chooses the rates: BLEU-1 of the validation reports."""
    rows = read_texts(path)
    return _value(ReportScore.of(rows, SCORES[0]), len(rows))
