"""Report texts without patient data: what identifies becomes a visible placeholder.

    given identifiers (names, numbers of the header), then the patterns of ``text_patterns.py``

Clinical content stays as it is: sizes, clock positions, gestational ages, categories, editions of
guidelines. A year alone stays (45 CFR 164.514(b)(2)(i)(C)); so does an age.

Sources: HIPAA Safe Harbor, 45 CFR 164.514(b)(2); DICOM PS3.15 E.3.4 (Clean Descriptors Option).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from echovlm.imaging.deidentify.policy import Change
from echovlm.imaging.deidentify.text_patterns import PATTERNS, PLACEHOLDERS

_HAN = re.compile("[\u4e00-\u9fff]")


def scrub(text: str, identifiers: Sequence[str] = ()) -> tuple[str, tuple[Change, ...]]:
    """Replace what identifies people in a report text.

    Args:
        text: a report in Chinese or English.
        identifiers: names and numbers known to be the patient's or staff's; a person name may have
            the form of DICOM ("ZHANG^SAN=张^三").

    Returns:
        The text with placeholders in its own language, and one change for every item replaced.
    """
    chinese = bool(_HAN.search(text))
    changes: list[Change] = []

    for kind, pattern in (*_given(identifiers), *PATTERNS):
        pieces, end = [], 0
        for found in pattern.finditer(text):
            start, stop = found.span("item" if "item" in pattern.groupindex else 0)
            pieces += [text[end:start], PLACEHOLDERS[kind][chinese]]
            changes.append(Change("text", kind, "replaced"))
            end = stop
        text = "".join((*pieces, text[end:]))
    return text, tuple(changes)


def _given(identifiers: Sequence[str]) -> list[tuple[str, re.Pattern[str]]]:
    """Patterns of the given identifiers, longer ones first."""
    forms: dict[str, tuple[str, bool]] = {}
    for identifier in identifiers:
        kind = "id" if re.search(r"\d", identifier) else "name"
        for form, exact in _forms(identifier.strip()):
            forms.setdefault(form, (kind, exact))
    ordered = sorted(forms.items(), key=lambda entry: (-len(entry[0]), entry[0]))
    return [(kind, _pattern(form, exact)) for form, (kind, exact) in ordered]


def _forms(identifier: str) -> list[tuple[str, bool]]:
    """Ways in which an identifier is written, and whether its case must match.

    One part of a name may be an ordinary word ("Long"), so it counts only where capitalised.
    """
    if len(identifier) < 2:
        return []
    word = identifier.isascii() and identifier.isalpha()
    if word:
        forms = [(identifier.capitalize(), True), (identifier.upper(), True)]
    else:
        forms = [(identifier, False)]
    for group in identifier.split("="):
        parts = [part for part in re.split(r"[\^,\s]+", group) if part]
        if len(parts) < 2 or any(character.isdigit() for character in group):
            continue
        if not group.isascii():
            forms.append(("".join(parts), False))
            continue
        forms += [(" ".join(parts), False), (" ".join(reversed(parts)), False)]
        forms += [(", ".join(parts[:2]), False)]
        for part in parts:
            if len(part) > 2:
                forms += [(part.capitalize(), True), (part.upper(), True)]
    return forms


def _pattern(form: str, exact: bool) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in form.split())
    if form.isascii():
        words = rf"(?<![A-Za-z\d]){words}(?![A-Za-z\d])"
    return re.compile(words, 0 if exact else re.IGNORECASE)


_SENTENCE = re.compile(r"[^。！？!?\n]*?(?:[。！？!?\n]+|\.(?=\s|$)|$)")
_CLAUSE = re.compile(r"[^，,；;]+[，,；;]?\s*")
_PLACEHOLDER = re.compile(
    "|".join(re.escape(word) for pair in PLACEHOLDERS.values() for word in pair)
)
_MARKS = "，,；;。.！!？? \n"


def clinical_part(text: str) -> str:
    """Leave out the clauses of a scrubbed report that hold a placeholder.

    Such a clause says who and when ("Reported by [name] on [date]"), which no picture shows. What
    is left of its sentence stays.

    Args:
        text: what :func:`scrub` gave.
    """
    if not _PLACEHOLDER.search(text):
        return text
    kept = []
    for sentence in _SENTENCE.findall(text):
        if not _PLACEHOLDER.search(sentence):
            kept.append(sentence)
            continue
        end = sentence[len(sentence.rstrip(_MARKS)) :]
        body = sentence[: len(sentence) - len(end)] if end else sentence
        rest = "".join(c for c in _CLAUSE.findall(body) if not _PLACEHOLDER.search(c))
        if rest.strip(_MARKS):
            kept.append(rest.rstrip(_MARKS) + end)
    return re.sub(r"[ \t]{2,}", " ", "".join(kept)).strip()
