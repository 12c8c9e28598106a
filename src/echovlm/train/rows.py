"""From conversations to packed rows of tokens.

A *row* is one study: a prefix (system turn and all images, which stand before the text as in the
published data set class) and branches, each a whole conversation about these images. A branch takes
the positions it would have by itself, so its loss equals that of the sample alone
(tests/train/test_rows.py). Supervised are the tokens of every assistant turn with its end token and
newline, as in the published code; the loss needs outputs at those positions only.

Words of users and reports never become special tokens, also where they spell one.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from echovlm.data.sample import IMAGE_TAG, Sample
from echovlm.errors import DataError
from echovlm.model.packing import Packing, Segment
from echovlm.prompts import SYSTEM_PROMPT

_USER = "<|im_start|>user\n"
_ASSISTANT = "<|im_end|>\n<|im_start|>assistant\n"
_END = "<|im_end|>\n"
_VISION = ("<|vision_start|>", "<|image_pad|>", "<|vision_end|>")


@dataclass(frozen=True)
class TurnInfo:
    """What a branch is about, for the losses that are watched; empty where unknown."""

    sample: str
    source: str = ""
    anatomy: str = ""
    task: str = ""
    language: str = ""

    @classmethod
    def of(cls, sample: Sample) -> TurnInfo:
        """Describe a sample."""
        return cls(
            sample.id,
            sample.source,
            str(sample.anatomy or ""),
            str(sample.task or ""),
            str(sample.language or ""),
        )


@dataclass(frozen=True, eq=False)
class Branch:
    """Tokens of one conversation behind its images.

    Attributes:
        ids: token ids.
        targets: ``(position, id)``: the output at this position of the branch must be this id;
            -1 is the last position of the prefix.
        info: what it is about.
    """

    ids: list[int]
    targets: list[tuple[int, int]]
    info: TurnInfo


@dataclass(frozen=True, eq=False)
class Row:
    """One study: images and the conversations about them.

    Attributes:
        system: system turn.
        pictures: ``(H, W, 3)`` uint8, RGB.
        branches: at least one.
    """

    system: str
    pictures: Sequence[np.ndarray]
    branches: Sequence[Branch]


@dataclass(frozen=True)
class Encoder:
    """Turns conversations into tokens and rows into batches.

    Attributes:
        processor: tokenizer and image processor of the network.
    """

    processor: Any

    def system_of(self, sample: Sample) -> str:
        """The system turn of a sample; the network's default where it has none."""
        return next((turn.text for turn in sample.turns if turn.role == "system"), SYSTEM_PROMPT)

    def prefix_tokens(self, system: str, grids: Sequence[tuple[int, int, int]]) -> int:
        """Tokens of a prefix with images of these patch grids ``(t, h, w)``."""
        visual = sum(t * h * w // 4 + 2 for t, h, w in grids)
        return len(self._opening(system)) + visual

    def branch(self, sample: Sample) -> Branch:
        """Tokens of one sample behind its images.

        Raises:
            DataError: for a sample without an assistant turn.
        """
        ids: list[int] = []
        targets: list[tuple[int, int]] = []
        turns = [turn for turn in sample.turns if turn.role != "system"]
        for number, turn in enumerate(turns):
            text = turn.text.replace(IMAGE_TAG, "").strip() if turn.role == "user" else turn.text
            if turn.role == "user":
                ids += (self._special(_USER) if number else []) + self._words(text)
                ids += self._special(_ASSISTANT)
            else:
                said = self._words(text) + self._special(_END)
                targets += [(len(ids) - 1 + i, token) for i, token in enumerate(said)]
                ids += said
        if not targets:
            raise DataError(sample.id, "has no answer to learn from", "Build the set again")
        return Branch(ids, targets, TurnInfo.of(sample))

    def collate(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Pack rows into one batch.

        Returns:
            ``input_ids (1, L)``, ``position_ids (3, 1, L)``, ``mm_token_type_ids (1, L)``,
            ``target_at``, ``target_ids`` and ``target_turn (n,)``, the :class:`Packing` and the
            ``turns``; with images also ``pixel_values (patches, C)`` and ``image_grid_thw
            (images, 3)``.
        """
        pictures = [picture for row in rows for picture in row.pictures]
        visual: dict[str, Any] = {}
        if pictures:
            visual = dict(self.processor.image_processor(images=pictures, return_tensors="pt"))
        grids = visual["image_grid_thw"].tolist() if pictures else []
        parts, taken = _Parts(), 0
        for row in rows:
            own = grids[taken : taken + len(row.pictures)]
            taken += len(row.pictures)
            self._lay_out(row, own, parts)
        return parts.tensors(self._vision_ids[1]) | {
            key: visual[key] for key in ("pixel_values", "image_grid_thw") if key in visual
        }

    def _lay_out(self, row: Row, grids: Sequence[Sequence[int]], parts: _Parts) -> None:
        start, pad, end = self._vision_ids
        opening = self._opening(row.system)
        parts.text(opening, 0)
        following = len(opening)
        for _, height, width in grids:
            merged = (height // 2, width // 2)
            parts.text([start], following)
            parts.image([pad] * (merged[0] * merged[1]), _image_positions(merged, following + 1))
            following += 1 + max(merged)
            parts.text([end], following)
            following += 1
        prefix = len(opening) + sum(h * w // 4 + 2 for _, h, w in grids)
        for branch in row.branches:
            parts.branch(branch, following)
        parts.segments.append(Segment(prefix, tuple(len(branch.ids) for branch in row.branches)))

    # --- text ---

    def _opening(self, system: str) -> list[int]:
        ids = self._special("<|im_start|>system\n") + self._words(system)
        return ids + self._special(_END + _USER)

    def _special(self, text: str) -> list[int]:
        return self._templates.setdefault(
            text, self.processor.tokenizer.encode(text, add_special_tokens=False)
        )

    def _words(self, text: str) -> list[int]:
        return self._plain.encode(text, add_special_tokens=False).ids

    @cached_property
    def _templates(self) -> dict[str, list[int]]:
        return {}

    @cached_property
    def _plain(self) -> Any:
        plain = copy.deepcopy(self.processor.tokenizer.backend_tokenizer)
        plain.encode_special_tokens = True
        return plain

    @cached_property
    def _vision_ids(self) -> list[int]:
        return [self.processor.tokenizer.convert_tokens_to_ids(name) for name in _VISION]


class _Parts:
    """Collects the pieces of a packed row."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.positions: list[np.ndarray] = []
        self.segments: list[Segment] = []
        self.at: list[int] = []
        self.wanted: list[int] = []
        self.turn: list[int] = []
        self.infos: list[TurnInfo] = []

    def text(self, ids: Sequence[int], first: int) -> None:
        self.ids += ids
        self.positions.append(np.tile(np.arange(first, first + len(ids)), (3, 1)))

    def image(self, ids: Sequence[int], positions: np.ndarray) -> None:
        self.ids += ids
        self.positions.append(positions)

    def branch(self, branch: Branch, first: int) -> None:
        place = len(self.ids)
        self.at += [place + position for position, _ in branch.targets]
        self.wanted += [token for _, token in branch.targets]
        self.turn += [len(self.infos)] * len(branch.targets)
        self.infos.append(branch.info)
        self.text(branch.ids, first)

    def tensors(self, image_pad: int) -> dict[str, Any]:
        ids = torch.tensor([self.ids])
        return {
            "input_ids": ids,
            "position_ids": torch.from_numpy(np.concatenate(self.positions, axis=1))[:, None],
            "mm_token_type_ids": (ids == image_pad).long(),
            "target_at": torch.tensor(self.at),
            "target_ids": torch.tensor(self.wanted),
            "target_turn": torch.tensor(self.turn),
            "packing": Packing(tuple(self.segments)),
            "turns": tuple(self.infos),
        }


def _image_positions(merged: tuple[int, int], first: int) -> np.ndarray:
    """M-RoPE positions ``(3, h * w)`` of one image, row by row from ``first`` on."""
    rows, columns = np.indices(merged).reshape(2, -1)
    return np.stack([np.zeros_like(rows), rows, columns]) + first
