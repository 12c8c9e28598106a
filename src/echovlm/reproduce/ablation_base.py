"""The dense base: tokenizer, vision tower and decoder, all from the general anatomies alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from rich.console import Console
from transformers import PreTrainedTokenizerBase, Qwen2VLForConditionalGeneration

from echovlm.data.build import SPLITS
from echovlm.data.sample import Split
from echovlm.data.store import StoredSet
from echovlm.errors import TrainingError
from echovlm.model.modeling import embed_by_product
from echovlm.reproduce.ablation_data import BUILT, GENERAL_SET, SIMULATED
from echovlm.reproduce.ablation_plan import GENERAL, VISUAL_TOKENS, Sizes, base_recipe
from echovlm.train.base import dense_config
from echovlm.train.recipes import Recipe
from echovlm.train.run import train
from echovlm.train.start import make_processor, nano_config, write_tokenizer
from echovlm.train.vision import FactTargets, VisionSamples, vision_pictures
from echovlm.train.vision_stage import WEIGHTS, VisionRecipe, pretrain_vision

BASE, START, TOKENIZER, VISION = "base", "start", "tokenizer", "vision"


def make_base(work: Path, sizes: Sizes, precision: str, console: Console) -> Path:
    """Train the dense base, or go on with it.

    Args:
        work: folder of the ablation with its data. ``work/vision/vision.safetensors``, where it
            exists, is taken as the pre-trained vision tower.
        sizes: how long.
        precision: number format of products.
        console: for progress.

    Returns:
        Folder of the finished checkpoint.

    Raises:
        TrainingError: when a signal stopped it; it goes on when started again.
    """
    tokenizer = write_tokenizer(work / TOKENIZER, _texts(work / GENERAL_SET), sizes.vocabulary)
    if not (work / START).is_dir():
        _write_start(work, sizes, tokenizer)
    recipe = base_recipe(sizes, precision)
    return run_stage(recipe, work / START, work / GENERAL_SET, work / BASE, console)


def run_stage(recipe: Recipe, base: Path, data: Path, out: Path, console: Console) -> Path:
    """Run a stage to its end.

    Args:
        recipe: the stage.
        base: folder of the checkpoint to start from.
        data: a built set.
        out: folder of the run.
        console: for progress.

    Returns:
        Folder of the finished checkpoint.

    Raises:
        TrainingError: when a signal stopped it.
    """
    finished = train(recipe, base, data, out, console=console)
    if finished.final is None:
        raise TrainingError(
            f"{out} was stopped by {finished.stopped_by} after step {finished.step}; run the same "
            "command again to go on."
        )
    return finished.final


def _write_start(work: Path, sizes: Sizes, tokenizer: PreTrainedTokenizerBase) -> None:
    """A network of random weights around a vision tower that knows the general anatomies."""
    recipe = VisionRecipe(
        steps=sizes.vision_steps, batch=sizes.vision_batch, visual_tokens=VISUAL_TOKENS
    )
    torch.manual_seed(recipe.seed)
    network = Qwen2VLForConditionalGeneration(dense_config(nano_config(tokenizer)))
    embed_by_product(network.model.visual)
    processor = make_processor(tokenizer, VISUAL_TOKENS)
    samples = _vision_samples(work, recipe)
    pretrain_vision(network.model.visual, samples, processor.image_processor, recipe, work / VISION)
    temporary = work / f".{START}.new"
    shutil.rmtree(temporary, ignore_errors=True)
    network.save_pretrained(temporary)
    processor.save_pretrained(temporary)
    temporary.rename(work / START)


def _vision_samples(work: Path, recipe: VisionRecipe) -> VisionSamples:
    """Training pictures of the general anatomies; none are read where the tower is ready."""
    pictures = []
    if not (work / VISION / WEIGHTS).exists():
        pictures = [
            picture
            for picture in vision_pictures([work / SIMULATED], read_splits(work), Split.TRAIN)
            if picture.facts.get("anatomy") in GENERAL
        ]
    count = recipe.steps * recipe.batch
    return VisionSamples(pictures, FactTargets.of(pictures), count, recipe.seed)


def read_splits(work: Path) -> dict[str, Split]:
    """Split of every patient."""
    told = json.loads((work / BUILT / SPLITS).read_text("utf-8"))
    return {patient: Split(split) for patient, split in told.items()}


def _texts(folder: Path) -> Iterator[str]:
    """Every turn of a built set."""
    for sample in StoredSet(folder).samples():
        yield from (turn.text for turn in sample.turns)
