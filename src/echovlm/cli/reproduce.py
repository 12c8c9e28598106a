"""The commands that run experiments again: ``echovlm reproduce ablation`` and ``nano``."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from echovlm.cli.training import tell_end
from echovlm.errors import OptionError

reproduce_app = typer.Typer(
    help="Run the published experiments again, at the size of this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Setting(StrEnum):
    """How long the training of nano is."""

    NANO = "nano"
    REDUCED = "reduced"
    SMOKE = "smoke"


@reproduce_app.command()
def ablation(
    work: Annotated[
        Path, typer.Argument(metavar="WORK", help="Folder to work in; run again, it goes on.")
    ],
    cases: Annotated[
        int | None, typer.Option("--cases", min=1, help="Simulated studies; 12,400 if absent.")
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="The whole chain in about a minute, for a test.")
    ] = False,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Arms trained at once, each on one thread.")
    ] = 1,
) -> None:
    """What experts add: the paper's comparison."""
    if smoke and cases is not None:
        raise OptionError("--smoke has its own number of cases; leave --cases out.")
    from rich.console import Console

    from echovlm.reproduce.ablation import PICTURE, RESULTS, TABLES, run_ablation
    from echovlm.reproduce.ablation_plan import SMOKE, Sizes

    sizes = SMOKE if smoke else Sizes()
    if cases is not None:
        sizes = dataclasses.replace(sizes, cases=cases)
    run_ablation(work, sizes, workers, Console(stderr=True))
    print(f"Wrote {RESULTS}, {TABLES} and {PICTURE} in {work}.")


@reproduce_app.command()
def nano(
    work: Annotated[
        Path, typer.Argument(metavar="WORK", help="Folder to work in; run again, it goes on.")
    ],
    real: Annotated[
        Path | None,
        typer.Option("--real", help="Folder of public sets (docs/training.md); none if absent."),
    ] = None,
    captions: Annotated[
        Path | None,
        typer.Option("--captions", help="JSON Lines with a text field, for the tokenizer alone."),
    ] = None,
    setting: Annotated[
        Setting, typer.Option("--setting", help="The shipped weights, a shorter run, or a test.")
    ] = Setting.NANO,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that make data.")] = 1,
    dense_twin: Annotated[
        bool, typer.Option("--dense-twin", help="Train a twin without experts as well.")
    ] = False,
) -> int:
    """The shipped weights, made from nothing."""
    from echovlm.reproduce import nano as experiment

    recipe = getattr(experiment, setting.value)()
    return tell_end(experiment.NanoRun(recipe, work, real, captions, workers, dense_twin)())
