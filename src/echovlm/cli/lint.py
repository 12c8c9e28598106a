"""The command ``lint``: what reports say, and what a reader should look at again.

Nothing is written or logged; only the terminal shows words of a report. Exit codes are those of a
linter: 0 nothing found, 1 something found, 2 bad input.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from echovlm.errors import InputError
from echovlm.terms import Language

if TYPE_CHECKING:
    from echovlm.evaluate.clinical import Reading, Remark

FOUND, BAD_INPUT = 1, 2
MOST_CHARACTERS = 100_000
_ENCODINGS = ("utf-8", "gb18030")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Reports = Annotated[
    list[str],
    typer.Argument(metavar="REPORT", help="A text file with one report; one or more."),
]
Lang = Annotated[
    Language | None,
    typer.Option("--lang", help="Language of the reports; told by their characters if not given."),
]
Reference = Annotated[
    str | None,
    typer.Option(
        "--reference", metavar="REPORT", help="The true report; also tells what differs from it."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


@dataclass(frozen=True)
class _Text:
    """A report as it was read from its file."""

    path: str
    text: str
    encoding: str


def lint(
    reports: Reports, lang: Lang = None, as_json: Json = False, reference: Reference = None
) -> int:
    """Read reports as facts; tell contradictions, missing units and doubtful categories."""
    from echovlm.cli.layout import one_line, print_json, show_error
    from echovlm.evaluate.clinical import read_report, remarks

    true = None if reference is None else read_report(_read(reference).text, lang)
    results: list[dict[str, Any]] = []
    code = 0
    for path in reports:
        try:
            source = _read(path)
        except InputError as error:
            show_error(str(error))
            code = BAD_INPUT
            continue
        if source.encoding != _ENCODINGS[0]:
            note = f"{one_line(path)}: is not UTF-8 and was read as {source.encoding.upper()}."
            print(note, file=sys.stderr)
        reading = read_report(source.text, lang)
        found = remarks(reading, true)
        code = code or (FOUND if found else 0)
        if as_json:
            results.append(_as_json(source, reading, found))
        else:
            _show(source, reading, found)
    if as_json:
        print_json(results)
    return code


def _read(path: str) -> _Text:
    """The text of a report.

    Raises:
        InputError: if there is no such file, or it holds no report of at most 100,000 characters.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        problem = "was not found" if isinstance(error, FileNotFoundError) else "cannot be read"
        raise InputError(f"{path}: {problem}. Give a text file with one report.") from None
    if raw.startswith(_UTF_16):
        raise InputError(f"{path}: is UTF-16. Save it as UTF-8.")
    text, encoding = _decoded(path, raw.removeprefix(codecs.BOM_UTF8))
    if _CONTROL.search(text):
        raise InputError(f"{path}: is no text file. Give a text file with one report.")
    if not text.strip():
        raise InputError(f"{path}: is empty. Give a text file with one report.")
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"{path}: has {len(text):,} characters, more than {MOST_CHARACTERS:,}. "
            "Give one report per file."
        )
    return _Text(path, text, encoding)


def _decoded(path: str, raw: bytes) -> tuple[str, str]:
    for encoding in _ENCODINGS:
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise InputError(f"{path}: is neither UTF-8 nor GB18030. Save it as UTF-8.")


def _quoted(text: str, span: tuple[int, int]) -> str:
    from echovlm.cli.layout import one_line

    return one_line(text[span[0] : span[1]])


def _as_json(source: _Text, reading: Reading, found: Sequence[Remark]) -> dict[str, Any]:
    return {
        "path": source.path,
        "encoding": source.encoding,
        "language": reading.language.value,
        "facts": [
            {
                "kind": fact.kind.value,
                "name": fact.name,
                "value": fact.value,
                "unit": fact.unit or None,
                "number": fact.number,
                "side": fact.side,
                "certainty": fact.statement.certainty.value if fact.statement else None,
                "span": [fact.statement.start, fact.statement.end] if fact.statement else None,
            }
            for facts in reading.facts.values()
            for fact in facts
        ],
        "remarks": [
            {"kind": e.kind, "sentence": e.sentence, "spans": [list(span) for span in e.spans]}
            for e in found
        ],
    }


def _show(source: _Text, reading: Reading, found: Sequence[Remark]) -> None:
    from rich.console import Console
    from rich.rule import Rule
    from rich.table import Table
    from rich.text import Text

    from echovlm.cli.layout import one_line

    console = Console(highlight=False, emoji=False, markup=False)
    console.print(Rule(Text(one_line(source.path)), align="left"))
    table = Table("Kind", "Fact", "Side", "In the text", box=None, padding=(0, 2, 0, 0))
    for facts in reading.facts.values():
        for fact in facts:
            said = fact.statement
            words = _quoted(source.text, (said.start, said.end)) if said else ""
            name = f"{fact.words} ({fact.name})" if fact.number is not None else fact.words
            table.add_row(*(Text(each) for each in (fact.kind.value, name, fact.side or "", words)))
    console.print(table)
    if not found:
        console.print(Text("Nothing to look at again.", style="green"))
    for remark in found:
        quotes = ", ".join(f'"{_quoted(source.text, span)}"' for span in remark.spans)
        line = f"{remark.kind}: {remark.sentence}" + (f" {quotes}" if quotes else "")
        console.print(Text(line, style="yellow"))
