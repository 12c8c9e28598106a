"""The data of the ablation: simulated studies, and two built sets that share no anatomy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from echovlm.data.build import build_set
from echovlm.data.importing import import_source, json_line
from echovlm.data.manifest import MANIFEST, read_manifest, write_manifest
from echovlm.data.sample import Sample, Split
from echovlm.data.sources.simulated import Simulated
from echovlm.data.store import DIGESTS, SAMPLES, StoredSet
from echovlm.data.writing import told_in_a_sentence, write_whole
from echovlm.errors import DataError
from echovlm.reproduce.ablation_plan import GENERAL, HELD_OUT, REPORTS, Sizes

SIMULATED, BUILT, GENERAL_SET, HELD_OUT_SET = "simulated", "built", "general", "held-out"


def make_data(work: Path, sizes: Sizes, workers: int) -> None:
    """Simulate, build and divide; what an earlier run finished is kept.

    Args:
        work: folder of the ablation.
        sizes: how many studies.
        workers: processes.

    Raises:
        DataError: when ``work/simulated`` holds other studies.
        OutputError: when a set cannot be written.
    """
    source = Simulated(cases=sizes.cases, seed=0)
    simulated = work / SIMULATED
    if not (simulated / MANIFEST).exists():
        import_source(source, simulated, workers=workers)
    stated = [about["settings"] for about in read_manifest(simulated).sources]
    if stated != [source.settings()]:
        raise DataError(simulated, "holds other studies", "Remove it, or name another folder")
    if not (work / BUILT / MANIFEST).exists():
        build_set([simulated], work / BUILT, seed=0, workers=workers)
    select(
        work / BUILT,
        work / GENERAL_SET,
        lambda sample: sample.anatomy in GENERAL and sample.split is Split.TRAIN,
    )
    select(
        work / BUILT,
        work / HELD_OUT_SET,
        lambda sample: (
            sample.anatomy in HELD_OUT and sample.task in REPORTS and sample.split is Split.TRAIN
        ),
        sizes.held_out_studies,
    )


def select(built: Path, out: Path, keep: Callable[[Sample], bool], studies: int = 0) -> None:
    """Write a built set with some samples of another; their pictures are linked, not copied.

    Args:
        built: a JSON Lines set.
        out: folder of the new set; nothing is done where it exists.
        keep: which samples.
        studies: of these, the samples of the first so many studies; 0 for all.

    Raises:
        DataError: when no sample is kept, or ``built`` is damaged.
        OutputError: when the set cannot be written; nothing partial is left under its name.
    """
    if out.exists():
        return
    stored = StoredSet(built)
    temporary = out.with_name(f".{out.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    seen: dict[str, None] = {}
    pictures: dict[str, None] = {}
    counts = {"samples": 0}

    def rows() -> Iterator[bytes]:
        for sample in stored.samples():
            if not keep(sample):
                continue
            if studies and sample.study not in seen and len(seen) == studies:
                return
            seen[sample.study] = None
            pictures.update(dict.fromkeys(sample.images))
            counts["samples"] += 1
            yield json_line(sample)

    with told_in_a_sentence(out):
        temporary.mkdir()
        files = {SAMPLES: write_whole(temporary / SAMPLES, rows())}
        if not seen:
            raise DataError(built, "holds no such samples", "Simulate more cases")
        for path in pictures:
            (temporary / path).parent.mkdir(parents=True, exist_ok=True)
            _link(built / path, temporary / path)
        digests = (built / DIGESTS).read_text("utf-8").splitlines(keepends=True)
        kept = (line.encode() for line in digests if line.rstrip("\n").split("  ")[1] in pictures)
        files[DIGESTS] = write_whole(temporary / DIGESTS, kept)
        told = {"files": files, "counts": counts | {"studies": len(seen)}}
        write_manifest(temporary, stored.manifest.model_copy(update=told))
        temporary.rename(out)


def _link(source: Path, target: Path) -> None:
    """Give a picture a second name; copy it where the file system cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
