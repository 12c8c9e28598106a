"""Systems under test: what answers items, with or without looking at the pictures.

A system is handed items with their pictures and gives a reply for each, or None for a task that it
does not do. How it came to the reply is its own affair: a checkpoint of ours, any other
vision-language model behind an HTTP endpoint (:mod:`echovlm.evaluate.endpoint`), a file of
predictions (:mod:`echovlm.evaluate.predictions`), or the training texts alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from echovlm.evaluate.blind import GreyBaseline, grey_statistics
from echovlm.evaluate.items import Item
from echovlm.prompts import Task
from echovlm.study import Clip, Study

_LEAST_SHARE = 1e-6  # of an answer that no training case has


@dataclass(frozen=True, eq=False)
class Asked:
    """One item as a system gets it.

    Attributes:
        item: the question; its reference is not for the system to read.
        pictures: ``(H, W, 3)`` uint8 RGB each; none where the system is asked without pictures.
    """

    item: Item
    pictures: Sequence[np.ndarray]

    @property
    def study(self) -> Study | None:
        """The pictures as a study, None where there are none.

        Lengths in an answer are compared as they are, so every clip passes for calibrated.
        """
        if not self.pictures:
            return None
        clips = tuple(
            Clip(frames=picture[None], name=str(number), pixel_spacing_mm=(1.0, 1.0))
            for number, picture in enumerate(self.pictures, start=1)
        )
        return Study(clips=clips, name=self.item.study)


@dataclass(frozen=True)
class Reply:
    """What a system replied to one item.

    Attributes:
        text: what it wrote; empty where it ranked candidates instead.
        likelihoods: log-likelihood of each candidate of the item, in order; empty where it wrote.
        cut: whether the text stopped at the limit of tokens.
        refused: whether the system would not take the item; its text is empty then.
    """

    text: str = ""
    likelihoods: tuple[float, ...] = ()
    cut: bool = False
    refused: bool = False


class System(Protocol):
    """Whatever answers items.

    A system whose replies cost next to nothing has ``kept = False``: they are not stored but asked
    for whenever they are scored, so what it was fitted on, or reads, may change between runs.

    Attributes:
        name: in tables; different systems of one evaluation have different names.
        version: what tells this system from an earlier one of the same name.
        temperature: divisor of log-likelihoods, for probabilities.
        sees: whether its replies can depend on the pictures it is handed.
    """

    name: str
    sees: bool

    @property
    def version(self) -> str:
        """See above."""
        ...

    @property
    def temperature(self) -> float:
        """See above."""
        ...

    def replies(self, asked: Sequence[Asked]) -> list[Reply | None]:
        """One reply per item, in order; None where the system does not do the task."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A system that gives each reply as soon as it has it, so that a failure loses none."""

    def stream(self, asked: Sequence[Asked]) -> Iterator[tuple[int, Reply | None]]:
        """Place and reply of each item, in any order."""
        ...


def refusals(replies: Mapping[tuple[str, str], Sequence[Reply | None]]) -> list[str]:
    """A sentence on every system and look of which items were refused.

    Args:
        replies: to all items, by system and look.
    """
    counts = {
        who: sum(reply is not None and reply.refused for reply in said)
        for who, said in replies.items()
    }
    return [
        f"{name} would not take {count} of {len(replies[name, look])} questions ({look}); they "
        "count as answered with nothing."
        for (name, look), count in counts.items()
        if count
    ]


class Reader(Protocol):
    """The doors of an engine that an evaluation goes through."""

    name: str
    version: str
    temperature: float | None

    def ask_each(
        self, studies: Sequence[Study], questions: Sequence[str], *, max_new_tokens: int
    ) -> Sequence[Any]:
        """Answers with ``text`` and ``finish_reason``."""
        ...

    def ask_without_pictures(self, questions: Sequence[str], max_new_tokens: int) -> list[str]:
        """Texts."""
        ...

    def likelihoods(
        self, study: Study | None, question: str, answers: Sequence[str]
    ) -> list[float]:
        """One number per answer."""
        ...


@dataclass
class EngineSystem:
    """An engine as a system: candidates are ranked by likelihood, everything else is written.

    Attributes:
        reader: the engine.
        name: in tables.
        number_format: in which the engine computes ("float32"); another one may rank and write
            otherwise.
        max_new_tokens: most tokens of one text.
        sees: it does.
    """

    reader: Reader
    name: str
    number_format: str
    max_new_tokens: int = 512
    sees: bool = field(default=True, init=False)

    @property
    def version(self) -> str:
        """Of the checkpoint and of how it is run."""
        settings = f"{self.number_format}|max_new_tokens:{self.max_new_tokens}"
        return f"{self.reader.version}|{settings}"

    @property
    def temperature(self) -> float:
        """As fitted for the checkpoint, 1 where none was."""
        return self.reader.temperature or 1.0

    def replies(self, asked: Sequence[Asked]) -> list[Reply | None]:
        """Rank the candidates of closed items, write the answers of the others."""
        found: dict[int, Reply] = {}
        seen: list[tuple[int, Study]] = []
        blind: list[int] = []
        for place, one in enumerate(asked):
            study = one.study
            if one.item.candidates:
                scores = self.reader.likelihoods(study, one.item.question, one.item.candidates)
                found[place] = Reply(likelihoods=tuple(scores))
            elif study is None:
                blind.append(place)
            else:
                seen.append((place, study))
        answers = self.reader.ask_each(
            [study for _, study in seen],
            [asked[place].item.question for place, _ in seen],
            max_new_tokens=self.max_new_tokens,
        )
        for (place, _), answer in zip(seen, answers, strict=True):
            found[place] = Reply(answer.text, cut=answer.finish_reason == "length")
        questions = [asked[place].item.question for place in blind]
        texts = self.reader.ask_without_pictures(questions, self.max_new_tokens)
        found |= {place: Reply(text) for place, text in zip(blind, texts, strict=True)}
        return [found[place] for place in range(len(asked))]


class MostFrequent:
    """The most frequent training answer to each task, of the same source and anatomy if known.

    It is told the true source and anatomy, except where the anatomy is asked for. Systems that look
    are told neither, but the candidates of a diagnosis, which are the answers of one source and
    anatomy, reveal both.

    Args:
        train: items of the training split.
    """

    name = "most frequent answer"
    version = "1"
    temperature = 1.0
    sees = False
    kept = False

    def __init__(self, train: Iterable[Item]) -> None:
        self._counts: dict[tuple[str, ...], Counter[str]] = {}
        for item in train:
            for key in self._keys(item):
                self._counts.setdefault(key, Counter())[item.reference] += 1

    @staticmethod
    def _keys(item: Item) -> list[tuple[str, ...]]:
        """From the narrowest group of items to the widest; who names the anatomy is not told it."""
        task = (str(item.task), str(item.language))
        if item.task is Task.ANATOMY:
            return [task]
        return [(*task, item.source, item.anatomy), (*task, item.anatomy), task]

    def replies(self, asked: Sequence[Asked]) -> list[Reply | None]:
        """The usual answer, or for closed items how usual each candidate is."""
        return [self._reply(one.item) for one in asked]

    def _reply(self, item: Item) -> Reply:
        counts = next((self._counts[key] for key in self._keys(item) if key in self._counts), None)
        if counts is None:
            return Reply(likelihoods=(0.0,) * len(item.candidates))
        if not item.candidates:
            return Reply(min(counts, key=lambda answer: (-counts[answer], answer)))
        total = sum(counts.values())
        shares = [counts[answer] / total + _LEAST_SHARE for answer in item.candidates]
        return Reply(likelihoods=tuple(math.log(share) for share in shares))


class GreyStatistics:
    """Closed items by logistic regression on five grey statistics of the first picture.

    Of candidates that no training item had, each is as probable as the others, so that a source
    without training items does not take the baseline from a whole task.

    Args:
        train: items of the training split with their pictures; only closed ones are used.
    """

    name = "grey statistics"
    version = "1"
    temperature = 1.0
    sees = False  # it is a baseline beside the dependence on pictures, not a subject of it
    kept = False

    def __init__(self, train: Iterable[Asked]) -> None:
        rows: dict[tuple[str, ...], tuple[list[np.ndarray], list[str]]] = {}
        for one in train:
            if one.item.candidates and one.pictures:
                features, labels = rows.setdefault(self._key(one.item), ([], []))
                features.append(grey_statistics(one.pictures[0]))
                labels.append(one.item.reference)
        self._models = {
            key: GreyBaseline(np.stack(features), labels)
            for key, (features, labels) in rows.items()
        }

    @staticmethod
    def _key(item: Item) -> tuple[str, ...]:
        return (str(item.task), str(item.language), *item.candidates)

    def replies(self, asked: Sequence[Asked]) -> list[Reply | None]:
        """Log-probabilities of candidates; nothing for open items, and tasks never trained on."""
        known = {key[:2] for key in self._models}
        return [
            self._reply(one) if one.item.candidates and self._key(one.item)[:2] in known else None
            for one in asked
        ]

    def _reply(self, one: Asked) -> Reply:
        model = self._models.get(self._key(one.item))
        chances = model.probabilities(grey_statistics(one.pictures[0])) if model else {}
        shares = [chances.get(answer, 0.0) + _LEAST_SHARE for answer in one.item.candidates]
        return Reply(likelihoods=tuple(math.log(share) for share in shares))
