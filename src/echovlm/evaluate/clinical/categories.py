"""Whether a stated category goes with what the same report describes, by the rules of ``rads``.

Only what can be checked is: at most one lesion, one category of its system, and every descriptor
that the rule needs. BI-RADS has no formula, so its checks of consistency are used; TI-RADS and
O-RADS are computed. A text that says only "TI-RADS" may mean ACR TI-RADS or C-TIRADS: it is wrong
only where it agrees with neither. Nothing is checked against a rule that the text does not name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from echovlm.errors import RuleError
from echovlm.evaluate.clinical.reading import FactKind, Reading, ReportFact
from echovlm.facts.clauses import flatten
from echovlm.facts.contradiction import same_category
from echovlm.facts.statement import Certainty
from echovlm.rads import acr_tirads, bi_rads, c_tirads, o_rads

_ACR_MARGINS = {
    "circumscribed": "smooth",
    "indistinct": "ill-defined",
    "not circumscribed": "irregular",
    "spiculated": "irregular",
    "angular": "irregular",
    "microlobulated": "lobulated",
}
_ACR_SHAPES = {"parallel": "wider-than-tall", "not parallel": "taller-than-wide"}
_ACR_FOCI = {"none", "punctate", "macrocalcification", "peripheral"}
_ADNEXAL = {
    "endometrioma": "endometrioma",
    "teratoma": "dermoid",
    "haemorrhagic cyst": "haemorrhagic cyst",
}
_ACR = re.compile(r"acr[\s-]*$")
_CHINESE_SYSTEM = re.compile(r"c-?$")


def inconsistent_categories(reading: Reading) -> Iterator[tuple[str, ReportFact]]:
    """The categories that do not go with the descriptors: a sentence, and the fact."""
    by_name: dict[str, list[ReportFact]] = {}
    for fact in reading.facts[FactKind.CATEGORY]:
        by_name.setdefault(fact.name, []).append(fact)
    for name, check in (("birads", _bi_rads), ("tirads", _ti_rads), ("orads", _o_rads)):
        stated = by_name.get(name, [])
        if len(stated) == 1 and reading.lesions <= 1:
            for sentence in check(reading, stated[0]):
                yield sentence, stated[0]


def _described(reading: Reading) -> Mapping[str, str]:
    """Descriptors of the lesion that have one value."""
    values: dict[str, set[str]] = {}
    for fact in reading.facts[FactKind.DESCRIPTOR]:
        if fact.statement is None or not fact.statement.partial:
            values.setdefault(fact.name, set()).add(str(fact.value))
    return {name: said.pop() for name, said in values.items() if len(said) == 1}


# Without these a category that calls for suspicious features cannot be doubted.
_OUTLINE = {"shape", "orientation", "margin"}


def _bi_rads(reading: Reading, stated: ReportFact) -> Iterator[str]:
    category = str(stated.value)
    if not reading.lesions:
        if category not in ("0", "1", "2"):
            yield f"BI-RADS {category} is stated, but no lesion is described."
        return
    yield from _against_nature(reading, category)
    described: dict[str, str] = {}
    for fact in reading.facts[FactKind.DESCRIPTOR]:
        known = fact.name in bi_rads.SINGLE and fact.value in bi_rads.words_of(fact.name)
        if known and described.get(fact.name) in (None, "circumscribed"):  # the worse margin counts
            described[fact.name] = str(fact.value)
    if described and (category[0] not in "45" or described.keys() >= _OUTLINE):
        yield from bi_rads.check(category=category, **described).warnings  # type: ignore[arg-type]


def _against_nature(reading: Reading, category: str) -> Iterator[str]:
    """BI-RADS 1 to 3 beside what is called malignant, 5 and 6 beside what is called benign.

    Source: BI-RADS 2013, likelihood of malignancy 0 to 2 % in 1 to 3, at least 95 % in 5.
    """
    sure = {
        str(fact.value)
        for fact in reading.facts[FactKind.FINDING]
        if fact.statement is not None and fact.statement.certainty is Certainty.SURE
    }
    if category in ("1", "2", "3") and "malignant" in sure:
        yield f"BI-RADS {category} is stated, but the lesion is called malignant."
    if category in ("5", "6") and "benign" in sure and "malignant" not in sure:
        yield f"BI-RADS {category} is stated, but the lesion is called benign."


def _ti_rads(reading: Reading, stated: ReportFact) -> Iterator[str]:
    nodule = _nodule(reading)
    if not nodule:
        return
    computed: dict[str, str] = {}
    try:
        if _may_be(reading, stated, _ACR, _CHINESE_SYSTEM):
            level = acr_tirads.assess(**nodule).level  # type: ignore[arg-type]
            computed["ACR TI-RADS"] = level.removeprefix("TR")
        if _may_be(reading, stated, _CHINESE_SYSTEM, _ACR):
            computed["C-TIRADS"] = c_tirads.assess(**nodule).category  # type: ignore[arg-type]
    except RuleError:
        return
    if not any(same_category(str(stated.value), each) for each in computed.values()):
        rules = " and ".join(f"{each} by {system}" for system, each in computed.items())
        yield f"TI-RADS {stated.value} is stated, but the descriptors give {rules}."


def _nodule(reading: Reading) -> dict[str, str | tuple[str, ...]]:
    """The words of the rule, empty where one of them is missing or a comet-tail leaves it open."""
    described = _described(reading)
    foci = described.get("calcification", "")
    values = {
        "composition": described.get("composition", ""),
        "echogenicity": described.get("echogenicity", ""),
        "shape": _ACR_SHAPES.get(described.get("orientation", ""), ""),
        "margin": _ACR_MARGINS.get(described.get("margin", ""), ""),
    }
    if not all(values.values()) or foci not in _ACR_FOCI or "comet-tail" in reading.mentioned():
        return {}
    return {**values, "foci": (foci,)}


def _may_be(
    reading: Reading, stated: ReportFact, own: re.Pattern[str], other: re.Pattern[str]
) -> bool:
    """Whether the text names this system, or at least not the other one."""
    statement = stated.statement
    if statement is None:
        return False
    flat = flatten(reading.text)
    before = flat[max(0, statement.start - 8) : statement.start]
    if own is _ACR and flat.startswith("tr", statement.start):
        return True
    if own is not _ACR and flat.startswith("tr", statement.start):
        return False
    return bool(own.search(before)) or not other.search(before)


def _o_rads(reading: Reading, stated: ReportFact) -> Iterator[str]:
    kinds = [_ADNEXAL[name] for name in _ADNEXAL if name in _claimed(reading)]
    sizes = [
        float(f.value) for f in reading.facts[FactKind.MEASUREMENT] if f.name.startswith("size_")
    ]
    if len(kinds) != 1 or not sizes or not reading.lesions:
        return
    try:
        category = o_rads.assess(lesion=kinds[0], max_diameter_mm=max(sizes)).category
    except RuleError:
        return
    if category != stated.value:
        yield f"O-RADS {stated.value} is stated, but a {kinds[0]} of this size is {category}."


def _claimed(reading: Reading) -> set[str]:
    return {str(fact.value) for fact in reading.facts[FactKind.FINDING]}
