"""Text scores with a signature: the number means nothing without its tokeniser.

A *metric* is a function of predictions, references and their language. What it gives
(:class:`Scored`) holds sums per text, so that a bootstrap over patients
(:mod:`echovlm.evaluate.intervals`) scores a thousand resamples with one matrix product, and a
signature; scores compare where signatures are equal (:func:`incomparable`). A *preset* is a named
choice of metrics. docs/evaluation.md has worked numbers.

    signature.py   what it takes to compute a score again
    scored.py      a score as a statistic of weights
    tokenisers.py  characters, jieba's words, mteval-v13a, rouge-score's words
    bleu_scores.py, rouge_scores.py, meteor_scores.py, chrf_scores.py, coco_scores.py,
    cider_scores.py, bert_scores.py (by bert_encoder.py) the metrics
    presets.py     default, paper, char, kmve, sentence-mean, sacrebleu
"""

from echovlm.evaluate.text.bert_scores import bert_score
from echovlm.evaluate.text.bleu_scores import bleu, corpus_bleu, nltk_bleu, sentence_bleu
from echovlm.evaluate.text.chrf_scores import chrf
from echovlm.evaluate.text.cider_scores import cider
from echovlm.evaluate.text.coco_scores import coco_bleu, coco_rouge
from echovlm.evaluate.text.meteor_scores import meteor
from echovlm.evaluate.text.presets import DEFAULT, METRICS, PRESETS, Preset, preset
from echovlm.evaluate.text.rouge_scores import multiset_rouge, rouge, unique_rouge
from echovlm.evaluate.text.scored import Metric, Score, Scored
from echovlm.evaluate.text.signature import Signature, incomparable

__all__ = [
    "DEFAULT",
    "METRICS",
    "PRESETS",
    "Metric",
    "Preset",
    "Score",
    "Scored",
    "Signature",
    "bert_score",
    "bleu",
    "chrf",
    "cider",
    "coco_bleu",
    "coco_rouge",
    "corpus_bleu",
    "incomparable",
    "meteor",
    "multiset_rouge",
    "nltk_bleu",
    "preset",
    "rouge",
    "sentence_bleu",
    "unique_rouge",
]
