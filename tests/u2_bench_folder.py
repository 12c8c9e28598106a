"""A small benchmark in the layout of U2-BENCH, what a system says to it, and what that scores.

Every row's picture is of one grey, which :func:`grey` gives, so that a test can tell which picture
a system was handed.
"""

from __future__ import annotations

import base64
import csv
import io
from pathlib import Path

import numpy as np
from PIL import Image

from echovlm.evaluate.u2_bench import Task

GREYS = {
    "disease_diagnosis/21.tsv:0": 10,
    "disease_diagnosis/21.tsv:1": 20,
    "disease_diagnosis/21.tsv:2": 30,
    "disease_diagnosis/23.tsv:0": 40,
    "view_recognition_and_assessment/18.tsv:0": 50,
    "lesion_localisation/23.tsv:0": 60,
    "lesion_localisation/23.tsv:1": 70,
    "organ_detection/09.tsv:0": 80,
    "keypoint_detection/48.tsv:0": 90,
    "clinical_value_estimation/18.tsv:0": 100,
    "clinical_value_estimation/18.tsv:1": 110,
    "report_generation/39.tsv:0": 120,
    "caption_generation/10.tsv:0": 130,
}

UNMEASURED = "clinical_value_estimation/18.tsv:0"

ANSWERS = {
    "disease_diagnosis/21.tsv:0": "Benign",
    "disease_diagnosis/21.tsv:1": "It looks malignant.",
    "disease_diagnosis/21.tsv:2": "benign",
    "disease_diagnosis/23.tsv:0": "I cannot tell.",
    "view_recognition_and_assessment/18.tsv:0": "2CH",
    "lesion_localisation/23.tsv:0": "center",
    "lesion_localisation/23.tsv:0:box": "The box is [0.4, 0.4, 0.6, 0.5].",
    "lesion_localisation/23.tsv:1": "upper left",
    "organ_detection/09.tsv:0": "Upper-left.",
    "organ_detection/09.tsv:0:box": "It is the kidney.",
    "keypoint_detection/48.tsv:0": "lower left",
    "clinical_value_estimation/18.tsv:1": "EF: 56.5 %",
    "report_generation/39.tsv:0": "the liver is normal in size",
    "caption_generation/10.tsv:0": "no",
}
"""To every question that is asked, boxes among them."""

SCORES = {
    # File 21: two of three; file 23: none, as what cannot be read is wrong.
    ("disease_diagnosis", "accuracy"): (2 / 3 + 0) / 2,
    # File 21: either class has F1 2/3; file 23: 0 for "benign" and for what cannot be read.
    ("disease_diagnosis", "macro F1"): (2 / 3 + 0) / 2,
    ("disease_diagnosis", "unreadable"): (0 + 1) / 2,
    ("view_recognition_and_assessment", "accuracy"): 1.0,
    ("lesion_localisation", "accuracy"): 1 / 2,
    # True box 0.4 to 0.6 each way: half of it is covered, and nothing beside it.
    ("lesion_localisation, boxes", "IoU"): 0.5,
    ("lesion_localisation, boxes", "boxes read"): 1.0,
    ("organ_detection", "accuracy"): 1.0,
    ("organ_detection, boxes", "IoU"): 0.0,
    ("organ_detection, boxes", "boxes read"): 0.0,
    ("keypoint_detection", "accuracy"): 0.0,
    # 6.5 of a range of 65.
    ("clinical_value_estimation", "RMSE"): 0.1,
    ("clinical_value_estimation", "answered"): 1.0,
    ("report_generation", "BLEU-4"): 100.0,
    ("caption_generation", "BLEU-4"): 0.0,
    ("all tasks", "U2-score"): (
        0.2 / 3 + 0.2 * 1 + 0.07 * 0.5 + 0.27 * 1 + 0.07 * 0 + 0.07 * (1 - 0.1) + 0.08 * 1
    ),
}
"""By task and score, computed by hand from ``ANSWERS``."""

_CLASSES = {"options": "benign, malignant", "prompt": "Which?\\nbenign, malignant"}


def grey(value: int) -> str:
    """A picture of one grey as the files hold it."""
    stream = io.BytesIO()
    Image.fromarray(np.full((40, 48), value, np.uint8)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def write_file(folder: Path, task: Task, name: str, *rows: dict[str, str]) -> Path:
    """Write a file of the benchmark; rows get their own picture, and a patient of their own."""
    path = folder / task / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    full = [
        {
            "img_data": grey(GREYS.get(f"{task}/{name}.tsv:{place}", 200)),
            "patient_id": str(place),
            "anatomy_location": "breast",
            "prompt": "What is seen?",
        }
        | row
        for place, row in enumerate(rows)
    ]
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(full[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(full)
    return path


def write_benchmark(folder: Path) -> Path:
    """Write all eight tasks, thirteen rows of which one is not asked about."""
    write_file(
        folder,
        Task.DISEASE_DIAGNOSIS,
        "21",
        {"class_label": "benign"} | _CLASSES,
        {"class_label": "malignant"} | _CLASSES,
        {"class_label": "malignant"} | _CLASSES,
    )
    write_file(folder, Task.DISEASE_DIAGNOSIS, "23", {"class_label": "benign"} | _CLASSES)
    write_file(folder, Task.VIEW_RECOGNITION, "18", {"class_label": "2CH", "options": "2CH, 4CH"})
    write_file(
        folder,
        Task.LESION_LOCALISATION,
        "23",
        {"gt_bbox": "[{'tumor': [0.5, 0.5, 0.2, 0.2]}]"},
        {"gt_bbox": "[]"},
    )
    write_file(
        folder, Task.ORGAN_DETECTION, "09", {"gt_bbox": "[{'kidney': [0.2, 0.2, 0.2, 0.2]}]"}
    )
    write_file(folder, Task.KEYPOINT_DETECTION, "48", {"keypoints": '{"valve": [0.5, 0.9]}'})
    values = ({"measurement": "nan"}, {"measurement": '{"EF": 50.0}'})
    write_file(folder, Task.CLINICAL_VALUE, "18", *values)
    write_file(folder, Task.REPORT, "39", {"report": "the liver is normal in size"})
    write_file(folder, Task.CAPTION, "10", {"caption": "a fetal head is seen"})
    return folder
