"""A network that is loaded and ready: weights, tokenizer and image processor of one checkpoint.

Runs EchoVLM in either layout, and Qwen2-VL, Qwen2.5-VL and Qwen3-VL checkpoints for comparison.
What they share is used and nothing else: a chat template that puts ``<|image_pad|>`` where an image
stands, M-RoPE positions that continue after the images at ``length + rope_delta``, and a cache of
keys and values.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image

from echovlm.errors import CheckpointError
from echovlm.model.processor import IMAGE_TOKEN
from echovlm.terms import Language

VISUAL_TOKENS = 196
"""Most visual tokens of one image unless the caller says otherwise (published: 392 x 392)."""

_QUESTION = "\N{SYMBOL FOR START OF TEXT}question\N{SYMBOL FOR END OF TEXT}"


@dataclass(frozen=True, eq=False)
class Network:
    """One loaded checkpoint.

    Attributes:
        model: a Qwen2-VL-like ``ForConditionalGeneration``, in evaluation mode on its device.
        processor: its tokenizer, chat template and image processor.
        name: how results name the model.
        version: what tells this checkpoint from another of the same name.
        temperature: fitted divisor of closed-set log-likelihoods; None where none was fitted.
        notices: per language, what a reader of every result of this checkpoint must know.
        max_visual_tokens: the caller's limit per image; None for the smaller of 196 and the
            checkpoint's own.
    """

    model: Any
    processor: Any
    name: str
    version: str
    temperature: float | None = None
    notices: Mapping[Language, str] = field(default_factory=dict)
    max_visual_tokens: int | None = None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    @property
    def tokenizer(self) -> Any:
        """Text to token ids and back."""
        return self.processor.tokenizer

    @property
    def image_processor(self) -> Any:
        """Pixels to patches."""
        return self.processor.image_processor

    @cached_property
    def context_tokens(self) -> int:
        """Tokens of prompt and answer together that the decoder has positions for."""
        return int(self.model.config.get_text_config().max_position_embeddings)

    @cached_property
    def stop_ids(self) -> frozenset[int]:
        """Tokens that end an answer."""
        stated = self.model.generation_config.eos_token_id
        ids = stated if isinstance(stated, list) else [stated]
        ids += [self.tokenizer.eos_token_id, self.end_id]
        return frozenset(token for token in ids if token is not None)

    @cached_property
    def end_id(self) -> int:
        """The token that ends a turn (``<|im_end|>``)."""
        return self._special("<|im_end|>")

    def _special(self, token: str) -> int:
        number = self.tokenizer.convert_tokens_to_ids(token)
        if number is None or number == self.tokenizer.unk_token_id:
            raise CheckpointError(f"The tokenizer of {self.name} has no token {token}.")
        return number

    # --- text ---

    def text_ids(self, text: str) -> list[int]:
        """Token ids of a user's or candidate's words; special tokens spelled in it stay words."""
        return self._plain_tokenizer.encode(text, add_special_tokens=False).ids

    def question_ids(self, question: str) -> list[int]:
        """Token ids from the question to where the answer begins."""
        _, after = self._template(1)
        start = self.tokenizer(after, add_special_tokens=False)["input_ids"]
        return self.text_ids(question) + start

    def text(self, ids: Sequence[int]) -> str:
        """Words of generated ids, without special tokens."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    @cached_property
    def _plain_tokenizer(self) -> Any:
        """A copy without special tokens: the switch is state, and threads share a tokenizer."""
        plain = copy.deepcopy(self.tokenizer.backend_tokenizer)
        plain.encode_special_tokens = True
        return plain

    def _template(self, images: int) -> tuple[str, str]:
        """What the chat template writes before and after the question of a user turn."""
        content = [*({"type": "image"} for _ in range(images)), {"type": "text", "text": _QUESTION}]
        whole = self.processor.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        before, mark, after = whole.partition(_QUESTION)
        if not mark or before.count(IMAGE_TOKEN) != images:
            raise CheckpointError(
                f"The chat template of {self.name} does not write images as {IMAGE_TOKEN}, "
                "as Qwen's vision-language models do."
            )
        return before, after

    # --- images ---

    @cached_property
    def pixel_limits(self) -> tuple[int, int]:
        """Fewest and most pixels of one resized image."""
        own = self.image_processor.size
        fewest, most = int(own["shortest_edge"]), int(own["longest_edge"])
        if self.max_visual_tokens is None:
            most = min(most, VISUAL_TOKENS * self.pixels_per_token)
        else:
            most = self.max_visual_tokens * self.pixels_per_token
        return min(fewest, most), most

    @cached_property
    def pixels_per_token(self) -> int:
        """Pixels that one visual token covers."""
        return (self.image_processor.patch_size * self.image_processor.merge_size) ** 2

    def prefix_inputs(self, images: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
        """Tensors of everything that stands before the question: system turn and all images.

        Args:
            images: ``(H, W, 3)`` uint8, RGB.

        Returns:
            ``input_ids (1, P)``, ``mm_token_type_ids (1, P)``, ``pixel_values (patches, C)``,
            ``image_grid_thw (images, 3)``; without images the first two alone.
        """
        fewest, most = self.pixel_limits
        before, _ = self._template(len(images))
        inputs = self.processor(
            images=[_no_wider_than(one, most // self.pixels_per_token) for one in images] or None,
            text=before,
            size={"shortest_edge": fewest, "longest_edge": most},
            add_special_tokens=False,
            return_tensors="pt",
        )
        inputs.pop("attention_mask", None)
        return dict(inputs.to(self.device))


def overflow(network: Network) -> CheckpointError:
    """The error for numbers that are not finite."""
    kind = str(network.model.dtype).removeprefix("torch.")
    return CheckpointError(
        f"{network.name} gives numbers that are not finite in {kind}; load it with --dtype float32 "
        "or bfloat16, or fetch the checkpoint again."
    )


def _no_wider_than(image: np.ndarray, ratio: int) -> np.ndarray:
    """Squeeze an image whose sides differ by more than ``ratio``, so that its tokens stay few."""
    height, width = image.shape[:2]
    if max(height, width) <= ratio * min(height, width):
        return image
    size = (min(width, ratio * height), min(height, ratio * width))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
