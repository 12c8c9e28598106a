"""Reads one text, clause by clause.

Words of the lexicon are found where they stand, and the clause around them decides who they
describe (subject, organ, side, lesion) and how they are said (denied, hedged, advised, of an
earlier examination).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from echovlm.facts import findings, lexicon, patterns, quantities, sides, sites
from echovlm.facts.clauses import Clause, clauses, flatten
from echovlm.facts.mentions import Mention, mentions
from echovlm.facts.numbering import State
from echovlm.facts.scope import Mode, Scopes
from echovlm.facts.statement import Certainty, Context, Statement, Subject
from echovlm.facts.surroundings import Surroundings
from echovlm.terms import Language

# Descriptors that normal tissue hardly ever has: they belong to the lesion unless tissue is named.
_OF_LESIONS = frozenset(
    {"shape", "orientation", "posterior", "calcification", "vascularity", "composition"}
)
_DESCRIPTORS = _OF_LESIONS | {"margin", "echogenicity", "echotexture"}
_CATEGORIES = frozenset({"birads", "tirads", "orads"})
_SEEN_ZH = re.compile("见|探及")
_ABSENT = {"calcification": "none", "vascularity": "absent", "posterior": "none"}
_LOOK = 160


class Reader:
    """One text on its way to statements.

    Args:
        text: a report, a part of one, a caption or an answer.
        language: whose words are read.
        beyond_facts: whether to read what no fact is named by, too.
    """

    def __init__(self, text: str, language: Language, beyond_facts: bool = False) -> None:
        self._beyond_facts = beyond_facts
        self._flat = flatten(text)
        self._language = language
        self._clauses = clauses(text)
        self._scopes = Scopes(self._flat, language)
        self._found = mentions(self._flat, language)
        self._around = Surroundings(self._flat, language, self._found)
        self._organ = self._around.organ
        self._findings: dict[int, list[findings.FindingMention]] = {}
        if beyond_facts:
            self._findings = findings.mentions(self._flat, language, self._clauses, self._organ)
        self._has_lesion = False
        # A text without organ and lesion answers a question about the lesion.
        self._is_answer = not any(each.name in ("anatomy", "lesion") for each in self._found)
        self._last_lesion_clause: dict[int, int] = {}
        self._state = State()

    def read(self) -> list[Statement]:
        """Every statement, in the order of their positions."""
        starts = [clause.start for clause in self._clauses]
        by_clause: dict[int, list[Mention]] = {}
        for mention in self._found:
            place = bisect_right(starts, mention.start) - 1
            if place >= 0 and mention.end <= self._clauses[place].end:
                by_clause.setdefault(place, []).append(mention)
        for mention in self._placed():
            place = bisect_right(starts, mention.start) - 1
            if place >= 0:
                by_clause.setdefault(place, []).append(mention)
        for clause in self._clauses:
            if self._present(clause, by_clause.get(clause.number, [])):
                self._last_lesion_clause[clause.sentence] = clause.number
        statements: list[Statement] = []
        for clause in self._clauses:
            statements += self._clause(clause, by_clause.get(clause.number, []))
        return sorted(statements, key=lambda each: (each.start, each.end, each.name))

    def _placed(self) -> Iterator[Mention]:
        """Categories, sites and compositions, which no other word can hide."""
        bare = {"breast": "birads", "thyroid": "tirads"}.get(self._organ or "")
        for quantity in quantities.categories(self._flat, bare):
            yield Mention(quantity.name, quantity.value, quantity.start, quantity.end)
        if not self._beyond_facts:
            return
        yield from findings.compositions(self._flat, self._language)
        for site in sites.sites(self._flat, self._language, self._organ):
            yield Mention("site", site.value, site.start, site.end)

    def _clause(self, clause: Clause, found: list[Mention]) -> list[Statement]:
        self._enter(clause)
        here = list(sides.sides(self._flat, self._language, clause.start, clause.end, self._organ))
        lesions = [
            (mention, self._scopes.mode(clause, mention.start, mention.end))
            for mention in found
            if mention.name == "lesion"
        ]
        present = self._present(clause, found)
        template = self._template(clause)
        body_sides = [side for side in here if side.organ != "other"]
        if present:
            stated = body_sides[0].value if body_sides else None
            self._state.introduce(self._flat, self._language, clause, present, found, stated)
        out: list[Statement] = []
        for side in here:
            out.append(self._side(clause, template, side))
        there = set(present)
        for mention, mode in lesions:
            out += self._lesion(clause, template, mention, mode, mention in there, body_sides)
        for mention in found:
            if mention.name != "lesion":
                out += self._mention(clause, template, mention, bool(present), body_sides)
        for named in self._findings.get(clause.number, ()):
            out.append(self._finding(clause, template, named, body_sides))
        stretch = (self._flat, self._language, clause.start, clause.end)
        for quantity in quantities.stated(*stretch, nameless=self._beyond_facts):
            out.append(self._quantity(clause, template, quantity, body_sides))
        self._leave(clause, bool(present), body_sides)
        return out

    # --- what the text has set up ---------------------------------------------------------------

    def _enter(self, clause: Clause) -> None:
        state = self._state
        if clause.section is not state.section:
            known = state.lesions
            self._state = state = State(section=clause.section)
            # The impression speaks of the lesion of the findings where there is only one.
            state.lesion, state.lesions = (1, 1) if known == 1 else (None, known)
        if clause.sentence != state.sentence:
            state.sentence = clause.sentence
            state.old_side = None
            state.subject = (
                Subject.LESION if self._has_lesion or self._is_answer else Subject.TISSUE
            )
        if self._around.names_tissue(clause, clause.end):
            state.subject = Subject.TISSUE

    def _leave(self, clause: Clause, present: bool, here: list[sides.Side]) -> None:
        if present:
            self._state.subject = Subject.LESION
            self._has_lesion = True
        if not here:
            return
        mode = self._scopes.mode(clause, here[-1].start, here[-1].end)
        if mode.context is Context.CURRENT:
            self._state.side = here[-1].value
            self._state.old_side = None
        else:  # 左乳术后，瘢痕区未见肿块: it holds to the end of its sentence
            self._state.old_side = here[-1].value

    # --- one statement each ---------------------------------------------------------------------

    def _template(self, clause: Clause) -> Statement:
        return Statement(
            name="lesion_present",
            value=True,
            start=clause.start,
            end=clause.end,
            section=clause.section,
            clause=clause.number,
            sentence=clause.sentence,
            organ=self._around.organ_at(clause),
            concluding=self._around.concludes(clause),
        )

    def _fill(
        self, template: Statement, mention: Mention, mode: Mode, here: list[sides.Side]
    ) -> Statement:
        return template.but(
            name=mention.name,
            value=mention.value,
            start=mention.start,
            end=mention.end,
            negated=mode.negated,
            certainty=mode.certainty,
            context=mode.context,
            side=self._side_at(mention.start, here),
        )

    def _side(self, clause: Clause, template: Statement, side: sides.Side) -> Statement:
        mode = self._scopes.mode(clause, side.start, side.end)
        organ = side.organ or template.organ
        return template.but(
            name="laterality", value=side.value, start=side.start, end=side.end,
            context=mode.context, certainty=mode.certainty, organ=organ, side=side.value,
            lesion=self._state.lesion,
        )  # fmt: skip

    def _lesion(
        self,
        clause: Clause,
        template: Statement,
        mention: Mention,
        mode: Mode,
        present: bool,
        here: list[sides.Side],
    ) -> Iterator[Statement]:
        filled = self._fill(template, mention, mode, here)
        if self._around.is_of_neighbour(clause, mention):
            filled = filled.but(organ="other")
        restricted = self._around.is_restricted(clause, mention) or self._around.is_part_of_pelvis(
            clause, mention
        )
        if mode.negated:
            yield filled.but(
                name="lesion_present", value=False, negated=False, restricted=restricted
            )
        elif present or mode.context is not Context.CURRENT or mode.certainty is Certainty.POSSIBLE:
            yield filled.but(
                name="lesion_present", value=True, subject=Subject.LESION,
                lesion=self._state.lesion, restricted=not present,
            )  # fmt: skip
        if _STONE[self._language].fullmatch(self._flat, mention.start, mention.end):
            yield filled.but(name="stone_present", value=not mode.negated, negated=False)

    def _mention(
        self,
        clause: Clause,
        template: Statement,
        mention: Mention,
        present: bool,
        here: list[sides.Side],
    ) -> Iterator[Statement]:
        is_grade = mention.name in _CATEGORIES
        read = self._scopes.own_mode if is_grade else self._scopes.mode
        filled = self._fill(template, mention, read(clause, mention.start, mention.end), here)
        if mention.name == "abnormality":
            yield from self._abnormality(clause, filled, mention)
            return
        if mention.name in _DESCRIPTORS:
            yield from self._descriptor(clause, filled, mention, present)
            return
        if mention.name == "lesion_count":
            yield from self._count(clause, filled)
            return
        if mention.name in ("pathology", "histology", "diagnosis"):
            yield from self._diagnosis(clause, filled)
            return
        yield filled

    def _abnormality(
        self, clause: Clause, filled: Statement, mention: Mention
    ) -> Iterator[Statement]:
        """An affirmed "normal" or a denied "abnormality"; the reverse says nothing definite."""
        normal = mention.value == "normal"
        if filled.negated == normal:
            return
        restricted = (
            self._around.is_restricted(clause, mention)
            or self._around.is_part_of_pelvis(clause, mention)
            or self._is_tissue(clause, mention)
        )
        yield filled.but(
            name="pathology" if normal else "lesion_present",
            value="normal" if normal else False,
            negated=False,
            restricted=restricted,
        )

    def _count(self, clause: Clause, filled: Statement) -> Iterator[Statement]:
        """A count, unless it is denied or counts what lies inside a lesion.

        "A mass" says less than "one mass": it is partial, and in an impression it counts nothing.
        """
        before = self._flat[max(clause.start, filled.start - _LOOK) : filled.start]
        if filled.negated or patterns.group("inside", self._language).search(before):
            return
        article = filled.value == "article"
        if not (article and filled.concluding):
            value = 1 if article else filled.value
            yield filled.but(value=value, partial=article, lesion=self._state.lesion)

    def _descriptor(
        self, clause: Clause, filled: Statement, mention: Mention, present: bool
    ) -> Iterator[Statement]:
        value, negated = filled.value, filled.negated
        if value == "present" and negated:
            value, negated = _ABSENT[filled.name], False
        elif value == "present" and filled.name == "posterior":
            return
        lesion = self._descriptor_subject(clause, mention, present) is Subject.LESION
        before = self._flat[max(clause.start, mention.start - 12) : mention.end]
        yield filled.but(
            value=value,
            negated=negated,
            subject=Subject.LESION if lesion else Subject.TISSUE,
            lesion=self._state.lesion if lesion else None,
            partial=bool(patterns.group("partial", self._language).search(before)),
        )

    def _diagnosis(self, clause: Clause, filled: Statement) -> Iterator[Statement]:
        located = filled.but(subject=Subject.LESION, lesion=self._state.lesion)
        if self._is_open(clause, filled.end):
            located = located.but(certainty=Certainty.POSSIBLE)
        yield located
        if filled.name == "histology":
            pathology = lexicon.pathology_of(str(filled.value))
            if pathology and not (filled.negated and pathology == "benign"):
                yield located.but(name="pathology", value=pathology)

    def _is_open(self, clause: Clause, end: int) -> bool:
        """Whether the clause weighs one diagnosis against another."""
        stretch = self._flat[clause.start : min(clause.end, end + _LOOK)]
        return bool(patterns.group("open", self._language).search(stretch[-2 * _LOOK :]))

    def _finding(
        self,
        clause: Clause,
        template: Statement,
        named: findings.FindingMention,
        here: list[sides.Side],
    ) -> Statement:
        mention = Mention("finding", named.key, named.start, named.end)
        mode = self._scopes.mode(clause, named.start, named.end)
        filled = self._fill(template, mention, mode, here)
        negated = mode.negated or named.opposite
        kind = findings.findings()[named.key].kind
        is_lesion = kind is findings.FindingKind.LESION
        return filled.but(
            negated=negated,
            certainty=Certainty.POSSIBLE if self._is_open(clause, named.end) else filled.certainty,
            subject=Subject.LESION if is_lesion else Subject.TISSUE,
            lesion=self._state.lesion if is_lesion else None,
            restricted=negated and self._around.leaves_room(clause, mention, kind),
        )

    def _quantity(
        self,
        clause: Clause,
        template: Statement,
        quantity: quantities.Quantity,
        here: list[sides.Side],
    ) -> Statement:
        mode = self._scopes.own_mode(clause, quantity.start, quantity.end)
        mention = Mention(quantity.name, quantity.value, quantity.start, quantity.end)
        is_size = quantity.name.startswith("size_")
        return self._fill(template, mention, mode, here).but(
            negated=False,
            subject=Subject.LESION if is_size else Subject.TISSUE,
            lesion=self._state.lesion if is_size else None,
        )

    # --- who is described -----------------------------------------------------------------------

    def _side_at(self, start: int, here: list[sides.Side]) -> str | None:
        if here:
            place = bisect_right(here, start, key=lambda side: side.start) - 1
            return here[max(0, place)].value
        return self._state.old_side or self._state.side

    def _present(self, clause: Clause, found: list[Mention]) -> list[Mention]:
        """Lesions that the clause says are there."""
        return [
            each
            for each in found
            if each.name == "lesion"
            and self._around.is_present(
                clause, each, self._scopes.mode(clause, each.start, each.end)
            )
        ]

    def _is_tissue(self, clause: Clause, mention: Mention) -> bool:
        return self._around.names_tissue(clause, mention.start) or (
            self._has_lesion and self._state.subject is Subject.TISSUE
        )

    def _descriptor_subject(self, clause: Clause, mention: Mention, present: bool) -> Subject:
        near = self._flat[max(clause.start, mention.start - 8) : mention.start]
        near = _SEEN_ZH.split(near)[-1]  # 肌层后壁可见低回声结节: it lies in the tissue
        if patterns.group("tissue", self._language).search(near):
            return Subject.TISSUE
        if present:
            return Subject.LESION
        if self._around.names_tissue(clause, mention.start):
            return Subject.TISSUE
        if mention.name == "echogenicity" and self._around.in_fluid_space(clause):
            return Subject.TISSUE
        ahead = self._last_lesion_clause.get(clause.sentence, -1) > clause.number
        if ahead or (mention.name in _OF_LESIONS and self._has_lesion):
            return Subject.LESION
        return self._state.subject


_STONE = {
    Language.CHINESE: re.compile("结石"),
    Language.ENGLISH: re.compile("stones?|calculus|calculi"),
}
