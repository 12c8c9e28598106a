"""The import: entries of a source become records and picture files, and nothing is lost silently.

out/
  manifest.json    what this is, with the digest of every file; written last
  records.jsonl    one record per line
  rejected.jsonl   what was left out, and why
  audit.jsonl      what de-identification changed (archives)
  files.sha256     digest of every picture, as sha256sum -c reads it
  images/00000/    pictures and masks of one shard
  dicom/00000/     de-identified instances, where asked for
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel

from echovlm import __version__
from echovlm.data.manifest import MANIFEST, Manifest, write_manifest
from echovlm.data.quality import pictures as quality
from echovlm.data.quality.duplicates import perceptual_hash
from echovlm.data.record import Picture, Record, Rejected
from echovlm.data.shards import Plan, run, split_evenly
from echovlm.data.sources.source import Draft, DraftPicture, Entry, Reject, Source
from echovlm.data.writing import blocks, sha256_of, write_whole
from echovlm.errors import DataError, EchoVLMError, OutputError
from echovlm.imaging.quiet import quiet

ENTRIES_PER_SHARD = 32
WORK = ".work"
_TABLES = ("records.jsonl", "rejected.jsonl", "audit.jsonl")
DIGESTS = "files.sha256"
_FOLDERS = ("images", "dicom")
_SHARD_FILES = "samples"  # folder of single-file shards (Parquet)
_FORMATS = {"PNG": ".png", "JPEG": ".jpg"}


@dataclass(frozen=True)
class ImportStep:
    """Import the entries of one shard."""

    source: Source

    def __call__(self, items: Sequence[Entry], number: int, folder: Path) -> dict[str, int]:
        """Write records, pictures and what was left out.

        Returns:
            Counts of records, pictures and rejected entries.
        """
        images = folder / "images"
        images.mkdir()
        records: list[Record] = []
        rejected: list[Rejected] = []
        audit: list[dict[str, Any]] = []
        for position, entry in enumerate(items):
            stem = f"{position:03d}-{_slug(entry.key)}"
            try:
                draft = self._draft(entry)
                place = _Place(images, f"images/{number:05d}", stem)
                record = self._record(entry, draft, place, rejected)
            except Reject as refusal:
                rejected.append(self._rejected(entry, refusal))
                audit += refusal.audit
                continue
            records.append(record)
            rejected += draft.rejected
            audit += draft.audit
            _write_attachments(draft, folder / "dicom", stem)
        tables: tuple[Sequence[BaseModel | dict[str, Any]], ...] = (records, rejected, audit)
        for name, rows in zip(_TABLES, tables, strict=True):
            (folder / name).write_bytes(b"".join(json_line(row) for row in rows))
        write_digests(folder, number)
        return {
            "records": len(records),
            "pictures": sum(len(record.pictures) for record in records),
            "rejected": sum(not row.quarantined for row in rejected),
            "quarantined": sum(row.quarantined for row in rejected),
        }

    def _draft(self, entry: Entry) -> Draft:
        """Draft an entry; whatever goes wrong is told without words that may hold patient data."""
        try:
            with quiet():
                return self.source.draft(entry)
        except Reject:
            raise
        except EchoVLMError as error:
            raise Reject(_without_folder(error)) from None
        except MemoryError:
            raise
        except Exception as error:
            raise Reject(f"it could not be read ({type(error).__name__})") from None

    def _record(
        self, entry: Entry, draft: Draft, place: _Place, rejected: list[Rejected]
    ) -> Record:
        """Write the pictures that can be used; facts keep pointing at theirs."""
        pictures: list[Picture] = []
        number_of: dict[int, int] = {}
        refusal = Reject("it has no picture")
        for position, drafted in enumerate(draft.pictures):
            try:
                picture = _write_picture(drafted, place, position)
            except Reject as reason:
                refusal = reason
                if len(draft.pictures) > 1:
                    rejected.append(self._rejected(entry, reason, f" picture {position + 1}"))
                continue
            number_of[position] = len(pictures)
            pictures.append(picture)
        if not pictures:
            raise refusal
        facts = tuple(
            fact if fact.image is None else fact.model_copy(update={"image": number_of[fact.image]})
            for fact in draft.facts
            if fact.image is None or fact.image in number_of
        )
        return Record(
            id=f"{self.source.name}/{entry.key}",
            source=self.source.name,
            licence=self.source.licence,
            citation=self.source.citation,
            patient_key=f"{self.source.name}/{draft.patient}",
            anatomy=draft.anatomy,
            pictures=tuple(pictures),
            facts=facts,
            reports=draft.reports,
            asked=draft.asked,
        )

    def _rejected(self, entry: Entry, refusal: Reject, part: str = "") -> Rejected:
        return Rejected(
            source=self.source.name,
            key=f"{entry.key}{part}",
            reason=refusal.reason,
            quarantined=refusal.quarantined,
        )


@dataclass(frozen=True)
class _Place:
    """Where the pictures of one entry go."""

    images: Path
    relative: str
    stem: str


def import_source(
    source: Source,
    out: Path,
    *,
    workers: int = 1,
    ray_address: str | None = None,
    begin: Callable[[int], None] = lambda entries: None,
    advance: Callable[[int], None] = lambda entries: None,
) -> Manifest:
    """Import a whole source; run again after an interruption it goes on where it was.

    Args:
        source: what to import.
        out: folder of the set; must not exist, or be unfinished.
        workers: processes on this machine.
        ray_address: a Ray cluster instead; ``out`` and the source must lie where it sees them.
        begin: called with the number of entries once it is known.
        advance: called with the number of entries finished since the last call.

    Returns:
        The manifest of the finished set.

    Raises:
        DataError: when the source is not laid out as it should, or ``out`` holds something else.
        OutputError: when the set could not be written; what is finished stays.
    """
    check_target(out)
    with quiet():
        entries = list(source.entries())
    if not entries:
        raise DataError(
            out, f"would be empty: no study of {source.name} was found", "Check the path"
        )
    begin(len(entries))
    identity = json.dumps(
        [__version__, source.name, source.settings()], sort_keys=True, ensure_ascii=False
    )
    shards = split_evenly(entries, ENTRIES_PER_SHARD)
    plan = Plan(ImportStep(source), shards, out / WORK, identity)
    counts = run(
        plan,
        workers=workers,
        ray_address=ray_address,
        advance=lambda _, finished: advance(finished),
    )
    about = {
        "name": source.name,
        "licence": source.licence,
        "citation": source.citation,
        "settings": source.settings(),
    }
    tables = (*_TABLES, DIGESTS)
    return publish(plan, out, tables, {"kind": "records", "sources": (about,), "counts": counts})


def check_target(out: Path) -> None:
    """Refuse to write into a finished set or a folder of something else.

    Raises:
        OutputError: with what to do.
    """
    if (out / MANIFEST).exists():
        raise OutputError(f"{out} is a finished set already; name another folder or remove it.")
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; name a folder.")
    if out.is_dir() and not (out / WORK).is_dir() and any(out.iterdir()):
        raise OutputError(f"{out} is not empty and no unfinished set; name another folder.")


def publish(
    plan: Plan,
    out: Path,
    tables: Sequence[str],
    about: dict[str, Any],
    written: dict[str, str] | None = None,
) -> Manifest:
    """Turn finished shards into a set. Every step can be repeated after an interruption.

    Args:
        plan: the finished plan.
        out: folder of the set.
        tables: files of each shard, to be joined in order.
        about: fields of the manifest.
        written: digests of further files that are in place already.
    """
    numbers = range(len(plan.shards))
    files = dict(written or {})
    for name in tables:
        parts = [plan.place(number) / name for number in numbers]
        if name == tables[0] or any(part.stat().st_size for part in parts):
            files[name] = write_whole(out / name, _joined(parts))
    for kind in _FOLDERS:
        _move_shards(plan, kind, out / kind)
    _move_shard_files(plan, out / _SHARD_FILES)
    manifest = Manifest(echovlm_version=__version__, files=files, **about)
    write_manifest(out, manifest)
    shutil.rmtree(out / WORK, ignore_errors=True)
    return manifest


def write_digests(folder: Path, number: int) -> None:
    """Write ``files.sha256`` of a shard, with the places its files will have in the set."""
    lines = [
        f"{sha256_of(path)}  {kind}/{number:05d}/{path.name}\n"
        for kind in _FOLDERS
        if (folder / kind).is_dir()
        for path in sorted((folder / kind).iterdir())
    ]
    lines += [
        f"{sha256_of(path)}  {_SHARD_FILES}/{path.name}\n"
        for path in sorted((folder / _SHARD_FILES).glob("*"))
    ]
    (folder / DIGESTS).write_text("".join(lines), encoding="utf-8")


def _joined(parts: Sequence[Path]) -> Iterator[bytes]:
    for part in parts:
        yield from blocks(part)


def _move_shards(plan: Plan, kind: str, there: Path) -> None:
    """Move the files of every shard to their place; what is there already stays or is replaced."""
    expected = {f"{number:05d}" for number in range(len(plan.shards))}
    for stale in there.iterdir() if there.is_dir() else ():
        if stale.name not in expected:
            shutil.rmtree(stale)
    for number in range(len(plan.shards)):
        here = plan.place(number) / kind
        if here.is_dir() and any(here.iterdir()):
            there.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(there / f"{number:05d}", ignore_errors=True)
            here.rename(there / f"{number:05d}")


def _move_shard_files(plan: Plan, there: Path) -> None:
    expected = {f"{number:05d}" for number in range(len(plan.shards))}
    for stale in there.iterdir() if there.is_dir() else ():
        if stale.stem not in expected:
            stale.unlink()
    for number in range(len(plan.shards)):
        for path in sorted((plan.place(number) / _SHARD_FILES).glob("*")):
            there.mkdir(parents=True, exist_ok=True)
            path.replace(there / path.name)


def json_line(row: BaseModel | dict[str, Any]) -> bytes:
    """One line of a JSON Lines file."""
    value = row.model_dump(mode="json") if isinstance(row, BaseModel) else row
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")


def _without_folder(error: EchoVLMError) -> str:
    """The sentence of an error without the path it opens with (it may hold a patient's name)."""
    problem = getattr(error, "problem", "")
    return f"it {problem}" if problem else f"it could not be used ({type(error).__name__})"


def _slug(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", key).strip(".-")[:60] or "study"


def _write_picture(picture: DraftPicture, place: _Place, position: int) -> Picture:
    """Write one picture and its mask.

    Raises:
        Reject: when it is damaged or blank, or set aside because it looks like no ultrasound.
    """
    data, suffix, decoded = _encoded(picture)
    doubts = quality.faults(decoded)
    if doubts:
        raise Reject(doubts[0], quarantined=doubts[0] == quality.not_ultrasound(decoded))
    stem = f"{place.stem}-{position:02d}"
    height, width = decoded.shape[:2]
    mask = None
    if picture.mask is not None:
        if picture.mask.shape != (height, width):
            raise Reject("its mask is not as large as its picture")
        mask = f"{place.relative}/{stem}.mask.png"
        (place.images / f"{stem}.mask.png").write_bytes(_png(picture.mask))
    (place.images / f"{stem}{suffix}").write_bytes(data)
    return Picture(
        path=f"{place.relative}/{stem}{suffix}",
        sha256=hashlib.sha256(data).hexdigest(),
        perceptual_hash=perceptual_hash(decoded),
        width_px=width,
        height_px=height,
        mask=mask,
        mode=picture.mode,
        view=picture.view,
        clip=picture.clip,
        frame=picture.frame,
        frame_time_ms=picture.frame_time_ms,
        pixel_spacing_mm=picture.pixel_spacing_mm,
    )


def _encoded(picture: DraftPicture) -> tuple[bytes, str, np.ndarray]:
    """Bytes of the file, its suffix and the decoded pixels ``(H, W, 3)``."""
    if picture.encoded is None:
        assert picture.pixels is not None
        grey = picture.pixels.ndim == 2
        coloured = np.repeat(picture.pixels[..., None], 3, axis=2) if grey else picture.pixels
        return _png(picture.pixels), ".png", coloured
    try:
        with Image.open(io.BytesIO(picture.encoded)) as image:
            suffix = _FORMATS[image.format or ""]
            return picture.encoded, suffix, np.asarray(image.convert("RGB"))
    except Exception:
        raise Reject("its picture is damaged") from None


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=4)
    return stream.getvalue()


def _write_attachments(draft: Draft, folder: Path, stem: str) -> None:
    if draft.attachments:
        folder.mkdir(exist_ok=True)
    for name, data in draft.attachments.items():
        (folder / f"{stem}-{_slug(name)}").write_bytes(data)
