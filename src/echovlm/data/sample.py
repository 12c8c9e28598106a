"""A sample: one conversation about one study, as training and evaluation read it.

The first user turn opens with one ``<image>`` per picture, as in the published data. Every text
carries its provenance; a text made from facts names, for each of its statements, the facts behind
it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from echovlm.facts import Fact
from echovlm.prompts import Task
from echovlm.terms import Anatomy, Language

IMAGE_TAG = "<image>"


class Split(StrEnum):
    """What a sample is for; all samples of a patient have the same."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Provenance(StrEnum):
    """Who wrote a text."""

    HUMAN = "human"
    DERIVED = "derived"
    SIMULATED = "simulated"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Statement(_Frozen):
    """A stretch of a text and the facts that make it true.

    Attributes:
        start: index of its first character.
        end: index after its last character.
        facts: at least one.
    """

    start: int = Field(ge=0)
    end: int = Field(gt=0)
    facts: tuple[Fact, ...] = Field(min_length=1)


class Turn(_Frozen):
    """One turn of a conversation.

    Attributes:
        role: who speaks.
        text: what is said, verbatim; pictures of a user turn stand in it as ``<image>``.
        provenance: who wrote it.
        statements: what the text rests on, where it was made from facts.
    """

    role: Literal["system", "user", "assistant"]
    text: str
    provenance: Provenance = Provenance.UNKNOWN
    statements: tuple[Statement, ...] = ()


class Sample(_Frozen):
    """One conversation about one study.

    Attributes:
        id: unique and stable.
        study: id of the record it was made from; its own id where it was read from a foreign file.
        images: picture files, relative to the set's folder, in the order of the ``<image>`` tags.
        turns: system turn (optional), then user and assistant alternating.
        task: what is asked, None where unknown.
        language: language of the answers, None where unknown.
        anatomy: region shown, None where unknown.
        source: name of the data set.
        licence: terms of use.
        patient_key: see :class:`echovlm.data.record.Record`.
        split: what it is for, None before splits are assigned.
        extra: fields of a foreign format that have no place here, kept for a lossless way back.
    """

    id: str = Field(min_length=1)
    study: str = Field(min_length=1)
    images: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = Field(min_length=1)
    task: Task | None = None
    language: Language | None = None
    anatomy: Anatomy | None = None
    source: str = Field(min_length=1)
    licence: str = "unknown"
    patient_key: str = Field(min_length=1)
    split: Split | None = None
    extra: dict[str, Any] = Field(default_factory=dict)

    @property
    def question(self) -> str:
        """The first user turn without its image tags."""
        first = next((turn.text for turn in self.turns if turn.role == "user"), "")
        return first.replace(IMAGE_TAG, "").strip()

    @property
    def answer(self) -> str:
        """The last assistant turn."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "assistant"), "")
