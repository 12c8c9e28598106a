"""Discovers the recorded cases and prints the parity table after the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest
from oracle import ORACLE, Case, cases

Rows = dict[str, dict[str, str]]
_ROWS = pytest.StashKey[Rows]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ROWS] = defaultdict(dict)
    config.addinivalue_line("markers", "recorded(where): run on the recorded cases that fit")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for ``case`` every recorded case that its marker accepts."""
    if "case" not in metafunc.fixturenames:
        return
    found = cases()
    marker = metafunc.definition.get_closest_marker("recorded")
    if marker is not None:
        found = [case for case in found if marker.kwargs["where"](case)]
    absent = pytest.mark.skip(f"needs recorded outputs in {ORACLE}, where none fit")
    metafunc.parametrize("case", found or [pytest.param(None, marks=absent)], ids=str)


@pytest.fixture
def note(request: pytest.FixtureRequest, case: Case) -> Callable[[str, str], None]:
    """Write a figure into the case's row of the parity table."""
    rows = request.config.stash[_ROWS]

    def write(column: str, figure: str) -> None:
        rows[str(case)][column] = figure

    return write


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows: Rows = terminalreporter.config.stash[_ROWS]
    if not rows:
        return
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    table = [["case", *columns]]
    table += [[name, *(row.get(c, "") for c in columns)] for name, row in sorted(rows.items())]
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    terminalreporter.section("parity with the published network (largest differences)")
    for line in table:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        terminalreporter.write_line("  ".join(cells).rstrip())
