"""Findings and captions in Chinese (超声所见), in several sentence plans."""

from __future__ import annotations

import numpy as np

from echovlm.data.conversations.composer import Composer, Said
from echovlm.data.conversations.descriptors import clause, draw, order, quantities, size
from echovlm.data.conversations.known import Known, written_value
from echovlm.data.conversations.places import noun, place
from echovlm.facts import Fact
from echovlm.terms import Language

_ZH = Language.CHINESE
_SEEN = ("可见", "探及", "可探及")


def write_findings(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    """Everything that is known and is no diagnosis."""
    composer.sentence(clause(known, "tissue_composition", "is", _ZH, rng), "，")
    composer.sentence(_structures(known, rng) + _stone(known), "，")
    where, facts = place(known, _ZH)
    if known.has_lesion is False:
        composer.sentence([_no_lesion(known, rng)], "，")
    elif known.has_lesion and known.several:
        count = known.words("lesion_count", _ZH) or "多个"
        facts = known.behind("lesion_present", "lesion_count") + known.several + facts
        text = f"{_inside(where)}可见{count}局灶性病灶"
        composer.sentence([Said(text, tuple(dict.fromkeys(facts)))], "，")
    elif known.has_lesion:
        _write_lesion(known, composer, rng)
    composer.sentence(quantities(known, _ZH, rng), "，")


def _inside(where: str) -> str:
    return f"{where}内" if where else ""


def _no_lesion(known: Known, rng: np.random.Generator) -> Said:
    where, facts = place(known, _ZH)
    text = draw(("未见局灶性病灶", "未见明确局灶性病灶", "未探及局灶性病灶"), rng)
    return Said(f"{where}{text}", known.behind("lesion_present") + facts)


def _structures(known: Known, rng: np.random.Generator) -> list[Said]:
    pairs = [
        (written_value("structure", value, _ZH), facts) for value, facts in known.structures.items()
    ]
    named = [(words, facts) for words, facts in pairs if words]
    if not named:
        return []
    listed = "、".join(words for words, _ in named)
    text = draw((f"可见{listed}", f"图像显示{listed}"), rng)
    return [Said(text, tuple(fact for _, facts in named for fact in facts))]


def _stone(known: Known) -> list[Said]:
    words = "" if known.kind else known.words("stone_present", _ZH)
    where, facts = place(known, _ZH)
    return (
        [Said(f"{_inside(where)}{words}", known.behind("stone_present") + facts)] if words else []
    )


def _opening(
    known: Known, names: tuple[str, ...], rng: np.random.Generator, before: str = ""
) -> Said:
    """The lesion with the descriptors that stand before the noun; its number is left open."""
    where, facts = place(known, _ZH)
    seen = "可见" if before else draw(_SEEN, rng)
    words, behind = _named(known, names)
    return Said(f"{before}{_inside(where)}{seen}{words}", behind + facts)


def _named(known: Known, names: tuple[str, ...]) -> tuple[str, tuple[Fact, ...]]:
    """The lesion behind some of its descriptors."""
    words = "".join(known.words(name, _ZH) for name in names)
    called, facts = noun(known, _ZH, words)
    return f"{words}{called}", known.behind("lesion_present", *names) + facts


def _write_lesion(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    plan = int(rng.integers(5))
    first = (("echogenicity",), (), ("shape", "echogenicity"), ("echogenicity",), ("shape",))[plan]
    names = [name for name in order(rng) if name not in first]
    told = [said for name in names for said in clause(known, name, "is", _ZH, rng)]
    before = draw(("", "", "超声显示"), rng)
    opening = [_opening(known, first, rng, before), *size(known, _ZH)]
    if plan in (1, 3) and told:
        composer.sentence(opening, "，")
        composer.sentence(_about_lesion(told), "；" if plan == 3 and len(told) > 3 else "，")
    elif plan == 4 and len(told) > 3:
        composer.sentence(opening + told[:2], "，")
        composer.sentence(_about_lesion(told[2:]), "，")
    else:
        composer.sentence(opening + told, "，")


def _about_lesion(clauses: list[Said]) -> list[Said]:
    """Let a sentence about the lesion open with it."""
    return [Said(f"病灶{clauses[0].text}", clauses[0].facts), *clauses[1:]]


def write_caption(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    """One sentence about one picture: what is seen and where in the picture."""
    titled, facts = _title(known)
    if known.has_one_lesion:
        names = draw((("shape", "echogenicity"), ("echogenicity",)), rng)
        position = known.words("image_position", _ZH)
        words, behind = _named(known, names)
        behind += known.behind("image_position") if position else ()
        told = [Said(f"{position}{draw(('可见', '显示'), rng)}{words}", behind)]
        for name in ("margin", "posterior"):
            told += clause(known, name, "is", _ZH, rng)
    else:
        told = _others(known, rng)
    if told and titled:
        composer.sentence([Said(titled, facts), *told], "，", first=draw(("，", "："), rng))
    else:
        composer.sentence(told, "，")


def _title(known: Known) -> tuple[str, tuple[Fact, ...]]:
    where, facts = place(known, _ZH)
    view = known.words("view", _ZH)
    if view:
        return f"{where}{view}", facts + known.behind("view")
    return (f"{where}超声图像", facts) if where else ("", ())


def _others(known: Known, rng: np.random.Generator) -> list[Said]:
    told = _structures(known, rng)
    stone = known.words("stone_present", _ZH)
    told += [Said(stone, known.behind("stone_present"))] if stone else []
    if known.has_lesion is False:
        text = draw(("未见局灶性病灶", "未见明确局灶性病灶"), rng)
        told.append(Said(text, known.behind("lesion_present")))
    if known.has_lesion and known.several:
        count = known.words("lesion_count", _ZH) or "多个"
        facts = known.behind("lesion_present", "lesion_count") + known.several
        told.append(Said(f"可见{count}局灶性病灶", tuple(dict.fromkeys(facts))))
    return told + quantities(known, _ZH, rng)
