from __future__ import annotations

import pytest

from echovlm import prompts
from echovlm.facts import Certainty, lexicon, read_all_statements
from echovlm.facts.findings import FindingKind, findings
from echovlm.terms import Language


def _said(text: str) -> list[tuple[str, bool]]:
    return [(str(e.value), e.negated) for e in read_all_statements(text) if e.name == "finding"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("右肾积水。", "hydronephrosis"),
        ("集合系统分离约15mm。", "hydronephrosis"),
        ("左房增大。", "left atrial enlargement"),
        ("主动脉内径3.9cm，增宽。", "aortic dilatation"),
        ("二尖瓣轻度反流。", "mitral regurgitation"),
        ("心包腔内可见液性暗区。", "pericardial effusion"),
        ("左室收缩功能减低。", "reduced systolic function"),
        ("双侧颈动脉内-中膜增厚。", "intima-media thickening"),
        ("盆腔见少量积液。", "free fluid"),
        ("中度脂肪肝。", "steatosis"),
        ("Mild left hydronephrosis.", "hydronephrosis"),
        ("The left collecting system is dilated.", "hydronephrosis"),
        ("A dilated left ventricle.", "left ventricular enlargement"),
        ("There is moderate regurgitation of the mitral valve.", "mitral regurgitation"),
        ("Reduced left ventricular systolic function.", "reduced systolic function"),
        ("A rim of fluid surrounds the heart.", "pericardial effusion"),
        ("Dilatation of the aortic root.", "aortic dilatation"),
        ("Hashimoto thyroiditis.", "thyroiditis"),
        ("Gallbladder with two stones.", "gallstone"),
    ],
)
def test_findings_are_read_as_words_or_as_a_subject_with_a_state(text: str, key: str) -> None:
    assert (key, False) in _said(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("集合系统未见分离。", "hydronephrosis"),
        ("左心室不大。", "left ventricular enlargement"),
        ("左房、右房及右室未见增大。", "right ventricular enlargement"),
        ("心包腔无积液。", "pericardial effusion"),
        ("管壁内中膜不厚。", "intima-media thickening"),
        ("周边未见低回声晕。", "halo"),
        ("The right ventricle is of normal size.", "right ventricular enlargement"),
        ("Both atria are not enlarged.", "left atrial enlargement"),
        ("No fluid is seen around the heart.", "pericardial effusion"),
        ("No hydronephrosis.", "hydronephrosis"),
        (
            "The left atrium is enlarged; the right atrium and right ventricle are not.",
            "right atrial enlargement",
        ),
    ],
)
def test_findings_are_denied_by_a_denial_or_by_the_opposite_state(text: str, key: str) -> None:
    assert (key, True) in _said(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("后方回声增强。", "increased liver echogenicity"),
        ("收缩期左室壁增厚。", "left ventricular hypertrophy"),
        ("The endometrium is 8 mm thick.", "endometrial thickening"),
        ("肾盂分离，肾小盏未见扩张。", ""),
        ("The left kidney has no stone in its pelvis.", "gallstone"),
    ],
)
def test_other_things_are_no_such_finding(text: str, key: str) -> None:
    assert (key, False) not in _said(text)
    if not key:
        assert _said(text) == [("hydronephrosis", False)]


def test_a_finding_that_cannot_be_excluded_is_only_possible() -> None:
    (said,) = [
        e for e in read_all_statements("Fibroadenoma cannot be excluded.") if e.name == "finding"
    ]
    assert said.certainty is Certainty.POSSIBLE


def test_a_denied_finding_of_the_rest_leaves_room() -> None:
    said = [e for e in read_all_statements("左肾囊肿，其余未见囊肿。") if e.name == "finding"]
    assert [(e.negated, e.restricted) for e in said] == [(False, False), (True, True)]


@pytest.mark.parametrize("label", prompts.all_labels(), ids=lambda label: label.key)
def test_every_diagnosis_label_is_a_finding_or_a_nature(label: prompts.Label) -> None:
    for language in Language:
        said = read_all_statements(f"{label.name(language)}。", language)
        assert {e.name for e in said} & {"finding", "pathology", "abnormality"}, label.key


def test_findings_name_kinds_of_tissue_that_the_lexicon_has() -> None:
    known = findings()
    assert {each.kind for each in known.values()} == set(FindingKind)
    assert "fibroadenoma" in lexicon.attribute("histology").values
    assert known["stone"].is_sided
    assert not known["leiomyoma"].is_sided
