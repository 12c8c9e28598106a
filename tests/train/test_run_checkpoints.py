from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from echovlm.errors import TrainingError
from echovlm.train import recipes
from echovlm.train.checkpoints import (
    TRAINED,
    WHOLE,
    is_whole,
    last_whole,
    mark_whole,
    read_trained,
    trained_parameters,
    whole_tensors,
    write_trained,
)

CHILD = Path(__file__).with_name("child.py")
TIMES = ("time_s", "speed/", "train_")


def child_runs(folder: Path, runs: list[dict]) -> list[int]:
    """Exit codes of runs in processes of their own, one after the other."""
    settings = folder / "settings.json"
    settings.write_text(json.dumps(runs))
    told = subprocess.run(
        [sys.executable, CHILD, settings], capture_output=True, text=True, timeout=280
    )
    assert told.returncode == 0, told.stderr
    assert "Traceback" not in told.stderr, told.stderr
    return json.loads(told.stdout)


def curve(run: Path) -> list[dict]:
    """The lines of a log without times."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [
        {name: value for name, value in line.items() if not name.startswith(TIMES)}
        for line in lines
        if "loss" in line
    ]


def assert_same_run(one: Path, other: Path) -> None:
    assert curve(one) == curve(other)
    weights = [load_file(run / "final" / "model.safetensors") for run in (one, other)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_run_killed_in_a_step_and_in_a_checkpoint_goes_on_bit_by_bit(
    base, built_set, recipe, tmp_path
):
    tuning = dataclasses.replace(
        recipes.instruction_tuning(),
        learning_rate=3e-3,
        steps=6,
        accumulation=2,
        tokens_per_batch=512,
        visual_tokens=9,
        augment=True,
        precision="float32",
        save_every=2,
        log_every=4,  # a line at each checkpoint all the same
        workers=1,
        seed=3,
    )
    assert tuning.lora_dropout > 0

    def run(recipe, name, die="", at=0):
        told = {"recipe": recipes.as_dict(recipe), "base": str(base), "data": str(built_set)}
        return told | {"out": str(tmp_path / name), "die": die, "at": at}

    whole = dataclasses.replace(recipe, steps=6)
    codes = child_runs(
        tmp_path,
        [
            run(tuning, "through"),
            run(tuning, "killed", "step", 2),
            run(tuning, "killed", "step", 4),
            run(tuning, "killed", "checkpoint", 4),
            run(tuning, "killed"),
            run(whole, "whole-through"),
            run(whole, "whole-killed", "checkpoint", 2),
            run(whole, "whole-killed", "step", 6),
            run(whole, "whole-killed"),
        ],
    )
    assert codes == [0, -9, -9, -9, 0, 0, -9, -9, 0]
    assert [line["step"] for line in curve(tmp_path / "through")] == [2, 4, 6]
    assert_same_run(tmp_path / "through", tmp_path / "killed")
    assert_same_run(tmp_path / "whole-through", tmp_path / "whole-killed")


def test_an_interrupted_checkpoint_is_passed_over_and_removed(tmp_path):
    for step in (2, 4, 10):
        folder = tmp_path / f"checkpoint-{step}"
        write_trained(folder, {"a": torch.ones(3)})
        (folder / "optimizer_0").mkdir()
        (folder / "optimizer_0" / "part").write_bytes(b"12345")
        if step < 10:
            mark_whole(folder, step)
    (tmp_path / "checkpoint-4" / "optimizer_0" / "part").write_bytes(b"123")
    assert not is_whole(tmp_path / "checkpoint-10")
    assert last_whole(tmp_path) == tmp_path / "checkpoint-2"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]
    (tmp_path / "checkpoint-2" / WHOLE).write_text("{")
    assert last_whole(tmp_path) is None


def test_trained_weights_come_back_and_nothing_else_is_stored(model, tmp_path):
    for name, weight in model.named_parameters():
        weight.requires_grad_(".mix." in name)
    trained = {n: w.detach().clone() for n, w in trained_parameters(model).items()}
    write_trained(tmp_path, whole_tensors(trained_parameters(model), keep=True))
    assert load_file(tmp_path / TRAINED).keys() == trained.keys()
    assert whole_tensors(trained, keep=False) == {}
    with torch.no_grad():
        for weight in trained_parameters(model).values():
            weight.zero_()
    read_trained(tmp_path, model)
    assert all(torch.equal(trained[n], w) for n, w in trained_parameters(model).items())


def test_weights_of_another_recipe_or_damaged_ones_are_told(model, tmp_path):
    write_trained(tmp_path, {"lm_head.weight": torch.ones(3)})
    with pytest.raises(TrainingError, match="another recipe or base"):
        read_trained(tmp_path, model)
    (tmp_path / TRAINED).write_bytes(b"no")
    with pytest.raises(TrainingError, match="cannot be read"):
        read_trained(tmp_path, model)
