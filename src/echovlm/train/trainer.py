"""The two training loops of a small EchoVLM, on ``transformers.Trainer``.

*Vision pre-training* teaches the vision tower and merger to tell the sampled features of a case
from its pixels: the merged visual tokens, averaged over a grid of 4 by 4 so that their places
count, feed one linear classifier per feature, and the classifiers are thrown away. *Training* then
fits the whole network on branch batches: next-token cross-entropy at the supervised positions only,
plus the load-balancing loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from echovlm.model.moe import load_balancing_loss
from echovlm.train.recipes import NanoRecipe
from echovlm.train.samples import augment, case_order
from echovlm.train.simulated import StoredCase


@dataclass(frozen=True)
class FeatureTargets:
    """The classification targets of vision pre-training.

    Attributes:
        values: per target ``anatomy.feature``, its values in a fixed order.
    """

    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, cases: Sequence[StoredCase], most_values: int = 30) -> FeatureTargets:
        """Collect every categorical feature that takes 2 to ``most_values`` values."""
        seen: dict[str, set[str]] = {}
        for case in cases:
            for name, value in _targets_of(case).items():
                seen.setdefault(name, set()).add(value)
        return cls(
            {
                name: tuple(sorted(values))
                for name, values in sorted(seen.items())
                if 2 <= len(values) <= most_values
            }
        )

    def encode(self, case: StoredCase) -> np.ndarray:
        """Class number per target, -100 where the feature does not apply to the case."""
        own = _targets_of(case)
        return np.array(
            [
                values.index(own[name]) if own.get(name) in values else -100
                for name, values in self.values.items()
            ]
        )


def _targets_of(case: StoredCase) -> dict[str, str]:
    return {"label": case.label} | {
        f"{case.anatomy}.{name}": value for name, value in case.features.items() if name != "label"
    }


_GRID = 4
_LABEL_WEIGHT = 3.0


class VisionPretraining(nn.Module):
    """A vision tower with one linear classifier per target."""

    def __init__(self, visual: nn.Module, width: int, targets: FeatureTargets) -> None:
        super().__init__()
        self.visual = visual
        self.sizes = [len(values) for values in targets.values.values()]
        self.label = list(targets.values).index("label")
        self.classifiers = nn.Linear(width * _GRID**2, sum(self.sizes))

    def forward(
        self, pixel_values: torch.Tensor, image_grid_thw: torch.Tensor, targets: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Mean cross-entropy over images and the targets that apply; the label counts three times.

        Args:
            pixel_values: ``(patches, C)``.
            image_grid_thw: ``(images, 3)``.
            targets: ``(images, targets)`` class numbers, -100 where a target does not apply.
        """
        merged = self.visual(pixel_values, grid_thw=image_grid_thw).pooler_output
        scores = self.classifiers(_pooled(merged, image_grid_thw)).float().split(self.sizes, dim=1)
        weights = torch.ones(len(scores), device=targets.device)
        weights[self.label] = _LABEL_WEIGHT
        losses = [
            weight * functional.cross_entropy(score, target, reduction="sum", ignore_index=-100)
            for weight, score, target in zip(weights, scores, targets.T, strict=True)
        ]
        correct = scores[self.label].argmax(dim=1) == targets[:, self.label]
        return {
            "loss": torch.stack(losses).sum() / ((targets >= 0) * weights).sum(),
            "accuracy": correct.float().mean(),
        }


def _pooled(merged: torch.Tensor, grids: torch.Tensor) -> torch.Tensor:
    """Average the merged tokens ``(tokens, H)`` of each image over a grid: ``(images, 16 H)``."""
    sizes = [(height // 2, width // 2) for _, height, width in grids.tolist()]
    pooled = []
    for tokens, (rows, columns) in zip(
        merged.split([rows * columns for rows, columns in sizes]), sizes, strict=True
    ):
        plane = tokens.view(rows, columns, -1).permute(2, 0, 1)
        pooled.append(functional.adaptive_avg_pool2d(plane, _GRID).flatten())
    return torch.stack(pooled)


@dataclass(frozen=True, eq=False)
class VisionSamples(Dataset[tuple[np.ndarray, np.ndarray]]):
    """Augmented stills with the class numbers of their case."""

    cases: Sequence[StoredCase]
    targets: FeatureTargets
    samples: int
    seed: int

    @cached_property
    def _order(self) -> np.ndarray:
        return case_order(len(self.cases), self.samples, self.seed)

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        case = self.cases[self._order[index]]
        rng = np.random.default_rng((self.seed, index))
        still = case.stills[rng.integers(len(case.stills))]
        return augment(still, rng), self.targets.encode(case)


@dataclass(frozen=True)
class VisionCollator:
    """Turn stills and class numbers into one batch."""

    image_processor: Any

    def __call__(self, samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, torch.Tensor]:
        """Collate; shapes as in :meth:`VisionPretraining.forward`."""
        pixels = self.image_processor(images=[image for image, _ in samples], return_tensors="pt")
        return {
            "pixel_values": pixels["pixel_values"],
            "image_grid_thw": pixels["image_grid_thw"],
            "targets": torch.from_numpy(np.stack([target for _, target in samples])),
        }


def branch_loss(model: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Loss of a branch batch: cross-entropy at supervised positions plus the load-balancing loss.

    The output head runs on supervised positions alone, which is exact and saves most of its cost.
    """
    supervised = batch["target_ids"] >= 0
    with model.recorded_router_logits() as router_logits:
        outputs = model.model(
            input_ids=batch["input_ids"],
            position_ids=batch["position_ids"],
            attention_mask=batch["attention_mask"],
            mm_token_type_ids=batch["mm_token_type_ids"],
            pixel_values=batch["pixel_values"],
            image_grid_thw=batch["image_grid_thw"],
            use_cache=False,
            output_router_logits=True,
        )
    scores = model.lm_head(outputs.last_hidden_state[supervised])
    loss = functional.cross_entropy(scores.float(), batch["target_ids"][supervised])
    text = model.config.get_text_config()
    balance = load_balancing_loss(router_logits, text.num_experts_per_tok, batch["token_mask"])
    return loss + text.router_aux_loss_coef * balance


class VisionTrainer(Trainer):
    """``transformers.Trainer`` that logs the label accuracy of its batches beside the loss."""

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        """Loss of one batch; its accuracy goes to the log at the logging interval."""
        outputs = model(**inputs)
        if self.state.global_step % self.args.logging_steps == 0:
            self.log({"label_accuracy": round(float(outputs["accuracy"]), 3)})
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]


class BranchTrainer(Trainer):
    """``transformers.Trainer`` with :func:`branch_loss` and a slower vision tower."""

    vision_scale: float = 1.0

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        """Loss of one batch; outputs are never needed here."""
        loss = branch_loss(self.accelerator.unwrap_model(model), inputs)
        return (loss, None) if return_outputs else loss

    def create_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """AdamW with three groups: vision tower, matrices, and vectors without decay."""
        if self.optimizer is None:  # type: ignore[has-type]
            rate, decay = self.args.learning_rate, self.args.weight_decay
            named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
            groups = []
            for vision in (True, False):
                for matrix in (True, False):
                    chosen = [
                        p for n, p in named if ("visual" in n) == vision and (p.ndim > 1) == matrix
                    ]
                    groups.append(
                        {
                            "params": chosen,
                            "lr": rate * (self.vision_scale if vision else 1.0),
                            "weight_decay": decay if matrix else 0.0,
                        }
                    )
            self.optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95))
        return self.optimizer


def training_arguments(
    folder: Path, recipe: NanoRecipe, steps: int, batch: int, learning_rate: float
) -> TrainingArguments:
    """The settings both loops share: AdamW, cosine with 3 % warm-up, clipping at 1.

    On a GPU in bf16; on a CPU in float32, since processors without bf16 units take a hundred times
    as long for the same product.
    """
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=batch,
        learning_rate=learning_rate,
        weight_decay=recipe.weight_decay,
        adam_beta2=0.95,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, int(0.03 * steps)),
        max_grad_norm=1.0,
        bf16=torch.cuda.is_available(),
        use_cpu=not torch.cuda.is_available(),
        seed=recipe.seed,
        logging_steps=10,
        save_steps=200,
        save_total_limit=1,
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        dataloader_num_workers=1,
        label_names=[],
        report_to=[],
        disable_tqdm=False,
    )


def run(trainer: Trainer) -> None:
    """Train, going on from the last whole checkpoint of the output folder where there is one."""
    folder = Path(trainer.args.output_dir)
    last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    trainer.train(resume_from_checkpoint=last)
