"""Low-rank adapters on chosen parts, and making a network ready for a recipe.

The adapters are peft's, put into the network in place: it keeps its class, so generation,
checkpoints and distributed training work as before. Source of the method: LoRA, arXiv 2106.09685.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import nn
from transformers import PreTrainedModel

from echovlm.errors import TrainingError
from echovlm.train.parts import FreezingTable, Part, adapter_parameters, freeze, parts_of
from echovlm.train.sizes import Training, check


class AdapterTraining(Training, Protocol):
    """What preparing a network needs of a recipe."""

    @property
    def lora_alpha(self) -> int:
        """Scale of the adapters times their rank."""

    @property
    def lora_dropout(self) -> float:
        """Share of an adapter's inputs that is dropped in training."""


def prepare(model: PreTrainedModel, recipe: AdapterTraining) -> FreezingTable:
    """Put in the adapters of a recipe, freeze the rest, and check what trains by arithmetic.

    Args:
        model: an EchoVLM or a dense Qwen2-VL without adapters; changed in place.
        recipe: what is to train.

    Returns:
        What trains, part by part.

    Raises:
        TrainingError: if the recipe and the network do not fit together.
    """
    twice = sorted(set(recipe.trainable) & set(recipe.lora))
    if twice:
        raise TrainingError(
            f"The recipe trains the part '{twice[0]}' in full and by adapters too; name it once."
        )
    if recipe.lora:
        add_adapters(model, recipe.lora, recipe.lora_rank, recipe.lora_alpha, recipe.lora_dropout)
    freeze(model, recipe.trainable)
    return check(model, recipe)


def add_adapters(
    model: PreTrainedModel, parts: Collection[Part], rank: int, alpha: int, dropout: float
) -> None:
    """Put a low-rank adapter on every linear layer of some parts and freeze all other weights.

    The adapters start as zero, so the network computes what it did before. They are kept in
    float32 also where the network is in bf16.

    Args:
        model: the network, changed in place.
        parts: which parts; routed experts are no linear layers and cannot be adapted.
        rank: rank of the adapters, at least 1.
        alpha: their output is scaled by ``alpha / rank``.
        dropout: share of their inputs dropped in training, 0 to 1.

    Raises:
        TrainingError: if a part has no linear layers, or there are adapters already.
    """
    if any(True for _ in adapter_parameters(model)):
        raise TrainingError("The network has adapters already; merge them before adding others.")
    if Part.EXPERTS in parts:
        raise TrainingError(
            "Routed experts are stacked matrices that low-rank adapters do not fit; "
            "train the part 'experts' in full."
        )
    names = {name for part in parts for name in _linear_layers(model, part)}
    config = LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=sorted(names), bias="none"
    )
    inject_adapter_in_model(config, model)
    adapted = {name for name, module in model.named_modules() if isinstance(module, LoraLayer)}
    if adapted != names:
        raise TrainingError(
            f"Layer '{min(adapted ^ names)}' was to get an adapter and did not, or the other way "
            "round; use the peft version that requirements.lock names."
        )


def _linear_layers(model: PreTrainedModel, part: Part) -> list[str]:
    parts = parts_of(model)
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and parts.get(f"{name}.weight") == part
    ]
    if not names:
        raise TrainingError(
            f"The recipe puts adapters on the part '{part}', which has no linear layers of its own "
            "in this network; leave it out."
        )
    return names


def merge_adapters(model: PreTrainedModel) -> None:
    """Fold the adapters into the weights, which gives the network its first form and names back.

    Args:
        model: a network after :func:`add_adapters`, changed in place.

    Raises:
        TrainingError: if an adapter holds a value that is not finite.
    """
    for name, layer in _adapted_layers(model).items():
        try:
            layer.merge(safe_merge=True)
        except ValueError as error:
            raise TrainingError(
                f"The adapter on '{name}' holds values that are not finite; go back to an earlier "
                "checkpoint of the run."
            ) from error
        model.set_submodule(name, layer.get_base_layer())
    del model.peft_config


@contextmanager
def adapters_off(model: PreTrainedModel) -> Iterator[None]:
    """Compute as before the adapters were trained: the reference that preferences are held against.

    Args:
        model: a network of which nothing but adapters trains.

    Raises:
        TrainingError: if there are no adapters, or other weights train too, for then this would
            not give back what the network was.
    """
    adapters = {id(parameter) for parameter in adapter_parameters(model)}
    others = any(p.requires_grad and id(p) not in adapters for p in model.parameters())
    if not adapters or others:
        raise TrainingError(
            "Only a network that trains by adapters alone can be compared with what it was; "
            "let the recipe name parts under 'lora' and none under 'trainable'."
        )
    layers = _adapted_layers(model).values()
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)


def _adapted_layers(model: nn.Module) -> dict[str, LoraLayer]:
    return {name: m for name, m in model.named_modules() if isinstance(m, LoraLayer)}
