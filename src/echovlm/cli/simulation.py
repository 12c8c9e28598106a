"""The commands that draw an example study, or a whole archive, whose truth is known."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from echovlm.errors import OptionError, OutputError
from echovlm.terms import Anatomy, Language

if TYPE_CHECKING:
    from echovlm.simulate.cases import Case


class ReportTable(StrEnum):
    """File format of an archive's table of reports."""

    CSV = "csv"
    JSON = "json"
    EXCEL = "xlsx"


def simulate(
    out: Annotated[
        Path, typer.Argument(help="Folder for the images; the truth goes to OUT.json beside it.")
    ],
    label: Annotated[
        str | None, typer.Option("--label", help="Key of the diagnosis to draw, drawn if absent.")
    ] = None,
    anatomy: Annotated[
        Anatomy | None, typer.Option("--anatomy", help="Region to draw, if no label is given.")
    ] = None,
    views: Annotated[
        int | None, typer.Option("--views", min=1, max=3, help="Number of stills.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Equal seeds, equal studies.")] = 0,
) -> None:
    """Write a simulated study: PNG images, and its true report, diagnosis and answers."""
    drawn = _label(label, anatomy, seed)
    truth_file = out.with_name(f"{out.name}.json")
    for place in (out, truth_file):
        if place.exists():
            raise OptionError(f"{place} exists already; name another folder or remove it.")
    from echovlm.simulate.cases import make_case

    case = make_case(seed, drawn, views)
    try:
        _write_images(case, out)
        _write_truth(case, truth_file)
    except OSError as error:
        shutil.rmtree(out, ignore_errors=True)
        raise OutputError(f"{out} could not be written: {error.strerror}.") from error
    print(f"Wrote {len(case.study.clips)} image(s) to {out} and the truth to {truth_file}.")


def simulate_archive(
    out: Annotated[
        Path, typer.Argument(help="Folder to write; the truth goes to OUT.truth.json beside it.")
    ],
    studies: Annotated[int, typer.Option("--studies", min=1, help="Number of studies.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Equal seeds, equal archives.")] = 0,
    reports: Annotated[
        ReportTable, typer.Option("--reports", help="File format of the table of reports.")
    ] = ReportTable.CSV,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 1,
) -> None:
    """Write a simulated hospital archive: DICOM studies of invented patients, and their reports."""
    truth_file = out.with_name(f"{out.name}.truth.json")
    if truth_file.exists():
        raise OptionError(f"{truth_file} exists already; name another folder or remove it.")
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from echovlm.simulate.archive import write_archive
    from echovlm.simulate.archive.reports import TableFormat
    from echovlm.simulate.archive.writing import write_truth

    console = Console(stderr=True)
    columns = ("simulating", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("studies", total=studies)
        truth = write_archive(
            out,
            studies,
            seed,
            TableFormat(reports.value),
            workers,
            lambda done: progress.update(bar, completed=done),
        )
    try:
        write_truth(truth, truth_file)
    except OSError as error:
        shutil.rmtree(out, ignore_errors=True)
        raise OutputError(f"{truth_file} could not be written: {error.strerror}.") from error
    files = sum(len(study.files) for study in truth.studies)
    print(f"Wrote {studies} studies in {files} files to {out} and the truth to {truth_file}.")


def _label(label: str | None, anatomy: Anatomy | None, seed: int) -> str | None:
    from echovlm import prompts

    if label is not None:
        return prompts.label(label).key
    if anatomy is None:
        return None
    choices = prompts.labels(anatomy)
    return choices[seed % len(choices)].key


def _write_images(case: Case, out: Path) -> None:
    from PIL import Image

    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        folder = Path(temporary) / "images"
        folder.mkdir()
        for number, clip in enumerate(case.study.clips, start=1):
            Image.fromarray(clip.frames[0]).save(folder / f"view-{number}.png", optimize=True)
        os.replace(folder, out)


def _write_truth(case: Case, file: Path) -> None:
    temporary = file.with_name(f".{file.name}.part")
    temporary.write_text(
        json.dumps(_truth(case), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    os.replace(temporary, file)


def _truth(case: Case) -> dict[str, Any]:
    return {
        "seed": case.seed,
        "anatomy": case.anatomy.value,
        "label": case.label,
        "pixel_spacing_mm": case.study.clips[0].pixel_spacing_mm,
        "measurements": case.measurements(),
        **{lang.value: _texts(case, lang) for lang in Language},
    }


def _texts(case: Case, language: Language) -> dict[str, Any]:
    return {
        "findings": case.findings(language),
        "impression": case.impression(language),
        "diagnosis": case.diagnosis(language),
        "questions": [
            {"topic": asked.topic, "question": asked.text, "answer": asked.answer}
            for asked in case.questions(language)
        ],
    }
