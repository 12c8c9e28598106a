"""Greedy decoding over encoded prefixes, one study or a batch of them.

Rows of a batch have prefixes and questions of different lengths; both are padded on the left and
masked, and every row counts its own M-RoPE positions, so a study's answer does not depend on what
it shares a batch with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch

from echovlm.engine.network import Network, overflow
from echovlm.engine.prefix import Prefix, continue_from
from echovlm.report import FinishReason


@dataclass(frozen=True)
class Generation:
    """What a network wrote.

    Attributes:
        text: the words, without special tokens.
        finish_reason: "stop" where the network ended by itself, "length" where it was cut off.
        tokens: generated tokens, the end token included.
    """

    text: str
    finish_reason: FinishReason
    tokens: int


@torch.no_grad()
def greedy(
    network: Network,
    prefixes: Sequence[Prefix],
    questions: Sequence[Sequence[int]],
    max_new_tokens: int,
) -> Iterator[list[int | None]]:
    """Write the most likely token of every row, step by step.

    Args:
        network: the loaded checkpoint.
        prefixes: one encoded study per row.
        questions: token ids per row, from the question to where the answer begins.
        max_new_tokens: most steps.

    Yields:
        Per step, the token of each row; None for a row that has ended.
    """
    cache, mask = continue_from(prefixes)
    longest = max(map(len, questions))
    padding = torch.tensor([longest - len(question) for question in questions])
    ids = torch.tensor([[network.end_id] * (longest - len(q)) + list(q) for q in questions])
    start = torch.tensor([prefix.next_position for prefix in prefixes]) - padding
    offsets = torch.arange(longest)
    device = network.device
    own = (offsets >= padding[:, None]).long().to(device)
    positions = (start[:, None] + offsets).clamp(min=0).to(device)
    ids, mask = ids.to(device), torch.cat([mask, own], dim=1)
    ended = [False] * len(prefixes)
    for _ in range(max_new_tokens):
        logits = network.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions.expand(3, -1, -1),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits
        if ids.shape[1] > 1 and not bool(logits.isfinite().all()):
            raise overflow(network)
        ids = logits[:, -1].argmax(dim=-1, keepdim=True)
        tokens = ids.flatten().tolist()
        yield [None if over else token for over, token in zip(ended, tokens, strict=True)]
        ended = [
            over or token in network.stop_ids for over, token in zip(ended, tokens, strict=True)
        ]
        if all(ended):
            return
        positions = positions[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones(len(ended), 1)], dim=1)


def collect(network: Network, steps: Iterable[list[int | None]], rows: int) -> list[Generation]:
    """Gather the steps of :func:`greedy` into one text per row."""
    written: list[list[int]] = [[] for _ in range(rows)]
    for step in steps:
        for row, token in zip(written, step, strict=True):
            if token is not None:
                row.append(token)
    return [
        Generation(
            text=network.text(row),
            finish_reason="stop" if row and row[-1] in network.stop_ids else "length",
            tokens=len(row),
        )
        for row in written
    ]


def pieces(network: Network, steps: Iterable[list[int | None]]) -> Iterator[str | Generation]:
    """Turn the steps of a single row into pieces of text, whole characters only.

    Yields:
        Pieces whose concatenation is the text, then the :class:`Generation` itself.
    """
    row: list[int] = []
    given = ""
    for step in steps:
        row += [token for token in step if token is not None]
        text = network.text(row)
        # A character of several bytes is incomplete until its last byte has been written.
        if not text.endswith("\N{REPLACEMENT CHARACTER}") and text.startswith(given):
            yield text[len(given) :]
            given = text
    (generation,) = collect(network, ([token] for token in row), 1)
    if len(generation.text) > len(given):
        yield generation.text[len(given) :]
    yield generation
