"""What every step of a run sees, decided before the first one.

The *catalogue* knows of each sample which study it is about and how many tokens it takes. The
*plan* lays out batches from it: samples of one study that share their pictures become rows of
several branches, rows are shuffled (file by file where a set has several), and rows are put
together until a batch holds its budget of tokens. Both are functions of the data, the recipe and
the seed, so the order is the same on any number of workers, and a resumed run goes on at the exact
place.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from echovlm.data.reader import SampleReader
from echovlm.data.writing import write_whole
from echovlm.errors import DataError, OptionError
from echovlm.train.recipes import Recipe
from echovlm.train.rows import Encoder

_PATCH = 14
_COLUMNS = ("groups", "tokens", "targets", "sources", "tasks", "shards")


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Sizes and kinds of all samples.

    Attributes:
        groups: per sample ``(samples,)``, which prefix it continues: same study, pictures, system.
        tokens: per sample, tokens behind the pictures.
        targets: per sample, supervised tokens.
        sources: per sample, index into ``source_names``.
        tasks: per sample, index into ``task_names``.
        shards: per sample, number of the file it lies in.
        prefixes: per group ``(groups,)``, tokens of the prefix.
        source_names: names of data sets.
        task_names: names of tasks, "" where unknown.
    """

    groups: np.ndarray
    tokens: np.ndarray
    targets: np.ndarray
    sources: np.ndarray
    tasks: np.ndarray
    shards: np.ndarray
    prefixes: np.ndarray
    source_names: tuple[str, ...]
    task_names: tuple[str, ...]

    @classmethod
    def of(cls, reader: SampleReader, encoder: Encoder, cache: Path) -> Catalogue:
        """Read the sizes of all samples, or what an earlier run on the same data stored.

        Args:
            reader: the samples of one split.
            encoder: of the network that will be trained.
            cache: ``.npz`` file the sizes are kept in.

        Raises:
            DataError: naming a damaged picture or line.
        """
        key = _key(reader, encoder)
        found = _load(cache, key)
        if found is None:
            found = _survey(reader, encoder)
            _store(cache, key, found)
        return found

    def part(self, chosen: np.ndarray) -> Catalogue:
        """The sizes of some samples, by their numbers."""
        return dataclasses.replace(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})


def _survey(reader: SampleReader, encoder: Encoder) -> Catalogue:
    groups: dict[Any, int] = {}
    prefixes: list[int] = []
    source_names: dict[str, int] = {}
    task_names: dict[str, int] = {}
    rows = np.zeros((len(reader), len(_COLUMNS)), dtype=np.int32)
    limits = pixel_limits(encoder.processor.image_processor)
    for index in track(range(len(reader)), description="measuring samples", transient=True):
        sample = reader.sample(index)
        system = encoder.system_of(sample)
        group = groups.setdefault((sample.study, sample.images, system), len(groups))
        if group == len(prefixes):
            grids = [patch_grid(size, limits) for size in reader.picture_sizes(index)]
            prefixes.append(encoder.prefix_tokens(system, grids))
        branch = encoder.branch(sample)
        rows[index] = (
            group,
            len(branch.ids),
            len(branch.targets),
            source_names.setdefault(sample.source, len(source_names)),
            task_names.setdefault(str(sample.task or ""), len(task_names)),
            reader.shard(index),
        )
    return Catalogue(
        **{name: rows[:, column].copy() for column, name in enumerate(_COLUMNS)},
        prefixes=np.array(prefixes),
        source_names=tuple(source_names),
        task_names=tuple(task_names),
    )


def pixel_limits(image_processor: Any) -> tuple[int, int]:
    """Fewest and most pixels of one resized picture."""
    size = image_processor.size
    return int(size["shortest_edge"]), int(size["longest_edge"])


def patch_grid(size: tuple[int, int], limits: tuple[int, int]) -> tuple[int, int, int]:
    """Patches ``(1, rows, columns)`` of a picture of this height and width."""
    height, width = smart_resize(*size, 2 * _PATCH, *limits)
    return 1, height // _PATCH, width // _PATCH


def _key(reader: SampleReader, encoder: Encoder) -> str:
    """What the sizes depend on."""
    told = {
        "files": reader.manifest.files,
        "samples": len(reader),
        "limits": pixel_limits(encoder.processor.image_processor),
        "tokenizer": encoder.processor.tokenizer.backend_tokenizer.to_str(),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _load(cache: Path, key: str) -> Catalogue | None:
    if not cache.exists():
        return None
    try:
        with np.load(cache, allow_pickle=False) as stored:
            names = json.loads(str(stored["names"]))
            if names["key"] != key:
                return None
            return Catalogue(
                **{name: stored[name] for name in (*_COLUMNS, "prefixes")},
                source_names=tuple(names["sources"]),
                task_names=tuple(names["tasks"]),
            )
    except (OSError, ValueError, KeyError):
        return None  # measured again, and written whole


def _store(cache: Path, key: str, catalogue: Catalogue) -> None:
    names = {
        "key": key,
        "sources": catalogue.source_names,
        "tasks": catalogue.task_names,
    }
    file = io.BytesIO()
    np.savez(
        file,
        names=np.array(json.dumps(names)),
        **{name: getattr(catalogue, name) for name in (*_COLUMNS, "prefixes")},
    )
    write_whole(cache, [file.getvalue()])


# --- the plan --------------------------------------------------------------------------------

Batch = tuple[tuple[int, ...], ...]
"""Rows of one batch; a row is the indices of samples that share their pictures."""


def plan(catalogue: Catalogue, recipe: Recipe, processes: int = 1) -> list[Batch]:
    """Lay out every batch of a run.

    Args:
        catalogue: sizes of the samples.
        recipe: budget, mixing, length and seed.
        processes: how many train together; each step takes ``processes * accumulation`` batches.

    Returns:
        Batches in order, a whole number of steps.

    Raises:
        OptionError: when the weights leave nothing to train on, or name an unknown source or task.
        DataError: when a sample does not fit into a batch.
    """
    weights = _weights(catalogue, recipe)
    per_step = processes * recipe.accumulation
    wanted = recipe.steps * per_step
    batches: list[Batch] = []
    epoch = 0
    while len(batches) < wanted or (not wanted and epoch < math.ceil(recipe.epochs)):
        rng = np.random.default_rng((recipe.seed, epoch))
        laid = list(_epoch(catalogue, recipe, weights, rng))
        if not wanted and epoch + 1 > recipe.epochs:
            laid = laid[: math.ceil(len(laid) * (recipe.epochs - epoch))]
        batches += laid
        epoch += 1
    whole = wanted or len(batches) // per_step * per_step
    if not whole:
        raise OptionError(
            f"The data give {len(batches)} batches, fewer than the {per_step} of one step; lower "
            "tokens_per_batch or accumulation."
        )
    return batches[:whole]


def _weights(catalogue: Catalogue, recipe: Recipe) -> np.ndarray:
    """How often each sample comes in one epoch ``(samples,)``."""
    sources = _by_name(recipe.source_weights, catalogue.source_names, "source")
    tasks = _by_name(recipe.task_weights, catalogue.task_names, "task")
    weights = sources[catalogue.sources] * tasks[catalogue.tasks]
    if not (weights > 0).any():
        raise OptionError("The weights of sources and tasks leave no sample to train on.")
    return weights


def _by_name(given: Mapping[str, float], names: Sequence[str], word: str) -> np.ndarray:
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise OptionError(
            f"A weight is given for {word} '{unknown[0]}', which the data do not hold; they hold "
            f"{', '.join(names)}."
        )
    return np.array([float(given.get(name, 1.0)) for name in names])


def _epoch(
    catalogue: Catalogue, recipe: Recipe, weights: np.ndarray, rng: np.random.Generator
) -> Iterator[Batch]:
    times = np.floor(weights + rng.random(len(weights))).astype(np.int64)
    samples = np.repeat(np.arange(len(times)), times)
    copies = np.arange(len(samples)) - np.repeat(np.cumsum(times) - times, times)
    shuffled = rng.permutation(len(samples))
    samples, copies = samples[shuffled], copies[shuffled]
    ordered = np.lexsort((copies, catalogue.groups[samples]))
    rows = list(_rows(catalogue, recipe, samples[ordered].tolist(), copies[ordered].tolist()))
    batch: list[tuple[int, ...]] = []
    held = 0
    for number in _order(catalogue.shards[[row[0] for row, _ in rows]], rng):
        row, tokens = rows[number]
        if batch and held + tokens > recipe.tokens_per_batch:
            yield tuple(batch)
            batch, held = [], 0
        batch.append(row)
        held += tokens
    if batch:
        yield tuple(batch)


def _order(shards: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Order of rows: at random, file by file, so that no file is read over and over."""
    shuffled = rng.permutation(len(shards))
    turn = rng.permutation(int(shards.max()) + 1)
    return shuffled[np.argsort(turn[shards[shuffled]], kind="stable")]


def _rows(
    catalogue: Catalogue, recipe: Recipe, samples: Sequence[int], copies: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Rows with their tokens; ``samples`` come group by group, and therein copy by copy.

    Copies of a sample go into different rows: they are seen with differently varied pictures, in
    different steps.
    """
    row: list[int] = []
    tokens, shared = 0, (-1, -1)
    for sample, copy in zip(samples, copies, strict=True):
        own = int(catalogue.tokens[sample])
        group = int(catalogue.groups[sample])
        fits = tokens + own <= recipe.tokens_per_batch and len(row) < recipe.branches
        if (group, copy) != shared or not fits:
            if row:
                yield tuple(row), tokens
            shared = group, copy
            row, tokens = [], int(catalogue.prefixes[group])
        if tokens + own > recipe.tokens_per_batch:
            raise DataError(
                f"sample {sample}",
                f"takes {tokens + own} tokens, more than the {recipe.tokens_per_batch} of a batch",
                "Raise tokens_per_batch or lower visual_tokens",
            )
        row.append(sample)
        tokens += own
    if row:
        yield tuple(row), tokens
