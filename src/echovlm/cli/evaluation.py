"""The command ``echovlm evaluate``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from echovlm.data.sample import Split
from echovlm.errors import OptionError
from echovlm.prompts import Task
from echovlm.terms import Language

if TYPE_CHECKING:
    from echovlm.evaluate.evaluation import Contender, Plan
    from echovlm.evaluate.items import Items
    from echovlm.evaluate.perturb import Perturbation

_KEY = "ECHOVLM_ENDPOINT_KEY"
_FITTING = 200  # training items per task, language and anatomy that grey statistics learn from


def evaluate(
    data: Annotated[Path, typer.Option("--data", help="Built set: echovlm data build.")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for results; run again, it goes on.")
    ] = Path("evaluation"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="[NAME=]PATH_OR_HUB_ID",
            help="Checkpoint to evaluate, 'nano' for the shipped one; repeatable.",
        ),
    ] = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            "--predictions",
            metavar="FILE",
            help="Replies of another model, JSON Lines; repeatable.",
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="MODEL@URL", help="OpenAI-compatible HTTP endpoint."),
    ] = None,
    send_pictures: Annotated[
        bool,
        typer.Option("--send-pictures", help="Allow an endpoint that is not on this machine."),
    ] = False,
    baselines: Annotated[
        bool,
        typer.Option("--baselines/--no-baselines", help="Beside what does not look (or hardly)."),
    ] = True,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="KIND",
            help="Repeat without what pictures show: blank, noise, patient-shuffled, other-organ, "
            "caliper-removed, text-only; repeatable.",
        ),
    ] = None,
    task: Annotated[
        list[Task] | None,
        typer.Option(
            "--task", metavar="TASK", help="Ask report, diagnosis, ... alone; repeatable."
        ),
    ] = None,
    lang: Annotated[
        list[Language] | None,
        typer.Option("--lang", metavar="zh|en", help="Ask in this language alone."),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="NAME", help="Ask about this data set alone; repeatable."),
    ] = None,
    split: Annotated[Split, typer.Option("--split", help="Whose patients.")] = Split.TEST,
    most: Annotated[
        int,
        typer.Option("--most", min=0, help="Most items per task, language and anatomy; 0: all."),
    ] = 0,
    preset: Annotated[
        str, typer.Option("--preset", metavar="NAME", help="Of the text metrics.")
    ] = "default",
    resamples: Annotated[
        int, typer.Option("--resamples", min=100, help="Of the bootstrap over patients.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of choices, looks and bootstrap.")] = 0,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    dtype: Annotated[
        str, typer.Option("--dtype", help="auto, float32, bfloat16, float16.")
    ] = "auto",
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", min=1, help="Most tokens of one text.")
    ] = 512,
) -> None:
    """Score models on held-out patients, beside what does not look."""
    from accelerate import PartialState

    from echovlm.evaluate import tables
    from echovlm.evaluate.evaluation import PAGE, RESULTS, TABLES, Plan, read_plan
    from echovlm.evaluate.evaluation import evaluate as run

    state = PartialState()
    console = Console(stderr=True, quiet=not state.is_main_process)
    plan = Plan(
        data=data,
        split=split,
        tasks=tuple(task or Task),
        languages=tuple(lang or Language),
        sources=tuple(source or ()),
        most=most,
        looks=tuple(_look(kind) for kind in without or ()),
        preset=preset,
        resamples=resamples,
        seed=seed,
    )
    items = read_plan(plan)
    contenders = [_checkpoint(text, device, dtype, max_new_tokens) for text in model or ()]
    contenders += _predicted(predictions or (), items)
    if endpoint is not None:
        contenders.append(_endpoint(endpoint, max_new_tokens, send_pictures))
    if contenders and baselines:
        contenders += _baselines(plan)
    result = run(
        plan,
        items,
        contenders,
        out,
        console,
        (state.process_index, state.num_processes),
        state.wait_for_everyone,
    )
    if result:
        shown = Console()
        shown.print(tables.terminal(result))
        for note in result["notes"]:
            shown.print(note, style="red", markup=False)
        print(f"Wrote {RESULTS}, {TABLES} and {PAGE} in {out}.")


def _look(kind: str) -> Perturbation:
    from echovlm.evaluate.perturb import Perturbation

    try:
        return Perturbation(kind)
    except ValueError:
        raise OptionError(
            f"Unknown kind '{kind}' of --without; choose one of {', '.join(Perturbation)}."
        ) from None


def _checkpoint(text: str, device: str, dtype: str, max_new_tokens: int) -> Contender:
    from transformers.utils import logging

    from echovlm.engine import Engine
    from echovlm.evaluate.evaluation import Contender
    from echovlm.evaluate.systems import Asked, EngineSystem

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    name, separator, path = text.partition("=")
    path = path if separator else text
    engine = Engine.load(None if path == "nano" else path, device, dtype)

    def expert_load(asked: Asked):  # type: ignore[no-untyped-def]
        return engine.expert_load(asked.study) if asked.study else None

    system = EngineSystem(engine, name if separator else engine.name, max_new_tokens)
    return Contender(system, "checkpoint", expert_load)


def _predicted(paths: tuple[Path, ...] | list[Path], items: Items) -> list[Contender]:
    from echovlm.evaluate.evaluation import Contender
    from echovlm.evaluate.predictions import Predictions

    return [Contender(Predictions(path, items.chosen, items.ids), "predictions") for path in paths]


def _endpoint(text: str, max_new_tokens: int, send_pictures: bool) -> Contender:
    from echovlm.evaluate.endpoint import Endpoint
    from echovlm.evaluate.evaluation import Contender

    name, separator, url = text.partition("@")
    if not separator or not name:
        raise OptionError(f"--endpoint is MODEL@URL, not '{text}'.")
    key = os.environ.get(_KEY, "")
    system = Endpoint(url, name, key, max_new_tokens, anywhere=send_pictures)
    return Contender(system, "endpoint")


def _baselines(plan: Plan) -> list[Contender]:
    """What the training split alone suggests; none where the set has no such split."""
    from echovlm.evaluate.evaluation import Contender, training_items
    from echovlm.evaluate.items import spread
    from echovlm.evaluate.systems import Asked, GreyStatistics, MostFrequent

    train = training_items(plan)
    if train is None:
        return []
    closed = [item for item in train.chosen if item.candidates]
    fitting = sorted(spread(closed, _FITTING, plan.seed), key=lambda item: item.study)
    grey = GreyStatistics(Asked(item, train.pictures(item)) for item in fitting)
    return [
        Contender(MostFrequent(train.chosen), "baseline, told the anatomy"),
        Contender(grey, "baseline, told the anatomy"),
    ]


def compare(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULTS", help="results.json of echovlm evaluate.")
    ],
    table: Annotated[
        int, typer.Option("--table", help="Of the paper: 2 reports, 3 impressions, 4 questions.")
    ] = 2,
    lang: Annotated[
        Language, typer.Option("--lang", help="Of the measured texts; the paper's are Chinese.")
    ] = Language.CHINESE,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Put measured scores beside the paper's."""
    from echovlm.evaluate.compared import measured_rows
    from echovlm.evaluate.published import compare_with_published

    measured = [row for path in results for row in measured_rows(path, lang)]
    found = compare_with_published(measured, table)
    if markdown:
        print(found.markdown(), end="")
    else:
        Console().print(found.terminal())
