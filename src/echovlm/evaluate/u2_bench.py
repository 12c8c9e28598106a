r"""U2-BENCH (Le et al., arXiv 2505.17779, ICLR 2026): reading its folder of questions.

    u2-bench/
      disease_diagnosis/21.tsv, 28_1.tsv, 40_birads.tsv ...   one file per source and question
      view_recognition_and_assessment/, lesion_localisation/, organ_detection/,
      keypoint_detection/, clinical_value_estimation/, report_generation/, caption_generation/

Tab-separated, quoted as CSV, one question per row. What is read of a row:

| column | holds | used for |
|---|---|---|
| img_data | base64 of one picture file | all |
| prompt | the question; ``\n`` is spelled out, ``{column}`` stands for that column | all |
| patient_id, anatomy_location | as named | all |
| class_label, options | the right class, and what to choose from | diagnosis, views |
| gt_bbox | ``[{"tumor": [x, y, w, h]}, ...]``: centre and size, shares of 1 | lesions, organs |
| keypoints | ``{"name": [x, y]}``, shares of 1 | keypoints |
| measurement | ``{"EF": 55.2}``; ``IMT`` holds a list, of which the first counts | values |
| report, caption | text | reports, captions |

What was verified, and where: the folders and columns in the data set's card and its explanation of
the columns (huggingface.co/datasets/DolphinAI/u2-bench); boxes, keypoints and measurements in the
code that built the sets and in both released evaluators; ``prompt``, its placeholders and
``options`` in public code that reads the released files (the explanation of the columns does not
list ``prompt``). The data themselves, under CC BY-NC-ND 4.0, were not at hand.

What a row may hold beyond this is refused with its file and row: a label that is not among its
options, several measurements without a known name, boxes in pixels. As in the evaluators, only the
first structure of a row is asked for, and a row whose measurement is empty is not asked. They read
the text of reports from ``caption``; here ``report`` comes first.
"""

from __future__ import annotations

import ast
import base64
import csv
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from echovlm.data.quality import pictures
from echovlm.errors import DataError
from echovlm.study import Study


class Task(StrEnum):
    """The eight tasks, by the names of their folders."""

    DISEASE_DIAGNOSIS = "disease_diagnosis"
    VIEW_RECOGNITION = "view_recognition_and_assessment"
    LESION_LOCALISATION = "lesion_localisation"
    ORGAN_DETECTION = "organ_detection"
    KEYPOINT_DETECTION = "keypoint_detection"
    CLINICAL_VALUE = "clinical_value_estimation"
    REPORT = "report_generation"
    CAPTION = "caption_generation"


CLASSIFIED = (Task.DISEASE_DIAGNOSIS, Task.VIEW_RECOGNITION)
LOCATED = (Task.LESION_LOCALISATION, Task.ORGAN_DETECTION, Task.KEYPOINT_DETECTION)
WRITTEN = (Task.REPORT, Task.CAPTION)

NOT_VISIBLE = "not visible"
LOCATIONS = (
    *("upper left", "upper center", "upper right"),
    *("middle left", "center", "middle right"),
    *("lower left", "lower center", "lower right"),
    NOT_VISIBLE,
)
"""What detection is answered with: nine cells, or that the structure is not there."""

_MIDDLE = (0.45, 0.55)  # the middle cells' share of width and height, as in the released evaluators
_NAMED_VALUES = {"18": "EF", "27": "IMT", "50": "abdominal_circumference", "57": "fat value"}
_BOX_QUESTION = (
    "Give the bounding box of the {structure} in this ultrasound picture as [x0, y0, x1, y1], each "
    "number from 0 to 1: shares of the width from the left and of the height from the top."
)
_LONGEST_FIELD = 2**31 - 1
_NO_VALUE = frozenset({"", "nan", "none", "null"})

Box = tuple[float, float, float, float]
"""``(x0, y0, x1, y1)``, share of width and height, 0-1."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One question of the benchmark.

    Attributes:
        id: "folder/file:row", rows counted from 0.
        task: of its folder.
        file: name of its file without the ending; scores are averaged over files.
        patient: of one file; the row where the file names none.
        anatomy: as the file names it.
        question: the file's own prompt.
        choices: what to choose from; empty for values and texts.
        reference: the right class, location, number or text.
        value: the right number of a clinical value, None elsewhere.
        box: of the structure, None where there is none or a keypoint is asked for.
        structure: name of the structure that is looked for, "" elsewhere.
        picture: bytes of the picture file.
    """

    id: str
    task: Task
    file: str
    patient: str
    anatomy: str
    question: str
    choices: tuple[str, ...]
    reference: str
    picture: bytes
    value: float | None = None
    box: Box | None = None
    structure: str = ""

    @property
    def box_question(self) -> str:
        """A question of ours for the box itself, which the benchmark does not ask for."""
        return _BOX_QUESTION.format(structure=self.structure)

    def pixels(self) -> np.ndarray:
        """The picture, ``(H, W, 3)`` uint8 RGB.

        Raises:
            DataError: when it is damaged.
        """
        decoded = pictures.decode(self.picture)
        if decoded is None:
            raise DataError(self.id, "has a damaged picture", "Download the benchmark again")
        return decoded

    def study(self) -> Study:
        """The picture as an uncalibrated study.

        Raises:
            DataError: when it is damaged.
        """
        return Study.of_frames([self.pixels()], name=self.id)


def samples(folder: Path, tasks: Collection[Task] = tuple(Task)) -> Iterator[Sample]:
    """Read the questions of a downloaded benchmark, row by row.

    Args:
        folder: holds the folders of the tasks.
        tasks: which of them.

    Raises:
        DataError: when none of their folders is there, naming the file and row that is not as
            described above.
    """
    for task, path in files(folder, tasks):
        for _, sample in rows_of(task, path):
            if sample is not None:
                yield sample


def files(folder: Path, tasks: Collection[Task] = tuple(Task)) -> list[tuple[Task, Path]]:
    """The files of a downloaded benchmark with their tasks; arguments as for :func:`samples`.

    Raises:
        DataError: when there is none.
    """
    found = [(task, path) for task in tasks for path in sorted((folder / task).glob("*.tsv"))]
    if not found:
        absent = f"holds none of the folders {', '.join(tasks)} with .tsv files"
        problem = absent if folder.is_dir() else "is no folder"
        raise DataError(folder, problem, "Name a download of DolphinAI/u2-bench")
    return found


def rows_of(task: Task, path: Path) -> Iterator[tuple[str, Sample | None]]:
    """The id of every row of a file with its question, None where a value was not measured.

    One row is held at a time.

    Raises:
        DataError: naming the row that is not as described above.
    """
    for number, row in enumerate(_rows(path)):
        place = _Place(path, number)
        yield place.id(task), _sample(task, place, row)


def ids_of(task: Task, path: Path) -> list[str]:
    """The id of every row of a file, whatever the row holds.

    Raises:
        DataError: when the file is no table.
    """
    return [_Place(path, number).id(task) for number, _ in enumerate(_rows(path))]


def location_of(x: float, y: float) -> str:
    """The cell of a point, of the share of width and height from the upper left corner."""
    down = ("upper", "middle", "lower")[_third(y)]
    across = ("left", "center", "right")[_third(x)]
    return "center" if (down, across) == ("middle", "center") else f"{down} {across}"


def _third(share: float) -> int:
    return sum(share >= bound for bound in _MIDDLE)


@dataclass(frozen=True)
class _Place:
    """A row of a file, for messages."""

    path: Path
    row: int

    def id(self, task: Task) -> str:
        return f"{task}/{self.path.name}:{self.row}"

    def refused(self, problem: str) -> DataError:
        return DataError(
            self.path, f"row {self.row} {problem}", "Compare it with echovlm.evaluate.u2_bench"
        )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, delimiter="\t")
            while (row := _next(reader)) is not None:
                yield {name: (value or "").strip() for name, value in row.items() if name}
    except (OSError, UnicodeDecodeError, csv.Error):
        raise DataError(path, "cannot be read as a table", "Download it again") from None


def _next(reader: csv.DictReader[str]) -> dict[str, str] | None:
    """The next row; pictures are longer than what any other table may hold in a field."""
    usual = csv.field_size_limit(_LONGEST_FIELD)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(usual)


def _sample(task: Task, place: _Place, row: Mapping[str, str]) -> Sample | None:
    """A row as a sample, None where a clinical value was not measured."""
    more: dict[str, Any] = {"choices": ()}
    if task in CLASSIFIED:
        more["choices"], more["reference"] = _classes(place, row)
    elif task in LOCATED:
        more |= _located(task, place, row)
    elif task is Task.CLINICAL_VALUE:
        more["value"] = _value(place, row)
        if more["value"] is None:
            return None
        more["reference"] = f"{more['value']:g}"
    else:
        text = (row.get("report", "") if task is Task.REPORT else "") or _wanted(
            place, row, "caption"
        )
        more["reference"] = text
    return Sample(
        id=place.id(task),
        task=task,
        file=place.path.stem,
        patient=f"{place.path.stem}/{row.get('patient_id') or place.row}",
        anatomy=row.get("anatomy_location", ""),
        question=_question(_wanted(place, row, "prompt"), row),
        picture=_picture(place, row),
        **more,
    )


def _wanted(place: _Place, row: Mapping[str, str], column: str) -> str:
    value = row.get(column, "")
    if value.lower() in _NO_VALUE:
        raise place.refused(f"has no {column}" if column in row else f"has no column '{column}'")
    return value


def _picture(place: _Place, row: Mapping[str, str]) -> bytes:
    text = _wanted(place, row, "img_data")
    try:
        return base64.b64decode(text.rpartition("base64,")[2], validate=True)
    except ValueError:
        raise place.refused("has a picture that is not base64") from None


def _question(prompt: str, row: Mapping[str, str]) -> str:
    """A prompt with its line breaks, and what its placeholders stand for where a column says so."""

    def filled(match: re.Match[str]) -> str:
        column = match[1].replace("\\_", "_")
        value = _parsed(row[column]) if row.get(column) else match[0]
        if isinstance(value, list | dict):
            return ", ".join(str(one) for one in value)
        return str(value)

    return re.sub(r"\{([\w\\]+)\}", filled, prompt.replace("\\n", "\n")).strip()


def _parsed(text: str) -> Any:
    """A JSON value or Python literal; other text as it is."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return text


def _classes(place: _Place, row: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """What to choose from, and the right one of them."""
    label = _bare(_wanted(place, row, "class_label"))
    options = _parsed(_wanted(place, row, "options"))
    if isinstance(options, dict):
        options = options.get(row.get("classification_task", ""), [*options.values()])
    if isinstance(options, str):
        options = re.split(r"[|,;\n]+", options)
    elif not isinstance(options, list | tuple):
        options = [options]
    flat = [
        _bare(str(one))
        for group in options
        for one in (group if isinstance(group, list | tuple) else [group])
    ]
    choices = tuple(dict.fromkeys(one for one in flat if one))
    right = next((one for one in choices if one.lower() == label.lower()), None)
    if right is None:
        raise place.refused("has a class_label that is not among its options")
    return choices, right


def _bare(text: str) -> str:
    return text.strip().strip("[]").strip().strip("'\"").strip()


def _located(task: Task, place: _Place, row: Mapping[str, str]) -> dict[str, Any]:
    column = "keypoints" if task is Task.KEYPOINT_DETECTION else "gt_bbox"
    if column not in row:
        raise place.refused(f"has no column '{column}'")
    parsed = _parsed(row[column]) if row[column].lower() not in _NO_VALUE else {}
    groups = parsed if isinstance(parsed, list) else [parsed]
    if not all(isinstance(group, dict) for group in groups):
        raise place.refused(f"has {column} that name no structure")
    # Only the first structure is asked for; an empty mask left an empty group.
    named = [(name, numbers) for group in groups for name, numbers in group.items()]
    if not named or named[0][1] is None:
        names = named[0][0] if named else str(_parsed(row.get("seg_channel_name", "")) or "lesion")
        return {"choices": LOCATIONS, "reference": NOT_VISIBLE, "structure": _bare(names)}
    name, numbers = named[0]
    wanted = 2 if task is Task.KEYPOINT_DETECTION else 4
    if not isinstance(numbers, list | tuple) or len(numbers) != wanted:
        raise place.refused(f"has {column} of another form than {wanted} numbers")
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        raise place.refused(f"has {column} that are no numbers")
    shares = [float(number) for number in numbers]
    if not all(0 <= share <= 1 for share in shares):
        raise place.refused(f"has {column} beyond 0 to 1")
    x, y, *size = shares
    box = (x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2) if size else None
    reference = location_of(x, y)
    return {"choices": LOCATIONS, "reference": reference, "box": box, "structure": str(name)}


def _value(place: _Place, row: Mapping[str, str]) -> float | None:
    if row.get("measurement", "absent").lower() in _NO_VALUE:
        return None
    parsed = _parsed(_wanted(place, row, "measurement"))
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        raise place.refused("has a measurement without a name")
    source = re.match(r"\d*", place.path.stem)
    name = _NAMED_VALUES.get(source[0] if source else "", "")
    if name not in parsed:
        if len(parsed) != 1:
            raise place.refused(f"has {len(parsed)} measurements and none that is asked for")
        name = next(iter(parsed))
    value = parsed[name]
    first = value[0] if isinstance(value, list) and value else value
    if first is None:
        return None
    if isinstance(first, bool) or not isinstance(first, int | float) or not np.isfinite(first):
        raise place.refused("has a measurement that is no number")
    return float(first)
