"""Where the tokens of a study go: how a network's routers spread them over the experts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from echovlm.engine.network import Network
from echovlm.model import EchoVLMForConditionalGeneration


@torch.no_grad()
def expert_load(network: Network, images: Sequence[np.ndarray]) -> np.ndarray | None:
    """Share of the router's top-k places that each expert gets for the tokens of a study.

    Counted are the tokens before the question: the system turn and the visual tokens.

    Args:
        network: the loaded checkpoint.
        images: ``(H, W, 3)`` uint8 RGB.

    Returns:
        ``(layers, experts)``, each row sums to 1; None for a network without experts.
    """
    model = network.model
    if not isinstance(model, EchoVLMForConditionalGeneration):
        return None
    inputs = network.prefix_inputs(images)
    outputs = model(**inputs, use_cache=False, logits_to_keep=1, output_router_logits=True)
    if not outputs.router_logits:
        return None
    top_k = model.config.text_config.num_experts_per_tok
    loads = []
    for logits in outputs.router_logits:
        chosen = logits.topk(top_k, dim=-1).indices.flatten().cpu()
        counts = torch.bincount(chosen, minlength=logits.shape[-1]).double()
        loads.append((counts / counts.sum()).numpy())
    return np.stack(loads)
