"""One table of scores: each beside what can be had without looking, and beside its target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from echovlm.evaluate.intervals import RESAMPLES, Statistic, interval, paired_difference

MODEL = "model"
"""Name of the system under test among the systems of a measure."""


@dataclass(frozen=True, eq=False)
class Measure:
    """One score of several systems on the same cases.

    Attributes:
        name: what is measured and in which unit ("BUS-BRA, AUROC benign/malignant").
        patients: patient of each case.
        systems: statistic of each system over the cases; ``MODEL`` and its baselines.
        target: what the model should reach; None where nothing is asked.
        lower_is_better: True for errors.
        decimals: digits shown behind the point.
        signature: what it takes to compute the score again.
        detail: more numbers for the JSON result.
    """

    name: str
    patients: Sequence[str]
    systems: Mapping[str, Statistic]
    target: float | None = None
    lower_is_better: bool = False
    decimals: int = 3
    signature: str = ""
    detail: Mapping[str, Any] | None = None


def row(measure: Measure, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Any]:
    """Score a measure with intervals over patients.

    Args:
        measure: what is scored.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        JSON values: ``score`` and ``baselines`` with ``value``, ``low``, ``high`` (a baseline also
        with the paired ``difference`` model less baseline and its ``p``); ``met`` and ``short_by``
        where there is a target. A score that is undefined for these cases is None with the reason
        in ``note``.
    """
    result: dict[str, Any] = {
        "name": measure.name,
        "cases": len(measure.patients),
        "patients": len(set(measure.patients)),
        "decimals": measure.decimals,
        "lower_is_better": measure.lower_is_better,
        "signature": measure.signature,
        "target": measure.target,
        "baselines": {},
    }
    if measure.detail:
        result["detail"] = dict(measure.detail)
    model = measure.systems[MODEL]
    try:
        result["score"] = _ends(interval(model, measure.patients, resamples, seed))
        for name, system in measure.systems.items():
            if name != MODEL:
                found = paired_difference(model, system, measure.patients, resamples, seed)
                result["baselines"][name] = {
                    **_ends(interval(system, measure.patients, resamples, seed)),
                    "difference": _ends(found),
                    "p": found.p,
                }
    except ValueError as error:
        return {**result, "score": None, "baselines": {}, "met": None, "note": str(error)}
    if measure.target is not None:
        gap = measure.target - result["score"]["value"]
        short = -gap if measure.lower_is_better else gap
        result |= {"met": short <= 0, "short_by": max(0.0, short)}
    return result


def _ends(found: Any) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high}


def render(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as a Markdown table, one line each."""
    lines = [
        "| score | patients | model (95 %) | without looking | target |",
        "|---|---|---|---|---|",
    ]
    for entry in rows:
        baselines = "; ".join(
            f"{name} {_shown(found, entry['decimals'])}"
            for name, found in entry["baselines"].items()
        )
        lines.append(
            f"| {entry['name']} | {entry['patients']} | {_model(entry)} | {baselines} "
            f"| {_target(entry)} |"
        )
    return "\n".join(lines) + "\n"


def _model(entry: Mapping[str, Any]) -> str:
    if entry["score"] is None:
        return f"not scored: {entry['note']}"
    return _shown(entry["score"], entry["decimals"])


def _shown(found: Mapping[str, float], decimals: int) -> str:
    value, low, high = (f"{found[key]:.{decimals}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _target(entry: Mapping[str, Any]) -> str:
    if entry["target"] is None:
        return ""
    bound = "≤" if entry["lower_is_better"] else "≥"
    asked = f"{bound} {entry['target']:g}"
    if entry["score"] is None:
        return asked
    if entry["met"]:
        return f"{asked}: met"
    # One digit more than shown, so that a near miss does not read as none.
    return f"{asked}: missed by {entry['short_by']:.{entry['decimals'] + 1}f}"
