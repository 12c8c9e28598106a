"""The warnings an engine may attach to a result, in both languages."""

from __future__ import annotations

from echovlm.terms import Language

_NOTICES = {
    "left_out_file": {
        Language.ENGLISH: "{path} was left out: {reason}",
        Language.CHINESE: "未使用 {path}：{reason}",
    },
    "left_out_more": {
        Language.ENGLISH: "{count} more file(s) were left out.",
        Language.CHINESE: "另有 {count} 个文件未使用。",
    },
    "left_out_images": {
        Language.ENGLISH: "Only {used} of {total} images and frames were given to the model.",
        Language.CHINESE: "共 {total} 幅图像和帧，仅 {used} 幅送入模型。",
    },
    "cut_off": {
        Language.ENGLISH: "The text was cut off after {tokens} tokens and may be incomplete.",
        Language.CHINESE: "文本在 {tokens} 个词元后被截断，可能不完整。",
    },
    "uncalibrated_probabilities": {
        Language.ENGLISH: "The probabilities are uncalibrated: no temperature was fitted for this "
        "checkpoint.",
        Language.CHINESE: "概率未经校准：该模型没有拟合过的温度参数。",
    },
    "labels_from_user": {
        Language.ENGLISH: "Probabilities are relative to the given labels only, for which no "
        "temperature was fitted.",
        Language.CHINESE: "概率仅相对于给定的候选标签，且未经校准。",
    },
    "inferred_anatomy": {
        Language.ENGLISH: "The files do not state the anatomy; the model takes it for {name} "
        "(probability {probability:.2f}).",
        Language.CHINESE: "文件未注明检查部位，模型判断为{name}（概率 {probability:.2f}）。",
    },
}


def notice(key: str, language: Language, **values: object) -> str:
    """One warning as a sentence.

    Args:
        key: which notice.
        language: language of the result that carries it.
        **values: what the sentence names.
    """
    return _NOTICES[key][language].format(**values)
