"""Nano from nothing at smoke size: every stage runs, is kept, and is not done twice."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import Qwen2VLForConditionalGeneration

from echovlm.cli import run
from echovlm.engine import Engine
from echovlm.errors import DataError
from echovlm.model.layouts import dense_name
from echovlm.reproduce import nano
from echovlm.reproduce.nano import NanoRun


@pytest.mark.slow  # part of the default run: the only proof that the shipped recipe runs
def test_every_stage_runs_and_none_is_done_twice(tmp_path, monkeypatch):
    work = tmp_path / "work"
    options = ["--setting", "smoke", "--workers", "2", "--dense-twin"]
    assert run(["reproduce", "nano", str(work), *options]) == 0
    final = work / "network" / "final"
    engine = Engine.load(final)
    assert engine.temperature == json.loads((final / "calibration.json").read_text())["temperature"]
    assert "do not believe" in engine.notices["en"]
    scores = json.loads((work / "scores.json").read_text())
    assert any("diagnosis" in row["name"] for row in scores["rows"])
    assert "| " in (work / "scores.md").read_text()
    _check_twin(work)
    monkeypatch.setattr(NanoRun, "score", lambda self, checkpoint, sets: {})
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*.safetensors")}
    assert run(["reproduce", "nano", str(work), *options]) == 0
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*.safetensors")} == before


def _check_twin(work):
    """It starts from the weights that nano starts from, and ends without experts."""
    start, dense = (
        load_file(work / name / "model.safetensors") for name in ("start", "dense-start")
    )
    renamed = {dense_name(name): one for name, one in start.items()}
    assert all(torch.equal(renamed[name], one) for name, one in dense.items())
    assert set(dense) == set(renamed) - {None}
    twin = Engine.load(work / "dense-twin" / "final")
    assert type(twin.network.model) is Qwen2VLForConditionalGeneration


def test_a_folder_without_the_public_sets_is_told(tmp_path):
    recipe = dataclasses.replace(nano.smoke(), cases=2)
    with pytest.raises(DataError, match=r"BUS-BRA: does not exist\. Leave out --real"):
        NanoRun(recipe, tmp_path / "work", real=tmp_path)()


def test_the_settings_differ_in_length_alone():
    whole, short = nano.nano(), nano.reduced()
    assert short.network.steps < whole.network.steps
    assert (
        dataclasses.replace(short, cases=whole.cases, vision=whole.vision, network=whole.network)
        == whole
    )
