"""What a variant does, counted and not timed, so that it is the same on every machine and day."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from networks import Network
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

Shape = tuple[int, ...]


def _attention_flops(query: Shape, key: Shape, value: Shape, *args: Any, **kwargs: Any) -> int:
    """Two products over every pair of query and key; a causal mask does not halve this count."""
    return 2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _grouped_flops(rows: Shape, matrices: Shape, *args: Any, **kwargs: Any) -> int:
    """Each row meets one of the matrices ``(E, K, N)``."""
    return 2 * prod(rows) * matrices[-1]


# FlopCounterMode knows neither of them on a CPU. It looks operators up by overload and by name.
_UNKNOWN = {
    torch.ops.aten.scaled_dot_product_attention: _attention_flops,
    torch.ops.aten.scaled_dot_product_attention.default: _attention_flops,
    torch.ops.aten._grouped_mm: _grouped_flops,
    torch.ops.aten._grouped_mm.default: _grouped_flops,
}


class _Calls(TorchDispatchMode):
    """Counts the operators that are called, but for views, which compute nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


def count_flops(run: Callable[[], object]) -> int:
    """Count the floating-point operations of matrix products, convolutions and attention."""
    with FlopCounterMode(display=False, custom_mapping=_UNKNOWN) as counter:
        run()
    return counter.get_total_flops()


def count_calls(run: Callable[[], object]) -> int:
    """Count the tensor operators that are called."""
    with _Calls() as calls:
        run()
    return calls.count


def count_logit_rows(network: Network, run: Callable[[], object]) -> int:
    """Count the positions whose logits are computed."""
    rows = 0

    def note(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        nonlocal rows
        rows += prod(inputs[0].shape[:-1])

    hook = network.lm_head.register_forward_pre_hook(note)
    try:
        run()
    finally:
        hook.remove()
    return rows
