"""Records made by hand or drawn, for tests of what is said about them."""

from __future__ import annotations

from hypothesis import strategies as st

from echovlm.data.record import Picture, Record
from echovlm.facts import Fact, Origin
from echovlm.terms import Anatomy

WORDS = {
    "shape": ["oval", "round", "irregular"],
    "orientation": ["parallel", "not parallel"],
    "margin": ["circumscribed", "not circumscribed", "spiculated", "indistinct", "microlobulated"],
    "echogenicity": ["anechoic", "hypoechoic", "isoechoic", "hyperechoic", "very hypoechoic"],
    "echotexture": ["homogeneous", "heterogeneous"],
    "posterior": ["none", "enhancement", "shadowing", "combined"],
    "calcification": ["none", "punctate", "macrocalcification"],
    "vascularity": ["absent", "internal"],
    "image_position": ["upper left", "centre", "lower right"],
}


def fact(name, value, origin=Origin.LABEL, lesion=None, image=None) -> Fact:
    return Fact(name=name, value=value, lesion=lesion, image=image, origin=origin, source="table")


def record(facts, anatomy=Anatomy.BREAST, pictures=1, **more) -> Record:
    stated = [fact("anatomy", anatomy.value), *facts] if anatomy else facts
    return Record(
        id=more.pop("id", "set/1"),
        source="set",
        licence="CC0-1.0",
        patient_key="set/p1",
        anatomy=anatomy,
        pictures=tuple(
            Picture(
                path=f"images/{n}.png", sha256="0", perceptual_hash="0", width_px=9, height_px=9
            )
            for n in range(pictures)
        ),
        facts=tuple(stated),
        **more,
    )


def full_record(**more) -> Record:
    """A breast lesion of which much is known."""
    facts = [
        fact("lesion_present", True),
        fact("pathology", "benign", lesion=1),
        fact("histology", "fibroadenoma", lesion=1),
        fact("birads", "3", lesion=1),
        fact("laterality", "left"),
        fact("size_long_mm", 14.2, Origin.MASK, 1, 0),
        fact("size_short_mm", 8.4, Origin.MASK, 1, 0),
        *(fact(name, values[0], Origin.MASK, 1, 0) for name, values in WORDS.items()),
    ]
    return record(facts, **more)


@st.composite
def lesion_records(draw) -> Record:
    """A lesion with any of its descriptors, labels and sizes known."""
    anatomy = draw(st.sampled_from([Anatomy.BREAST, Anatomy.THYROID, Anatomy.LIVER]))
    facts = [fact("lesion_present", True)]
    for name, values in WORDS.items():
        if draw(st.booleans()):
            facts.append(fact(name, draw(st.sampled_from(values)), Origin.MASK, 1, 0))
    if draw(st.booleans()):
        facts.append(fact("pathology", draw(st.sampled_from(["benign", "malignant"])), lesion=1))
    if draw(st.booleans()):
        kinds = ["cyst", "fibroadenoma", "invasive ductal carcinoma", "mastitis"]
        if anatomy is not Anatomy.BREAST:
            kinds = ["adenoma", "lymphoma"]
        facts.append(fact("histology", draw(st.sampled_from(kinds)), lesion=1))
    if draw(st.booleans()):
        categories = ["2", "3", "4", "4A", "5"]
        facts.append(fact("birads", draw(st.sampled_from(categories)), lesion=1))
    if draw(st.booleans()):
        long_mm = draw(st.integers(30, 400)) / 10
        facts.append(fact("size_long_mm", long_mm, Origin.MASK, 1, 0))
        facts.append(fact("size_short_mm", round(long_mm * 0.6, 1), Origin.MASK, 1, 0))
    if draw(st.booleans()):
        facts.append(fact("laterality", draw(st.sampled_from(["left", "right"]))))
    return record(facts, anatomy, pictures=draw(st.integers(1, 2)))


@st.composite
def other_records(draw) -> Record:
    """A study without a lesion, or of a structure that was measured."""
    kind = draw(st.sampled_from(["normal", "head", "heart", "carotid", "stone", "spectrum"]))
    tenths = draw(st.integers(200, 3000)) / 10
    facts, anatomy = {
        "normal": ([fact("lesion_present", False), fact("pathology", "normal")], Anatomy.LIVER),
        "head": (
            [fact("structure", "fetal head"), fact("head_circumference_mm", tenths)],
            Anatomy.GYNAECOLOGY,
        ),
        "heart": (
            [
                fact("structure", "left ventricle"),
                fact("structure", "left atrium"),
                fact("ejection_fraction_percent", float(draw(st.integers(15, 80)))),
            ],
            Anatomy.HEART,
        ),
        "carotid": (
            [fact("structure", "lumen"), fact("lumen_diameter_mm", tenths / 30)],
            Anatomy.VESSEL,
        ),
        "stone": ([fact("stone_present", draw(st.booleans()))], Anatomy.KIDNEY),
        "spectrum": (
            [fact("psv_cm_per_s", tenths), fact("edv_cm_per_s", tenths / 4)],
            Anatomy.VESSEL,
        ),
    }[kind]
    return record(facts, anatomy, pictures=draw(st.integers(1, 2)))
