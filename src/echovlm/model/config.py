"""Configuration of EchoVLM: Qwen2-VL's, plus the sizes of the expert path.

The expert-path names are those every mixture-of-experts model in transformers uses
(``num_experts``, ``num_experts_per_tok``, ``moe_intermediate_size``,
``shared_expert_intermediate_size``, ``norm_topk_prob``), and they live in the text configuration.
The defaults are the published 7B base: Qwen2-VL-7B with four routed experts of width 1408, two
active, and a shared expert of width 5632 (paper, Table 9; released code, ``EchoVLM.py:187-208``).

The released ``config.json`` is flat and says ``model_type: qwen2_vl``; ``EchoVLMConfig`` reads it
too. Unlike the published class, which ignored ``num_experts`` and ``router_aux_loss_coef`` from a
file, every value in the file counts.
"""

from __future__ import annotations

from typing import Any, ClassVar

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig
from transformers.models.qwen2_vl.configuration_qwen2_vl import (
    Qwen2VLConfig,
    Qwen2VLTextConfig,
    Qwen2VLVisionConfig,
)

RELEASED_ARCHITECTURE = "Qwen2VLMOEForConditionalGeneration"
RELEASED_MODEL_TYPE = "qwen2_vl"

_ATTENTION_PLAN = {
    "layers.*.self_attn.q_proj": "colwise",
    "layers.*.self_attn.k_proj": "colwise",
    "layers.*.self_attn.v_proj": "colwise",
    "layers.*.self_attn.o_proj": "rowwise",
}


@strict
class EchoVLMTextConfig(Qwen2VLTextConfig):
    """Sizes of the decoder.

    Beyond Qwen2-VL's text configuration:

    Attributes:
        num_experts: routed experts per layer, at least 1.
        num_experts_per_tok: experts each token goes to (top-k), 1 to ``num_experts``.
        moe_intermediate_size: width of one routed expert.
        shared_expert_intermediate_size: width of the shared expert.
        norm_topk_prob: whether the top-k routing weights are scaled to sum to one.
        router_aux_loss_coef: factor of the load-balancing loss in training; 0 switches it off.
        output_router_logits: whether every forward also returns the router logits.
    """

    model_type = "echovlm_text"
    base_model_tp_plan: ClassVar[dict[str, Any]] = {
        **_ATTENTION_PLAN,
        "layers.*.mlp.dense.gate_proj": "colwise",
        "layers.*.mlp.dense.up_proj": "colwise",
        "layers.*.mlp.dense.down_proj": "rowwise",
        "layers.*.mlp.moe.experts.gate_up_proj": "packed_colwise",
        "layers.*.mlp.moe.experts.down_proj": "rowwise",
        "layers.*.mlp.moe.experts": "moe_tp_experts",
        "layers.*.mlp.moe.shared_expert.gate_proj": "colwise",
        "layers.*.mlp.moe.shared_expert.up_proj": "colwise",
        "layers.*.mlp.moe.shared_expert.down_proj": "rowwise",
    }

    vocab_size: int = 152064
    hidden_size: int = 3584
    intermediate_size: int = 18944
    num_hidden_layers: int = 28
    num_attention_heads: int = 28
    num_key_value_heads: int | None = 4
    rms_norm_eps: float = 1e-6
    max_window_layers: int | None = 28
    num_experts: int = 4
    num_experts_per_tok: int = 2
    moe_intermediate_size: int = 1408
    shared_expert_intermediate_size: int = 5632
    norm_topk_prob: bool = False
    router_aux_loss_coef: float = 0.001
    output_router_logits: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        if not 1 <= self.num_experts_per_tok <= self.num_experts:
            raise ValueError(
                f"num_experts_per_tok must lie between 1 and num_experts ({self.num_experts}), "
                f"got {self.num_experts_per_tok}"
            )
        super().__post_init__(**kwargs)

    def convert_rope_params_to_dict(self, **kwargs: Any) -> dict[str, Any]:
        """Give M-RoPE the base model's sections, 1/4 time and 3/8 each height and width."""
        kwargs = super().convert_rope_params_to_dict(**kwargs)
        half = self.hidden_size // self.num_attention_heads // 2
        height = (half - half // 4) // 2
        sections = [half - 2 * height, height, height]
        self.rope_parameters.setdefault("mrope_section", sections)
        return kwargs


@strict
class EchoVLMConfig(Qwen2VLConfig):
    """Configuration of the whole network: ``text_config``, ``vision_config`` and token numbers."""

    model_type = "echovlm"
    sub_configs: ClassVar[dict[str, Any]] = {
        "vision_config": Qwen2VLVisionConfig,
        "text_config": EchoVLMTextConfig,
    }
    sub_configs_defaults: ClassVar[dict[str, Any]] = dict(sub_configs)

    @classmethod
    def get_config_dict(
        cls, pretrained_model_name_or_path: Any, **kwargs: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read ``config.json`` of either layout as a dictionary in this class's form."""
        config, unused = super().get_config_dict(pretrained_model_name_or_path, **kwargs)
        return from_released(config) if is_released(config) else config, unused


def is_released(config: dict[str, Any]) -> bool:
    """Say whether a ``config.json`` is that of a checkpoint in the released layout."""
    return config.get("model_type") == RELEASED_MODEL_TYPE and RELEASED_ARCHITECTURE in (
        config.get("architectures") or ()
    )


def from_released(config: dict[str, Any]) -> dict[str, Any]:
    """Turn a released ``config.json`` into the form :class:`EchoVLMConfig` takes.

    The flat keys are sorted into the text configuration by the class itself; this only renames the
    model and turns off ``output_router_logits``, which the released files leave on for every
    forward, generation included.
    """
    return config | {
        "model_type": EchoVLMConfig.model_type,
        "architectures": ["EchoVLMForConditionalGeneration"],
        "output_router_logits": False,
    }


AutoConfig.register(EchoVLMConfig.model_type, EchoVLMConfig)
AutoConfig.register(EchoVLMTextConfig.model_type, EchoVLMTextConfig)
