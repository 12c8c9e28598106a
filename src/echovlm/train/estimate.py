"""What a run would take, before it is started: memory under every strategy, and time.

Everything follows from the configuration of the network and the recipe; nothing is loaded or run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLConfig

from echovlm.errors import TrainingError
from echovlm.train.estimate_flops import Work, flop_rates, visible_pairs
from echovlm.train.estimate_memory import RESERVE, Activations, State, activations, states
from echovlm.train.parts import Part
from echovlm.train.sizes import Training, expected_trainable, part_sizes

CASES = 208_941
"""Studies of the published training set."""
_GIB = 2**30


class EstimatedRecipe(Training, Protocol):
    """What an estimate needs of a recipe."""

    @property
    def name(self) -> str:
        """Of the stage."""

    @property
    def tokens_per_batch(self) -> int:
        """Most tokens of one process in one forward pass."""

    @property
    def visual_tokens(self) -> int:
        """Most visual tokens of one picture."""

    @property
    def precision(self) -> str:
        """Anything but "float32" is estimated as bf16."""

    @property
    def epochs(self) -> float:
        """Passes over the data."""

    @property
    def steps(self) -> int:
        """Optimizer steps; 0 to go by ``epochs``."""

    @property
    def accumulation(self) -> int:
        """Forward passes per step."""


@dataclass(frozen=True)
class TypicalStudy:
    """What one study brings into training.

    Attributes:
        pictures: per study; the published set has 1.47 million in 208,941 studies.
        text_tokens: question and report.
        supervised_tokens: of these, tokens of the report.
    """

    pictures: float = 7.04
    text_tokens: int = 400
    supervised_tokens: int = 300

    def work(self, visual_tokens: int, merge: int) -> Work:
        """What it costs, every picture having the most visual tokens it may."""
        tokens = self.pictures * (visual_tokens + 2) + self.text_tokens
        patches = visual_tokens * merge**2
        return Work(
            tokens=tokens,
            pairs=visible_pairs(round(tokens), ()),
            targets=self.supervised_tokens,
            patches=self.pictures * patches,
            patch_pairs=self.pictures * patches**2,
        )


@dataclass(frozen=True)
class Memory:
    """Memory of one GPU under one strategy.

    Attributes:
        state: what is held between steps.
        activations: what one forward pass adds.
        usable: bytes of the GPU that may be taken.
    """

    state: State
    activations: Activations
    usable: float

    def total(self, checkpointing: bool) -> int:
        """Bytes at the peak, with or without gradient checkpointing."""
        state, found = self.state, self.activations
        inside = found.checkpointed if checkpointing else found.kept
        held = state.weights + state.gradients + state.optimizer + state.buffers
        return held + inside + found.casts + found.logits

    @property
    def verdict(self) -> str:
        """Whether it fits: "yes", "checkpointed" (only with gradient checkpointing) or "no"."""
        if self.total(checkpointing=False) <= self.usable:
            return "yes"
        return "checkpointed" if self.total(checkpointing=True) <= self.usable else "no"


@dataclass(frozen=True)
class Estimate:
    """What a run would take.

    Attributes:
        recipe: its name.
        gpus: how many.
        gpu_gib: memory of each.
        parameters: weights of the network without adapters.
        trainable: weights that train.
        memory: one entry per strategy.
        tokens: tokens of the whole run.
        flops: operations of the whole run, without recomputation.
        mfu: assumed part of the peak that is reached.
        peak_tflops: of one GPU, in the number format of the recipe.
        studies: studies of the whole run.
    """

    recipe: str
    gpus: int
    gpu_gib: float
    parameters: int
    trainable: int
    memory: tuple[Memory, ...]
    tokens: float
    flops: float
    mfu: float
    peak_tflops: float
    studies: float

    @property
    def gpu_hours(self) -> float:
        """Hours of one GPU for the whole run."""
        return self.flops / (self.peak_tflops * 1e12 * self.mfu) / 3600

    @property
    def hours(self) -> float:
        """Hours on all GPUs together, if none waits for another."""
        return self.gpu_hours / self.gpus


def estimate(
    config: Qwen2VLConfig,
    recipe: EstimatedRecipe,
    gpus: int,
    gpu_gib: float,
    peak_tflops: float = 790.0,
    mfu: float = 0.4,
    cases: int = CASES,
) -> Estimate:
    """Estimate memory and time of a run.

    Args:
        config: of an EchoVLM or a dense Qwen2-VL.
        recipe: the run.
        gpus: how many train together, at least 1.
        gpu_gib: memory of each in GiB.
        peak_tflops: what one GPU computes in large matrix products; the default was measured on an
            H200 in bf16 (an A100 states 312).
        mfu: part of it that training reaches, 0 to 1.
        cases: studies per epoch.

    Raises:
        TrainingError: for a number that makes no sense, or a recipe for another network.
    """
    if gpus < 1 or gpu_gib <= 0 or peak_tflops <= 0 or not 0 < mfu <= 1 or cases < 1:
        raise TrainingError(
            "An estimate needs at least one GPU, memory and peak above zero, a utilisation between "
            "0 and 1, and at least one study; change the numbers it was asked for with."
        )
    sizes = part_sizes(config)
    absent = [part for part in (*recipe.trainable, *recipe.lora) if part not in sizes]
    if absent and set(recipe.trainable) != set(Part):
        raise TrainingError(
            f"The recipe names the part '{absent[0]}', which this network does not have; "
            "estimate it with the configuration of the network it will train."
        )
    work = TypicalStudy().work(recipe.visual_tokens, config.vision_config.spatial_merge_size)
    batch = work.times(recipe.tokens_per_batch / work.tokens)
    usable = gpu_gib * _GIB * (1 - RESERVE)
    in_a_step = recipe.tokens_per_batch * recipe.accumulation * gpus / work.tokens
    studies = recipe.steps * in_a_step if recipe.steps else cases * recipe.epochs
    return Estimate(
        recipe=recipe.name,
        gpus=gpus,
        gpu_gib=gpu_gib,
        parameters=sum(sizes.values()),
        trainable=sum(expected_trainable(config, recipe).values()),
        memory=tuple(
            Memory(state, activations(config, recipe, batch, state.storage), usable)
            for state in states(config, recipe, gpus, recipe.precision != "float32")
        ),
        tokens=work.tokens * studies,
        flops=flop_rates(config, recipe).training.of(work) * studies,
        mfu=mfu,
        peak_tflops=peak_tflops,
        studies=studies,
    )


def render(found: Estimate) -> RenderableType:
    """Draw an estimate: a table of memory, and sentences on time."""
    table = Table(
        title=f"GiB on each of {found.gpus} x {found.gpu_gib:g} GiB"
        if found.gpus > 1
        else f"GiB on one GPU of {found.gpu_gib:g} GiB"
    )
    table.add_column("strategy")
    for heading in ("weights", "gradients", "AdamW", "buffers", "logits"):
        table.add_column(heading, justify="right")
    table.add_column("activations", justify="right")
    table.add_column("checkpointed", justify="right")
    table.add_column("fits")
    for memory in found.memory:
        state, inside = memory.state, memory.activations
        numbers = [state.weights, state.gradients, state.optimizer, state.buffers, inside.logits]
        numbers += [inside.kept + inside.casts, inside.checkpointed + inside.casts]
        style = "red" if memory.verdict == "no" else "green"
        table.add_row(
            state.strategy,
            *(f"{number / _GIB:.1f}" for number in numbers),
            Text(memory.verdict, style=style),
        )
    return Group(table, Text(_sentences(found)))


def _sentences(found: Estimate) -> str:
    rate = found.tokens / found.gpu_hours / 3600
    return (
        f"Recipe '{found.recipe}' trains {found.trainable:,} weights beside a network of "
        f"{found.parameters:,}. {RESERVE:.0%} of the memory is left to kernels.\n"
        f"{found.studies:,.0f} studies are {found.tokens / 1e6:,.1f} million tokens and "
        f"{_operations(found.flops)}: {_hours(found.gpu_hours)} of one GPU at {found.mfu:.0%} of "
        f"{found.peak_tflops:g} TFLOP/s ({rate:,.0f} tokens/s)"
        + (f", {_hours(found.hours)} on {found.gpus}." if found.gpus > 1 else ".")
    )


def _operations(flops: float) -> str:
    for size, name in ((1e18, "EFLOP"), (1e15, "PFLOP"), (1e12, "TFLOP")):
        if flops >= size:
            return f"{flops / size:,.1f} {name}"
    return f"{flops / 1e9:,.1f} GFLOP"


def _hours(hours: float) -> str:
    return f"{hours:,.1f} hours" if hours >= 1 else f"{hours * 60:,.1f} minutes"
