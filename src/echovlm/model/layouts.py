"""The two layouts of a checkpoint on disk, as one table of names.

*echovlm* is this package's own: the names of the network in memory, routed experts stacked.
*released* is that of the published weights: ``model_type: qwen2_vl`` with one tensor per expert.

=====================================================  ======================================
echovlm                                                released
=====================================================  ======================================
``model.visual.*``                                     ``visual.*``
``model.language_model.*``                             ``model.*``
in a layer, ``mlp.dense.*``                            ``mlp.*``
``mlp.mix.*``                                          ``coefficient.*``
``mlp.moe.router.weight (E, H)``                       ``moe.gate.weight``
``mlp.moe.experts.gate_up_proj (E, 2I, H)``            ``moe.experts.e.gate_proj.weight``,
                                                       ``moe.experts.e.up_proj.weight (I, H)``
``mlp.moe.experts.down_proj (E, H, I)``                ``moe.experts.e.down_proj.weight (H, I)``
``mlp.moe.shared_expert*``                             ``moe.shared_expert*``
=====================================================  ======================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import (
    Concatenate,
    MergeModulelist,
    WeightConverter,
    WeightRenaming,
)

from echovlm.model.config import RELEASED_ARCHITECTURE, RELEASED_MODEL_TYPE, EchoVLMConfig
from echovlm.model.shards import Place

Layout = Literal["echovlm", "released"]

# (ours, released), the first that matches counts.
_PREFIXES = (("model.visual.", "visual."), ("model.language_model.", "model."))
_IN_LAYER = (
    ("mlp.dense.", "mlp."),
    ("mlp.mix.", "coefficient."),
    ("mlp.moe.router.", "moe.gate."),
    ("mlp.moe.", "moe."),
)
_LAYER = re.compile(r"(model\.layers\.\d+\.)(.*)")


@dataclass(frozen=True)
class Piece:
    """One released tensor and where it lies in one of ours.

    Attributes:
        name: the released name.
        place: index into our tensor; empty where the two are the same.
    """

    name: str
    place: Place = ()


def pieces(name: str, shape: tuple[int, ...]) -> list[Piece]:
    """List the released tensors that make up one of ours.

    Args:
        name: name in our layout.
        shape: its shape.
    """
    released = _released_name(name)
    stem, _, last = released.rpartition(".")
    if not stem.endswith("moe.experts"):
        return [Piece(released)]
    if last == "down_proj":
        return [Piece(f"{stem}.{e}.down_proj.weight", (e,)) for e in range(shape[0])]
    width = shape[1] // 2
    return [
        Piece(f"{stem}.{e}.{half}_proj.weight", (e, slice(start, start + width)))
        for e in range(shape[0])
        for half, start in (("gate", 0), ("up", width))
    ]


def dense_name(name: str, nested: bool = False) -> str | None:
    """Name of one of our tensors in a dense Qwen2-VL checkpoint.

    Args:
        name: name in our layout.
        nested: whether the checkpoint has ``model.language_model`` in its names, as some versions
            of transformers wrote them.

    Returns:
        The name, None for the expert path and the mix, which a dense checkpoint lacks.
    """
    released = _released_name(name)
    if re.search(r"\.layers\.\d+\.(moe|coefficient)\.", released):
        return None
    return name.replace(".mlp.dense.", ".mlp.") if nested else released


def _released_name(name: str) -> str:
    for ours, released in _PREFIXES:
        if name.startswith(ours):
            name = released + name.removeprefix(ours)
            break
    if match := _LAYER.fullmatch(name):
        layer, rest = match.groups()
        for ours, released in _IN_LAYER:
            if rest.startswith(ours):
                return layer + released + rest.removeprefix(ours)
    return name


def released_config(config: EchoVLMConfig) -> dict[str, Any]:
    """Write a configuration as the flat ``config.json`` that the published code reads."""
    top = config.to_diff_dict()
    text, vision = top.pop("text_config"), top.pop("vision_config")
    rope = text.pop("rope_parameters")
    for part, keys in ((text, ("layer_types", "dtype")), (vision, ("rope_parameters", "dtype"))):
        for key in keys:
            part.pop(key, None)
    # transformers 4.47 applied a stated window in its sdpa mask even where it was switched off.
    window = text["sliding_window"] if text["use_sliding_window"] else None
    stated = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    return {
        **text,
        **{key: value for key, value in top.items() if key != "dtype"},
        **{key: getattr(config, key) for key in (*stated, "tie_word_embeddings")},
        "architectures": [RELEASED_ARCHITECTURE],
        "model_type": RELEASED_MODEL_TYPE,
        "output_router_logits": True,
        "rope_scaling": {"type": "mrope", "mrope_section": rope["mrope_section"]},
        "rope_theta": rope["rope_theta"],
        "sliding_window": window,
        "torch_dtype": top.get("dtype"),
        "vision_config": {**vision, "model_type": RELEASED_MODEL_TYPE},
    }


def _conversions() -> list[WeightRenaming | WeightConverter]:
    """State the table in the form in which transformers loads a checkpoint."""
    layer = r"^model\.layers\.(\d+)\."
    ours = r"model.language_model.layers.\1."
    experts = "moe.experts"
    return [
        WeightRenaming(r"^visual\.", "model.visual."),
        WeightRenaming(layer + r"mlp\.", ours + "mlp.dense."),
        WeightRenaming(layer + r"coefficient\.", ours + "mlp.mix."),
        WeightRenaming(layer + r"moe\.gate\.", ours + "mlp.moe.router."),
        WeightRenaming(layer + r"moe\.", ours + "mlp.moe."),
        WeightRenaming(r"^model\.(layers|embed_tokens|norm)\.", r"model.language_model.\1."),
        WeightConverter(
            [f"{experts}.*.gate_proj.weight", f"{experts}.*.up_proj.weight"],
            f"{experts}.gate_up_proj",
            [MergeModulelist(dim=0), Concatenate(dim=1)],
        ),
        WeightConverter(
            [f"{experts}.*.down_proj.weight"], f"{experts}.down_proj", [MergeModulelist(dim=0)]
        ),
    ]


register_checkpoint_conversion_mapping(
    "EchoVLMForConditionalGeneration", _conversions(), overwrite=True
)
