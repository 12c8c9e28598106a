"""EchoVLM as a difference over transformers' Qwen2-VL.

Four things differ from the base model, and only they are written here:

* every decoder layer's feed-forward is a :class:`~echovlm.model.moe.DualPathFeedForward`;
* text after an image or video continues at ``max(t, h, w) + 1``, the published rule, which
  transformers 5 changed for videos longer than they are wide (:meth:`EchoVLMModel.get_rope_index`);
* in training the load-balancing loss is added to the language-model loss, once;
* patches are embedded by a matrix product, the same numbers as the base model's convolution
  (:class:`PatchProjection`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import AutoModelForImageTextToText, Cache, initialization
from transformers.modeling_outputs import MoeCausalLMOutputWithPast
from transformers.models.qwen2_moe.modeling_qwen2_moe import Qwen2MoeTopKRouter
from transformers.models.qwen2_vl.modeling_qwen2_vl import (
    Qwen2VisionTransformerPretrainedModel,
    Qwen2VLForConditionalGeneration,
    Qwen2VLModel,
    Qwen2VLPreTrainedModel,
    Qwen2VLTextModel,
)
from transformers.utils import can_return_tuple
from transformers.utils.output_capturing import OutputRecorder

from echovlm.model.checkpoints import Checkpoint, local_folder
from echovlm.model.config import EchoVLMConfig, EchoVLMTextConfig
from echovlm.model.moe import DualPathFeedForward, Experts, load_balancing_loss

IMAGE, VIDEO = 1, 2


class PatchProjection(nn.Conv3d):
    """The patch embedding's convolution as the matrix product it is, since patches never overlap.

    The parameter keeps its name and its shape ``(D, C, T, P, P)``. 3-D convolution kernels are slow
    for this: on a CPU the product takes less than half the time.
    """

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Map whole patches ``(N, C, T, P, P)`` to ``(N, D, 1, 1, 1)``."""
        embedded = nn.functional.linear(patches.flatten(1), self.weight.flatten(1), self.bias)
        return embedded[..., None, None, None]


def embed_by_product(visual: Qwen2VisionTransformerPretrainedModel) -> None:
    """Let a vision tower embed patches by :class:`PatchProjection`; its weights stay."""
    visual.patch_embed.proj.__class__ = PatchProjection


class EchoVLMPreTrainedModel(Qwen2VLPreTrainedModel):
    """What the classes below share: initial weights and the choice of expert kernels."""

    config_class = EchoVLMConfig

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Draw the expert path like every linear layer: N(0, initializer_range)."""
        super()._init_weights(module)
        std = self.config.get_text_config().initializer_range
        if isinstance(module, Experts):
            initialization.normal_(module.gate_up_proj, mean=0.0, std=std)
            initialization.normal_(module.down_proj, mean=0.0, std=std)
        elif isinstance(module, Qwen2MoeTopKRouter):
            initialization.normal_(module.weight, mean=0.0, std=std)

    @classmethod
    def _can_set_experts_implementation(cls) -> bool:
        """Say yes: transformers looks for a decorator in this file, but Experts inherits it."""
        return True


class EchoVLMTextModel(EchoVLMPreTrainedModel, Qwen2VLTextModel):
    """Qwen2-VL's decoder with two feed-forward paths in every layer."""

    config_class = EchoVLMTextConfig
    _can_record_outputs: ClassVar[dict[str, Any]] = {
        **Qwen2VLTextModel._can_record_outputs,
        "router_logits": OutputRecorder(Qwen2MoeTopKRouter, index=0),
    }

    def __init__(self, config: EchoVLMTextConfig) -> None:
        super().__init__(config)
        for layer in self.layers:
            layer.mlp = DualPathFeedForward(config, dense=layer.mlp)
        self.post_init()


class EchoVLMModel(EchoVLMPreTrainedModel, Qwen2VLModel):
    """Vision tower and decoder."""

    def __init__(self, config: EchoVLMConfig) -> None:
        super(Qwen2VLModel, self).__init__(config)  # not Qwen2VLModel's: it builds a dense decoder
        self.visual = Qwen2VisionTransformerPretrainedModel._from_config(config.vision_config)
        embed_by_product(self.visual)
        self.language_model = EchoVLMTextModel._from_config(config.text_config)
        self.rope_deltas = None
        self.post_init()

    def token_types(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Mark each token ``(B, L)`` as text (0), image (1) or video (2), as processors do."""
        images = (input_ids == self.config.image_token_id).int() * IMAGE
        return images + (input_ids == self.config.video_token_id).int() * VIDEO

    def get_rope_index(
        self,
        input_ids: torch.Tensor,
        mm_token_type_ids: torch.Tensor | None = None,
        image_grid_thw: torch.Tensor | None = None,
        video_grid_thw: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Number the tokens for M-RoPE by the published rule.

        Text counts up by one in all three rows. The visual tokens of an image or video that starts
        at position ``s`` get ``s + (t, y, x)``; what follows continues at the largest position so
        far plus one. Padding gets position 0 and is never attended.

        Args:
            input_ids: ``(B, L)``.
            mm_token_type_ids: ``(B, L)``, 0 text, 1 image, 2 video; read off ``input_ids`` if None.
            image_grid_thw: ``(images, 3)`` patches in time, height and width.
            video_grid_thw: ``(videos, 3)`` likewise.
            attention_mask: ``(B, L)``, 1 where attended.
            **kwargs: ignored.

        Returns:
            ``position_ids (3, B, L)`` and ``rope_deltas (B, 1)``: the next position minus the
            number of attended tokens.
        """
        if mm_token_type_ids is None:
            mm_token_type_ids = self.token_types(input_ids)
        attended = (
            torch.ones_like(input_ids, dtype=torch.bool)
            if attention_mask is None
            else attention_mask.bool()
        )
        grids = {
            IMAGE: iter([] if image_grid_thw is None else image_grid_thw.tolist()),
            VIDEO: iter([] if video_grid_thw is None else video_grid_thw.tolist()),
        }
        position_ids = input_ids.new_zeros(3, *input_ids.shape)
        deltas = []
        for row, (types, keep) in enumerate(zip(mm_token_type_ids, attended, strict=True)):
            positions = self._row_positions(types[keep].tolist(), grids)
            position_ids[:, row, keep] = positions.to(position_ids)
            deltas.append(int(positions.max()) + 1 - positions.shape[1] if positions.numel() else 0)
        return position_ids, torch.tensor(deltas, device=input_ids.device).unsqueeze(1)

    def _row_positions(
        self, types: list[int], grids: dict[int, Iterator[list[int]]]
    ) -> torch.Tensor:
        """Number one row of ``n`` attended tokens: ``(3, n)``."""
        merge = self.config.vision_config.spatial_merge_size
        parts, start = [torch.zeros(3, 0, dtype=torch.long)], 0
        for kind, run in groupby(types):
            left = len(list(run))
            while left > 0:
                if kind in grids:
                    t, h, w = next(grids[kind], (left, merge, merge))
                    size = (t, h // merge, w // merge)
                    grid = torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij")
                    part = torch.stack(grid).reshape(3, -1)
                else:
                    part = torch.arange(left).expand(3, -1)
                parts.append(part + start)
                start += int(part.max()) + 1
                left -= part.shape[1]
        return torch.cat(parts, dim=1)

    def compute_3d_position_ids(
        self, input_ids: torch.Tensor | None, *args: Any, **kwargs: Any
    ) -> torch.Tensor | None:
        """Fill in the token types where a caller left them out, then number the tokens."""
        if input_ids is not None and kwargs.get("mm_token_type_ids") is None:
            kwargs["mm_token_type_ids"] = self.token_types(input_ids)
        return super().compute_3d_position_ids(input_ids, *args, **kwargs)


class EchoVLMForConditionalGeneration(EchoVLMPreTrainedModel, Qwen2VLForConditionalGeneration):
    """The network with its language-model head: images and text in, text out."""

    # The load-balancing loss is a mean, so a trainer has to average over accumulation steps.
    accepts_loss_kwargs = False

    def __init__(self, config: EchoVLMConfig) -> None:
        super(Qwen2VLForConditionalGeneration, self).__init__(config)  # it builds a dense model
        self.model = EchoVLMModel(config)
        text = config.text_config
        self.lm_head = nn.Linear(text.hidden_size, text.vocab_size, bias=False)
        self.post_init()

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any
    ) -> EchoVLMForConditionalGeneration:
        """Load a checkpoint in either layout, whole or not at all.

        Args:
            pretrained_model_name_or_path: a folder, or a name on the Hugging Face hub.
            *args: as in transformers.
            **kwargs: as in transformers (``dtype``, ``device_map``, ``attn_implementation``...).

        Raises:
            LayoutError: for anything but an EchoVLM; a plain Qwen2-VL is sent to ``upcycle``.
            TensorError: if tensors are missing, left over or mis-shaped; they are named.
            CheckpointError: if a file is absent or broken.
        """
        folder = local_folder(pretrained_model_name_or_path, kwargs)
        checkpoint = Checkpoint.open(folder)
        config = kwargs.pop("config", None) or checkpoint.config
        return super().from_pretrained(folder, *args, config=config, **kwargs)

    def save_pretrained(self, save_directory: Any, *args: Any, **kwargs: Any) -> None:
        """Save in EchoVLM's own layout, also where the weights came from a released one."""
        super().save_pretrained(save_directory, *args, **{"save_original_format": False} | kwargs)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        use_cache: bool | None = None,
        pixel_values: torch.Tensor | None = None,
        pixel_values_videos: torch.Tensor | None = None,
        image_grid_thw: torch.Tensor | None = None,
        video_grid_thw: torch.Tensor | None = None,
        mm_token_type_ids: torch.Tensor | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        output_router_logits: bool | None = None,
        **kwargs: Any,
    ) -> MoeCausalLMOutputWithPast:
        """Predict the next token at every position.

        Args:
            input_ids: ``(B, L)``.
            attention_mask: ``(B, L)``, 1 where attended.
            position_ids: ``(3, B, L)`` M-RoPE positions; worked out from the rest if None.
            past_key_values: keys and values of earlier tokens.
            inputs_embeds: ``(B, L, H)`` in place of ``input_ids``.
            labels: ``(B, L)``, -100 where no loss is wanted; they are shifted here.
            use_cache: whether to return ``past_key_values``.
            pixel_values: ``(patches, 1176)`` of all images, normalised.
            pixel_values_videos: ``(patches, 1176)`` of all videos, normalised.
            image_grid_thw: ``(images, 3)`` patches in time, height and width.
            video_grid_thw: ``(videos, 3)`` likewise.
            mm_token_type_ids: ``(B, L)``, 0 text, 1 image, 2 video; read off ``input_ids`` if None.
            logits_to_keep: compute logits for so many last positions only; 0 means all.
            output_router_logits: return the router logits ``(B * L, E)`` of every layer.
            **kwargs: handed on to Qwen2-VL.

        Returns:
            ``logits (B, L, V)``; with labels also ``loss``, which in training includes the
            load-balancing loss times its coefficient; ``aux_loss`` is that loss by itself.
        """
        text = self.config.text_config
        balanced = self.training and labels is not None and text.router_aux_loss_coef > 0
        wanted = text.output_router_logits if output_router_logits is None else output_router_logits
        with ExitStack() as stack:
            router_logits: list[torch.Tensor] = []
            if balanced or wanted:
                router_logits = stack.enter_context(self.recorded_router_logits())
            outputs = super().forward(
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=position_ids,
                past_key_values=past_key_values,
                inputs_embeds=inputs_embeds,
                labels=labels,
                use_cache=use_cache,
                pixel_values=pixel_values,
                pixel_values_videos=pixel_values_videos,
                image_grid_thw=image_grid_thw,
                video_grid_thw=video_grid_thw,
                mm_token_type_ids=mm_token_type_ids,
                logits_to_keep=logits_to_keep,
                output_router_logits=bool(balanced or wanted),
                **kwargs | {"return_dict": True},
            )
        loss, aux_loss = outputs.loss, None
        if balanced:
            aux_loss = load_balancing_loss(router_logits, text.num_experts_per_tok, attention_mask)
            loss = loss + text.router_aux_loss_coef * aux_loss.to(loss.device)
        return MoeCausalLMOutputWithPast(
            loss=loss,
            aux_loss=aux_loss,
            logits=outputs.logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            router_logits=tuple(router_logits) if wanted else None,
        )

    @contextmanager
    def recorded_router_logits(self) -> Iterator[list[torch.Tensor]]:
        """Collect what the decoder records; Qwen2VLModel of transformers 5.17 would drop it."""
        router_logits: list[torch.Tensor] = []
        hook = self.model.language_model.register_forward_hook(
            lambda module, inputs, outputs: router_logits.extend(outputs.router_logits)
        )
        try:
            yield router_logits
        finally:
            hook.remove()

    def _prepare_position_ids_for_generation(
        self, inputs_tensor: torch.Tensor, model_kwargs: dict[str, Any]
    ) -> torch.Tensor:
        """Fill in the token types where a caller left them out, then number the prompt."""
        ids = model_kwargs.get("input_ids", inputs_tensor)
        if model_kwargs.get("mm_token_type_ids") is None and ids.ndim == 2 and ids.shape[1] > 0:
            model_kwargs = model_kwargs | {"mm_token_type_ids": self.model.token_types(ids)}
        return super()._prepare_position_ids_for_generation(inputs_tensor, model_kwargs)

    @contextmanager
    def _optimize_model_for_decode(self) -> Iterator[None]:
        """Keep the expert kernel while decoding.

        transformers would switch to ``batched_mm`` on a GPU, which copies the chosen experts for
        every token: more traffic than reading all of them once.
        """
        yield


AutoModelForImageTextToText.register(EchoVLMConfig, EchoVLMForConditionalGeneration)
