from __future__ import annotations

import pytest

from echovlm.errors import OptionError
from echovlm.facts import lexicon, read_statements
from echovlm.terms import Language

_EXAMPLES = {"birads": ["2", "4", "4A"], "tirads": ["3", "4B"], "orads": ["2"]}
# Counts, sides and organs are read in sentences of their own, below.
_IN_A_LIST = [
    name
    for name in lexicon.names()
    if lexicon.attribute(name).kind in ("word", "category")
    and name not in ("anatomy", "laterality")
]
_NOT_WRITTEN = {"present", "multiple", "normal", "lymph node", "homogeneous fibroglandular"}


def _values(name: str) -> list[str]:
    known = [value for value in lexicon.attribute(name).values if value not in _NOT_WRITTEN]
    return known or _EXAMPLES[name]


def _read(text: str, language: str) -> set[tuple[str, object]]:
    return {(said.name, said.value) for said in read_statements(text, language) if not said.negated}


@pytest.mark.parametrize("name", _IN_A_LIST)
@pytest.mark.parametrize(
    ("language", "carriers"),
    [
        ("zh", ("病灶{}。", "可见一个结节，{}，其余未见异常。", "{name}：{}。")),
        ("en", ("There is a nodule, {}.", "The {name} is {}.", "{name}: {}.")),
    ],
)
def test_canonical_words_are_read_back(name: str, language: str, carriers: tuple[str, ...]) -> None:
    said = lexicon.name_words(name, language)
    for value in _values(name):
        words = lexicon.words(name, value, language)
        for carrier in carriers:
            text = carrier.format(words, name=said)
            assert (name, value) in _read(text, language), text


@pytest.mark.parametrize("name", lexicon.names())
def test_every_value_has_words_in_both_languages(name: str) -> None:
    entry = lexicon.attribute(name)
    for language in Language:
        assert lexicon.name_words(name, language)
        for value, words in entry.values.items():
            assert all(words[language]), (name, value)
            assert words[language], (name, value)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, 12.3)
        for name in lexicon.names()
        if lexicon.attribute(name).kind in ("length", "percent", "velocity")
    ],
)
def test_quantities_are_read_back_with_their_name(name: str, value: float, language: str) -> None:
    words, said = lexicon.words(name, value, language), lexicon.name_words(name, language)
    text = f"病灶{said}约{words}。" if language == "zh" else f"The {said} is {words}."
    assert (name, value) in _read(text, language)


@pytest.mark.parametrize("count", range(1, 6))
def test_counts_are_read_back(count: int) -> None:
    assert ("lesion_count", count) in _read(
        f"可见{lexicon.words('lesion_count', count, 'zh')}病灶。", "zh"
    )
    plural = "" if count == 1 else "s"
    text = f"There is {lexicon.words('lesion_count', count, 'en')} focal lesion{plural}."
    assert ("lesion_count", count) in _read(text, "en")


@pytest.mark.parametrize("anatomy", lexicon.attribute("anatomy").values)
def test_anatomies_are_read_back(anatomy: str) -> None:
    assert ("anatomy", anatomy) in _read(
        f"检查部位：{lexicon.words('anatomy', anatomy, 'zh')}。", "zh"
    )
    assert ("anatomy", anatomy) in _read(
        f"Region: {lexicon.words('anatomy', anatomy, 'en')}.", "en"
    )


@pytest.mark.parametrize("side", ["left", "right", "bilateral"])
def test_sides_are_read_back(side: str) -> None:
    assert ("laterality", side) in _read(f"侧别：{lexicon.words('laterality', side, 'zh')}。", "zh")
    assert ("laterality", side) in _read(f"Side: {lexicon.words('laterality', side, 'en')}.", "en")


@pytest.mark.parametrize("name", ["lesion_present", "stone_present"])
@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_flags_are_read_back(name: str, value: bool, language: str) -> None:
    assert (name, value) in _read(lexicon.words(name, value, language), language)


def test_quantities_and_categories_are_written_with_unit_and_system() -> None:
    assert lexicon.words("size_long_mm", 12.34, "en") == "12.3 mm"
    assert lexicon.words("size_long_mm", 12, "zh") == "12 mm"
    assert lexicon.words("ejection_fraction_percent", 60.0, "en") == "60%"
    assert lexicon.words("birads", "4A", "zh") == "BI-RADS 4A类"
    assert lexicon.words("lesion_count", 14, "en") == "14"


def test_histology_implies_its_pathology() -> None:
    assert lexicon.pathology_of("fibroadenoma") == "benign"
    assert lexicon.pathology_of("invasive ductal carcinoma") == "malignant"
    assert lexicon.pathology_of("phyllodes tumor") is None


@pytest.mark.parametrize(
    ("name", "value"), [("colour", "red"), ("margin", "wavy"), ("birads_x", "2")]
)
def test_unknown_names_and_values_are_refused(name: str, value: str) -> None:
    with pytest.raises(OptionError, match="lexicon"):
        lexicon.words(name, value, "en")


def test_a_lesion_of_a_gland_is_no_adenosis():
    for text in ("乳腺病灶，良性。", "甲状腺病变。"):
        assert not [s for s in read_statements(text) if s.name == "histology"]
    assert [s.value for s in read_statements("考虑乳腺腺病。") if s.name == "histology"] == [
        "adenosis"
    ]
