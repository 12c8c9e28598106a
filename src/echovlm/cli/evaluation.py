"""The command ``echovlm evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from echovlm.cli import contenders
from echovlm.data.sample import Split
from echovlm.errors import OptionError
from echovlm.prompts import Task
from echovlm.terms import Language

if TYPE_CHECKING:
    from echovlm.evaluate.evaluation import Contender, Plan
    from echovlm.evaluate.items import Items
    from echovlm.evaluate.perturb import Perturbation

_FITTING = 200  # training items per task, language and anatomy that grey statistics learn from


def evaluate(
    data: Annotated[Path, typer.Option("--data", help="Built set: echovlm data build.")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for results; run again, it goes on.")
    ] = Path("evaluation"),
    model: contenders.Models = None,
    predictions: contenders.PredictionFiles = None,
    endpoint: contenders.EndpointAddress = None,
    send_pictures: contenders.SendPictures = False,
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
    bert: Annotated[
        Path | None,
        typer.Option("--bert", metavar="FOLDER", help="Encoder for BERTScore; none if absent."),
    ] = None,
    bert_layer: Annotated[
        int, typer.Option("--bert-layer", min=1, help="Layer of it that BERTScore compares.")
    ] = 8,
    trained_on: Annotated[
        list[Path] | None,
        typer.Option(
            "--trained-on",
            metavar="SET",
            help="Look for the evaluation's pictures and patients in this set; repeatable.",
        ),
    ] = None,
    resamples: contenders.Resamples = 1000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Of choices, looks and bootstrap.")
    ] = 0,
    device: contenders.Device = "auto",
    dtype: contenders.Dtype = "auto",
    max_new_tokens: contenders.NewTokens = 512,
) -> None:
    """Score models on held-out patients, beside what does not look."""
    from echovlm.evaluate import tables
    from echovlm.evaluate.evaluation import PAGE, RESULTS, TABLES, Plan, read_plan
    from echovlm.evaluate.evaluation import evaluate as run

    state = contenders.processes()
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
        bert=bert,
        bert_layer=bert_layer,
        trained_on=tuple(trained_on or ()),
        resamples=resamples,
        seed=seed,
    )
    with console.status("reading the set"):
        items = read_plan(plan)
    systems = contenders.checkpoints(model or (), device, dtype, max_new_tokens)
    systems += contenders.predicted(predictions or (), items.chosen, items.ids)
    if endpoint is not None:
        systems.append(contenders.behind_endpoint(endpoint, max_new_tokens, send_pictures))
    # Baselines are asked when the first process scores.
    if systems and baselines and state.is_main_process:
        with console.status("fitting baselines to the training patients"):
            systems += _baselines(plan, items)
    result = run(
        plan,
        items,
        systems,
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


def _baselines(plan: Plan, items: Items) -> list[Contender]:
    """What the training split alone suggests; none where it says nothing of what is asked."""
    from echovlm.evaluate.evaluation import Contender, fitting_items
    from echovlm.evaluate.items import spread
    from echovlm.evaluate.systems import Asked, GreyStatistics, MostFrequent

    train = fitting_items(plan, items)
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
        int,
        typer.Option(
            "--table",
            help="Of the paper: 2 reports, 3 impressions, 4 questions, 8 and 10 entities of both.",
        ),
    ] = 2,
    lang: Annotated[
        Language, typer.Option("--lang", help="Of the measured texts; the paper's are Chinese.")
    ] = Language.CHINESE,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Put measured scores beside the paper's."""
    from echovlm.evaluate.compared import measured_rows
    from echovlm.evaluate.published import compare_with_published

    found = compare_with_published(measured_rows(results, lang), table)
    if markdown:
        print(found.markdown(), end="")
    else:
        Console().print(found.terminal())
