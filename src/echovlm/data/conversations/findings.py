"""Findings and captions written from facts alone.

They hold no diagnosis and nothing that has no fact: no side, no size, no number of lesions, no
"otherwise normal". A record of which little is known gives no text rather than a vague one.
"""

from __future__ import annotations

import numpy as np

from echovlm.data.conversations import findings_en, findings_zh
from echovlm.data.conversations.composer import Composer, Written
from echovlm.data.conversations.descriptors import DESCRIPTORS, QUANTITIES
from echovlm.data.conversations.known import Known
from echovlm.terms import Language

_LEAST_DESCRIPTORS = 2
_NOTHING = Written("", ())


def findings(known: Known, language: Language, rng: np.random.Generator) -> Written:
    """Describe what is seen; empty where too little is known."""
    if not _is_worth_findings(known):
        return _NOTHING
    composer = Composer(language)
    room = findings_zh if language is Language.CHINESE else findings_en
    room.write_findings(known, composer, rng)
    return composer.written()


def caption(known: Known, language: Language, rng: np.random.Generator) -> Written:
    """Describe one picture in one sentence; empty where nothing is known of it."""
    if known.has_one_lesion and not _described(known):
        return _NOTHING
    composer = Composer(language)
    room = findings_zh if language is Language.CHINESE else findings_en
    room.write_caption(known, composer, rng)
    return composer.written()


def _described(known: Known) -> int:
    return sum(name in known.facts for name in DESCRIPTORS)


def _is_worth_findings(known: Known) -> bool:
    if known.has_one_lesion:
        return _described(known) >= _LEAST_DESCRIPTORS
    measured = any(name in known.facts for name in QUANTITIES)
    stated = known.has_lesion is not None or known.value("stone_present") is not None
    return stated or measured or len(known.structures) > 1
