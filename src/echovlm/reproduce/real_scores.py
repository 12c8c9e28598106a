"""Scores on real test patients, from what their sources' labels and masks state.

Each source is asked with the wordings that the training texts have for its labels: benign breast
lesions, for instance, are called by their histology.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from echovlm import prompts
from echovlm.data.sample import Split
from echovlm.data.store import StoredSet
from echovlm.evaluate import answers, classification, descriptors
from echovlm.evaluate.answers import ClosedSet, Job, Reader, Said
from echovlm.evaluate.blind import grey_statistics, most_frequent
from echovlm.evaluate.held_out import HeldOutCase, spread
from echovlm.evaluate.intervals import median_of
from echovlm.evaluate.measurements import measured_value, measurement_error
from echovlm.evaluate.scorecard import MODEL, Measure
from echovlm.prompts import Label, Task
from echovlm.reproduce.comparisons import (
    BLANK,
    FREQUENT,
    GREY,
    Heard,
    anatomies,
    blind_labels,
    choices,
    each,
    grey_baseline,
    heard_twice,
    plain,
    region,
    twice,
)
from echovlm.reproduce.limits import SIMULATED, Limits
from echovlm.terms import Language

Cases = Mapping[str, Mapping[Split, Sequence[HeldOutCase]]]
"""Cases by source and split."""

_BREAST: ClosedSet = {
    "malignant": (prompts.label("breast-malignant"),),
    "benign": (
        prompts.label("breast-fibroadenoma"),
        prompts.label("breast-cyst"),
        Label("fibrocystic-changes", "纤维囊性改变", "fibrocystic changes"),
    ),
}
_LIVER: ClosedSet = {
    "malignant": (Label("liver-malignant", "肝脏恶性病灶", "malignant liver lesion"),),
    "benign": (Label("liver-benign", "肝脏良性病灶", "benign liver lesion"),),
    "normal": (prompts.label("liver-normal"),),
}
_HEAD = "head_circumference_mm"
_BUS_BRA, _AUL, _HC18 = "bus-bra", "aul", "hc18"


def real_measures(reader: Reader, cases: Cases, built: Path, limits: Limits) -> list[Measure]:
    """Scores on the test patients of every real source that is there.

    Args:
        reader: the engine.
        cases: by source and split; simulated ones are passed over.
        built: the built set, whose training texts give the most frequent findings.
        limits: how much is scored.
    """
    chosen = {
        source: spread(
            of_split[Split.TEST],
            [case.value("pathology") for case in of_split[Split.TEST]],
            limits.real,
            limits.seed,
        )
        for source, of_split in cases.items()
        if source != SIMULATED
    }
    said = {
        source: heard_twice(reader, group, _job(source), source) for source, group in chosen.items()
    }
    measured: list[Measure] = []
    if _BUS_BRA in chosen:
        measured.append(_breast(cases[_BUS_BRA], chosen[_BUS_BRA], said[_BUS_BRA]))
    if _AUL in chosen:
        measured.append(_liver(cases[_AUL], chosen[_AUL], said[_AUL]))
    if chosen:
        measured.append(_real_anatomy(cases, chosen, said))
    if _HC18 in chosen:
        measured.append(_head(cases[_HC18], chosen[_HC18], said[_HC18]))
    described = [source for source in (_BUS_BRA, _AUL) if source in chosen]
    if described:
        measured += _descriptors(cases, chosen, said, described, built)
    return measured


def _job(source: str) -> Job:
    if source == _BUS_BRA:
        return Job(True, lambda _: _BREAST, answers.findings)
    if source == _AUL:
        return Job(True, lambda _: _LIVER, answers.findings)
    return Job(True, write=answers.head_circumference if source == _HC18 else None)


def _breast(
    cases: Mapping[Split, Sequence[HeldOutCase]], chosen: Sequence[HeldOutCase], said: Heard
) -> Measure:
    grey = grey_baseline(cases[Split.TRAIN], "pathology")
    scores = {name: [one.probability("malignant") for one in heard] for name, heard in said.items()}
    scores[FREQUENT] = [0.0] * len(chosen)
    scores[GREY] = [
        grey.probabilities(grey_statistics(case.first_picture())).get("malignant", 0.0)
        for case in chosen
    ]
    malignant = [case.value("pathology") == "malignant" for case in chosen]
    return Measure(
        "BUS-BRA, benign or malignant, AUROC",
        [case.record.patient_key for case in chosen],
        {name: classification.auroc(malignant, values) for name, values in scores.items()},
        target=0.75,
        detail={"malignant": sum(malignant)},
    )


def _liver(
    cases: Mapping[Split, Sequence[HeldOutCase]], chosen: Sequence[HeldOutCase], said: Heard
) -> Measure:
    blind = blind_labels(cases[Split.TRAIN], cases[Split.TRAIN], chosen, "pathology", told=False)
    picked = {name: choices(heard) for name, heard in said.items()} | blind
    true = twice([case.value("pathology") for case in chosen])
    return Measure(
        "AUL, benign, malignant or normal, macro accuracy",
        twice([case.record.patient_key for case in chosen]),
        each(classification.balanced_accuracy, true, picked),
        target=0.60,
    )


def _real_anatomy(
    cases: Cases, chosen: Mapping[str, Sequence[HeldOutCase]], said: Mapping[str, Heard]
) -> Measure:
    train = [case for source in chosen for case in cases[source][Split.TRAIN]]
    test = [case for group in chosen.values() for case in group]
    named = {
        name: [region for heard in said.values() for region in anatomies(heard[name])]
        for name in (MODEL, BLANK)
    } | blind_labels(train, train, test, "anatomy", told=False)
    true = twice([region(case) for case in test])
    return Measure(
        "real images, anatomy, accuracy",
        twice([case.record.patient_key for case in test]),
        each(classification.accuracy, true, named),
        target=0.97,
        detail={
            "macro_accuracy": plain(classification.balanced_accuracy(true, named[MODEL]), len(true))
        },
    )


def _head(
    cases: Mapping[Split, Sequence[HeldOutCase]], chosen: Sequence[HeldOutCase], said: Heard
) -> Measure:
    sizes = [float(case.value(_HEAD)) for case in chosen]
    usual = float(np.median([float(case.value(_HEAD)) for case in cases[Split.TRAIN]] or [0.0]))

    true = twice(sizes)

    def errors_mm(heard: Sequence[Said]) -> list[float]:
        return [
            measurement_error(one.text[language], size, _HEAD, language)
            for one, size in zip(heard, sizes, strict=True)
            for language in Language
        ]

    def percent(errors: Sequence[float]) -> list[float]:
        return [100 * error / size for error, size in zip(errors, true, strict=True)]

    missing = [
        measured_value(one.text[language], _HEAD, language) is None
        for one in said[MODEL]
        for language in Language
    ]
    systems = {name: median_of(percent(errors_mm(heard))) for name, heard in said.items()}
    systems["median of training"] = median_of(percent([abs(usual - size) for size in true]))
    return Measure(
        "HC18, head circumference, median error in %",
        twice([case.record.patient_key for case in chosen]),
        systems,
        target=15.0,
        lower_is_better=True,
        decimals=1,
        detail={
            "median_error_mm": float(np.median(errors_mm(said[MODEL]))),
            "answers_without_a_length": sum(missing),
        },
    )


def _descriptors(
    cases: Cases,
    chosen: Mapping[str, Sequence[HeldOutCase]],
    said: Mapping[str, Heard],
    sources: Sequence[str],
    built: Path,
) -> list[Measure]:
    usual = _usual_findings(built, sources)
    known: list[descriptors.Descriptions] = []
    patients: list[str] = []
    stated: dict[str, list[descriptors.Descriptions]] = {}
    for source in sources:
        guess = _usual_descriptors(cases[source][Split.TRAIN])
        for place, case in enumerate(chosen[source]):
            true = descriptors.known_descriptors(case.record.facts)
            for language in Language if true else ():
                known.append(true)
                patients.append(case.record.patient_key)
                texts = {name: heard[place].text[language] for name, heard in said[source].items()}
                texts[f"{FREQUENT} findings"] = usual.get((source, language), "")
                for name, words in texts.items():
                    read = descriptors.said_descriptors(words, language)
                    stated.setdefault(name, []).append(read)
                stated.setdefault(f"{FREQUENT} values", []).append(guess)
    if not known:
        return []
    scores = {name: descriptors.descriptor_scores(read, known) for name, read in stated.items()}
    model = scores[MODEL]
    return [
        Measure(
            f"{' and '.join(sources).upper()}, descriptors in findings, F1",
            patients,
            {name: one.f1 for name, one in scores.items()},
            target=0.6,
            detail={
                "precision": plain(model.precision, len(known)),
                "recall": plain(model.recall, len(known)),
                "by_descriptor": model.by_descriptor(),
                "stated_but_not_known": model.unverifiable,
            },
        )
    ]


def _usual_findings(built: Path, sources: Sequence[str]) -> dict[tuple[str, Language], str]:
    """The most frequent findings of the training patients, by source and language."""
    groups, texts = [], []
    for sample in StoredSet(built).samples():
        wanted = sample.task is Task.FINDINGS and sample.source in sources
        if wanted and sample.split is Split.TRAIN and sample.language:
            groups.append((sample.source, sample.language))
            texts.append(sample.answer)
    return most_frequent(groups, texts)


def _usual_descriptors(train: Sequence[HeldOutCase]) -> descriptors.Descriptions:
    """The most frequent value of each descriptor among the training patients."""
    pairs = [
        (name, value)
        for case in train
        for name, values in descriptors.known_descriptors(case.record.facts).items()
        for value in values
    ]
    usual = most_frequent([name for name, _ in pairs], [value for _, value in pairs])
    return {name: frozenset({value}) for name, value in usual.items()}
