"""Fit the diagnosis temperature of a checkpoint, then score it on unseen simulated cases.

    python runs/score_nano.py CHECKPOINT SCORES.json

The temperature is fitted on validation cases and written to CHECKPOINT/calibration.json; the scores
are of the test cases, with their images and with blanked ones.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from echovlm.engine import Engine
from echovlm.evaluate.calibration import fit_temperature
from echovlm.evaluate.simulated import score
from echovlm.simulate.cases import Case, make_case
from echovlm.terms import Language
from echovlm.train import recipes


def main(
    checkpoint: Annotated[Path, typer.Argument(help="Folder of the checkpoint.")],
    scores: Annotated[Path, typer.Argument(help="JSON file the scores are written to.")],
) -> None:
    """Calibrate and score a checkpoint."""
    recipe = recipes.nano()
    calibrate(checkpoint, _cases(recipe.first_validation_case, recipe.validation_cases))
    engine = Engine.load(checkpoint)
    unseen = _cases(recipe.first_test_case, recipe.test_cases)
    result = {
        "model_version": engine.version,
        "first_case": recipe.first_test_case,
        "with_images": score(engine, unseen),
        "blanked_images": score(engine, unseen, blank=True),
    }
    _write(scores, result)
    print(json.dumps(result, indent=1, ensure_ascii=False))


def calibrate(checkpoint: Path, cases: list[Case]) -> None:
    """Write the temperature that fits the validation cases best beside the weights."""
    (checkpoint / "calibration.json").unlink(missing_ok=True)
    engine = Engine.load(checkpoint)
    likelihoods, true_index = [], []
    for case in track(cases, description="calibrating"):
        for language in Language:
            found = engine.diagnose(case.study, language=language)
            keys = [candidate.key for candidate in found.candidates]
            likelihoods.append([candidate.log_likelihood for candidate in found.candidates])
            true_index.append(keys.index(case.label))
    temperature = fit_temperature(likelihoods, true_index)
    _write(checkpoint / "calibration.json", {"temperature": round(temperature, 4)})


def _cases(first: int, count: int) -> list[Case]:
    return [make_case(first + i) for i in track(range(count), description="simulating")]


def _write(path: Path, content: dict) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)


if __name__ == "__main__":
    typer.run(main)
