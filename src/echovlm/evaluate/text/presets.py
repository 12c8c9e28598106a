"""Named choices of text metrics, each a scoring stack that is in use.

| preset | Chinese units | BLEU | ROUGE | others |
|---|---|---|---|---|
| default | characters, words | sacrebleu, corpus | rouge-chinese | METEOR |
| paper | jieba's words | nltk, mean of texts | rouge-chinese | METEOR |
| char | characters | sacrebleu, corpus | rouge-score | METEOR, chrF, CIDEr |
| kmve | jieba's words | coco-caption, corpus | coco-caption, L alone | CIDEr |
| sentence-mean | characters, words | sacrebleu, mean of texts | rouge-chinese | METEOR |
| sacrebleu | sacrebleu's zh | sacrebleu, corpus | none | chrF |

``paper`` is the likely stack of She et al. 2026 (EchoVLM), who name none. The fine-tuning programs
for Chinese networks share one: jieba, rouge-chinese's F1 and nltk's sentence BLEU with smoothing
method 3, averaged over texts (THUDM/ChatGLM3 ``finetune_demo/finetune_hf.py``, ``compute_metrics``;
hiyouga/LLaMA-Factory ``src/llamafactory/train/sft/metric.py``, ``ComputeSimilarity``). They differ
in one thing: ChatGLM3 takes jieba's words for BLEU, LLaMA-Factory and ChatGLM-6B single characters.
Words are taken here: the average BLEU-1 of every system in the paper's Table 2 lies 7 to 14 points
below its ROUGE-1, and words bring BLEU-1 lower than characters do. That rouge-chinese was used
shows in heart reports, where ROUGE-L exceeds ROUGE-1. METEOR is in none of these programs; nltk's
is taken. What stack gave the published numbers remains an inference.

``kmve`` is the protocol of Li et al. 2024 (LijunRio/Ultrasound-Report-Generation,
``KMVE_RG/modules``): jieba's words joined by blanks, then coco-caption, by definitions of our own
that give its numbers. Their dictionary of
technical words and their vocabulary, which turns rare words into ``<unk>``, are not public.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from echovlm.errors import OptionError
from echovlm.evaluate.text.bert_scores import LAYER, bert_score
from echovlm.evaluate.text.bleu_scores import SACREBLEU, corpus_bleu, nltk_bleu, sentence_bleu
from echovlm.evaluate.text.chrf_scores import chrf
from echovlm.evaluate.text.cider_scores import cider
from echovlm.evaluate.text.coco_scores import coco_bleu, coco_rouge
from echovlm.evaluate.text.meteor_scores import meteor
from echovlm.evaluate.text.rouge_scores import multiset_rouge, rouge, unique_rouge
from echovlm.evaluate.text.scored import Metric, Scored
from echovlm.evaluate.text.tokenisers import CHARACTERS_OR_13A, JIEBA_ALWAYS
from echovlm.terms import Language

Metrics = Mapping[str, Metric]
"""Metrics by the name they have in tables."""


@dataclass(frozen=True)
class Preset:
    """Metrics that are reported together.

    Attributes:
        name: as the command line takes it.
        stands_for: whose scores it reproduces, in one sentence.
        by_language: the metrics of each language.
        left_out: what the stack has beyond these, each with why it is left out.
    """

    name: str
    stands_for: str
    by_language: Mapping[Language, Metrics]
    left_out: tuple[str, ...] = ()

    @property
    def leaves_out(self) -> str:
        """What is left out and why, without a full stop; "" where nothing is."""
        return "; ".join(self.left_out)

    def metrics(self, language: Language) -> Metrics:
        """The metrics of texts whose references are in one language."""
        return self.by_language[Language(language)]

    def with_bert_score(self, folder: Path | None, layer: int = LAYER) -> Preset:
        """The same with BERTScore, by a model from a local folder.

        Raises:
            OptionError: as :func:`echovlm.evaluate.text.bert_scores.bert_score`.
        """
        metric = bert_score(folder, layer)
        return replace(
            self,
            by_language={
                language: {**metrics, "BERTScore": metric}
                for language, metrics in self.by_language.items()
            },
            left_out=tuple(one for one in self.left_out if one != _NO_ENCODER),
        )


_NO_SYNONYMS = "METEOR's synonyms, which need WordNet"
_NO_ENCODER = "BERTScore, which needs an encoder from a local folder"


def _orders(metric: Callable[..., Scored]) -> dict[str, Metric]:
    return {f"BLEU-{n}": partial(metric, order=n) for n in (1, 2, 3, 4)}


def _kinds(metric: Callable[..., Scored]) -> dict[str, Metric]:
    return {f"ROUGE-{kind}": partial(metric, kind=kind) for kind in ("1", "2", "L")}


def _both(*metrics: Metrics) -> dict[Language, Metrics]:
    together = {name: metric for one in metrics for name, metric in one.items()}
    return dict.fromkeys(Language, together)


METRICS: Metrics = {**_orders(corpus_bleu), **_kinds(rouge), "METEOR": meteor}
"""The metrics of the default preset, whose scores are on record since the first release."""

DEFAULT = "default"

PRESETS: Mapping[str, Preset] = {
    one.name: one
    for one in (
        Preset(DEFAULT, "EchoVLM's own records.", _both(METRICS), (_NO_SYNONYMS,)),
        Preset(
            "paper",
            "The likely stack of She et al. 2026 (EchoVLM), which names none.",
            _both(
                _orders(nltk_bleu),
                _kinds(unique_rouge),
                {"METEOR": partial(meteor, tokenisers=JIEBA_ALWAYS)},
            ),
            (_NO_SYNONYMS, _NO_ENCODER),
        ),
        Preset(
            "char",
            "Chinese by characters throughout, independent of any dictionary.",
            _both(
                _orders(corpus_bleu),
                _kinds(multiset_rouge),
                {
                    "METEOR": partial(meteor, tokenisers=CHARACTERS_OR_13A),
                    "chrF": chrf,
                    "CIDEr": partial(cider, tokenisers=CHARACTERS_OR_13A),
                },
            ),
            (_NO_SYNONYMS,),
        ),
        Preset(
            "kmve",
            "The protocol of Li et al. 2024 (KMVE), which the paper cites: coco-caption.",
            _both(_orders(coco_bleu), {"ROUGE-L": coco_rouge, "CIDEr": cider}),
            (
                "METEOR 1.5, which needs Java",
                "the protocol's dictionary of technical words and its vocabulary, which are not "
                "public",
            ),
        ),
        Preset(
            "sentence-mean",
            "The default with BLEU of each text, averaged.",
            _both(METRICS, _orders(sentence_bleu)),
            (_NO_SYNONYMS,),
        ),
        Preset(
            "sacrebleu",
            "Machine translation: sacrebleu with its tokenisers zh and 13a.",
            _both(_orders(partial(corpus_bleu, tokenisers=SACREBLEU)), {"chrF": chrf}),
        ),
    )
}
"""Every preset by its name."""


def preset(name: str) -> Preset:
    """A preset by its name.

    Raises:
        OptionError: for a name that no preset has.
    """
    if name not in PRESETS:
        raise OptionError(f"There is no preset '{name}'; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
