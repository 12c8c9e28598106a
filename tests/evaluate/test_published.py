"""The paper's numbers, and ours beside them."""

from __future__ import annotations

from itertools import product

import pytest
from rich.console import Console

from echovlm.errors import OptionError
from echovlm.evaluate.published import (
    MEASURED,
    PUBLISHED,
    MeasuredRow,
    compare_with_published,
    published_rows,
)
from echovlm.terms import Anatomy

_TEXT = ("BLEU-1", "ROUGE-1", "ROUGE-L", "METEOR", "BERTScore")
_OURS = "EchoVLM-11B"


def _value(table, model, metric, anatomy="average", task=None):
    (row,) = [
        row
        for row in published_rows(table, metric, anatomy)
        if row.model == model and task in (None, row.task)
    ]
    return row.value


def test_tables_2_and_3_are_complete():
    for table in (2, 3):
        found = [(row.model, row.anatomy, row.metric) for row in published_rows(table)]
        models = {model for model, _, _ in found}
        assert len(models) == 12
        assert set(found) == set(product(models, [*Anatomy, "average"], _TEXT))
        assert len(found) == 12 * 8 * 5


def test_partial_tables_hold_what_they_say():
    counts = {table: len(published_rows(table)) for table in (4, 5, 6, 7, 8, 10, 11, 12)}
    assert counts == {
        4: 5 * 12 + 7 * 5 + 7,
        5: 3 * 5 * 2,
        6: 3 * 5 * 2,
        7: 3 * 5 * 4 + 4,
        8: 4 * 12 + 7 * 4,
        10: 4 * 12 + 7,
        11: 5 * 12 + 3 * 5,
        12: 2 * 12,
    }


@pytest.mark.parametrize("table", [2, 3])
def test_averages_are_unweighted_means_of_the_seven_anatomies(table):
    for model in {row.model for row in published_rows(table)}:
        for metric in _TEXT:
            parts = [_value(table, model, metric, anatomy) for anatomy in Anatomy]
            assert sum(parts) / 7 == pytest.approx(_value(table, model, metric), abs=0.011)


@pytest.mark.parametrize(
    ("table", "metrics"),
    [
        (4, _TEXT),
        (8, ("Hamming accuracy", "macro precision", "macro recall", "macro F1")),
        (10, ("macro F1",)),
        (11, _TEXT),
    ],
)
def test_averages_of_the_published_system_are_means_of_its_anatomies(table, metrics):
    for metric in metrics:
        parts = [
            row.value
            for row in published_rows(table, metric)
            if row.model == _OURS and row.anatomy != "average"
        ]
        assert len(parts) == (3 if table == 11 else 7)
        average = _value(table, _OURS, metric)
        assert sum(parts) / len(parts) == pytest.approx(average, abs=0.011)


@pytest.mark.parametrize(
    ("table", "variant"), [(5, "with shared expert"), (6, "top-2"), (7, "4 routed experts")]
)
def test_the_full_variant_of_each_ablation_is_the_published_system(table, variant):
    for main, task in ((2, "report"), (3, "diagnosis"), (4, "vqa")):
        for metric in _TEXT:
            assert _value(table, variant, metric, task=task) == _value(main, _OURS, metric)


def test_a_printed_number_says_where_it_stands():
    (row,) = [r for r in published_rows(2, "BLEU-1", "breast") if r.model == "Qwen2-VL-7B"]
    assert row.value == 41.74
    assert row.source == "arXiv 2509.14977v2 (ACL 2026, long paper 494), Table 2, breast, BLEU-1"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((9,), "Table 9 is not among the published ones: 2, 3, 4, 5, 6, 7, 8, 10, 11, 12"),
        ((2, "CIDEr"), "has no metric 'CIDEr'; it has BLEU-1, ROUGE-1"),
        ((11, None, "heart"), "has no anatomy 'heart'; it has average, breast, liver, thyroid"),
    ],
)
def test_what_the_paper_does_not_have_is_named(arguments, sentence):
    with pytest.raises(OptionError, match=sentence):
        published_rows(*arguments)


def _measured(system="nano", metric="BLEU-1", anatomy="average", signature="char", **more):
    return MeasuredRow(
        system, "report", anatomy, metric, 30.0, 28.5, 31.5, signature=signature, **more
    )


def test_a_comparison_marks_what_is_published_and_what_is_measured():
    compared = compare_with_published([_measured()], 2)
    assert [row.origin for row in compared.rows] == [PUBLISHED] * 12 + [MEASURED]
    assert {row.metric for row in compared.rows} == {"BLEU-1"}
    assert {row.anatomy for row in compared.rows} == {"average"}
    text = compared.markdown()
    assert "| average | EchoVLM-11B | published | 53.87 |" in text
    assert "| average | nano | measured | 30.00 (28.50 to 31.50) |" in text
    assert "- BLEU-1: char" in text


def test_every_comparison_warns_that_levels_cannot_be_compared():
    compared = compare_with_published([_measured()], 2)
    assert "neither tokeniser" in compared.warnings[0]
    assert compared.warnings[0] in compared.markdown()


def test_different_signatures_and_numbers_without_a_place_are_told():
    rows = [_measured(), _measured("base", signature="jieba"), _measured(metric="CIDEr")]
    warnings = compare_with_published(rows, 2).warnings
    assert any("do not compare: they differ in" in warning for warning in warnings)
    assert "1 measured numbers have no place in this table and are not shown." in warnings


def test_nothing_to_compare_is_an_error():
    with pytest.raises(OptionError, match="Nothing measured has a place in Table 3"):
        compare_with_published([_measured()], 3)


def test_the_terminal_shows_systems_and_warning():
    console = Console(width=140, record=True, file=None, quiet=False)
    with console.capture() as captured:
        console.print(compare_with_published([_measured(anatomy="breast")], 2).terminal())
    shown = captured.get()
    assert "nano" in shown
    assert "50.76" in shown
    assert "not public" in shown
