"""The parts of the network that a recipe trains, adapts or leaves alone.

Every parameter belongs to exactly one part, found by the type of the module that holds it and never
by its name, so a renamed layer cannot slip out of a recipe unseen: a parameter that no rule covers
is an error. The same rules serve EchoVLM and its dense base, Qwen2-VL.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from peft.tuners.tuners_utils import BaseTunerLayer
from rich.table import Table
from torch import nn
from transformers import PreTrainedModel
from transformers.models.qwen2_vl.modeling_qwen2_vl import (
    PatchMerger,
    Qwen2MLP,
    Qwen2VisionTransformerPretrainedModel,
    Qwen2VLAttention,
    Qwen2VLRMSNorm,
)

from echovlm.errors import TrainingError
from echovlm.model.moe import DualPathFeedForward


class Part(StrEnum):
    """A part of the network, as recipes name it."""

    VISION = "vision"
    """The vision tower up to its merger."""
    MERGER = "merger"
    """The layers that merge 2 x 2 patches into a visual token."""
    EMBEDDINGS = "embeddings"
    """The token embeddings, and the head where it is tied to them."""
    ATTENTION = "attention"
    """The decoder's attention layers."""
    NORMS = "norms"
    """The decoder's norms."""
    DENSE = "dense"
    """The feed-forward of the dense base model."""
    EXPERTS = "experts"
    """The expert path: routed experts, router, shared expert and its gate."""
    MIX = "mix"
    """What blends the dense and the expert path."""
    HEAD = "head"
    """The output head, where it has weights of its own."""


_BY_TYPE: tuple[tuple[type[nn.Module], Part], ...] = (
    (PatchMerger, Part.MERGER),
    (Qwen2VisionTransformerPretrainedModel, Part.VISION),
    (Qwen2VLAttention, Part.ATTENTION),
    (Qwen2VLRMSNorm, Part.NORMS),
    (Qwen2MLP, Part.DENSE),
    (nn.Embedding, Part.EMBEDDINGS),
)


def parts_of(model: PreTrainedModel) -> dict[str, Part]:
    """Say which part each parameter belongs to, adapters included.

    Args:
        model: an EchoVLM, or a dense Qwen2-VL. A tied head is listed once, under the embeddings.

    Returns:
        Part by parameter name, in the order of ``named_parameters``.

    Raises:
        TrainingError: if a parameter belongs to no part; it is named.
    """
    owners = dict(_module_parts(model, "", None, model.get_output_embeddings()))
    parts = {}
    for name, _ in model.named_parameters():
        part = owners[name.rpartition(".")[0]]
        if part is None:
            raise TrainingError(
                f"Parameter '{name}' belongs to no part of the network that a recipe can name; "
                "train a Qwen2-VL or EchoVLM network without extra modules."
            )
        parts[name] = part
    return parts


def _module_parts(
    module: nn.Module, name: str, inherited: Part | None, head: nn.Module | None
) -> Iterator[tuple[str, Part | None]]:
    """List every module below one with its part: its own, or else that of what holds it."""
    own = Part.HEAD if module is head else inherited
    own = next((part for kind, part in _BY_TYPE if isinstance(module, kind)), own)
    yield name, own
    paths = {}
    if isinstance(module, DualPathFeedForward):
        paths = {module.dense: Part.DENSE, module.moe: Part.EXPERTS, module.mix: Part.MIX}
    for child_name, child in module.named_children():
        path = f"{name}.{child_name}" if name else child_name
        yield from _module_parts(child, path, paths.get(child, own), head)


def adapter_parameters(model: nn.Module) -> Iterator[nn.Parameter]:
    """List the weights of the low-rank adapters in a network, if it has any."""
    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            for layer in module.adapter_layer_names:
                adapters = getattr(module, layer)
                if isinstance(adapters, nn.Module):
                    yield from adapters.parameters()


def freeze(model: PreTrainedModel, trainable: Collection[Part]) -> None:
    """Let some parts train in full, and of the others only their adapters.

    Args:
        model: the network, with its adapters where it gets any.
        trainable: parts to train. All of :class:`Part` means whatever the network has; fewer parts
            must all be there, so that no recipe trains less than it says.

    Raises:
        TrainingError: if the network lacks one of the parts, or nothing is left to train.
    """
    parts = parts_of(model)
    _refuse_absent(trainable, set(parts.values()))
    adapters = {id(parameter) for parameter in adapter_parameters(model)}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(id(parameter) in adapters or parts[name] in trainable)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise TrainingError(
            "The recipe trains no part and adds no adapter, so nothing would be learnt; "
            "name a part to train."
        )


def _refuse_absent(trainable: Collection[Part], present: set[Part]) -> None:
    absent = set() if set(trainable) == set(Part) else set(trainable) - present
    if Part.HEAD in absent and Part.EMBEDDINGS in trainable:
        absent.remove(Part.HEAD)
    for part in sorted(absent):
        remedy = {
            Part.HEAD: "its head is tied to the embeddings, so train 'embeddings'",
            Part.EXPERTS: "make one with experts by 'echovlm upcycle' first",
            Part.MIX: "make one with experts by 'echovlm upcycle' first",
        }.get(part, "leave the part out of the recipe")
        raise TrainingError(
            f"The recipe trains the part '{part}', which this network does not have: {remedy}."
        )


@dataclass(frozen=True)
class FreezingRow:
    """What trains of one part.

    Attributes:
        part: which.
        parameters: weights in it, those of adapters included.
        trainable: weights of these that train.
        adapters: weights of these that belong to low-rank adapters.
    """

    part: Part
    parameters: int
    trainable: int
    adapters: int


@dataclass(frozen=True)
class FreezingTable:
    """What trains and what does not, part by part.

    Attributes:
        rows: one per part the network has, in the order of :class:`Part`.
    """

    rows: tuple[FreezingRow, ...]

    @classmethod
    def of(cls, model: PreTrainedModel) -> FreezingTable:
        """Count the parameters of a network as it is now."""
        adapters = {id(parameter) for parameter in adapter_parameters(model)}
        parts = parts_of(model)
        counts = {part: [0, 0, 0] for part in Part if part in parts.values()}
        for name, parameter in model.named_parameters():
            count = counts[parts[name]]
            count[0] += parameter.numel()
            count[1] += parameter.numel() * parameter.requires_grad
            count[2] += parameter.numel() * (id(parameter) in adapters)
        return cls(tuple(FreezingRow(part, *count) for part, count in counts.items()))

    @property
    def parameters(self) -> int:
        """Weights of the network, adapters included."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """Weights that train."""
        return sum(row.trainable for row in self.rows)

    @property
    def adapters(self) -> int:
        """Weights of the low-rank adapters."""
        return sum(row.adapters for row in self.rows)

    def table(self) -> Table:
        """Draw the rows and their total."""
        table = Table(title="What trains")
        table.add_column("part")
        for heading in ("parameters", "trainable", "of these LoRA"):
            table.add_column(heading, justify="right")
        for row in self.rows:
            counts = (row.parameters, row.trainable, row.adapters)
            table.add_row(str(row.part), *map(_count, counts), style="" if row.trainable else "dim")
        table.add_section()
        table.add_row(
            "total", *map(_count, (self.parameters, self.trainable, self.adapters)), style="bold"
        )
        return table


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"
