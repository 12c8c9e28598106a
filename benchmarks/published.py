"""The published implementation of EchoVLM, restated plainly over the weights of ours.

Only what costs time differs from :mod:`echovlm.model`; the numbers are the same, and ``speed.py``
checks that in every run. Restated are (released code, ``EchoVLM.py``, a copy of transformers 4.47's
Qwen2-VL with experts added):

* the loop over all experts, also empty ones, with ``torch.where`` and ``index_add_`` (1000-1058);
* attention of the vision tower over all images at once under one mask ``(1, n, n)``, built anew in
  every block (``VisionSdpaAttention``);
* attention of the decoder with keys and values repeated for every query head, and M-RoPE sections
  put together in every layer (``Qwen2VLSdpaAttention``);
* patches embedded by a 3-D convolution;
* logits of every position, also where only the last is used (2046-2048).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.modeling_outputs import MoeCausalLMOutputWithPast

from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration
from echovlm.model.moe import DualPathFeedForward


def published_network(ours: EchoVLMForConditionalGeneration) -> EchoVLMForConditionalGeneration:
    """Restate ``ours`` over the same weights: not one parameter is copied."""
    network = PublishedNetwork(ours.config)
    network.load_state_dict(ours.state_dict(), assign=True)
    visual, decoder = network.model.visual, network.model.language_model
    visual.patch_embed.proj = _convolution(visual.patch_embed.proj)
    for block in visual.blocks:
        block.attn = MaskedVisionAttention(block.attn)
    decoder.rotary_emb = UnmixedRotaryEmbedding(decoder.rotary_emb)
    for layer in decoder.layers:
        layer.self_attn = RepeatingAttention(layer.self_attn, ours.config)
        layer.mlp = LoopedFeedForward(layer.mlp)
    return network.eval()


class PublishedNetwork(EchoVLMForConditionalGeneration):
    """Computes logits of all positions, whatever is asked for."""

    def forward(
        self, *args: Any, logits_to_keep: int | torch.Tensor = 0, **kwargs: Any
    ) -> MoeCausalLMOutputWithPast:
        """Predict the next token at every position: ``logits (B, L, V)``."""
        return super().forward(*args, **kwargs)


def _convolution(product: nn.Conv3d) -> nn.Conv3d:
    conv = nn.Conv3d(
        product.in_channels,
        product.out_channels,
        product.kernel_size,
        product.stride,
        bias=False,
        device="meta",
    )
    conv.weight = product.weight
    return conv


class LoopedFeedForward(nn.Module):
    """The dual-path feed-forward with the published loop over experts."""

    def __init__(self, ours: DualPathFeedForward) -> None:
        super().__init__()
        self.dense, self.moe, self.mix = ours.dense, ours.moe, ours.mix
        stacked = ours.moe.experts
        self.experts = [  # gate, up and down matrix of each expert: views of our stacked ones
            (*gate_up.detach().chunk(2), down.detach())
            for gate_up, down in zip(stacked.gate_up_proj, stacked.down_proj, strict=True)
        ]

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Map ``(B, L, H)`` to ``(B, L, H)``."""
        share = torch.softmax(self.mix(hidden_states), dim=-1)
        sparse = self._expert_path(hidden_states)
        return sparse * share[..., 0:1] + self.dense(hidden_states) * share[..., 1:2]

    def _expert_path(self, hidden_states: torch.Tensor) -> torch.Tensor:
        router = self.moe.router
        tokens = hidden_states.view(-1, hidden_states.shape[-1])
        router_logits = functional.linear(tokens, router.weight)
        weights = functional.softmax(router_logits, dim=1, dtype=torch.float)
        weights, chosen = torch.topk(weights, router.top_k, dim=-1)
        if router.norm_topk_prob:
            weights /= weights.sum(dim=-1, keepdim=True)
        weights = weights.to(tokens.dtype)
        out = torch.zeros_like(tokens)
        mask = functional.one_hot(chosen, num_classes=len(self.experts)).permute(2, 1, 0)
        for expert, (gate, up, down) in enumerate(self.experts):
            place, row = torch.where(mask[expert])
            state = tokens[None, row].reshape(-1, tokens.shape[-1])
            inner = functional.silu(functional.linear(state, gate)) * functional.linear(state, up)
            done = functional.linear(inner, down) * weights[row, place, None]
            out.index_add_(0, row, done.to(tokens.dtype))
        shared = torch.sigmoid(self.moe.shared_expert_gate(tokens)) * self.moe.shared_expert(tokens)
        return (out + shared).reshape(hidden_states.shape)


class MaskedVisionAttention(nn.Module):
    """Attention of the vision tower over all patches at once, images kept apart by a mask."""

    def __init__(self, ours: nn.Module) -> None:
        super().__init__()
        self.qkv, self.proj, self.num_heads = ours.qkv, ours.proj, ours.num_heads

    def forward(
        self,
        hidden_states: torch.Tensor,
        cu_seqlens: torch.Tensor,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        **kwargs: Any,
    ) -> torch.Tensor:
        """Map ``(n, D)`` to ``(n, D)``; ``cu_seqlens`` are the bounds of the images."""
        n = hidden_states.shape[0]
        q, k, v = self.qkv(hidden_states).reshape(n, 3, self.num_heads, -1).permute(1, 0, 2, 3)
        cos, sin = (part.unsqueeze(-2).float() for part in position_embeddings)
        q, k = _rotate(q.float(), cos, sin).to(q.dtype), _rotate(k.float(), cos, sin).to(k.dtype)
        mask = torch.zeros([1, n, n], device=q.device, dtype=torch.bool)
        for i in range(1, len(cu_seqlens)):
            image = slice(cu_seqlens[i - 1], cu_seqlens[i])
            mask[..., image, image] = True
        q, k, v = q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1)
        attended = functional.scaled_dot_product_attention(q, k, v, mask)
        return self.proj(attended.transpose(0, 1).reshape(n, -1))


class UnmixedRotaryEmbedding(nn.Module):
    """Angles for time, height and width, left apart for every layer to put together."""

    def __init__(self, ours: nn.Module) -> None:
        super().__init__()
        self.inv_freq = ours.inv_freq

    def forward(
        self, hidden_states: torch.Tensor, position_ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give cosine and sine ``(3, B, L, D)`` for ``position_ids (3, B, L)``."""
        angles = position_ids[..., None].float() * self.inv_freq.float()
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos().to(hidden_states.dtype), angles.sin().to(hidden_states.dtype)


class RepeatingAttention(nn.Module):
    """Attention of the decoder with keys and values repeated for every query head."""

    def __init__(self, ours: nn.Module, config: EchoVLMConfig) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = ours.q_proj, ours.k_proj, ours.v_proj
        self.o_proj, self.head_dim, self.layer_idx = ours.o_proj, ours.head_dim, ours.layer_idx
        self.groups = ours.num_key_value_groups
        self.sections = config.text_config.rope_parameters["mrope_section"]

    def forward(
        self,
        hidden_states: torch.Tensor,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        attention_mask: torch.Tensor | None = None,
        past_key_values: Any = None,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, None]:
        """Map ``(B, L, H)`` to ``(B, L, H)``."""
        rows, length, _ = hidden_states.shape
        q, k, v = (
            project(hidden_states).view(rows, length, -1, self.head_dim).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        cos, sin = (self._put_together(part) for part in position_embeddings)
        q, k = _rotate(q, cos, sin), _rotate(k, cos, sin)
        if past_key_values is not None:
            k, v = past_key_values.update(k, v, self.layer_idx)
        attended = functional.scaled_dot_product_attention(
            q,
            _repeat(k, self.groups),
            _repeat(v, self.groups),
            attention_mask,
            is_causal=attention_mask is None and length > 1,
        )
        attended = attended.transpose(1, 2).contiguous().view(rows, length, -1)
        return self.o_proj(attended), None

    def _put_together(self, part: torch.Tensor) -> torch.Tensor:
        """Take each section of ``(3, B, L, D)`` from its own row: ``(B, 1, L, D)``."""
        pieces = part.split(self.sections * 2, dim=-1)
        return torch.cat([m[i % 3] for i, m in enumerate(pieces)], dim=-1).unsqueeze(1)


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def _repeat(x: torch.Tensor, times: int) -> torch.Tensor:
    rows, heads, length, size = x.shape
    wide = x[:, :, None].expand(rows, heads, times, length, size)
    return wide.reshape(rows, heads * times, length, size)
