"""One step's conversations for the training benchmark, at preset sizes and in three layouts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from networks import PRESETS
from torch.nn.utils.rnn import pad_sequence

from echovlm.data.build import build_set
from echovlm.data.importing import import_source
from echovlm.data.reader import SampleReader
from echovlm.data.sample import Split
from echovlm.data.sources.simulated import Simulated
from echovlm.train.dataset import PlannedBatches
from echovlm.train.plan import Catalogue, plan
from echovlm.train.recipes import Recipe, alignment
from echovlm.train.rows import Encoder
from echovlm.train.start import make_processor
from echovlm.train.tokenizer import train_tokenizer

SEED = 20251001
_TOKENIZER = 4096
_IGNORED = -100


@dataclass(frozen=True)
class Setting:
    """Sizes of a network and of a step of its training.

    Attributes:
        base: text configuration of the dense base.
        experts: text configuration of the expert path.
        vision: vision configuration.
        visual_tokens: most per image.
        conversations: of one step.
        padded_rows: conversations of a padded batch.
        packed_tokens: most tokens of a packed batch, no more than a padded one has.
    """

    base: dict[str, Any]
    experts: dict[str, Any]
    vision: dict[str, Any]
    visual_tokens: int
    conversations: int
    padded_rows: int
    packed_tokens: int


def _preset(name: str, vocabulary: int, *work: int) -> Setting:
    preset = PRESETS[name]
    base = preset.base | {"vocab_size": vocabulary}
    return Setting(base, preset.experts, preset.vision, *work)


SETTINGS = {
    "small": _preset("small", 4096, 64, 32, 4, 1024),
    "tiny": _preset("tiny", 512, 9, 8, 2, 512),
    # For a GPU. About a billion parameters in the proportions of the published network.
    "1b": Setting(
        base={
            "vocab_size": 32768,
            "hidden_size": 1536,
            "intermediate_size": 6144,
            "num_hidden_layers": 16,
            "num_attention_heads": 12,
            "num_key_value_heads": 2,
            "mrope_section": [16, 24, 24],
        },
        experts={
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 448,
            "shared_expert_intermediate_size": 1824,
        },
        vision={"depth": 12, "embed_dim": 768, "num_heads": 12, "hidden_size": 1536},
        visual_tokens=196,
        conversations=256,
        padded_rows=8,
        packed_tokens=8192,
    ),
    # For a GPU of 80 GB or more: Qwen2-VL-7B with the published expert path.
    "7b": Setting(
        base={
            "vocab_size": 152064,
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "mrope_section": [16, 24, 24],
        },
        experts={
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 1408,
            "shared_expert_intermediate_size": 5632,
        },
        vision={"depth": 32, "embed_dim": 1280, "num_heads": 16, "hidden_size": 3584},
        visual_tokens=196,
        conversations=64,
        padded_rows=4,
        packed_tokens=8192,
    ),
}

Batch = dict[str, Any]


@dataclass(frozen=True)
class Material:
    """One step's conversations, laid out in each of the ways that are compared.

    Attributes:
        tokenizer: trained on the set.
        padded: batches of conversations of different lengths, each with its own images.
        packed: conversations one after another in a row, each with its own images.
        shared: rows in which conversations about a study share one encoding of its images.
        targets: supervised tokens of the step, the same in all three.
    """

    tokenizer: Any
    padded: list[Batch]
    packed: list[Batch]
    shared: list[Batch]
    targets: int

    @classmethod
    def of(cls, data: Path, work: Path, setting: Setting) -> Material:
        """Draw conversations of a built set and lay them out.

        Args:
            data: the set; its training split is used.
            work: folder for what is kept between calls.
            setting: how much.
        """
        reader = SampleReader(data, Split.TRAIN)
        texts = [turn.text for n in range(len(reader)) for turn in reader.sample(n).turns]
        tokenizer = train_tokenizer(texts, min(_TOKENIZER, setting.base["vocab_size"]))
        encoder = Encoder(make_processor(tokenizer, setting.visual_tokens))
        catalogue = Catalogue.of(reader, encoder, work / "catalogue.npz")
        chosen = draw(catalogue, setting.conversations)
        recipe = dataclasses.replace(
            alignment(), tokens_per_batch=setting.packed_tokens, visual_tokens=setting.visual_tokens
        )

        def laid_out(branches: int) -> list[Batch]:
            own = dataclasses.replace(recipe, branches=branches)
            return _batches(reader, encoder, catalogue, chosen, own)

        alone = PlannedBatches(reader, encoder, [((int(n),),) for n in chosen], recipe)
        singles = [alone[n] for n in range(len(alone))]
        rows = setting.padded_rows
        return cls(
            tokenizer,
            [pad(singles[at : at + rows]) for at in range(0, len(singles), rows)],
            [with_labels(batch) for batch in laid_out(1)],
            laid_out(recipe.branches),
            sum(len(single["target_ids"]) for single in singles),
        )


def make_set(folder: Path, cases: int) -> Path:
    """Simulate studies and build samples of them."""
    import_source(Simulated(cases=cases, seed=SEED), folder / "cases")
    build_set([folder / "cases"], folder / "set", seed=SEED)
    return folder / "set"


def draw(catalogue: Catalogue, conversations: int) -> np.ndarray:
    """Draw samples study by study, at most one of each task of a study, in shuffled order.

    The published data have 8.6 conversations per study, a simulated set has up to 40.
    """
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(catalogue.groups))
    kinds = np.stack([catalogue.groups[order], catalogue.tasks[order]], axis=1)
    firsts = order[np.unique(kinds, axis=0, return_index=True)[1]]
    studies = rng.permutation(len(catalogue.prefixes))[catalogue.groups[firsts]]
    return rng.permutation(firsts[np.argsort(studies, kind="stable")][:conversations])


def _batches(
    reader: SampleReader,
    encoder: Encoder,
    catalogue: Catalogue,
    chosen: np.ndarray,
    recipe: Recipe,
) -> list[Batch]:
    planned = [
        tuple(tuple(int(chosen[n]) for n in row) for row in batch)
        for batch in plan(catalogue.part(chosen), recipe)
    ]
    batches = PlannedBatches(reader, encoder, planned, recipe)
    return [batches[n] for n in range(len(batches))]


def _labels(batch: Batch) -> torch.Tensor:
    labels = torch.full_like(batch["input_ids"], _IGNORED)
    labels[0, batch["target_at"] + 1] = batch["target_ids"]
    return labels


def pad(singles: Sequence[Batch]) -> Batch:
    """Make one padded batch of conversations, as the network's ``forward`` takes it."""
    ids = [single["input_ids"][0] for single in singles]
    marks = [torch.ones_like(row) for row in ids]
    types = [single["mm_token_type_ids"][0] for single in singles]
    labels = [_labels(single)[0] for single in singles]
    return {
        "input_ids": pad_sequence(ids, batch_first=True),
        "attention_mask": pad_sequence(marks, batch_first=True),
        "mm_token_type_ids": pad_sequence(types, batch_first=True),
        "labels": pad_sequence(labels, batch_first=True, padding_value=_IGNORED),
        "pixel_values": torch.cat([single["pixel_values"] for single in singles]),
        "image_grid_thw": torch.cat([single["image_grid_thw"] for single in singles]),
    }


def with_labels(batch: Batch) -> Batch:
    """Add what a loop over all positions of a packed row needs: labels and the named mask."""
    mask = {"full_attention": batch["packing"]}
    return {**batch, "labels": _labels(batch), "attention_mask": mask}
