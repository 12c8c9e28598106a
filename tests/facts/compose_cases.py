"""Composes ``contradiction_cases.jsonl``: texts with planted contradictions, and true texts.

Run ``python tests/facts/compose_cases.py`` after a change of the wordings. The halves share no
wording: the reader was tuned on "development" alone, and "heldout" was written afterwards.
"""

from __future__ import annotations

import json
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).with_name("contradiction_cases.jsonl")
_SIDES = {"zh": {"left": "左", "right": "右"}, "en": {"left": "left", "right": "right"}}
_ORGANS = {
    "zh": {"breast": "乳腺", "thyroid": "甲状腺", "kidney": "肾", "liver": "肝"},
    "en": {"breast": "breast", "thyroid": "thyroid", "kidney": "kidney", "liver": "liver"},
}
_HEADINGS = {
    "zh": [("超声所见：{}超声提示：{}"), ("超声所见：{}\n超声诊断：{}"), ("所见：{}\n印象：{}")],
    "en": [
        ("Findings: {}\nImpression: {}"),
        ("FINDINGS: {} CONCLUSION: {}"),
        ("Ultrasound findings: {}\nUltrasound impression: {}"),
    ],
}
_SIZES = {
    "zh": [
        "，大小约{a}mm×{b}mm",
        "，范围约{ca}cm×{cb}cm",
        "，长径{a} mm，短径{b} mm",
        "，大小{ca}×{cb}厘米",
        "，约{a}×{b}毫米",
    ],
    "en": [
        " measuring {a} x {b} mm",
        " of {ca} cm x {cb} cm",
        " with a long axis of {a} mm and a short axis of {b} mm",
        " ({a} mm by {b} mm)",
    ],
}
_PAIRS = {
    "zh": ["{a}mm×{b}mm", "{ca}cm×{cb}cm", "{ca}×{cb}厘米"],
    "en": ["{a} x {b} mm", "{ca} x {cb} cm"],
}
_LONGEST = {"zh": ["{a}mm", "{ca}厘米"], "en": ["{a} mm", "{ca} cm"]}


class Composer:
    """One half in one language."""

    def __init__(self, half: str, language: str, seed: int) -> None:
        self.half, self.language = half, language
        self.rng = np.random.default_rng(seed)
        source = TARGET.with_name(f"wording_{half}.json")
        self.stock: dict[str, list[Any]] = json.loads(source.read_text("utf-8"))[language]
        self.cases: list[dict[str, Any]] = []

    def pick(self, options: list[Any]) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def side(self) -> tuple[str, str]:
        left = bool(self.rng.integers(2))
        return ("left", "right") if left else ("right", "left")

    def size(self) -> tuple[int, int]:
        long = int(self.rng.integers(8, 36))
        return long, max(4, int(long * self.rng.uniform(0.5, 0.85)))

    def measured(self, forms: list[str], size: tuple[int, int]) -> str:
        a, b = size
        return self.pick(forms).format(a=a, b=b, ca=f"{a / 10:.1f}", cb=f"{b / 10:.1f}")

    def fill(
        self, template: str, organ: str, side: str, size: tuple[int, int] | None = None
    ) -> str:
        chinese = self.language == "zh"
        word = _SIDES[self.language][side]
        if organ == "liver":
            template = template.replace("{S}侧", "").replace("{S} ", "").replace("{S}", "")
        values = {
            "{S}": word,
            "{O}": _SIDES[self.language]["right" if side == "left" else "left"],
            "{P}": _ORGANS[self.language][organ],
            "{Z}": self.measured(_SIZES[self.language], size) if size else "",
        }
        if size:
            values["{N}"] = self.measured(_PAIRS[self.language], size)
            values["{L}"] = self.measured(_LONGEST[self.language], size)
        for slot, value in values.items():
            template = template.replace(slot, value)
        return template if chinese else template[:1].upper() + template[1:]

    def report(self, findings: str, impression: str) -> str:
        return self.pick(_HEADINGS[self.language]).format(findings, impression)

    def add(self, expected: str | None, text: str, facts: dict[str, Any]) -> None:
        number = len(self.cases)
        self.cases.append(
            {
                "id": f"{self.half}-{self.language}-{number:03d}",
                "half": self.half,
                "language": self.language,
                "expected": expected,
                "text": text,
                "facts": facts,
            }
        )

    def lesions(self, count: int, organ: str | None = None) -> list[tuple[str, str]]:
        stock = [entry for entry in self.stock["lesions"] if organ in (None, entry[0])]
        return list(islice(cycle(stock), count))

    # --- planted --------------------------------------------------------------------------------

    def lesion_in_normal(self, count: int) -> None:
        for place, (organ, template) in enumerate(self.lesions(count)):
            side, _ = self.side()
            text = self.fill(template, organ, side, self.size() if place % 2 else None)
            if place % 3 == 0:
                text = self.report(text, self.fill(self.pick(self.stock["neutral"]), organ, side))
            facts = {"anatomy": organ, "pathology": "normal", "lesion_present": False}
            self.add("lesion in normal", text, facts)

    def no_lesion(self, count: int) -> None:
        for place, (organ, text) in enumerate(islice(cycle(self.stock["normals"]), count)):
            side, _ = self.side()
            facts: dict[str, Any] = {"anatomy": organ}
            if place < len(self.stock["normals"]):
                facts |= {"lesion_present": True, "pathology": self.pick(["benign", "malignant"])}
            else:
                body = text.split("超声提示")[0].split("Impression")[0]
                body = body.removeprefix("超声所见：").removeprefix("Findings: ")
                text = self.report(body, self.fill(self.pick(self.stock["neutral"]), organ, side))
            self.add("no lesion against lesion", text, facts)

    def benign_malignant(self, count: int) -> None:
        for place, (organ, template) in enumerate(self.lesions(count, "breast")):
            side, _ = self.side()
            said, true = ("benign", "malignant") if place % 2 else ("malignant", "benign")
            text = self.fill(template, organ, side, self.size() if place % 2 else None)
            impression = self.fill(self.pick(self.stock[said]), organ, side)
            facts = {"anatomy": organ, "pathology": true, "laterality": side}
            if place % 3 == 2:
                text += self.fill(self.pick(self.stock[true]), organ, side)
                facts = {"anatomy": organ}
            self.add("benign against malignant", self.report(text, impression), facts)

    def left_right(self, count: int) -> None:
        stock = [entry for entry in self.stock["lesions"] if entry[0] != "liver"]
        for place, (organ, template) in enumerate(islice(cycle(stock), count)):
            side, other = self.side()
            text = self.fill(template, organ, side, self.size() if place % 2 else None)
            facts: dict[str, Any] = {"anatomy": organ}
            if place % 2:
                facts["laterality"] = other
            else:
                text = self.report(text, self.fill(self.pick(self.stock["neutral"]), organ, other))
            self.add("left against right", text, facts)

    def size_missing(self, count: int) -> None:
        for place, (organ, template) in enumerate(self.lesions(count)):
            side, _ = self.side()
            a, b = self.size()
            text = self.fill(template, organ, side, None if place % 3 == 2 else (a, b))
            impression = self.fill(self.pick(self.stock["sized"]), organ, side, (a + 7, b + 5))
            self.add(
                "size of the impression missing in the findings",
                self.report(text, impression),
                {"anatomy": organ},
            )

    def single_multiple(self, count: int) -> None:
        for place in range(count):
            side, _ = self.side()
            several = place % 2 == 1
            organ, template = self.pick(self.stock["several" if several else "lesions"])
            text = self.fill(template, organ, side)
            facts: dict[str, Any] = {"anatomy": organ}
            if place % 4 < 2:
                stock = self.stock["single" if several else "multiple"]
                text = self.report(text, self.fill(self.pick(stock), organ, side))
            else:
                facts["lesion_count"] = 1 if several else 3
            self.add("single against multiple", text, facts)

    # --- true -----------------------------------------------------------------------------------

    def true_texts(self, count: int) -> None:
        for place, (organ, template) in enumerate(self.lesions(count)):
            side, _ = self.side()
            size = self.size()
            text = self.fill(template, organ, side, size)
            facts: dict[str, Any] = {
                "anatomy": organ, "lesion_present": True, "lesion_count": 1,
                "size_long_mm": float(size[0]),
            }  # fmt: skip
            if organ != "liver":
                facts["laterality"] = side
            stock = "sized" if place % 2 else "neutral"
            if organ == "breast" and place % 3:
                is_cyst = "无回声" in text or "anechoic" in text
                stock = facts["pathology"] = (
                    "benign" if is_cyst else ("malignant", "benign")[place % 2]
                )
            impression = self.fill(self.pick(self.stock[stock]), organ, side, size)
            self.add(None, self.report(text, impression), facts)
        for organ, text in self.stock["normals"]:
            self.add(None, text, {"anatomy": organ, "lesion_present": False, "pathology": "normal"})
        for organ, template in self.stock["several"]:
            side, _ = self.side()
            impression = self.fill(self.pick(self.stock["multiple"]), organ, side)
            text = self.report(self.fill(template, organ, side), impression)
            self.add(None, text, {"anatomy": organ, "lesion_present": True})
        for template, facts in self.stock["hard"]:
            side, _ = self.side()
            said = {name: side if value == "{S}" else value for name, value in facts.items()}
            self.add(None, self.fill(template, "breast", side), said)


def main() -> None:
    rows: list[dict[str, Any]] = []
    for half, name in enumerate(("development", "heldout")):
        for tongue, language in enumerate(("zh", "en")):
            composer = Composer(name, language, seed=2 * half + tongue)
            count = 13 if half == tongue else 12
            composer.lesion_in_normal(count)
            composer.no_lesion(count)
            composer.benign_malignant(count)
            composer.left_right(count)
            composer.size_missing(count)
            composer.single_multiple(count)
            composer.true_texts(12)
            rows += composer.cases
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
