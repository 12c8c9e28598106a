"""Load once, answer many: the engine over a real network.

The images of a study are encoded once and kept (:mod:`echovlm.engine.prefix`); report, diagnosis
and answers then cost only their own words. Decoding is greedy: the same study gives the same text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import numpy as np
import torch

from echovlm.engine import choices
from echovlm.engine.base import MAX_IMAGES, MAX_NEW_TOKENS, MAX_QUESTION, BaseEngine
from echovlm.engine.decoding import Generation, collect, greedy, pieces
from echovlm.engine.loading import load
from echovlm.engine.network import Network
from echovlm.engine.prefix import Prefix, PrefixStore
from echovlm.engine.routing import expert_load
from echovlm.errors import EchoVLMError, OptionError
from echovlm.study import Study

_BATCH = 16  # studies decoded together


class Engine(BaseEngine):
    """Report, diagnosis and answers from a loaded checkpoint.

    Args:
        network: the loaded checkpoint; :meth:`load` is the usual way.
        prefixes: where encoded studies are kept.
    """

    def __init__(self, network: Network, prefixes: PrefixStore | None = None) -> None:
        super().__init__(network.notices)
        self.network = network
        self.prefixes = prefixes or PrefixStore()
        self.name = network.name
        self.version = network.version
        self.temperature = network.temperature
        self._encoding = Lock()  # the model keeps rope_deltas of its last prefill

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        device: str = "auto",
        dtype: str = "auto",
        max_visual_tokens: int | None = None,
    ) -> Engine:
        """Load a checkpoint; arguments and errors as in :func:`echovlm.engine.loading.load`."""
        return cls(load(model, device, dtype, max_visual_tokens))

    def expert_load(self, study: Study) -> np.ndarray | None:
        """How the routers spread a study's tokens, ``(layers, experts)``; None without experts."""
        pictures = self._pictures(study)
        with self._encoding, _enough_memory():
            return expert_load(self.network, pictures)

    def _most_images(self) -> int:
        """As many images as leave half of the context, or a long question and answer, free."""
        context = self.network.context_tokens
        reserved = min(context // 2, MAX_NEW_TOKENS + MAX_QUESTION)
        _, most = self.network.pixel_limits
        tokens = most // self.network.pixels_per_token + 2
        return max(1, min(MAX_IMAGES, (context - reserved) // tokens))

    def _prefix(self, pictures: Sequence[np.ndarray]) -> Prefix:
        with self._encoding:
            return self.prefixes.of(self.network, pictures)

    def _room(self, prefixes: Sequence[Prefix], asked_tokens: int, max_new_tokens: int) -> int:
        """Tokens an answer may have before the decoder runs out of positions."""
        taken = max(prefix.length for prefix in prefixes) + asked_tokens
        room = self.network.context_tokens - taken
        if room < 1:
            raise OptionError(
                f"Images and question take {taken} tokens, but {self.name} has room for "
                f"{self.network.context_tokens}; shorten the question or lower max_visual_tokens."
            )
        return min(room, max_new_tokens)

    def _write(
        self,
        pictures: Sequence[Sequence[np.ndarray]],
        questions: Sequence[str],
        max_new_tokens: int,
    ) -> list[Generation]:
        written: list[Generation] = []
        for start in range(0, len(pictures), _BATCH):
            asked = [self.network.question_ids(one) for one in questions[start : start + _BATCH]]
            with _enough_memory():
                prefixes = [self._prefix(images) for images in pictures[start : start + _BATCH]]
                room = self._room(prefixes, max(map(len, asked)), max_new_tokens)
                steps = greedy(self.network, prefixes, asked, room)
                written += collect(self.network, steps, len(prefixes))
        return written

    def _pieces(
        self, pictures: Sequence[np.ndarray], question: str, max_new_tokens: int
    ) -> Iterator[str | Generation]:
        with _enough_memory():
            prefix = self._prefix(pictures)
            asked = self.network.question_ids(question)
            room = self._room([prefix], len(asked), max_new_tokens)
            yield from pieces(self.network, greedy(self.network, [prefix], [asked], room))

    def _score(
        self, pictures: Sequence[np.ndarray], question: str, candidates: Sequence[str]
    ) -> list[float]:
        with _enough_memory():
            return choices.score(self.network, self._prefix(pictures), question, candidates)


@contextmanager
def _enough_memory() -> Iterator[None]:
    """Say in a sentence that memory ran out, on a GPU or in torch's CPU allocator."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise EchoVLMError(
            "There is not enough memory for this study and model; lower max_visual_tokens, use "
            "bfloat16, or give fewer images."
        ) from error
