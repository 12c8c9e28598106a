"""A whole evaluation: what is asked, written and drawn, and that a stopped one goes on."""

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from echovlm.data.sample import Split
from echovlm.errors import DataError, OptionError
from echovlm.evaluate import tables
from echovlm.evaluate.evaluation import (
    PAGE,
    RESULTS,
    TABLES,
    Contender,
    Plan,
    evaluate,
    read_plan,
)
from echovlm.evaluate.perturb import Perturbation
from echovlm.evaluate.systems import MostFrequent, Reply
from echovlm.prompts import Task

QUIET = Console(file=io.StringIO(), width=120)


class Told:
    """Knows every answer where it sees more than grey; else it guesses."""

    version, temperature, sees = "1", 1.0, True

    def __init__(self, name="told", *, looks=True):
        self.name, self._looks, self.asked = name, looks, 0

    def replies(self, asked):
        self.asked += len(asked)
        return [self._reply(one) for one in asked]

    def _reply(self, one):
        seen = any(np.ptp(picture) > 0 for picture in one.pictures)
        knows = seen or not self._looks
        if one.item.candidates:
            right = one.item.candidates.index(one.item.reference) if knows else 0
            return Reply(likelihoods=tuple(0.0 if n == right else -9.0
                                           for n in range(len(one.item.candidates))))  # fmt: skip
        return Reply(one.item.reference if knows else "nothing")


@pytest.fixture(scope="module")
def plan(built_set):
    return Plan(
        built_set,
        Split.TRAIN,
        most=2,
        looks=(Perturbation.BLANK, Perturbation.TEXT_ONLY),
        resamples=100,
    )


@pytest.fixture(scope="module")
def items(plan):
    return read_plan(plan)


@pytest.fixture(scope="module")
def finished(plan, items, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluation") / "out"
    contenders = [
        Contender(Told(), "scripted", lambda asked: np.full((2, 4), 0.25)),
        Contender(Told("blindfold", looks=False), "scripted"),
        Contender(MostFrequent(items.chosen), "baseline"),
    ]
    return evaluate(plan, items, contenders, out, QUIET), out


def row(result, task, metric, language="en", anatomy="average"):
    return next(
        r
        for r in result["rows"]
        if (r["task"], r["metric"], r["language"], r["anatomy"])
        == (task, metric, language, anatomy)
    )


@pytest.mark.parametrize(
    ("task", "metric", "best"),
    [
        ("report", "BLEU-1", 100),
        ("impression", "ROUGE-L", 100),
        ("diagnosis", "balanced accuracy", 1),
        ("anatomy", "accuracy", 1),
        ("choice", "accuracy", 1),
        ("judge", "accuracy", 1),
        ("findings", "facts F1", 1),
    ],
)
def test_who_knows_every_answer_scores_best_and_nothing_without_pictures(
    finished, task, metric, best
):
    for language in ("en", "zh"):
        told = row(finished[0], task, metric, language)["systems"]["told"]
        assert told["value"] == pytest.approx(best, abs=1e-4 * best)
        for look in ("blank", "text-only"):
            assert told["looks"][look]["value"] < 0.8 * best
            assert told["looks"][look]["difference"] > 0.2 * best


def test_a_system_that_does_not_look_is_named(finished):
    result, _ = finished
    entry = row(result, "report", "BLEU-1")["systems"]["blindfold"]
    assert entry["looks"]["blank"]["blind"]
    assert not row(result, "report", "BLEU-1")["systems"]["told"]["looks"]["blank"]["blind"]
    assert any(note.startswith("blindfold is not shown to look") for note in result["notes"])
    assert not any(note.startswith("told ") for note in result["notes"])
    assert "looks" in row(result, "report", "BLEU-1")["systems"]["most frequent answer"]
    assert row(result, "report", "BLEU-1")["systems"]["most frequent answer"]["looks"] == {}


def test_every_number_carries_a_signature_and_the_result_says_how_to_repeat_it(finished, plan):
    result, out = finished
    assert all(r["signature"] for r in result["rows"])
    about = result["about"]
    assert (about["seed"], about["resamples"], about["preset"]) == (0, 100, "default")
    names = [one["name"] for one in about["systems"]]
    assert names == ["told", "blindfold", "most frequent answer"]
    assert len(about["manifest"]) == 64
    assert json.loads((out / RESULTS).read_text("utf-8")) == json.loads(json.dumps(result))


def test_systems_are_compared_with_p_corrected(finished):
    result, _ = finished
    found = [c for c in result["comparisons"] if (c["task"], c["metric"]) == ("report", "ROUGE-L")]
    assert {(c["one"], c["other"]) for c in found} == {
        ("told", "blindfold"),
        ("told", "most frequent answer"),
    }
    equal = next(c for c in found if c["other"] == "blindfold")
    assert (equal["difference"], equal["p"], equal["p_corrected"]) == (0, 1, 1)
    assert all(c["p_corrected"] >= c["p"] for c in result["comparisons"])


def test_the_page_needs_no_other_file_and_escapes_what_models_write(plan, items, tmp_path):
    class Evil(Told):
        def _reply(self, one):
            reply = super()._reply(one)
            return reply if reply.likelihoods else Reply("<script>alert(1)</script>")

    few = dataclasses.replace(plan, tasks=(Task.REPORT,), looks=())
    evaluate(few, read_plan(few), [Contender(Evil("<b>evil</b>"), "scripted")], tmp_path, QUIET)
    page = (tmp_path / PAGE).read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>evil</b>" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_tables_show_intervals_dependence_and_warnings(finished):
    result, out = finished
    text = (out / TABLES).read_text("utf-8")
    assert "| report | en | average | BLEU-1 |" in text
    assert "Δ blank +100.0" in text
    assert tables.BLIND in text
    assert "## Signatures" in text
    console = Console(file=io.StringIO(), width=200)
    console.print(tables.terminal(result))
    assert "Δ text-only" in console.file.getvalue()


def test_the_page_shows_worst_cases_and_routing(finished):
    page = (finished[1] / PAGE).read_text("utf-8")
    assert "Worst cases" in page
    assert "bound method" not in page
    assert "share of the router" in page
    assert page.count("data:image/svg+xml;base64,") >= 4
    assert "data:image/jpeg;base64," in page


def test_a_stopped_evaluation_goes_on_without_asking_again(plan, items, tmp_path):
    class Stops(Told):
        def replies(self, asked):
            if self.asked > 100:
                raise KeyboardInterrupt
            return super().replies(asked)

    few = dataclasses.replace(plan, looks=())
    first = Stops()
    with pytest.raises(KeyboardInterrupt):
        evaluate(few, items, [Contender(first, "scripted")], tmp_path, QUIET)
    second = Told()
    evaluate(few, items, [Contender(second, "scripted")], tmp_path, QUIET)
    assert first.asked + second.asked == len(items.chosen)
    third = Told()
    evaluate(few, items, [Contender(third, "scripted")], tmp_path, QUIET)
    assert third.asked == 0


def test_several_processes_ask_their_own_studies_and_the_first_scores(plan, items, tmp_path):
    few = dataclasses.replace(plan, looks=())
    other, first = Told(), Told()
    assert evaluate(few, items, [Contender(other, "s")], tmp_path, QUIET, (1, 2)) == {}
    result = evaluate(few, items, [Contender(first, "s")], tmp_path, QUIET, (0, 2))
    assert first.asked + other.asked == len(items.chosen)
    assert min(first.asked, other.asked) > 0
    assert row(result, "report", "BLEU-1")["systems"]["told"]["value"] == pytest.approx(100)


def test_another_version_does_not_take_over_old_replies(plan, items, tmp_path):
    few = dataclasses.replace(plan, tasks=(Task.ANATOMY,), looks=())
    chosen = read_plan(few)
    evaluate(few, chosen, [Contender(Told(), "s")], tmp_path, QUIET)
    newer = Told()
    newer.version = "2"
    with pytest.raises(DataError, match="holds replies with another version"):
        evaluate(few, chosen, [Contender(newer, "s")], tmp_path, QUIET)


def test_systems_need_names_of_their_own(plan, items, tmp_path):
    with pytest.raises(OptionError, match="Two systems are called 'told'"):
        evaluate(plan, items, [Contender(Told(), "s")] * 2, tmp_path, QUIET)
    with pytest.raises(OptionError, match="There is no system to evaluate"):
        evaluate(plan, items, [], tmp_path, QUIET)
    with pytest.raises(OptionError, match="There is no preset 'blue'"):
        read_plan(dataclasses.replace(plan, preset="blue"))
