"""Speed and memory of training: our loop against the published one, and what each change gains.

One process, one set of weights, loops in turns (``paired.py``). A step takes the same simulated
conversations forward and backward and ends with AdamW; before anything is timed, losses and
gradients of all loops are compared. Exit status: 0 if all is well, 1 if they differ, 2 if the
machine was too busy for the times to count.

    python benchmarks/training.py [--preset small|tiny] [--data SET] [--blocks N] [--threads N]
                                  [--json FILE]
    python benchmarks/training.py --device cuda --preset 1b|7b [--blocks STEPS]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from networks import count_parameters
from paired import Ratio, time_blocks
from rich.console import Console
from rich.table import Table
from speed import BUSY_MACHINE, CONTROL, count_of, describe_machine, list_versions, write_json
from training_material import SETTINGS, Material, Setting, make_set
from training_work import (
    Loop,
    Measured,
    adamw,
    loss_at_answers,
    loss_over_all_positions,
    make_network,
    published_for_training,
)
from transformers import logging

from echovlm.train.estimate_flops import flop_rates
from echovlm.train.precision import matmul_flops
from echovlm.train.recipes import alignment

DIFFERENT_GRADIENTS = 1
LOSS_TOLERANCE, NORM_TOLERANCE = 1e-4, 1e-3
EXPERTS = (4, 6, 8)
_ON_A_GPU = ("1b", "7b")
_CASES = 24


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return its exit status."""
    options = _parse(arguments)
    logging.set_verbosity_error()
    if options.threads:
        torch.set_num_threads(options.threads)
    console, setting = Console(), SETTINGS[options.preset]
    found: dict[str, Any] = {
        "preset": options.preset,
        "blocks": options.blocks,
        "machine": describe_machine(),
        "versions": list_versions(),
    }
    with TemporaryDirectory() as folder:
        data = options.data or make_set(Path(folder), _CASES)
        material = Material.of(data, Path(folder), setting)
    if options.preset in _ON_A_GPU:
        found["ours"] = run_alone(setting, material, options.device, options.blocks)
        _show_alone(console, found["ours"])
        status = 0
    else:
        status = _compare(console, setting, material, options.blocks, found)
    if options.json:
        write_json(options.json, found)
    return status


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=SETTINGS, default="small", help="sizes (small)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="(cpu)")
    parser.add_argument("--data", type=Path, metavar="SET", help="a built set (one is simulated)")
    parser.add_argument("--blocks", type=count_of, default=5, help="blocks or steps to time (5)")
    parser.add_argument("--threads", type=count_of, help="threads of torch (its own choice)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything here too")
    options = parser.parse_args(arguments)
    if (options.preset in _ON_A_GPU) != (options.device == "cuda"):
        parser.error("presets 1b and 7b go with --device cuda, and no others do")
    return options


# --- the comparison ---


def make_loops(setting: Setting, material: Material) -> dict[str, Loop]:
    """Make the published loop and, change by change, ours."""
    ours = make_network(setting, material.tokenizer, "cpu")
    theirs = published_for_training(ours)
    own, everywhere = adamw(ours), loss_over_all_positions
    targets = material.targets
    return {
        "published": Loop(theirs, material.padded, everywhere, targets, adamw(theirs)),
        "our layers": Loop(ours, material.padded, everywhere, targets, own),
        "packed rows": Loop(ours, material.packed, everywhere, targets, own),
        "logits at answers": Loop(ours, material.packed, loss_at_answers, targets, own),
        "shared images: ours": Loop(ours, material.shared, loss_at_answers, targets, own),
    }


def largest_differences(measured: Iterable[Measured]) -> tuple[float, float]:
    """Say how far loops lie apart: losses in nats, norms of gradients relative to each other."""
    losses, norms = zip(*((one.loss, one.norm) for one in measured), strict=True)
    return max(losses) - min(losses), max(norms) / min(norms) - 1


def _compare(
    console: Console, setting: Setting, material: Material, blocks: int, found: dict[str, Any]
) -> int:
    loops = make_loops(setting, material)
    measured = {name: loop.measure() for name, loop in loops.items()}
    loss, norm = largest_differences(measured.values())
    found |= {
        "parameters": count_parameters(loops["published"].network),
        "supervised_tokens": material.targets,
        "tokens": {name: loop.tokens() for name, loop in loops.items()},
        "peak_bytes": {name: one.peak_bytes for name, one in measured.items()},
        "largest_difference": {"loss": loss, "gradient_norm": norm},
    }
    if loss > LOSS_TOLERANCE or norm > NORM_TOLERANCE:
        console.print(
            f"[red]Losses differ by {loss:.2g} nats, gradients by {norm:.2g} of their norm: "
            "nothing was timed.[/]"
        )
        return DIFFERENT_GRADIENTS
    steps = {name: loop.step for name, loop in loops.items()}
    ours = list(loops)[-1]
    found["seconds_per_step"] = time_blocks(steps | {CONTROL: steps[ours]}, blocks, 1)
    _show_loops(console, found, ours)
    found["growth"] = time_growth(setting, material, blocks)
    _show_growth(console, found["growth"])
    control = Ratio.of(found["seconds_per_step"][CONTROL], found["seconds_per_step"][ours])
    if control.is_one and all(Ratio(**ratio).is_steady for ratio in found["growth"].values()):
        return 0
    console.print(
        f"[yellow]Invalid: the A/A control is {control.median:.2f} ({control.p25:.2f} to "
        f"{control.p75:.2f}), or times with more experts vary. Run again on a quiet machine.[/]"
    )
    return BUSY_MACHINE


def time_growth(setting: Setting, material: Material, blocks: int) -> dict[str, Any]:
    """Time our steps with more and more experts at equal work per token.

    A step of ours is short, so each is timed four times as often as the loops are.

    Returns:
        Per number of experts, the time over that with 4: quartiles over the blocks.
    """
    steps = {}
    for experts in EXPERTS:
        network = make_network(setting, material.tokenizer, "cpu", num_experts=experts)
        loop = Loop(network, material.shared, loss_at_answers, material.targets, adamw(network))
        steps[str(experts)] = loop.step
    seconds = time_blocks(steps, 4 * blocks, 1)
    fewest = seconds[str(EXPERTS[0])]
    return {experts: vars(Ratio.of(times, fewest)) for experts, times in seconds.items()}


def _show_loops(console: Console, found: dict[str, Any], ours: str) -> None:
    table = Table(
        title=f"A step of {found['supervised_tokens']} supervised tokens, "
        f"{found['parameters'] / 1e6:.1f} M parameters"
    )
    headings = ("s", "supervised tokens/s", "over published", "gain", "tokens", "peak MiB")
    table.add_column("loop, each with what those above have")
    for heading in headings:
        table.add_column(heading, justify="right")
    seconds = found["seconds_per_step"]
    before = "published"
    for name in found["tokens"]:
        over, gain = (Ratio.of(seconds[other], seconds[name]) for other in ("published", before))
        table.add_row(
            name,
            f"{median(seconds[name]):.2f}",
            f"{found['supervised_tokens'] / median(seconds[name]):,.0f}",
            f"{over.median:.2f} ({over.p25:.2f} to {over.p75:.2f})",
            f"{gain.median:.2f}",
            f"{found['tokens'][name]:,}",
            f"{found['peak_bytes'][name] / 2**20:,.1f}",
            style="bold" if name == ours else "",
        )
        before = name
    console.print(table)


def _show_growth(console: Console, growth: dict[str, Any]) -> None:
    for experts in EXPERTS[1:]:
        ratio = "{median:.3f} ({p25:.3f} to {p75:.3f})".format(**growth[str(experts)])
        console.print(f"A step of ours with {experts} experts over {EXPERTS[0]}, top-2: {ratio}")


# --- ours alone, on a GPU ---


def run_alone(setting: Setting, material: Material, device: str, steps: int) -> dict[str, Any]:
    """Run steps of the alignment stage and measure them.

    Args:
        setting: sizes.
        material: one step's conversations.
        device: where to run.
        steps: how many to time; one comes before, untimed.

    Returns:
        Seconds per step, tokens and supervised tokens per second, model FLOPs utilisation
        (recomputation does not count as work), peak bytes beside and with the weights.
    """
    network = make_network(setting, material.tokenizer, device)
    rates = flop_rates(network.config, alignment()).training
    flops = sum(rates.of(batch["work"]) for batch in material.shared)
    batches = [_moved(batch, device) for batch in material.shared]
    loop = Loop(network, batches, loss_at_answers, material.targets, adamw(network))
    loop.step()
    seconds = []
    for _ in range(steps):
        start = perf_counter()
        loop.step()
        _wait(device)
        seconds.append(perf_counter() - start)
    typical = median(seconds)
    return {
        "parameters": count_parameters(network),
        "steps": steps,
        "seconds_per_step": seconds,
        "tokens_per_second": loop.tokens() / typical,
        "supervised_tokens_per_second": material.targets / typical,
        "mfu": flops / typical / matmul_flops(torch.bfloat16, 8192),
        "peak_bytes": loop.measure().peak_bytes,
        "allocated_bytes": torch.cuda.max_memory_allocated() if device == "cuda" else None,
    }


def _moved(batch: dict[str, Any], device: str) -> dict[str, Any]:
    return {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in batch.items()
    }


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _show_alone(console: Console, found: dict[str, Any]) -> None:
    console.print(
        f"{found['parameters'] / 1e9:.2f} G parameters, {found['steps']} steps of "
        f"{median(found['seconds_per_step']):.2f} s: {found['tokens_per_second']:,.0f} tokens/s, "
        f"MFU {found['mfu']:.1%}, {found['peak_bytes'] / 2**30:.1f} GiB beside weights, "
        "gradients and optimizer."
    )


if __name__ == "__main__":
    sys.exit(main())
