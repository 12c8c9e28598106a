"""What surrounds a mention: the organ in force, tissue, fluid, and how far a denial reaches."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter

from echovlm.facts import patterns
from echovlm.facts.clauses import Clause
from echovlm.facts.findings import FindingKind
from echovlm.facts.mentions import Mention
from echovlm.facts.scope import Mode
from echovlm.facts.statement import Certainty, Context, Section
from echovlm.terms import Language

_LOOK = 160  # characters: a clause that is longer is read in part, so that time stays linear


class Surroundings:
    """Answers for one text what stands around a mention.

    Args:
        flat: the text, flattened.
        language: whose words are read.
        found: every mention of the text.

    Attributes:
        organ: the organ the text is about, None where it names none.
    """

    def __init__(self, flat: str, language: Language, found: list[Mention]) -> None:
        self._flat = flat
        self._language = language
        self._organs = [each for each in found if each.name == "anatomy"]
        self._organ_starts = [each.start for each in self._organs]
        self.organ = _main_organ(self._organs)

    def organ_at(self, clause: Clause) -> str | None:
        """The organ named last up to the end of the clause, else the main one of the text."""
        place = bisect_left(self._organ_starts, clause.end) - 1
        named = self._organs[place] if place >= 0 else None
        if named and named.start >= clause.sentence_start:
            return str(named.value)
        return self.organ

    def _names_organ(self, clause: Clause) -> bool:
        place = bisect_left(self._organ_starts, clause.start)
        return place < len(self._organs) and self._organs[place].start < clause.end

    def concludes(self, clause: Clause) -> bool:
        """Whether the clause interprets: all of an impression, and "consistent with ..."."""
        stretch = self._flat[clause.start : min(clause.end, clause.start + _LOOK)]
        return clause.section is Section.IMPRESSION or bool(
            _CONCLUDES[self._language].search(stretch)
        )

    def is_present(self, clause: Clause, mention: Mention, mode: Mode) -> bool:
        """Whether the text says that this lesion is there, in this examination."""
        if mode.negated or mode.context is not Context.CURRENT:
            return False
        if mode.certainty is Certainty.POSSIBLE:
            return False
        # Anechoic areas of an ovary are follicles as a rule.
        fluid = self.organ == "gynaecology" or self.in_fluid_space(clause)
        return not (mention.value == "area" and fluid)

    def in_fluid_space(self, clause: Clause) -> bool:
        """Whether the sentence up to here names a space that holds fluid by nature."""
        stretch = self._flat[max(clause.sentence_start, clause.end - _LOOK) : clause.end]
        return bool(patterns.group("fluid_spaces", self._language).search(stretch))

    def is_restricted(self, clause: Clause, mention: Mention) -> bool:
        """Whether a denial leaves room for a lesion: elsewhere, of another kind, or inside one."""
        if mention.value in ("area", "focus"):
            return True
        if mention.value == "kind":
            whole = self._flat[max(clause.start, mention.start - _LOOK) : mention.end + _LOOK]
            return not _BOTH_KINDS[self._language].search(whole)
        floor = clause.start if self._language is Language.CHINESE else clause.sentence_start
        stretch = self._flat[max(floor, mention.start - _LOOK) : mention.start]
        if self._language is Language.ENGLISH:
            stretch += self._flat[mention.start : min(clause.end, mention.start + _LOOK)]
        if mention.name == "abnormality" and not self._names_organ(clause):
            # 膀胱充盈良好，腔内未见异常
            stretch = self._flat[max(clause.sentence_start, mention.start - _LOOK) : mention.start]
        stretch = _ALL_SITES[self._language].sub("", stretch)
        if self.organ == "thyroid":  # its lobes are sides
            stretch = _LOBES[self._language].sub("", stretch)
        groups = ("remaining", "inside", "neighbours", "sites")
        return any(patterns.group(name, self._language).search(stretch) for name in groups)

    def leaves_room(self, clause: Clause, mention: Mention, kind: FindingKind) -> bool:
        """Whether the denial of a finding holds only for a part, or beside another one."""
        if kind is FindingKind.FEATURE:  # of the lesion, wherever it is
            return False
        if kind is not FindingKind.ABNORMALITY:
            return self.is_restricted(clause, mention)
        stretch = self._flat[max(clause.start, mention.start - _LOOK) : mention.start]
        return bool(patterns.group("remaining", self._language).search(stretch))

    def is_part_of_pelvis(self, clause: Clause, mention: Mention) -> bool:
        """Whether a normal part of the pelvis leaves the other one open: uterus and ovaries."""
        if self.organ != "gynaecology":
            return False
        own = self._flat[max(clause.start, mention.start - _LOOK) : mention.end]
        others = _PELVIC[self._language]
        named = [part for part in others if part.search(self._flat)]
        return len(named) == len(others) and sum(bool(part.search(own)) for part in others) == 1

    def is_of_neighbour(self, clause: Clause, mention: Mention) -> bool:
        """Whether a lesion lies in an organ beside the seven anatomies: a stone of the gallbladder.

        Its clause names such an organ before it and none of the seven in between, or right behind.
        """
        before = self._flat[max(clause.start, mention.start - _LOOK) : mention.start]
        named = list(_NEIGHBOURS[self._language].finditer(before))
        if named:
            place = bisect_left(self._organ_starts, mention.start) - 1
            floor = mention.start - len(before) + named[-1].end()
            return not (place >= 0 and self._organ_starts[place] >= floor)
        behind = self._flat[mention.end : min(clause.end, mention.end + _LOOK)]
        return bool(_IN_NEIGHBOUR.match(behind))

    def names_tissue(self, clause: Clause, stop: int) -> bool:
        """Whether the clause names tissue around the lesion before ``stop``."""
        stretch = self._flat[clause.start : min(stop, clause.start + _LOOK)]
        return bool(patterns.group("tissue", self._language).search(stretch))


_ALL_SITES = {
    Language.CHINESE: re.compile(
        "[各全四](?:个)?(?:象限|区|部|叶)|左右两?叶(?:及峡部)?|双侧叶(?:及峡部)?"
    ),
    Language.ENGLISH: re.compile(
        r"\b(?:either|both|all|four|any|each)[ -](?:lobes?|quadrants?|poles?|segments?)\b"
        r"|\blobes and isthmus\b"
    ),
}
_LOBES = {
    Language.CHINESE: re.compile("[左右]侧?叶"),
    Language.ENGLISH: re.compile(r"\b(?:left|right|the)(?: thyroid)? lobe\b"),
}
_CONCLUDES = {
    Language.CHINESE: re.compile("提示|考虑|符合|诊断|印象|综上|倾向|首先"),
    Language.ENGLISH: re.compile(
        r"\b(?:suggest\w*|consistent with|compatible with|in keeping with|impression|conclusion"
        r"|likely|favou?r\w*|suspicious|diagnos\w+|represent\w*)\b"
    ),
}
_NEIGHBOURS = {
    Language.CHINESE: re.compile(
        "(?<!邻)(?<!近)(?<!靠)(?:胆囊|胆总管|膀胱|脾脏|胰腺)(?![旁窝床周外颈后前]|切迹)"
    ),
    Language.ENGLISH: re.compile(
        r"(?<!near the )(?<!adjacent to the )(?<!beside the )(?<!next to the )(?<!behind the )"
        r"\b(?:gallbladder|common bile duct|bladder|spleen|pancreas)\b(?! fossa| bed)"
    ),
}
_IN_NEIGHBOUR = re.compile(
    r"(?: of \d[\d.x ]*[cm]m)? (?:in|of) the (?:gallbladder|common bile duct|bladder|spleen"
    r"|pancreas)\b(?! fossa| bed)"
)
_PELVIC = {
    Language.CHINESE: (re.compile("子宫|宫体|宫颈|宫腔|肌层|肌瘤"), re.compile("卵巢|附件")),
    Language.ENGLISH: (
        re.compile(r"\buter(?:us|ine)\b|\bmyometri|\bfibroids?\b"),
        re.compile(r"\bovar|\badnex"),
    ),
}
_BOTH_KINDS = {
    Language.CHINESE: re.compile(
        "囊(?:性)?[、，或及和与]?\\s?(?:实|性)|囊实性|实性(?:或|及|、|和)囊"
    ),
    Language.ENGLISH: re.compile(
        r"\b(?:solid (?:or|and|nor) cyst\w*|cyst\w*(?: mass(?:es)?)? (?:or|and|nor)(?: a)? solid)\b"
    ),
}


def _main_organ(organs: list[Mention]) -> str | None:
    """The organ that is named most often, of equals the one named first."""
    named: list[Mention] = []
    for each in organs:  # "carotid artery" names one organ once
        if not (named and named[-1].value == each.value and each.start - named[-1].end <= 2):
            named.append(each)
    counted = Counter(str(each.value) for each in named)
    return counted.most_common(1)[0][0] if counted else None
