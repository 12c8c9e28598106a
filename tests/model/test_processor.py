import sys

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoProcessor, PreTrainedTokenizerFast

from echovlm.errors import InputError
from echovlm.model import EchoVLMConfig, EchoVLMImageProcessor, EchoVLMProcessor

TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|image_pad|>{% elif part['type'] == 'video' %}<|video_pad|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


@pytest.fixture(scope="module")
def processor() -> EchoVLMProcessor:
    letters = {chr(code): code - 32 for code in range(32, 127)}
    engine = Tokenizer(models.BPE(letters, []))
    engine.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=engine, pad_token="<|endoftext|>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|image_pad|>", "<|video_pad|>"]})
    tool = EchoVLMImageProcessor(min_pixels=56 * 56, max_pixels=112 * 112)
    return EchoVLMProcessor(tool, tokenizer, chat_template=TEMPLATE)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_each_place_is_widened_to_the_visual_tokens_of_its_image(processor):
    images = [picture(56, 84), picture(84, 84)]
    out = processor(text="a<|image_pad|>b<|image_pad|>c", images=images, return_tensors="pt")
    assert out["image_grid_thw"].tolist() == [[1, 4, 6], [1, 6, 6]]
    assert out["pixel_values"].shape == (24 + 36, 1176)
    types = [0] + [1] * 6 + [0] + [1] * 9 + [0]
    assert out["mm_token_type_ids"].tolist() == [types]
    assert (out["input_ids"] == processor.image_token_id).int().tolist() == [types]


def test_texts_of_different_length_are_padded_together(processor):
    for side in ("left", "right"):
        out = processor(
            text=["<|image_pad|>", "a question <|image_pad|>"],
            images=[[picture(56, 56)], [picture(56, 84, 1)]],
            padding=True,
            padding_side=side,
            return_tensors="pt",
        )
        assert out["input_ids"].shape == out["mm_token_type_ids"].shape == (2, 17)
        assert out["mm_token_type_ids"].sum(-1).tolist() == [4, 6]
        padded = out["attention_mask"][0] == 0
        assert padded.sum() == 13
        assert padded[0 if side == "left" else -1]
        assert not out["mm_token_type_ids"][0][padded].any()


def test_the_sum_of_places_must_match(processor):
    with pytest.raises(InputError, match=r"2 <\|image_pad\|> place\(s\) but 1 image"):
        processor(text="<|image_pad|><|image_pad|>", images=[picture(56, 56)])
    with pytest.raises(InputError, match=r"0 <\|image_pad\|> place\(s\) but 1 image"):
        processor(text="nothing", images=picture(56, 56))
    with pytest.raises(InputError, match=r"1 <\|video_pad\|> place\(s\) but 0 video"):
        processor(text="<|video_pad|>")


def test_tensors_of_ragged_texts_are_refused(processor):
    with pytest.raises(InputError, match="padding=True"):
        processor(text=["a", "bb"], return_tensors="pt")


def test_an_odd_video_repeats_its_last_frame(processor):
    frames = np.stack([picture(56, 84, seed) for seed in range(3)])
    odd = processor(text="<|video_pad|>", videos=frames, return_tensors="pt")
    even = processor(text="<|video_pad|>", videos=[*frames, frames[-1]], return_tensors="pt")
    assert odd["video_grid_thw"].tolist() == [[2, 4, 6]]
    assert odd["mm_token_type_ids"].tolist() == [[2] * 12]
    assert torch.equal(odd["pixel_values_videos"], even["pixel_values_videos"])


def test_the_two_frames_of_a_temporal_patch_lie_side_by_side(processor):
    first, second = picture(56, 56, 1), picture(56, 56, 2)
    video = processor(text="<|video_pad|>", videos=[[first, second]], return_tensors="pt")
    patches = video["pixel_values_videos"].view(16, 3, 2, 196)
    for place, frame in enumerate((first, second)):
        still = processor.image_processor(images=[frame], return_tensors="pt")["pixel_values"]
        assert torch.equal(patches[:, :, place], still.view(16, 3, 2, 196)[:, :, 0])


def test_frames_of_different_size_are_refused(processor):
    with pytest.raises(InputError, match="differ in size"):
        processor(text="<|video_pad|>", videos=[[picture(56, 56), picture(56, 84)]])


def test_images_and_videos_mix_in_one_text(processor):
    out = processor(
        text=["<|video_pad|>x<|image_pad|>"],
        images=[[Image.fromarray(picture(56, 56))]],
        videos=[[np.stack([picture(56, 56)] * 2)]],
        return_tensors="pt",
    )
    assert out["mm_token_type_ids"].tolist() == [[2] * 4 + [0] + [1] * 4]


@pytest.mark.parametrize("kind", ["L", "LA", "RGBA", "P", "1", "array 1", "array 4"])
def test_every_kind_of_image_becomes_rgb(processor, kind):
    rgb = Image.fromarray(picture(56, 56))
    arrays = {
        "array 1": np.array(rgb.convert("L"))[..., None],
        "array 4": np.array(rgb.convert("RGBA")),
    }
    image = arrays[kind] if kind in arrays else rgb.convert(kind)
    out = processor.image_processor(images=[image], return_tensors="pt")
    assert out["pixel_values"].shape == (16, 1176)


def test_transparency_is_dropped_not_composited(processor):
    rgb = picture(56, 56)
    clear = np.dstack([rgb, np.zeros((56, 56), np.uint8)])
    tool = processor.image_processor
    expected = tool(images=[rgb], return_tensors="pt")["pixel_values"]
    for image in (clear, Image.fromarray(clear)):
        assert torch.equal(tool(images=[image], return_tensors="pt")["pixel_values"], expected)


def test_a_call_may_set_another_budget_of_pixels(processor):
    size = {"shortest_edge": 28 * 28, "longest_edge": 60 * 60}
    out = processor(text="<|image_pad|>", images=picture(300, 300), size=size)
    assert out["image_grid_thw"].tolist() == [[1, 4, 4]]


def test_a_conversation_becomes_tensors(processor):
    parts = [{"type": "image", "image": picture(56, 56)}, {"type": "text", "text": "what?"}]
    out = processor.apply_chat_template(
        [{"role": "user", "content": parts}],
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    assert out["input_ids"].shape == (1, 9)
    assert out["pixel_values"].shape == (16, 1176)


def test_it_survives_saving_also_through_auto_processor(processor, tmp_path):
    processor.save_pretrained(tmp_path)
    EchoVLMConfig().save_pretrained(tmp_path)
    for back in (
        EchoVLMProcessor.from_pretrained(tmp_path),
        AutoProcessor.from_pretrained(tmp_path),
    ):
        assert type(back) is EchoVLMProcessor
        assert type(back.image_processor) is EchoVLMImageProcessor
        assert back.chat_template == TEMPLATE
        request = {"text": "a<|image_pad|>", "images": picture(99, 200), "return_tensors": "pt"}
        for key, tensor in processor(**request).items():
            assert torch.equal(back(**request)[key], tensor)


def test_torchvision_is_not_needed():
    assert "torchvision" not in sys.modules
