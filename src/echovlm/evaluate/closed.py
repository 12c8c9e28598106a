"""Closed questions: what a system chose among the candidates, and how sure it was.

A system ranks the candidates by likelihood, or writes an answer that names one. Candidates are
those of a data set, so one anatomy may hold cases with other candidates; areas under curves are
taken within each set of candidates and averaged, since a class that was no candidate of a case
would make it an easy negative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from echovlm.evaluate.calibration import probabilities
from echovlm.evaluate.classification import (
    ClassProbabilities,
    accuracy,
    auroc,
    average_precision,
    balanced_accuracy,
    class_probabilities,
    diagnosis_scores,
    macro_f1,
)
from echovlm.evaluate.intervals import Statistic, mean_of, mean_over_groups
from echovlm.evaluate.items import Item
from echovlm.evaluate.replies import read_choice
from echovlm.evaluate.systems import Reply

UNREADABLE = "(unreadable)"
"""Stands for the choice of a system that named none of the candidates, or several."""

_FIRST_MARK = 0xF000  # private use: marks of candidates that no text holds


def closed_scores(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> dict[str, Statistic]:
    """Scores of one system on items of one task.

    Args:
        items: with their candidates.
        replies: likelihoods, or texts; of a system that ranks others, an answer without
            likelihoods is certain of what it names, or of nothing.
        temperature: divisor of the likelihoods.

    Returns:
        Accuracy, balanced accuracy and macro F1; with likelihoods also what needs probabilities,
        without them the share of answers that name no candidate, or several.

    Raises:
        ValueError: when a likelihood is no number.
    """
    thought = closed_probabilities(items, replies, temperature)
    chosen = thought.chosen
    candidates = {one for item in items for one in item.candidates}
    f1 = macro_f1(thought.truth, chosen, candidates)
    if not any(reply.likelihoods for reply in replies):
        return {
            "accuracy": accuracy(thought.truth, chosen),
            "balanced accuracy": balanced_accuracy(thought.truth, chosen),
            "macro F1": f1,
            "unreadable": mean_of([one == UNREADABLE for one in chosen]),
        }
    return diagnosis_scores(thought) | {
        "macro F1": f1,
        "AUROC": _within_sets(items, replies, temperature, auroc),
        "AUPRC": _within_sets(items, replies, temperature, average_precision),
    }


def _within_sets(
    items: Sequence[Item],
    replies: Sequence[Reply],
    temperature: float,
    score: Callable[[Sequence[bool], Sequence[float]], Statistic],
) -> Statistic:
    """The mean over sets of candidates of a score of one class against the rest."""
    sets = ["\0".join(item.candidates) for item in items]
    scores = {}
    for one in dict.fromkeys(sets):
        places = [place for place, other in enumerate(sets) if other == one]
        thought = closed_probabilities(
            [items[place] for place in places], [replies[place] for place in places], temperature
        )
        scores[one] = thought.one_against_rest(score)
    return mean_over_groups(sets, scores)


def closed_probabilities(
    items: Sequence[Item], replies: Sequence[Reply], temperature: float
) -> ClassProbabilities:
    """What a system thinks of closed items; what it wrote counts as certain of one candidate.

    Raises:
        ValueError: when a likelihood is no number.
    """
    classes = dict.fromkeys(answer for item in items for answer in item.candidates)
    chances = [_chances(item, said, temperature) for item, said in zip(items, replies, strict=True)]
    # A class of its own would change the scale of scores that count classes.
    if any(UNREADABLE in one for one in chances):
        classes[UNREADABLE] = None
    return class_probabilities([item.reference for item in items], chances, list(classes))


def _chances(item: Item, reply: Reply, temperature: float) -> Mapping[str, float]:
    if not reply.likelihoods:
        return {chosen_in(reply.text, item.candidates) or UNREADABLE: 1.0}
    values = probabilities(reply.likelihoods, temperature)
    return dict(zip(item.candidates, values.tolist(), strict=True))


def chosen_in(text: str, candidates: Sequence[str]) -> str:
    """The candidate that a text names, "" where it names none or several.

    Read as the options of a choice are: what is denied is not chosen ("not malignant"), a candidate
    within a word or within a longer candidate that is named ("normal" in "abnormal", "cyst" in
    "cystic nodule") is not meant.
    """
    marks = {chr(_FIRST_MARK + place): one for place, one in enumerate(candidates)}
    return marks.get(read_choice(text, marks) or "", "")
