"""Scores on simulated test patients: diagnosis, anatomy, calibration and reports.

The network is told the anatomy for a diagnosis but not for a report; the baselines that do not look
are told it for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from echovlm.data.sample import Split
from echovlm.evaluate import answers, classification, text
from echovlm.evaluate.answers import Job, Reader, Said, listen
from echovlm.evaluate.blind import most_frequent
from echovlm.evaluate.calibration import calibration_error, fit_temperature, reliability
from echovlm.evaluate.held_out import HeldOutCase, spread
from echovlm.evaluate.scorecard import MODEL, Measure
from echovlm.reproduce.comparisons import (
    FREQUENT,
    anatomies,
    blind_labels,
    choices,
    each,
    heard_twice,
    plain,
    region,
    twice,
)
from echovlm.reproduce.limits import Limits
from echovlm.terms import Language

_TEXTS = {"BLEU-1": 65.0, "ROUGE-1": None, "ROUGE-L": None, "METEOR": None}


def _chosen(cases: Sequence[HeldOutCase], most: int, seed: int) -> list[HeldOutCase]:
    """Cases whose diagnosis is one of the known labels of their anatomy."""
    known = [case for case in cases if case.value("diagnosis") in answers.labels_of_anatomy(case)]
    return spread(known, [case.value("diagnosis") for case in known], most, seed)


def fitted_temperature(reader: Reader, cases: Sequence[HeldOutCase], limits: Limits) -> float:
    """The temperature of closed-set scores that fits validation cases best; 1 without cases."""
    chosen = _chosen(cases, limits.calibrating, limits.seed)
    job = Job(closed_set=answers.labels_of_anatomy)
    said = listen(reader, chosen, job, blank=False, title="calibrating")
    scores, true_index = [], []
    for case, one in zip(chosen, said, strict=True):
        for of_language in one.scores.values():
            names = [name for name, _ in of_language]
            scores.append(list(of_language.values()))
            true_index.append(names.index(case.value("diagnosis")))
    return fit_temperature(scores, true_index) if scores else 1.0


def simulated_measures(
    reader: Reader,
    cases: Mapping[Split, Sequence[HeldOutCase]],
    temperature: float,
    limits: Limits,
) -> list[Measure]:
    """Diagnosis, anatomy, calibration and reports of simulated test patients.

    Args:
        reader: the engine.
        cases: of the simulated set, by split.
        temperature: of the diagnosis probabilities.
        limits: how much is scored.
    """
    chosen = _chosen(cases[Split.TEST], limits.diagnosed, limits.seed)
    train = _chosen(cases[Split.TRAIN], limits.fitting, limits.seed)
    if not chosen:
        return []
    job = Job(anatomy=True, closed_set=answers.labels_of_anatomy)
    said = heard_twice(reader, chosen, job, "simulated diagnoses")
    true = twice([case.value("diagnosis") for case in chosen])
    regions = twice([region(case) for case in chosen])
    patients = twice([case.record.patient_key for case in chosen])
    unseen = blind_labels(cases[Split.TRAIN], train, chosen, "diagnosis", told=True)
    unseen_regions = blind_labels(cases[Split.TRAIN], train, chosen, "anatomy", told=False)
    chosen_labels = {name: choices(heard) for name, heard in said.items()} | unseen
    picked = chosen_labels[MODEL]
    named = {name: anatomies(heard) for name, heard in said.items()} | unseen_regions
    return [
        Measure(
            "simulated, diagnosis, macro accuracy over labels",
            patients,
            each(classification.balanced_accuracy, true, chosen_labels),
            target=0.80,
            detail={
                "accuracy": plain(classification.accuracy(true, picked), len(true)),
                "macro_f1": plain(classification.macro_f1(true, picked), len(true)),
                "labels": len(set(true)),
            },
        ),
        Measure(
            "simulated, anatomy, accuracy",
            patients,
            each(classification.accuracy, regions, named),
        ),
        _calibration(patients, said[MODEL], true, temperature),
        *_reports(reader, cases, limits),
    ]


def _calibration(
    patients: Sequence[str], said: Sequence[Said], true: Sequence[str], temperature: float
) -> Measure:
    right = [choice == label for choice, label in zip(choices(said), true, strict=True)]

    def confidences(heat: float) -> list[float]:
        chances = [one.probabilities(language, heat) for one in said for language in Language]
        return [min(1.0, max(of_case.values())) for of_case in chances]

    fitted = confidences(temperature)
    return Measure(
        "simulated, calibration error of the diagnosis (15 bins)",
        patients,
        {
            MODEL: calibration_error(fitted, right),
            "temperature 1": calibration_error(confidences(1.0), right),
        },
        target=0.05,
        lower_is_better=True,
        detail={"reliability": [asdict(one) for one in reliability(fitted, right)]},
    )


def _reports(
    reader: Reader, cases: Mapping[Split, Sequence[HeldOutCase]], limits: Limits
) -> Iterator[Measure]:
    chosen = _chosen(cases[Split.TEST], limits.reported, limits.seed)
    said = heard_twice(reader, chosen, Job(write=answers.report), "simulated reports")
    patients = [case.record.patient_key for case in chosen]
    for language in Language:
        true = [_report_text(case, language) for case in chosen]
        usual = most_frequent(
            [region(case) for case in cases[Split.TRAIN]],
            [_report_text(case, language) for case in cases[Split.TRAIN]],
        )
        written = {name: [one.text[language] for one in heard] for name, heard in said.items()}
        written[FREQUENT] = [usual.get(region(case), "") for case in chosen]
        for name, target in _TEXTS.items():
            metric = text.METRICS[name]
            scored = {system: metric(texts, true, language) for system, texts in written.items()}
            yield Measure(
                f"simulated, report {language}, {name}",
                patients,
                scored,
                target=target,
                decimals=1,
                signature=scored[MODEL].signature,
            )


def _report_text(case: HeldOutCase, language: Language) -> str:
    for one in case.record.reports:
        if one.language == language:
            return f"{one.findings}\n{one.impression}"
    return ""
