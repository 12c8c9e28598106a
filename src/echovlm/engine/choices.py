"""Closed-set scoring: how likely the network finds each candidate as its answer.

The score of a candidate is the mean log-probability of its tokens, end of turn included:

    s(c) = 1/n * sum_i log p(c_i | images, question, c_1 .. c_{i-1})

and the probabilities are ``softmax(s / T)`` over the candidates with a temperature ``T`` fitted on
held-out cases. All candidates are scored in one forward over the shared prefix: they are laid out
one after another, each takes the positions it would have as the only answer, and the attention mask
lets it see the prefix, the question and itself, never a sibling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from echovlm.engine.network import Network, overflow
from echovlm.engine.prefix import Prefix, continue_from

_MOST_TOKENS = 1024  # candidates' tokens of one forward; the mask grows with their square


def score(
    network: Network, prefix: Prefix, question: str, candidates: Sequence[str]
) -> list[float]:
    """Mean log-probability per token of every candidate as the answer to a question.

    Args:
        network: the loaded checkpoint.
        prefix: the encoded study.
        question: what is asked.
        candidates: answers to compare.

    Returns:
        One number per candidate, in order, at most 0.
    """
    asked = network.question_ids(question)
    answers = [[*network.text_ids(candidate), network.end_id] for candidate in candidates]
    scores: list[float] = []
    for group in _groups(answers):
        scores += _score_group(network, prefix, asked, group)
    if not all(map(math.isfinite, scores)):
        raise overflow(network)
    return scores


def _groups(answers: list[list[int]]) -> list[list[list[int]]]:
    """Split answers, in order, into groups of bounded length."""
    groups: list[list[list[int]]] = [[]]
    for answer in answers:
        if groups[-1] and sum(map(len, groups[-1])) + len(answer) > _MOST_TOKENS:
            groups.append([])
        groups[-1].append(answer)
    return groups


@torch.no_grad()
def _score_group(
    network: Network, prefix: Prefix, asked: list[int], answers: list[list[int]]
) -> list[float]:
    cache, _ = continue_from([prefix])
    ids = [*asked, *(token for answer in answers for token in answer)]
    within = [*range(len(asked)), *(len(asked) + i for a in answers for i in range(len(a)))]
    owner = [0] * len(asked) + [n for n, answer in enumerate(answers, 1) for _ in answer]
    device = network.device
    positions = torch.tensor(within, device=device) + prefix.next_position
    logits = network.model(
        input_ids=torch.tensor([ids], device=device),
        attention_mask=_mask(owner, prefix.length, network),
        position_ids=positions.expand(3, 1, -1),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=len(ids) - len(asked) + 1,
    ).logits[0]
    log_probabilities = logits.float().log_softmax(dim=-1)
    scores, at = [], 1  # row 0 follows the question, row i the i-th token of the answers
    for answer in answers:
        rows = torch.tensor([0, *range(at, at + len(answer) - 1)], device=device)
        tokens = torch.tensor(answer, device=device)
        scores.append(float(log_probabilities[rows, tokens].mean()))
        at += len(answer)
    return scores


def _mask(owner: list[int], prefix_length: int, network: Network) -> torch.Tensor:
    """Additive attention mask ``(1, 1, L, P + L)``: prefix, question (owner 0) and own answer."""
    of = torch.tensor(owner)
    visible = ((of[:, None] == of) | (of == 0)).tril()
    visible = torch.cat([torch.ones(len(owner), prefix_length, dtype=torch.bool), visible], dim=1)
    dtype = network.model.dtype
    mask = torch.zeros(visible.shape, dtype=dtype).masked_fill(~visible, torch.finfo(dtype).min)
    return mask[None, None].to(network.device)


def softmax(scores: Sequence[float], temperature: float) -> list[float]:
    """Probabilities of scores divided by a temperature; they sum to one."""
    top = max(scores)
    weights = [math.exp((value - top) / temperature) for value in scores]
    return [weight / sum(weights) for weight in weights]
