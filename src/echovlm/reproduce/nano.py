"""Nano from nothing: data, tokenizer, vision tower, network, calibration, scores.

Every stage leaves its result in the work folder and is skipped where that is whole, and both
trainings go on from their last checkpoint, so the run can be stopped and started at any moment;
only the scores are taken anew each time.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from echovlm import prompts
from echovlm.data.build import build_set
from echovlm.data.importing import import_source
from echovlm.data.manifest import MANIFEST
from echovlm.data.reader import SampleReader
from echovlm.data.sample import IMAGE_TAG, Split
from echovlm.data.sources.catalogue import open_source
from echovlm.data.sources.simulated import Simulated
from echovlm.data.writing import told_in_a_sentence, write_whole
from echovlm.engine import Engine
from echovlm.errors import DataError, TrainingError
from echovlm.model.processor import EchoVLMImageProcessor
from echovlm.reproduce.dense_twin import twin_recipe, without_experts
from echovlm.reproduce.limits import Limits
from echovlm.reproduce.scoring import render_markdown, score_held_out
from echovlm.reproduce.validation import written_text
from echovlm.terms import Anatomy, Language
from echovlm.train import recipes
from echovlm.train.base import PIXELS_PER_VISUAL_TOKEN
from echovlm.train.parts import Part
from echovlm.train.recipes import Recipe
from echovlm.train.run import Finished, train
from echovlm.train.start import fresh_network, make_processor, nano_config, write_tokenizer
from echovlm.train.vision import FactTargets, VisionSamples, vision_pictures
from echovlm.train.vision_stage import VisionRecipe, pretrain_vision

SETTINGS = "settings.json"

REAL_SETS = {
    "bus-bra": "breast/BUS-BRA",
    "aul": "liver/AUL",
    "ccaus": "vessel/CCAUS",
    "hc18": "obstetrics/HC18",
    "usgra": "vessel/USGRA",
    "kidney-stone-us": "kidney/KidneyStoneUS",
    "my-heart": "heart/MyHeart",
}
"""Public sets that nano sees, and where each lies in the folder of real data."""

_SOURCE_WEIGHTS = {
    "bus-bra": 6.0,
    "aul": 12.0,
    "ccaus": 12.0,
    "hc18": 30.0,
    "usgra": 12.0,
    "kidney-stone-us": 12.0,
    "my-heart": 12.0,
}
"""How much more often a sample of a real set is seen than a simulated one: the smaller, the more.

At an equal weight of 4 the decoder met each label of these sets a handful of times and answered
with the most frequent one, although the vision tower told them apart.
"""

NOTICE = {
    "en": "This demonstration model is far too small and saw mostly simulated pictures; do not "
    "believe what it says about a real study.",
    "zh": "本演示模型规模过小，且主要用模拟图像训练，其对真实检查的结果不可采信。",
}
_EVERY_FOURTH = 4


@dataclass(frozen=True)
class NanoRecipe:
    """Everything that decides nano besides the real data.

    Attributes:
        cases: simulated studies.
        seed: of the data.
        vocabulary: most entries of the tokenizer.
        vision_weight: how much more often vision pre-training draws a study of a real set than a
            simulated one.
        vision: vision pre-training.
        network: training of the whole network; of its source weights those of absent sets are
            left out.
        limits: how much is scored.
    """

    cases: int
    vocabulary: int
    vision_weight: float
    vision: VisionRecipe
    network: Recipe
    limits: Limits
    seed: int = 0


def nano() -> NanoRecipe:
    """The recipe of the shipped weights."""
    network = dataclasses.replace(
        recipes.full(),
        trainable=tuple(part for part in Part if part not in (Part.VISION, Part.HEAD)),
        learning_rate=1.5e-3,
        rate_scales={"merger": 0.5},
        steps=1_100,
        tokens_per_batch=4_096,
        visual_tokens=49,
        augment=True,
        aux_loss=0.01,
        weight_decay=0.05,
        gradient_checkpointing=False,
        source_weights=dict(_SOURCE_WEIGHTS),
        task_weights={
            "diagnosis": 3.0,
            "findings": 0.5,
            "impression": 0.5,
            "caption": 0.5,
            "anatomy": 0.5,
            "question": 0.2,
            "choice": 0.3,
            "judge": 0.3,
        },
        save_every=100,
        validate_every=550,
        validate_studies=48,
        seed=2509,
        workers=1,
    )
    return NanoRecipe(
        cases=12_400,
        vocabulary=8_192,
        vision_weight=4.0,
        vision=VisionRecipe(steps=1_250),
        network=network,
        limits=Limits(),
    )


def reduced() -> NanoRecipe:
    """Within two hours on two processor cores without bf16 units."""
    whole = nano()
    return dataclasses.replace(
        whole,
        cases=6_000,
        vision=dataclasses.replace(whole.vision, steps=600),
        network=dataclasses.replace(whole.network, steps=500, validate_every=250),
    )


def smoke() -> NanoRecipe:
    """A few steps on a few cases: shows that every stage runs, learns nothing."""
    whole = nano()
    return dataclasses.replace(
        whole,
        cases=300,  # fewer leave no patient for testing
        vocabulary=1_024,
        vision=dataclasses.replace(whole.vision, steps=2, batch=4),
        network=dataclasses.replace(
            whole.network, steps=2, tokens_per_batch=1_024, validate_every=2, validate_studies=2
        ),
        limits=Limits(diagnosed=4, reported=2, calibrating=4, fitting=26, real=3, resamples=20),
    )


@dataclass
class NanoRun:
    """One run in one work folder.

    Attributes:
        recipe: what is done.
        work: where results of the stages are kept.
        real: folder of real data with the layout of ``REAL_SETS``; None for simulated data alone.
        captions: JSON Lines with a ``text`` field, read for the tokenizer alone; None for none.
        workers: processes that make data.
        dense_twin: whether a twin without experts is trained too, for comparison.
        console: where progress goes.
    """

    recipe: NanoRecipe
    work: Path
    real: Path | None = None
    captions: Path | None = None
    workers: int = 1
    dense_twin: bool = False
    console: Console = field(default_factory=Console)

    def __call__(self) -> Finished:
        """Do every stage that is not done.

        Returns:
            What training came to; without a checkpoint where a signal stopped it.
        """
        self._claim()
        sets = self.data()
        start = self.start(sets)
        finished = self.network(start, sets)
        if finished.final is not None:
            self.score(finished.final, sets)
        if finished.final is not None and self.dense_twin:
            return self.twin(start, sets)
        return finished

    @property
    def built(self) -> Path:
        """The built set."""
        return self.work / "set"

    @property
    def splits(self) -> dict[str, Split]:
        """Split of every patient."""
        stored = json.loads((self.work / "splits.json").read_text(encoding="utf-8"))
        return {patient: Split(split) for patient, split in stored.items()}

    def data(self) -> list[Path]:
        """Simulate, import and build; returns the imported sets."""
        sets = [self.work / "simulated"]
        self._stage(
            "simulating",
            sets[0] / MANIFEST,
            lambda: import_source(
                Simulated(self.recipe.cases, self.recipe.seed), sets[0], workers=self.workers
            ),
        )
        for name, place in REAL_SETS.items():
            if self.real is None:
                break
            folder, target = self.real / place, self.work / name
            if not folder.is_dir():
                raise DataError(folder, "does not exist", "Leave out --real to go without")
            self._stage(
                f"importing {name}",
                target / MANIFEST,
                lambda name=name, folder=folder, target=target: import_source(  # type: ignore[misc]
                    open_source(name, folder), target, workers=self.workers
                ),
            )
            sets.append(target)
        self._stage(
            "building samples",
            self.built / MANIFEST,
            lambda: build_set(
                sets,
                self.built,
                seed=self.recipe.seed,
                splits_file=self.work / "splits.json",
                workers=self.workers,
            ),
        )
        return sets

    def start(self, sets: Sequence[Path]) -> Path:
        """Tokenizer and pre-trained vision tower in a network that knows nothing else."""
        target = self.work / "start"
        if target.is_dir():
            return target
        self.console.print("training the tokenizer")
        tokenizer = write_tokenizer(self.work / "tokenizer", self._texts(), self.recipe.vocabulary)
        network = fresh_network(nano_config(tokenizer), self.recipe.network.seed)
        vision = self.recipe.vision
        pictures = vision_pictures(sets, self.splits, Split.TRAIN)
        targets = FactTargets.of(pictures)
        self.console.print(
            f"vision pre-training: {len(pictures)} pictures, {len(targets.values)} facts"
        )
        pretrain_vision(
            network.model.visual,
            VisionSamples(
                pictures,
                targets,
                vision.steps * vision.batch,
                vision.seed,
                {path.name: self.recipe.vision_weight for path in sets if path.name in REAL_SETS},
            ),
            EchoVLMImageProcessor(
                min_pixels=4 * PIXELS_PER_VISUAL_TOKEN,
                max_pixels=vision.visual_tokens * PIXELS_PER_VISUAL_TOKEN,
            ),
            vision,
            self.work / "vision",
        )
        temporary = self.work / ".start.new"
        network.to(torch.bfloat16).save_pretrained(temporary)  # the number format of the result
        make_processor(tokenizer, self.recipe.network.visual_tokens).save_pretrained(temporary)
        _write(temporary / "notice.json", json.dumps(NOTICE, indent=1, ensure_ascii=False) + "\n")
        temporary.rename(target)
        return target

    def network(self, start: Path, sets: Sequence[Path]) -> Finished:
        """Train the whole network."""
        return self._train(self.recipe.network, start, sets, "network")

    def twin(self, start: Path, sets: Sequence[Path]) -> Finished:
        """Train the same network without experts."""
        dense = without_experts(start, self.work / "dense-start")
        return self._train(twin_recipe(self.recipe.network), dense, sets, "dense-twin")

    def _train(self, recipe: Recipe, start: Path, sets: Sequence[Path], out: str) -> Finished:
        given = recipe.source_weights
        present = {path.name: given[path.name] for path in sets if path.name in given}
        recipe = dataclasses.replace(recipe, source_weights=present)
        return train(recipe, start, self.built, self.work / out, written_text, console=self.console)

    def score(self, checkpoint: Path, sets: Sequence[Path]) -> dict[str, Any]:
        """Fit the temperature, write it beside the weights, and score held-out patients."""
        (checkpoint / "calibration.json").unlink(missing_ok=True)
        result = score_held_out(
            Engine.load(checkpoint), sets, self.built, self.splits, self.recipe.limits
        )
        temperature = json.dumps({"temperature": round(result["temperature"], 4)}) + "\n"
        _write(checkpoint / "calibration.json", temperature)
        whole = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        _write(self.work / "scores.json", whole)
        table = render_markdown(result)
        _write(self.work / "scores.md", table)
        self.console.print(table, markup=False)
        return result

    def _claim(self) -> None:
        """Make the folder this run's own, or see that it is.

        Raises:
            TrainingError: when it holds a run of another recipe or other data.
        """
        told: dict[str, Any] = {
            "recipe": json.loads(json.dumps(dataclasses.asdict(self.recipe))),
            "real": str(self.real and self.real.resolve()),
            "captions": str(self.captions and self.captions.resolve()),
        }
        path = self.work / SETTINGS
        if path.exists():
            stored = json.loads(path.read_text(encoding="utf-8"))
            odd = [name for name, value in told.items() if stored.get(name) != value]
            if odd:
                raise TrainingError(
                    f"{self.work} holds a run with another value of '{odd[0]}'; give another "
                    "folder, or what it was started with."
                )
            return
        with told_in_a_sentence(self.work):
            self.work.mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(told, indent=1) + "\n")

    def _stage(self, name: str, whole: Path, run: Callable[[], Any]) -> None:
        if not whole.exists():
            self.console.print(name)
            run()

    def _texts(self) -> Iterator[str]:
        """The tokenizer's corpus: every fourth training sample, all names and all questions."""
        reader = SampleReader(self.built, Split.TRAIN)
        for number in range(0, len(reader), _EVERY_FOURTH):
            for turn in reader.sample(number).turns:
                yield turn.text.replace(IMAGE_TAG, "")
        for language in Language:
            for _ in range(3):  # so that names become whole tokens
                yield from (label.name(language) for label in prompts.all_labels())
                yield from (prompts.anatomy_name(anatomy, language) for anatomy in Anatomy)
                for task in prompts.Task:
                    yield from prompts.phrasings(task, language)
        if self.captions is not None:
            for line in self.captions.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)["text"]


def _write(path: Path, text: str) -> None:
    write_whole(path, [text.encode("utf-8")])
