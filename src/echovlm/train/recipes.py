"""Recipes: a run is a function that returns a frozen description of it.

The two stages of the paper (Table 9, section 3.4, appendix B) are ``alignment``, in which only the
expert path and the mix learn, and ``instruction_tuning``, in which they learn on while low-rank
adapters move the attention of vision tower and decoder and the merger; the dense feed-forward stays
frozen in both. ``lora_only`` is the second stage without experts, the row "0 experts" of the
paper's Table 7. ``full`` trains everything. ``preference`` tunes adapters on edited drafts (DPO).
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from echovlm.errors import OptionError
from echovlm.train.parts import Part

_EXPERT_PATH = (Part.EXPERTS, Part.MIX)
_ADAPTED = (Part.VISION, Part.MERGER, Part.ATTENTION)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run besides data and base; equal recipes give equal runs.

    Attributes:
        name: of the stage.
        trainable: parts trained in full.
        lora: parts whose linear layers get low-rank adapters.
        lora_rank: rank of the adapters.
        lora_alpha: their scale is ``lora_alpha / lora_rank``.
        lora_dropout: dropout before the adapters, 0 to 1.
        experts: routed experts per layer of an expert path made on a dense base; 0 for none.
        experts_per_token: experts of each token (top-k).
        expert_width: width of one expert; None for the paper's share of the dense width.
        shared_width: width of the shared expert, 0 for none; None likewise.
        expert_start: initial weights, "published" or "function-preserving" (model/upcycle.py).
        learning_rate: peak learning rate.
        rate_scales: learning rate of a part relative to ``learning_rate``; 1 where not named.
        epochs: passes over the data; parts of one count.
        steps: optimizer steps; 0 to go by ``epochs``.
        tokens_per_batch: most tokens of one process in one forward pass.
        accumulation: forward passes per step.
        branches: most conversations that share one encoding of their pictures.
        visual_tokens: most visual tokens of one picture.
        augment: whether pictures are varied (crop, stretch, gain, gamma, noise).
        warmup: part of the steps in which the learning rate rises; a cosine follows.
        weight_decay: AdamW's, on matrices.
        clip: largest norm of the gradient.
        aux_loss: coefficient of the load-balancing loss.
        dpo_beta: strength of the tie to the starting point in preference tuning.
        dpo_likelihood: weight of the plain likelihood of the preferred text beside it.
        precision: "auto" (measured), "bfloat16" or "float32".
        gradient_checkpointing: compute activations twice to keep few.
        seed: of weights that are drawn, order, dropout and variation.
        source_weights: how often samples of a source come in one epoch; 1 where not named.
        task_weights: likewise by task.
        validate_every: steps between validations by generated text.
        validate_studies: studies of each validation.
        patience: validations without a better score after which training stops; 0 for never.
        save_every: steps between checkpoints.
        log_every: steps between lines of the log.
        workers: processes that read data.
    """

    name: str
    trainable: tuple[Part, ...]
    lora: tuple[Part, ...] = ()
    lora_rank: int = 8
    lora_alpha: int = 16
    lora_dropout: float = 0.05
    experts: int = 4
    experts_per_token: int = 2
    expert_width: int | None = None
    shared_width: int | None = None
    expert_start: str = "published"
    learning_rate: float = 1e-3
    rate_scales: Mapping[str, float] = field(default_factory=dict)
    epochs: float = 1.0
    steps: int = 0
    tokens_per_batch: int = 8192
    accumulation: int = 1
    branches: int = 8
    visual_tokens: int = 196
    augment: bool = False
    warmup: float = 0.03
    weight_decay: float = 0.0
    clip: float = 1.0
    aux_loss: float = 0.001
    dpo_beta: float = 0.1
    dpo_likelihood: float = 0.2
    precision: str = "auto"
    gradient_checkpointing: bool = True
    seed: int = 42
    source_weights: Mapping[str, float] = field(default_factory=dict)
    task_weights: Mapping[str, float] = field(default_factory=dict)
    validate_every: int = 500
    validate_studies: int = 64
    patience: int = 0
    save_every: int = 500
    log_every: int = 10
    workers: int = 2

    def __post_init__(self) -> None:
        if self.precision not in ("auto", "bfloat16", "float32"):
            raise OptionError(f"precision is auto, bfloat16 or float32, not '{self.precision}'.")
        if self.expert_start not in ("published", "function-preserving"):
            raise OptionError("expert_start is published or function-preserving.")
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise OptionError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        if not (0 <= self.warmup <= 1 and 0 <= self.lora_dropout < 1):
            raise OptionError("warmup and lora_dropout are parts of one, 0 to 1.")
        if self.learning_rate <= 0 or (self.epochs <= 0 and not self.steps):
            raise OptionError("learning_rate and epochs must be above 0.")
        if not self.trainable and not self.lora:
            raise OptionError(f"The recipe '{self.name}' trains nothing.")
        self._check_mappings()

    def _check_mappings(self) -> None:
        unknown = sorted(set(self.rate_scales) - set(Part))
        if unknown:
            raise OptionError(
                f"rate_scales names the part '{unknown[0]}'; parts are {', '.join(Part)}."
            )
        for name in ("rate_scales", "source_weights", "task_weights"):
            for key, value in getattr(self, name).items():
                if not 0 <= value < math.inf:
                    raise OptionError(f"{name}.{key} must be 0 or above and finite, not {value}.")


_LEAST = {
    "lora_rank": 1,
    "experts": 0,
    "experts_per_token": 1,
    "steps": 0,
    "tokens_per_batch": 64,
    "accumulation": 1,
    "branches": 1,
    "visual_tokens": 4,
    "weight_decay": 0,
    "clip": 0,
    "aux_loss": 0,
    "validate_every": 1,
    "validate_studies": 1,
    "patience": 0,
    "save_every": 1,
    "log_every": 1,
    "workers": 0,
}


def alignment() -> Recipe:
    """Stage one of the paper: the base is frozen, expert path and mix learn at 1e-3."""
    return Recipe("alignment", trainable=_EXPERT_PATH, learning_rate=1e-3)


def instruction_tuning() -> Recipe:
    """Stage two of the paper: experts and mix in full, adapters of rank 8 elsewhere, at 2e-5."""
    return Recipe("instruction-tuning", trainable=_EXPERT_PATH, lora=_ADAPTED, learning_rate=2e-5)


def lora_only() -> Recipe:
    """Stage two without experts, on a dense Qwen2-VL: the paper's row of 0 experts."""
    return Recipe("lora-only", trainable=(), lora=_ADAPTED, learning_rate=2e-5)


def full() -> Recipe:
    """Everything learns: the way the paper trained the networks it compares with."""
    return Recipe("full", trainable=tuple(Part), learning_rate=1e-5)


def preference() -> Recipe:
    """Direct preference optimisation of adapters on drafts that a person edited.

    Rafailov et al. 2023; rates and weights as in the scripts released with the published system.
    """
    return Recipe("preference", trainable=(), lora=_ADAPTED, lora_rank=16, lora_alpha=32,
                  learning_rate=1e-5)  # fmt: skip


STAGES: Mapping[str, Callable[[], Recipe]] = {
    "alignment": alignment,
    "instruction-tuning": instruction_tuning,
    "lora-only": lora_only,
    "full": full,
    "preference": preference,
}


def with_settings(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Change fields of a recipe as the command line names them.

    Args:
        recipe: where to start.
        settings: ``field=value``; of a mapping ``field.key=value``; parts of a tuple with commas.

    Raises:
        OptionError: for a field that does not exist or a value it cannot hold.
    """
    changes: dict[str, Any] = {}
    kinds = typing.get_type_hints(Recipe)
    for setting in settings:
        name, equals, text = setting.partition("=")
        field_name, _, key = name.strip().partition(".")
        mapping = field_name.endswith(("_weights", "_scales"))
        if not equals or field_name not in kinds or field_name == "name" or mapping != bool(key):
            known = ", ".join(sorted(set(kinds) - {"name"}))
            raise OptionError(
                f"'{setting}' is no setting; write field=value (a weight as field.key=value) with "
                f"one of the fields {known}."
            )
        if mapping:
            entries = changes.get(field_name, getattr(recipe, field_name))
            changes[field_name] = {**entries, key: _value(setting, float, text)}
        else:
            changes[field_name] = _value(setting, kinds[field_name], text)
    return dataclasses.replace(recipe, **changes)


def _value(setting: str, kind: Any, text: str) -> Any:
    try:
        if typing.get_origin(kind) is tuple:
            return tuple(Part(part.strip()) for part in text.split(",") if part.strip())
        if typing.get_args(kind):
            kind = next(option for option in typing.get_args(kind) if option is not type(None))
        if kind is bool:
            return {"true": True, "false": False}[text.strip().lower()]
        return kind(text)
    except (ValueError, KeyError):
        raise OptionError(f"'{setting}' has a value that this field cannot hold.") from None


def as_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as it is stored with the weights."""
    return dataclasses.asdict(recipe)
