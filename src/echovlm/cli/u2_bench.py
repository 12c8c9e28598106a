"""The command ``echovlm u2-bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from echovlm.cli import contenders
from echovlm.errors import OptionError

if TYPE_CHECKING:
    from echovlm.evaluate.u2_bench import Task


def u2_bench(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Download of DolphinAI/u2-bench: eight folders."),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for results; run again, it goes on.")
    ] = Path("u2-bench-results"),
    model: contenders.Models = None,
    predictions: contenders.PredictionFiles = None,
    endpoint: contenders.EndpointAddress = None,
    send_pictures: contenders.SendPictures = False,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            metavar="TASK",
            help="Ask this task alone, by its folder's name (disease_diagnosis, ...); repeatable.",
        ),
    ] = None,
    most: Annotated[
        int, typer.Option("--most", min=0, help="Most questions of each file; 0: all.")
    ] = 0,
    resamples: contenders.Resamples = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of choices and bootstrap.")] = 0,
    device: contenders.Device = "auto",
    dtype: contenders.Dtype = "auto",
    max_new_tokens: contenders.NewTokens = 512,
) -> None:
    """Score models on U2-BENCH, with its own questions and scores."""
    from echovlm.evaluate import u2_bench_tables
    from echovlm.evaluate.u2_bench import Task
    from echovlm.evaluate.u2_bench_questions import Plan, known_ids, read_questions
    from echovlm.evaluate.u2_bench_run import RESULTS, TABLES, evaluate

    tasks = tuple(dict.fromkeys(map(_task, task))) if task else tuple(Task)
    plan = Plan(folder, tasks, most, resamples, seed)
    state = contenders.processes()
    console = Console(stderr=True, quiet=not state.is_main_process)
    questions = read_questions(plan)
    systems = contenders.checkpoints(model or (), device, dtype, max_new_tokens)
    if predictions:
        systems += contenders.predicted(predictions, questions.items, known_ids(folder))
    if endpoint is not None:
        systems.append(contenders.behind_endpoint(endpoint, max_new_tokens, send_pictures))
    result = evaluate(
        plan,
        questions,
        systems,
        out,
        console,
        (state.process_index, state.num_processes),
        state.wait_for_everyone,
    )
    if result:
        shown = Console()
        shown.print(u2_bench_tables.terminal(result))
        for note in result["notes"]:
            shown.print(note, markup=False)
        print(f"Wrote {RESULTS} and {TABLES} in {out}.")


def _task(name: str) -> Task:
    from echovlm.evaluate.u2_bench import Task

    try:
        return Task(name)
    except ValueError:
        raise OptionError(
            f"Unknown task '{name}' of U2-BENCH; choose one of {', '.join(Task)}."
        ) from None
