"""What is timed in training: loops over the same conversations, from the published one to ours.

Every loop takes the same samples through the same weights to the same gradient; ``training.py``
checks that in every run. A loop differs from the one before it in one thing alone.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from published import published_network
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from training_material import SEED, Batch, Setting

from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration
from echovlm.model.packing import PACKED
from echovlm.train.parts import freeze
from echovlm.train.recipes import alignment
from echovlm.train.stage import answer_losses
from echovlm.train.start import nano_config

Loss = Callable[[nn.Module, Batch], torch.Tensor]


# --- networks ---


def make_network(setting: Setting, tokenizer: Any, device: str, **experts: int) -> nn.Module:
    """Draw a network of which the expert path and the mix train, as in the alignment stage.

    Args:
        setting: its sizes.
        tokenizer: gives the numbers of the image tokens.
        device: where it lives; on a GPU frozen weights are kept in bf16.
        **experts: sizes of the expert path other than the setting's.
    """
    settings = nano_config(tokenizer).to_dict()
    base = dict(setting.base)
    sections = base.pop("mrope_section")
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": sections}
    settings["text_config"] |= base | setting.experts | experts | {"rope_parameters": rope}
    settings["text_config"].pop("layer_types", None)
    settings["vision_config"] |= setting.vision
    torch.manual_seed(SEED)
    with torch.device(device):
        network = EchoVLMForConditionalGeneration(EchoVLMConfig(**settings))
    freeze(network, alignment().trainable)
    if device == "cuda":
        for parameter in network.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.bfloat16()
    network.set_attn_implementation({"text_config": PACKED})
    return _training(network)


def published_for_training(ours: nn.Module) -> nn.Module:
    """Restate ``ours`` with the published layers; each expert is a weight of its own that trains.

    All weights are views of ours, gradients are not.
    """
    network = published_network(ours)
    for layer in network.model.language_model.layers:
        path = layer.mlp
        path.experts = [tuple(map(nn.Parameter, expert)) for expert in path.experts]
        path.matrices = nn.ParameterList([m for expert in path.experts for m in expert])
        del path.moe.experts
    trained = (".mlp.moe.", ".mlp.mix.", ".mlp.matrices.")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(any(part in name for part in trained))
    return _training(network)


def _training(network: nn.Module) -> nn.Module:
    network.gradient_checkpointing_enable({"use_reentrant": False})
    return network.train()


# --- loops ---


def loss_over_all_positions(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Sum of losses as published: logits of every position in float, shifted by a copy."""
    names = ("input_ids", "position_ids", "attention_mask", "mm_token_type_ids")
    names = (*names, "pixel_values", "image_grid_thw")
    given = {name: batch[name] for name in names if name in batch}
    logits = network(**given, use_cache=False).logits.float()
    logits = logits[:, :-1].contiguous()
    wanted = batch["labels"][:, 1:].contiguous()
    return functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum")


def loss_at_answers(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Sum of losses as our loop has them: logits of supervised positions alone."""
    return answer_losses(network, batch)[0].sum()


@dataclass(frozen=True)
class Measured:
    """What a loop comes to.

    Attributes:
        loss: mean of a supervised token, nats.
        norm: of the gradient before clipping.
        peak_bytes: most memory besides weights, gradients and the optimizer's state.
    """

    loss: float
    norm: float
    peak_bytes: int


@dataclass(frozen=True, eq=False)
class Loop:
    """One way to make a step.

    Attributes:
        network: what learns.
        batches: the step's conversations.
        loss: of a batch, summed over supervised tokens.
        targets: supervised tokens of the step.
        optimizer: with a learning rate of 0, so that every step starts from the same weights.
    """

    network: nn.Module
    batches: Sequence[Batch]
    loss: Loss
    targets: int
    optimizer: torch.optim.Optimizer

    def gradient(self) -> tuple[float, float]:
        """Run all batches forward and backward.

        Returns:
            Mean loss of a supervised token in nats, and the norm of the gradient before clipping.
        """
        device = next(self.network.parameters()).device.type
        total = torch.zeros((), device=device)
        for batch in self.batches:
            with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                loss = self.loss(self.network, batch) / self.targets
            loss.backward()
            total += loss.detach()
        norm = nn.utils.clip_grad_norm_(self._trained(), 1.0)
        return total.item(), norm.item()

    def step(self) -> None:
        """Run all batches and let the optimizer make its step."""
        self.gradient()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def measure(self) -> Measured:
        """Compute the gradient once, and see what memory that takes.

        On a CPU it is counted storage by storage, on a GPU it is what the allocator says.
        """
        for parameter in self._trained():
            parameter.grad = torch.zeros_like(parameter)
        if next(self.network.parameters()).is_cuda:
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            loss, norm = self.gradient()
            peak = torch.cuda.max_memory_allocated() - before
        else:
            with Storages() as storages:
                loss, norm = self.gradient()
            peak = storages.peak
        self.optimizer.zero_grad()
        return Measured(loss, norm, peak)

    def tokens(self) -> int:
        """Tokens that pass the decoder in a step, padding included."""
        return sum(batch["input_ids"].numel() for batch in self.batches)

    def _trained(self) -> list[nn.Parameter]:
        return [p for p in self.network.parameters() if p.requires_grad]


def adamw(network: nn.Module) -> torch.optim.Optimizer:
    """An optimizer of what trains, with a learning rate of 0."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.AdamW(trained, lr=0.0, fused=trained[0].is_cuda)


class Storages(TorchDispatchMode):
    """Adds up the bytes of tensors that are made while it is on, and takes them off as they go.

    Attributes:
        now: bytes held.
        peak: most bytes held at a time. Views and changes in place take none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        for tensor in tree_leaves((args, kwargs)):
            if isinstance(tensor, torch.Tensor):
                self._see(tensor, made_here=False)
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._see(tensor, made_here=True)
        return made

    def _see(self, tensor: torch.Tensor, made_here: bool) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        self._known.add(key)
        size = storage.nbytes() * made_here
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size
