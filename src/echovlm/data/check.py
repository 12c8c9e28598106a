"""The check of a stored set: is it whole, and which of its pictures and texts are doubtful?

Nothing is changed. Each finding names what it is about and why; errors are what training must not
see (damage, leakage, contradiction), warnings are for a person to look at.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from echovlm.data.importing import json_line
from echovlm.data.quality import duplicates, pictures, texts
from echovlm.data.record import Record
from echovlm.data.sample import Sample
from echovlm.data.shards import Plan, run, split_evenly
from echovlm.data.store import (
    DIGESTS,
    RECORDS,
    SAMPLES,
    StoredSet,
    parse_row,
    read_inside,
    read_rows,
    read_studies,
)
from echovlm.data.writing import sha256_of
from echovlm.errors import DataError
from echovlm.facts.contradictions import check_text

_FINDINGS, _SEEN = "findings.jsonl", "seen.jsonl"
_UNITS_PER_SHARD = 64

Severity = Literal["error", "warning"]


class Finding(BaseModel):
    """One thing that is wrong, or that a person should look at.

    Attributes:
        severity: "error" for what must not be used, "warning" for what may be right.
        kind: what kind of fault, for counting.
        where: id of a record or sample, or a file of the set.
        detail: one clause.
    """

    model_config = ConfigDict(frozen=True)

    severity: Severity
    kind: str
    where: str
    detail: str


class _Seen(BaseModel):
    """A picture that was looked at, for the search of duplicates over the whole set."""

    path: str
    sha256: str
    perceptual_hash: str
    patient_key: str
    split: str | None


@dataclass(frozen=True)
class Unit:
    """A piece of work: lines of a table that belong to one study, or a Parquet shard."""

    offset: int = 0
    line: int = 0
    count: int = 0
    shard: str = ""


@dataclass
class CheckResult:
    """What a check found.

    Attributes:
        counts: findings by (severity, kind).
        examined: rows and pictures that were looked at.
        findings: the findings in order; kept up to ``limit``, all of them counted.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examined: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    limit: int = 10_000

    def add(self, finding: Finding) -> None:
        """Count a finding and keep it while there is room."""
        self.counts[finding.severity, finding.kind] += 1
        if len(self.findings) < self.limit:
            self.findings.append(finding)

    @property
    def errors(self) -> int:
        """Number of findings that are errors."""
        return sum(count for (severity, _), count in self.counts.items() if severity == "error")


@dataclass(frozen=True)
class CheckStep:
    """Check the rows and pictures of one shard."""

    folder: Path
    kind: Literal["records", "samples"]

    def __call__(self, items: Sequence[Unit], number: int, folder: Path) -> dict[str, int]:
        """Write findings, and what was seen of each picture."""
        findings: list[Finding] = []
        seen: list[_Seen] = []
        rows = 0
        for unit in items:
            try:
                if self.kind == "records":
                    rows += self._check_record(unit, findings, seen)
                else:
                    for samples, data in self._studies(unit):
                        rows += len(samples)
                        _check_samples(samples, data, findings, seen)
            except DataError as error:
                findings.append(_error("damaged", Path(error.path).name, error.problem))
        (folder / _FINDINGS).write_bytes(b"".join(json_line(row) for row in findings))
        (folder / _SEEN).write_bytes(b"".join(json_line(row) for row in seen))
        return {"rows": rows, "pictures": len(seen)}

    def _lines(self, table: str, unit: Unit) -> Iterator[tuple[int, bytes]]:
        with open(self.folder / table, "rb") as stream:
            stream.seek(unit.offset)
            for number in range(unit.count):
                yield unit.line + number, stream.readline()

    def _check_record(self, unit: Unit, findings: list[Finding], seen: list[_Seen]) -> int:
        path = self.folder / RECORDS
        for number, line in self._lines(RECORDS, unit):
            record = parse_row(path, number, line, Record)
            for picture in record.pictures:
                data = read_inside(self.folder, picture.path)
                _check_picture(picture.path, data, record.patient_key, None, findings, seen)
                if picture.mask is not None:
                    mask = pictures.decode(read_inside(self.folder, picture.mask))
                    size = (picture.height_px, picture.width_px)
                    if mask is None or mask.shape[:2] != size:
                        findings.append(
                            _error("mask", picture.mask, "is damaged or of another size")
                        )
                    elif not mask.any():
                        findings.append(_warning("mask", picture.mask, "is empty"))
            for report in record.reports:
                said = f"{report.findings}\n{report.impression}"
                for doubt in check_text(said, record.facts, report.language):
                    detail = f"the {report.language} report: {doubt.kind}"
                    findings.append(_error("contradiction", record.id, detail))
        return unit.count

    def _studies(self, unit: Unit) -> Iterator[tuple[Sequence[Sample], dict[str, bytes]]]:
        """Samples of each study, with the pictures they name."""
        if unit.shard:
            for study in read_studies(self.folder / "samples" / unit.shard):
                yield study.samples, study.pictures
            return
        path = self.folder / SAMPLES
        samples = [parse_row(path, n, line, Sample) for n, line in self._lines(SAMPLES, unit)]
        paths = dict.fromkeys(path for sample in samples for path in sample.images)
        yield samples, {path: read_inside(self.folder, path) for path in paths}


def _check_samples(
    samples: Sequence[Sample],
    data: dict[str, bytes],
    findings: list[Finding],
    seen: list[_Seen],
) -> None:
    first = samples[0]
    for path, content in data.items():
        _check_picture(path, content, first.patient_key, first.split, findings, seen)
    for sample in samples:
        for fault in texts.faults(sample):
            findings.append(_error("text", sample.id, fault))
        for path in sample.images:
            if path not in data:
                findings.append(_error("damaged", sample.id, f"its picture {path} is missing"))
    kinds: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        kinds.setdefault((str(sample.task), str(sample.language)), []).append(sample)
    for alike in kinds.values():
        spoken = [f"{sample.question}\n{sample.answer}" for sample in alike]
        for one, two in texts.near_duplicates(spoken) if len(alike) > 1 else ():
            detail = f"says nearly the same as {alike[one].id}"
            findings.append(_warning("near-duplicate text", alike[two].id, detail))


def _check_picture(
    path: str,
    data: bytes,
    patient: str,
    split: str | None,
    findings: list[Finding],
    seen: list[_Seen],
) -> None:
    pixels = pictures.decode(data)
    for fault in pictures.faults(pixels):
        findings.append(
            _warning("picture", path, fault)
            if pixels is not None
            else _error("picture", path, fault)
        )
    seen.append(
        _Seen(
            path=path,
            sha256=hashlib.sha256(data).hexdigest(),
            perceptual_hash=duplicates.perceptual_hash(pixels) if pixels is not None else "0" * 64,
            patient_key=patient,
            split=split,
        )
    )


def check_set(
    folder: Path,
    *,
    workers: int = 1,
    begin: Callable[[int], None] = lambda units: None,
    advance: Callable[[int], None] = lambda units: None,
) -> CheckResult:
    """Check a stored set.

    Args:
        folder: an imported or built set.
        workers: processes.
        begin: called with the number of studies once it is known.
        advance: called with the number of studies checked since the last call.

    Raises:
        DataError: when the folder is no finished set.
    """
    stored = StoredSet(folder)
    result = CheckResult()
    for finding in _changed_files(stored):
        result.add(finding)
    units = list(_units(stored))
    begin(len(units))
    with tempfile.TemporaryDirectory(prefix="echovlm-check-") as work:
        step = CheckStep(folder.resolve(), stored.manifest.kind)
        plan = Plan(step, split_evenly(units, _UNITS_PER_SHARD), Path(work) / "shards", "check")
        counts = run(plan, workers=workers, advance=lambda _, finished: advance(finished))
        result.examined.update(counts)
        across = _Across()
        for number in range(len(plan.shards)):
            for finding in read_rows(plan.place(number) / _FINDINGS, Finding):
                result.add(finding)
            for picture in read_rows(plan.place(number) / _SEEN, _Seen):
                across.add(picture)
    for finding in across.findings():
        result.add(finding)
    return result


def _changed_files(stored: StoredSet) -> Iterator[Finding]:
    for name, digest in stored.manifest.files.items():
        path = stored.folder / name
        if not path.is_file():
            yield _error("damaged", name, "is missing")
        elif sha256_of(path) != digest:
            yield _error("damaged", name, "is not what the manifest says")
    listed = set()
    digests = stored.folder / DIGESTS
    for line in digests.read_text(encoding="utf-8").splitlines() if digests.exists() else ():
        digest, _, name = line.partition("  ")
        listed.add(name)
        path = stored.folder / name
        if not path.is_file():
            yield _error("damaged", name, "is missing")
        elif sha256_of(path) != digest:
            yield _error("damaged", name, "was changed after it was written")
    for kind in ("images", "dicom", "samples"):
        for path in sorted((stored.folder / kind).rglob("*")):
            name = path.relative_to(stored.folder).as_posix()
            if path.is_file() and name not in listed:
                yield _warning("unknown file", name, "belongs to nothing in the set")


def _units(stored: StoredSet) -> Iterator[Unit]:
    if stored.manifest.store == "parquet":
        yield from (Unit(shard=path.name) for path in stored.shards())
        return
    if stored.manifest.kind == "records":
        for number, offset, _ in _lines(stored.folder / RECORDS):
            yield Unit(offset, number, 1)
        return
    lines = _lines(stored.folder / SAMPLES)
    for _, group in groupby(lines, key=lambda line: _study(line[2])):
        members = list(group)
        yield Unit(members[0][1], members[0][0], len(members))


def _lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    offset = 0
    with open(path, "rb") as stream:
        for number, line in enumerate(stream, start=1):
            yield number, offset, line
            offset += len(line)


def _study(line: bytes) -> Any:
    try:
        return json.loads(line)["study"]
    except (ValueError, KeyError, TypeError):
        return None


@dataclass
class _Across:
    """Duplicates and leakage over the whole set, gathered picture by picture."""

    paths: list[str] = field(default_factory=list)
    splits: list[str | None] = field(default_factory=list)
    patients: list[str] = field(default_factory=list)
    first: dict[bytes, int] = field(default_factory=dict)
    twin_of: list[int] = field(default_factory=list)
    hashes: bytearray = field(default_factory=bytearray)
    split_of: dict[str, set[str]] = field(default_factory=dict)

    def add(self, picture: _Seen) -> None:
        """Take in one picture."""
        number = len(self.paths)
        self.paths.append(picture.path)
        self.splits.append(picture.split and sys.intern(picture.split))
        self.patients.append(sys.intern(picture.patient_key))
        self.twin_of.append(self.first.setdefault(bytes.fromhex(picture.sha256)[:16], number))
        self.hashes += bytes.fromhex(picture.perceptual_hash)
        if picture.split is not None:
            self.split_of.setdefault(picture.patient_key, set()).add(picture.split)

    def findings(self) -> Iterator[Finding]:
        """What is wrong across the set."""
        for two, one in enumerate(self.twin_of):
            if one != two:
                yield self._twice("duplicate picture", one, two, "the same")
        for one, two, bits in duplicates.near_pairs(bytes(self.hashes)):
            # Frames of a loop and views of one patient are alike by nature.
            if self.twin_of[one] != self.twin_of[two] and self.patients[one] != self.patients[two]:
                how = f"nearly the same ({bits} of {duplicates.HASH_BITS} bits differ)"
                yield self._twice("near-duplicate picture", one, two, how)
        for patient, splits in self.split_of.items():
            if len(splits) > 1:
                yield _error("leakage", patient, f"is in the splits {', '.join(sorted(splits))}")

    def _twice(self, kind: str, one: int, two: int, how: str) -> Finding:
        detail = f"is {how} as {self.paths[one]}"
        if self.splits[one] != self.splits[two]:
            return _error(f"{kind} across splits", self.paths[two], detail)
        return _warning(kind, self.paths[two], detail)


def _error(kind: str, where: str, detail: str) -> Finding:
    return Finding(severity="error", kind=kind, where=where, detail=detail)


def _warning(kind: str, where: str, detail: str) -> Finding:
    return Finding(severity="warning", kind=kind, where=where, detail=detail)
