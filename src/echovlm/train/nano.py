"""Train the nano checkpoint from nothing: simulate, tokenizer, vision, network, export.

Each stage leaves its result in the work folder and is skipped when it is there, and both training
loops go on from their last checkpoint, so the run can be stopped and started at any moment.

    python -m echovlm.train.nano WORK OUT [--smoke]
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, PreTrainedTokenizerBase, Qwen2VLImageProcessorPil

from echovlm import prompts
from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration, EchoVLMProcessor
from echovlm.terms import Anatomy, Language
from echovlm.train import recipes
from echovlm.train.batches import BranchCollator
from echovlm.train.recipes import NanoRecipe
from echovlm.train.samples import NanoSamples
from echovlm.train.simulated import StoredCase, build_shards, read_shards
from echovlm.train.tokenizer import train_tokenizer
from echovlm.train.trainer import (
    BranchTrainer,
    FeatureTargets,
    VisionCollator,
    VisionPretraining,
    VisionSamples,
    VisionTrainer,
    run,
    training_arguments,
)

_PIXELS_PER_VISUAL_TOKEN = 28 * 28
_NOTICE = {
    "en": "This demonstration model was trained on simulated pictures only; what it says about a "
    "real study means nothing.",
    "zh": "本演示模型仅用模拟图像训练，对真实检查的结果没有意义。",
}
console = Console()


def main(
    work: Annotated[Path, typer.Argument(help="Folder for shards, checkpoints and logs.")],
    out: Annotated[Path, typer.Argument(help="Folder the finished checkpoint is written to.")],
    smoke: Annotated[bool, typer.Option(help="A few steps only: shows that it runs.")] = False,
    captions: Annotated[
        Path | None, typer.Option(help="JSON Lines with a `text` field, for the tokenizer alone.")
    ] = None,
) -> None:
    """Train the nano checkpoint from nothing, or go on where an earlier run stopped."""
    recipe = recipes.smoke() if smoke else recipes.nano()
    started = time.time()
    work.mkdir(parents=True, exist_ok=True)
    paths = build_shards(
        work / "shards", recipe.first_case, recipe.cases_per_label, workers=os.cpu_count() or 1
    )
    cases = list(read_shards(paths))
    tokenizer = _tokenizer(work / "tokenizer", cases, recipe, captions)
    processor = _processor(tokenizer, recipe)
    torch.manual_seed(recipe.seed)
    model = EchoVLMForConditionalGeneration(_config(tokenizer))
    _pretrain_vision(model, cases, recipe, work)
    _train(model, processor, cases, recipe, work)
    _export(model, processor, recipe, out)
    console.print(f"wrote {out} after {(time.time() - started) / 60:.0f} minutes")


def _tokenizer(
    folder: Path, cases: list[StoredCase], recipe: NanoRecipe, captions: Path | None
) -> PreTrainedTokenizerBase:
    if not folder.is_dir():
        texts = [text for case in cases for text in _texts(case)] + _fixed_texts()
        if captions is not None:
            lines = captions.read_text(encoding="utf-8").splitlines()
            texts += [json.loads(line)["text"] for line in lines]
        train_tokenizer(texts, recipe.vocabulary).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def _texts(case: StoredCase) -> list[str]:
    pairs = [text for turns in case.questions.values() for turn in turns for text in turn]
    return [*case.reports.values(), *case.diagnoses.values(), *pairs]


def _fixed_texts() -> list[str]:
    names = [entry.name(lang) for entry in prompts.all_labels() for lang in Language]
    names += [prompts.anatomy_name(anatomy, lang) for anatomy in Anatomy for lang in Language]
    asked = [
        text for task in prompts.Task for lang in Language for text in prompts.phrasings(task, lang)
    ]
    return (names + asked) * 2


def _processor(tokenizer: PreTrainedTokenizerBase, recipe: NanoRecipe) -> EchoVLMProcessor:
    images = _image_processor(recipe.visual_tokens)
    return EchoVLMProcessor(images, tokenizer, chat_template=tokenizer.chat_template)


def _image_processor(visual_tokens: int) -> Qwen2VLImageProcessorPil:
    return Qwen2VLImageProcessorPil(
        min_pixels=4 * _PIXELS_PER_VISUAL_TOKEN, max_pixels=visual_tokens * _PIXELS_PER_VISUAL_TOKEN
    )


def _config(tokenizer: PreTrainedTokenizerBase) -> EchoVLMConfig:
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in tokenizer.all_special_tokens}
    return EchoVLMConfig(**recipes.nano_config(len(tokenizer), ids))


def _pretrain_vision(
    model: EchoVLMForConditionalGeneration,
    cases: list[StoredCase],
    recipe: NanoRecipe,
    work: Path,
) -> None:
    result = work / "vision.safetensors"
    if not result.exists():
        targets = FeatureTargets.of(cases)
        width = model.config.text_config.hidden_size
        console.print(f"vision pre-training on {len(targets.values)} features")
        trainer = VisionTrainer(
            model=VisionPretraining(model.model.visual, width, targets),
            args=training_arguments(
                work / "vision",
                recipe,
                recipe.vision_steps,
                recipe.vision_batch,
                recipe.vision_learning_rate,
            ),
            train_dataset=VisionSamples(
                cases, targets, recipe.vision_steps * recipe.vision_batch, recipe.seed
            ),
            data_collator=VisionCollator(_image_processor(recipe.vision_tokens)),
        )
        run(trainer)
        save_file(model.model.visual.state_dict(), work / ".vision.tmp")
        os.replace(work / ".vision.tmp", result)
    model.model.visual.load_state_dict(load_file(result))


def _train(
    model: EchoVLMForConditionalGeneration,
    processor: EchoVLMProcessor,
    cases: list[StoredCase],
    recipe: NanoRecipe,
    work: Path,
) -> None:
    trainer = BranchTrainer(
        model=model,
        args=training_arguments(
            work / "network", recipe, recipe.steps, recipe.batch, recipe.learning_rate
        ),
        train_dataset=NanoSamples(cases, recipe.steps * recipe.batch, recipe.seed + 1),
        data_collator=BranchCollator(processor),
    )
    trainer.vision_scale = recipe.vision_scale
    run(trainer)
    (work / "log.json").write_text(json.dumps(trainer.state.log_history, indent=1))


def _export(
    model: EchoVLMForConditionalGeneration,
    processor: EchoVLMProcessor,
    recipe: NanoRecipe,
    out: Path,
) -> None:
    """Write weights in bf16, processor and recipe; the folder appears under its name when whole."""
    temporary = out.with_name(f".{out.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    model.to(torch.bfloat16).eval().save_pretrained(temporary)
    processor.save_pretrained(temporary)
    (temporary / "notice.json").write_text(
        json.dumps(_NOTICE, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (temporary / "recipe.json").write_text(json.dumps(dataclasses.asdict(recipe), indent=1) + "\n")
    if out.exists():
        for file in temporary.iterdir():
            os.replace(file, out / file.name)
        temporary.rmdir()
    else:
        temporary.rename(out)


if __name__ == "__main__":
    typer.run(main)
