"""The images of a study, encoded once: keys and values of all that stands before the question.

Every question about a study begins alike, with the system turn and the images. The decoder's keys
and values of that prefix are worked out once and kept, so that report, diagnosis and answers on one
study run the vision tower once. A question continues a copy of the prefix and never changes it.
"""

from __future__ import annotations

import hashlib
import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional
from transformers import DynamicCache

from echovlm.engine.network import Network


@dataclass(frozen=True, eq=False)
class Prefix:
    """An encoded system turn with images.

    Attributes:
        keys_and_values: per decoder layer, two tensors ``(1, heads, P, D)``.
        next_position: M-RoPE position of the first token after the prefix.
    """

    keys_and_values: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    next_position: int

    @property
    def length(self) -> int:
        """Tokens in the prefix, visual tokens included."""
        return self.keys_and_values[0][0].shape[2]

    @property
    def bytes(self) -> int:
        """Memory the prefix holds."""
        return sum(t.numel() * t.element_size() for pair in self.keys_and_values for t in pair)


@torch.no_grad()
def encode_prefix(network: Network, images: Sequence[np.ndarray]) -> Prefix:
    """Run the vision tower and the decoder over the images of one study, or over none."""
    inputs = network.prefix_inputs(images)
    cache = DynamicCache()
    # The whole network, not what is inside: where weights are spread, it is what gathers them.
    network.model(**inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
    length = inputs["input_ids"].shape[1]
    shift = int(network.model.model.rope_deltas.flatten()[0]) if images else 0
    return Prefix(
        keys_and_values=tuple((layer[0], layer[1]) for layer in cache),
        next_position=length + shift,
    )


def continue_from(prefixes: Sequence[Prefix]) -> tuple[DynamicCache, torch.Tensor]:
    """A fresh cache that holds one prefix per row, shorter ones padded on the left.

    Returns:
        The cache and its attention mask ``(B, P)``, 1 where a row has a token.
    """
    longest = max(prefix.length for prefix in prefixes)
    layers = []
    for layer in zip(*(prefix.keys_and_values for prefix in prefixes), strict=True):
        keys, values = (
            torch.cat([functional.pad(t, (0, 0, longest - t.shape[2], 0)) for t in side])
            for side in zip(*layer, strict=True)
        )
        layers.append((keys, values))
    lengths = torch.tensor([prefix.length for prefix in prefixes], device=layers[0][0].device)
    mask = torch.arange(longest, device=lengths.device) >= longest - lengths[:, None]
    return DynamicCache(layers), mask.long()


@dataclass
class PrefixStore:
    """The prefixes of the studies asked about last, within a memory limit.

    Attributes:
        max_bytes: memory all kept prefixes may hold; the newest is always kept.
    """

    max_bytes: int = 2 << 30
    _kept: OrderedDict[bytes, Prefix] = field(default_factory=OrderedDict)

    def of(self, network: Network, images: Sequence[np.ndarray]) -> Prefix:
        """The prefix of these images, encoded now unless images of equal content were before."""
        key = content_hash(images)
        if key not in self._kept:
            self._kept[key] = encode_prefix(network, images)
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(p.bytes for p in self._kept.values()) > self.max_bytes:
            self._kept.popitem(last=False)
        return self._kept[key]

    def clear(self) -> None:
        """Forget every study."""
        self._kept.clear()


def content_hash(images: Sequence[np.ndarray]) -> bytes:
    """Digest of the pixels and shapes of ``(H, W, 3)`` uint8 images, in order."""
    digest = hashlib.blake2b(digest_size=16)
    for image in images:
        digest.update(struct.pack("<2q", *image.shape[:2]))
        digest.update(np.ascontiguousarray(image).data)
    return digest.digest()
