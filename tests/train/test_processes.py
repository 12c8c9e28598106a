from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file, save_file

from echovlm.data.reader import SampleReader
from echovlm.data.sample import Split
from echovlm.errors import TrainingError
from echovlm.model import EchoVLMForConditionalGeneration
from echovlm.reproduce.validation import written_text
from echovlm.train import recipes, stage
from echovlm.train.base import load_processor
from echovlm.train.checkpoints import TRAINED, last_whole, step_of
from echovlm.train.plan import Catalogue, plan
from echovlm.train.recipes import Recipe
from echovlm.train.rows import Encoder
from echovlm.train.run import train

CHILD = Path(__file__).with_name("child.py")


def launch(folder: Path, settings: list[dict], **environment: str) -> None:
    """Run stages on two processes, one after the other."""
    path = folder / "settings.json"
    path.write_text(json.dumps(settings))
    told = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"),
            *(CHILD, path),
        ],
        capture_output=True,
        text=True,
        timeout=200,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def settings_of(recipe: Recipe, base: Path, data: Path, out: Path) -> dict:
    told = {"recipe": recipes.as_dict(recipe), "base": str(base), "data": str(data)}
    return told | {"out": str(out), "validate": True}


def numbers(run: Path, *names: str) -> list[float]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line[name] for line in lines if "loss" in line for name in names]


def scores(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line["eval_score"] for line in lines if "eval_score" in line]


@pytest.fixture(scope="module")
def mixed_set(built_set, tmp_path_factory) -> Path:
    """A set in which every other training study has lost its pictures."""
    folder = tmp_path_factory.mktemp("mixed") / "set"
    shutil.copytree(built_set, folder)
    lines = []
    for line in (folder / "samples.jsonl").read_text().splitlines():
        sample = json.loads(line)
        if sample["split"] == "train" and int(sample["study"][-1]) % 2:
            sample["images"] = []
            for turn in sample["turns"]:
                turn["text"] = turn["text"].replace("<image>", "").strip()
        lines.append(json.dumps(sample, ensure_ascii=False) + "\n")
    (folder / "samples.jsonl").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def starved_base(base, tmp_path_factory) -> Path:
    """The tiny network with routers that give all tokens to the same two experts."""
    folder = tmp_path_factory.mktemp("starved") / "tiny"
    shutil.copytree(base, folder)
    weights = load_file(folder / "model.safetensors")
    routers = [name for name in weights if name.endswith("router.weight")]
    assert len(routers) == 2
    for name in routers:
        weights[name].zero_()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def small_steps(recipe) -> Recipe:
    """Everything trains, on batches of a study each."""
    return dataclasses.replace(
        recipe,
        warmup=0.5,
        steps=6,
        tokens_per_batch=300,
        branches=2,
        save_every=3,
        validate_every=3,
        validate_studies=1,
    )


@pytest.fixture(scope="module")
def alone(starved_base, mixed_set, small_steps, tmp_path_factory) -> Path:
    """The run on one process, with twice the accumulation."""
    out = tmp_path_factory.mktemp("alone") / "run"
    recipe = dataclasses.replace(small_steps, accumulation=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "matmul_flops", lambda dtype: 1e11)
        train(recipe, starved_base, mixed_set, out, written_text, console=Console(quiet=True))
    return out


def test_a_step_sees_the_same_on_one_process_and_on_two(
    alone, starved_base, mixed_set, small_steps
):
    reader = SampleReader(mixed_set, Split.TRAIN)
    encoder = Encoder(load_processor(starved_base, small_steps.visual_tokens))
    catalogue = Catalogue.of(reader, encoder, alone / "catalogue.npz")
    batches = plan(catalogue, small_steps, processes=2)
    assert batches == plan(catalogue, dataclasses.replace(small_steps, accumulation=2))
    with_pictures = [any(reader.sample(row[0]).images for row in batch) for batch in batches]
    steps = list(zip(with_pictures[::2], with_pictures[1::2], strict=True))
    assert (True, False) in steps or (False, True) in steps
    assert numbers(alone, "router/0/load/0", "router/0/load/3")[:2] in ([0.5, 0], [0, 0.5])


FSDP = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_TRANSFORMER_CLS_TO_WRAP": "Qwen2VLDecoderLayer,Qwen2VLVisionBlock",
    "FSDP_STATE_DICT_TYPE": "SHARDED_STATE_DICT",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "false",
}


@pytest.mark.parametrize("environment", [{}, FSDP], ids=["DDP", "FSDP2"])
def test_two_processes_give_the_curve_of_one_through_a_stop_and_stop_together(
    alone, starved_base, mixed_set, small_steps, tmp_path, environment
):
    out = tmp_path / "two"
    settings = settings_of(small_steps, starved_base, mixed_set, out)
    damaged = shutil.copytree(mixed_set, tmp_path / "set")
    picture = sorted((damaged / "images" / "00000").iterdir())[-1]
    picture.write_bytes(picture.read_bytes()[:200])
    longer = dataclasses.replace(small_steps, steps=40)  # comes to the picture
    failing = settings_of(longer, starved_base, damaged, tmp_path / "failing")
    launch(
        tmp_path,
        [settings | {"stop": 2}, settings, failing | {"fails": True}],
        **environment,
    )
    for name in ("loss", "grad_norm", "loss/language/zh", "router/1/load/2", "mix/0"):
        assert numbers(out, name) == pytest.approx(numbers(alone, name), rel=1e-5), name
    assert scores(out) == pytest.approx(scores(alone), abs=1e-3)
    assert len(scores(out)) == 2
    assert [step_of(path) for path in sorted(out.glob("checkpoint-*"))] == [2, 3, 6]
    spread = bool(list(out.glob("checkpoint-6/optimizer_0/*.distcp")))
    assert spread == (environment == FSDP)
    one, two = (
        EchoVLMForConditionalGeneration.from_pretrained(run / "final").state_dict()
        for run in (alone, out)
    )
    torch.testing.assert_close(two, one, rtol=1e-3, atol=1e-5)
    first, second = scores(out)
    best = "checkpoint-6" if second > first else "checkpoint-3"
    stored = load_file(out / best / TRAINED)
    assert all(torch.equal(two[name], tensor) for name, tensor in stored.items())
    with pytest.raises(TrainingError, match="another number of processes"):
        train(small_steps, starved_base, mixed_set, out)
    told = [(tmp_path / "failing" / f"told-{rank}").read_text() for rank in (0, 1)]
    assert sorted(picture.name in sentence for sentence in told) == [False, True]
    assert any(sentence.startswith("Another process met damaged data.") for sentence in told)
    last = last_whole(tmp_path / "failing")
    assert f"after step {step_of(last)};" in told[0]
