"""Impressions, diagnoses and regions written from labels (超声提示).

An impression holds no measurement. What tissue or follow-up proved is given as the picture bears
it: "likely malignant", "consistent with fibroadenoma".
"""

from __future__ import annotations

import numpy as np

from echovlm import prompts
from echovlm.data.conversations.composer import Composer, Said, Written, single, with_article
from echovlm.data.conversations.descriptors import draw
from echovlm.data.conversations.known import Known
from echovlm.data.conversations.places import place
from echovlm.facts import Fact
from echovlm.terms import Anatomy, Language

# What a label of the set and the organ together name in the closed set of diagnoses.
_LABELS = {
    ("histology", "cyst", Anatomy.BREAST): "breast-cyst",
    ("histology", "fibroadenoma", Anatomy.BREAST): "breast-fibroadenoma",
    ("pathology", "malignant", Anatomy.BREAST): "breast-malignant",
    ("pathology", "normal", Anatomy.BREAST): "breast-normal",
    ("pathology", "normal", Anatomy.THYROID): "thyroid-normal",
    ("pathology", "normal", Anatomy.LIVER): "liver-normal",
    ("pathology", "normal", Anatomy.KIDNEY): "kidney-normal",
    ("histology", "haemangioma", Anatomy.LIVER): "liver-haemangioma",
    ("stone_present", True, Anatomy.KIDNEY): "kidney-stone",
}
# Kinds of tissue that English counts.
_COUNTABLE = frozenset(
    {
        "cyst", "fibroadenoma", "hamartoma", "intraductal papilloma", "lipoma", "lymph node",
        "phyllodes tumor", "abscess", "galactocele", "haemangioma", "adenoma", "colloid nodule",
        "leiomyoma", "teratoma", "endometrioma", "angiomyolipoma",
    }
)  # fmt: skip
_NOTHING = Written("", ())


def impression(known: Known, language: Language, rng: np.random.Generator) -> Written:
    """Conclude a record from its labels; empty where it has none."""
    composer = Composer(language)
    chinese = language is Language.CHINESE
    if known.has_lesion is True and not known.words("diagnosis", language):
        clauses = _of_lesion_zh(known, rng) if chinese else _of_lesion_en(known, rng)
    else:
        clauses = _without_lesion(known, language, rng)
    composer.sentence(clauses, "，" if chinese else ", ")
    return composer.written()


def _without_lesion(known: Known, language: Language, rng: np.random.Generator) -> list[Said]:
    named, facts = label(known, language)
    none = _no_lesion(known, language)
    if not named:
        return [none] if none else []
    both = none is not None and _either(rng)
    return [Said(named, facts), none] if both and none else [Said(named, facts)]


def _either(rng: np.random.Generator) -> bool:
    return bool(rng.integers(2))


def _no_lesion(known: Known, language: Language) -> Said | None:
    if known.has_lesion is not False:
        return None
    where, facts = place(known, language)
    if language is Language.CHINESE:
        text = f"{where}未见局灶性病灶"
    else:
        text = f"no focal lesion{f' of the {where}' if where else ''}"
    return Said(text, known.behind("lesion_present") + facts)


def _category(known: Known, language: Language) -> list[Said]:
    return [
        Said(words, known.behind(name))
        for name in ("birads", "tirads", "orads")
        if (words := known.words(name, language))
    ]


def _labelled(known: Known, language: Language) -> tuple[str, str]:
    """Pathology and histology in words, empty where unknown."""
    return known.words("pathology", language), known.words("histology", language)


def _of_lesion_zh(known: Known, rng: np.random.Generator) -> list[Said]:
    tongue = Language.CHINESE
    where, facts = place(known, tongue)
    nature, tissue = _labelled(known, tongue)
    category = _category(known, tongue)
    inside = f"{where}内" if where else ""
    subject = Said(f"{inside}病灶", facts + known.behind("lesion_present"))
    if tissue:
        return _ordered(*_tissue_zh(known, subject, nature, tissue, rng), category, rng)
    if nature and _either(rng):
        text = f"{where}{nature}病灶"
        return [Said(text, subject.facts + known.behind("pathology")), *category]
    if nature:
        text = draw(("考虑{}", "倾向{}", "考虑为{}"), rng).format(nature)
        return _ordered([subject], Said(text, known.behind("pathology")), category, rng)
    return [subject, *category] if category else []


def _tissue_zh(
    known: Known, subject: Said, nature: str, tissue: str, rng: np.random.Generator
) -> tuple[list[Said], Said]:
    where, facts = place(known, Language.CHINESE)
    placed = _either(rng) and not _names(where, tissue)
    kind = f"{where}{tissue}" if placed else tissue
    text = draw(("考虑{}", "符合{}", "首先考虑{}"), rng).format(kind)
    behind = known.behind("histology") + (facts if placed else ())
    if nature and _either(rng):
        text, behind = f"{text}（{nature}）", behind + known.behind("pathology")
    return ([] if placed else [subject]), Said(text, behind)


def _names(where: str, tissue: str) -> bool:
    """Whether a diagnosis already names its organ (乳腺 and 乳腺炎, 肝脏 and 肝细胞癌)."""
    return not where or where[-2] in tissue


def _ordered(
    opening: list[Said], conclusion: Said, category: list[Said], rng: np.random.Generator
) -> list[Said]:
    if category and _either(rng):
        return [*opening, *category, conclusion]
    return [*opening, conclusion, *category]


def _of_lesion_en(known: Known, rng: np.random.Generator) -> list[Said]:
    tongue = Language.ENGLISH
    where, facts = place(known, tongue)
    nature, tissue = _labelled(known, tongue)
    category = _category(known, tongue)
    noun = "lesions" if known.several else "lesion"
    about = facts + known.behind("lesion_present") + known.several
    subject = Said(f"{where} {noun}".strip(), tuple(dict.fromkeys(about)))
    if tissue:
        return _ordered(*_tissue_en(known, subject, nature, tissue, rng), category, rng)
    if nature and _either(rng):
        text = f"{nature} {subject.text}"
        return [Said(text, subject.facts + known.behind("pathology")), *category]
    if nature:
        text = draw(("likely {}", "probably {}", "favoured to be {}"), rng).format(nature)
        return _ordered([subject], Said(text, known.behind("pathology")), category, rng)
    return [subject, *category] if category else []


def _tissue_en(
    known: Known, subject: Said, nature: str, tissue: str, rng: np.random.Generator
) -> tuple[list[Said], Said]:
    leads = ("consistent with {}", "most consistent with {}", "findings in keeping with {}")
    lead = draw(leads, rng)
    kind = with_article(tissue) if known.value("histology") in _COUNTABLE else tissue
    text, behind = lead.format(kind), known.behind("histology")
    if nature and _either(rng):
        text, behind = f"{text} ({nature})", behind + known.behind("pathology")
    return ([] if lead.startswith("findings") else [subject]), Said(text, behind)


# --- names -------------------------------------------------------------------------------------


def label(known: Known, language: Language) -> tuple[str, tuple[Fact, ...]]:
    """The entry of the closed set of diagnoses that the facts name, and those facts."""
    if known.words("diagnosis", language):
        return known.words("diagnosis", language), known.behind("diagnosis")
    for (name, value, anatomy), key in _LABELS.items():
        if known.value(name) == value and known.value("anatomy") == anatomy:
            return prompts.label(key).name(language), known.behind(name, "anatomy")
    return "", ()


def diagnosis(known: Known, language: Language) -> Written:
    """The diagnosis in a few words, empty where no label gives one."""
    named, facts = label(known, language)
    nature, tissue = _labelled(known, language)
    if named:
        return single(named, facts)
    if tissue:
        return single(tissue, known.behind("histology"))
    where, facts = place(known, language)
    if not nature or known.has_lesion is not True:
        return _NOTHING
    chinese = language is Language.CHINESE
    text = f"{where}{nature}病灶" if chinese else " ".join(f"{nature} {where} lesion".split())
    return single(text, known.behind("pathology", "lesion_present") + facts)


def region(known: Known, language: Language) -> Written:
    """Name of the examined region where a fact states it."""
    words = known.words("anatomy", language)
    return single(words, known.behind("anatomy")) if words else _NOTHING
