"""The commands ``report``, ``diagnose`` and ``ask``, and where the other commands are hung in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from echovlm.cli import checkpoints, evaluation, lint, simulation, u2_bench
from echovlm.cli.data import data_app
from echovlm.cli.jobs import Job, run_job
from echovlm.cli.rads import rads_app
from echovlm.cli.reproduce import reproduce_app
from echovlm.cli.training import train_app
from echovlm.terms import Anatomy, Language

if TYPE_CHECKING:
    from collections.abc import Generator

    from echovlm.engine import BaseEngine
    from echovlm.report import Answer
    from echovlm.study import Study

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="An image, a cine loop, a DICOM file, or a folder of them; each path is one study.",
    ),
]
Lang = Annotated[Language, typer.Option("--lang", help="Language of the result.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="PATH_OR_HUB_ID",
        help="Checkpoint folder or Hugging Face id; the nano checkpoint where not given.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON (docs/usage.md) and nothing else.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[str, typer.Option("--dtype", help="auto, float32, bfloat16, float16.")]
NewTokens = Annotated[int, typer.Option("--max-new-tokens", help="Most tokens of one text.")]
VisualTokens = Annotated[
    int | None,
    typer.Option(
        "--max-visual-tokens",
        help="Most visual tokens per image; 196, or the checkpoint's own limit, where not given.",
    ),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        from echovlm import __version__

        print(f"echovlm {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Reports, diagnoses and answers for universal ultrasound; every result is preliminary."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def report(
    paths: Paths,
    lang: Lang = Language.ENGLISH,
    model: Model = None,
    json: Json = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    max_new_tokens: NewTokens = 512,
    max_visual_tokens: VisualTokens = None,
) -> int:
    """Write the findings and impression of each study."""

    def answer(engine: BaseEngine, studies: list[Study]) -> list[Any]:
        return engine.report_many(studies, lang, max_new_tokens)

    return run_job(Job("report", answer), paths, json, (model, device, dtype, max_visual_tokens))


@app.command()
def diagnose(
    paths: Paths,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="A,B,...",
            help="Candidates, as known keys or in words; all of the anatomy where not given.",
        ),
    ] = None,
    anatomy: Annotated[
        Anatomy | None,
        typer.Option("--anatomy", help="Region examined; inferred where not given."),
    ] = None,
    lang: Lang = Language.ENGLISH,
    model: Model = None,
    json: Json = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    max_visual_tokens: VisualTokens = None,
) -> int:
    """Rank the diagnoses of a closed set, with a probability each."""
    names = None if labels is None else labels.replace("，", ",").split(",")

    def answer(engine: BaseEngine, studies: list[Study]) -> list[Any]:
        return [engine.diagnose(study, names, anatomy, lang) for study in studies]

    return run_job(Job("diagnosis", answer), paths, json, (model, device, dtype, max_visual_tokens))


@app.command()
def ask(
    paths: Paths,
    question: Annotated[str, typer.Argument(help="What to ask about each study.")],
    lang: Annotated[
        Language | None,
        typer.Option("--lang", help="Language of warnings; that of the question where not given."),
    ] = None,
    model: Model = None,
    json: Json = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    max_new_tokens: NewTokens = 512,
    max_visual_tokens: VisualTokens = None,
) -> int:
    """Answer a question about each study; a single answer is shown as it is written."""

    def answer(engine: BaseEngine, studies: list[Study]) -> list[Any]:
        return engine.ask_many(studies, question, lang, max_new_tokens)

    def stream(engine: BaseEngine, study: Study) -> Generator[str, None, Answer]:
        return engine.stream(study, question, lang, max_new_tokens)

    return run_job(
        Job("answer", answer, stream), paths, json, (model, device, dtype, max_visual_tokens)
    )


app.command("simulate")(simulation.simulate)
app.command("simulate-archive")(simulation.simulate_archive)
app.command("convert")(checkpoints.convert)
app.command("upcycle")(checkpoints.upcycle)
app.command("evaluate")(evaluation.evaluate)
app.command("compare")(evaluation.compare)
app.command("u2-bench")(u2_bench.u2_bench)
app.command("lint")(lint.lint)
app.add_typer(data_app, name="data")
app.add_typer(rads_app, name="rads")
app.add_typer(train_app, name="train")
app.add_typer(reproduce_app, name="reproduce")
