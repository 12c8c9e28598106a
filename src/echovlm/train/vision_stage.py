"""The stage that runs vision pre-training: on ``transformers.Trainer``, resumable, to one file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from echovlm.train.precision import fast_dtype, vision_attention
from echovlm.train.processes import on_one_device
from echovlm.train.vision import VisionCollator, VisionPretraining, VisionSamples

WEIGHTS = "vision.safetensors"


@dataclass(frozen=True)
class VisionRecipe:
    """Settings of vision pre-training.

    Attributes:
        seed: of order and variation.
        steps: optimizer steps.
        batch: pictures per step.
        visual_tokens: most visual tokens of one picture.
        learning_rate: peak learning rate.
        weight_decay: AdamW's.
    """

    seed: int = 2509
    steps: int = 2_000
    batch: int = 32
    visual_tokens: int = 49
    learning_rate: float = 1e-3
    weight_decay: float = 0.05


class VisionTrainer(Trainer):
    """``transformers.Trainer`` that logs how many of each fact are told right."""

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        """Loss of one batch; counts are summed until the next line of the log."""
        outputs = model(**inputs)
        counts = torch.stack([outputs["right"], outputs["asked"]]).detach()
        self._counts = getattr(self, "_counts", torch.zeros_like(counts)) + counts
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Add the share told right per fact to a line of the log."""
        if "loss" in logs and hasattr(self, "_counts"):
            names = self.accelerator.unwrap_model(self.model).names
            right, asked = self._counts.tolist()
            logs |= {
                f"right/{name}": round(hit / total, 3)
                for name, hit, total in zip(names, right, asked, strict=True)
                if total
            }
            self._counts.zero_()
        super().log(logs, *args, **kwargs)


def pretrain_vision(
    visual: Any,
    samples: VisionSamples,
    image_processor: Any,
    recipe: VisionRecipe,
    folder: Path,
) -> None:
    """Train a vision tower in place, or load it where an earlier run finished.

    Args:
        visual: the tower with its merger.
        samples: ``recipe.steps * recipe.batch`` of them.
        image_processor: of the network, with this stage's limit of visual tokens.
        recipe: settings.
        folder: checkpoints, log and the finished ``vision.safetensors``.
    """
    result = folder / WEIGHTS
    if not result.exists():
        torch.manual_seed(recipe.seed)
        visual.set_attn_implementation(vision_attention())
        trainer = VisionTrainer(
            model=VisionPretraining(visual, visual.config.hidden_size, samples.targets),
            args=_arguments(folder, recipe),
            train_dataset=samples,
            data_collator=VisionCollator(image_processor),
        )
        last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
        trainer.train(resume_from_checkpoint=last)
        save_file(visual.state_dict(), folder / ".vision.tmp")
        os.replace(folder / ".vision.tmp", result)
    visual.load_state_dict(load_file(result))


def _arguments(folder: Path, recipe: VisionRecipe) -> TrainingArguments:
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        adam_beta2=0.95,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, int(0.03 * recipe.steps)),
        max_grad_norm=1.0,
        bf16=fast_dtype() == torch.bfloat16,
        use_cpu=not torch.cuda.is_available(),
        seed=recipe.seed,
        logging_steps=25,
        save_steps=250,
        save_total_limit=1,
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        dataloader_num_workers=1,
        dataloader_persistent_workers=True,
        label_names=[],
        report_to=[],
    )
    return on_one_device(arguments)
