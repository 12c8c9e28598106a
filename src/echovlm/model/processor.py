"""Text and pictures to tensors, as the published system does it, without torchvision.

Images are resized to multiples of 28 within a budget of pixels, cut into 14 x 14 patches and
normalised; every 2 x 2 patches become one visual token, so an image of ``(t, h, w)`` patches takes
``t * h * w / 4`` places in the text. A video is a list of frames of one size: two frames make one
temporal patch, and the last frame of an odd count is repeated.

transformers' own Qwen2-VL processor needs torchvision for its video half, and its version 5
composites transparency on white; here the alpha channel is dropped, as in the published system.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image
from transformers import AutoProcessor, AutoTokenizer, BatchFeature, ProcessorMixin
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from echovlm.errors import InputError
from echovlm.model.config import EchoVLMConfig

IMAGE_TOKEN = "<|image_pad|>"
VIDEO_TOKEN = "<|video_pad|>"


class EchoVLMImageProcessor(Qwen2VLImageProcessorPil):
    """Qwen2-VL's image processor on Pillow and numpy, with the alpha channel dropped."""

    def process_image(self, image: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        """Turn a Pillow image or an array ``(H, W, 1, 3 or 4)`` into ``(3, H, W)``."""
        if isinstance(image, Image.Image):
            image = np.array(image.convert("RGB"))
            kwargs["input_data_format"] = "channels_last"
        elif isinstance(image, np.ndarray) and image.shape[-1] in (1, 4):
            image = np.repeat(image, 3, -1) if image.shape[-1] == 1 else image[..., :3]
            kwargs["input_data_format"] = "channels_last"
        return super().process_image(image, *args, **kwargs)

    def to_dict(self) -> dict[str, Any]:
        """Keep the published name in files, so that both layouts share them."""
        return super().to_dict() | {"image_processor_type": "Qwen2VLImageProcessor"}


class EchoVLMProcessor(ProcessorMixin):
    """Image processor and tokenizer in one.

    Args:
        image_processor: an :class:`EchoVLMImageProcessor`.
        tokenizer: a tokenizer with ``<|image_pad|>`` and ``<|video_pad|>``.
        chat_template: Jinja template of a conversation; the tokenizer's own if None.
    """

    def __init__(
        self, image_processor: Any, tokenizer: Any, chat_template: str | None = None
    ) -> None:
        self.image_token, self.video_token = IMAGE_TOKEN, VIDEO_TOKEN
        self.image_token_id = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
        self.video_token_id = tokenizer.convert_tokens_to_ids(VIDEO_TOKEN)
        template = chat_template or getattr(tokenizer, "chat_template", None)
        super().__init__(image_processor, tokenizer, chat_template=template)

    @classmethod
    def _get_arguments_from_pretrained(
        cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any
    ) -> list[Any]:
        """Load the two parts, whatever image backend this machine would prefer."""
        return [
            EchoVLMImageProcessor.from_pretrained(pretrained_model_name_or_path, **kwargs),
            AutoTokenizer.from_pretrained(pretrained_model_name_or_path, **kwargs),
        ]

    def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> type:
        """Accept any object: the parts are chosen by :meth:`from_pretrained`."""
        return type(argument)

    def __call__(
        self,
        images: Any = None,
        text: str | Sequence[str] | None = None,
        videos: Any = None,
        *,
        return_tensors: str | None = None,
        size: dict[str, int] | None = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """Prepare one or several texts with their images and videos.

        Args:
            images: one image, a list, or a list of lists (one per text); Pillow images or arrays
                ``(H, W, 3)`` uint8, RGB.
            text: one text or several, with one ``<|image_pad|>`` per image and one
                ``<|video_pad|>`` per video; each is widened to its number of visual tokens.
            videos: one video, a list, or a list of lists; each an array ``(N, H, W, 3)`` uint8 or
                a list of frames.
            return_tensors: "pt" for tensors, "np" for arrays, None for lists.
            size: ``{"shortest_edge": least, "longest_edge": most}`` *pixels* of an image, in place
                of the processor's own.
            **kwargs: handed to the tokenizer (``padding=True``, ``padding_side="left"``).

        Returns:
            ``input_ids``, ``attention_mask`` and ``mm_token_type_ids`` (0 text, 1 image, 2 video),
            each ``(B, L)``; ``pixel_values (patches, 1176)`` and ``image_grid_thw (images, 3)``;
            ``pixel_values_videos`` and ``video_grid_thw`` likewise.

        Raises:
            InputError: if the places in the text and the images or videos given differ in number.
        """
        kwargs.pop("audio", None)
        options = {} if size is None else {"size": size}
        data: dict[str, Any] = {}
        flat_images = list(_flatten(images))
        flat_videos = list(_flatten(videos, video=True))
        if flat_images:
            data |= self.image_processor(images=flat_images, return_tensors="np", **options)
        if flat_videos:
            patches, grids = zip(
                *(self._video(video, options) for video in flat_videos), strict=True
            )
            data |= {
                "pixel_values_videos": np.concatenate(patches),
                "video_grid_thw": np.array(grids),
            }
        if text is not None:
            texts = [text] if isinstance(text, str) else list(text)
            texts = self._widen(texts, IMAGE_TOKEN, data.get("image_grid_thw", ()), "image")
            texts = self._widen(texts, VIDEO_TOKEN, data.get("video_grid_thw", ()), "video")
            data = {**self._tokenise(texts, return_tensors is not None, kwargs), **data}
        return BatchFeature(data, tensor_type=return_tensors)

    @property
    def model_input_names(self) -> list[str]:
        """Names of everything a call may return."""
        videos = ["pixel_values_videos", "video_grid_thw"]
        return [*super().model_input_names, *videos, "mm_token_type_ids"]

    def _video(self, video: Any, options: dict[str, Any]) -> tuple[np.ndarray, list[int]]:
        """Patches ``(patches, 1176)`` and grid ``[t, h, w]`` of one video."""
        depth = self.image_processor.temporal_patch_size
        frames = list(video)
        frames += [frames[-1]] * (-len(frames) % depth)
        if len({np.shape(frame) or frame.size for frame in frames}) > 1:
            raise InputError("The frames of a video differ in size; give frames of one size.")
        done = self.image_processor(images=frames, return_tensors="np", **options)
        _, h, w = done["image_grid_thw"][0].tolist()
        # An image is stored as if it were a video of `depth` equal frames; take each frame once.
        area = self.image_processor.patch_size**2
        patches = done["pixel_values"].reshape(-1, depth, h * w, 3, depth, area)[..., 0, :]
        patches = patches.transpose(0, 2, 3, 1, 4).reshape(-1, 3 * depth * area)
        return patches, [len(frames) // depth, h, w]

    def _widen(
        self, texts: list[str], token: str, grids: Sequence[np.ndarray], word: str
    ) -> list[str]:
        """Repeat each ``token`` as often as its image or video has visual tokens."""
        places = sum(text.count(token) for text in texts)
        if places != len(grids):
            raise InputError(
                f"The text has {places} {token} place(s) but {len(grids)} {word}(s) were given; "
                "put one place in the text for each."
            )
        visual = iter(int(np.prod(grid)) // self.image_processor.merge_size**2 for grid in grids)
        pieces = (text.split(token) for text in texts)
        return [
            first + "".join(token * next(visual) + piece for piece in rest)
            for first, *rest in pieces
        ]

    def _tokenise(
        self, texts: list[str], as_arrays: bool, options: dict[str, Any]
    ) -> dict[str, Any]:
        options.pop("return_mm_token_type_ids", None)
        tokens = self.tokenizer(texts, **options)
        types = [
            [1 if i == self.image_token_id else 2 if i == self.video_token_id else 0 for i in row]
            for row in tokens["input_ids"]
        ]
        named = {**tokens, "mm_token_type_ids": types}
        if as_arrays and len({len(row) for row in types}) > 1:
            raise InputError("The texts differ in length; pass padding=True.")
        return named


def _flatten(items: Any, video: bool = False) -> Iterator[Any]:
    """Yield the single images, or the single videos, of a nest of lists."""
    if items is None:
        return
    if isinstance(items, np.ndarray):
        single = items.ndim == 4 if video else items.ndim <= 3
    else:
        first = items[0] if isinstance(items, list | tuple) and items else None
        single = not isinstance(items, list | tuple) or (video and _is_frame(first))
    if single:
        yield items
    else:
        for item in items:
            yield from _flatten(item, video)


def _is_frame(item: Any) -> bool:
    return isinstance(item, Image.Image) or (isinstance(item, np.ndarray) and item.ndim <= 3)


AutoProcessor.register(EchoVLMConfig, EchoVLMProcessor)
