r"""What comes out: a report, a diagnosis or an answer, and the text form the network writes.

A report has findings (超声所见), which hold no diagnosis, and an impression (超声提示), which holds
no new measurement. The network writes ``超声所见：…\n超声提示：…`` or
``Findings: …\nImpression: …``; :func:`parse_text` also reads the published forms
(``Ultrasound findings: {...}; Ultrasound impression: {...}``, 超声诊断).

Every result here is made by a machine: its status is *preliminary* and it names the model and its
version. No measurement is printed that has no calibrated source, see :func:`guard_measurements`.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from echovlm.terms import Anatomy, Language

FinishReason = Literal["stop", "length"]

_HEADINGS = {
    Language.CHINESE: ("超声所见：", "超声提示："),
    Language.ENGLISH: ("Findings: ", "Impression: "),
}
_FINDINGS_WORDS = (
    r"(?:超声|检查|影像|图像)?所见|超声(?:表现|描述)|(?:(?:ultrasound|sonographic|us)\s+)?findings?"
)
_IMPRESSION_WORDS = (
    r"(?:超声|诊断)?(?:提示|印象)|超声(?:诊断|结论)(?:意见)?|诊断(?:意见|结论)?|结论"
    r"|(?:(?:ultrasound|sonographic|us)\s+)?(?:impressions?|conclusions?|diagnosis)"
)
# A heading opens the text, a line or a sentence, or follows the semicolon of the published form.
_HEADING = re.compile(
    r"(?:\A|\n|[;；]|(?<=[。！？.!?}]))[ \t]*(?:#+[ \t]*)?(?P<bold>\*\*)?"
    rf"(?:(?P<findings>{_FINDINGS_WORDS})|(?P<impression>{_IMPRESSION_WORDS}))"
    r"(?(bold)(?:\*\*)?)[ \t]*[:：](?(bold)(?:\*\*)?)[ \t]*",
    re.IGNORECASE,
)
_RECOMMENDATION = re.compile(
    r"(?:\A|\n|(?<=[。；！？.;!?]))[ \t]*(?:建议|recommendations?)[ \t]*[:：][ \t]*", re.IGNORECASE
)


def render_text(findings: str, impression: str, language: Language | str) -> str:
    """Write findings and impression in the form the network is trained to write."""
    first, second = _HEADINGS[Language(language)]
    return f"{first}{findings.strip()}\n{second}{impression.strip()}"


def parse_text(text: str, language: Language | str) -> tuple[str, str]:
    """Read findings and impression out of generated text.

    Args:
        text: what a network wrote, in our form, a published form, or without any heading.
        language: language that was asked for; headings of either language are understood, since
            a network may answer in the other one.

    Returns:
        ``(findings, impression)``. Text without headings is findings; a part that is absent is "".
    """
    Language(language)
    parts: dict[str, list[str]] = {"findings": [], "impression": []}
    for kind, start, end in section_spans(text):
        parts[kind].append(text[start:end])
    return _joined(parts["findings"]), _joined(parts["impression"])


def section_spans(text: str) -> list[tuple[Literal["findings", "impression"], int, int]]:
    """Where the parts of a text stand, as ``(kind, start, end)`` without the headings, in order.

    Text before the first heading, and text without any, is findings.
    """
    spans: list[tuple[Literal["findings", "impression"], int, int]] = []
    kind: Literal["findings", "impression"] = "findings"
    start = 0
    for heading in _HEADING.finditer(text):
        spans.append((kind, start, heading.start()))
        kind, start = ("findings" if heading["findings"] else "impression"), heading.end()
    spans.append((kind, start, len(text)))
    return spans


def _joined(pieces: list[str]) -> str:
    return "\n".join(bare for piece in pieces if (bare := _without_braces(piece.strip())))


def _without_braces(text: str) -> str:
    if text.startswith("{") and text.endswith("}") and text.count("{") == 1:
        return text[1:-1].strip()
    return text


# --- Measurements ----------------------------------------------------------------------------

_EN_NUMBER_WORD = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    "sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    "hundred|half"
)
_NUMBER = (
    r"(?:\d+(?:[.,]\d+)*|\.\d+"
    rf"|(?<![a-z])(?:{_EN_NUMBER_WORD})(?:[ -](?:{_EN_NUMBER_WORD}))*(?![a-z])"
    r"|[零〇一二两三四五六七八九十百半点]+)"
)
_UNIT = (
    r"(?:(?:mm[ ]?hg|(?:mm|cm|dm|[uµμ]m)(?:[²³]|\^?[23](?!\d))?(?:[ ]?/[ ]?s(?:ec)?)?"
    r"|m[ ]?/[ ]?s(?:ec)?|ml|cc"
    r"|(?:square |cubic )?(?:milli|centi|micro)(?:met(?:er|re)|lit(?:er|re))s?(?: per second)?"
    r"|met(?:er|re)s? per second|inch(?:es)?)(?![a-z])"
    r"|[㎜㎝㎖㎡㎠㎤]|毫米汞柱|(?:平方|立方)?(?:毫米|厘米|公分|微米)(?:[ ]?(?:/|每)[ ]?秒)?"
    r"|米[ ]?(?:/|每)[ ]?秒|毫升)"
)
_QUANTITY = rf"{_NUMBER}(?:[ -]?{_UNIT})?"
_JOIN = r"[ ]?(?:[x×✕*/~–—-]|\bby\b|\bto\b|\band\b|至|到|乘以?)[ ]?"
_CHAIN = re.compile(rf"{_QUANTITY}(?:{_JOIN}{_QUANTITY})*", re.IGNORECASE)
_HAS_UNIT = re.compile(rf"{_NUMBER}[ -]?{_UNIT}", re.IGNORECASE)
_IS_PRODUCT = re.compile(r"\d[ ]?[x×✕*][ ]?[\d.]", re.IGNORECASE)
# Full-width digits, letters and signs to ASCII, character by character, so that positions stay.
_HALF_WIDTH = {
    code: code - 0xFEE0
    for code in range(0xFF01, 0xFF5F)
    if chr(code - 0xFEE0).isalnum() or chr(code) in "．／－～＊＾"
} | {0x3000: 0x20}

PLACEHOLDER = {Language.CHINESE: "[未测量]", Language.ENGLISH: "[not measured]"}
"""What stands in a text where an unfounded measurement was taken out."""

_UNCALIBRATED = {
    Language.CHINESE: "图像无可信的比例标定，已去除模型写出的数值。",
    Language.ENGLISH: "The images carry no trusted calibration, so sizes and velocities written by "
    "the model were taken out.",
}
_UNVERIFIED = {
    Language.CHINESE: "文中的数值由模型写出，并非测量所得。",
    Language.ENGLISH: "Sizes and velocities in the text were written by the model, not measured.",
}


def measurement_spans(text: str) -> list[tuple[int, int]]:
    """Where a text states a length, area, volume, velocity or pressure.

    Counted are numbers (digits, full-width digits, number words of both languages) with a unit, and
    products such as ``12 × 8`` even without one; joined numbers ("3 to 5 mm") are one span. Plain
    numbers, percentages, clock positions and categories are not.
    """
    flat = text.translate(_HALF_WIDTH)
    return [
        match.span()
        for match in _CHAIN.finditer(flat)
        if _HAS_UNIT.search(match[0]) or _IS_PRODUCT.search(match[0])
    ]


def guard_measurements(
    text: str, language: Language | str, *, calibrated: bool
) -> tuple[str, tuple[str, ...]]:
    """Keep the rule that no measurement is printed which has no calibrated source.

    Args:
        text: generated text.
        language: language of the placeholder and of the warning.
        calibrated: whether every clip of the study has a trusted spacing in mm.

    Returns:
        The text, and the warnings it needs. Uncalibrated: every stated measurement is replaced by
        a visible placeholder. Calibrated: the text stays, with the warning that the numbers were
        written by the model and not measured. No measurement in the text: no warning.
    """
    tongue = Language(language)
    spans = measurement_spans(text)
    if not spans:
        return text, ()
    if calibrated:
        return text, (_UNVERIFIED[tongue],)
    pieces, last = [], 0
    for start, end in spans:
        pieces += [text[last:start], PLACEHOLDER[tongue]]
        last = end
    return "".join(pieces) + text[last:], (_UNCALIBRATED[tongue],)


# Control characters and the marks that reorder or hide text on a screen; tab and newline stay.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text without terminal control characters and invisible direction marks."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


# --- Results ---------------------------------------------------------------------------------


class _Result(BaseModel):
    """What every machine-made result carries."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    language: Language
    status: Literal["preliminary"] = "preliminary"
    model: str = Field(min_length=1)
    model_version: str = Field(min_length=1)
    warnings: tuple[str, ...] = ()


class Measurement(BaseModel):
    """A measured quantity.

    Attributes:
        name: what was measured ("longest diameter").
        value: the number, in ``unit``.
        unit: UCUM code ("mm", "cm/s", "mL").
        source: where the number comes from ("caliper", "segmentation"); never generated text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: float
    unit: str
    source: str


class Report(_Result):
    """Findings and impression of one study.

    Attributes:
        anatomy: region examined, None where neither source nor network states it.
        findings: what is seen, without diagnosis.
        impression: what it means, without new measurements.
        recommendation: what to do next, empty where the text gives none.
        measurements: calibrated measurements; generated text never fills them.
        finish_reason: "stop" where the network ended by itself, "length" where it was cut off.
    """

    anatomy: Anatomy | None = None
    findings: str
    impression: str
    recommendation: str = ""
    measurements: tuple[Measurement, ...] = ()
    finish_reason: FinishReason = "stop"

    @property
    def text(self) -> str:
        """Findings and impression in the form the network writes."""
        return render_text(self.findings, self.impression, self.language)

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        language: Language | str,
        model: str,
        model_version: str,
        calibrated: bool,
        anatomy: Anatomy | None = None,
        finish_reason: FinishReason = "stop",
        warnings: tuple[str, ...] = (),
    ) -> Report:
        """Read generated text into a report, keeping the measurement rule.

        A missing part gives a warning, not an error: the rest may still be of use.
        """
        tongue = Language(language)
        safe, guard_warnings = guard_measurements(printable(text), tongue, calibrated=calibrated)
        findings, impression = parse_text(safe, tongue)
        split = _RECOMMENDATION.search(impression)
        recommendation = impression[split.end() :].strip() if split else ""
        missing = tuple(
            sentence[tongue]
            for part, sentence in ((findings, _NO_FINDINGS), (impression, _NO_IMPRESSION))
            if not part
        )
        return cls(
            language=tongue,
            anatomy=anatomy,
            findings=findings,
            impression=impression[: split.start()].strip() if split else impression,
            recommendation=recommendation,
            finish_reason=finish_reason,
            model=model,
            model_version=model_version,
            warnings=(*warnings, *guard_warnings, *missing),
        )


_NO_FINDINGS = {
    Language.CHINESE: "模型未写出超声所见。",
    Language.ENGLISH: "The model wrote no findings.",
}
_NO_IMPRESSION = {
    Language.CHINESE: "模型未写出超声提示。",
    Language.ENGLISH: "The model wrote no impression.",
}


class Candidate(BaseModel):
    """One candidate of a closed set.

    Attributes:
        key: stable identifier of the label.
        name: the label in the language of the diagnosis.
        probability: 0-1, over the candidates of the set.
        log_likelihood: mean log-probability per token of the name as the answer, before the
            temperature.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    name: str
    probability: float = Field(ge=0.0, le=1.0)
    log_likelihood: float


class Diagnosis(_Result):
    """Ranked candidates of a closed set; their probabilities sum to one.

    Attributes:
        anatomy: region whose labels were scored, None where the user gave the labels.
        anatomy_candidates: the scored regions where the anatomy had to be inferred, else empty.
        candidates: most probable first.
        temperature: divisor of the log-likelihoods before the softmax.
        is_calibrated: whether that temperature was fitted for this checkpoint.
    """

    anatomy: Anatomy | None = None
    anatomy_candidates: tuple[Candidate, ...] = ()
    candidates: tuple[Candidate, ...] = Field(min_length=1)
    temperature: float = Field(default=1.0, gt=0.0)
    is_calibrated: bool = False

    @property
    def best(self) -> Candidate:
        """The most probable candidate."""
        return self.candidates[0]


class Answer(_Result):
    """The answer to one question about a study.

    Attributes:
        question: what was asked.
        text: the answer, with measurements guarded.
        finish_reason: "stop" where the network ended by itself, "length" where it was cut off.
    """

    question: str
    text: str
    finish_reason: FinishReason = "stop"
