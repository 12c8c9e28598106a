"""What a line of text on a picture is: a measurement, an identifier, or not known.

Only a line that is nothing but numbers with units behind known labels counts as a measurement; a
line that holds a word of the header, a date, a long number or a word such as Hospital or 姓名
counts as an identifier. Optical reading errs, so words of the header are compared with some slack.
Whatever is neither is unknown, and what is unknown is treated like an identifier.

Sources: PS3.15 E.3.1 (Clean Pixel Data Option); labels of ASE 2015, ISUOG and SRU measurements.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from enum import StrEnum

from echovlm.imaging.deidentify.identifiers import folded


class Kind(StrEnum):
    """What a line of text is."""

    IDENTIFIER = "identifier"
    MEASUREMENT = "measurement"
    UNKNOWN = "unknown"


_LABELS = (
    r"D(?:ist)?|L(?:ength)?|W(?:idth)?|H(?:eight)?|Depth|A(?:rea)?|Circ|Vol(?:ume)?|V|PSV|EDV|RI|PI|"
    r"S/D|TAMAX|IMT|BPD|OFD|HC|AC|FL|CRL|GS|AFI|NT|GA|EFW|EF|FS|EDD|SV|CO|HR|LVIDd|LVIDs|LVOT|"
    r"IVSd|IVSs|LVPWd|LVPWs|LA|AO|RA|RV|MV|AV|TV|PV|TAPSE|VTI|E/A|E/e'|PHT|PG|MG|max|mean|Vmax|Ratio"
)
_UNITS = (
    r"mm|cm|m|mm2|cm2|mm²|cm²|ml|cc|cm3|cm³|l/min|cm/s|m/s|mmHg|s|ms|bpm|%|°|dB|Hz|kHz|MHz|g|w|d"
)
_MEASUREMENT = re.compile(
    rf"(?:[+x×*]?\s?\d?\s?(?:(?:{_LABELS})\s?\d?\s?[:=]?\s?)?-?\d{{1,4}}(?:[.,]\d{{1,3}})?\s?(?:{_UNITS})\s*)+",
    re.IGNORECASE,
)
_IDENTIFYING = re.compile(
    r"\d{5,}|\w\^\w|\b\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}|\b\d{1,2}:\d{2}(?::\d{2})?\b"
    r"|\b\d{1,2}[ -](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ -]\d{2,4}"
    r"|\b(?:hospital|clinic|medical|med ctr|center|centre|university|name|patient|id|mrn|dob|born|"
    r"dr|prof|acc|sex|age)\b"
    r"|医院|医学|大学|诊所|卫生|姓名|患者|病人|性别|年龄|岁|住院|门诊|床号|病历|检查号|编号|日期|出生|医师|医生",
    re.IGNORECASE,
)
_LIKENESS = 0.8


def kind_of_text(text: str, identifiers: Sequence[str]) -> Kind:
    """Tell what a line of text is.

    Args:
        text: the line as read.
        identifiers: words of the header, from :func:`identifiers_of`.
    """
    if _IDENTIFYING.search(text) or names_somebody(text, identifiers):
        return Kind.IDENTIFIER
    if _MEASUREMENT.fullmatch(text.strip()):
        return Kind.MEASUREMENT
    return Kind.UNKNOWN


def names_somebody(text: str, identifiers: Sequence[str]) -> bool:
    """True where a line holds a word of the header, or nearly so."""
    plain = folded(text)
    words = [folded(word) for word in re.split(r"[\s,;:/^]+", text)]
    for identifier in identifiers:
        wanted = folded(identifier)
        if len(wanted) <= 3 and wanted.isascii():
            if wanted in words:
                return True
        elif wanted in plain or (
            len(wanted) >= 5
            and any(SequenceMatcher(None, wanted, word).ratio() >= _LIKENESS for word in words)
        ):
            return True
    return False
