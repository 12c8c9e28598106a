from __future__ import annotations

import pytest

from echovlm.facts import read_all_statements
from echovlm.facts.sites import group_of


def _sites(text: str) -> list[str]:
    return [str(each.value) for each in read_all_statements(text) if each.name == "site"]


@pytest.mark.parametrize(
    ("text", "sites"),
    [
        ("左乳外上象限2点方向见一结节。", ["upper outer quadrant", "2 o'clock"]),
        ("右乳10点钟距乳头3cm见结节。", ["10 o'clock"]),
        ("甲状腺右叶上极见一结节。", ["upper pole"]),
        ("肝右叶S6段见一结节。", ["right lobe", "segment 6"]),
        ("肝右叶VII段见一结节。", ["right lobe", "segment 7"]),
        ("颈总动脉分叉处后壁见斑块。", ["bifurcation", "posterior wall"]),
        ("子宫前壁肌壁间见肌瘤。", ["anterior wall", "intramural"]),
        ("Mass in the right breast at 10:00, 4 cm FN.", ["10 o'clock"]),
        ("Mass at 12 o'clock in the left breast.", ["12 o'clock"]),
        ("Cyst in segment VII of the liver.", ["segment 7"]),
        ("Stone in the lower pole of the left kidney.", ["lower pole"]),
        ("Plaque on the far wall of the carotid bulb.", ["posterior wall", "carotid bulb"]),
    ],
)
def test_sites_are_read(text: str, sites: list[str]) -> None:
    expected = ["bifurcation" if site == "carotid bulb" else site for site in sites]
    assert sorted(_sites(text)) == sorted(expected)


@pytest.mark.parametrize(
    "text",
    [
        "囊肿后壁回声增强。",
        "图像左上部见结节。",
        "BI-RADS 4类。",
        "结节内见3个点状强回声。",
        "甲状腺左叶见结节。",
        "Nodule in the left thyroid lobe.",
        "A 10.2 cm kidney.",
    ],
)
def test_other_words_are_no_sites(text: str) -> None:
    assert _sites(text) == []


@pytest.mark.parametrize(
    ("value", "group"),
    [("2 o'clock", "clock"), ("segment 7", "segment"), ("upper pole", "pole")],
)
def test_every_site_has_a_group(value: str, group: str) -> None:
    assert group_of(value) == group
