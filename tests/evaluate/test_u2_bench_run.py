"""U2-BENCH from end to end: what is asked, with which picture, what it scores, what is refused."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console
from u2_bench_folder import ANSWERS, GREYS, SCORES, UNMEASURED, grey, write_benchmark, write_file

from echovlm.errors import DataError, OptionError
from echovlm.evaluate import u2_bench_tables
from echovlm.evaluate.evaluation import Contender
from echovlm.evaluate.predictions import Predictions
from echovlm.evaluate.systems import Reply
from echovlm.evaluate.u2_bench import Task
from echovlm.evaluate.u2_bench_metrics import WEIGHTS
from echovlm.evaluate.u2_bench_questions import Pictures, Plan, known_ids, read_questions
from echovlm.evaluate.u2_bench_run import ABOUT_THE_DATA, RESULTS, TABLES, evaluate

QUIET = Console(file=io.StringIO(), width=120)


class Scripted:
    """Says what it was told to, and remembers what it was handed."""

    version, temperature, sees = "1", 1.0, True

    def __init__(self, name="scripted", answers=ANSWERS, most=1000):
        self.name, self._answers, self._most = name, answers, most
        self.handed = {}

    def replies(self, asked):
        if len(self.handed) + len(asked) > self._most:
            raise KeyboardInterrupt
        self.handed |= {one.item.id: one for one in asked}
        return [Reply(self._answers[one.item.id]) for one in asked]


@pytest.fixture
def plan(tmp_path):
    return Plan(write_benchmark(tmp_path / "u2-bench"), resamples=200)


def run(plan, out, *systems, share=(0, 1)):
    contenders = [Contender(system, "scripted") for system in systems]
    return evaluate(plan, read_questions(plan), contenders, out, QUIET, share)


def scores(result, name):
    return {(row["task"], row["metric"]): row["systems"].get(name) for row in result["rows"]}


# --- what is asked ---


def test_every_question_comes_once_with_the_picture_of_its_row(plan, tmp_path):
    system = Scripted()
    run(plan, tmp_path / "out", system)
    assert set(system.handed) == set(ANSWERS)
    for name, asked in system.handed.items():
        (picture,) = asked.pictures
        assert picture.shape == (40, 48, 3)
        assert np.unique(picture) == [GREYS[name.removesuffix(":box")]]


def test_questions_are_open_and_in_the_words_of_the_benchmark(plan):
    items = {item.id: item for item in read_questions(plan).items}
    assert items["disease_diagnosis/21.tsv:0"].question == "Which?\nbenign, malignant"
    assert "bounding box of the tumor" in items["lesion_localisation/23.tsv:0:box"].question
    assert not any(item.candidates for item in items.values())
    assert "lesion_localisation/23.tsv:1:box" not in items
    assert UNMEASURED not in items


def test_questions_hold_no_picture_and_pictures_come_back_in_any_order(plan):
    questions = read_questions(plan)
    assert not any(sample.picture for sample in questions.samples)
    pictures = Pictures(plan.folder)
    for item in [*reversed(questions.items), *questions.items, questions.items[0]]:
        assert pictures(item)[0].max() == GREYS[item.study]


def test_a_share_of_each_file_is_chosen_by_the_seed(plan):
    few = dataclasses.replace(plan, most=1)
    chosen = [sample.id for sample in read_questions(few).samples]
    assert len({name.rpartition(":")[0] for name in chosen}) == len(chosen) == 9
    assert chosen == [sample.id for sample in read_questions(few).samples]
    seeds = {
        tuple(one.id for one in read_questions(dataclasses.replace(few, seed=seed)).samples)
        for seed in range(8)
    }
    assert len(seeds) > 1


def test_every_row_and_box_is_an_id_that_may_be_predicted(plan):
    known = known_ids(plan.folder)
    assert known >= set(GREYS) | set(ANSWERS)
    assert "lesion_localisation/23.tsv:2" not in known


# --- what it scores ---


def test_every_score_is_the_one_computed_by_hand(plan, tmp_path):
    found = scores(run(plan, tmp_path / "out", Scripted()), "scripted")
    for key, value in SCORES.items():
        assert found[key]["value"] == pytest.approx(value), key


def test_intervals_are_over_patients(plan, tmp_path):
    found = scores(run(plan, tmp_path / "out", Scripted()), "scripted")
    # One patient drawn again and again is always the same.
    view = found["view_recognition_and_assessment", "accuracy"]
    assert (view["low"], view["high"]) == (1, 1)
    # Two patients, one right: both wrong or both right in a quarter of the resamples each.
    lesion = found["lesion_localisation", "accuracy"]
    assert (lesion["low"], lesion["high"]) == (0, 1)


def test_the_result_says_how_to_repeat_it(plan, tmp_path):
    result = run(plan, tmp_path / "out", Scripted())
    assert result == json.loads((tmp_path / "out" / RESULTS).read_text("utf-8"))
    about = result["about"]
    assert (about["questions"], about["boxes"], about["files"]) == (12, 2, 9)
    assert (about["seed"], about["resamples"], about["most"]) == (0, 200, 0)
    assert about["weights"] == {str(task): weight for task, weight in WEIGHTS.items()}
    assert about["systems"] == [{"name": "scripted", "kind": "scripted", "version": "1"}]
    assert len(about["digest"]) == 64
    assert all(row["signature"] for row in result["rows"])
    assert result["notes"] == [
        ABOUT_THE_DATA,
        "Rows without a measured value, which are not asked about: 1.",
    ]


def test_tables_show_scores_signatures_and_the_licence(plan, tmp_path):
    silent = dict.fromkeys(ANSWERS, "")
    result = run(plan, tmp_path / "out", Scripted(), Scripted("a|b", silent))
    text = (tmp_path / "out" / TABLES).read_text("utf-8")
    assert "| all tasks | U2-score | 12 | 11 | 0.7147 (" in text
    assert "a\\|b" in text
    assert "| clinical_value_estimation | RMSE (lower is better) | 1 | 1 |" in text
    assert "CC BY-NC-ND 4.0" in text
    assert "verified from public code only" in text
    assert "organ_detection 0.27" in text
    assert "- report_generation, BLEU-4: `" in text
    console = Console(file=io.StringIO(), width=200)
    console.print(u2_bench_tables.terminal(result))
    shown = console.file.getvalue()
    assert "0.7147 (" in shown
    assert "undefined" in shown  # no value answered, so neither an error nor a U2-score


def test_two_systems_are_compared_on_the_same_patients(plan, tmp_path):
    result = run(plan, tmp_path / "out", Scripted(), Scripted("twin"))
    apart = {(one["task"], one["metric"]): one for one in result["comparisons"]}
    assert apart["all tasks", "U2-score"]["difference"] == 0
    assert apart["all tasks", "U2-score"]["p"] == 1
    assert "scripted less twin" in (tmp_path / "out" / TABLES).read_text("utf-8")


def test_a_part_of_the_tasks_has_no_u2_score_and_says_so(plan, tmp_path):
    part = dataclasses.replace(plan, tasks=(Task.CAPTION, Task.REPORT), most=5)
    result = run(part, tmp_path / "out", Scripted())
    assert {row["task"] for row in result["rows"]} == {"report_generation", "caption_generation"}
    assert any(
        note.startswith("There is no U2-score: it needs all eight tasks; missing: disease_")
        for note in result["notes"]
    )
    assert (
        "At most 5 questions of each file were asked: a part of the benchmark." in result["notes"]
    )


def test_a_task_that_a_system_passes_on_has_a_dash(plan, tmp_path):
    class Passes(Scripted):
        def replies(self, asked):
            said = super().replies(asked)
            return [
                None if one.item.id.startswith("report") else reply
                for one, reply in zip(asked, said, strict=True)
            ]

    found = scores(run(plan, tmp_path / "out", Scripted(), Passes("passes")), "passes")
    assert found["report_generation", "BLEU-4"] is None
    assert found["all tasks", "U2-score"] is None
    assert found["view_recognition_and_assessment", "accuracy"]["value"] == 1


def test_questions_that_a_system_would_not_take_are_told(plan, tmp_path):
    class Refuses(Scripted):
        def replies(self, asked):
            said = super().replies(asked)
            return [
                Reply(refused=True) if one.item.id.startswith("caption") else reply
                for one, reply in zip(asked, said, strict=True)
            ]

    result = run(plan, tmp_path / "out", Refuses())
    assert any(note.startswith("scripted would not take 1 of 14") for note in result["notes"])


# --- files of predictions ---


def predictions(path, questions, known, answers):
    rows = [json.dumps({"id": name, "text": text}) for name, text in answers.items()]
    path.write_text("\n".join(rows), encoding="utf-8")
    return Predictions(path, questions.items, known)


def test_predictions_for_the_benchmark_alone_are_scored_without_boxes(plan, tmp_path):
    answers = {name: text for name, text in ANSWERS.items() if not name.endswith(":box")}
    answers[UNMEASURED] = "60"  # a row that is not asked may be predicted
    del answers["caption_generation/10.tsv:0"]
    system = predictions(
        tmp_path / "other.jsonl", read_questions(plan), known_ids(plan.folder), answers
    )
    result = run(plan, tmp_path / "out", system)
    found = scores(result, "other")
    assert found["all tasks", "U2-score"]["value"] == pytest.approx(SCORES["all tasks", "U2-score"])
    assert ("lesion_localisation, boxes", "IoU") not in found
    assert result["notes"][-2:] == [
        "other has no answer to 1 of 12 questions; they count as wrong, clinical values as not "
        "answered.",
        "other has no answer to any question for a box, so its IoU is left out.",
    ]


def test_predictions_with_boxes_are_scored_with_them(plan, tmp_path):
    system = predictions(
        tmp_path / "other.jsonl", read_questions(plan), known_ids(plan.folder), ANSWERS
    )
    found = scores(run(plan, tmp_path / "out", system), "other")
    assert found["lesion_localisation, boxes", "IoU"]["value"] == pytest.approx(0.5)


# --- stopped runs, several processes ---


def test_a_stopped_run_goes_on_without_asking_again(plan, tmp_path):
    part = dataclasses.replace(plan, tasks=(Task.DISEASE_DIAGNOSIS,))
    run(part, tmp_path / "out", Scripted())
    with pytest.raises(KeyboardInterrupt):
        run(plan, tmp_path / "out", Scripted(most=3))
    second = Scripted()
    result = run(plan, tmp_path / "out", second)
    assert set(second.handed) == {name for name in ANSWERS if not name.startswith("disease")}
    assert scores(result, "scripted")["disease_diagnosis", "accuracy"]["value"] == pytest.approx(
        1 / 3
    )
    third = Scripted(most=0)
    assert run(plan, tmp_path / "out", third) == result


def test_several_processes_ask_their_own_pictures_and_the_first_scores(plan, tmp_path):
    other, first = Scripted(), Scripted()
    assert run(plan, tmp_path / "out", other, share=(1, 2)) == {}
    result = run(plan, tmp_path / "out", first, share=(0, 2))
    assert set(first.handed) | set(other.handed) == set(ANSWERS)
    assert not set(first.handed) & set(other.handed)
    assert (
        "lesion_localisation/23.tsv:0:box"
        in (first if "lesion_localisation/23.tsv:0" in first.handed else other).handed
    )
    assert scores(result, "scripted")["all tasks", "U2-score"]["value"] == pytest.approx(
        SCORES["all tasks", "U2-score"]
    )


# --- bad input ---


def test_replies_of_another_version_or_benchmark_are_refused(plan, tmp_path):
    run(plan, tmp_path / "out", Scripted())
    newer = Scripted()
    newer.version = "2"
    with pytest.raises(DataError, match="holds replies with another version"):
        run(plan, tmp_path / "out", newer)
    write_file(plan.folder, Task.CAPTION, "10", {"caption": "a fetal foot is seen"})
    with pytest.raises(DataError, match="holds replies with another data"):
        run(plan, tmp_path / "out", Scripted())


def test_systems_need_names_of_their_own(plan, tmp_path):
    with pytest.raises(OptionError, match="Two systems are called 'scripted'"):
        run(plan, tmp_path / "out", Scripted(), Scripted())
    with pytest.raises(OptionError, match="There is no system to evaluate"):
        run(plan, tmp_path / "out")


@pytest.mark.parametrize(
    ("task", "row", "sentence"),
    [
        (Task.CAPTION, {"caption": ""}, r"new\.tsv: row 0 has no caption"),
        (Task.CAPTION, {"caption": "x", "img_data": "bildé"}, "a picture that is not base64"),
        (Task.ORGAN_DETECTION, {"gt_bbox": "[{'a': ['b', 1, 1, 1]}]"}, "that are no numbers"),
        (Task.CLINICAL_VALUE, {"measurement": '{"EF": 3}'}, "without a published range"),
    ],
)
def test_what_cannot_be_scored_is_told_before_anything_is_asked(plan, task, row, sentence):
    write_file(plan.folder, task, "new", row)
    with pytest.raises(DataError, match=sentence):
        read_questions(plan)


def test_a_row_of_a_task_that_is_not_asked_is_no_obstacle(plan):
    write_file(plan.folder, Task.CAPTION, "new", {"caption": ""})
    part = dataclasses.replace(plan, tasks=(Task.REPORT,))
    assert len(read_questions(part).samples) == 1
    assert "caption_generation/new.tsv:0" in known_ids(plan.folder)


def test_a_file_cut_in_the_middle_of_a_picture_is_named(plan):
    path = plan.folder / Task.CAPTION / "10.tsv"
    whole = path.read_text("utf-8")
    path.write_text(whole[: whole.index(grey(130)) + 41], encoding="utf-8")
    with pytest.raises(DataError, match=r"10\.tsv: row 0 has"):
        read_questions(plan)


def test_a_damaged_picture_is_named_when_it_is_asked_about(plan, tmp_path):
    write_file(plan.folder, Task.REPORT, "99", {"report": "x", "img_data": "bm9uZQ=="})
    with pytest.raises(DataError, match=r"report_generation/99\.tsv:0: has a damaged picture"):
        run(plan, tmp_path / "out", Scripted())


def test_a_benchmark_that_changes_during_a_run_is_told(plan):
    item = read_questions(plan).items[2]
    path = plan.folder / item.images[0]
    with open(path, encoding="utf-8", newline="") as stream:
        first = next(csv.DictReader(stream, delimiter="\t"))
    write_file(plan.folder, Task.DISEASE_DIAGNOSIS, "21", first)
    with pytest.raises(DataError, match="has lost row 2"):
        Pictures(plan.folder)(item)


def test_folders_without_the_benchmark_are_refused(tmp_path):
    with pytest.raises(DataError, match="none: is no folder"):
        read_questions(Plan(tmp_path / "none"))
    with pytest.raises(DataError, match="holds none of the folders caption_generation"):
        read_questions(Plan(tmp_path, (Task.CAPTION,)))
    write_file(tmp_path, Task.CLINICAL_VALUE, "18", {"measurement": "nan"})
    with pytest.raises(DataError, match="holds no question of these tasks"):
        read_questions(Plan(tmp_path))
