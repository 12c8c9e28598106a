"""BI-RADS ultrasound: whether a stated category and the descriptors go together.

BI-RADS has no point formula, so no category is ever computed here: ``computed`` is False and the
result is a list of warnings. Checks: a simple cyst is category 2; a suspicious feature does not go
with 1 to 3; 4 needs one and 5 three of them; a stated likelihood lies in the band of its category.

Two traps. Older Chinese texts give other bands (4A 3-30 %, 4B 31-60 %, 4C 61-94 %); a stated
likelihood that fits only those is told. BI-RADS v2025 exists and is not written here, so
``version`` is part of every result.

Source: ACR BI-RADS Atlas, 5th edition, 2013; tendencies from 10.1186/s43055-020-00209-y.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from echovlm.rads.inputs import edition, number, word, words
from echovlm.rads.result import Result, about
from echovlm.rads.table import Row, Table, load, within

SINGLE = (
    "shape",
    "orientation",
    "margin",
    "echogenicity",
    "posterior",
    "vascularity",
    "elasticity",
)
"""Descriptors with one value each; ``calcification`` may have several."""

_SIMPLE_CYST = {"margin": "circumscribed", "echogenicity": "anechoic", "posterior": "enhancement"}
_LEAST_FOR_5 = 3


class BiRadsCheck(Result):
    """A stated category beside what the descriptors would let one expect.

    Attributes:
        category: as stated; "4" where no letter was.
        zh: its name in Chinese.
        risk: likelihood of malignancy of the category.
        management: usual management of the category.
        suspicious: suspicious features among the descriptors.
        benign: features among them that lean to benign.
        consistent: True where no check failed.
    """

    category: str
    zh: str
    risk: str
    management: str
    suspicious: tuple[str, ...]
    benign: tuple[str, ...]
    consistent: bool


def words_of(feature: str) -> tuple[str, ...]:
    """Words of the lexicon for a feature."""
    return load("bi_rads").words("lexicon", feature=feature)


def check(
    *,
    category: str,
    shape: str | None = None,
    orientation: str | None = None,
    margin: str | None = None,
    echogenicity: str | None = None,
    posterior: str | None = None,
    calcification: Iterable[str] = (),
    vascularity: str | None = None,
    elasticity: str | None = None,
    risk_percent: float | None = None,
    version: str = "2013",
) -> BiRadsCheck:
    """Compare a stated category with descriptors; whatever was not described is left out.

    Args:
        category: "0" to "6", "4" without a letter, or "4A", "4B", "4C".
        shape: see :func:`words_of`; so are the other descriptors.
        orientation: "parallel" or "not parallel".
        margin: "circumscribed", "not circumscribed", or which kind of that.
        echogenicity: echo pattern.
        posterior: posterior features.
        calcification: where calcifications lie, or "none".
        vascularity: "absent", "internal" or "rim".
        elasticity: "soft", "intermediate" or "hard".
        risk_percent: likelihood of malignancy that is stated beside the category.
        version: edition; only "2013" is written here.

    Raises:
        RuleError: for unknown words, categories and editions.
    """
    table = load("bi_rads")
    edition("BI-RADS", version, table.version, "the lexicon of v2025 was not read")
    stated = _category(category)
    given = dict(
        zip(
            SINGLE,
            (shape, orientation, margin, echogenicity, posterior, vascularity, elasticity),
            strict=True,
        )
    )
    said = {
        name: word(name, value, words_of(name))
        for name, value in given.items()
        if value is not None
    }
    places = words("calcification", calcification, words_of("calcification"))
    pairs = [*said.items(), *(("calcification", place) for place in places)]
    rows = [table.row("lexicon", feature=name, value=value) for name, value in pairs]
    case = _Case(stated, said, rows, _percent(risk_percent))
    failed = list(_failed(case, table))
    row = table.row("categories", category=stated)
    advice = next(entry for entry in table.group("management") if stated in entry["categories"])
    checks = [table.row("checks", row=name) for name, _ in failed]
    return BiRadsCheck(
        **about(table, [row, advice, *rows, *checks]),
        computed=False,
        warnings=tuple(sentence for _, sentence in failed),
        category=stated,
        zh=row["zh"],
        risk=row["risk"],
        management=advice["management"],
        suspicious=case.leaning("suspicious"),
        benign=case.leaning("benign"),
        consistent=not failed,
    )


def _category(said: str) -> str:
    known = load("bi_rads").words("categories", "category")
    return word("BI-RADS category", str(said).lower(), [entry.lower() for entry in known]).upper()


def _percent(value: float | None) -> float | None:
    return None if value is None else number("risk_percent", value, 100.0)


@dataclass(frozen=True)
class _Case:
    """What was stated of one lesion."""

    category: str
    said: dict[str, str]
    rows: list[Row]
    risk_percent: float | None

    def leaning(self, tendency: str) -> tuple[str, ...]:
        """Features with a tendency, as they are named in the table."""
        return tuple(row["row"] for row in self.rows if row["tendency"] == tendency)

    @property
    def is_simple_cyst(self) -> bool:
        return all(
            self.said.get(name) == value for name, value in _SIMPLE_CYST.items()
        ) and not self.leaning("suspicious")


def _failed(case: _Case, table: Table) -> Iterator[tuple[str, str]]:
    """The checks that fail: name of the row, and the sentence."""
    found = case.leaning("suspicious")
    listed = "; ".join(found) or "none"
    if case.is_simple_cyst and case.category not in ("0", "2"):
        yield (
            "check: simple cyst is category 2",
            f"The descriptors are those of a simple cyst, category 2, not {case.category}.",
        )
    if case.category in ("1", "2", "3") and found:
        yield (
            "check: no suspicious feature in category 1 to 3",
            f"Category {case.category} is stated beside suspicious features ({listed}).",
        )
    if case.category == "1" and case.rows:
        yield (
            "check: nothing is described in category 1",
            "Category 1 means that there is no finding, but a lesion is described.",
        )
    if case.category.startswith("4") and case.rows and not found:
        yield (
            "check: category 4 has a suspicious feature",
            f"Category {case.category} is stated without any suspicious feature.",
        )
    if case.category == "5" and case.rows and len(found) < _LEAST_FOR_5:
        yield (
            "check: category 5 has three suspicious features",
            f"Category 5 is stated with fewer than {_LEAST_FOR_5} suspicious features ({listed}).",
        )
    yield from _risk_check(case, table)


def _risk_check(case: _Case, table: Table) -> Iterator[tuple[str, str]]:
    row = table.row("categories", category=case.category)
    stated = case.risk_percent
    if stated is None or not row["has_band"] or within(row, stated):
        return
    trap = "".join(
        f" It fits the band of older texts ({old['at_least']}-{old['at_most']} %), now out of use."
        for old in table.group("older_bands")
        if old["category"] == case.category and within(old, stated)
    )
    yield (
        "check: stated likelihood lies in the band",
        f"A likelihood of {stated:g} % lies outside the band of category {case.category} "
        f"({row['risk']}).{trap}",
    )
