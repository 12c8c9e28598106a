"""Out to the tools that others train with, and back in: see :mod:`echovlm.data.formats`.

An export is a folder with one file per split (``train.json`` for the conversations form, a list as
LLaVA reads it; ``train.jsonl`` for the messages form) and the pictures beside them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from echovlm import __version__
from echovlm.data.formats import CONVERSATIONS, Form, read_foreign, to_foreign
from echovlm.data.importing import WORK, check_target, json_line, publish, write_digests
from echovlm.data.manifest import Manifest
from echovlm.data.record import Rejected
from echovlm.data.sample import Sample
from echovlm.data.shards import Plan, run, split_evenly
from echovlm.data.store import DIGESTS, REJECTED, SAMPLES, StoredSet, read_inside, read_studies
from echovlm.data.writing import flush_tree, told_in_a_sentence
from echovlm.errors import DataError, OutputError

_SAMPLES_PER_SHARD = 512
_NO_SPLIT = "all"


def export_set(
    stored: StoredSet, out: Path, form: Form, advance: Callable[[int], None] = lambda samples: None
) -> dict[str, int]:
    """Write a built set in a foreign form.

    Args:
        stored: a built set.
        out: folder to make.
        form: which form.
        advance: called with the number of samples written since the last call.

    Returns:
        Number of samples by split.

    Raises:
        DataError: when the set has no samples.
        OutputError: when ``out`` exists or cannot be written; nothing partial is left under its
            name.
    """
    if stored.manifest.kind != "samples":
        raise DataError(stored.folder, "has no samples", "Build it first: echovlm data build")
    if out.exists():
        raise OutputError(f"{out} exists already; name another folder or remove it.")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    with told_in_a_sentence(out):
        try:
            temporary.mkdir(parents=True)
            counts = _write_samples(stored, temporary, form, advance)
            _write_pictures(stored, temporary)
            flush_tree(temporary)
            os.replace(temporary, out)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return counts


def _write_samples(
    stored: StoredSet, folder: Path, form: Form, advance: Callable[[int], None]
) -> dict[str, int]:
    counts: dict[str, int] = {}
    as_list = form is CONVERSATIONS
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for sample in stored.samples():
            split = str(sample.split or _NO_SPLIT)
            if split not in files:
                name = f"{split}.json" if as_list else f"{split}.jsonl"
                files[split] = stack.enter_context(open(folder / name, "wb"))
            else:
                files[split].write(b",\n" if as_list else b"")
            if as_list and split not in counts:
                files[split].write(b"[\n")
            line = json_line(to_foreign(sample, form))
            files[split].write(line.rstrip(b"\n") if as_list else line)
            counts[split] = counts.get(split, 0) + 1
            advance(1)
        for stream in files.values():
            stream.write(b"\n]\n" if as_list else b"")
    return counts


def _write_pictures(stored: StoredSet, folder: Path) -> None:
    if stored.manifest.store == "jsonl":
        shutil.copytree(stored.folder / "images", folder / "images", copy_function=_copy)
        return
    for shard in stored.shards():
        for study in read_studies(shard):
            for path, data in study.pictures.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)


def _copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@dataclass(frozen=True)
class ForeignStep:
    """Store one shard of samples that were read from a foreign file."""

    root: Path
    name: str

    def __call__(
        self, items: Sequence[Sample | tuple[str, str]], number: int, folder: Path
    ) -> dict[str, int]:
        """Write samples, their pictures and what was left out."""
        images = folder / "images"
        images.mkdir()
        rejected: list[Rejected] = []
        samples: list[Sample] = []
        new_paths: dict[str, str] = {}
        for item in items:
            if not isinstance(item, Sample):
                rejected.append(Rejected(source=self.name, key=item[0], reason=item[1]))
                continue
            try:
                for path in item.images:
                    self._take(path, images, f"images/{number:05d}", new_paths)
            except DataError as error:
                reason = f"its picture {error.problem}"
                rejected.append(Rejected(source=self.name, key=item.id, reason=reason))
                continue
            paths = tuple(new_paths[path] for path in item.images)
            samples.append(item.model_copy(update={"images": paths}))
        (folder / SAMPLES).write_bytes(b"".join(json_line(row) for row in samples))
        (folder / REJECTED).write_bytes(b"".join(json_line(row) for row in rejected))
        write_digests(folder, number)
        return {"samples": len(samples), "rejected": len(rejected)}

    def _take(self, path: str, images: Path, relative: str, new_paths: dict[str, str]) -> None:
        if path in new_paths:
            return
        data = read_inside(self.root, path)
        name = f"{len(new_paths):04d}-{Path(path).name}"
        (images / name).write_bytes(data)
        new_paths[path] = f"{relative}/{name}"


def import_foreign(
    file: Path,
    out: Path,
    form: Form,
    *,
    workers: int = 1,
    begin: Callable[[int], None] = lambda samples: None,
    advance: Callable[[int], None] = lambda samples: None,
) -> Manifest:
    """Take in a file of conversations with its pictures.

    Args:
        file: JSON list or JSON Lines; picture paths are relative to its folder.
        out: folder of the set.
        form: the file's form.
        workers: processes.
        begin: called with the number of records once it is known.
        advance: called with the number of records finished since the last call.

    Raises:
        DataError: when the file cannot be read.
        OutputError: when the set could not be written.
    """
    check_target(out)
    name = file.stem
    items = list(read_foreign(file, form, name))
    if not any(isinstance(item, Sample) for item in items):
        reason = f" ({items[0][1]})" if items and not isinstance(items[0], Sample) else ""
        raise DataError(file, f"holds no record of the form '{form.name}'{reason}", "Check it")
    begin(len(items))
    step = ForeignStep(file.parent.resolve(), name)
    identity = json.dumps([__version__, form.name, name])
    plan = Plan(step, split_evenly(items, _SAMPLES_PER_SHARD), out / WORK, identity)
    counts = run(plan, workers=workers, advance=lambda _, finished: advance(finished))
    about: dict[str, Any] = {
        "kind": "samples",
        "sources": ({"name": name, "licence": "unknown", "citation": "", "settings": {}},),
        "counts": counts,
    }
    return publish(plan, out, (SAMPLES, REJECTED, DIGESTS), about)
