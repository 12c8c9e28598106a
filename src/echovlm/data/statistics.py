"""What is in a stored set: counts by anatomy, task, language and split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from echovlm.data.record import Record
from echovlm.data.sample import Sample
from echovlm.data.store import StoredSet

_UNKNOWN = "unknown"


@dataclass
class Statistics:
    """Counts of one set.

    Attributes:
        kind: "records" or "samples".
        totals: what there is in all (studies, patients, pictures, samples).
        tables: name of a table -> its counts.
    """

    kind: str
    totals: dict[str, int] = field(default_factory=dict)
    tables: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, table: str, key: object) -> None:
        """Count one thing in a table."""
        self.tables.setdefault(table, Counter())[str(key if key is not None else _UNKNOWN)] += 1


def statistics(stored: StoredSet) -> Statistics:
    """Count what is in a set, in one pass.

    Raises:
        DataError: when the set is damaged.
    """
    return _of_records(stored) if stored.manifest.kind == "records" else _of_samples(stored)


def _of_records(stored: StoredSet) -> Statistics:
    found = Statistics("records")
    patients: set[str] = set()
    studies = pictures = masks = calibrated = 0
    for record in stored.records():
        studies += 1
        patients.add(record.patient_key)
        pictures += len(record.pictures)
        masks += sum(picture.mask is not None for picture in record.pictures)
        calibrated += sum(picture.pixel_spacing_mm is not None for picture in record.pictures)
        _count_record(found, record)
    rejected = Counter(row.reason for row in stored.rejected())
    found.totals = {
        "studies": studies,
        "patients": len(patients),
        "pictures": pictures,
        "with a mask": masks,
        "calibrated": calibrated,
        "left out": sum(rejected.values()),
    }
    if rejected:
        found.tables["left out because"] = rejected
    return found


def _count_record(found: Statistics, record: Record) -> None:
    found.count("anatomy", record.anatomy)
    found.count("source", record.source)
    for name in ("diagnosis", "pathology", "birads", "laterality"):
        for value in dict.fromkeys(record.values(name)):
            found.count(name, value)
    for language in dict.fromkeys(report.language for report in record.reports):
        found.count("report language", language)


def _of_samples(stored: StoredSet) -> Statistics:
    found = Statistics("samples")
    patients: set[str] = set()
    studies: set[str] = set()
    images: set[str] = set()
    samples = 0
    for sample in stored.samples():
        samples += 1
        patients.add(sample.patient_key)
        studies.add(sample.study)
        images.update(sample.images)
        _count_sample(found, sample)
    found.totals = {
        "studies": len(studies),
        "patients": len(patients),
        "pictures": len(images),
        "samples": samples,
        "left out": sum(1 for _ in stored.rejected()),
    }
    return found


def _count_sample(found: Statistics, sample: Sample) -> None:
    found.count("anatomy", sample.anatomy)
    found.count("task", sample.task)
    found.count("language", sample.language)
    found.count("split", sample.split)
    found.count("source", sample.source)
    answers = [turn for turn in sample.turns if turn.role == "assistant"]
    for provenance in dict.fromkeys(turn.provenance for turn in answers):
        found.count("provenance", provenance)
