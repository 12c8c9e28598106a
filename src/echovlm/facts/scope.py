"""How a text says a thing: denied or not, how sure, and of which examination.

Chinese: a denial holds from its word (未见) to the end of the clause or to a word that affirms
again (但可见); a few denials stand behind what they deny (声影不明显). English: a denial holds
over a list ("no mass, cyst or calcification") up to a verb, "but", "with" after a comma, or a comma
that opens no list. The approach is that of
NegEx (Chapman 2001, J Biomed Inform 34:301: trigger words before and behind, scopes ended by
conjunctions), with triggers of ultrasound reports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from echovlm.facts import patterns
from echovlm.facts.clauses import Clause
from echovlm.facts.statement import Certainty, Context
from echovlm.terms import Language

_WINDOW = 160  # characters that are looked back and ahead: scopes are short, and time stays linear

_AFFIRMS_ZH = re.compile(
    "可见|可探及|探及|内见|处见|但见|另见|见一|见多|见两|呈(?!现)|但|而(?!未)|考虑|提示|具有|仅见|存在|可能为"
    "|(?:钙化|包膜|血流信号|血流|声影|分隔|毛刺)的"
)
_ENDS_EN = re.compile(
    r"\b(?:but|however|except|although|though|which|that|who|there (?:is|are)|shows?|is|are|was"
    r"|were|has|have|demonstrates?|contains?|favou?rs?|suggests?|consistent|compatible"
    r"|and (?:a|an|the|there|with|is|are|shows?))\b|(?:,|\band) with\b|[;:]|\bto (?:the|exclude)\b"
)
_LIST_EN = re.compile(r"\b(?:or|nor|and/or)\b")
# Denials that deny something else: a change, or the certainty.
_NO_DENIAL = {
    Language.CHINESE: re.compile(
        "无(?:明显)?(?:变化|改变|增大|缩小)|未见(?:明显)?(?:变化|增大|缩小)|(?:不|未|难以?|尚需|需|待)(?:能|可)?(?:完全)?(?:排除|除外)"
        "|无回声|无(?:法|需|痛)|有无|以(?:排除|除外)|无名"
    ),
    Language.ENGLISH: re.compile(
        r"\bno (?:significant |relevant |interval ){0,2}(?:change|growth|increase|decrease)"
        r"|\bnot (?:changed|only|be |excluded|ruled|entirely|completely|significantly changed)"
        r"|\b(?:cannot|can not|does not|could not) (?:be )?(?:entirely |completely )?"
        r"(?:exclude|rule)d?|\bwith or without\b|\bno longer\b|\bno doubt\b"
    ),
}
_BEHIND_ZH = re.compile(
    "[^，。；;]{0,6}?(?:均|尚|亦|也|都|之|的)?(?P<deny>%s)(?:显示|及|者)?[）)\\s]*(?=[，。；;,.!！]|\\Z)"
)
_BEHIND_EN = re.compile(
    r"(?:(?:[ ]+[a-z-]+){0,4}?[ ]+(?:is|are|was|were|being|can be|appears?|therefore|thus"
    r"|considered))?[ ]+(?:therefore |thus |also |highly |very |considered |confidently )?"
    r"(?P<deny>%s)"
)


@dataclass(frozen=True)
class Mode:
    """How a stretch of a text says its thing."""

    negated: bool
    certainty: Certainty
    context: Context


class Scopes:
    """Reads the mode of any stretch of one text.

    Args:
        flat: the text, flattened.
        language: whose rules hold.
    """

    def __init__(self, flat: str, language: Language) -> None:
        self._flat = flat
        self._language = language
        self._behind = _behind(language)
        self._known: dict[tuple[int, int], Mode] = {}
        self._sureness: dict[int, Certainty] = {}

    def mode(self, clause: Clause, start: int, end: int) -> Mode:
        """How ``flat[start:end]``, a stretch of the clause, is said."""
        if (start, end) not in self._known:
            self._known[start, end] = Mode(
                self._denied_before(clause, start) or self._denied_behind(clause, end),
                self._certainty(clause),
                self._context(clause, start),
            )
        return self._known[start, end]

    def own_mode(self, clause: Clause, start: int, end: int) -> Mode:
        """As :meth:`mode`, but advice of an earlier clause does not hold on.

        A category or a size is no part of it: 建议穿刺活检，BI-RADS 5类.
        """
        mode = self.mode(clause, start, end)
        own = self._flat[max(clause.start, start - _WINDOW) : start]
        carried = mode.context is Context.ADVICE and not patterns.group(
            "advice", self._language
        ).search(own)
        return replace(mode, context=Context.CURRENT) if carried else mode

    def _denied_before(self, clause: Clause, start: int) -> bool:
        chinese = self._language is Language.CHINESE
        floor = clause.start if chinese else clause.sentence_start
        window = self._flat[max(floor, start - _WINDOW) : start]
        window = _NO_DENIAL[self._language].sub(_blank, window)
        cues = list(patterns.group("negation", self._language).finditer(window))
        if not cues:
            return False
        between = window[cues[-1].end() :]
        if chinese:
            return not _AFFIRMS_ZH.search(between)
        return not _ENDS_EN.search(between) and self._is_one_list(between, start)

    def _is_one_list(self, between: str, start: int) -> bool:
        """Whether the commas of ``between`` part the items of one list that ends with "or"."""
        if "," not in between:
            return True
        comma = start - len(between) + between.index(",")
        ahead = self._flat[comma : comma + _WINDOW].split(".")[0]
        stop = _ENDS_EN.search(ahead)
        return bool(_LIST_EN.search(ahead[: stop.start()] if stop else ahead))

    def _denied_behind(self, clause: Clause, end: int) -> bool:
        return bool(self._behind.match(self._flat, end, min(clause.end, end + _WINDOW)))

    def _certainty(self, clause: Clause) -> Certainty:
        if clause.number not in self._sureness:
            self._sureness[clause.number] = self._read_certainty(clause)
        return self._sureness[clause.number]

    def _read_certainty(self, clause: Clause) -> Certainty:
        stretch = self._flat[clause.start : min(clause.end, clause.start + 2 * _WINDOW)]
        if patterns.group("possible", self._language).search(stretch):
            return Certainty.POSSIBLE
        if patterns.group("likely", self._language).search(stretch):
            return Certainty.LIKELY
        return Certainty.SURE

    def _context(self, clause: Clause, start: int) -> Context:
        if clause.is_question:
            return Context.QUESTION
        before = self._flat[max(clause.sentence_start, start - _WINDOW) : start]
        own = self._flat[max(clause.start, start - _WINDOW) : start]
        if self._advises(before, own):
            return Context.ADVICE
        whole = self._flat[clause.start : min(clause.end, clause.start + 2 * _WINDOW)]
        old = patterns.group("history", self._language).search(whole)
        older = patterns.group("earlier", self._language).search(own)
        if (old or older) and not patterns.group("now", self._language).search(own):
            return Context.HISTORY
        return Context.CURRENT

    def _advises(self, before: str, own: str) -> bool:
        """Advice holds for the rest of its sentence, until a clause that interprets again."""
        advice = patterns.group("advice", self._language)
        if advice.search(own):
            return True
        resumes = patterns.group("likely", self._language).search(own)
        return bool(advice.search(before)) and not resumes


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _behind(language: Language) -> re.Pattern[str]:
    words = patterns.group("negation_after", language).pattern
    template = _BEHIND_ZH if language is Language.CHINESE else _BEHIND_EN
    return re.compile(template.pattern.replace("%s", words))
