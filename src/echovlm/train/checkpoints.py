"""Checkpoints of a run: written whole or not at all, and found again.

A checkpoint holds what the run changes: the trained tensors (``trained.safetensors``), optimizer,
schedule, random states and the position in the data. The base does not change and is not copied.
``whole.json`` is written last; a folder without it was interrupted and is never read.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from echovlm.errors import TrainingError
from echovlm.train.processes import fill, whole

TRAINED = "trained.safetensors"
WHOLE = "whole.json"
_NAME = re.compile(r"checkpoint-(\d+)")


def trained_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """Every parameter that training changes, by name."""
    return {name: weight for name, weight in network.named_parameters() if weight.requires_grad}


def whole_tensors(tensors: Mapping[str, torch.Tensor], keep: bool) -> dict[str, torch.Tensor]:
    """Tensors as they are written: not spread over processes, in main memory.

    Args:
        tensors: every process gives the same names.
        keep: whether this process keeps them; the others only help to put them together.
    """
    kept = {}
    for name, tensor in tensors.items():
        found = whole(tensor.detach())
        if keep:
            kept[name] = found.contiguous().cpu()
    return kept


def write_trained(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write the trained tensors of a checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / TRAINED)


def read_trained(folder: Path, network: nn.Module) -> None:
    """Put the trained tensors of a checkpoint into a network that is frozen the same way.

    Raises:
        TrainingError: when the tensors are damaged or not those of this network and recipe.
    """
    try:
        stored = load_file(folder / TRAINED)
    except Exception as error:  # safetensors raises its own kinds on damaged files
        raise TrainingError(
            f"{folder / TRAINED} cannot be read ({type(error).__name__}); remove the folder and "
            "start again: the run goes on from the checkpoint before it."
        ) from None
    own = trained_parameters(network)
    odd = sorted(set(stored) ^ set(own)) + sorted(
        name for name in set(stored) & set(own) if stored[name].shape != own[name].shape
    )
    if odd:
        raise TrainingError(
            f"{folder} was written with another recipe or base: {odd[0]} does not fit. Train into "
            "another folder."
        )
    with torch.no_grad():
        for name, tensor in stored.items():
            fill(own[name], tensor)


def mark_whole(folder: Path, step: int) -> None:
    """Say that a checkpoint is complete: the last file that is written."""
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
        files[str(path.relative_to(folder))] = path.stat().st_size
    temporary = folder / f".{WHOLE}"
    temporary.write_text(json.dumps({"step": step, "bytes": files}, indent=1) + "\n")
    os.replace(temporary, folder / WHOLE)


def is_whole(folder: Path) -> bool:
    """Whether every file of a checkpoint is there in its full length."""
    try:
        told = json.loads((folder / WHOLE).read_text())["bytes"]
        return all((folder / name).stat().st_size == size for name, size in told.items())
    except (OSError, ValueError, KeyError):
        return False


def step_of(folder: Path) -> int:
    """Step of a checkpoint folder, -1 for any other name."""
    match = _NAME.fullmatch(folder.name)
    return int(match[1]) if match else -1


def last_whole(run: Path) -> Path | None:
    """The newest whole checkpoint of a run; interrupted ones are removed."""
    found = sorted(
        (path for path in run.glob("checkpoint-*") if step_of(path) >= 0), key=step_of, reverse=True
    )
    for folder in found:
        if is_whole(folder):
            return folder
        shutil.rmtree(folder)
    return None
