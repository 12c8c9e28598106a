"""A fact: one thing that is true of a study, where it comes from, and nothing else.

Facts are what importers read from labels and masks, what the simulator sampled and what the rule
tables computed. Texts are written from facts and checked against them; the words of both languages
for every name and value are in ``lexicon.json``.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Origin(StrEnum):
    """Where a fact or a text comes from; a reader decides by it how far to trust."""

    HUMAN = "human"
    LABEL = "label"
    MASK = "mask"
    RULE = "rule"
    SIMULATED = "simulated"
    MACHINE = "machine"


class Fact(BaseModel):
    """One thing that is true of a study.

    Attributes:
        name: what is stated, a name of ``lexicon.json`` ("margin", "size_long_mm"); the unit is the
            last word of the name of a quantity.
        value: canonical value in English ("spiculated"), a number, or True and False.
        lesion: running number of the lesion it describes, from 1; None for the study as a whole.
        image: index of the picture it was read from, from 0; None where it holds for all.
        origin: where it comes from.
        source: the column, mask or rule it was read from ("bus_data.csv: Pathology").
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    value: bool | int | float | str
    lesion: int | None = None
    image: int | None = None
    origin: Origin
    source: str = Field(min_length=1)
