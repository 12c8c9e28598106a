"""The commands of the data engine: ``echovlm data import``, ``build``, ``check``, ``stats``..."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from echovlm.errors import OptionError

if TYPE_CHECKING:
    from echovlm.data.check import CheckResult
    from echovlm.data.manifest import Manifest
    from echovlm.data.sources.source import Source
    from echovlm.data.statistics import Statistics

data_app = typer.Typer(
    help="Make training samples out of archives, public data sets and simulated cases.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

BAD_INPUT = 2
_SHOWN_FINDINGS = 20


class Store(StrEnum):
    """How a built set is kept."""

    JSONL = "jsonl"
    PARQUET = "parquet"


class FormName(StrEnum):
    """A form that other tools read."""

    CONVERSATIONS = "conversations"
    MESSAGES = "messages"


class OnText(StrEnum):
    """What becomes of text that remains in the pixels of an archive."""

    MASK = "mask"
    QUARANTINE = "quarantine"


SetFolder = Annotated[Path, typer.Argument(metavar="SET", help="Folder of a stored set.")]
Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write.")]
Workers = Annotated[
    int, typer.Option("--workers", min=1, help="Processes; one per core is the fastest.")
]
Ray = Annotated[
    str | None,
    typer.Option("--ray", metavar="ADDRESS", help="Run on a Ray cluster ('auto', 'local', ...)."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Equal seeds, equal sets.")]


@contextmanager
def _progress(words: str) -> Iterator[tuple[Any, Any]]:
    """Functions that begin and advance a bar on stderr; nothing is drawn off a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(words), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(words, total=None)
        yield (
            lambda total: progress.update(task, total=total),
            lambda done: progress.advance(task, done),
        )


@data_app.command("import")
def import_(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="What it is: 'echovlm data sources' lists them.")
    ],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder or file to import.")],
    out: Out,
    reports: Annotated[
        Path | None,
        typer.Option(
            "--reports",
            help="Reports of an archive (CSV, JSON or Excel), keyed by accession number or "
            "StudyInstanceUID.",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            help="Secret of an archive that patient keys are made with; made where absent. Keep it "
            "apart from the set.",
        ),
    ] = None,
    keep_measurements: Annotated[
        bool, typer.Option("--keep-measurements", help="Keep measurement text inside the sector.")
    ] = False,
    on_text: Annotated[
        OnText,
        typer.Option(
            "--on-text",
            help="Mask text that remains in an archive's pixels, or set the "
            "instance aside for review.",
        ),
    ] = OnText.MASK,
    keep_dicom: Annotated[
        bool, typer.Option("--keep-dicom", help="Keep the de-identified DICOM instances as well.")
    ] = False,
    workers: Workers = 1,
    ray: Ray = None,
) -> None:
    """Import a data set, an archive or a file of conversations; run again, it goes on."""
    from echovlm.data.exporting import import_foreign
    from echovlm.data.formats import FORMS
    from echovlm.data.importing import check_target, import_source

    options = (reports, key_file, keep_measurements or None, keep_dicom or None)
    if source != "archive" and (any(options) or on_text is not OnText.MASK):
        raise OptionError(
            "--reports, --key-file, --keep-measurements, --keep-dicom and --on-text are for "
            f"'archive', not for '{source}'."
        )
    check_target(out)
    with _progress("importing") as (begin, advance):
        if source in FORMS:
            manifest = import_foreign(
                path, out, FORMS[source], workers=workers, begin=begin, advance=advance
            )
        else:
            opened = _open(source, path, reports, key_file, keep_measurements, on_text, keep_dicom)
            manifest = import_source(
                opened, out, workers=workers, ray_address=ray, begin=begin, advance=advance
            )
    _tell(out, manifest)


def _open(
    source: str,
    path: Path,
    reports: Path | None,
    key_file: Path | None,
    keep_measurements: bool,
    on_text: OnText,
    keep_dicom: bool,
) -> Source:
    from echovlm.data.sources.catalogue import open_source

    if source != "archive":
        return open_source(source, path)
    from echovlm.data.sources.archive import open_archive

    return open_archive(
        path,
        reports=reports,
        key_file=key_file,
        keep_measurements=keep_measurements,
        on_text=on_text.value,
        keep_dicom=keep_dicom,
    )


@data_app.command()
def sources() -> None:
    """List what can be imported."""
    from echovlm.data.sources.catalogue import SOURCES

    table = _table("source", "what", "licence")
    for name, about in SOURCES.items():
        table.add_row(Text(name), Text(about.title), Text(about.licence))
    table.add_row("archive", "a tree of DICOM studies with a table of reports", "your own")
    table.add_row("conversations", "a JSON file in the form of LLaVA and EchoVLM", "its own")
    table.add_row("messages", "a JSON or JSON Lines file as ms-swift takes it", "its own")
    _print(table)


@data_app.command()
def simulate(
    out: Out,
    cases: Annotated[int, typer.Option("--cases", min=1, help="Number of studies.")] = 1000,
    seed: Seed = 0,
    workers: Workers = 1,
    ray: Ray = None,
) -> None:
    """Simulate studies whose truth is known, evenly over all labels."""
    from echovlm.data.importing import import_source
    from echovlm.data.sources.simulated import Simulated

    with _progress("simulating") as (begin, advance):
        manifest = import_source(
            Simulated(cases=cases, seed=seed),
            out,
            workers=workers,
            ray_address=ray,
            begin=begin,
            advance=advance,
        )
    _tell(out, manifest)


@data_app.command()
def build(
    inputs: Annotated[list[Path], typer.Argument(metavar="SET...", help="Imported sets.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write.")],
    store: Annotated[
        Store, typer.Option("--store", help="JSON Lines beside pictures, or Parquet shards.")
    ] = Store.JSONL,
    splits: Annotated[
        Path | None,
        typer.Option(
            "--splits",
            help="File of patients and their splits: read where it exists, so that nobody changes "
            "split when data are added, and written.",
        ),
    ] = None,
    seed: Seed = 0,
    workers: Workers = 1,
    ray: Ray = None,
) -> None:
    """Build samples with true texts and patient-wise splits; run again, it goes on."""
    from echovlm.data.build import build_set

    with _progress("building") as (begin, advance):
        manifest = build_set(
            inputs,
            out,
            seed=seed,
            store=store.value,
            splits_file=splits,
            workers=workers,
            ray_address=ray,
            begin=begin,
            advance=advance,
        )
    _tell(out, manifest)


@data_app.command()
def check(
    folder: SetFolder,
    findings: Annotated[
        Path | None, typer.Option("--findings", help="JSON Lines file for every finding.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    workers: Workers = 1,
) -> int:
    """Look for damage, duplicates, leakage and contradictions; errors give exit code 2."""
    from echovlm.data.check import check_set
    from echovlm.data.importing import json_line
    from echovlm.data.writing import write_whole

    with _progress("checking") as (begin, advance):
        result = check_set(folder, workers=workers, begin=begin, advance=advance)
    if findings is not None:
        write_whole(findings, (json_line(finding) for finding in result.findings))
    if as_json:
        _print_json(
            {
                "examined": dict(result.examined),
                "errors": result.errors,
                "counts": [
                    {"severity": severity, "kind": kind, "count": count}
                    for (severity, kind), count in sorted(result.counts.items())
                ],
                "findings": [finding.model_dump() for finding in result.findings],
            }
        )
    else:
        _show_check(folder, result)
    return BAD_INPUT if result.errors else 0


@data_app.command()
def stats(
    folder: SetFolder,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", help="Contact sheet to look at, a .png or .html file."),
    ] = None,
    pictures: Annotated[
        int, typer.Option("--pictures", min=1, help="Most pictures of the sheet.")
    ] = 48,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Count studies, pictures and samples by anatomy, task, language and split."""
    from echovlm.data.contact_sheet import write_contact_sheet
    from echovlm.data.statistics import statistics
    from echovlm.data.store import StoredSet

    stored = StoredSet(folder)
    found = statistics(stored)
    if sheet is not None:
        write_contact_sheet(stored, sheet, pictures, seed)
    if as_json:
        tables = {name: dict(sorted(counts.items())) for name, counts in found.tables.items()}
        _print_json({"kind": found.kind, "totals": found.totals, "tables": tables})
    else:
        _show_statistics(found)
        if sheet is not None:
            print(f"Wrote {sheet}.")


@data_app.command()
def export(
    folder: SetFolder,
    out: Out,
    form: Annotated[
        FormName,
        typer.Option("--form", help="'messages' for ms-swift and LLaMA-Factory, or LLaVA's."),
    ] = FormName.MESSAGES,
) -> None:
    """Write a built set in a form that other training tools read."""
    from echovlm.data.exporting import export_set
    from echovlm.data.formats import FORMS
    from echovlm.data.store import StoredSet

    stored = StoredSet(folder)
    with _progress("exporting") as (begin, advance):
        begin(stored.manifest.counts.get("samples"))
        counts = export_set(stored, out, FORMS[form.value], advance)
    said = ", ".join(f"{count} {split}" for split, count in sorted(counts.items()))
    print(f"Wrote {out} ({said}).")


# --- how it looks ----------------------------------------------------------------------------


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    return table


def _print(table: Table) -> None:
    Console(highlight=False, emoji=False, markup=False).print(table)


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2))


def _tell(out: Path, manifest: Manifest) -> None:
    said = ", ".join(f"{count} {name}" for name, count in manifest.counts.items())
    print(f"Wrote {out}: {said}.")
    left_out = manifest.counts.get("rejected", 0) + manifest.counts.get("quarantined", 0)
    if left_out:
        print(f"What was left out, and why, is in {out / 'rejected.jsonl'}.")


def _show_check(folder: Path, result: CheckResult) -> None:
    said = ", ".join(f"{count} {name}" for name, count in sorted(result.examined.items()))
    print(f"{folder}: looked at {said}.")
    if not result.counts:
        print("Nothing to complain about.")
        return
    table = _table("", "kind", "count")
    for (severity, kind), count in sorted(result.counts.items()):
        table.add_row(severity, kind, str(count))
    _print(table)
    shown = _table("", "where", "what")
    for finding in sorted(result.findings, key=lambda f: f.severity)[:_SHOWN_FINDINGS]:
        shown.add_row(finding.severity, Text(finding.where), Text(finding.detail))
    _print(shown)
    more = sum(result.counts.values()) - _SHOWN_FINDINGS
    if more > 0:
        print(f"... and {more} more; --findings FILE writes all of them.")


def _show_statistics(found: Statistics) -> None:
    totals = _table("in all", "count")
    for name, count in found.totals.items():
        totals.add_row(name, str(count))
    _print(totals)
    for name, counts in found.tables.items():
        table = _table(name, "count")
        for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            table.add_row(Text(key), str(count))
        print()
        _print(table)
