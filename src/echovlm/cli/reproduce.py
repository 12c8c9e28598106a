"""The commands that run experiments again: ``echovlm reproduce ablation``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from echovlm.errors import OptionError

reproduce_app = typer.Typer(
    help="Run the published experiments again, at the size of this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@reproduce_app.callback()
def _root() -> None:
    """Run the published experiments again, at the size of this machine."""


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
    """What experts add under a frozen base: 0, 2, 4, 6 experts and the paper's other rows."""
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
