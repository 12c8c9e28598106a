"""What the tests of the rule tables share."""

import pytest

from echovlm.rads.table import load


@pytest.fixture
def unused_rows():
    """Names of the rows of a table that none of the results rests on."""

    def _unused(name, results, *, without=()):
        every = {
            row["row"]
            for group, rows in load(name).groups.items()
            if group not in without
            for row in rows
        }
        return every - {used.row for result in results for used in result.provenance}

    return _unused


BAD_NUMBERS = (float("nan"), float("inf"), -float("inf"), -1.0, -0.001, "12", True, 10**400)


@pytest.fixture(params=BAD_NUMBERS, ids=lambda value: str(value)[:8])
def bad_number(request):
    """What is never a size, a velocity or a percentage."""
    return request.param
