"""How results look: laid out for people, or as one JSON document.

Generated text and file names are shown as plain text, never as markup, and without terminal control
characters.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.status import Status
from rich.table import Table
from rich.text import Text

from echovlm.report import Answer, Diagnosis, Report, printable
from echovlm.terms import Language

if TYPE_CHECKING:
    from echovlm.cli.jobs import Outcome

SCHEMA_VERSION = "1.0"
"""Version of the JSON; the first number changes when a reader of the old form would break."""

_MOST_ROWS = 10  # candidates shown of a diagnosis; the JSON has all

_WORDS = {
    "report": {"en": "Ultrasound report", "zh": "超声报告"},
    "diagnosis": {"en": "Ultrasound diagnosis", "zh": "超声诊断"},
    "answer": {"en": "Answer", "zh": "回答"},
    "findings": {"en": "Findings", "zh": "超声所见"},
    "impression": {"en": "Impression", "zh": "超声提示"},
    "recommendation": {"en": "Recommendation", "zh": "建议"},
    "preliminary": {
        "en": "PRELIMINARY - written by a machine, not reviewed by a physician",
        "zh": "初步结果：由机器生成，未经医师审核",
    },
    "model": {"en": "Model", "zh": "模型"},
    "warning": {"en": "Warning", "zh": "注意"},
    "more": {"en": "... and {count} more, see --json", "zh": "……另有 {count} 项，见 --json"},
    "missing": {"en": "(none)", "zh": "（无）"},
}


def _word(key: str, language: Language) -> str:
    return _WORDS[key][language.value]


def _console() -> Console:
    return Console(highlight=False, emoji=False, markup=False)


def one_line(text: str) -> str:
    """Text for a single line of a terminal, whatever a file name holds."""
    return printable(text).replace("\n", " ").replace("\t", " ")


def show_error(sentence: str) -> None:
    """Print an error on stderr."""
    print(f"Error: {one_line(sentence)}", file=sys.stderr)


def busy(words: str) -> Status:
    """A turning sign on stderr while something takes time; nothing where that is no terminal."""
    return Console(stderr=True).status(words)


def print_json(results: list[dict[str, Any]]) -> None:
    """Print the results as one JSON document on stdout."""
    document = {"schema_version": SCHEMA_VERSION, "results": results}
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def show(outcome: Outcome) -> None:
    """Print one result laid out for people."""
    result = outcome.result
    title = _word(type(result).__name__.lower(), result.language)
    _console().print(
        Panel(
            Group(_banner(result), *_body(result), *_footer(result)),
            title=Text(f"{title} · {one_line(outcome.path)}"),
            title_align="left",
            padding=(0, 1),
        )
    )


def show_stream(outcome: Outcome, pieces: Generator[str, None, Answer]) -> None:
    """Print an answer as it is written, then what there is to know about it."""
    console = _console()
    console.print(Rule(Text(one_line(outcome.path)), align="left"))
    while True:
        try:
            piece = next(pieces)
        except StopIteration as end:
            answer = end.value
            break
        sys.stdout.write(piece)
        sys.stdout.flush()
    console.print()
    console.print(Group(_banner(answer), *_footer(answer)))


def _banner(result: Report | Diagnosis | Answer) -> RenderableType:
    return Text(_word("preliminary", result.language), style="bold yellow")


def _body(result: Report | Diagnosis | Answer) -> list[RenderableType]:
    if isinstance(result, Report):
        return _report(result)
    return _diagnosis(result) if isinstance(result, Diagnosis) else _answer(result)


def _report(report: Report) -> list[RenderableType]:
    parts = [("findings", report.findings), ("impression", report.impression)]
    if report.recommendation:
        parts.append(("recommendation", report.recommendation))
    body: list[RenderableType] = []
    for key, text in parts:
        body += [
            Text(),
            Text(_word(key, report.language), style="bold"),
            Text(text or _word("missing", report.language)),
        ]
    return body


def _diagnosis(diagnosis: Diagnosis) -> list[RenderableType]:
    table = Table.grid(padding=(0, 2))
    for candidate in diagnosis.candidates[:_MOST_ROWS]:
        table.add_row(
            Text(printable(candidate.name)),
            Text(f"{candidate.probability:6.1%}"),
            Bar(1.0, 0.0, candidate.probability, width=24),
        )
    more = len(diagnosis.candidates) - _MOST_ROWS
    rest = [Text(_word("more", diagnosis.language).format(count=more))] if more > 0 else []
    return [Text(), table, *rest]


def _answer(answer: Answer) -> list[RenderableType]:
    return [Text(), Text(answer.text or _word("missing", answer.language))]


def _footer(result: Report | Diagnosis | Answer) -> list[RenderableType]:
    language = result.language
    lines = [
        Text(f"{_word('warning', language)}: {one_line(warning)}", style="yellow")
        for warning in result.warnings
    ]
    model = f"{_word('model', language)}: {printable(result.model)} {result.model_version}"
    return [Text(), *lines, Text(model, style="dim")]
