"""Who is evaluated: the options that name systems, and the systems they name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from echovlm.errors import OptionError

if TYPE_CHECKING:
    from accelerate import PartialState

    from echovlm.engine import Engine
    from echovlm.evaluate.evaluation import Contender
    from echovlm.evaluate.items import Item
    from echovlm.report import Answer
    from echovlm.study import Study

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="[NAME=]PATH_OR_HUB_ID",
        help="Checkpoint to evaluate, 'nano' for the shipped one; repeatable.",
    ),
]
PredictionFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--predictions",
        metavar="[NAME=]FILE",
        help="Replies of another model, JSON Lines; repeatable.",
    ),
]
EndpointAddress = Annotated[
    str | None,
    typer.Option("--endpoint", metavar="MODEL@URL", help="OpenAI-compatible HTTP endpoint."),
]
SendPictures = Annotated[
    bool,
    typer.Option("--send-pictures", help="Allow an endpoint that is not on this machine."),
]
Resamples = Annotated[
    int, typer.Option("--resamples", min=100, help="Of the bootstrap over patients.")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[str, typer.Option("--dtype", help="auto, float32, bfloat16, float16.")]
NewTokens = Annotated[int, typer.Option("--max-new-tokens", min=1, help="Most tokens of one text.")]

_KEY = "ECHOVLM_ENDPOINT_KEY"


_LONGEST_WAIT = timedelta(hours=12)  # of a process for one that has more to ask


def processes() -> PartialState:
    """This process among those that were started together; each asks its share."""
    import torch
    from accelerate import PartialState

    return PartialState(cpu=not torch.cuda.is_available(), timeout=_LONGEST_WAIT)


def checkpoints(
    texts: Sequence[str], device: str, dtype: str, max_new_tokens: int
) -> list[Contender]:
    """The systems of ``--model [NAME=]PATH_OR_HUB_ID``.

    Raises:
        CheckpointError: when one cannot be used as it is.
        OptionError: for an unknown device or dtype.
    """
    from transformers.utils import logging

    from echovlm.evaluate.evaluation import Contender
    from echovlm.evaluate.systems import Asked, EngineSystem

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    seat = _Seat(device, dtype)

    def made(text: str) -> Contender:
        name, path = _named(text)
        reader = _Seated(seat, None if path == "nano" else path)

        def expert_load(asked: Asked):  # type: ignore[no-untyped-def]
            return seat.engine(reader.path).expert_load(asked.study) if asked.study else None

        system = EngineSystem(reader, name or reader.name, reader.number_format, max_new_tokens)
        return Contender(system, "checkpoint", expert_load)

    return [made(text) for text in texts]


class _Seat:
    """Room for one engine: two networks may not fit into memory, so they take turns."""

    def __init__(self, device: str, dtype: str) -> None:
        self._device, self._dtype = device, dtype
        self._engine: Engine | None = None
        self._path: str | None = None

    def engine(self, path: str | None) -> Engine:
        """The engine of a checkpoint, in the place of any other."""
        from echovlm.engine import Engine

        if self._engine is None or self._path != path:
            self._engine = None
            self._engine, self._path = Engine.load(path, self._device, self._dtype), path
        return self._engine


class _Seated:
    """A checkpoint that takes its seat when it is asked something."""

    def __init__(self, seat: _Seat, path: str | None) -> None:
        engine = seat.engine(path)
        self.path = path
        self.name, self.version, self.temperature = engine.name, engine.version, engine.temperature
        self.number_format = str(engine.network.model.dtype).removeprefix("torch.")
        self._seat = seat

    def ask_each(
        self, studies: Sequence[Study], questions: Sequence[str], *, max_new_tokens: int
    ) -> Sequence[Answer]:
        """As the engine's."""
        engine = self._seat.engine(self.path)
        return engine.ask_each(studies, questions, max_new_tokens=max_new_tokens)

    def ask_without_pictures(self, questions: Sequence[str], max_new_tokens: int) -> list[str]:
        """As the engine's."""
        return self._seat.engine(self.path).ask_without_pictures(questions, max_new_tokens)

    def likelihoods(
        self, study: Study | None, question: str, answers: Sequence[str]
    ) -> list[float]:
        """As the engine's."""
        return self._seat.engine(self.path).likelihoods(study, question, answers)


def predicted(
    texts: Sequence[str], items: Sequence[Item], known: frozenset[str]
) -> list[Contender]:
    """The systems of ``--predictions [NAME=]FILE``.

    Args:
        texts: files of predictions, named or not.
        items: what is asked.
        known: ids that may be predicted though they are not asked.

    Raises:
        DataError: when a file cannot be read, or holds what it may not.
    """
    from echovlm.evaluate.evaluation import Contender
    from echovlm.evaluate.predictions import Predictions

    return [
        Contender(Predictions(Path(path), items, known, name), "predictions")
        for name, path in map(_named, texts)
    ]


def behind_endpoint(text: str, max_new_tokens: int, send_pictures: bool) -> Contender:
    """The system of ``--endpoint MODEL@URL``.

    Raises:
        OptionError: for text of another form, or an address on another machine that pictures may
            not be sent to.
    """
    from echovlm.evaluate.endpoint import Endpoint
    from echovlm.evaluate.evaluation import Contender

    name, separator, url = text.partition("@")
    if not separator or not name:
        raise OptionError("--endpoint is MODEL@URL, like qwen@http://localhost:8000/v1.")
    key = os.environ.get(_KEY, "")
    system = Endpoint(url, name, key, max_new_tokens, anywhere=send_pictures)
    return Contender(system, "endpoint")


def _named(text: str) -> tuple[str, str]:
    """Name and path of ``[NAME=]PATH``; a path may hold an equals sign, the name may be ""."""
    if Path(text).exists():
        return "", text
    name, separator, path = text.partition("=")
    return (name, path) if separator else ("", text)
