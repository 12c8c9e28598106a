"""Machine-written captions of BUS-BRA and AUL beside the labels of their images.

The true ones are chosen by bare words, not by the reader: no word of the other pathology, no denied
lesion beside a lesion's label. Into these, contradictions are planted. A caption's own side stands
for the label's, since neither set states one.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from echovlm.facts import ContradictionKind as Kind
from echovlm.facts import Fact, Origin, check_text

_OTHER_SIDE = {"left": "右", "right": "左"}
_OTHER_PATHOLOGY = {"benign": "malignant", "malignant": "benign"}
_SWAP = str.maketrans("左右", "右左")
# Files of AUL are numbered through the folders Benign, Malignant, Normal, sorted by name.
_AUL_FOLDERS = ((200, "benign"), (635, "malignant"), (735, "normal"))
_LESION = re.compile("(?<!未见)(?:低回声|高回声|无回声|囊性|实性|占位|结节|肿块|包块|病灶)")
_DENIAL = re.compile("(?:未见|无)[^，。]{0,10}(?:占位|病灶|包块|肿块|结节|病变|异常回声)|整体|总体")


@dataclass(frozen=True)
class Caption:
    text: str
    organ: str
    pathology: str
    side: str | None = None

    def facts(self) -> list[Fact]:
        values: dict[str, bool | int | str] = {"anatomy": self.organ, "pathology": self.pathology}
        values["lesion_present"] = self.pathology != "normal"
        if self.side:
            values["laterality"] = self.side
        return [
            Fact(name=name, value=value, origin=Origin.LABEL, source="label")
            for name, value in values.items()
        ]

    def kinds(self, *more: Fact) -> set[Kind]:
        return {found.kind for found in check_text(self.text, [*self.facts(), *more], "zh")}


def _stated_side(text: str) -> str | None:
    """The one side a caption names: the table's "Side" is a half of the screen, not of the body."""
    named = [side for side, other in _OTHER_SIDE.items() if other not in text]
    return named[0] if len(named) == 1 and re.search("[左右](?:侧|乳)", text) else None


def _aul_pathology(number: int) -> str:
    return next(name for end, name in _AUL_FOLDERS if number < end)


@pytest.fixture(scope="module")
def captions(shared_dir: Path) -> list[Caption]:
    breast = shared_dir / "ultrasound/breast/BUS-BRA"
    liver = shared_dir / "ultrasound/liver/AUL"
    texts = shared_dir / "text/zh_captions.jsonl"
    for needed in (breast / "bus_data.csv", liver, texts):
        if not needed.exists():
            pytest.skip(f"needs {needed.name}, which is absent")
    with (breast / "bus_data.csv").open(encoding="utf-8") as lines:
        labels = {row["ID"]: row for row in csv.DictReader(lines)}
    found: list[Caption] = []
    for line in texts.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        name = Path(row["image"]).stem
        if row["dataset"] == "BUS-BRA" and name in labels:
            text = row["text"]
            found.append(Caption(text, "breast", labels[name]["Pathology"], _stated_side(text)))
        elif row["dataset"] == "Annotated Ultrasound Liver images":
            image, number = name.split("_")
            pathology = _aul_pathology(int(number))
            if (liver / pathology.capitalize() / "image" / f"{image}.jpg").exists():
                found.append(Caption(row["text"], "liver", pathology))
    return found


@pytest.fixture(scope="module")
def true_captions(captions: list[Caption]) -> list[Caption]:
    return [caption for caption in captions if _agrees(caption)]


def _agrees(caption: Caption) -> bool:
    text = caption.text
    if caption.pathology == "normal":
        return not re.search("(?<!常)(?:可见|内见|见一)[^，。]*(?:回声|结节|病)", text)
    if re.search("恶|癌" if caption.pathology == "benign" else "良性|囊肿|脓肿", text):
        return False
    return bool(_LESION.search(text)) and not _DENIAL.search(text)


def _share(caught: list[bool], at_least: int) -> float:
    assert len(caught) >= at_least
    return sum(caught) / len(caught)


def _lesions(captions: list[Caption]) -> list[Caption]:
    return [caption for caption in captions if caption.pathology != "normal"]


def test_true_captions_raise_few_alarms(true_captions: list[Caption]) -> None:
    assert _share([bool(caption.kinds()) for caption in true_captions], 400) <= 0.05


def test_a_normal_label_under_a_described_lesion_is_found(true_captions: list[Caption]) -> None:
    planted = [replace(caption, pathology="normal") for caption in _lesions(true_captions)]
    assert _share([Kind.LESION_IN_NORMAL in caption.kinds() for caption in planted], 400) >= 0.9


def test_a_flipped_pathology_is_found(true_captions: list[Caption]) -> None:
    stated = [
        replace(caption, pathology=_OTHER_PATHOLOGY[caption.pathology])
        for caption in _lesions(true_captions)
        if re.search("良性|恶性", caption.text)
    ]
    assert _share([Kind.BENIGN_MALIGNANT in caption.kinds() for caption in stated], 50) >= 0.9


@pytest.mark.parametrize(
    ("pathology", "ending"),
    [
        ("malignant", "考虑良性病变可能。"),
        ("malignant", "符合囊肿表现。"),
        ("malignant", "提示纤维腺瘤。"),
        ("benign", "提示可能为恶性病变。"),
        ("benign", "符合癌的声像图表现，建议活检。"),
    ],
)
def test_an_added_wrong_pathology_is_found(
    true_captions: list[Caption], pathology: str, ending: str
) -> None:
    silent = [
        replace(caption, text=f"{caption.text.rstrip('，')}。{ending}")
        for caption in true_captions
        if caption.pathology == pathology and not re.search("良性|恶性|囊肿", caption.text)
    ]
    assert _share([Kind.BENIGN_MALIGNANT in caption.kinds() for caption in silent], 50) >= 0.9


def test_a_swapped_side_is_found(true_captions: list[Caption]) -> None:
    swapped = [
        replace(caption, text=caption.text.translate(_SWAP))
        for caption in true_captions
        if caption.side and re.search("[左右](?:侧|乳)", caption.text)
    ]
    assert _share([Kind.LEFT_RIGHT in caption.kinds() for caption in swapped], 60) >= 0.9


def test_a_size_that_only_the_impression_has_is_found(true_captions: list[Caption]) -> None:
    rng = np.random.default_rng(0)
    caught = []
    for caption in _lesions(true_captions):
        long, short = sorted(rng.integers(40, 60, size=2).tolist(), reverse=True)
        text = f"超声所见：{caption.text}\n超声提示：病灶大小约{long}mm×{short}mm，建议随访。"
        caught.append(Kind.SIZE_MISSING in replace(caption, text=text).kinds())
    assert _share(caught, 400) >= 0.9


@pytest.mark.parametrize("many", ["多个", "两个", "多发"])
def test_several_lesions_against_one_label_are_found(
    true_captions: list[Caption], many: str
) -> None:
    one = Fact(name="lesion_count", value=1, origin=Origin.MASK, source="mask")
    planted = [
        replace(caption, text=re.sub("见一个?(?!致|定|些)", f"见{many}", caption.text, count=1))
        for caption in _lesions(true_captions)
        if re.search("见一个?(?!致|定|些)", caption.text)
    ]
    caught = [Kind.SINGLE_MULTIPLE in caption.kinds(one) for caption in planted]
    assert _share(caught, 200) >= 0.9


def test_one_lesion_against_a_label_of_several_is_found(true_captions: list[Caption]) -> None:
    several = Fact(name="lesion_count", value=3, origin=Origin.MASK, source="mask")
    planted = [
        caption
        for caption in _lesions(true_captions)
        if re.search("见一个?(?!致|定|些)", caption.text)
        and not re.search("多个|多发|数个|散在", caption.text)
    ]
    caught = [Kind.SINGLE_MULTIPLE in caption.kinds(several) for caption in planted]
    assert _share(caught, 200) >= 0.9


def test_a_lesion_label_over_a_normal_caption_is_found(captions: list[Caption]) -> None:
    denied, seen = "未见明显(?:占位|异常回声|异常包块)", "(?:可见|内见|见一|局部)"
    normal = [
        replace(caption, pathology="benign", side=None)
        for caption in captions
        if caption.organ == "liver"
        and re.search(denied, caption.text)
        and not re.search(seen, caption.text)
    ]
    assert _share([Kind.NO_LESION in caption.kinds() for caption in normal], 50) >= 0.9


def test_a_denied_lesion_after_a_described_one_is_found(true_captions: list[Caption]) -> None:
    planted = [
        replace(caption, text=f"{caption.text.rstrip('，。')}。超声提示：未见明显占位性病变。")
        for caption in _lesions(true_captions)
    ]
    assert _share([Kind.NO_LESION in caption.kinds() for caption in planted], 400) >= 0.9
