"""What several processes that train one network have to do alike.

Each process of a step waits for the others when gradients (DDP) or weights (FSDP2) are exchanged,
so all have to come to the same exchanges in the same order: also one whose batch has no picture,
and one that got a signal to stop when the others did not.
"""

from __future__ import annotations

from typing import Any

import torch
from accelerate import PartialState
from torch import distributed, nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import TrainingArguments

_BLANK = (1, 2, 2)  # patches of the smallest picture: one visual token


def several() -> bool:
    """Whether other processes train with this one."""
    return PartialState().num_processes > 1


def on_one_device(arguments: TrainingArguments) -> TrainingArguments:
    """Keep a process to one GPU; transformers would share a batch out over all it can see."""
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def highest(number: int) -> int:
    """The highest number that any process gives; every one of them has to ask."""
    if not several():
        return number
    numbers = torch.tensor(number, device=PartialState().device)
    distributed.all_reduce(numbers, distributed.ReduceOp.MAX)
    return int(numbers)


def of_the_first(numbers: dict[str, float]) -> dict[str, float]:
    """The numbers that the first process holds under these names; all have to ask."""
    if not several():
        return numbers
    values = torch.tensor(list(numbers.values()), dtype=torch.float32, device=PartialState().device)
    distributed.broadcast(values, 0)
    return dict(zip(numbers, values.tolist(), strict=True))


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor that may be spread over processes, all of it; every one of them has to ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def fill(target: torch.Tensor, values: torch.Tensor) -> None:
    """Copy a whole tensor into one that may be spread over processes."""
    values = values.to(target.device, target.dtype)
    if isinstance(target, DTensor):
        values = distribute_tensor(values, target.device_mesh, target.placements)
    target.copy_(values)


def spread_again(network: nn.Module) -> None:
    """Spread weights over processes again that FSDP2 left whole after a pass without gradients."""
    for module in network.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def reach_vision_always(network: Any) -> None:
    """Send a blank picture of weight zero through a training vision tower where a batch has none.

    Without it the tower's weights get no gradient from such a batch: DDP and FSDP2 would wait for
    it for ever, and AdamW would treat the step differently on one process and on several. The
    blank picture is one visual token and costs next to nothing, while looking for unused weights in
    every step (``find_unused_parameters``) costs a walk over the graph in each of them and does not
    help FSDP2.

    Args:
        network: an EchoVLM or a dense Qwen2-VL, frozen as it will be trained.
    """
    if any(parameter.requires_grad for parameter in network.model.visual.parameters()):
        blank = _BlankPicture(network.model)
        network.model.register_forward_pre_hook(blank.look, with_kwargs=True)
        decoder = network.model.language_model
        decoder.register_forward_pre_hook(blank.add, with_kwargs=True)


class _BlankPicture:
    """Runs between embedding and decoder, where the tower runs for other batches.

    FSDP2 and ZeRO-3 exchange weights module by module, so all processes run them in one order.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._wanted = False

    def look(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before the network: see whether this batch has pictures."""
        self._wanted = model.training and kwargs.get("pixel_values") is None

    def add(
        self, decoder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Before the decoder: add nothing, in which every weight of the tower has a part."""
        if not self._wanted:
            return None
        self._wanted = False
        model, embedded = self._model, kwargs["inputs_embeds"]
        config = model.config.vision_config
        values = config.in_channels * config.temporal_patch_size * config.patch_size**2
        grid = torch.tensor([_BLANK], device=embedded.device)
        blank = torch.zeros(int(grid.prod()), values, device=embedded.device)
        seen = model.get_image_features(blank, grid, return_dict=True).pooler_output[0]
        nothing = (0 * seen.sum()).to(embedded.dtype)
        return args, kwargs | {"inputs_embeds": embedded + nothing}
