"""The score that chooses the best checkpoint of a run: text the network writes, not its loss.

Held-out studies of the validation split are asked for their report by greedy decoding (or, where a
set holds no reports, for findings, a caption or an impression), and the texts are compared with the
true ones by BLEU-1, once per language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from echovlm.data.reader import Example, SampleReader
from echovlm.data.sample import Split
from echovlm.engine import Engine
from echovlm.engine.network import Network
from echovlm.errors import DataError
from echovlm.evaluate.text import bleu
from echovlm.prompts import Task
from echovlm.study import Clip, Study
from echovlm.terms import Language
from echovlm.train.recipes import Recipe

_TASKS = (Task.REPORT, Task.FINDINGS, Task.CAPTION, Task.IMPRESSION)
_BATCH = 16
_LONGEST = 256
_LOOKED_AT = 64  # samples for each study that is wanted


@dataclass(frozen=True, eq=False)
class WrittenText:
    """Scores a network by the text it writes about held-out studies.

    Attributes:
        examples: what is asked, with the true answers.
        processor: of the network.
        visual_tokens: most per picture.
    """

    examples: Sequence[Example]
    processor: Any
    visual_tokens: int

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """Mean BLEU-1 over the languages as ``score`` (0-100), and each language's own."""
        engine = Engine(
            Network(
                model,
                self.processor,
                name="in training",
                version="unsaved",
                max_visual_tokens=self.visual_tokens,
            )
        )
        scores = {}
        for language in Language:
            own = [e for e in self.examples if e.sample.language == language]
            if own:
                said = self._answers(engine, own)
                true = [example.sample.answer for example in own]
                scores[f"bleu1_{language}"] = bleu(said, true, language).value
        return {"score": sum(scores.values()) / len(scores)} | scores

    def _answers(self, engine: Engine, examples: Sequence[Example]) -> list[str]:
        """Answers in the order of the examples; equal questions share a batch."""
        said: dict[int, str] = {}
        by_question: dict[str, list[int]] = {}
        for number, example in enumerate(examples):
            by_question.setdefault(example.sample.question, []).append(number)
        for question, numbers in by_question.items():
            for first in range(0, len(numbers), _BATCH):
                batch = numbers[first : first + _BATCH]
                studies = [_study(examples[number]) for number in batch]
                answers = engine.ask_many(studies, question, max_new_tokens=_LONGEST)
                said |= {n: answer.text for n, answer in zip(batch, answers, strict=True)}
        return [said[number] for number in range(len(examples))]


def written_text(
    recipe: Recipe, data: Path, processor: Any
) -> Callable[[nn.Module], dict[str, float]]:
    """Choose the studies a run is validated on.

    Args:
        recipe: says how many, and the seed they are drawn by.
        data: the built set; its validation split is read.
        processor: of the network.

    Raises:
        DataError: when the split holds no text that could be compared.
    """
    reader = SampleReader(data, Split.VALIDATION)
    found: dict[Task, dict[str, int]] = {task: {} for task in _TASKS}
    for number in reader.order(recipe.seed)[: _LOOKED_AT * recipe.validate_studies].tolist():
        sample = reader.sample(number)
        if sample.task in found and sample.language is not None and sample.images:
            found[sample.task].setdefault(sample.study, number)  # one text of each study
    numbers = next((list(studies.values()) for studies in found.values() if studies), [])
    if not numbers:
        raise DataError(
            data,
            "holds no pictures with a text of a known language for validation",
            "Use --no-validate",
        )
    chosen = [reader[number] for number in numbers[: recipe.validate_studies]]
    return WrittenText(chosen, processor, recipe.visual_tokens)


def _study(example: Example) -> Study:
    """The example's pictures as a study; lengths in its texts are compared as they are."""
    clips = tuple(
        Clip(frames=picture[None], name=str(number), pixel_spacing_mm=(1.0, 1.0))
        for number, picture in enumerate(example.pictures)
    )
    return Study(clips=clips, name=example.sample.id)
