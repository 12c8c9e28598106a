"""The training commands as a user types them: what they write, and one sentence for bad input."""

from __future__ import annotations

import json

import pytest

from echovlm.cli import run

SMALL = [
    *("--set", "steps=2", "--set", "tokens_per_batch=512", "--set", "visual_tokens=9"),
    *("--set", "precision=float32", "--set", "workers=0", "--set", "log_every=1"),
    *("--set", "validate_every=2", "--set", "validate_studies=2"),
]


def train(stage, data, base, out, *more):
    command = ["train", stage, "--data", str(data), "--base", str(base), "--out", str(out)]
    return run([*command, *SMALL, *more])


@pytest.fixture(scope="module")
def aligned(built_set, base, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "aligned"
    assert train("alignment", built_set, base, out) == 0
    return out


def test_a_stage_writes_a_checkpoint_that_answers(aligned, built_set, capsys):
    stored = json.loads((aligned / "final" / "recipe.json").read_text())
    assert (stored["name"], stored["steps"]) == ("alignment", 2)
    told = json.loads((aligned / "run.json").read_text())
    assert told["seed"] == 42
    assert len(told["data_manifest_sha256"]) == 64
    picture = next((built_set / "images").rglob("*.png"))
    model = ["--model", str(aligned / "final"), "--max-new-tokens", "4"]
    assert run(["report", str(picture), "--json", *model]) == 0
    assert "preliminary" in capsys.readouterr().out


def test_the_second_stage_goes_on_from_the_first(aligned, built_set, tmp_path, capsys):
    assert train("instruction-tuning", built_set, aligned / "final", tmp_path / "tuned") == 0
    assert "tuned/final" in capsys.readouterr().out.replace("\n", "")
    assert not any("lora" in name for name in _tensors(tmp_path / "tuned" / "final"))


def _tensors(folder):
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as stored:
        return list(stored.keys())


def test_inspect_draws_a_run(aligned, capsys):
    assert run(["train", "inspect", str(aligned)]) == 0
    assert "loss" in capsys.readouterr().out
    pictures = sorted((aligned / "inspect").glob("*.png"))
    assert len(pictures) >= 4
    assert all(picture.stat().st_size > 5_000 for picture in pictures)


def test_estimate_says_what_fits_before_a_run(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    assert run(["train", "estimate", "alignment", "--gpus", "8", "--gpu-gib", "80"]) == 0
    printed = capsys.readouterr().out
    assert "3,391,797,304" in printed
    assert "ZeRO-2" in printed


@pytest.mark.parametrize(
    ("options", "trains", "network"),
    [
        (["lora-only"], "10,440,704", "8,291,375,616"),  # the published 7B without experts
        (["alignment", "--set", "experts=8"], "5,", "13,"),
        (["instruction-tuning"], "3,402,238,008", "11,683,172,920"),
    ],
)
def test_estimate_knows_the_network_that_a_recipe_trains(
    options, trains, network, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "140")
    assert run(["train", "estimate", *options]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"trains {trains}" in told
    assert f"a network of {network}" in told


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--set", "stepz=3"], "is no setting"),
        (["--set", "source_weights.nowhere=2"], "source 'nowhere'"),
        (["--set", "tokens_per_batch=64"], "more than the 64 of a batch"),
    ],
)
def test_bad_settings_get_a_sentence(built_set, base, tmp_path, capsys, more, sentence):
    assert train("alignment", built_set, base, tmp_path / "run", *more) == 2
    told = capsys.readouterr().err
    assert sentence in " ".join(told.split())
    assert "Traceback" not in told


def test_folders_that_are_no_set_or_no_base_get_a_sentence(built_set, base, tmp_path, capsys):
    assert train("alignment", tmp_path, base, tmp_path / "a") == 2
    assert train("alignment", built_set, tmp_path, tmp_path / "b") == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_run_in_a_used_folder_is_refused(aligned, built_set, base, capsys):
    assert train("alignment", built_set, base, aligned, "--set", "steps=3") == 1
    assert "another steps in its recipe" in " ".join(capsys.readouterr().err.split())
