"""The three jobs of the house, told apart from the network that does them.

:class:`BaseEngine` turns what a network writes and prefers into a report, a diagnosis or an answer.
A subclass says only how text is written and how candidates are scored.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np

from echovlm import prompts
from echovlm.engine.choices import softmax
from echovlm.engine.decoding import Generation
from echovlm.engine.notices import notice
from echovlm.engine.streaming import guarded
from echovlm.errors import OptionError
from echovlm.imaging import study_images
from echovlm.prompts import MAX_QUESTION, Label, Task
from echovlm.report import Answer, Candidate, Diagnosis, Report, guard_measurements, printable
from echovlm.study import Study
from echovlm.terms import Anatomy, Language

MAX_NEW_TOKENS = 512
"""Most tokens of one text unless the caller says otherwise."""

MAX_IMAGES = 30
"""Most images of one study, key frames of cine loops included (published interface: 30)."""

MAX_LABELS = 200
"""Most candidate labels of a diagnosis."""

_NAMED_FILES = 5  # left-out files named in the warnings of a result
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


class BaseEngine(ABC):
    """Report, diagnosis and answers from any network that can write text and score candidates."""

    name: str
    version: str
    temperature: float | None

    def __init__(self, notices: Mapping[Language, str] | None = None) -> None:
        self.notices = notices or {}
        self._chosen: WeakKeyDictionary[Study, list[np.ndarray]] = WeakKeyDictionary()

    @abstractmethod
    def _write(
        self,
        pictures: Sequence[Sequence[np.ndarray]],
        questions: Sequence[str],
        max_new_tokens: int,
    ) -> list[Generation]:
        """Answer one question about each study of a batch; a study may have no pictures."""

    @abstractmethod
    def _pieces(
        self, pictures: Sequence[np.ndarray], question: str, max_new_tokens: int
    ) -> Iterator[str | Generation]:
        """Answer a question about one study in pieces, then give the whole."""

    @abstractmethod
    def _score(
        self, pictures: Sequence[np.ndarray], question: str, candidates: Sequence[str]
    ) -> list[float]:
        """Mean log-probability per token of every candidate as the answer."""

    def _most_images(self) -> int:
        """Images per study that the network has room for."""
        return MAX_IMAGES

    # --- report ---

    def report(
        self, study: Study, language: Language | str = "en", max_new_tokens: int = MAX_NEW_TOKENS
    ) -> Report:
        """Write findings and impression of a study."""
        return self.report_many([study], language, max_new_tokens)[0]

    def report_many(
        self,
        studies: Sequence[Study],
        language: Language | str = "en",
        max_new_tokens: int = MAX_NEW_TOKENS,
    ) -> list[Report]:
        """Report several studies in one batch; each report is what the study alone would get."""
        tongue = _language(language)
        question = prompts.question(Task.REPORT, tongue)
        written = self._written(studies, [question] * len(studies), max_new_tokens)
        return [
            Report.from_text(
                generation.text,
                language=tongue,
                anatomy=study.anatomy,
                calibrated=study.is_calibrated,
                finish_reason=generation.finish_reason,
                model=self.name,
                model_version=self.version,
                warnings=self._warnings(study, tongue, generation),
            )
            for study, generation in zip(studies, written, strict=True)
        ]

    # --- answers ---

    def ask(
        self,
        study: Study,
        question: str,
        language: Language | str | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
    ) -> Answer:
        """Answer a question about a study.

        Args:
            study: the study.
            question: at most 4000 characters.
            language: language of warnings and placeholders; that of the question where None. The
                network chooses the language of its answer by the question.
            max_new_tokens: most tokens of the answer.
        """
        return self.ask_many([study], question, language, max_new_tokens)[0]

    def ask_many(
        self,
        studies: Sequence[Study],
        question: str,
        language: Language | str | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
    ) -> list[Answer]:
        """Ask the same question about several studies in one batch."""
        return self.ask_each(studies, [question] * len(studies), language, max_new_tokens)

    def ask_each(
        self,
        studies: Sequence[Study],
        questions: Sequence[str],
        language: Language | str | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
    ) -> list[Answer]:
        """Ask each study its own question, all in one batch; arguments as for :meth:`ask`."""
        pairs = list(zip(studies, map(_checked, questions), strict=True))
        written = self._written(studies, [question for _, question in pairs], max_new_tokens)
        return [
            self._answer(study, question, _language_of(question, language), generation)
            for (study, question), generation in zip(pairs, written, strict=True)
        ]

    def ask_without_pictures(
        self, questions: Sequence[str], max_new_tokens: int = MAX_NEW_TOKENS
    ) -> list[str]:
        """Answers to questions about no study at all: what the words alone suggest."""
        asked = [_checked(one) for one in questions]
        if not asked:
            return []
        written = self._write([[] for _ in asked], asked, _at_least_1(max_new_tokens))
        return [printable(generation.text) for generation in written]

    def likelihoods(
        self, study: Study | None, question: str, answers: Sequence[str]
    ) -> list[float]:
        """How likely each answer to a question is.

        Args:
            study: the study; None to ask without pictures.
            question: at most 4000 characters.
            answers: at least one.

        Returns:
            Mean log-probability per token of each answer, end of turn included, at most 0.
        """
        pictures = [] if study is None else self._pictures(study)
        return self._score(pictures, _checked(question), answers)

    def stream(
        self,
        study: Study,
        question: str,
        language: Language | str | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
    ) -> Generator[str, None, Answer]:
        """Answer a question in pieces, as they are written, clause by clause.

        The pieces together are the text of :meth:`ask`; the iterator's return value is that
        :class:`Answer`.
        """
        return self._streamed(
            study, _checked(question), _language_of(question, language), _at_least_1(max_new_tokens)
        )

    def _streamed(
        self, study: Study, question: str, tongue: Language, max_new_tokens: int
    ) -> Generator[str, None, Answer]:
        whole: list[Generation] = []

        def words() -> Iterator[str]:
            for piece in self._pieces(self._pictures(study), question, max_new_tokens):
                if isinstance(piece, Generation):
                    whole.append(piece)
                else:
                    yield piece

        yield from guarded(words(), tongue, calibrated=study.is_calibrated)
        return self._answer(study, question, tongue, whole[0])

    def _answer(
        self, study: Study, question: str, tongue: Language, generation: Generation
    ) -> Answer:
        text, guards = guard_measurements(
            printable(generation.text), tongue, calibrated=study.is_calibrated
        )
        return Answer(
            language=tongue,
            question=question,
            text=text,
            finish_reason=generation.finish_reason,
            model=self.name,
            model_version=self.version,
            warnings=(*self._warnings(study, tongue, generation), *guards),
        )

    # --- diagnosis ---

    def diagnose(
        self,
        study: Study,
        labels: Sequence[str | Label] | None = None,
        anatomy: Anatomy | str | None = None,
        language: Language | str = "en",
    ) -> Diagnosis:
        """Rank a closed set of diagnoses by their probability.

        Args:
            study: the study.
            labels: candidates, as keys of known labels or in words; None for all labels of the
                anatomy.
            anatomy: region examined; None for the study's own, or else the network's choice, which
                the result then reports with its probability.
            language: language in which candidates are scored and named.
        """
        tongue = _language(language)
        temperature = self.temperature or 1.0
        region = _anatomy(anatomy) or study.anatomy
        regions: tuple[Candidate, ...] = ()
        warnings = self._warnings(study, tongue)
        if labels is not None:
            candidates = _labels(labels)
            warnings += (notice("labels_from_user", tongue),)
        else:
            if region is None:
                regions = self._regions(study, tongue)
                region = Anatomy(regions[0].key)
                values = {"name": regions[0].name, "probability": regions[0].probability}
                warnings += (notice("inferred_anatomy", tongue, **values),)
            candidates = prompts.labels(region)
            if self.temperature is None:
                warnings += (notice("uncalibrated_probabilities", tongue),)
        names = {label.key: label.name(tongue) for label in candidates}
        return Diagnosis(
            language=tongue,
            anatomy=region,
            anatomy_candidates=regions,
            candidates=self._ranked(study, Task.DIAGNOSIS, names, tongue, temperature),
            temperature=temperature,
            is_calibrated=self.temperature is not None and labels is None,
            model=self.name,
            model_version=self.version,
            warnings=warnings,
        )

    def _regions(self, study: Study, tongue: Language) -> tuple[Candidate, ...]:
        names = {region.value: prompts.anatomy_name(region, tongue) for region in Anatomy}
        return self._ranked(study, Task.ANATOMY, names, tongue, temperature=1.0)

    def _ranked(
        self, study: Study, task: Task, names: dict[str, str], tongue: Language, temperature: float
    ) -> tuple[Candidate, ...]:
        question = prompts.question(task, tongue)
        scores = self._score(self._pictures(study), question, list(names.values()))
        candidates = [
            Candidate(key=key, name=name, probability=probability, log_likelihood=value)
            for (key, name), probability, value in zip(
                names.items(), softmax(scores, temperature), scores, strict=True
            )
        ]
        return tuple(sorted(candidates, key=lambda c: c.log_likelihood, reverse=True))

    # --- shared ---

    def _pictures(self, study: Study) -> list[np.ndarray]:
        """The images of a study that the network sees, chosen once per study."""
        if study not in self._chosen:
            self._chosen[study] = study_images(study, self._most_images())
        return self._chosen[study]

    def _written(
        self, studies: Sequence[Study], questions: Sequence[str], max_new_tokens: int
    ) -> list[Generation]:
        pictures = [self._pictures(study) for study in studies]
        return self._write(pictures, questions, _at_least_1(max_new_tokens)) if pictures else []

    def _warnings(
        self, study: Study, tongue: Language, generation: Generation | None = None
    ) -> tuple[str, ...]:
        warnings = [self.notices[tongue]] if tongue in self.notices else []
        warnings += [
            notice("left_out_file", tongue, path=printable(file.path), reason=file.reason)
            for file in study.left_out[:_NAMED_FILES]
        ]
        if len(study.left_out) > _NAMED_FILES:
            more = len(study.left_out) - _NAMED_FILES
            warnings.append(notice("left_out_more", tongue, count=more))
        total, used = sum(len(clip.frames) for clip in study.clips), len(self._pictures(study))
        if used < total:
            warnings.append(notice("left_out_images", tongue, used=used, total=total))
        warnings += [f"{clip.name}: {clip.note}." for clip in study.clips if clip.note]
        warnings += [f"{note[:1].upper()}{note[1:]}." for note in study.notes]
        if generation is not None and generation.finish_reason == "length":
            warnings.append(notice("cut_off", tongue, tokens=generation.tokens))
        return tuple(warnings)


def _language(language: Language | str) -> Language:
    try:
        return Language(language)
    except ValueError:
        raise OptionError(
            f"Unknown language '{language}'; choose zh (Chinese) or en (English)."
        ) from None


def _language_of(question: str, stated: Language | str | None) -> Language:
    if stated is not None:
        return _language(stated)
    return Language.CHINESE if _HAN.search(question) else Language.ENGLISH


def _anatomy(anatomy: Anatomy | str | None) -> Anatomy | None:
    try:
        return None if anatomy is None else Anatomy(anatomy)
    except ValueError:
        raise OptionError(
            f"Unknown anatomy '{anatomy}'; choose one of {', '.join(Anatomy)}."
        ) from None


def _checked(question: str) -> str:
    if not question.strip():
        raise OptionError("The question is empty.")
    if len(question) > MAX_QUESTION:
        raise OptionError(
            f"The question has {len(question)} characters; at most {MAX_QUESTION} are accepted."
        )
    return question


def _at_least_1(max_new_tokens: int) -> int:
    if max_new_tokens < 1:
        raise OptionError(f"max_new_tokens must be at least 1, not {max_new_tokens}.")
    return max_new_tokens


def _labels(labels: Sequence[str | Label]) -> tuple[Label, ...]:
    """Candidate labels: known keys become their labels, other words stand for themselves."""
    known = {label.key: label for label in prompts.all_labels()}
    chosen: dict[str, Label] = {}
    for entry in labels:
        if isinstance(entry, Label):
            chosen[entry.key] = entry
        elif words := entry.strip():
            chosen[words] = known.get(words, Label(key=words, zh=words, en=words))
    if not 2 <= len(chosen) <= MAX_LABELS:
        raise OptionError(
            f"A diagnosis needs 2 to {MAX_LABELS} different labels, not {len(chosen)}."
        )
    if any(len(label.key) > 200 for label in chosen.values()):
        raise OptionError("A label has more than 200 characters.")
    return tuple(chosen.values())
