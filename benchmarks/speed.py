"""Speed of EchoVLM against dense Qwen2-VL and against the published implementation, as ratios.

One process, one set of weights, variants in turns (``paired.py``). Before anything is timed, our
logits are compared with those of the restated published implementation. Exit status: 0 if all is
well, 1 if the logits differ, 2 if the machine was too busy for the times to count.

    python benchmarks/speed.py [--preset small|tiny] [--blocks N] [--threads N]
                               [--dtype float32|bfloat16] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch
from counters import count_calls, count_flops, count_logit_rows
from networks import (
    PRESETS,
    Network,
    Preset,
    build_networks,
    count_parameters,
    make_continuation,
    make_prompt,
)
from paired import Ratio, time_blocks
from rich.console import Console
from rich.table import Table
from transformers import logging
from work import decode, largest_difference, prefill

LOGIT_TOLERANCE = 1e-4
DIFFERENT_LOGITS, BUSY_MACHINE = 1, 2
CONTROL = "ours again"
TITLES = {"ours": "EchoVLM", "dense": "dense Qwen2-VL", "published": "published"}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return its exit status."""
    options = _parse(arguments)
    logging.set_verbosity_error()
    if options.threads:
        torch.set_num_threads(options.threads)
    preset, dtype = PRESETS[options.preset], getattr(torch, options.dtype)
    console = Console()

    networks = build_networks(preset, torch.float32)
    difference = largest_difference(
        networks["ours"],
        networks["published"],
        make_prompt(preset, 1, torch.float32),
        make_continuation(preset, 1)[:, :4],
    )
    if dtype != torch.float32:
        networks = build_networks(preset, dtype)
    found: dict[str, Any] = {
        "preset": options.preset,
        "dtype": options.dtype,
        "blocks": options.blocks,
        "machine": describe_machine(),
        "versions": list_versions(),
        "parameters": {name: count_parameters(net) for name, net in networks.items()},
        "largest_logit_difference": difference,
        "counters": _count(networks, preset, dtype),
    }
    _show_setting(console, found)
    _show_counters(console, found["counters"])
    if difference <= LOGIT_TOLERANCE:
        found["phases"] = _time(networks, preset, dtype, options.blocks)
        _show_speed(console, found["phases"])
    status = _judge(console, found)
    if options.json:
        write_json(options.json, found)
    return status


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=PRESETS, default="small", help="sizes (small)")
    parser.add_argument("--blocks", type=count_of, default=9, help="blocks to time (9)")
    parser.add_argument("--threads", type=count_of, help="threads of torch (its own choice)")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything here too")
    return parser.parse_args(arguments)


def count_of(text: str) -> int:
    """A whole number of at least 1, from the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _count(
    networks: dict[str, Network], preset: Preset, dtype: torch.dtype
) -> dict[str, dict[str, int]]:
    prompt, token = make_prompt(preset, 1, dtype), make_continuation(preset, 1)[:, :1]
    counted = {}
    for name, network in networks.items():
        read, step = prefill(network, prompt), decode(network, prompt, token)
        counted[name] = {
            "prefill_flops": count_flops(read),
            "prefill_logit_rows": count_logit_rows(network, read),
            "prefill_operators": count_calls(read),
            "decode_flops_per_token": count_flops(step),
            "decode_operators_per_token": count_calls(step),
        }
    return counted


def _time(
    networks: dict[str, Network], preset: Preset, dtype: torch.dtype, blocks: int
) -> dict[str, dict[str, Any]]:
    """Time prefill of one prompt, then decoding at every batch size."""
    prompt = make_prompt(preset, 1, dtype)
    phases = {"prefill": _time_phase(networks, lambda net: prefill(net, prompt), blocks, preset)}
    phases["prefill"]["tokens"] = prompt["input_ids"].numel()
    for rows in preset.batches:
        prompts, tokens = make_prompt(preset, rows, dtype), make_continuation(preset, rows)
        phases[f"decode, batch {rows}"] = _time_phase(
            networks, lambda net, p=prompts, t=tokens: decode(net, p, t), blocks, preset
        ) | {"tokens": tokens.numel()}
    return phases


def _time_phase(
    networks: dict[str, Network],
    prepare: Callable[[Network], Callable[[], object]],
    blocks: int,
    preset: Preset,
) -> dict[str, Any]:
    runs = {name: prepare(network) for name, network in networks.items()}
    seconds = time_blocks(runs | {CONTROL: runs["ours"]}, blocks, preset.repeats)
    ratios = {
        name: Ratio.of(times, seconds["ours"]) for name, times in seconds.items() if name != "ours"
    }
    return {
        "seconds_per_block": seconds,
        "time_over_ours": {name: vars(ratio) for name, ratio in ratios.items()},
        "counts": ratios[CONTROL].is_one,
        "steady": {name: ratio.is_steady for name, ratio in ratios.items()},
    }


def describe_machine() -> dict[str, Any]:
    """What the times were taken on."""
    cpuinfo = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in (cpuinfo.read_text().splitlines() if cpuinfo.exists() else [])
        if line.startswith("model name")
    ]
    return {
        "system": platform.platform(),
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def list_versions() -> dict[str, str]:
    """Versions of Python and of what is measured."""
    packages = ("echovlm", "torch", "transformers")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _show_setting(console: Console, found: dict[str, Any]) -> None:
    machine, sizes = found["machine"], found["parameters"]
    console.print(
        f"[bold]Preset {found['preset']}[/], {found['dtype']}, {found['blocks']} blocks; "
        + ", ".join(f"{TITLES[name]} {sizes[name] / 1e6:.1f} M" for name in ("ours", "dense"))
        + " parameters"
    )
    console.print(
        f"{machine['processor']}, {machine['threads']} of {machine['cores']} cores, "
        + ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    )


def _show_counters(console: Console, counters: dict[str, dict[str, int]]) -> None:
    table = Table(title="Counted, not timed")
    table.add_column("")
    for name in counters:
        table.add_column(TITLES[name], justify="right")
    forms = {
        "prefill_flops": ("prefill, GFLOP", lambda n: f"{n / 1e9:,.3f}"),
        "prefill_logit_rows": ("prefill, rows of logits", "{:,}".format),
        "prefill_operators": ("prefill, operators called", "{:,}".format),
        "decode_flops_per_token": ("decode, MFLOP per token", lambda n: f"{n / 1e6:,.3f}"),
        "decode_operators_per_token": ("decode, operators per token", "{:,}".format),
    }
    for key, (title, form) in forms.items():
        table.add_row(title, *(form(counted[key]) for counted in counters.values()))
    console.print(table)


def _show_speed(console: Console, phases: dict[str, dict[str, Any]]) -> None:
    table = Table(
        title="Speed of EchoVLM over that of the other (median, p25 to p75)", show_lines=True
    )
    table.add_column("")
    for title in ("tokens/s", "over dense", "over published", "A/A control"):
        table.add_column(title, justify="right")
    for title, phase in phases.items():
        speed = phase["tokens"] / median(phase["seconds_per_block"]["ours"])
        ratios = (_format_ratio(phase, name) for name in ("dense", "published", CONTROL))
        table.add_row(title, f"{speed:,.0f}", *ratios)
    console.print(table)


def _format_ratio(phase: dict[str, Any], name: str) -> str:
    ratio = Ratio(**phase["time_over_ours"][name])
    valid = phase["counts"] and phase["steady"][name]
    text = f"{ratio.median:.2f}x\n{ratio.p25:.2f} to {ratio.p75:.2f}"
    return text if valid else f"[dim]{text}\ninvalid[/]"


def _judge(console: Console, found: dict[str, Any]) -> int:
    difference = found["largest_logit_difference"]
    if not difference <= LOGIT_TOLERANCE:
        console.print(
            "[red]The float32 logits differ from the published implementation's by "
            f"{difference:.1e} (allowed: {LOGIT_TOLERANCE:.0e}); nothing was timed.[/]"
        )
        return DIFFERENT_LOGITS
    console.print(f"Largest difference of float32 logits to published: {difference:.1e}.")
    invalid = [title for title, phase in found["phases"].items() if not phase["counts"]]
    unsteady = [
        f"{title} to {TITLES[name]}"
        for title, phase in found["phases"].items()
        for name, steady in phase["steady"].items()
        if not steady and phase["counts"]
    ]
    for problem, where in (("the A/A control is off", invalid), ("times vary", unsteady)):
        if where:
            console.print(
                f"[yellow]Invalid, because {problem}: {'; '.join(where)}. "
                "Run again on a quiet machine.[/]"
            )
    return BUSY_MACHINE if invalid or unsteady else 0


def write_json(file: Path, found: dict[str, Any]) -> None:
    """Write a file whole or not at all."""
    scratch = file.with_name(f".{file.name}.part")
    scratch.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    os.replace(scratch, file)


if __name__ == "__main__":
    sys.exit(main())
