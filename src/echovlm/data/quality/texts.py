"""What is wrong with a sample's texts, and which texts come twice.

The published data drop a text whose ROUGE-L with an earlier one is above 0.7, or whose SimHash is
at most three bits away (paper, section 3.2). Here that applies to texts *about the same study*: two
different patients may well have the same findings, and a report that says so is true of both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz.distance import LCSseq

from echovlm.data.sample import IMAGE_TAG, Sample
from echovlm.facts.contradictions import check_text
from echovlm.terms import Language

SIMHASH_BITS = 3
ROUGE_L = 0.7

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_UNITS = {"mm", "cm", "ml", "mmhg", "khz", "mhz", "db", "bpm"}
_TOKEN = re.compile(r"[\u4e00-\u9fff]|[A-Za-z]+|\d+(?:\.\d+)?")


def faults(sample: Sample) -> list[str]:
    """What is wrong with one sample, as clauses; empty where nothing is."""
    return [
        *_wrong_turns(sample),
        *_wrong_tags(sample),
        *_wrong_language(sample),
        *_contradictions(sample),
    ]


def _wrong_turns(sample: Sample) -> list[str]:
    roles = [turn.role for turn in sample.turns if turn.role != "system"]
    expected = ["user", "assistant"] * (len(roles) // 2)
    found = []
    if not roles or roles != expected or "system" in [turn.role for turn in sample.turns[1:]]:
        found.append("user and assistant do not alternate")
    if any(not turn.text.replace(IMAGE_TAG, "").strip() for turn in sample.turns):
        found.append("a turn is empty")
    return found


def _wrong_tags(sample: Sample) -> list[str]:
    tags = sum(turn.text.count(IMAGE_TAG) for turn in sample.turns if turn.role == "user")
    if tags != len(sample.images):
        return [f"it has {len(sample.images)} pictures and {tags} {IMAGE_TAG} tags"]
    if any(IMAGE_TAG in turn.text for turn in sample.turns if turn.role != "user"):
        return [f"a turn other than the user's holds {IMAGE_TAG}"]
    return []


def language_of(text: str) -> Language | None:
    """Language most of a text is in; None where it has no words of either."""
    chinese = len(_CHINESE.findall(text))
    latin = sum(word.lower() not in _UNITS for word in _LATIN.findall(text))
    if not chinese and not latin:
        return None
    # Terms in Latin letters (BI-RADS) are common in Chinese, Chinese characters never in English.
    return Language.CHINESE if chinese > latin / 4 else Language.ENGLISH


def _wrong_language(sample: Sample) -> list[str]:
    if sample.language is None:
        return []
    wrong = [
        turn
        for turn in sample.turns
        if turn.role == "assistant"
        and len(turn.text) > 8
        and language_of(turn.text) not in (None, sample.language)
    ]
    return [f"an answer is not in the stated language '{sample.language}'"] if wrong else []


def _contradictions(sample: Sample) -> list[str]:
    found = []
    for turn in sample.turns:
        if turn.role == "assistant" and len(turn.text) > 8:
            facts = [fact for statement in turn.statements for fact in statement.facts]
            for doubt in check_text(turn.text, facts, sample.language):
                found.append(
                    f"an answer contradicts {'its facts' if facts else 'itself'}: {doubt.kind}"
                )
    return found


def tokens(text: str) -> list[str]:
    """Chinese characters, words and numbers of a text, in lower case."""
    return _TOKEN.findall(text.lower())


def rouge_l(first: Sequence[str], second: Sequence[str]) -> float:
    """F1 of the longest common subsequence of two token lists, 0 to 1 (Lin 2004)."""
    if not first or not second:
        return 0.0
    common = LCSseq.similarity(first, second)
    return 2 * common / (len(first) + len(second))


def near_duplicates(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of texts that say nearly the same, by ROUGE-L or SimHash as in the paper.

    Meant for the few texts about one study; every pair is compared.
    """
    from simhash import Simhash

    split = [tokens(text) for text in texts]
    hashes = [Simhash(words) if words else None for words in split]
    return [
        (first, second)
        for second in range(len(texts))
        for first in range(second)
        if rouge_l(split[first], split[second]) > ROUGE_L or _close(hashes[first], hashes[second])
    ]


def _close(first: object, second: object) -> bool:
    return first is not None and second is not None and first.distance(second) <= SIMHASH_BITS  # type: ignore[attr-defined]
