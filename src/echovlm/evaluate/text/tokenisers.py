"""How texts are split into the units that metrics count.

| name | 肝囊肿约5 mm。 | Liver: no cyst. |
|---|---|---|
| char | 肝 / 囊 / 肿 / 约 / 5 / m / m / 。 | L / i / v / e / r / : / n / o / ... |
| jieba | 肝 / 囊肿 / 约 / 5 / mm / 。 | Liver / : / no / cyst / . |
| 13a (mteval-v13a) | 肝囊肿约5 / mm。 | Liver / : / no / cyst / . |
| rouge-score | 5 / mm | liver / no / cyst |

The language of the *reference* chooses the tokeniser; a prediction in the other language is split
by the same one. Blanks are never units.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version

from rouge_score.tokenizers import DefaultTokenizer
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from echovlm.terms import Language

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of setuptools, which jieba could do without
    import jieba

KEPT = 1 << 16
"""Texts, or pairs of texts, whose units or counts are remembered by each function."""

_LONGEST_RUN_CHARACTERS = 500
# What jieba cuts at once (its re_han_default): runs of these characters. All else parts runs.
_RUN = "\u4e00-\u9fd5a-zA-Z0-9+#&._%\\-"
_STRETCHES = re.compile(f"[{_RUN}]{{1,{_LONGEST_RUN_CHARACTERS}}}|[^{_RUN}]+")


@dataclass(frozen=True)
class Tokeniser:
    """A way to split texts.

    Attributes:
        name: as it stands in signatures.
        split: a text to its units.
    """

    name: str
    split: Callable[[str], tuple[str, ...]]


def characters(text: str) -> tuple[str, ...]:
    """Every character that is no blank."""
    return tuple("".join(text.split()))


@lru_cache(maxsize=KEPT)
def words(text: str) -> tuple[str, ...]:
    """Words by jieba's accurate mode with its own dictionary.

    jieba's time grows with the square of an unbroken run of characters that are no words, as a
    network that repeats itself writes them. Runs of more than 500 characters without a blank or
    punctuation are therefore cut at every 500th; all other texts are split as by jieba alone.
    """
    jieba.setLogLevel(logging.WARNING)
    return tuple(
        word for stretch in _STRETCHES.findall(text) for word in jieba.cut(stretch) if word.strip()
    )


@lru_cache(maxsize=KEPT)
def tokens_13a(text: str) -> tuple[str, ...]:
    """Words and punctuation marks by mteval-v13a, as sacrebleu has it."""
    return tuple(_tokenizer_13a()(text).split())


@lru_cache(maxsize=KEPT)
def alphanumerics(text: str) -> tuple[str, ...]:
    """Lowered runs of a-z and 0-9, without stemming: rouge-score's own tokeniser."""
    return tuple(DefaultTokenizer(use_stemmer=False).tokenize(text))


@cache
def _tokenizer_13a() -> Tokenizer13a:
    return Tokenizer13a()


CHARACTERS = Tokeniser("char", characters)
JIEBA = Tokeniser(f"jieba-{version('jieba')}", words)
V13A = Tokeniser("13a", tokens_13a)
ALPHANUMERICS = Tokeniser("rouge-score", alphanumerics)

ByLanguage = Mapping[Language, Tokeniser]
"""The tokeniser for references of each language."""

WORDS: ByLanguage = {Language.CHINESE: JIEBA, Language.ENGLISH: V13A}
JIEBA_ALWAYS: ByLanguage = dict.fromkeys(Language, JIEBA)
CHARACTERS_OR_13A: ByLanguage = {Language.CHINESE: CHARACTERS, Language.ENGLISH: V13A}
