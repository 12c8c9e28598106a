"""A twin of nano without experts, to tell what the expert path is worth.

It starts from the same drawn weights and the same vision tower, and sees the same samples in the
same order for as many steps at the same rates; only router, experts and mix are absent.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import torch
from transformers import Qwen2VLForConditionalGeneration

from echovlm.model.layouts import dense_name
from echovlm.model.shards import copy_companions
from echovlm.train.base import dense_config, load_network
from echovlm.train.parts import Part
from echovlm.train.recipes import Recipe


def without_experts(source: Path, target: Path) -> Path:
    """Write the dense Qwen2-VL within an EchoVLM.

    What is left computes something else where the experts were trained; of untrained weights it is
    a network like any other.

    Args:
        source: folder of an EchoVLM.
        target: folder to write; left as it is where it exists.

    Returns:
        ``target``.

    Raises:
        CheckpointError: when the source cannot be read.
    """
    if target.is_dir():
        return target
    network = load_network(source)
    with torch.device("meta"):
        dense = Qwen2VLForConditionalGeneration(dense_config(network.config))
    renamed = ((dense_name(name, nested=True), one) for name, one in network.state_dict().items())
    dense.load_state_dict({name: one for name, one in renamed if name}, assign=True)
    dense.tie_weights()
    temporary = target.with_name(f".{target.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    dense.save_pretrained(temporary)
    copy_companions(source, temporary)
    temporary.rename(target)
    return target


def twin_recipe(recipe: Recipe) -> Recipe:
    """The same training for a network without experts."""
    trainable = tuple(part for part in recipe.trainable if part not in (Part.EXPERTS, Part.MIX))
    return dataclasses.replace(recipe, experts=0, aux_loss=0.0, trainable=trainable)
