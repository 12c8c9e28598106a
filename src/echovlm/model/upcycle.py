"""Upcycling: an EchoVLM made from a dense Qwen2-VL checkpoint.

Two initialisations of what the dense checkpoint lacks:

*published*: every new weight is drawn from N(0, ``initializer_range``) and biases are 0. The mix
then starts near one half, so the dense path counts half and the network is not the dense one.

*function-preserving*: the new network computes what the dense one did, yet learns at once.

* The mix is zero, so both paths count exactly one half.
* The ``down_proj`` of every routed expert and of the shared expert is zero, so the expert path
  gives nothing yet.
* The dense path's ``down_proj`` is doubled, which binary floating point does without rounding, so
  half of it is what it was: the logits are those of the dense network bit for bit.
* ``gate_proj`` and ``up_proj`` of the experts are neurons of the layer's dense path, other ones for
  each expert as long as they last: the expert path starts from features the network already has.
* Router and shared-expert gate are drawn from N(0, ``initializer_range``).

At the first step the zero ``down_proj`` and the mix receive gradient, after it everything does. (A
mix driven to one side by its bias would preserve the function too, but its softmax is flat there
and the experts would starve.)
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from echovlm.errors import LayoutError, OptionError
from echovlm.model.checkpoints import check_shapes, expected_tensors, make_config, write_config
from echovlm.model.config import (
    RELEASED_MODEL_TYPE,
    EchoVLMConfig,
    EchoVLMTextConfig,
    from_released,
    is_released,
)
from echovlm.model.layouts import dense_name
from echovlm.model.shards import (
    SHARD_BYTES,
    Place,
    Plan,
    Shape,
    Weights,
    copy_companions,
    new_folder,
    read_json,
    write_weights,
)

Initialisation = Literal["function-preserving", "published"]


def upcycle(
    source: str | Path,
    target: str | Path,
    initialisation: Initialisation = "function-preserving",
    seed: int = 0,
    *,
    num_experts: int = 4,
    num_experts_per_tok: int = 2,
    moe_intermediate_size: int = 1408,
    shared_expert_intermediate_size: int = 5632,
    shard_bytes: int = SHARD_BYTES,
) -> Path:
    """Make an EchoVLM checkpoint from a dense one, holding one shard in memory at a time.

    Args:
        source: folder of a dense Qwen2-VL checkpoint.
        target: new folder, written in EchoVLM's own layout; it must not exist, or be empty.
        initialisation: "function-preserving" or "published", see the module.
        seed: of everything drawn; each tensor has its own stream, so shards do not matter.
        num_experts: routed experts per layer.
        num_experts_per_tok: experts per token.
        moe_intermediate_size: width of one routed expert.
        shared_expert_intermediate_size: width of the shared expert; 0 for none.
        shard_bytes: most bytes of one file of the target.

    Returns:
        ``target``.

    Raises:
        OptionError: for an unknown initialisation or impossible sizes.
        LayoutError: if ``source`` is not a dense Qwen2-VL.
        CheckpointError: if ``source`` is incomplete or broken.
        OutputError: if ``target`` cannot be written; nothing partial is left behind.
    """
    if initialisation not in get_args(Initialisation):
        choices = " or ".join(get_args(Initialisation))
        raise OptionError(f"Unknown initialisation '{initialisation}'; choose {choices}.")
    sizes = {
        "num_experts": num_experts,
        "num_experts_per_tok": num_experts_per_tok,
        "moe_intermediate_size": moe_intermediate_size,
        "shared_expert_intermediate_size": shared_expert_intermediate_size,
    }
    least = min(num_experts_per_tok, moe_intermediate_size, shared_expert_intermediate_size + 1)
    if least < 1 or num_experts_per_tok > num_experts:
        raise OptionError(
            "Sizes must be at least 1 (the shared expert's width 0 for none), and "
            "num_experts_per_tok at most num_experts."
        )
    dense = _Dense(Path(source), sizes)
    start = _Start(dense, initialisation == "function-preserving", seed)
    with new_folder(Path(target)) as folder:
        write_config(folder, dense.config, "echovlm")
        copy_companions(dense.folder, folder)
        write_weights(folder, start.plan(), shard_bytes)
    return Path(target)


class _Dense:
    """A dense Qwen2-VL checkpoint and the configuration of the network to be made from it."""

    def __init__(self, folder: Path, sizes: dict[str, int]) -> None:
        self.folder = folder
        self.config = _config(folder, read_json(folder / "config.json"), sizes)
        self.weights = Weights(folder)
        self.shapes = expected_tensors(self.config)
        nested = any(name.startswith("model.language_model.") for name in self.weights.headers)
        self.names = {name: dense_name(name, nested) for name in self.shapes}
        needed = {old: self.shapes[name] for name, old in self.names.items() if old is not None}
        found = self.weights.shapes()
        if self.config.tie_word_embeddings:
            found.pop("lm_head.weight", None)
        check_shapes(folder, needed, found)

    def read(self, name: str, place: Place = ()) -> torch.Tensor:
        """Read a tensor, or a part of it, by the name it has in the network to be made."""
        return self.weights.read(str(self.names[name]), place)


class _Start:
    """Says of each tensor of the new network how to make it."""

    def __init__(self, dense: _Dense, preserving: bool, seed: int) -> None:
        self.dense = dense
        self.preserving = preserving
        self.seed = seed

    def plan(self) -> Plan:
        """List name, size in bytes and maker of every tensor."""
        headers = self.dense.weights.headers
        plan: Plan = []
        for name, shape in self.dense.shapes.items():
            old = self.dense.names[name]
            like = old or str(self.dense.names[f"{_layer(name)}.mlp.dense.down_proj.weight"])
            width = headers[like].bytes / max(1, _count(headers[like].shape))
            maker = self._kept(name) if old else self._new(name, shape)
            plan.append((name, int(_count(shape) * width), maker))
        return plan

    def _kept(self, name: str) -> Callable[[], torch.Tensor]:
        if self.preserving and name.endswith(".mlp.dense.down_proj.weight"):
            return lambda: self.dense.read(name) * 2
        return partial(self.dense.read, name)

    def _new(self, name: str, shape: Shape) -> Callable[[], torch.Tensor]:
        if name.endswith("mix.bias"):
            return partial(self._zero, name, shape)
        if not self.preserving:
            return partial(self._draw, name, shape)
        if name.endswith(("mix.weight", "experts.down_proj", "shared_expert.down_proj.weight")):
            return partial(self._zero, name, shape)
        if name.endswith(("gate_up_proj", "gate_proj.weight", "up_proj.weight")):
            return partial(self._neurons, name, shape)
        return partial(self._draw, name, shape)

    def _dtype(self, name: str) -> torch.dtype:
        first = (slice(0, 1),)
        return self.dense.read(f"{_layer(name)}.mlp.dense.down_proj.weight", first).dtype

    def _zero(self, name: str, shape: Shape) -> torch.Tensor:
        return torch.zeros(shape, dtype=self._dtype(name))

    def _draw(self, name: str, shape: Shape) -> torch.Tensor:
        std = self.dense.config.text_config.initializer_range
        whole = torch.empty(shape, dtype=self._dtype(name))
        random = self._stream(name)
        for part in whole if len(shape) == 3 else [whole]:  # one expert at a time, in float32
            part.copy_(torch.randn(part.shape, generator=random) * std)
        return whole

    def _neurons(self, name: str, shape: Shape) -> torch.Tensor:
        """Take rows of the layer's dense ``gate_proj`` and ``up_proj``."""
        layer, text = _layer(name), self.dense.config.text_config
        total = text.num_experts * text.moe_intermediate_size + text.shared_expert_intermediate_size
        random = self._stream(layer)
        rounds = -(-total // text.intermediate_size)
        order = [torch.randperm(text.intermediate_size, generator=random) for _ in range(rounds)]
        rows = torch.cat(order)[:total]
        if name.endswith("gate_up_proj"):
            chosen = rows[text.shared_expert_intermediate_size :].view(text.num_experts, -1)
            gate, up = (self._dense_rows(layer, kind, chosen) for kind in ("gate", "up"))
            return torch.cat([gate, up], dim=1)
        kind = name.split(".")[-2].removesuffix("_proj")
        return self._dense_rows(layer, kind, rows[: shape[0]])

    def _dense_rows(self, layer: str, kind: str, rows: torch.Tensor) -> torch.Tensor:
        return self.dense.read(f"{layer}.mlp.dense.{kind}_proj.weight")[rows]

    def _stream(self, name: str) -> torch.Generator:
        return torch.Generator().manual_seed(zlib.crc32(f"{self.seed} {name}".encode()))


def _config(folder: Path, raw: dict[str, Any], sizes: dict[str, int]) -> EchoVLMConfig:
    kind = raw.get("model_type")
    if kind == EchoVLMConfig.model_type or is_released(raw):
        raise LayoutError(
            f"{folder} is an EchoVLM already; upcycling starts from a dense Qwen2-VL."
        )
    if kind != RELEASED_MODEL_TYPE:
        raise LayoutError(
            f"{folder} is a checkpoint of type '{kind}'; upcycling starts from a dense Qwen2-VL."
        )
    raw = from_released(raw)
    if isinstance(raw.get("text_config"), dict):
        kind = {"model_type": EchoVLMTextConfig.model_type}
        return make_config(folder, raw | {"text_config": raw["text_config"] | sizes | kind})
    return make_config(folder, raw | sizes)


def _layer(name: str) -> str:
    return name[: name.index(".mlp.")]


def _count(shape: Shape) -> int:
    return torch.Size(shape).numel()
