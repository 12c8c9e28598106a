"""Reading a reply: which option was chosen, which verdict given, or that none can be told.

The data engine asks for a mark ("C"), a mark with its option ("C. 良性") or True and False; other
systems wrap the same in sentences. A reply is read only where it says one thing: one that names
several marks, both verdicts or neither is unreadable. It counts as wrong, and the share of such
replies stands beside the accuracy, so that bad form is not taken for bad sight.

What is looked for in a reply to a choice, the first that is there:

1. marks declared the answer ("The answer is (C)", "答案是C", "选C");
2. other marks that stand as such: at the start of a sentence, in brackets, after "option" ("C",
   "(C)", "C: text", "选项C"), not as an article or within words and numbers;
3. the text of an option.

What is denied ("not A", "非恶性", "A is wrong") is not named; a mark beside the text of another
option ("A. malignant" where that is B) leaves open which is meant, so it is unreadable. Of a reply
beyond 4,000 characters the first and the last 2,000 are read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from echovlm.evaluate.intervals import Mean, mean_of

Options = Mapping[str, str]
"""The text of each option by its mark: a capital letter or a number ("A", "2")."""


@dataclass(frozen=True, eq=False)
class ReplyScores:
    """Replies of which each is right, wrong or unreadable.

    Attributes:
        right: ``(n,)`` bool.
        readable: ``(n,)`` bool; what cannot be read is not right.
    """

    right: np.ndarray
    readable: np.ndarray

    @property
    def accuracy(self) -> Mean:
        """Share of right replies among all, 0 to 1."""
        return mean_of(self.right)

    @property
    def unreadable(self) -> Mean:
        """Share of replies that name no answer or several, 0 to 1."""
        return mean_of(~self.readable)


def choice_scores(
    replies: Sequence[str], references: Sequence[str], options: Sequence[Options]
) -> ReplyScores:
    """Score replies to single choices.

    Args:
        replies: what a system answered.
        references: true answers: a mark, an option's text, or both.
        options: what each question offered, see :func:`read_options`.

    Raises:
        ValueError: if the lists differ in length or a reference names no single option; the case is
            counted from 0.
    """
    true = [
        _reference(case, read_choice(text, offered))
        for case, (text, offered) in enumerate(zip(references, options, strict=True))
    ]
    said = [read_choice(text, offered) for text, offered in zip(replies, options, strict=True)]
    return _scores(said, true)


def judge_scores(replies: Sequence[str], references: Sequence[str]) -> ReplyScores:
    """Score replies to statements that are true or false.

    Args:
        replies: what a system answered.
        references: true answers, "True" or "False".

    Raises:
        ValueError: if the lists differ in length or a reference is neither; the case is counted
            from 0.
    """
    true = [_reference(case, read_judgement(text)) for case, text in enumerate(references)]
    return _scores([read_judgement(text) for text in replies], true)


def _reference(case: int, answer: str | bool | None) -> str | bool:
    if answer is None:
        raise ValueError(f"case {case}: the reference names none of its possible answers, or two")
    return answer


def _scores(said: Sequence[str | bool | None], true: Sequence[str | bool]) -> ReplyScores:
    right = [one == other for one, other in zip(said, true, strict=True)]
    readable = [one is not None for one in said]
    return ReplyScores(np.array(right, dtype=bool), np.array(readable, dtype=bool))


# Marks as a question lists them: "A. ", "A: ", "(A) ", "A) ", "1. ", "A、"; no decimal point.
_LISTED = re.compile(r"(?:^|[\s;,。?])\(?(?:([A-Z])[.):、]|(\d{1,2})(?:[):、]|\.(?!\d)))\s*")
_LEAST_OPTIONS = 2


def read_options(question: str) -> dict[str, str]:
    """The options that a question lists, in their order.

    Args:
        question: with options marked A, B, C ... or 1, 2, 3 ..., in lines or behind one another.

    Returns:
        Text by mark; empty where no two marks follow each other from the first.
    """
    text = _plain(question)
    best: list[re.Match[str]] = []
    run: list[re.Match[str]] = []
    for found in _LISTED.finditer(text):
        mark = found[1] or found[2]
        if mark in ("A", "1"):
            run = [found]
        elif run and mark == _next(run[-1][1] or run[-1][2]):
            run.append(found)
        best = run if len(run) > len(best) else best
    if len(best) < _LEAST_OPTIONS:
        return {}
    ends = [following.start() for following in best[1:]] + [len(text)]
    return {
        found[1] or found[2]: text[found.end() : end].partition("\n")[0].strip(" ;,")
        for found, end in zip(best, ends, strict=True)
    }


def _next(mark: str) -> str:
    return str(int(mark) + 1) if mark.isdigit() else chr(ord(mark) + 1)


def read_choice(reply: str, options: Options) -> str | None:
    """The option that a reply names.

    Args:
        reply: any text.
        options: what was offered.

    Returns:
        Its mark; None where the reply names none or several.
    """
    if not options:
        return None
    text, named = _without_options(_plain(reply), options)
    ways = (_stated(pattern, text, named) for pattern in _patterns(tuple(options)))
    found = set(next(filter(None, ways), ())) or {
        mark
        for place, symbol in enumerate(text)
        if symbol in named and not _is_denied(text, place, place + 1)
        for mark in named[symbol]
    }
    return found.pop() if len(found) == 1 else None


_FIRST_SYMBOL = 0xE000  # private use: stands for the text of an option


def _without_options(text: str, options: Options) -> tuple[str, dict[str, list[str]]]:
    """A text with one symbol for each option's text in it, and the marks by symbol."""
    marks: dict[str, list[str]] = {}
    for mark, option in options.items():
        words = _plain(option).strip(" .。").casefold()
        # A text that is itself a mark ("2") is read as the mark.
        if words and words.upper() not in options:
            marks.setdefault(words, []).append(mark)
    if not marks:
        return text, {}
    symbols = {words: chr(_FIRST_SYMBOL + place) for place, words in enumerate(marks)}
    longest_first = sorted(marks, key=len, reverse=True)
    whole = re.compile("|".join(map(_whole, longest_first)), re.IGNORECASE)
    replaced = whole.sub(lambda found: symbols.get(found[0].casefold(), found[0]), text)
    return replaced, {symbols[words]: of_words for words, of_words in marks.items()}


def _whole(words: str) -> str:
    """A pattern of words that are no part of a longer Latin word or number."""
    left = r"(?<![A-Za-z0-9])(?<!\d\.)" if words[0].isascii() else ""
    right = r"(?![A-Za-z0-9]|\.\d)" if words[-1].isascii() else ""
    return left + re.escape(words) + right


_OPENING = r"[(\[{<>【「]{0,3}\s*"
_DECLARED = (
    r"(?:\b(?:answer|choose|select|pick|(?:correct|right|best)\s+(?:option|choice|one))"
    r"|答案|正确选项|正确的?是|选择?(?!项))"
    r"(?:\s*(?:\b(?:is|are|would\s+be|should\s+be|must\s+be|the|option|choice|letter|number)\b"
    r"|是|为|应为|应选|应该是|选项|第|[:=]))*\s*" + _OPENING
)
_STANDING = (
    r"(?:^|[\n;!?。]\s*|\.\s+|[(\[{<>【「]\s*|(?:选项|第|\b(?:option|choice)\b)\s*:?\s*"
    # After these a number is a grade or a size sooner than a mark.
    r"|(?:[是为:,]|\b(?:is|be|think|believe|with|so)\b|'s)\s*(?=[(\[{<>【「]{0,3}\s*[A-Za-z]))"
    + _OPENING
)
_JOINT = r"[)\]]?\s*(?:[,、/&]|\b(?:and|or)\b|[和或与及])\s*(?:(?:option\b|选项)\s*)?(?:[(\[]\s*)?"
_END = r"\s*(?:$|[\n;!?。)\]}<>】」、]|[.,:](?!\d))"
# A capital letter or a number may also be followed by these without being a word of the sentence.
_WIDE_END = (
    rf"(?:{_END}|\s*(?:项|选项|是|正确|错|不|对|因为|[(\[]?[\ue000-\uf8ff])"
    r"|\s+(?:[-–—=]|(?:is|was|because|since|as)\b))"
)
_ONE_MARK = re.compile(r"(?<![A-Za-z0-9])(?:[A-Za-z]|\d{1,2})(?![A-Za-z0-9])")


@lru_cache(maxsize=64)
def _patterns(marks: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """Patterns of one or more marks, as group 1, in the order they are looked for."""

    def pattern(lead: str, names: Sequence[str], end: str) -> re.Pattern[str]:
        one = rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, names))})(?![A-Za-z0-9])"
        return re.compile(rf"(?i:{lead})({one}(?:{_JOINT}{one})*)(?={end})", re.MULTILINE)

    small = [mark.lower() for mark in marks]
    return tuple(
        pattern(lead, names, end)
        for lead in (_DECLARED, _STANDING)
        for names, end in ((marks, _WIDE_END), (small, _END))
    )


def _stated(pattern: re.Pattern[str], text: str, named: Mapping[str, list[str]]) -> list[str]:
    """Marks that a pattern finds and the text does not deny, with those that contradict them."""
    found: list[str] = []
    for match in pattern.finditer(text):
        if _is_denied(text, *match.span(1)):
            continue
        marks = [mark.upper() for mark in _ONE_MARK.findall(match[1])]
        beside = _BESIDE.match(text, match.end(1))
        if beside and marks[-1] not in named[beside[2]]:
            if marks == ["A"] and beside[1].isspace():
                continue  # the article
            marks += named[beside[2]]
        found += marks
    return found


_BESIDE = re.compile(r"([\s.()\[\]:,、=–—-]*)([\ue000-\uf8ff])")
_DENIED_BEFORE = re.compile(
    r"(?:不|非|未见?|无|没有|排除|除了?|n't"
    r"|\b(?:not|no|never|neither|nor|without|except|excluded?|rather\s+than|instead\s+of)\b)\s*"
    r"(?:(?:选项?|是|为|考虑|an?\b|the\b|option\b|choice\b|answer\b|be\b|choose\b)\s*)*[(\[]?$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"[)\]]?\s*(?:项|选项)?\s*(?:is\b|was\b|是)?\s*(?:(?:not|wrong|incorrect|false|excluded)\b|错|不)",
    re.IGNORECASE,
)
_DENIAL_REACH = 40  # characters before what is denied


def _is_denied(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _DENIAL_REACH) : start]
    return bool(_DENIED_BEFORE.search(before) or _DENIED_AFTER.match(text, end))


# What may stand before a verdict: "The statement is", "答案是".
_PREAMBLE = re.compile(
    r"(?:\W|\b(?:the|this|that|it|my|final|statement|description|claim|answer|judge?ment|is|i"
    r"|would|say|think)\b|该|此|这|以上|上述|下列|以下|描述|说法|陈述|判断|结果|答案|应?为|应该?"
    r"|是(?=[正错对不真假TFtf]))*",
    re.IGNORECASE,
)
# Verdicts wherever they stand; none is a part of a word, or of "false lumen" and the like.
_FORMAL = re.compile(
    r"(?P<denied>\b(?:not|isn't)\s+(?:\w+\s+)?|不是?\s*|并非\s*)?(?<![A-Za-z])"
    r"(?:(?P<true>true|ture)|(?P<false>false|untrue))(?![A-Za-z])"
    r"(?!\s+(?:lumen|channel|positive|negative|aneurysm))",
    re.IGNORECASE,
)
_SAID_FALSE = (
    r"\b(?:not|isn't)\s+(?:\w+\s+)?(?:correct|accurate|right)\b|\b(?:incorrect|inaccurate|wrong)\b"
    r"|(?:不|并不|并非|未)(?:正确|对|属实|成立|符合|相符)|错误|有误"
)
_SAID_TRUE = r"\b(?:correct|accurate)\b|正确|没错|无误|属实|成立|相符"
_SAID = re.compile(rf"(?P<false>{_SAID_FALSE})|(?P<true>{_SAID_TRUE})", re.IGNORECASE)
# Verdicts only at the start of a reply; short words only alone: 对称 is "symmetric".
_ALONE = r"(?=\s*(?:$|[^\w\s]|\n))"
_FIRST = re.compile(
    rf"(?P<false>{_SAID_FALSE}|错的|假的|(?:\bno\b|不是的?|[否错假]){_ALONE})"
    rf"|(?P<true>{_SAID_TRUE}|\byes\b|对的|是的|真的|(?:\bright\b|符合|[是对真]){_ALONE})",
    re.IGNORECASE,
)
# Between two verdicts that leave the choice open: "yes or no", "对/错".
_OR = re.compile(r"(?:[\s/|,、]|\bor\b|或者?|还是)*", re.IGNORECASE)


def read_judgement(reply: str) -> bool | None:
    """Whether a reply calls a statement true.

    Args:
        reply: any text; "Ture", a spelling of the published questions, is True.

    Returns:
        True or False by the word at the start ("Yes, ...", "错误。...") and by "True" and "False"
        anywhere; without either by a word such as "correct" or 正确 further on. None where there
        is no verdict or there are both.
    """
    text = _plain(reply)
    verdicts = {
        (found["true"] is not None) != (found["denied"] is not None)
        for found in _FORMAL.finditer(text)
    }
    first = _FIRST.match(text, _end(_PREAMBLE, text, 0))
    if first:
        verdicts.add(first["true"] is not None)
        second = _FIRST.match(text, _end(_OR, text, first.end()))
        verdicts |= {second["true"] is not None} if second else set()
    if not verdicts:
        verdicts = {found["true"] is not None for found in _SAID.finditer(text)}
    return verdicts.pop() if len(verdicts) == 1 else None


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


_READ = 2000  # characters at either end of a reply; an answer to a closed question stands there
_DROPPED = re.compile(r"[*_`\"“”$\\\ue000-\uf8ff]|(?<![A-Za-z])'|'(?![A-Za-z])")


def _plain(text: str) -> str:
    """The ends of a text in plain characters, without mark-up and quotation marks."""
    if len(text) > 2 * _READ:
        text = f"{text[:_READ]}\n{text[-_READ:]}"
    text = unicodedata.normalize("NFKC", text.replace("\u3000", "  ").replace("’", "'"))
    text = re.sub(r"[^\S\n]+", " ", _DROPPED.sub("", text))
    return re.sub(r" ?\n[ \n]*", "\n", text).strip()
