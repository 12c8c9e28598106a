"""Safetensors shards of a checkpoint folder: read tensor by tensor, written one shard at a time.

Opening a folder reads headers only and finds truncated files, lost shards and an index that
disagrees with the files. A new folder appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from echovlm.errors import CheckpointError, OutputError, TensorError

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
SHARD_BYTES = 4 << 30

Shape = tuple[int, ...]
Place = tuple[int | slice, ...]
Plan = list[tuple[str, int, Callable[[], torch.Tensor]]]
"""Name, size in bytes and maker of each tensor to be written, in order."""

_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_NAMED = 4  # tensors named in a message before "and n more"


@dataclass(frozen=True)
class Header:
    """What a weight file says of one tensor: the file, shape, and dtype as safetensors names it."""

    file: Path
    shape: Shape
    dtype: str

    @property
    def bytes(self) -> int:
        """Size of the tensor."""
        bits = {"F64": 64, "I64": 64, "U64": 64, "F16": 16, "BF16": 16, "I16": 16, "U16": 16}
        count = 1
        for length in self.shape:
            count *= length
        narrow = 8 if self.dtype.startswith(("F8", "I8", "U8", "BOOL")) else 32
        return count * bits.get(self.dtype, narrow) // 8


class Weights:
    """The safetensors files of a folder, opened for reading tensor by tensor.

    Args:
        folder: holds ``model.safetensors``, or several files and ``model.safetensors.index.json``.

    Raises:
        CheckpointError: if weight files are absent, truncated or not safetensors.
        TensorError: if the index and the files disagree.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.headers: dict[str, Header] = {}
        index = self._index() if (folder / INDEX).exists() else {}
        for file in sorted(set(index.values())) or [self._single()]:
            self._add(folder / file)
        lost, extra = sorted(set(index) - set(self.headers)), set(self.headers) - set(index)
        if lost or (index and extra):
            raise TensorError(
                f"{folder}: {INDEX} and the weight files disagree about "
                f"{list_tensors(lost or sorted(extra))}; fetch the checkpoint again."
            )

    def _index(self) -> dict[str, str]:
        index = read_json(self.folder / INDEX).get("weight_map")
        if (
            not isinstance(index, dict)
            or not index
            or any(not isinstance(file, str) or Path(file).name != file for file in index.values())
        ):
            raise CheckpointError(
                f"{self.folder / INDEX} does not say which file of its folder holds which tensor; "
                "fetch the checkpoint again."
            )
        return index

    def _single(self) -> str:
        if (self.folder / SINGLE).exists():
            return SINGLE
        pickled = sorted(f.name for f in self.folder.iterdir() if f.suffix in _PICKLES)
        if pickled:
            raise CheckpointError(
                f"{self.folder} holds pickled weights ({pickled[0]}), which can run code and are "
                "never read; save them as safetensors."
            )
        raise CheckpointError(
            f"{self.folder} holds no {SINGLE} and no {INDEX}; give the folder of a checkpoint."
        )

    def _add(self, file: Path) -> None:
        try:
            with safe_open(file, "pt") as shard:
                for name in shard.keys():  # noqa: SIM118 - a safetensors handle is no mapping
                    part = shard.get_slice(name)
                    self.headers[name] = Header(file, tuple(part.get_shape()), part.get_dtype())
        except FileNotFoundError as error:
            raise CheckpointError(
                f"{file} is missing though {INDEX} lists it; fetch the checkpoint again."
            ) from error
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"{file} is truncated or not a safetensors file; fetch the checkpoint again."
            ) from error

    def shapes(self) -> dict[str, Shape]:
        """Shape of every tensor by name."""
        return {name: header.shape for name, header in self.headers.items()}

    def read(self, name: str, place: Place = ()) -> torch.Tensor:
        """Read one tensor, or the part of it at ``place``."""
        with safe_open(self.headers[name].file, "pt") as shard:
            return shard.get_slice(name)[place] if place else shard.get_tensor(name)


def list_tensors(names: list[str]) -> str:
    """Name the first few of some tensors in a clause."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"the tensor{'s' * (len(names) > 1)} {', '.join(names[:_NAMED])}{more}"


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        CheckpointError: if the file is absent or holds something else.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{file.parent} holds no {file.name}; give the folder of a checkpoint."
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{file} is not readable JSON; fetch the checkpoint again."
        ) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{file} is not a JSON object; fetch the checkpoint again.")
    return value


def copy_companions(source: Path, target: Path) -> None:
    """Copy everything that lies beside weights and ``config.json``: tokenizer, processor, card."""
    skip = {*_PICKLES, ".safetensors", ".gguf", ".h5", ".msgpack"}
    for file in sorted(source.iterdir()):
        known = file.name == "config.json" or file.name.endswith(".index.json")
        if file.is_file() and not known and file.suffix not in skip and file.name[0] != ".":
            shutil.copyfile(file, target / file.name)


def write_weights(folder: Path, plan: Plan, shard_bytes: int = SHARD_BYTES) -> None:
    """Write tensors into shards, holding one shard in memory at a time.

    Args:
        folder: where to.
        plan: the tensors, in order.
        shard_bytes: most bytes of one file; a larger tensor gets a file of its own.
    """
    shards: list[list[tuple[str, Callable[[], torch.Tensor]]]] = [[]]
    filled = 0
    for name, size, make in plan:
        if shards[-1] and filled + size > shard_bytes:
            shards.append([])
            filled = 0
        shards[-1].append((name, make))
        filled += size
    names = [f"model-{i:05d}-of-{len(shards):05d}.safetensors" for i in range(1, len(shards) + 1)]
    if len(shards) == 1:
        names = [SINGLE]
    for file, shard in zip(names, shards, strict=True):
        save_file({n: make().contiguous() for n, make in shard}, folder / file, {"format": "pt"})
    if len(shards) > 1:
        index = {
            "metadata": {"total_size": sum(size for _, size, _ in plan)},
            "weight_map": {n: f for f, s in zip(names, shards, strict=True) for n, _ in s},
        }
        (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a folder that becomes ``target`` if all goes well, and vanishes if not.

    Raises:
        OutputError: if ``target`` holds something already or cannot be written.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise OutputError(f"{target} exists already and is not empty; choose a new folder.")
    scratch = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        yield scratch
        scratch.chmod(0o755)
        os.replace(scratch, target)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{target} could not be written: {reason}.") from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
