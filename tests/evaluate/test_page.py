"""The worst cases of the page, with what is wrong with the first system's text."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from echovlm.data.sample import Split
from echovlm.evaluate.evaluation import PAGE, Contender, Plan, evaluate, read_plan
from echovlm.evaluate.page import WorstCase, page
from echovlm.evaluate.systems import Reply
from echovlm.prompts import Task
from echovlm.terms import Language


class Careless:
    """Says the same of every study."""

    name, version, temperature, sees = "careless", "1", 1.0, False

    def replies(self, asked):
        return [Reply("A mass that measures 12 x 9.") for _ in asked]


@pytest.fixture(scope="module")
def finished(built_set, tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    plan = Plan(
        built_set,
        Split.TRAIN,
        tasks=(Task.FINDINGS,),
        languages=(Language.ENGLISH,),
        most=1,
        resamples=100,
    )
    quiet = Console(file=io.StringIO())
    result = evaluate(plan, read_plan(plan), [Contender(Careless(), "scripted")], out, quiet)
    return result, (out / PAGE).read_text("utf-8")


def worst(*remarks):
    return WorstCase(
        id="a",
        system="nano",
        anatomy="breast",
        language="en",
        metric="ROUGE-L",
        score=12.0,
        reference="Left breast mass.",
        texts={"nano": "Right breast mass.", "other": "Left breast mass."},
        remarks=remarks,
        pictures=[np.zeros((8, 8, 3), dtype=np.uint8)],
    )


def test_worst_cases_show_what_is_wrong_with_their_text(finished):
    assert "<li>12 has no unit.</li>" in finished[1]


def test_remarks_stand_below_the_text_they_are_about(finished):
    shown = page(finished[0], [], [worst("The text says right, but the reference says left.")])
    before, behind = shown.split("<li>The text says right, but the reference says left.</li>")
    assert before.rindex("Right breast mass.") > before.rindex("<h4>nano, preliminary</h4>")
    assert "<h4>other, preliminary</h4>" in behind


@pytest.mark.parametrize("remarks", [(), ("<i>",)])
def test_remarks_are_escaped_and_absent_where_there_are_none(finished, remarks):
    shown = page(finished[0], [], [worst(*remarks)])
    assert ('<ul class="remarks">' in shown) == bool(remarks)
    assert "<i></li>" not in shown
