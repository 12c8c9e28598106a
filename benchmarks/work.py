"""What is timed: reading a prompt (prefill) and decoding token by token."""

from __future__ import annotations

from collections.abc import Callable

import torch
from networks import Network


def prefill(network: Network, prompt: dict[str, torch.Tensor]) -> Callable[[], object]:
    """Prepare a call that reads ``prompt`` and gives the logits that the next token needs."""

    def run() -> object:
        with torch.inference_mode():
            return network(**prompt, use_cache=True, logits_to_keep=1)

    return run


def decode(
    network: Network, prompt: dict[str, torch.Tensor], tokens: torch.Tensor
) -> Callable[[], torch.Tensor]:
    """Read ``prompt`` now, and prepare a call that decodes ``tokens (B, n)`` one at a time.

    The tokens are given, so that every variant does the same work. After each call the cache is cut
    back to the prompt.

    Returns:
        A call that gives the logits ``(B, n, V)``.
    """
    with torch.inference_mode():
        cache = network(**prompt, use_cache=True, logits_to_keep=1).past_key_values
    deltas = network.model.rope_deltas

    def run() -> torch.Tensor:
        network.model.rope_deltas = deltas
        with torch.inference_mode():
            steps = [
                network(input_ids=token, past_key_values=cache, use_cache=True).logits
                for token in tokens.split(1, dim=1)
            ]
            cache.crop(-tokens.shape[1])
        return torch.cat(steps, dim=1)

    return run


def largest_difference(
    one: Network, other: Network, prompt: dict[str, torch.Tensor], tokens: torch.Tensor
) -> float:
    """Say how far the logits of two variants lie apart, over a whole prompt and while decoding."""
    with torch.inference_mode():
        whole = [network(**prompt).logits for network in (one, other)]
    stepwise = [decode(network, prompt, tokens)() for network in (one, other)]
    pairs = (whole, stepwise)
    return max((ours - theirs).abs().max().item() for ours, theirs in pairs)
