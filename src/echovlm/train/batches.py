"""Batches whose samples share their images between several independent turns.

A sample is one study and a handful of questions about it. Encoding the images once per question
would spend most of the arithmetic on the same pixels, so a sample is laid out as a *prefix* (system
turn and images) followed by *branches* (question and answer), and the attention mask lets a branch
see the prefix and itself, never a sibling. Each branch takes the positions it would have as the
only turn, so its loss equals that of a sample with this turn alone (tests/train/test_batches.py).
Only tokens of the answers, with their end token and newline, are supervised, as in the published
code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

_SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
_TURN_BREAK = "<|im_end|>\n<|im_start|>assistant\n"
_TURN_END = "<|im_end|>\n"


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """One study and the turns asked about it.

    Attributes:
        images: RGB stills ``(H, W, 3)`` uint8.
        turns: ``(question, answer)`` pairs, independent of one another.
    """

    images: Sequence[np.ndarray]
    turns: Sequence[tuple[str, str]]


class Processor(Protocol):
    """What a batch needs of a processor."""

    tokenizer: Any
    image_processor: Any


@dataclass(frozen=True)
class BranchCollator:
    """Turn samples into one padded batch.

    Attributes:
        processor: gives the tokenizer and the image processor.
        max_branch_tokens: a longer turn is an error, never cut silently.
    """

    processor: Processor
    max_branch_tokens: int = 512

    def __call__(self, samples: Sequence[TrainingSample]) -> dict[str, torch.Tensor]:
        """Collate samples.

        Returns:
            ``input_ids (B, L)``, ``position_ids (3, B, L)``, ``attention_mask (B, 1, L, L)`` bool,
            ``token_mask (B, L)`` bool, ``target_ids (B, L)`` with -100 where unsupervised (already
            shifted: the target of a position is what its output must predict), ``pixel_values
            (patches, C)``, ``image_grid_thw (images, 3)``, ``mm_token_type_ids (B, L)``.
        """
        images = [image for sample in samples for image in sample.images]
        pixels = self.processor.image_processor(images=images, return_tensors="pt")
        grids = pixels["image_grid_thw"]
        rows, taken = [], 0
        for sample in samples:
            count = len(sample.images)
            rows.append(self._row(sample, grids[taken : taken + count]))
            taken += count
        return {
            **self._pad(rows),
            "pixel_values": pixels["pixel_values"],
            "image_grid_thw": grids,
        }

    def _row(self, sample: TrainingSample, grids: torch.Tensor) -> dict[str, np.ndarray]:
        encode = self.processor.tokenizer.encode
        special = self.processor.tokenizer.convert_tokens_to_ids
        start, pad, end = (
            special(name) for name in ("<|vision_start|>", "<|image_pad|>", "<|vision_end|>")
        )
        ids = list(encode(_SYSTEM, add_special_tokens=False))
        positions = [np.tile(np.arange(len(ids)), (3, 1))]
        following = len(ids)
        for _, height, width in grids.tolist():
            merged = (height // 2, width // 2)
            ids += [start, *[pad] * (merged[0] * merged[1]), end]
            positions.append(np.full((3, 1), following))
            positions.append(_image_positions(merged, following + 1))
            following += 1 + max(merged)
            positions.append(np.full((3, 1), following))
            following += 1
        prefix = len(ids)
        branch_of = [np.zeros(prefix, dtype=np.int64)]
        targets = [np.full(prefix, -100, dtype=np.int64)]
        for number, (question, answer) in enumerate(sample.turns, start=1):
            asked = encode(question + _TURN_BREAK, add_special_tokens=False)
            said = encode(answer + _TURN_END, add_special_tokens=False)
            length = len(asked) + len(said)
            if length > self.max_branch_tokens:
                raise ValueError(f"a turn of {length} tokens is over {self.max_branch_tokens}")
            ids += [*asked, *said]
            positions.append(np.tile(np.arange(following, following + length), (3, 1)))
            branch_of.append(np.full(length, number))
            target = np.full(length, -100, dtype=np.int64)
            target[len(asked) - 1 : -1] = said
            targets.append(target)
        return {
            "input_ids": np.array(ids),
            "position_ids": np.concatenate(positions, axis=1),
            "branch_of": np.concatenate(branch_of),
            "target_ids": np.concatenate(targets),
            "image_pad": np.array(ids) == pad,
        }

    def _pad(self, rows: list[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
        length = max(len(row["input_ids"]) for row in rows)
        batch = len(rows)
        input_ids = torch.full((batch, length), self.processor.tokenizer.pad_token_id)
        target_ids = torch.full((batch, length), -100)
        position_ids = torch.zeros((3, batch, length), dtype=torch.long)
        token_types = torch.zeros((batch, length), dtype=torch.long)
        token_mask = torch.zeros((batch, length), dtype=torch.bool)
        visible = torch.zeros((batch, length, length), dtype=torch.bool)
        for index, row in enumerate(rows):
            used = len(row["input_ids"])
            input_ids[index, :used] = torch.from_numpy(row["input_ids"])
            target_ids[index, :used] = torch.from_numpy(row["target_ids"])
            position_ids[:, index, :used] = torch.from_numpy(row["position_ids"])
            token_types[index, :used] = torch.from_numpy(row["image_pad"].astype(np.int64))
            token_mask[index, :used] = True
            branch = torch.from_numpy(row["branch_of"])
            same = (branch[:, None] == branch[None, :]) | (branch[None, :] == 0)
            visible[index, :used, :used] = torch.tril(same)
        visible |= torch.eye(
            length, dtype=torch.bool
        )  # padding sees itself: no empty row in softmax
        return {
            "input_ids": input_ids,
            "position_ids": position_ids,
            "attention_mask": visible[:, None],
            "token_mask": token_mask,
            "target_ids": target_ids,
            "mm_token_type_ids": token_types,
        }


def _image_positions(merged: tuple[int, int], first: int) -> np.ndarray:
    """M-RoPE positions ``(3, h * w)`` of one image, row by row from ``first`` on."""
    rows, columns = np.indices(merged).reshape(2, -1)
    return np.stack([np.zeros_like(rows), rows, columns]) + first
