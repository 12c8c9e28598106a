from __future__ import annotations

import dataclasses
import errno
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from echovlm.errors import EchoVLMError, OutputError, TrainingError
from echovlm.train import run as runs
from echovlm.train import stage
from echovlm.train.checkpoints import is_whole, last_whole, step_of
from echovlm.train.dataset import PlannedBatches
from echovlm.train.recipes import Recipe
from echovlm.train.run import Finished, train
from echovlm.train.stage import StageTrainer


@pytest.fixture(autouse=True, scope="module")
def no_measuring() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "matmul_flops", lambda dtype: 1e11)
        yield


@pytest.fixture(scope="module")
def short(recipe) -> Recipe:
    """Everything trains for six steps, with a checkpoint at every second."""
    return dataclasses.replace(recipe, steps=6)


@pytest.fixture(scope="module")
def through(base, built_set, short, tmp_path_factory) -> Path:
    """The run that nothing happens to."""
    out = tmp_path_factory.mktemp("through") / "run"
    start(short, base, built_set, out)
    return out


def start(recipe, base, data, out, trainer=StageTrainer) -> Finished:
    return train(recipe, base, data, out, make_trainer=trainer, console=Console(quiet=True))


def in_step(step: int, act: Callable[[StageTrainer], None]) -> type[StageTrainer]:
    """A loop to which something happens before the forward pass of one step."""

    class Happening(StageTrainer):
        def compute_loss(self, *args, **kwargs):
            if self.state.global_step + 1 == step:
                act(self)
            return super().compute_loss(*args, **kwargs)

    return Happening


def losses_of(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def assert_kept(out: Path, step: int) -> None:
    """The checkpoint of a step is the last one, and nothing partial lies about."""
    last = last_whole(out)
    assert last is not None
    assert step_of(last) == step
    assert all(is_whole(path) for path in out.glob("checkpoint-*"))
    assert not [path.name for path in out.rglob(".*")]
    assert not (out / "final").exists()


def assert_same(one: Path, other: Path) -> None:
    assert losses_of(one) == losses_of(other)
    weights = [load_file(run / "final" / "model.safetensors") for run in (one, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def poison(trainer: StageTrainer) -> None:
    next(trainer.model.parameters()).data.fill_(float("nan"))


def explode(trainer: StageTrainer) -> None:
    weight = trainer.model.get_input_embeddings().weight
    handle = weight.register_hook(lambda gradient: (handle.remove(), gradient * float("inf"))[1])


def run_out(*args, **kwargs) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB.")


def run_out_on_cpu(trainer: StageTrainer) -> None:
    torch.empty(1 << 60)


@pytest.mark.parametrize(
    ("happening", "sentence"),
    [
        (poison, "Training stopped at step 4: the loss is not finite. The checkpoints in .* lower"),
        (explode, "Training stopped at step 4: the gradient is not finite."),
        (run_out, "Memory ran out at step 4: go on with gradient_checkpointing=true, or train"),
        (run_out_on_cpu, r"Memory ran out at step 4: .* tokens_per_batch \(now 512\)"),
    ],
)
def test_a_fault_in_a_step_ends_in_a_sentence_and_the_run_can_go_on(
    base, built_set, short, through, tmp_path, happening, sentence
):
    out = tmp_path / "run"
    with pytest.raises(TrainingError, match=sentence):
        start(short, base, built_set, out, in_step(4, happening))
    assert_kept(out, 2)
    start(short, base, built_set, out)
    assert_same(out, through)


def test_a_gradient_that_is_not_clipped_is_looked_at_too(base, built_set, short, tmp_path):
    free = dataclasses.replace(short, clip=0.0)
    with pytest.raises(TrainingError, match="step 4: the gradient is not finite"):
        start(free, base, built_set, tmp_path / "run", in_step(4, explode))


def test_memory_that_runs_out_in_the_optimizer_is_told_too(
    base, built_set, short, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.optim.AdamW, "step", run_out)
    with pytest.raises(TrainingError, match="Memory ran out at step 1"):
        start(short, base, built_set, tmp_path / "run")


def test_another_error_is_not_taken_for_a_lack_of_memory(base, built_set, short, tmp_path):
    def break_down(trainer):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        start(short, base, built_set, tmp_path / "run", in_step(1, break_down))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_stops_the_run_with_its_name(
    base, built_set, short, through, tmp_path, workers
):
    data = shutil.copytree(built_set, tmp_path / "set")
    reading = dataclasses.replace(short, workers=workers)
    out = tmp_path / "run"
    damaged = {}

    class Damaging(StageTrainer):
        """Damages a picture that a late step is the first to see, once all are measured."""

        def train(self, *args, **kwargs):
            batches: PlannedBatches = self.train_dataset
            seen = [
                {path for row in batch for path in batches.reader.sample(row[0]).images}
                for batch in batches.batches
            ]
            first = [pictures - set().union(*seen[:n]) for n, pictures in enumerate(seen)]
            step = max(number for number, pictures in enumerate(first) if pictures)
            path = data / min(first[step])
            damaged.update(path=path, step=step, content=path.read_bytes())
            path.write_bytes(damaged["content"][:100])
            return super().train(*args, **kwargs)

    with pytest.raises(
        TrainingError, match=r"\.png: is missing or damaged.* mend the data"
    ) as told:
        start(reading, base, data, out, Damaging)
    assert str(damaged["path"]) in str(told.value)
    assert damaged["step"] > 0
    assert f"after step {damaged['step']};" in str(told.value)
    assert_kept(out, damaged["step"])
    damaged["path"].write_bytes(damaged["content"])
    start(reading, base, data, out)
    assert_same(out, through)


@pytest.fixture
def full_disk(tmp_path) -> Iterator[Path]:
    """A folder on a disk that has room for the run and one checkpoint."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder]
    if shutil.which("mount") is None or subprocess.run(options, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_full_at_a_checkpoint(base, built_set, short, through, full_disk):
    out = full_disk / "run"
    with pytest.raises(TrainingError, match=r"checkpoint-4 could not be written \(no room on the"):
        start(short, base, built_set, out)
    assert_kept(out, 2)
    subprocess.run(["mount", "-o", "remount,size=20m", full_disk], check=True)
    start(short, base, built_set, out)
    assert_same(out, through)


@pytest.mark.parametrize("place", ["write_trained", "mark_whole"])
def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(
    base, built_set, short, through, tmp_path, monkeypatch, place
):
    real = getattr(stage, place)

    def fail_later(folder, *args):
        if folder.name == "checkpoint-4":
            folder.mkdir(exist_ok=True)
            (folder / "partial").write_text("part")
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(folder, *args)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(stage, place, fail_later)
        with pytest.raises(TrainingError, match="nothing partial was left"):
            start(short, base, built_set, out)
    assert_kept(out, 2)
    start(short, base, built_set, out)
    assert_same(out, through)


def test_a_result_that_cannot_be_written_leaves_nothing_and_is_written_next_time(
    base, built_set, short, through, tmp_path, monkeypatch
):
    out = tmp_path / "run"

    def fail(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    real = runs._write
    with monkeypatch.context() as patch:
        patch.setattr(
            runs, "_write", lambda p, c: (fail if p.parent.name == ".final.new" else real)(p, c)
        )
        with pytest.raises(OutputError, match=r"final cannot be written \(No space left"):
            start(short, base, built_set, out)
    assert_kept(out, 6)
    start(short, base, built_set, out)
    assert_same(out, through)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_step_finish_and_the_run_goes_on_exactly(
    base, built_set, short, through, tmp_path, number
):
    reading = dataclasses.replace(short, workers=1)
    out = tmp_path / "run"
    before = signal.getsignal(number)

    def signal_everyone(trainer):
        for child in multiprocessing.active_children():
            os.kill(child.pid, number)
        os.kill(os.getpid(), number)
        time.sleep(0.2)

    finished = start(reading, base, built_set, out, in_step(3, signal_everyone))
    assert finished == Finished(out, None, 3, signal.Signals(number).name)
    assert signal.getsignal(number) == before
    assert_kept(out, 3)
    assert start(reading, base, built_set, out).stopped_by == ""
    assert_same(out, through)


def test_a_second_signal_ends_at_once(base, built_set, short, through, tmp_path):
    out = tmp_path / "run"

    def insist(trainer):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        start(short, base, built_set, out, in_step(4, insist))
    assert_kept(out, 2)
    start(short, base, built_set, out)
    assert_same(out, through)


def test_a_reader_killed_for_memory_is_told(base, built_set, short, tmp_path):
    def kill(trainer):
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGKILL)
        time.sleep(0.2)

    reading = dataclasses.replace(short, workers=1)
    with pytest.raises(EchoVLMError, match="Memory ran out at step 3"):
        start(reading, base, built_set, tmp_path / "run", in_step(3, kill))
    assert_kept(tmp_path / "run", 2)
