"""Scores of U2-BENCH as statistics, as its released evaluators compute them.

Per file of a task, then the unweighted mean over the task's files:

| task | scores |
|---|---|
| diagnosis, views | accuracy, macro F1 |
| lesions, organs, keypoints | accuracy over nine cells and "not visible" |
| clinical values | RMSE, MAE, SD of the error, % within 0.1; all on the published range as 0-1 |
| reports, captions | BLEU-4, ROUGE-L (0-100), as coco-caption on words between blanks |

    U2-score = sum over tasks of weight x score, each score clipped to 0-1:
    accuracy; 1 - RMSE; BLEU-4 / 100

Weights and formula are those of ``table_fill/update_table_score_format.py`` in
github.com/gurenolun/Dolphin-ai-bench, which the benchmark's card names as an evaluator; the row for
random guessing printed there (0.2125) follows from them. The paper's own text was not at hand.

Where this differs: an answer that cannot be read is wrong (the evaluators drop it from some tasks,
so that silence pays); of clinical values it is left out as published, and the share that was
answered stands beside them. An answer that wraps its word in a sentence is read where it names one
choice alone; one of the evaluators reads "lower center" as "center", which is not followed. A task
without answers makes the U2-score undefined, not 0. BERTScore needs a model
(bert-base-multilingual-cased there) and is no part of the U2-score. Macro F1 runs over true and
chosen classes, as scikit-learn's. IoU is ours: it scores the answer to a question for the box.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sacrebleu.metrics import BLEU

from echovlm.errors import DataError, OptionError
from echovlm.evaluate.classification import accuracy, macro_f1
from echovlm.evaluate.intervals import Statistic, mean_of, mean_over_groups, ratio
from echovlm.evaluate.text import Scored, Signature
from echovlm.evaluate.text.bleu_scores import LONGEST, match_counts
from echovlm.evaluate.text.coco_scores import rouge_of_units
from echovlm.evaluate.text.scored import summed
from echovlm.evaluate.u2_bench import CLASSIFIED, LOCATED, LOCATIONS, Box, Sample, Task

WEIGHTS: Mapping[Task, float] = {
    Task.DISEASE_DIAGNOSIS: 0.2,
    Task.VIEW_RECOGNITION: 0.2,
    Task.LESION_LOCALISATION: 0.07,
    Task.ORGAN_DETECTION: 0.27,
    Task.KEYPOINT_DETECTION: 0.07,
    Task.CLINICAL_VALUE: 0.07,
    Task.REPORT: 0.08,
    Task.CAPTION: 0.04,
}
"""Weights of the U2-score."""

RANGES: Mapping[str, tuple[float, float]] = {
    "18": (10.0, 75.0),  # ejection fraction, %
    "27": (0.3, 1.5),  # intima-media thickness, mm
    "31": (100.0, 350.0),  # head circumference, mm; of its prompt, the evaluators leave it out
    "50": (100.0, 400.0),  # abdominal circumference, mm
    "57": (0.0, 85.0),  # fat value
}
"""Range that a clinical value is scaled to, by the number its file's name begins with."""

TOLERANCE = 0.1
_ROUNDING = 1e-9
_MOST = 1e9  # beyond it a number would drown all others
_UNREADABLE = "unreadable"


def task_scores(
    task: Task, samples: Sequence[Sample], answers: Sequence[str]
) -> dict[str, Statistic]:
    """Scores of one task.

    Args:
        task: all samples are of it.
        samples: at least one.
        answers: what a system answered to each.

    Returns:
        Statistics over the samples by their names in tables.

    Raises:
        ValueError: if the lists differ in length, are empty, or hold another task.
        DataError: for a clinical value whose published range is unknown.
    """
    if len(samples) != len(answers) or not samples or any(one.task is not task for one in samples):
        raise ValueError(
            f"{task} needs as many answers as samples, all of that task, and at least one"
        )
    if task is Task.CLINICAL_VALUE:
        return _by_file(samples, answers, _values)
    if task in CLASSIFIED:
        return _by_file(samples, answers, _classes)
    if task in LOCATED:
        return _by_file(samples, answers, _locations)
    return _by_file(samples, answers, _texts)


def u2_score(samples: Sequence[Sample], answers: Sequence[str]) -> Statistic:
    """The benchmark's aggregate over all eight tasks, 0 to 1.

    Args:
        samples: of all tasks, in any order.
        answers: what a system answered to each.

    Raises:
        ValueError: if the lists differ in length.
        OptionError: when a task has no sample.
    """
    places = {
        task: [place for place, sample in enumerate(samples) if sample.task is task]
        for task in Task
    }
    missing = [str(task) for task, found in places.items() if not found]
    if missing:
        raise OptionError(f"The U2-score needs all eight tasks; {', '.join(missing)} are missing.")
    if len(samples) != len(answers):
        raise ValueError(f"{len(samples)} samples and {len(answers)} answers do not pair")
    parts = {
        task: _share(task, [samples[one] for one in found], [answers[one] for one in found])
        for task, found in places.items()
    }

    def statistic(weights: np.ndarray) -> np.ndarray:
        shares = [
            WEIGHTS[task] * np.clip(part(weights[:, places[task]]), 0, 1)
            for task, part in parts.items()
        ]
        return np.sum(shares, axis=0)

    return statistic


def _share(task: Task, samples: Sequence[Sample], answers: Sequence[str]) -> Statistic:
    """What a task adds to the U2-score before its weight."""
    scores = task_scores(task, samples, answers)
    if task is Task.CLINICAL_VALUE:
        return lambda weights: 1 - scores["RMSE"](weights)
    if task in CLASSIFIED or task in LOCATED:
        return scores["accuracy"]
    return lambda weights: scores["BLEU-4"](weights) / 100


Scores = Callable[[Sequence[Sample], Sequence[str]], dict[str, Statistic]]


def _by_file(
    samples: Sequence[Sample], answers: Sequence[str], score: Scores
) -> dict[str, Statistic]:
    """The unweighted mean over the files of what each file scores."""
    files = [sample.file for sample in samples]
    found: dict[str, dict[str, Statistic]] = {}
    for file in dict.fromkeys(files):
        own = [place for place, name in enumerate(files) if name == file]
        for name, one in score([samples[i] for i in own], [answers[i] for i in own]).items():
            found.setdefault(name, {})[file] = one
    done: dict[str, Statistic] = {}
    for name, of_file in found.items():
        mean = mean_over_groups(files, of_file)
        signature = getattr(next(iter(of_file.values())), "signature", "")
        done[name] = Scored(f"{signature}|files:mean", len(files), mean) if signature else mean
    return done


# --- classes and places ---


def read_class(answer: str, choices: Sequence[str]) -> str:
    """The choice that an answer names, "" where it names none or several.

    A choice within a longer one that is named too ("pancreas cancer" in "non-pancreas cancer") is
    not meant.
    """
    words = " ".join(answer.replace("-", " ").split()).strip("*.'\"` ").casefold()
    plain = {choice: " ".join(choice.replace("-", " ").split()).casefold() for choice in choices}
    named = [c for c, text in plain.items() if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", words)]
    longest = [
        one
        for one in named
        if not any(one != other and plain[one] in plain[other] for other in named)
    ]
    return longest[0] if len(longest) == 1 else ""


def _classes(samples: Sequence[Sample], answers: Sequence[str]) -> dict[str, Statistic]:
    true = [sample.reference for sample in samples]
    said = [
        read_class(answer, sample.choices) or _UNREADABLE
        for sample, answer in zip(samples, answers, strict=True)
    ]
    return {
        "accuracy": accuracy(true, said),
        "macro F1": macro_f1(true, said),
        "unreadable": mean_of([one == _UNREADABLE for one in said]),
    }


def _locations(samples: Sequence[Sample], answers: Sequence[str]) -> dict[str, Statistic]:
    said = [read_class(answer, LOCATIONS) or _UNREADABLE for answer in answers]
    return {
        "accuracy": accuracy([sample.reference for sample in samples], said),
        "unreadable": mean_of([one == _UNREADABLE for one in said]),
    }


_NUMBER = r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"
_BOX = re.compile(r"[\[(]\s*" + r"\s*,\s*".join([f"({_NUMBER})"] * 4) + r"\s*[\])]")


def read_box(answer: str) -> Box | None:
    """The first box ``[x0, y0, x1, y1]`` of an answer, None where there is none within 0 to 1."""
    found = _BOX.search(answer)
    if found is None:
        return None
    x0, y0, x1, y1 = (float(number) for number in found.groups())
    return (x0, y0, x1, y1) if 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 else None


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, width) * max(0.0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (areas - both) if areas > both else 0.0


def box_scores(samples: Sequence[Sample], answers: Sequence[str]) -> dict[str, Statistic]:
    """Scores of answers to :attr:`Sample.box_question`.

    Args:
        samples: of detection; those without a box (keypoints, what is not visible) do not count.
        answers: what a system answered to each.

    Returns:
        "IoU", 0 where no box can be read, and "boxes read", the share with one.

    Raises:
        ValueError: if the lists differ in length.
    """
    overlap, read, counts = [], [], []
    for sample, answer in zip(samples, answers, strict=True):
        said = read_box(answer)
        counts.append(sample.box is not None)
        read.append(said is not None)
        overlap.append(iou(said, sample.box) if said and sample.box else 0.0)
    return {"IoU": _mean_where(counts, overlap), "boxes read": _mean_where(counts, read)}


# --- clinical values ---


def read_number(answer: str) -> float | None:
    """The first number of an answer; None where there is none, or one that measures nothing."""
    found = re.search(_NUMBER, answer)
    value = float(found[0]) if found else None
    return value if value is not None and abs(value) < _MOST else None


def _values(samples: Sequence[Sample], answers: Sequence[str]) -> dict[str, Statistic]:
    low, high = _range(samples[0])
    errors, answered = [], []
    for sample, answer in zip(samples, answers, strict=True):
        said = read_number(answer)
        assert sample.value is not None
        answered.append(said is not None)
        errors.append(0.0 if said is None else (said - sample.value) / (high - low))
    error = np.array(errors)
    mean = _mean_where(answered, error)
    square = _mean_where(answered, error**2)
    within = np.abs(error) <= TOLERANCE + _ROUNDING
    return {
        "RMSE": lambda weights: np.sqrt(square(weights)),
        "MAE": _mean_where(answered, np.abs(error)),
        "SD": lambda weights: np.sqrt(np.maximum(square(weights) - mean(weights) ** 2, 0)),
        "% within tolerance": _mean_where(answered, 100 * within),
        "answered": mean_of(answered),
    }


def _range(sample: Sample) -> tuple[float, float]:
    number = re.match(r"\d*", sample.file)
    found = RANGES.get(number[0] if number else "")
    if found is None:
        raise DataError(
            sample.id,
            "is a clinical value without a published range",
            f"Known are files that begin with {', '.join(RANGES)}",
        )
    return found


def _mean_where(
    counts: Sequence[bool] | np.ndarray, values: Sequence[float] | np.ndarray
) -> Statistic:
    """The mean over those that count; NaN where none does."""
    chosen = np.asarray(counts, dtype=float)
    column = np.asarray(values, dtype=float) * chosen
    return lambda weights: ratio(weights @ column, weights @ chosen)


# --- texts ---


def _texts(samples: Sequence[Sample], answers: Sequence[str]) -> dict[str, Statistic]:
    true = [sample.reference for sample in samples]
    said_words, true_words = ([text.split() for text in texts] for texts in (answers, true))
    return {
        "BLEU-4": summed(
            match_counts(answers, true, "none"),
            _bleu,
            Signature("BLEU-4", "sacrebleu", "none", "mixed", "none", "corpus", ("eff:no",)),
        ),
        "ROUGE-L": rouge_of_units(said_words, true_words, "none"),
    }


def _bleu(sums: np.ndarray) -> float:
    """BLEU-4 of summed counts, without smoothing."""
    matches, written = sums[:LONGEST].tolist(), sums[LONGEST:-2].tolist()
    return float(BLEU.compute_bleu(matches, written, int(sums[-2]), int(sums[-1])).score)
