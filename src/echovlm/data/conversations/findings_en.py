"""Findings and captions in English, in several sentence plans."""

from __future__ import annotations

import numpy as np

from echovlm.data.conversations.composer import Composer, Said, merged, with_article
from echovlm.data.conversations.descriptors import clause, draw, order, quantities, size
from echovlm.data.conversations.known import Known, written_value
from echovlm.data.conversations.places import noun, place
from echovlm.facts import Fact
from echovlm.terms import Language

_EN = Language.ENGLISH
_COUNTABLE = {"nerve", "vessel", "stone", "mass", "lesion", "nodule", "plaque"}


def write_findings(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    """Everything that is known and is no diagnosis."""
    composer.sentence(clause(known, "tissue_composition", "is", _EN, rng), ", ")
    composer.sentence(_structures(known, rng), ", ")
    composer.sentence(_stone(known, rng), ", ")
    if known.has_lesion is False:
        composer.sentence([_no_lesion(known, rng)], ", ")
    elif known.has_lesion and known.several:
        composer.sentence([_several(known, rng)], ", ")
    elif known.has_lesion:
        (_narrated, _listed, _telegraphic, _about_it)[int(rng.integers(4))](known, composer, rng)
    _paired(composer, quantities(known, _EN, rng))


def _inside(known: Known) -> tuple[str, tuple[Fact, ...]]:
    where, facts = place(known, _EN)
    return (f" in the {where}" if where else ""), facts


def _no_lesion(known: Known, rng: np.random.Generator) -> Said:
    inside, facts = _inside(known)
    forms = (
        "no focal lesion is seen{}",
        "there is no focal lesion{}",
        "no focal lesion is identified{}",
    )
    return Said(draw(forms, rng).format(inside), known.behind("lesion_present") + facts)


def _several(known: Known, rng: np.random.Generator) -> Said:
    inside, facts = _inside(known)
    count = known.words("lesion_count", _EN) or "multiple"
    forms = ("there are {} focal lesions{}", "{} focal lesions are seen{}")
    behind = known.behind("lesion_present", "lesion_count") + known.several + facts
    return Said(draw(forms, rng).format(count, inside), tuple(dict.fromkeys(behind)))


def _structures(known: Known, rng: np.random.Generator) -> list[Said]:
    named = [
        (with_article(words) if value in _COUNTABLE else f"the {words}", facts)
        for value, facts in known.structures.items()
        if (words := written_value("structure", value, _EN))
    ]
    if not named:
        return []
    listed = _and([words for words, _ in named])
    verb = draw(("seen", "shown"), rng)
    text = f"{listed} {'is' if len(named) == 1 else 'are'} {verb}"
    return [Said(text, tuple(fact for _, facts in named for fact in facts))]


def _and(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _stone(known: Known, rng: np.random.Generator) -> list[Said]:
    present = known.value("stone_present")
    if present is None or known.kind:
        return []
    inside, facts = _inside(known)
    forms = ("{} is seen{}", "there is {}{}")
    text = draw(forms, rng).format("a stone" if present else "no stone", inside)
    return [Said(text, known.behind("stone_present") + facts)]


# --- one lesion --------------------------------------------------------------------------------


def _named(known: Known, names: tuple[str, ...]) -> tuple[str, tuple[Fact, ...]]:
    """The lesion behind some of its descriptors."""
    words = " ".join(word for name in names if (word := known.words(name, _EN)))
    called, facts = noun(known, _EN, words)
    return f"{words} {called}".strip(), known.behind("lesion_present", *names) + facts


def _opening(
    known: Known, names: tuple[str, ...], forms: tuple[str, ...], rng: np.random.Generator
) -> Said:
    inside, facts = _inside(known)
    words, behind = _named(known, names)
    return Said(draw(forms, rng).format(with_article(words), inside), behind + facts)


def _paired(composer: Composer, clauses: list[Said]) -> None:
    """Sentences of two clauses each, and of one for the rest."""
    for number in range(0, len(clauses), 2):
        pair = clauses[number : number + 2]
        composer.sentence([pair[0], *(Said(f"and {c.text}", c.facts) for c in pair[1:])], ", ")


def _narrated(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    first = draw((("shape", "echogenicity"), ("echogenicity",)), rng)
    forms = ("{} is seen{}", "there is {}{}", "{} is present{}")
    composer.sentence([_opening(known, first, forms, rng), *size(known, _EN)], ", ")
    names = [name for name in order(rng) if name not in first]
    _paired(composer, [said for name in names for said in clause(known, name, "is", _EN, rng)])


def _listed(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    first = ("echogenicity",)
    forms = ("there is {}{}", "ultrasound shows {}{}", "{} is seen{}")
    names = [name for name in order(rng) if name not in first]
    told = {name: clause(known, name, "with", _EN, rng) for name in names}
    left = [name for name in names if not told[name]]
    opening = [_opening(known, first, forms, rng), *size(known, _EN)]
    listed = _with([said for clauses in told.values() for said in clauses])
    composer.sentence(opening + listed, ", ", first=None if len(opening) > 1 else " ")
    _paired(composer, [said for name in left for said in clause(known, name, "is", _EN, rng)])


def _with(clauses: list[Said]) -> list[Said]:
    """Clauses as one list behind "with"."""
    if not clauses:
        return []
    # What is denied comes last, so that nothing behind it is read as denied too.
    listed = sorted(clauses, key=lambda clause: clause.text.startswith("no "))
    return [merged(f"with {_and([clause.text for clause in listed])}", listed)]


def _telegraphic(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    first = draw((("shape", "echogenicity"), ("echogenicity",)), rng)
    inside, facts = _inside(known)
    words, behind = _named(known, first)
    opening = Said(f"{words}{inside}", behind + facts)
    names = [name for name in order(rng) if name not in first]
    told = [said for name in names for said in clause(known, name, "bare", _EN, rng)]
    composer.sentence([opening, *size(known, _EN), *told], ", ")


def _about_it(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    forms = ("{} is seen{}", "there is {}{}")
    composer.sentence([_opening(known, (), forms, rng), *size(known, _EN)], ", ")
    adjectives = ("echogenicity", "shape", "orientation")
    words = [known.words(name, _EN) for name in adjectives]
    said = [word for word in words if word]
    if said:
        text = f"{draw(('it', 'the lesion'), rng)} is {_and(said)}"
        composer.sentence([Said(text, known.behind(*adjectives))], ", ")
    names = [name for name in order(rng) if name not in adjectives]
    _paired(composer, [said for name in names for said in clause(known, name, "is", _EN, rng)])


# --- captions ----------------------------------------------------------------------------------


def write_caption(known: Known, composer: Composer, rng: np.random.Generator) -> None:
    """One sentence about one picture: what is seen and where in the picture."""
    where, facts = place(known, _EN)
    view = known.words("view", _EN)
    title = (
        f"{view} of the {where}" if view and where else view or f"ultrasound image of the {where}"
    )
    shown = _shown(known, rng)
    if shown is None:
        return
    if not where and not view:
        composer.sentence(
            [
                Said(
                    f"{draw(('ultrasound image', 'sonogram'), rng)} showing {shown.text}",
                    shown.facts,
                )
            ],
            ", ",
        )
        return
    if not view:
        title = draw((title, f"sonogram of the {where}"), rng)
    clauses = [
        Said(title, facts + known.behind("view")),
        Said(f"showing {shown.text}", shown.facts),
    ]
    composer.sentence(clauses, " ")


def _shown(known: Known, rng: np.random.Generator) -> Said | None:
    """What a caption names, as an object; None where nothing is known."""
    if known.has_one_lesion:
        return _lesion_shown(known, rng)
    if known.has_lesion is False:
        return Said("no focal lesion", known.behind("lesion_present"))
    if known.has_lesion and known.several:
        count = known.words("lesion_count", _EN) or "multiple"
        facts = known.behind("lesion_present", "lesion_count") + known.several
        return Said(f"{count} focal lesions", tuple(dict.fromkeys(facts)))
    present = known.value("stone_present")
    if present is not None:
        return Said("a stone" if present else "no stone", known.behind("stone_present"))
    seen = _structures(known, rng)
    if not seen:
        return None
    listed = seen[0].text.rsplit(" ", 2)[0]
    measured = [said for name in known.facts for said in _measured(known, name, rng)]
    return merged(", ".join([listed, *(said.text for said in measured)]), [*seen, *measured])


def _measured(known: Known, name: str, rng: np.random.Generator) -> list[Said]:
    is_quantity = name.endswith(("_mm", "_percent", "_cm_per_s")) and not name.startswith("size_")
    return clause(known, name, "bare", _EN, rng) if is_quantity else []


def _lesion_shown(known: Known, rng: np.random.Generator) -> Said:
    words, behind = _named(known, draw((("shape", "echogenicity"), ("echogenicity",)), rng))
    text = with_article(words)
    if position := known.words("image_position", _EN):
        text, behind = f"{text} in the {position}", behind + known.behind("image_position")
    names = ("margin", "posterior")
    told = _with([said for name in names for said in clause(known, name, "with", _EN, rng)])
    return merged(" ".join([text, *(said.text for said in told)]), [Said(text, behind), *told])
