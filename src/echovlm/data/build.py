"""The build: imported records become samples with splits, and what cannot be trusted stays out.

One pass over all records assigns every patient to a split and finds pictures that come twice; then
each shard is a function of its records, the seed and that plan:

    record -> drop doubtful reports -> true conversations -> quality checks -> samples of one split
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from echovlm import __version__
from echovlm.data.conversations import samples_of
from echovlm.data.importing import (
    DIGESTS,
    WORK,
    check_target,
    json_line,
    publish,
    write_digests,
)
from echovlm.data.manifest import Manifest
from echovlm.data.quality import duplicates, texts
from echovlm.data.record import Record, Rejected
from echovlm.data.sample import Sample, Split
from echovlm.data.shards import Plan, run, split_evenly
from echovlm.data.splits import assign
from echovlm.data.store import (
    RECORDS,
    REJECTED,
    SAMPLES,
    StoredSet,
    StoredStudy,
    parse_row,
    write_studies,
)
from echovlm.data.writing import write_whole
from echovlm.errors import DataError
from echovlm.facts.contradictions import check_text

RECORDS_PER_SHARD = 64
SPLITS = "splits.json"


@dataclass(frozen=True)
class Place:
    """Where a record stands, and what the plan says of it.

    Attributes:
        input: number of the imported set.
        offset: of the record's line in ``records.jsonl``, bytes.
        line: its number, from 1.
        split: of its patient.
        refused: why the whole record is left out, else empty.
    """

    input: int
    offset: int
    line: int
    split: Split
    refused: str = ""


@dataclass(frozen=True)
class BuildStep:
    """Build the samples of one shard."""

    inputs: tuple[Path, ...]
    seed: int
    store: Literal["jsonl", "parquet"]

    def __call__(self, items: Sequence[Place], number: int, folder: Path) -> dict[str, int]:
        """Write samples, pictures and what was left out.

        Returns:
            Counts of studies, pictures, samples and rejected texts and records.
        """
        studies: list[StoredStudy] = []
        rejected: list[Rejected] = []
        images = folder / "images"
        images.mkdir()
        for position, place in enumerate(items):
            record = self._record(place)
            if place.refused:
                rejected.append(_rejected(record, place.refused))
                continue
            samples = _checked(record, self.seed, place.split, rejected)
            if not samples:
                rejected.append(_rejected(record, "nothing true can be said or asked about it"))
                continue
            new_paths = {
                picture.path: f"images/{number:05d}/{position:03d}-{Path(picture.path).name}"
                for picture in record.pictures
            }
            if self.store == "jsonl":
                for old, new in new_paths.items():
                    _link(self.inputs[place.input] / old, images / Path(new).name)
            studies.append(
                StoredStudy(
                    samples=tuple(_moved(sample, new_paths) for sample in samples),
                    pictures={
                        new: (self.inputs[place.input] / old).read_bytes()
                        for old, new in new_paths.items()
                        if self.store == "parquet"
                    },
                )
            )
        self._write(folder, number, studies)
        (folder / REJECTED).write_bytes(b"".join(json_line(row) for row in rejected))
        return {
            "studies": len(studies),
            "samples": sum(len(study.samples) for study in studies),
            "rejected": len(rejected),
        }

    def _record(self, place: Place) -> Record:
        path = self.inputs[place.input] / RECORDS
        with open(path, "rb") as stream:
            stream.seek(place.offset)
            return parse_row(path, place.line, stream.readline(), Record)

    def _write(self, folder: Path, number: int, studies: Sequence[StoredStudy]) -> None:
        if self.store == "jsonl":
            rows = (json_line(sample) for study in studies for sample in study.samples)
            with open(folder / SAMPLES, "wb") as stream:
                stream.writelines(rows)
        elif studies:
            (folder / "samples").mkdir()
            write_studies(folder / "samples" / f"{number:05d}.parquet", studies)
        write_digests(folder, number)


def build_set(
    inputs: Sequence[Path],
    out: Path,
    *,
    seed: int = 0,
    store: Literal["jsonl", "parquet"] = "jsonl",
    splits_file: Path | None = None,
    workers: int = 1,
    ray_address: str | None = None,
    begin: Callable[[int], None] = lambda records: None,
    advance: Callable[[int], None] = lambda records: None,
) -> Manifest:
    """Build one set of samples out of imported sets.

    Args:
        inputs: folders of imported sets, each of another source.
        out: folder of the new set; must not exist, or be unfinished.
        seed: decides splits and every drawn wording.
        store: "jsonl" beside picture files, or "parquet" shards with the pictures inside.
        splits_file: JSON file of patient keys and splits; read where it exists, so that patients
            keep their split when data are added, and written with the new ones.
        workers: processes on this machine.
        ray_address: a Ray cluster instead, which sees inputs and ``out``.
        begin: called with the number of records once it is known.
        advance: called with the number of records finished since the last call.

    Raises:
        DataError: when an input is no imported set, or splits would leak.
        OutputError: when the set could not be written; what is finished stays.
    """
    check_target(out)
    sets = [StoredSet(folder) for folder in inputs]
    _check_inputs(sets)
    places, splits = plan_splits(sets, seed, _read_splits(splits_file))
    begin(len(places))
    sources = tuple(source for stored in sets for source in stored.manifest.sources)
    tables = {stored.folder.name: stored.manifest.files for stored in sets}
    identity = json.dumps([__version__, seed, store, sources, tables], sort_keys=True)
    step = BuildStep(tuple(folder.resolve() for folder in inputs), seed, store)
    plan = Plan(step, split_evenly(places, RECORDS_PER_SHARD), out / WORK, identity)
    counts = run(
        plan,
        workers=workers,
        ray_address=ray_address,
        advance=lambda _, finished: advance(finished),
    )
    text = json.dumps(splits, ensure_ascii=False, indent=0, sort_keys=True).encode("utf-8")
    digest = write_whole(out / SPLITS, [text, b"\n"])
    if splits_file is not None:
        write_whole(splits_file, [text, b"\n"])
    first = (SAMPLES,) if store == "jsonl" else ()
    about = {
        "kind": "samples",
        "store": store,
        "sources": sources,
        "seed": seed,
        "counts": counts,
    }
    return publish(plan, out, (*first, REJECTED, DIGESTS), about, {SPLITS: digest})


def _check_inputs(sets: Sequence[StoredSet]) -> None:
    names: dict[str, Path] = {}
    for stored in sets:
        if stored.manifest.kind != "records":
            raise DataError(
                stored.folder, "is a built set, not an imported one", "Name imported sets"
            )
        for source in stored.manifest.sources:
            if source["name"] in names:
                raise DataError(
                    stored.folder,
                    f"holds '{source['name']}' like {names[source['name']]}",
                    "Name each source once",
                )
            names[source["name"]] = stored.folder


def _read_splits(path: Path | None) -> dict[str, Split]:
    if path is None or not path.exists():
        return {}
    try:
        return {key: Split(value) for key, value in json.loads(path.read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        raise DataError(
            path, "is no JSON object of patient keys and splits", "Name another file"
        ) from None


def plan_splits(
    sets: Sequence[StoredSet], seed: int, previous: dict[str, Split]
) -> tuple[list[Place], dict[str, Split]]:
    """Read every record once and decide what becomes of it.

    Pictures that come twice are refused after the first; patients that share near duplicates stay
    in one split.

    Returns:
        The place of every record in order, and the split of every patient.
    """
    strata: dict[str, set[str]] = {}
    seen = duplicates.Pictures()
    rows: list[tuple[int, int, int, str, str]] = []
    for number, stored in enumerate(sets):
        for line, (offset, record) in enumerate(_with_offsets(stored.folder / RECORDS), start=1):
            strata.setdefault(record.patient_key, set()).add(stratum(record))
            refused = seen.add(record)
            rows.append((number, offset, line, record.patient_key, refused))
    joined = {patient: " & ".join(sorted(values)) for patient, values in strata.items()}
    splits = assign(joined, seed, previous=previous, groups=seen.patient_groups())
    places = [
        Place(number, offset, line, splits[patient], refused)
        for number, offset, line, patient, refused in rows
    ]
    return places, splits


def stratum(record: Record) -> str:
    """What a record is balanced by: its anatomy and its label."""
    labels = record.values("diagnosis") or record.values("pathology") or ["unlabelled"]
    return f"{record.source}/{record.anatomy or 'unknown'}/{labels[0]}"


def _with_offsets(path: Path) -> Iterator[tuple[int, Record]]:
    offset = 0
    with open(path, "rb") as stream:
        for number, line in enumerate(stream, start=1):
            yield offset, parse_row(path, number, line, Record)
            offset += len(line)


def _rejected(record: Record, reason: str) -> Rejected:
    key = record.id.removeprefix(f"{record.source}/")
    return Rejected(source=record.source, key=key, reason=reason)


def _checked(record: Record, seed: int, split: Split, rejected: list[Rejected]) -> list[Sample]:
    """Samples of a record that passed; what did not is added to ``rejected``."""
    trusted = []
    for report in record.reports:
        said = f"{report.findings}\n{report.impression}"
        doubts = check_text(said, record.facts, report.language)
        if doubts:
            kinds = ", ".join(sorted({doubt.kind for doubt in doubts}))
            rejected.append(_rejected(record, f"its {report.language} report contradicts: {kinds}"))
        else:
            trusted.append(report)
    kept = []
    for sample in samples_of(record.model_copy(update={"reports": tuple(trusted)}), seed=seed):
        faults = texts.faults(sample)
        if faults:
            rejected.append(_rejected(record, f"sample {sample.id}: {'; '.join(faults)}"))
        else:
            kept.append(sample.model_copy(update={"split": split}))
    return kept


def _moved(sample: Sample, new_paths: dict[str, str]) -> Sample:
    images = tuple(new_paths[path] for path in sample.images)
    return sample.model_copy(update={"images": images})


def _link(source: Path, target: Path) -> None:
    """Give a picture a second name; copy it where the file system cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
