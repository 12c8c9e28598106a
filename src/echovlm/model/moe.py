"""The dual-path feed-forward: a dense path and a sparse expert path, mixed per token.

For a token ``h`` after the post-attention norm (released code, ``EchoVLM.py:1000-1160``):

    p     = softmax(router(h))                          over all experts, float32
    MoE   = sum over e in top-k(p) of p_e E_e(h)  +  sigmoid(g.h) S(h)
    c     = softmax(mix(h))                             two numbers
    FFN   = c_0 MoE + c_1 dense(h)

``E_e`` are the routed experts, ``S`` the shared expert and ``dense`` the feed-forward of the dense
base model, all SwiGLU without bias. Paper, equation 3, writes the same with other letters; where
paper and code differ the code is followed, since the released weights were trained with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.func import functional_call
from transformers.models.qwen2_moe.modeling_qwen2_moe import (
    Qwen2MoeExperts,
    Qwen2MoeMLP,
    Qwen2MoeTopKRouter,
)

from echovlm.model.config import EchoVLMTextConfig


class Experts(Qwen2MoeExperts):
    """The routed experts, stacked: ``gate_up_proj (E, 2I, H)`` and ``down_proj (E, H, I)``."""

    def forward(
        self, hidden_states: torch.Tensor, top_k_index: torch.Tensor, top_k_weights: torch.Tensor
    ) -> torch.Tensor:
        """Send each token through its experts and add up what comes back.

        Args:
            hidden_states: ``(tokens, H)``.
            top_k_index: ``(tokens, k)`` expert numbers.
            top_k_weights: ``(tokens, k)`` routing weights.

        Returns:
            ``(tokens, H)``.
        """
        device = hidden_states.device.type
        if device == "cpu" and len(hidden_states) == 1 and self._may_look_at_index():
            return self._forward_one(hidden_states, top_k_index, top_k_weights)
        if not torch.is_autocast_enabled(device):
            # Grouped matrix products want rows of whole 16 bytes; odd widths take the plain loop.
            aligned = all(w.shape[-1] * w.element_size() % 16 == 0 for w in self.parameters())
            kernel = Qwen2MoeExperts.forward if aligned else Qwen2MoeExperts.forward.__wrapped__
            return kernel(self, hidden_states, top_k_index, top_k_weights)
        # Grouped matrix products are unknown to autocast, so the cast happens here.
        dtype = torch.get_autocast_dtype(device)
        weights = {name: weight.to(dtype) for name, weight in self.named_parameters()}
        inputs = (hidden_states.to(dtype), top_k_index, top_k_weights.to(dtype))
        with torch.autocast(device, enabled=False):
            return functional_call(self, weights, inputs)

    def _may_look_at_index(self) -> bool:
        """Say no where a graph is being recorded or experts are spread over machines."""
        recording = torch.compiler.is_compiling() or torch.jit.is_tracing()
        return not (recording or getattr(self, "_is_expert_parallel", False))

    def _forward_one(
        self, hidden_states: torch.Tensor, top_k_index: torch.Tensor, top_k_weights: torch.Tensor
    ) -> torch.Tensor:
        """Send a single token through its experts, as decoding one sequence on a CPU does.

        Sorting one token by expert and counting it costs as much as the products themselves, so
        its expert matrices are picked directly.
        """
        parts = []
        for expert in top_k_index[0].tolist():
            gate_up = nn.functional.linear(hidden_states, self.gate_up_proj[expert])
            parts.append(nn.functional.linear(self._apply_gate(gate_up), self.down_proj[expert]))
        routed = torch.cat(parts)
        return top_k_weights.to(routed.dtype) @ routed


class SparseMoE(nn.Module):
    """The expert path: routed experts plus a gated shared expert."""

    def __init__(self, config: EchoVLMTextConfig) -> None:
        super().__init__()
        self.router = Qwen2MoeTopKRouter(config)
        self.experts = Experts(config)
        self.shared_expert = Qwen2MoeMLP(config, config.shared_expert_intermediate_size)
        self.shared_expert_gate = nn.Linear(config.hidden_size, 1, bias=False)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Map ``(..., H)`` to ``(..., H)``."""
        tokens = hidden_states.reshape(-1, hidden_states.shape[-1])
        _, weights, chosen = self.router(tokens)
        routed = self.experts(tokens, chosen, weights)
        shared = torch.sigmoid(self.shared_expert_gate(tokens)) * self.shared_expert(tokens)
        return (routed + shared).reshape(hidden_states.shape)


class DualPathFeedForward(nn.Module):
    """The feed-forward of a decoder layer: dense path and expert path, mixed per token.

    Args:
        config: sizes of the expert path.
        dense: the feed-forward of the dense base model, taken over as it is.
    """

    def __init__(self, config: EchoVLMTextConfig, dense: nn.Module) -> None:
        super().__init__()
        self.dense = dense
        self.moe = SparseMoE(config)
        self.mix = nn.Linear(config.hidden_size, 2)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Map ``(B, L, H)`` to ``(B, L, H)``."""
        share = torch.softmax(self.mix(hidden_states), dim=-1)
        return (
            self.moe(hidden_states) * share[..., 0:1] + self.dense(hidden_states) * share[..., 1:2]
        )


def load_balancing_loss(
    router_logits: Sequence[torch.Tensor], top_k: int, attention_mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Say how unevenly the router spreads the tokens, in the form Mixtral uses.

    ``E * sum over e of F_e G_e``, where ``F_e`` is the number of top-k places expert ``e`` got per
    token and ``G_e`` its mean probability, both over the attended tokens of all layers together.
    Even routing gives ``top_k``, its minimum for a router that follows its own probabilities.
    Sources: Switch Transformers, equations 4 to 6; released code, ``EchoVLM.py:73-152``.

    Args:
        router_logits: one ``(B * L, E)`` tensor per layer.
        top_k: experts per token.
        attention_mask: ``(B, L)``, 1 where attended; padding does not count.

    Returns:
        A scalar in float32, before its coefficient.
    """
    device = router_logits[0].device
    probabilities = torch.stack([logits.to(device) for logits in router_logits]).float().softmax(-1)
    num_experts = probabilities.shape[-1]
    chosen = probabilities.topk(top_k, dim=-1).indices
    places = nn.functional.one_hot(chosen, num_experts).sum(-2).to(probabilities.dtype)
    if attention_mask is None:
        attended = probabilities.new_ones(probabilities.shape[1])
    else:
        attended = attention_mask.reshape(-1).to(device, probabilities.dtype)
    counted = attended.sum() * len(router_logits)
    places_per_token = torch.einsum("lte,t->e", places, attended) / counted
    mean_probability = torch.einsum("lte,t->e", probabilities, attended) / counted
    return num_experts * (places_per_token * mean_probability).sum()
