"""The one training loop: ``transformers.Trainer`` with packed batches and losses at answers only.

The loss of a step is the mean over all supervised tokens of all processes and accumulated batches,
plus the load-balancing loss; logits exist at supervised positions alone. Everything a run can meet
(numbers that are not finite, memory or disk that run out, damaged data, a signal to stop) ends in
one sentence and leaves the last whole checkpoint.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import torch
from accelerate.utils import save_fsdp_optimizer
from safetensors import SafetensorError
from torch import nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.nn import functional
from transformers import PrinterCallback, Trainer, TrainerControl, TrainingArguments

from echovlm.errors import TrainingError
from echovlm.model.moe import load_balancing_loss
from echovlm.train.checkpoints import (
    mark_whole,
    read_trained,
    trained_parameters,
    whole_tensors,
    write_trained,
)
from echovlm.train.dataset import PlannedBatches, only
from echovlm.train.estimate_flops import flop_rates
from echovlm.train.logs import RateMeter
from echovlm.train.parts import parts_of
from echovlm.train.precision import fast_dtype, matmul_flops
from echovlm.train.processes import (
    of_the_first,
    on_one_device,
    reach_vision_always,
    spread_again,
)
from echovlm.train.recipes import Recipe
from echovlm.train.watch import Watch

Validate = Callable[[nn.Module], dict[str, float]]
"""Scores of a network by text it writes; "score" among them chooses the best checkpoint."""

_MODEL_INPUTS = ("input_ids", "position_ids", "mm_token_type_ids", "pixel_values", "image_grid_thw")
_SPIKE = 50.0  # a gradient norm so many times the usual one is told


def answer_losses(
    model: nn.Module, batch: dict[str, Any]
) -> tuple[torch.Tensor, tuple[torch.Tensor, ...], torch.Tensor]:
    """Run a packed batch.

    Args:
        model: the network, or what a process group wrapped it in.
        batch: as :meth:`echovlm.train.rows.Encoder.collate` gives it.

    Returns:
        Cross-entropy of every supervised token ``(n,)``, router logits ``(L, E)`` per layer (none
        of a dense network), and the logits ``(n, V)``.
    """
    outputs = model(
        **{name: batch[name] for name in _MODEL_INPUTS if name in batch},
        attention_mask={"full_attention": batch["packing"]},
        logits_to_keep=batch["target_at"],
        output_router_logits=True,
        use_cache=False,
    )
    logits = outputs.logits[0]
    losses = functional.cross_entropy(logits.float(), batch["target_ids"], reduction="none")
    return losses, tuple(getattr(outputs, "router_logits", None) or ()), logits


class StageTrainer(Trainer):
    """The loop of every stage.

    Args:
        model: frozen and adapted as the recipe says.
        recipe: the run.
        batches: its data.
        folder: where checkpoints and logs go.
        steps: of the whole run.
        validate: scores by generated text, or None.
        callbacks: of transformers.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        batches: PlannedBatches,
        folder: Path,
        steps: int,
        validate: Validate | None = None,
        callbacks: list[Any] | None = None,
    ) -> None:
        self.recipe, self.folder, self.validate = recipe, folder, validate
        self.watch = Watch(model)
        self.rates = RateMeter(matmul_flops(arithmetic_dtype(recipe)))
        self.operations = flop_rates(model.config, recipe)
        self._norms: deque[float] = deque(maxlen=50)
        self._saved = 0  # step of the last checkpoint that this process saw written
        reach_vision_always(model)
        super().__init__(
            model=model,
            args=training_arguments(folder, recipe, steps, validate is not None),
            train_dataset=batches,
            eval_dataset=batches if validate else None,
            data_collator=only,
            callbacks=[self.rates, *(callbacks or [])],
        )
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = True  # losses are divided by all tokens of a step

    # --- loss ---

    def _get_num_items_in_batch(
        self, batch_samples: list[dict[str, Any]], device: torch.device
    ) -> torch.Tensor:
        """Supervised tokens of a step over all processes, which stop together for damaged data."""
        faults = [batch["fault"] for batch in batch_samples if "fault" in batch]
        targets = sum(len(batch.get("target_ids", ())) for batch in batch_samples)
        count = torch.tensor([targets, len(faults)], device=device)
        if self.args.world_size > 1:
            count = self._sum(count)
        if faults or (self.args.world_size > 1 and int(count[1])):
            self._stop_saved(faults[0] if faults else "Another process met damaged data.")
        return count[0]

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """This batch's part of the step's mean loss, times the processes that will average it."""
        losses, router_logits, _ = self.token_losses(model, inputs)
        share = len(losses) / (len(losses) if num_items_in_batch is None else num_items_in_batch)
        loss = losses.mean() * share
        if router_logits and self.recipe.aux_loss:
            top_k = self.model.config.get_text_config().num_experts_per_tok
            balance = load_balancing_loss(router_logits, top_k)
            loss = loss + self.recipe.aux_loss * balance * share
        return loss * self.args.world_size

    def token_losses(
        self, model: nn.Module, inputs: dict[str, Any]
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...], torch.Tensor]:
        """Run a batch and watch it; see :func:`answer_losses`."""
        with self.watch.watching():
            found = answer_losses(model, inputs)
        self.watch.observe(inputs["turns"], inputs["target_turn"], found[0].detach(), found[1])
        work = self.operations.training.of(inputs["work"])
        self.rates.add(inputs["input_ids"].shape[1], len(found[0]), work)
        return found

    # --- faults ---

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Run, or go on; memory that runs out ends in a sentence."""
        with self._enough_memory():
            return super().train(*args, **kwargs)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """One forward and backward pass."""
        loss = super().training_step(*args, **kwargs)
        if not bool(torch.isfinite(loss)):
            raise TrainingError(self._diverged("the loss"))
        return loss

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        """Stop where the gradient is not finite, tell where it is far above the usual."""
        norm = super()._get_grad_norm(model, grad_norm)
        value = float(norm or 0.0)  # DeepSpeed may not know it yet
        if not math.isfinite(value):
            raise TrainingError(self._diverged("the gradient"))
        usual = median(self._norms) if len(self._norms) == self._norms.maxlen else math.inf
        if value > _SPIKE * usual:
            self._tell(
                f"Step {self.state.global_step + 1}: the gradient's norm {value:.3g} is more than "
                f"{_SPIKE:.0f} times the usual {usual:.3g}. If this repeats, lower learning_rate "
                f"or clip (now {self.recipe.clip})."
            )
        self._norms.append(value)
        return norm

    def _diverged(self, what: str) -> str:
        return (
            f"Training stopped at step {self.state.global_step + 1}: {what} is not finite. The "
            f"checkpoints in {self.folder} are from before; train into another folder with a lower "
            "learning_rate or precision=float32."
        )

    @contextmanager
    def _enough_memory(self) -> Iterator[None]:
        try:
            yield
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and not _is_memory(error):
                raise
            go_on = (
                "train into another folder"
                if self.recipe.gradient_checkpointing
                else "go on with gradient_checkpointing=true, or train into another folder"
            )
            raise TrainingError(
                f"Memory ran out at step {self.state.global_step + 1}: {go_on} with a lower "
                f"tokens_per_batch (now {self.recipe.tokens_per_batch}) and more accumulation; "
                "'echovlm train estimate' says what fits. The checkpoints in "
                f"{self.folder} are whole."
            ) from None

    def _stop_saved(self, sentence: str) -> None:
        """Stop for damaged data, keeping every step that was finished."""
        if self.state.global_step > max(self._saved, self._initial_global_step):
            self._save_checkpoint(self.model_wrapped, None)
        raise TrainingError(
            f"{sentence} Training stopped after step {self.state.global_step}; mend the data and "
            "start again to go on."
        )

    def _tell(self, sentence: str) -> None:
        if self.is_world_process_zero():
            self.callback_handler.on_log(self.args, self.state, self.control, {"warning": sentence})

    # --- optimizer ---

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW with the recipe's rate of each part; vectors do not decay."""
        if self.optimizer is None:  # type: ignore[has-type]
            parts = parts_of(self.model)
            groups: dict[tuple[float, float], list[nn.Parameter]] = {}
            for name, parameter in (model or self.model).named_parameters():
                if parameter.requires_grad:
                    scale = self.recipe.rate_scales.get(parts[_plain(name)], 1.0)
                    decay = self.recipe.weight_decay if parameter.ndim > 1 else 0.0
                    groups.setdefault((scale, decay), []).append(parameter)
            rate = self.args.learning_rate
            self.optimizer = torch.optim.AdamW(
                [
                    {"params": chosen, "lr": rate * scale, "weight_decay": decay}
                    for (scale, decay), chosen in groups.items()
                ],
                lr=rate,
                betas=(self.args.adam_beta1, self.args.adam_beta2),
                fused=self.args.device.type == "cuda",
            )
        return self.optimizer

    # --- log, validation, checkpoints ---

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Add what was watched to a line of the log, and warn of experts that collapse."""
        if "loss" in logs:
            add_up = self._sum if self.args.world_size > 1 else None
            seen = self.watch.summary(add_up)
            logs |= seen | self.rates.rates(add_up)
            for sentence in self.watch.warnings(seen):
                self._tell(sentence)
        super().log(logs, *args, **kwargs)

    def _sum(self, counters: torch.Tensor) -> torch.Tensor:
        return self.accelerator.reduce(counters.to(self.args.device), "sum")

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Score the network by text it writes."""
        if self.validate is None:
            return {}
        network = self.accelerator.unwrap_model(self.model)
        network.eval()
        with torch.no_grad(), self.accelerator.autocast():
            scores = of_the_first(self.validate(network))
        spread_again(network)
        network.train()
        metrics = {f"eval_{name}": value for name, value in scores.items()}
        self.log(metrics)
        control: TrainerControl = self.control  # type: ignore[has-type]
        self.control = self.callback_handler.on_evaluate(self.args, self.state, control, metrics)
        return metrics

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write the trained tensors, which DeepSpeed has to be asked for in its own way."""
        if self.is_deepspeed_enabled:
            super().save_model(output_dir, _internal_call)
        else:
            self._save(output_dir)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write the trained tensors of a checkpoint, nothing that the base holds."""
        tensors: dict[str, torch.Tensor] = dict(
            trained_parameters(self.accelerator.unwrap_model(self.model))
        )
        if state_dict:
            tensors = {name: state_dict[name] for name in tensors}
        kept = whole_tensors(tensors, keep=self.args.should_save)
        if self.args.should_save:
            write_trained(Path(output_dir or self.folder), kept)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """Leave out the weights that FSDP would write once more, frozen ones included."""
        if not self.is_fsdp_enabled:
            super()._save_optimizer_and_scheduler(output_dir)
            return
        plugin = self.accelerator.state.fsdp_plugin
        save_fsdp_optimizer(plugin, self.accelerator, self.optimizer, self.model, output_dir)
        if self.args.should_save:
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / "scheduler.pt")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Read the trained tensors back."""
        read_trained(Path(resume_from_checkpoint), self.accelerator.unwrap_model(self.model))

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Write a checkpoint whole, or nothing."""
        target = self.folder / f"checkpoint-{self.state.global_step}"
        try:
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                mark_whole(target, self.state.global_step)
            self._saved = self.state.global_step
        except (OSError, RuntimeError, SafetensorError, CheckpointException) as error:
            shutil.rmtree(target, ignore_errors=True)
            raise TrainingError(
                f"{target} could not be written ({_reason(error)}); nothing partial was left. Make "
                "room and start again: training goes on from the checkpoint before it."
            ) from None


def arithmetic_dtype(recipe: Recipe) -> torch.dtype:
    """The number format that products are computed in."""
    if recipe.precision == "auto":
        return fast_dtype()
    return torch.bfloat16 if recipe.precision == "bfloat16" else torch.float32


def training_arguments(
    folder: Path, recipe: Recipe, steps: int, validated: bool
) -> TrainingArguments:
    """The recipe in the words of transformers."""
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=1,  # an item of the data set is a whole batch
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, int(recipe.warmup * steps)),
        max_grad_norm=recipe.clip,
        bf16=arithmetic_dtype(recipe) == torch.bfloat16,
        **_checkpointing(recipe.gradient_checkpointing),
        use_cpu=not torch.cuda.is_available(),
        seed=recipe.seed,
        logging_steps=recipe.log_every,
        logging_nan_inf_filter=False,
        save_steps=recipe.save_every,
        save_total_limit=3 if validated else 2,  # the best is one of them
        eval_strategy="steps" if validated else "no",
        eval_steps=recipe.validate_every if validated else None,
        metric_for_best_model="score" if validated else None,
        greater_is_better=True if validated else None,
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        dataloader_num_workers=recipe.workers,
        dataloader_persistent_workers=recipe.workers > 0,
        ddp_find_unused_parameters=False,
        label_names=[],
        report_to=[],
        disable_tqdm=True,
    )
    return on_one_device(arguments)


def _checkpointing(wanted: bool) -> dict[str, Any]:
    """Arguments of gradient checkpointing under the name that this version of transformers has."""
    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    name = next(n for n in ("activation_checkpointing", "gradient_checkpointing") if n in known)
    return {name: wanted, f"{name}_kwargs": {"use_reentrant": False}}


def _plain(name: str) -> str:
    """A parameter's name without what process groups put before it."""
    return name.removeprefix("module.")


def _is_memory(error: RuntimeError) -> bool:
    text = str(error)
    killed = "DataLoader worker" in text and "Killed" in text  # as the system does without memory
    return killed or "out of memory" in text or "can't allocate memory" in text


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return "no room on the disk" if "No space" in text or "enforce fail" in text else text
