"""Runs a stage as its own program, so that it can be killed: ``child.py SETTINGS.json``.

The settings are a list of runs, each with a recipe, base, data, out, and where to die. Each run is
a forked process: they share the time that imports take. Under ``torchrun`` they follow each other
in its processes, and one may get a signal in the step "stop".
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import DistributedType, PartialState
from accelerate.state import AcceleratorState
from rich.console import Console

from echovlm.errors import EchoVLMError
from echovlm.reproduce.validation import written_text
from echovlm.train import stage
from echovlm.train.parts import Part
from echovlm.train.recipes import Recipe
from echovlm.train.run import train


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _in_step(step: int, act: Callable[[], None]) -> None:
    before = stage.StageTrainer.training_step

    def training_step(self, *args, **kwargs):
        if self.state.global_step + 1 == step:
            act()
        return before(self, *args, **kwargs)

    stage.StageTrainer.training_step = training_step


def _in_checkpoint(step: int) -> None:
    mark = stage.mark_whole

    def mark_whole(folder, number):
        if number == step:
            _die()
        mark(folder, number)

    stage.mark_whole = mark_whole


def _plan_events(settings: dict) -> None:
    if settings.get("die") == "step":
        _in_step(settings["at"], _die)
    elif settings.get("die") == "checkpoint":
        _in_checkpoint(settings["at"])
    if settings.get("stop") and os.environ["RANK"] == "1":
        _in_step(settings["stop"], lambda: os.kill(os.getpid(), signal.SIGTERM))


def _spread_on_cpu() -> None:
    """Let accelerate use FSDP2 on a CPU, where torch runs it and accelerate would take DDP."""
    before = AcceleratorState.__init__

    def __init__(self, *args, **kwargs):
        PartialState(cpu=True).distributed_type = DistributedType.MULTI_GPU
        before(self, *args, **kwargs)

    AcceleratorState.__init__ = __init__


def _recipe(stored: dict) -> Recipe:
    parts = {name: tuple(Part(part) for part in stored[name]) for name in ("trainable", "lora")}
    return Recipe(**{**stored, **parts})


def _run(settings: dict) -> int:
    torch.set_num_threads(1)
    sys.stdout = sys.stderr
    stage.matmul_flops = lambda dtype: 1e11  # measuring takes longer than the run
    _plan_events(settings)
    finished = train(
        _recipe(settings["recipe"]),
        Path(settings["base"]),
        Path(settings["data"]),
        Path(settings["out"]),
        written_text if settings.get("validate") else None,
        console=Console(quiet=True),
    )
    return 0 if finished.final or settings.get("stop") else 3


def _run_together(settings: dict) -> None:
    """Run, and keep the sentence that a run ends in."""
    try:
        _run(settings)
    except EchoVLMError as error:
        if not settings.get("fails"):
            raise
        Path(settings["out"], f"told-{os.environ['RANK']}").write_text(str(error))


def main() -> None:
    runs = json.loads(Path(sys.argv[1]).read_text())
    if "RANK" in os.environ:
        if "ACCELERATE_USE_FSDP" in os.environ:
            _spread_on_cpu()
        for settings in runs:
            _run_together(settings)
        return
    codes = []
    for settings in runs:
        child = os.fork()
        if not child:
            os._exit(_run(settings))
        _, status = os.waitpid(child, 0)
        codes.append(os.waitstatus_to_exitcode(status))
    print(json.dumps(codes))


if __name__ == "__main__":
    main()
