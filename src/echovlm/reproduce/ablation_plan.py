"""What the ablation compares: the arms, their recipes, and how much of everything there is.

Every trial is two stages on the same batches in the same order for one seed. An arm with experts
runs alignment, then instruction tuning; an arm without has nothing to align and runs low-rank
adapters twice, so that it sees as many tokens and takes as many steps (its adapters are folded in
between, so both stages add rank). The rates of the paper, 1e-3 and 2e-5, are those of a network of
7 billion parameters; here each kind of arm gets the best of a small grid.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from echovlm.model import EchoVLMConfig
from echovlm.prompts import Task
from echovlm.terms import Anatomy
from echovlm.train.parts import Part
from echovlm.train.recipes import Recipe, alignment, full, instruction_tuning, lora_only
from echovlm.train.sizes import adapter_sizes, expected_trainable

GENERAL = (Anatomy.BREAST, Anatomy.LIVER, Anatomy.KIDNEY, Anatomy.HEART)
"""What the dense base learns from, with all tasks."""

HELD_OUT = (Anatomy.THYROID, Anatomy.VESSEL, Anatomy.GYNAECOLOGY)
"""What the arms learn to report and are scored on."""

REPORTS = (Task.REPORT, Task.FINDINGS, Task.IMPRESSION)

VISUAL_TOKENS = 49
EXPERT_WIDTH, SHARED_WIDTH = 64, 224  # the paper's shares of the dense width, here 768
_BASE_TASKS = {"question": 0.3, "choice": 0.5, "judge": 0.5}
_SECOND_ORDER = 1000  # added to the seed of the second stage, which sees the data in another order


@dataclass(frozen=True)
class Sizes:
    """How much of everything there is.

    Attributes:
        cases: simulated studies.
        vocabulary: entries of the tokenizer, which is made from the general texts alone: the base
            has seen the pieces that the held-out words are made of.
        vision_steps: steps of vision pre-training.
        vision_batch: pictures of each.
        base_steps: steps of the dense base.
        base_tokens: tokens of each.
        stage_steps: steps of each of an arm's two stages.
        stage_tokens: tokens of each.
        held_out_studies: training studies of the held-out anatomies.
        validation_studies: most of each anatomy; they choose the rates.
        test_studies: most of each anatomy.
        answer_tokens: most tokens of a report.
        lora_rates: grid of learning rates of adapters.
        wide_rates: the same for the wide adapters, which diverge at lower rates.
        expert_rates: grid of learning rates of experts and mix.
        seeds: of the arms that are run several times; the first is that of all others.
        resamples: of the bootstrap.
    """

    cases: int = 12_400
    vocabulary: int = 1536
    vision_steps: int = 600
    vision_batch: int = 32
    base_steps: int = 450
    base_tokens: int = 4096
    stage_steps: int = 80
    stage_tokens: int = 2048
    held_out_studies: int = 1200
    validation_studies: int = 12
    test_studies: int = 40
    answer_tokens: int = 400
    lora_rates: tuple[float, ...] = (3e-3, 1e-2, 3e-2)
    wide_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2)
    expert_rates: tuple[float, ...] = (1e-3, 3e-3)
    seeds: tuple[int, ...] = (1, 2, 3)
    resamples: int = 1000


SMOKE = Sizes(
    cases=180,
    vocabulary=700,
    vision_steps=1,
    vision_batch=2,
    base_steps=2,
    base_tokens=1024,
    stage_steps=2,
    stage_tokens=1024,
    held_out_studies=12,
    validation_studies=1,
    test_studies=2,
    answer_tokens=4,
    lora_rates=(1e-3,),
    wide_rates=(1e-3,),
    expert_rates=(1e-3,),
    seeds=(1,),
    resamples=20,
)
"""The whole chain in about a minute; its numbers mean nothing."""


@dataclass(frozen=True)
class Arm:
    """One row of the table.

    Attributes:
        name: in tables and folders.
        experts: routed experts; 0 for adapters alone.
        experts_per_token: experts of each token.
        shared_width: width of the shared expert, 0 for none.
        wide: whether the adapters have as many weights as the arm of four experts trains.
        several: whether it is run with every seed.
    """

    name: str
    experts: int
    experts_per_token: int = 2
    shared_width: int = SHARED_WIDTH
    wide: bool = False
    several: bool = False


NONE = Arm("0 experts", 0, several=True)
WIDE = Arm("0 experts, wide LoRA", 0, wide=True)
FOUR = Arm("4 experts", 4, several=True)
ARMS = (
    NONE,
    Arm("2 experts", 2),
    FOUR,
    Arm("6 experts", 6),
    Arm("4 experts, no shared expert", 4, shared_width=0),
    Arm("4 experts, top-1", 4, experts_per_token=1),
    WIDE,
)


@dataclass(frozen=True)
class Trial:
    """One arm with one seed and its rates.

    Attributes:
        arm: what is trained.
        seed: of drawn weights, order, dropout and variation.
        lora_rate: learning rate of the adapters.
        expert_rate: learning rate of experts and mix; 0 for an arm without.
    """

    arm: Arm
    seed: int
    lora_rate: float
    expert_rate: float = 0.0

    @property
    def folder(self) -> str:
        """Name of its folder."""
        name = self.arm.name.replace(",", "").replace(" ", "-").lower()
        rates = f"lora{self.lora_rate:g}" + (
            f"-experts{self.expert_rate:g}" * (self.arm.experts > 0)
        )
        return f"{name}-seed{self.seed}-{rates}"


def base_recipe(sizes: Sizes, precision: str) -> Recipe:
    """The recipe of the dense base: everything learns from the general material."""
    return dataclasses.replace(
        full(),
        experts=0,
        learning_rate=1.5e-3,
        rate_scales={Part.VISION: 0.4},
        weight_decay=0.05,
        steps=sizes.base_steps,
        tokens_per_batch=sizes.base_tokens,
        task_weights=_BASE_TASKS,
        **_shared(precision, save_every=200),
    )


def stages(
    trial: Trial, sizes: Sizes, precision: str, wide_rank: int
) -> tuple[tuple[str, Recipe], tuple[str, Recipe]]:
    """Name and recipe of both stages of a trial.

    Args:
        trial: what is trained.
        sizes: steps and tokens.
        precision: number format of products.
        wide_rank: rank of the adapters of the wide arm.
    """
    arm = trial.arm
    common = _shared(precision, save_every=sizes.stage_steps) | {
        "steps": sizes.stage_steps,
        "tokens_per_batch": sizes.stage_tokens,
    }
    again = common | {"seed": trial.seed + _SECOND_ORDER}
    common |= {"seed": trial.seed}
    if not arm.experts:
        rank = wide_rank if arm.wide else lora_only().lora_rank
        adapted: dict[str, Any] = {
            "learning_rate": trial.lora_rate,
            "lora_rank": rank,
            "lora_alpha": 2 * rank,
        }
        return (
            ("lora-1", dataclasses.replace(lora_only(), **adapted, **common)),
            ("lora-2", dataclasses.replace(lora_only(), **adapted, **again)),
        )
    sized: dict[str, Any] = {
        "experts": arm.experts,
        "experts_per_token": arm.experts_per_token,
        "expert_width": EXPERT_WIDTH,
        "shared_width": arm.shared_width,
    }
    relative = trial.expert_rate / trial.lora_rate
    tuned: dict[str, Any] = {
        "learning_rate": trial.lora_rate,
        "rate_scales": {Part.EXPERTS: relative, Part.MIX: relative},
    }
    first = dataclasses.replace(alignment(), learning_rate=trial.expert_rate, **sized, **common)
    second = dataclasses.replace(instruction_tuning(), **tuned, **sized, **again)
    return ("alignment", first), ("instruction-tuning", second)


def rank_of_equal_size(config: EchoVLMConfig) -> int:
    """The rank at which adapters alone have as many weights as experts, mix and adapters of rank 8.

    Args:
        config: sizes of the network; those of its expert path are set here.
    """
    told = config.to_dict()
    told["text_config"] |= {
        "num_experts": FOUR.experts,
        "moe_intermediate_size": EXPERT_WIDTH,
        "shared_expert_intermediate_size": FOUR.shared_width,
    }
    recipe = instruction_tuning()
    per_rank = sum(adapter_sizes(config, recipe.lora, 1).values())
    return round(sum(expected_trainable(EchoVLMConfig(**told), recipe).values()) / per_rank)


def _shared(precision: str, save_every: int) -> dict[str, Any]:
    return {
        "visual_tokens": VISUAL_TOKENS,
        "augment": True,
        "gradient_checkpointing": False,
        "precision": precision,
        "save_every": save_every,
        "workers": 0,
    }
