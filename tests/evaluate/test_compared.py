"""Rows of an evaluation beside the paper's tables."""

from __future__ import annotations

import json

import pytest

from echovlm.errors import DataError
from echovlm.evaluate.compared import measured_rows
from echovlm.evaluate.published import MEASURED, compare_with_published
from echovlm.terms import Language


def row(task, metric, value, anatomy="average", language="zh", anatomies=("breast", "liver")):
    entry = {"value": value, "low": value, "high": None, "looks": {}}
    return {
        "task": task,
        "language": language,
        "metric": metric,
        "anatomy": anatomy,
        "anatomies": list(anatomies),
        "signature": "s",
        "systems": {"nano": entry},
    }


def written(folder, rows, manifest="set one"):
    folder.mkdir(exist_ok=True)
    path = folder / "results.json"
    path.write_text(json.dumps({"about": {"manifest": manifest}, "rows": rows}), "utf-8")
    return path


@pytest.fixture
def results(tmp_path):
    rows = [
        row("report", "BLEU-1", 51.0),
        row("report", "entities Hamming", 0.81),
        row("report", "entities F1", 0.5, "breast"),
        row("impression", "entities F1", 0.62),
        row("impression", "entities F1", 0.9, language="en"),
        row("findings", "entities F1", 0.7),
        row("report", "entities recall", None),
    ]
    return written(tmp_path, rows)


def test_entities_have_the_names_and_the_scale_of_the_paper(results):
    measured = measured_rows([results], Language.CHINESE)
    found = [(one.task, one.anatomy, one.metric, one.value, one.low, one.high) for one in measured]
    assert found == [
        ("report", "average", "BLEU-1", 51.0, 51.0, None),
        ("report", "average", "Hamming accuracy", 81.0, 81.0, None),
        ("report", "breast", "macro F1", 50.0, 50.0, None),
        ("diagnosis", "average", "macro F1", 62.0, 62.0, None),
    ]


@pytest.mark.parametrize(
    ("table", "ours"),
    [
        (8, {("average", "Hamming accuracy", 81.0), ("breast", "macro F1", 50.0)}),
        (10, {("average", "macro F1", 62.0)}),
    ],
)
def test_tables_of_entities_stand_beside_ours_with_a_warning(results, table, ours):
    compared = compare_with_published(measured_rows([results], Language.CHINESE), table)
    measured = {(one.anatomy, one.metric, one.value) for one in compared.rows
                if one.origin == MEASURED}  # fmt: skip
    assert measured == ours
    assert any("list of entities" in warning for warning in compared.warnings)


def test_the_warning_on_entities_stands_beside_them_alone(results):
    compared = compare_with_published(measured_rows([results], Language.CHINESE), 2)
    assert not any("list of entities" in warning for warning in compared.warnings)


@pytest.mark.parametrize("text", ["", "[]", '{"rows": [{}]}', '{"rows": 1}'])
def test_what_is_no_result_is_refused(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match="is no result of an evaluation"):
        measured_rows([path], Language.ENGLISH)
    with pytest.raises(DataError, match="cannot be read"):
        measured_rows([tmp_path / "absent.json"], Language.ENGLISH)


def test_a_system_of_two_results_is_told_apart_and_two_test_sets_are_warned_of(tmp_path):
    rows = [row("report", "BLEU-1", 51.0)]
    paths = [written(tmp_path / name, rows, manifest=name) for name in ("first", "second")]
    measured = measured_rows(paths, Language.CHINESE)
    assert [one.system for one in measured] == ["nano (first)", "nano (second)"]
    compared = compare_with_published(measured, 2)
    assert any("several test sets" in warning for warning in compared.warnings)


def test_the_average_over_one_anatomy_stands_beside_the_paper_s_of_it(tmp_path):
    path = written(tmp_path, [row("report", "BLEU-1", 51.0, anatomies=["liver"])])
    assert [one.anatomy for one in measured_rows([path], Language.CHINESE)] == ["liver"]
