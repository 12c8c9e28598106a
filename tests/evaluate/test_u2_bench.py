"""U2-BENCH: its files read, its scores computed by hand."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from echovlm.errors import DataError, OptionError
from echovlm.evaluate.u2_bench import LOCATIONS, NOT_VISIBLE, Sample, Task, location_of, samples
from echovlm.evaluate.u2_bench_metrics import (
    WEIGHTS,
    box_scores,
    iou,
    read_box,
    read_class,
    read_number,
    task_scores,
    u2_score,
)


def _picture() -> str:
    stream = io.BytesIO()
    Image.fromarray(np.full((8, 10), 77, np.uint8)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def _write(folder: Path, task: Task, name: str, *rows: dict[str, str]) -> None:
    (folder / task).mkdir(parents=True, exist_ok=True)
    full = [
        {"img_data": _picture(), "patient_id": "7", "anatomy_location": "breast", "prompt": "What?"}
        | row
        for row in rows
    ]
    with open(folder / task / f"{name}.tsv", "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(full[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(full)


def _one(folder: Path) -> Sample:
    (sample,) = samples(folder)
    return sample


# --- reading ---


def test_a_class_is_read_with_what_it_is_chosen_from(tmp_path):
    prompt = "You see a {anatomy_location}.\\n\\noptions: benign, malignant"
    row = {"class_label": "Malignant", "options": "['benign', 'malignant']", "prompt": prompt}
    _write(tmp_path, Task.DISEASE_DIAGNOSIS, "21", row)
    sample = _one(tmp_path)
    assert sample.id == "disease_diagnosis/21.tsv:0"
    assert (sample.file, sample.patient, sample.anatomy) == ("21", "21/7", "breast")
    assert sample.question == "You see a breast.\n\noptions: benign, malignant"
    assert sample.choices == ("benign", "malignant")
    assert sample.reference == "malignant"
    assert sample.pixels().shape == (8, 10, 3)
    assert sample.study().clips[0].frames.max() == 77


@pytest.mark.parametrize(
    ("options", "choices"),
    [
        ("0, 1, 2, 3", ("0", "1", "2", "3")),
        ('["2", "3", "4A"]', ("2", "3", "4A")),
        ("2|4A|4B", ("2", "4A", "4B")),
        ('{"BIRADS": ["2", "3"], "pathology": ["benign"]}', ("2", "3")),
        ('{"other": ["2", "3"], "more": ["4A"]}', ("2", "3", "4A")),
    ],
)
def test_options_are_read_in_every_form_seen(tmp_path, options, choices):
    row = {"class_label": "2", "options": options, "classification_task": "BIRADS"}
    _write(tmp_path, Task.DISEASE_DIAGNOSIS, "40_birads", row)
    assert _one(tmp_path).choices == choices


def test_a_box_gives_its_cell_and_its_corners(tmp_path):
    # The example of the authors' own description of their format.
    box = "[{'tumor': [0.5578291814946619, 0.31210191082802546, 0.09074733, 0.0552017]}]"
    _write(tmp_path, Task.LESION_LOCALISATION, "23", {"gt_bbox": box})
    sample = _one(tmp_path)
    assert sample.reference == "upper right"
    assert sample.choices == LOCATIONS
    assert sample.box == pytest.approx((0.512456, 0.284501, 0.603203, 0.339703), abs=1e-6)
    assert "bounding box of the tumor" in sample.box_question


def test_a_keypoint_gives_its_cell_without_a_box(tmp_path):
    _write(tmp_path, Task.KEYPOINT_DETECTION, "48", {"keypoints": '{"mitral valve": [0.5, 0.9]}'})
    sample = _one(tmp_path)
    assert (sample.reference, sample.box, sample.structure) == (
        "lower center",
        None,
        "mitral valve",
    )


@pytest.mark.parametrize("boxes", ["", "nan", "[{}]", "[]"])
def test_what_has_no_box_is_not_visible(tmp_path, boxes):
    _write(
        tmp_path, Task.ORGAN_DETECTION, "09", {"gt_bbox": boxes, "seg_channel_name": "['kidney']"}
    )
    sample = _one(tmp_path)
    assert (sample.reference, sample.box, sample.structure) == (NOT_VISIBLE, None, "kidney")


@pytest.mark.parametrize(
    ("file", "measurement", "value"),
    [
        ("18_1", '{"EDV": 69.2, "EF": 55.5}', 55.5),
        ("27", "{'IMT': [0.61, 0.7]}", 0.61),
        ("31", '{"head_circumference": 187.5}', 187.5),
        ("50", '[{"abdominal_circumference": 250}]', 250.0),
    ],
)
def test_the_measurement_that_is_asked_for_is_read(tmp_path, file, measurement, value):
    _write(tmp_path, Task.CLINICAL_VALUE, file, {"measurement": measurement})
    sample = _one(tmp_path)
    assert sample.value == value
    assert float(sample.reference) == value


def test_rows_without_a_measurement_are_not_asked(tmp_path):
    rows = [{"measurement": text} for text in ("nan", '{"EF": null}', '{"EF": 60}')]
    _write(tmp_path, Task.CLINICAL_VALUE, "18", *rows)
    assert [sample.id for sample in samples(tmp_path)] == ["clinical_value_estimation/18.tsv:2"]


def test_texts_are_references(tmp_path):
    _write(tmp_path, Task.REPORT, "39", {"report": "Normal liver.", "caption": "A liver."})
    _write(tmp_path, Task.CAPTION, "10", {"report": "", "caption": "A fetal head."})
    assert {sample.task: sample.reference for sample in samples(tmp_path)} == {
        Task.REPORT: "Normal liver.",
        Task.CAPTION: "A fetal head.",
    }


@pytest.mark.parametrize(
    ("task", "row", "sentence"),
    [
        (
            Task.DISEASE_DIAGNOSIS,
            {"class_label": "1", "options": "benign, malignant"},
            r"x\.tsv: row 0 has a class_label that is not among its options",
        ),
        (Task.DISEASE_DIAGNOSIS, {"class_label": "1"}, "row 0 has no column 'options'"),
        (Task.LESION_LOCALISATION, {"gt_bbox": "[100, 200, 300, 400]"}, "name no structure"),
        (Task.LESION_LOCALISATION, {"gt_bbox": "[{'a': [10, 20, 3, 4]}]"}, "beyond 0 to 1"),
        (Task.KEYPOINT_DETECTION, {"keypoints": "{'a': [0.1]}"}, "another form than 2 numbers"),
        (Task.CLINICAL_VALUE, {"measurement": "55.5"}, "a measurement without a name"),
        (Task.CLINICAL_VALUE, {"measurement": '{"a": 1, "b": 2}'}, "has 2 measurements and none"),
        (Task.CLINICAL_VALUE, {"measurement": '{"a": "big"}'}, "that is no number"),
        (Task.CAPTION, {"caption": "x", "prompt": ""}, "row 0 has no prompt"),
        (Task.CAPTION, {"caption": "x", "img_data": "?"}, "that is not base64"),
    ],
)
def test_a_row_of_another_form_is_refused_by_file_and_row(tmp_path, task, row, sentence):
    _write(tmp_path, task, "x", row)
    with pytest.raises(DataError, match=sentence):
        list(samples(tmp_path))


def test_a_folder_without_tasks_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds none of the folders disease_diagnosis, view"):
        list(samples(tmp_path))


def test_a_damaged_picture_is_named_when_it_is_looked_at(tmp_path):
    row = {"caption": "x", "img_data": base64.b64encode(b"none").decode()}
    _write(tmp_path, Task.CAPTION, "10", row)
    with pytest.raises(DataError, match=r"caption_generation/10\.tsv:0: has a damaged picture"):
        _one(tmp_path).pixels()


def test_cells_meet_at_045_and_055():
    assert location_of(0.4499, 0.4499) == "upper left"
    assert location_of(0.45, 0.45) == "center"
    assert location_of(0.55, 0.5499) == "middle right"
    assert location_of(0.5, 0.55) == "lower center"


# --- scores ---


def _sample(task: Task, reference: str = "", file: str = "18", **more) -> Sample:
    return Sample(
        id="x",
        task=task,
        file=file,
        patient="1",
        anatomy="",
        question="",
        choices=more.pop("choices", ()),
        reference=reference,
        picture=b"",
        **more,
    )


def _value(statistic, count: int) -> float:
    return float(statistic(np.ones((1, count), np.int32))[0])


def test_accuracy_and_f1_are_means_over_files():
    classes = ("benign", "malignant")
    true = ["benign", "malignant", "malignant", "benign"]
    files = ["21", "21", "21", "23"]
    asked = [
        _sample(Task.DISEASE_DIAGNOSIS, one, file, choices=classes)
        for one, file in zip(true, files, strict=True)
    ]
    answers = ["Benign", "It looks malignant.", "benign", "I cannot tell."]
    scores = task_scores(Task.DISEASE_DIAGNOSIS, asked, answers)
    # File 21: two of three; file 23: none, as what cannot be read is wrong.
    assert _value(scores["accuracy"], 4) == pytest.approx((2 / 3 + 0) / 2)
    # File 21: F1 is 2/3 for either class. File 23: 0 for "benign" and for "unreadable".
    assert _value(scores["macro F1"], 4) == pytest.approx((2 / 3 + 0) / 2)
    assert _value(scores["unreadable"], 4) == pytest.approx((0 + 1) / 2)


@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        ("lower center", "lower center"),
        ("Lower-center.", "lower center"),
        ("The lesion lies in the center of the picture", "center"),
        ("not visible", NOT_VISIBLE),
        ("upper left or lower right", ""),
        ("", ""),
    ],
)
def test_a_location_is_read_where_there_is_one(answer, choice):
    assert read_class(answer, LOCATIONS) == choice


def test_a_choice_within_a_longer_one_is_not_meant():
    choices = ("non-pancreas cancer", "pancreas cancer")
    assert read_class("non-pancreas cancer", choices) == "non-pancreas cancer"
    assert read_class("This is pancreas cancer", choices) == "pancreas cancer"
    assert read_class("4", ("4A", "4B")) == ""


def test_clinical_values_are_scaled_to_the_published_range():
    asked = [_sample(Task.CLINICAL_VALUE, value=true) for true in (50.0, 60.0, 70.0)]
    scores = task_scores(Task.CLINICAL_VALUE, asked, ["56.5", "EF: 47.0 %", "null"])
    # Range 65: errors 0.1 and -0.2; the third is not answered.
    assert _value(scores["RMSE"], 3) == pytest.approx(math.sqrt((0.01 + 0.04) / 2))
    assert _value(scores["MAE"], 3) == pytest.approx(0.15)
    assert _value(scores["SD"], 3) == pytest.approx(0.15)
    assert _value(scores["% within tolerance"], 3) == pytest.approx(50)
    assert _value(scores["answered"], 3) == pytest.approx(2 / 3)


def test_numbers_are_read_from_sentences():
    assert read_number("about 0.75 mm") == 0.75
    assert read_number("null") is None
    assert read_number("9" * 400) is None


def test_a_value_without_a_published_range_is_refused():
    with pytest.raises(DataError, match="clinical value without a published range"):
        task_scores(
            Task.CLINICAL_VALUE, [_sample(Task.CLINICAL_VALUE, file="99", value=1.0)], ["1"]
        )


def test_bleu_and_rouge_are_those_of_coco_caption():
    said, true = "the liver is normal in size", "the liver is normal"
    scores = task_scores(Task.REPORT, [_sample(Task.REPORT, true)], [said])
    # Matches of 1- to 4-grams: 4/6, 3/5, 2/4, 1/3; no brevity penalty.
    assert _value(scores["BLEU-4"], 1) == pytest.approx(100 * (4 * 3 * 2 / (6 * 5 * 4 * 3)) ** 0.25)
    precision, recall, beta = 4 / 6, 1.0, 1.2
    f = (1 + beta**2) * precision * recall / (recall + beta**2 * precision)
    assert _value(scores["ROUGE-L"], 1) == pytest.approx(100 * f)
    assert "tok:none" in scores["BLEU-4"].signature


def test_an_empty_text_scores_nothing():
    scores = task_scores(Task.CAPTION, [_sample(Task.CAPTION, "a fetal head")], [""])
    assert _value(scores["BLEU-4"], 1) == 0
    assert _value(scores["ROUGE-L"], 1) == 0


def test_boxes_are_scored_by_their_overlap():
    assert iou((0.0, 0.0, 0.5, 0.5), (0.25, 0.25, 0.75, 0.75)) == pytest.approx(1 / 7)
    assert iou((0.0, 0.0, 0.1, 0.1), (0.5, 0.5, 0.6, 0.6)) == 0
    assert read_box("The box is [0.1, 0.2, 0.3, 0.4].") == (0.1, 0.2, 0.3, 0.4)
    assert read_box("[100, 200, 300, 400]") is None
    asked = [
        _sample(Task.LESION_LOCALISATION, box=(0.0, 0.0, 0.5, 0.5)),
        _sample(Task.LESION_LOCALISATION, box=(0.0, 0.0, 0.5, 0.5)),
        _sample(Task.LESION_LOCALISATION),
    ]
    scores = box_scores(asked, ["[0.25, 0.25, 0.75, 0.75]", "upper left", "[0, 0, 1, 1]"])
    assert _value(scores["IoU"], 3) == pytest.approx(1 / 14)
    assert _value(scores["boxes read"], 3) == pytest.approx(1 / 2)


def test_the_weights_of_the_tasks_add_up_to_one():
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_the_u2_score_follows_from_its_parts():
    # As printed for random guessing, share by share: 0.2 DD + 0.2 VRA + 0.07 LL + 0.27 OD + 0.07 KD
    # + 0.07 (1 - RMSE), texts 0, rounded to the 0.2125 of that row.
    printed = 0.2 * 0.4143 + 0.2 * 0.3195 + 0.07 * 0.1118 + 0.27 * 0.068 + 0.07 * 0.112
    assert round(printed + 0.07 * (1 - 0.5472), 4) == 0.2125
    asked = [
        _sample(Task.DISEASE_DIAGNOSIS, "benign", choices=("benign", "malignant")),
        _sample(Task.DISEASE_DIAGNOSIS, "malignant", choices=("benign", "malignant")),
        _sample(Task.VIEW_RECOGNITION, "2CH", choices=("2CH", "4CH")),
        _sample(Task.LESION_LOCALISATION, "center"),
        _sample(Task.ORGAN_DETECTION, "center"),
        _sample(Task.KEYPOINT_DETECTION, "center"),
        _sample(Task.CLINICAL_VALUE, value=50.0),
        _sample(Task.REPORT, "the liver is normal"),
        _sample(Task.CAPTION, "a fetal head"),
    ]
    answers = [
        *("benign", "benign", "2CH", "center", "upper left", "center"),
        *("63", "the liver is normal", "no"),
    ]
    # DD 0.5, VRA 1, LL 1, OD 0, KD 1, values 1 - 0.2, report 1, caption 0.
    wanted = 0.2 * 0.5 + 0.2 + 0.07 + 0.07 + 0.07 * 0.8 + 0.08
    assert _value(u2_score(asked, answers), 9) == pytest.approx(wanted)


def test_the_u2_score_needs_every_task():
    with pytest.raises(OptionError, match="needs all eight tasks; disease_diagnosis, view"):
        u2_score([_sample(Task.CAPTION, "a")], ["a"])


def test_lists_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="as many answers as samples"):
        task_scores(Task.CAPTION, [_sample(Task.CAPTION, "a")], [])


def test_the_format_example_of_the_columns_is_quoted_as_written(tmp_path):
    # Pandas writes JSON cells with doubled quotes; they come back as they were.
    text = json.dumps({"EF": 61.0})
    _write(tmp_path, Task.CLINICAL_VALUE, "18", {"measurement": text})
    raw = (tmp_path / Task.CLINICAL_VALUE / "18.tsv").read_text(encoding="utf-8")
    assert '"{""EF"": 61.0}"' in raw
    assert _one(tmp_path).value == 61.0
