"""The scores of a checkpoint on held-out patients, each beside baselines that do not look.

Simulated test patients: diagnosis, anatomy, reports, calibration. Real ones: benign or malignant in
BUS-BRA, benign, malignant or normal in AUL, anatomy over all sources, head circumference in HC18,
descriptors of lesions. Every score has a bootstrap interval over patients and the paired difference
to each baseline: the same network with blanked images, the most frequent label or text of the
training patients, and grey statistics with a logistic regression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from echovlm.data.sample import Split
from echovlm.engine import BaseEngine
from echovlm.errors import DataError
from echovlm.evaluate.held_out import read_cases
from echovlm.evaluate.scorecard import Measure, render, row
from echovlm.reproduce.limits import SIMULATED, Limits
from echovlm.reproduce.real_scores import Cases, real_measures
from echovlm.reproduce.simulated_scores import fitted_temperature, simulated_measures


def score_held_out(
    engine: BaseEngine,
    imported: Sequence[Path],
    built: Path,
    splits: Mapping[str, Split],
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Score a checkpoint on the test patients of imported sets.

    Args:
        engine: the loaded checkpoint.
        imported: folders of the imported sets; sources that are not among them are not scored.
        built: the built set, whose training texts give the most frequent findings.
        splits: split of every patient.
        limits: how much is scored.

    Returns:
        JSON values: ``rows`` (see :func:`echovlm.evaluate.scorecard.row`), the ``temperature`` that
        was fitted on validation patients, ``model``, ``model_version`` and ``limits``.

    Raises:
        DataError: when a set cannot be read, has test patients but none for training, or no set has
            test patients.
    """
    bounds = limits or Limits()
    cases = _read(imported, splits)
    temperature = 1.0
    measured: list[Measure] = []
    if cases.get(SIMULATED):
        temperature = fitted_temperature(engine, cases[SIMULATED][Split.VALIDATION], bounds)
        measured += simulated_measures(engine, cases[SIMULATED], temperature, bounds)
    measured += real_measures(engine, cases, built, bounds)
    if not measured:
        raise DataError(imported[0], "has no test patients", "Give the splits of these sets")
    return {
        "model": engine.name,
        "model_version": engine.version,
        "temperature": round(temperature, 4),
        "limits": asdict(bounds),
        "rows": [row(measure, bounds.resamples, bounds.seed) for measure in measured],
    }


def render_markdown(result: Mapping[str, Any]) -> str:
    """The result of :func:`score_held_out` as Markdown: a table, then what the scores are."""
    signatures = dict.fromkeys(
        f"- {entry['name']}: `{entry['signature']}`"
        for entry in result["rows"]
        if entry["signature"]
    )
    seed, resamples = result["limits"]["seed"], result["limits"]["resamples"]
    return (
        f"Checkpoint {result['model']}, version {result['model_version']}. Intervals: percentile "
        f"bootstrap over patients, {resamples} resamples, seed {seed}. Temperature "
        f"{result['temperature']:g}, fitted on validation patients.\n\n"
        f"{render(result['rows'])}\n" + "\n".join(signatures) + "\n"
    )


def _read(imported: Sequence[Path], splits: Mapping[str, Split]) -> Cases:
    cases = {}
    for folder in imported:
        of_split = read_cases(folder, splits)
        if of_split[Split.TEST] and not of_split[Split.TRAIN]:
            raise DataError(
                folder, "has no training patients to take baselines from", "Split it again"
            )
        if of_split[Split.TEST]:
            cases[of_split[Split.TEST][0].record.source] = of_split
    return cases
