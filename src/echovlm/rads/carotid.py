"""Carotid stenosis by the SRU consensus of 2003, its words in Chinese, and intima-media thickness.

The primary parameters are the peak systolic velocity (PSV) of the internal carotid artery and the
plaque. Where they do not agree the class is "indeterminate": a person decides. The ratio of PSV in
the internal and common carotid artery and the end-diastolic velocity (EDV) only support; they are
reported as agreeing or not, and weigh more where PSV is unreliable.

A modification is proposed for 50 % and more: PSV from 180 cm/s, or from 125 cm/s with a ratio from
2.0 (specificity 82-84 % in place of 64 %; PMC8493430). It is used where ``criteria`` asks for it.

Source: Grant et al., Radiology 2003;229:340, 10.1148/radiol.2292030516.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from echovlm.errors import RuleError
from echovlm.rads.inputs import number, size, word, words
from echovlm.rads.result import Result, about
from echovlm.rads.table import Row, Table, load

FLOWS = ("present", "string", "absent")
CRITERIA = ("sru-2003", "pmc8493430")
_FASTEST_CM_PER_S = 1000.0
_SLOWEST_CM_PER_S = 10.0
_LARGEST_RATIO = 50.0


class Carotid(Result):
    """A class of stenosis.

    Attributes:
        stenosis: "normal", "<50 %", "50-69 %", ">=70 %", "near occlusion", "occlusion" or
            "indeterminate".
        zh: usual Chinese words.
        criteria: which of ``CRITERIA`` was applied.
        by_velocity: classes that PSV allows; empty where it does not count.
        by_plaque: classes that the plaque allows; empty where it does not count.
        supporting: "ratio" and "edv" where given: "agrees" or "disagrees" with the class.
        ratio: PSV of the internal over that of the common carotid artery, where known.
    """

    stenosis: str
    zh: str
    criteria: str
    by_velocity: tuple[str, ...]
    by_plaque: tuple[str, ...]
    supporting: dict[str, str]
    ratio: float | None = None


def unreliable_words() -> tuple[str, ...]:
    """Words for conditions in which PSV misleads."""
    return load("carotid").words("unreliable")


def assess(
    *,
    psv_cm_per_s: float | None = None,
    plaque_percent: float | None = None,
    edv_cm_per_s: float | None = None,
    ratio: float | None = None,
    common_psv_cm_per_s: float | None = None,
    flow: str = "present",
    unreliable: Iterable[str] = (),
    criteria: str = "sru-2003",
) -> Carotid:
    """Apply the rule to one internal carotid artery.

    Args:
        psv_cm_per_s: peak systolic velocity of the internal carotid artery.
        plaque_percent: estimated reduction of the diameter by plaque, 0 for no plaque.
        edv_cm_per_s: end-diastolic velocity.
        ratio: PSV of the internal over that of the common carotid artery.
        common_psv_cm_per_s: PSV of the common carotid artery, in place of the ratio.
        flow: "present"; "string" for a markedly narrowed lumen on colour; "absent" for no lumen
            and no flow.
        unreliable: conditions in which PSV misleads, see :func:`unreliable_words`.
        criteria: one of ``CRITERIA``.

    Raises:
        RuleError: for impossible velocities, values that contradict one another, and a primary
            parameter that is missing.
    """
    state = word("flow", flow, FLOWS)
    rule = word("criteria", criteria, CRITERIA)
    conditions = words("unreliable", unreliable, unreliable_words())
    psv = _velocity("psv_cm_per_s", psv_cm_per_s)
    edv = _velocity("edv_cm_per_s", edv_cm_per_s)
    plaque = None if plaque_percent is None else number("plaque_percent", plaque_percent, 100.0)
    quotient = _ratio(ratio, psv, _velocity("common_psv_cm_per_s", common_psv_cm_per_s))
    _check_possible(state, psv, edv, plaque)
    table = load("carotid")
    rows: list[Row] = []
    by_velocity: tuple[str, ...] = ()
    by_plaque: tuple[str, ...] = ()
    if state == "present":
        fast = _velocity_row(psv, quotient, rule, table)
        narrow = table.band("plaque", _needed("plaque_percent", plaque))
        rows = [fast, narrow]
        by_velocity, by_plaque = tuple(fast["classes"]), tuple(narrow["classes"])
        both = [name for name in by_velocity if name in by_plaque]
        stenosis = both[0] if both else "indeterminate"
    else:
        rows = [table.row("lumen", flow=state)]
        stenosis = rows[0]["class"]
    supports = _supporting(table, quotient, edv) if state == "present" else {}
    said = table.row("words", **{"class": stenosis})
    flagged = [table.row("unreliable", value=condition) for condition in conditions]
    return Carotid(
        **about(table, [*rows, *supports.values(), *flagged, said]),
        warnings=tuple(_warnings(stenosis, psv, conditions, supports)),
        stenosis=stenosis,
        zh=said["zh"],
        criteria=rule,
        by_velocity=by_velocity,
        by_plaque=by_plaque,
        supporting=_agreement(stenosis, supports),
        ratio=None if quotient is None else round(quotient, 2),
    )


def _velocity(name: str, value: float | None) -> float | None:
    return None if value is None else number(name, value, _FASTEST_CM_PER_S)


def _needed(name: str, value: float | None) -> float:
    if value is None:
        raise RuleError(
            f"{name} is needed where there is flow: PSV and plaque are the primary parameters "
            "(plaque_percent is 0 without plaque)."
        )
    return value


def _ratio(ratio: float | None, psv: float | None, common: float | None) -> float | None:
    if common is None:
        return None if ratio is None else number("ratio", ratio, _LARGEST_RATIO)
    if ratio is not None:
        raise RuleError("Give the ratio or common_psv_cm_per_s, not both.")
    if psv is None or common == 0:
        raise RuleError("The ratio needs psv_cm_per_s and a common_psv_cm_per_s above 0.")
    return number("ratio", psv / common, _LARGEST_RATIO)


def _check_possible(state: str, psv: float | None, edv: float | None, plaque: float | None) -> None:
    if psv is not None and edv is not None and edv > psv:
        raise RuleError("The end-diastolic velocity cannot exceed the peak systolic velocity.")
    if state == "absent" and (psv or edv):
        raise RuleError("Without flow there is no velocity; give flow 'present', or no velocities.")
    if state == "present" and psv == 0:
        raise RuleError("A velocity of 0 is no flow; give flow 'absent' or 'string'.")
    if state == "present" and plaque == 100:
        raise RuleError("A plaque of 100 % leaves no lumen; give flow 'absent'.")
    if state != "present" and plaque == 0:
        raise RuleError(f"With flow '{state}' the lumen is not free; give plaque_percent above 0.")


def _velocity_row(psv: float | None, ratio: float | None, rule: str, table: Table) -> Row:
    """The row of PSV; by the proposed modification a moderate PSV alone is not enough."""
    value = _needed("psv_cm_per_s", psv)
    row = table.band("velocity", value)
    (proposed,) = table.group("proposed")
    is_moderate = proposed["at_least_with_ratio"] <= value < proposed["at_least"]
    if rule == CRITERIA[0] or not is_moderate:
        return row
    if ratio is None:
        raise RuleError("From 125 to below 180 cm/s these criteria need the ratio; give it.")
    if ratio >= proposed["least_ratio"]:
        return row
    return proposed | {"classes": ["normal", "<50 %"]}


def _supporting(table: Table, ratio: float | None, edv: float | None) -> dict[str, Row]:
    given = {"ratio": ratio, "edv": edv}
    return {name: table.band(name, value) for name, value in given.items() if value is not None}


def _agreement(stenosis: str, supports: dict[str, Row]) -> dict[str, str]:
    if stenosis == "indeterminate":
        return {name: f"points to {' or '.join(row['classes'])}" for name, row in supports.items()}
    return {
        name: "agrees" if stenosis in row["classes"] else "disagrees"
        for name, row in supports.items()
    }


def _warnings(
    stenosis: str, psv: float | None, conditions: tuple[str, ...], supports: dict[str, Row]
) -> Iterator[str]:
    if stenosis == "indeterminate":
        yield "PSV and plaque point to different classes; a physician decides with all parameters."
    if conditions:
        yield (
            f"PSV is unreliable ({', '.join(conditions)}): plaque, ratio and EDV weigh more than "
            "the class given here."
        )
    against = [name for name, said in _agreement(stenosis, supports).items() if "dis" in said]
    if against:
        yield f"Supporting parameters disagree with the class: {', '.join(against)}."
    if psv is not None and 0 < psv < _SLOWEST_CM_PER_S and stenosis != "near occlusion":
        yield f"A PSV of {psv:g} cm/s is very low; is it in m/s?"


class Degree(Result):
    """A degree of carotid stenosis in usual words.

    Attributes:
        percent: reduction of the diameter.
        name: "none", "mild", "moderate", "severe" or "occlusion".
        zh: the same in Chinese.
    """

    percent: float
    name: str
    zh: str


def degree(percent: float) -> Degree:
    """Name a reduction of the diameter by the words of Chinese reports.

    Raises:
        RuleError: outside 0 to 100.
    """
    value = number("percent", percent, 100.0)
    table = load("carotid_stenosis_words")
    row = table.band("degrees", value)
    return Degree(**about(table, [row]), percent=value, name=row["name"], zh=row["zh"])


class IntimaMedia(Result):
    """An intima-media thickness.

    Attributes:
        thickness_mm: as measured.
        name: "normal", "thickened" or "plaque".
        zh: the same in Chinese.
    """

    thickness_mm: float
    name: str
    zh: str


def intima_media(thickness_mm: float, focal: bool = True) -> IntimaMedia:
    """Name an intima-media thickness by the Chinese standard for health checks.

    Args:
        thickness_mm: thickness in mm.
        focal: whether it reaches into the lumen at one place; a thickness of 1.5 mm and more is a
            plaque only there.

    Raises:
        RuleError: for an impossible thickness.
    """
    value = size("thickness_mm", thickness_mm, 20.0)
    table = load("intima_media")
    row = table.band("thickness", value)
    warnings: tuple[str, ...] = ()
    if row["name"] == "plaque" and not focal:
        row = table.row("thickness", name="thickened")
        warnings = ("1.5 mm and more, but diffuse: thickened; a plaque is focal.",)
    return IntimaMedia(
        **about(table, [row]),
        warnings=warnings,
        thickness_mm=value,
        name=row["name"],
        zh=row["zh"],
    )
