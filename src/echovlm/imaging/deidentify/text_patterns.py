"""Patterns of what identifies people in a report text, Chinese and English, as a table.

Each row is a kind of item and a regular expression whose group ``item`` (or whole match) is
replaced. Rows are tried in order, so a date is taken before its digits could pass for a number.
Clinical text that looks alike is spared by the expressions themselves: a clock position of the
breast ("3点", "10:30"), a gestational age ("孕12周+3天"), a guideline's year ("2017版"), a size.

Sources: HIPAA Safe Harbor, 45 CFR 164.514(b)(2) (the list of identifiers); GB 11643-1999 (identity
card number); GB/T 37964-2019 (de-identification).
"""

from __future__ import annotations

import re

_HAN = "\u4e00-\u9fa5"

# The hundred or so most frequent surnames, and those of two characters.
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭袁肖田董潘蔡蒋余杜叶程魏苏吕丁沈"
    "任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱侯邹熊孟秦白江阎薛闫段雷龙黎史陶贺顾毛郝龚邵万钱严覃武戚莫孔"
    "汤温康施洪樊兰殷翟倪柯庞邢俞葛岳齐尹詹鲁欧章聂梅盛童凌毕裘祝柳舒关耿焦鲍屈项甄骆包司霍管蓝裴阮"
)
_DOUBLE = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|司徒|端木|独孤|南宫"
_SURNAME = f"(?:{_DOUBLE}|[{_SURNAMES}])"
# No given name has one of these, but words that begin like a surname do ("高血压", "金属夹").
_NO_NAME = (
    "(?![^，,。；;\\s]{0,3}[血压痛病症炎癌瘤肿囊结肝肾心肺胆脾胰乳腺甲孕产术龄级度声像"
    "性区域侧位段期型属夹管壁钙积液后前查示见])"
)
_HAN_NAME = f"{_NO_NAME}{_SURNAME}[{_HAN}·]{{1,2}}"
_ANY_HAN_NAME = f"(?!未|不|无|见|详|男|女)[{_HAN}][{_HAN}·]{{1,3}}|[{_HAN}]\\s[{_HAN}]"
_END = r"(?=[\s,，。；;、.)）/|（(]|$)"

_CAP = r"[A-Z]\.|[A-Z][A-Za-z]*(?:['’-][A-Za-z]+)*"
# Capitalised words that follow "Patient" or "Physician:" and are no name.
_NO_CAP = (
    r"(?!(?:Female|Male|Unknown|None|Not|No|Supine|Prone|Has|Had|Is|Was|With|Without|Presented|"
    r"Presents|Position|History|Age|Sex|Name|ID|The|In|And|For|At|On|Of|To|Pending|Breast|Thyroid|"
    r"Liver|Kidney|Renal|Right|Left|Normal|Study|Exam|Report|Findings|Impression)\b)"
)
_NAME = rf"(?:{_NO_CAP}(?:{_CAP}))(?:[ ,]{{1,2}}{_NO_CAP}(?:{_CAP}))" + "{0,3}"
_TITLED = r"(?:(?:Dr|Mr|Mrs|Ms|Prof)\.?\s+)?"

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|"
    r"DEC)\.?"
)
_YEAR = r"(?:19|20)\d{2}"
_M = r"(?:0?[1-9]|1[0-2])"
_D = r"(?:0?[1-9]|[12]\d|3[01])"
_NO_UNIT = (
    r"(?!\s?(?:mm|cm|ml|mIU|IU|U/|ng|pg|ug|µg|copies|g/|g\b|Hz|kHz|/|×|x\b|[.,]\d|周|岁|次|例|%))"
)

_ID_LABELS_ZH = (
    r"(?:住院|门诊|病历|病案|检查|登记|就诊|影像|超声|床|申请单|条码|流水|医保|社保|证件|身份证|编|卡|检查序|样本|病理)"
    r"(?:号码?|ID)|床位"
)
_ID_LABELS_EN = (
    r"(?:patient|exam(?:ination)?|study|visit|case|accession|hospital|record|chart|encounter|order|"
    r"file|insurance|policy|social security|medical record|unit|request)"
    r"\s*(?:id|no\.?|number|nr\.?|#)"
    r"|mrn|accession|acc\.?\s?(?:no\.?|#)|ssn|nhs(?:\s?no\.?)?"
)
_PEOPLE_ZH = (
    r"(?:患者|病人|受检者|孕妇|产妇)?姓名|受检者|(?:检查|审核|报告|诊断|送检|申请|主治|主管|操作|记录|签发|书写|复核|会诊|超声|经治|主检)"
    r"(?:医师|医生|者|人|员|技师)|审核|医师|医生|录入|记录|签名|签字|签章|联系人|家属|陪同人"
)
_PEOPLE_EN = (
    r"patient(?:'s)?(?:\s+name)?|(?:full|last|first|family|given)\s+name|name|pt|sonographer|radiologist|physician|"
    r"doctor|examiner|technologist|operator|attending|consultant|resident|nurse|referrer|"
    r"(?:referring|requesting|reporting|reading|ordering|attending)\s+(?:physician|doctor|clinician)"
)
_BY = (
    r"(?:reported|read|performed|signed|reviewed|verified|dictated|interpreted|examined|referred|"
    r"requested|approved|authorised|authorized|scanned|transcribed|discussed|seen)\s+(?:by|with)"
)
_GENERIC_PLACE = "".join(
    f"(?<!{word})"
    for word in [
        "上级",
        "当地",
        "其他",
        "其它",
        "本地",
        "外地",
        "下级",
        "附近",
        "各级",
        "就近",
        "正规",
        "上述",
        "三甲",
    ]
)
_NO_PLACE = r"(?!(?:外|本|我|大|原|该|某|综合|专科|基层)医院)"
# Verbs that stand before the name of a place, so that they stay.
_TO = "于在到从往由经至去转"
_PLACE_START = rf"(?:(?<=[{_TO}的：:，,。；;、（(\s])|^)"
_PLACE_END_ZH = r"(?:医院|卫生院|诊所|保健院|体检中心|医学院|卫生服务中心|门诊部|医学中心|健康中心)"
_PLACE_END_EN = (
    r"(?:Hospitals?|Clinics?|Medical\s+Cent(?:er|re)|Health\s+Cent(?:er|re)|Infirmary|"
    r"Imaging\s+Cent(?:er|re)|Medical\s+Group|University|Healthcare|Health\s+System)"
)
_PLACE_WORD = (
    r"(?!(?:The|At|From|In|Local|This|Our|Outside|Referred|Another|University|Any|Day|To|See)\s)"
)


def _row(kind: str, pattern: str, flags: int = 0) -> tuple[str, re.Pattern[str]]:
    return kind, re.compile(pattern, flags)


_I = re.IGNORECASE | re.MULTILINE
_S = re.MULTILINE

PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    _row("contact", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    _row("contact", r"https?://\S+|www\.\S+", _I),
    _row("contact", r"(?:微信|微信号|QQ|wechat)\s*[:：]?\s*(?P<item>[\w-]{5,})", _I),
    # addresses and places
    _row(
        "place",
        r"(?:家庭|现|通讯|户籍|联系)?(?:住址|地址|籍贯|工作单位|单位)\s*[:：]\s*(?P<item>[^，。；;\n]+)",
    ),
    _row(
        "place",
        r"\b(?:home\s+)?address\s*[:：]\s*(?P<item>[^;\n]+?)(?=[.;]?\s*(?:$|\n|;)|\.\s)",
        _I,
    ),
    _row(
        "place",
        rf"(?:[{_HAN}]{{2,4}}省)?[{_HAN}]{{2,4}}市(?:[{_HAN}]{{1,5}}[区县镇])?[{_HAN}]{{1,8}}(?:路|街|大道|巷|胡同|小区|村)[{_HAN}]{{0,6}}\d*号?(?:\d+(?:栋|幢|单元|室|楼|号))*",
    ),
    _row(
        "place",
        rf"(?<![{_HAN}])[{_HAN}]{{1,8}}(?:路|街|大道|巷|胡同)\d+号(?:\d+(?:栋|幢|单元|室|楼))*",
    ),
    _row(
        "place",
        rf"{_PLACE_START}(?P<item>{_NO_PLACE}(?:(?![{_TO}])[{_HAN}]){{2,22}}?{_GENERIC_PLACE}{_PLACE_END_ZH})",
    ),
    _row(
        "place",
        rf"\b{_PLACE_WORD}(?:(?:[A-Z][A-Za-z.'’&-]+|of|and)\s+){{1,5}}?{_PLACE_END_EN}(?:\s+of\s+[A-Z][a-z]+)?(?:\s+[A-Z][a-z]+\s+Department)?\b",
    ),
    _row(
        "place",
        r"\b\d{1,5}\s+(?:[A-Z][a-z]+\s+){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Boulevard|Blvd|Way)\b\.?",
    ),
    # numbers with a shape of their own
    _row("id", r"(?<!\d)\d{17}[\dXx](?![\dA-Za-z])"),
    _row("id", r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"),
    _row("phone", r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"),
    _row("phone", r"(?<!\d)\(?0\d{2,3}\)?[- ]\d{7,8}(?!\d)"),
    _row("phone", r"(?<![\d.])(?:\+?\d{1,3}[ .-])?\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}(?!\d)"),
    _row("phone", r"\+\d{1,3}(?:[ -]?\d{2,4}){3,5}"),
    _row(
        "phone",
        r"(?:电话|手机|联系方式|\bphone|\btel|\bfax|\bmobile)(?:号码?|\.)?\s*[:：]?\s*"
        r"(?P<item>\+?[\d(][\d ()-]{5,}\d)",
        _I,
    ),
    # dates and times
    _row("date", rf"(?<!\d){_YEAR}\s?年\s?{_M}\s?月(?:\s?{_D}\s?[日号])?份?"),
    _row("date", rf"(?<!\d){_M}月{_D}[日号]"),
    _row(
        "date",
        r"[一二三四五六七八九〇零]{4}年[一二三四五六七八九十]{1,2}月(?:[一二三四五六七八九十]{1,3}日)?",
    ),
    _row("date", rf"(?<![\d.]){_YEAR}([-/.]){_M}\1{_D}(?:T\d\d:\d\d(?::\d\d)?)?(?!\d|[.]\d)"),
    _row(
        "date",
        rf"(?<![\d.]){_D}([-/.]){_M}\1{_YEAR}(?!\d)|(?<![\d.]){_M}([-/.]){_D}\2{_YEAR}(?!\d)",
    ),
    _row("date", rf"(?<![\d./])(?:{_D}/{_M}|{_M}/{_D})/\d{{2}}(?![\d/.]|\s?(?:mm|cm))"),
    _row("date", rf"(?<![\d.]){_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)"),
    _row("date", rf"\b{_D}(?:st|nd|rd|th)?[ -](?:of )?{_MONTH}[ ,-]{{1,2}}(?:{_YEAR}|\d{{2}})\b"),
    _row("date", rf"\b{_MONTH}\s{_D}(?:st|nd|rd|th)?,?(?:\s{_YEAR})?\b{_NO_UNIT}"),
    _row("date", rf"\b{_D}(?:st|nd|rd|th)?\s{_MONTH}(?![A-Za-z])(?<!\bMay)"),
    _row("date", rf"\b{_MONTH},?\s{_YEAR}\b"),
    _row(
        "date",
        r"(?:\bdob|\bborn|\bdate of birth|出生日期|生日)\s*(?:on)?\s*[:：]?\s*"
        r"(?P<item>[\d./年月日-]{4,}\d日?)",
        _I,
    ),
    _row(
        "time",
        r"(?<![\d:.])(?:[01]?\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?!\d)(?:\s?[ap]\.?m\b\.?)?",
        _I,
    ),
    _row("time", r"(?<![\d:.])(?:0?\d|1[0-2])(?::[0-5]\d)?\s?[ap]\.?m\b\.?(?!\s?(?:/|=))", _I),
    _row("time", r"(?<![\d:.])(?:1[3-9]|2[0-3]):[0-5]\d(?![\d:])"),
    _row(
        "time",
        r"(?<![\d:.比])(?:0?\d|1[0-2]):(?!00|30)[0-5]\d(?![\d:])(?!\s?(?:o'clock|position|点))",
    ),
    _row("time", r"(?:时间|\btime)\s*[:：]?\s*(?P<item>\d{1,2}:\d{2})", _I),
    _row("time", r"(?:\[date\]|\[日期\])\s*(?:at\s+)?(?P<item>\d{1,2}:\d{2})(?!\d)"),
    _row(
        "time",
        r"\d{1,2}时\d{1,2}分(?:\d{1,2}秒)?|\d{1,2}点\d{1,2}分|(?:上午|下午|凌晨|晚上|中午|早上)\d{1,2}[点时](?:半|\d{1,2}分?)?",
    ),
    # identifiers
    _row("id", rf"(?:{_ID_LABELS_ZH})\s*[:：为是]?\s*(?P<item>[A-Za-z]{{0,6}}-?\d[A-Za-z\d-]*)"),
    _row(
        "id",
        rf"\b(?:{_ID_LABELS_EN})\s*[:：#]?\s*(?:is\s+)?(?P<item>[A-Za-z]{{0,6}}[-.]?\d[A-Za-z\d./-]*[A-Za-z\d]|\d)",
        _I,
    ),
    _row("id", r"\bID\s*[:：#]\s*(?P<item>[A-Za-z\d][A-Za-z\d.-]{2,})", _I),
    _row(
        "id",
        r"\b(?:Bed|Room|Ward)\s*(?:no\.?|#|[:：])?\s*(?P<item>\d{1,4}[A-Z]?)\b(?!\s?(?:mm|cm))",
        _I,
    ),
    _row("id", r"(?<![\d.])(?P<item>\d{1,3})床(?!旁|边)"),
    _row("id", r"(?<![\dA-Za-z.])[A-Z]{1,5}-?\d{5,}(?:-\d+)*(?![\dA-Za-z])"),
    _row("id", rf"(?<![\d.,A-Za-z])\d{{5,}}(?:-\d+)*(?![\dA-Za-z]){_NO_UNIT}"),
    # names
    _row("name", r"\b[A-Za-z][A-Za-z'-]+\^[A-Za-z^' -]*[A-Za-z]"),
    _row(
        "name", rf"(?:{_PEOPLE_ZH})(?:签[名字])?\s*[:：]\s*(?P<item>{_ANY_HAN_NAME}|{_NAME}){_END}"
    ),
    _row(
        "name",
        rf"(?:患者|病人|孕妇|产妇|主任|教授|受检者)\s*[:：]\s*(?P<item>{_HAN_NAME}|{_NAME})(?=[\s,，。；;、.)）（(男女]|$)",
    ),
    _row("name", rf"姓名\s+(?P<item>{_ANY_HAN_NAME}){_END}"),
    _row(
        "name",
        rf"(?:患者|病人|孕妇|产妇|受检者)(?P<item>{_HAN_NAME})(?=[,，。；\s男女因系自主(（]|$)",
    ),
    _row("name", rf"(?<![{_HAN}])(?P<item>{_HAN_NAME})(?=[,，\s]{{0,2}}[男女](?:性)?[,，\s])"),
    _row(
        "name",
        rf"(?:(?<=[由经请与和及：:，,。；;、\s])|^)(?P<item>{_SURNAME}[{_HAN}]{{0,2}}?)(?=(?:副?主任|主治|住院)?(?:医师|医生|主任|教授|大夫|护士长?|技师))",
        _S,
    ),
    _row("name", r"\b(?:Dr|Mr|Mrs|Ms|Miss|Prof|Professor|Doctor)\b\.?\s+(?P<item>" + _NAME + ")"),
    _row("name", rf"\b(?i:{_BY})\s*[:：]?\s*{_TITLED}(?P<item>{_NAME})"),
    _row("name", rf"\b(?i:{_PEOPLE_EN})\s*[:：]\s*{_TITLED}(?P<item>{_NAME})"),
    _row(
        "name",
        rf"\b(?:Patient|patient|PATIENT)\s+(?P<item>{_NO_CAP}[A-Z][a-z'’-]+\s(?:[A-Z]\.\s)?{_NO_CAP}[A-Z][a-z'’-]+)",
    ),
    _row("name", rf"(?P<item>\b{_NAME})(?=,?\s+(?:MD|M\.D\.|DO|RDMS|RVT|PhD|FRCR|FACR|MBBS)\b)"),
)
"""Kind of item and its pattern, in the order in which they are tried."""

PLACEHOLDERS: dict[str, tuple[str, str]] = {
    "name": ("[name]", "[姓名]"),
    "id": ("[id]", "[编号]"),
    "date": ("[date]", "[日期]"),
    "time": ("[time]", "[时间]"),
    "phone": ("[phone]", "[电话]"),
    "contact": ("[contact]", "[联系方式]"),
    "place": ("[place]", "[地点]"),
}
"""What stands in place of an item, in an English and in a Chinese text."""
