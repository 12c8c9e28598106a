"""Invented patients, doctors and hospitals, for archives in which every name is known to be false.

Names are put together at random from lists of frequent surnames and given names; numbers, dates and
hospitals are invented. Equal generators give equal people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from echovlm.terms import Language

_FAMILY_ZH = {
    "王": "Wang", "李": "Li", "张": "Zhang", "刘": "Liu", "陈": "Chen", "杨": "Yang", "黄": "Huang",
    "赵": "Zhao", "吴": "Wu", "周": "Zhou", "徐": "Xu", "孙": "Sun", "马": "Ma", "朱": "Zhu",
    "胡": "Hu", "郭": "Guo", "何": "He", "林": "Lin", "罗": "Luo", "梁": "Liang", "宋": "Song",
    "郑": "Zheng", "谢": "Xie", "韩": "Han", "唐": "Tang", "冯": "Feng", "曹": "Cao", "彭": "Peng",
    "欧阳": "Ouyang", "司徒": "Situ",
}  # fmt: skip
_GIVEN_ZH = {
    "F": {
        "秀英": "Xiuying", "桂兰": "Guilan", "丽华": "Lihua", "婷婷": "Tingting", "雅琴": "Yaqin",
        "晓燕": "Xiaoyan", "静怡": "Jingyi", "敏": "Min", "玉梅": "Yumei", "海霞": "Haixia",
        "思琪": "Siqi", "慧": "Hui", "春兰": "Chunlan", "若曦": "Ruoxi", "淑珍": "Shuzhen",
    },
    "M": {
        "建国": "Jianguo", "志强": "Zhiqiang", "伟": "Wei", "宏伟": "Hongwei", "文博": "Wenbo",
        "俊杰": "Junjie", "德明": "Deming", "浩然": "Haoran", "磊": "Lei", "永康": "Yongkang",
        "国栋": "Guodong", "振华": "Zhenhua", "子轩": "Zixuan", "勇": "Yong", "铁柱": "Tiezhu",
    },
}  # fmt: skip
_FAMILY_EN = (
    "Ashford", "Bellamy", "Calloway", "Dunmore", "Eastwick", "Fairbairn", "Greenhalgh",
    "Hathersage", "Inglewood", "Jessop", "Kestrel", "Lockhart", "Merriweather", "Northcote",
    "Ormerod", "Pemberton", "Quillfeather", "Ravenscroft", "Satterthwaite",
    "Tattersall", "Underhill", "Wetherby",
)  # fmt: skip
_GIVEN_EN = {
    "F": ("Agnes", "Beatrix", "Clementine", "Dorothea", "Eleanor", "Florence", "Harriet", "Imogen",
          "Josephine", "Matilda", "Philippa", "Rosalind"),
    "M": ("Alistair", "Bertram", "Cuthbert", "Desmond", "Edmund", "Fergus", "Gilbert", "Horace",
          "Leopold", "Montague", "Rupert", "Theodore"),
}  # fmt: skip
_HOSPITALS = {
    Language.CHINESE: (
        "云溪市第三人民医院", "青岚医科大学附属医院", "河畔区中心医院",
        "明湖妇幼保健院", "北岭县人民医院",
    ),
    Language.ENGLISH: (
        "Larkhill General Hospital", "Saint Orrin Medical Centre", "Tidewater Clinic",
        "Marlowe Valley Hospital", "Fenwick University Hospital",
    ),
}  # fmt: skip
_STREETS = {
    Language.CHINESE: ("解放路", "翠湖街", "建设巷", "学府大道"),
    Language.ENGLISH: ("Mill Lane", "Chapel Row", "Harbour Street", "Quarry Road"),
}


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist.

    Attributes:
        language: in which the name is written.
        family: surname.
        given: given name.
        roman: family and given name in Latin letters.
        sex: "F" or "M".
        born: date of birth.
        number: patient number of the hospital.
        phone: telephone number.
        address: street and number.
    """

    language: Language
    family: str
    given: str
    roman: tuple[str, str]
    sex: str
    born: date
    number: str
    phone: str
    address: str

    @property
    def name(self) -> str:
        """The whole name as it is written in running text."""
        if self.language is Language.CHINESE:
            return self.family + self.given
        return f"{self.given} {self.family}"

    @property
    def roman_name(self) -> str:
        """Family and given name in Latin letters, as a scanner without Chinese fonts shows it."""
        return f"{self.roman[0].upper()} {self.roman[1].upper()}"


def draw_person(
    rng: np.random.Generator, language: Language, sex: str | None = None, about: date | None = None
) -> Person:
    """Draw a person.

    Args:
        rng: source.
        language: in which the name is written.
        sex: "F" or "M"; drawn where None.
        about: a day on which the person is 19 to 84 years old; 1 January 2024 where None.
    """
    sex = sex or str(rng.choice(["F", "M"]))
    if language is Language.CHINESE:
        family = str(rng.choice(list(_FAMILY_ZH)))
        given = str(rng.choice(list(_GIVEN_ZH[sex])))
        roman = (_FAMILY_ZH[family], _GIVEN_ZH[sex][given])
        street = f"{rng.choice(_STREETS[language])}{rng.integers(2, 300)}号"
        phone = f"1{rng.choice(['38', '59', '86'])}{rng.integers(0, 10**8):08d}"
    else:
        family = str(rng.choice(_FAMILY_EN))
        given = str(rng.choice(_GIVEN_EN[sex]))
        roman = (family, given)
        street = f"{rng.integers(2, 300)} {rng.choice(_STREETS[language])}"
        phone = f"({rng.integers(201, 989)}) 555-{rng.integers(0, 10**4):04d}"
    days = int(rng.integers(19 * 365, 84 * 365))
    return Person(
        language=language,
        family=family,
        given=given,
        roman=roman,
        sex=sex,
        born=(about or date(2024, 1, 1)) - timedelta(days=days),
        number=f"{rng.choice(['P', 'H', ''])}{rng.integers(10**7, 10**8)}",
        phone=phone,
        address=street,
    )


def draw_hospital(rng: np.random.Generator, language: Language) -> str:
    """Draw the name of a hospital that does not exist."""
    return str(rng.choice(_HOSPITALS[language]))
