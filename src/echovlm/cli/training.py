"""The training commands: ``echovlm train alignment``, ``instruction-tuning``, ..., ``inspect``."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from echovlm.errors import OptionError

if TYPE_CHECKING:
    from echovlm.train.recipes import Recipe
    from echovlm.train.run import Finished

train_app = typer.Typer(
    help="Train in the paper's two stages, or otherwise; look into runs; estimate what fits.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_SIGNAL_EXIT = 128  # what shells add to the number of a signal

Data = Annotated[Path, typer.Option("--data", help="Built set: echovlm data build.")]
Base = Annotated[
    Path, typer.Option("--base", help="Checkpoint to start from: an EchoVLM or a dense Qwen2-VL.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Folder of the run (started again, it goes on); the name of the stage if absent.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the recipe; repeatable."),
]
Validate = Annotated[
    bool,
    typer.Option(
        "--validate/--no-validate",
        help="Choose the best checkpoint by the text it writes about validation studies.",
    ),
]


@train_app.command()
def alignment(
    data: Data, base: Base, out: Out = None, settings: Settings = None, validate: Validate = True
) -> int:
    """Stage one: experts and mix learn."""
    return _run("alignment", data, base, out, settings, validate)


@train_app.command("instruction-tuning")
def instruction_tuning(
    data: Data, base: Base, out: Out = None, settings: Settings = None, validate: Validate = True
) -> int:
    """Stage two: experts, mix and adapters learn."""
    return _run("instruction-tuning", data, base, out, settings, validate)


@train_app.command("lora-only")
def lora_only(
    data: Data, base: Base, out: Out = None, settings: Settings = None, validate: Validate = True
) -> int:
    """Stage two without experts."""
    return _run("lora-only", data, base, out, settings, validate)


@train_app.command()
def full(
    data: Data, base: Base, out: Out = None, settings: Settings = None, validate: Validate = True
) -> int:
    """Every weight learns."""
    return _run("full", data, base, out, settings, validate)


@train_app.command()
def preference(
    data: Data, base: Base, out: Out = None, settings: Settings = None, validate: Validate = True
) -> int:
    """Prefer edited reports to drafts (DPO)."""
    return _run("preference", data, base, out, settings, validate)


def _recipe(stage: str, settings: list[str] | None) -> Recipe:
    from echovlm.train.recipes import STAGES, with_settings

    if stage not in STAGES:
        raise OptionError(f"'{stage}' is no stage; choose one of {', '.join(STAGES)}.")
    return with_settings(STAGES[stage](), settings or [])


def _run(
    stage: str, data: Path, base: Path, out: Path | None, settings: list[str] | None, validate: bool
) -> int:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    recipe = _recipe(stage, settings)
    from echovlm.reproduce.validation import written_text
    from echovlm.train.run import train

    doors: dict[str, Any] = {}
    if stage == "preference":
        from echovlm.train.preference import PairEncoder, PreferenceTrainer

        doors = {"make_trainer": PreferenceTrainer, "make_encoder": PairEncoder}
    validating = written_text if validate else None
    finished = train(recipe, base, data, out or Path(stage), validating, **doors)
    return tell_end(finished)


def tell_end(finished: Finished) -> int:
    """Say what a run came to; gives the exit code, after a signal the one that shells give."""
    if finished.final is None:
        print(
            f"Stopped by {finished.stopped_by} after step {finished.step}; the same command goes "
            "on from there."
        )
        return _SIGNAL_EXIT + signal.Signals[finished.stopped_by]
    print(f"Wrote {finished.final}: echovlm report STUDY --model {finished.final}")
    return 0


@train_app.command("inspect")
def inspect_run(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the pictures; RUN/inspect by default.")
    ] = None,
) -> None:
    """Draw losses, experts and speed of a run."""
    from echovlm.train.inspect import draw, summary_table

    Console().print(summary_table(run))
    for picture in draw(run, out or run / "inspect"):
        print(f"Wrote {picture}")


@train_app.command()
def estimate(
    stage: Annotated[str, typer.Argument(help="Recipe: alignment, instruction-tuning, ...")],
    base: Annotated[
        Path | None,
        typer.Option("--base", help="Checkpoint folder; the published 7B sizes where not given."),
    ] = None,
    gpus: Annotated[int, typer.Option("--gpus", help="GPUs that train together.")] = 1,
    gpu_gib: Annotated[float, typer.Option("--gpu-gib", help="Memory of each, GiB.")] = 80.0,
    peak_tflops: Annotated[
        float, typer.Option("--peak-tflops", help="What one GPU computes in matrix products.")
    ] = 790.0,
    mfu: Annotated[float, typer.Option("--mfu", help="Part of it that training reaches.")] = 0.4,
    cases: Annotated[int, typer.Option("--cases", help="Studies per epoch.")] = 208_941,
    settings: Settings = None,
) -> None:
    """Memory and time of a run, before it."""
    recipe = _recipe(stage, settings)
    from echovlm.train.base import trained_config
    from echovlm.train.estimate import estimate as estimate_run
    from echovlm.train.estimate import render

    config = trained_config(recipe, base)
    Console().print(render(estimate_run(config, recipe, gpus, gpu_gib, peak_tflops, mfu, cases)))
