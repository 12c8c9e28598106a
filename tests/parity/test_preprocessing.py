"""Our processor against recorded pixel values and token numbers of the published one: equal."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from oracle import ORACLE
from PIL import Image
from safetensors.torch import load_file

from echovlm.model import EchoVLMImageProcessor, EchoVLMProcessor

MANIFEST = ORACLE / "manifest.json"
RECORDED = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
pytestmark = pytest.mark.skipif(not RECORDED, reason=f"needs recorded outputs in {ORACLE}")


def _picture(name: str) -> Image.Image:
    return Image.open(ORACLE / "images" / f"{name}.png")


@pytest.fixture(scope="module")
def processor() -> EchoVLMProcessor:
    return EchoVLMProcessor.from_pretrained(ORACLE / "processor")


@pytest.mark.parametrize("name", RECORDED.get("processor", {}))
def test_texts_with_pictures_become_the_recorded_tensors(name, processor):
    recipe = RECORDED["processor"][name]
    images = [_picture(each) for each in recipe["images"] or ()]
    frames = [_picture(f"f{index}") for index in range(recipe["n_frames"])]
    ours = processor(
        text=[recipe["text"]],
        images=images or None,
        videos=[frames] if frames else None,
        return_tensors="pt",
    )
    theirs = load_file(ORACLE / "processor" / f"{name}.safetensors")
    for key, tensor in theirs.items():
        assert torch.equal(ours[key], tensor), key
    kinds = torch.zeros_like(theirs["input_ids"])
    kinds[theirs["input_ids"] == processor.image_token_id] = 1
    kinds[theirs["input_ids"] == processor.video_token_id] = 2
    assert torch.equal(ours["mm_token_type_ids"], kinds)


@pytest.mark.parametrize("name", RECORDED.get("image_processor", {}))
@pytest.mark.parametrize("as_array", [False, True], ids=["Pillow", "array"])
def test_single_images_become_the_recorded_pixels(name, as_array):
    recipe = RECORDED["image_processor"][name]
    tool = EchoVLMImageProcessor(min_pixels=recipe["min_pixels"], max_pixels=recipe["max_pixels"])
    picture = np.array(_picture(name)) if as_array else _picture(name)
    ours = tool(images=[picture], return_tensors="pt")
    assert ours["image_grid_thw"].tolist() == recipe["grid"]
    theirs = load_file(ORACLE / "processor" / f"img_{name}.safetensors")["pixel_values"]
    assert torch.equal(ours["pixel_values"], theirs)
