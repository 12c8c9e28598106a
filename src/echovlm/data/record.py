"""A record: one imported study with everything its source states, before any question is asked.

Importers write records, :mod:`echovlm.data.build` turns them into samples. A record holds no
patient data: ``patient_key`` is the data set's own anonymous number, or a salted digest for an
archive.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from echovlm.facts import Fact, Origin
from echovlm.terms import Anatomy, Language, Mode


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Picture(_Frozen):
    """One picture of a record: a still, or a frame of a cine loop.

    Attributes:
        path: image file, relative to the set's folder, with forward slashes.
        sha256: digest of the file's bytes, hexadecimal.
        perceptual_hash: 256 bits, hexadecimal, for the search of near duplicates.
        width_px: columns.
        height_px: rows.
        mask: file of the lesion or organ mask, relative to the set's folder; None where there is
            none. Pixels above 0 belong to the structure; several structures have several values.
        mode: what most of the picture shows.
        view: what the source calls the view or plane, empty where it says nothing.
        clip: running number of the still or cine loop within the study, from 0.
        frame: index of the frame within a cine loop, 0 for a still.
        frame_time_ms: time between the frames of the cine loop, None for a still.
        pixel_spacing_mm: ``(row, column)``; None where uncalibrated.
    """

    path: str
    sha256: str
    perceptual_hash: str
    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    mask: str | None = None
    mode: Mode = Mode.B_MODE
    view: str = ""
    clip: int = 0
    frame: int = 0
    frame_time_ms: float | None = None
    pixel_spacing_mm: tuple[float, float] | None = None


class ReportText(_Frozen):
    """The report a source gives for a study.

    Attributes:
        language: language of both parts.
        findings: what is seen, "" where the source gives none.
        impression: what it means, "" where the source gives none.
        origin: who wrote it.
        source: the file or column it was read from.
    """

    language: Language
    findings: str = ""
    impression: str = ""
    origin: Origin
    source: str


class AskedText(_Frozen):
    """A question with its true answer that the source itself gives (the simulator's, for example).

    Attributes:
        language: language of both texts.
        topic: what is asked, equal in all languages.
        question: as a user would type it.
        answer: one short sentence.
        origin: who wrote it.
        source: where it was read.
    """

    language: Language
    topic: str
    question: str
    answer: str
    origin: Origin
    source: str


class Record(_Frozen):
    """One imported study.

    Attributes:
        id: unique and stable: the source's name, a slash and its own key ("bus-bra/bus_0007-l").
        source: name of the data set or archive.
        licence: terms under which texts and pictures may be used, as a name or SPDX identifier.
        citation: who to cite, empty for an own archive.
        patient_key: equal for studies of one patient, with the source's name as prefix.
        anatomy: region shown, None where the source does not say.
        pictures: at least one, in the order of the study.
        facts: what the source's labels and masks state.
        reports: texts the source gives.
        asked: questions with answers the source gives.
    """

    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    citation: str = ""
    patient_key: str = Field(min_length=1)
    anatomy: Anatomy | None = None
    pictures: tuple[Picture, ...] = Field(min_length=1)
    facts: tuple[Fact, ...] = ()
    reports: tuple[ReportText, ...] = ()
    asked: tuple[AskedText, ...] = ()

    def values(self, name: str) -> list[bool | int | float | str]:
        """Values of every fact of this name, in order."""
        return [fact.value for fact in self.facts if fact.name == name]


class Rejected(_Frozen):
    """Something of the source that was left out.

    Attributes:
        source: name of the data set or archive.
        key: the source's own key of what was left out, free of patient data.
        reason: one sentence that says why.
        quarantined: True where a person should look at it (text found in the pixels), so that it
            can come in later; False where it cannot be used.
    """

    source: str
    key: str
    reason: str
    quarantined: bool = False
