"""What is watched while the network trains: loss per group of turns, and who does the work inside.

    loss         token-weighted mean per anatomy, task and language
    load         share of the router's top-k places that an expert got; sums to 1 over the experts
    importance   mean routing probability of an expert; sums to 1 as well
    entropy      of the routing probabilities of a token, mean; in nats and as a share of ln E
    mix          mean weight of the expert path against the dense path, 0 to 1

Raw sums are kept on the device, in vectors whose length depends on nothing but the network, and are
divided at the logging step alone: no micro-batch waits for the device, and processes can add their
sums up even where one of them saw no turn of some anatomy. Load and importance: Shazeer et al. 2017
(arXiv:1701.06538), section 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from echovlm.model.moe import DualPathFeedForward
from echovlm.prompts import Task
from echovlm.terms import Anatomy, Language

UNKNOWN = "unknown"
GROUPS: dict[str, tuple[str, ...]] = {
    "anatomy": (*(a.value for a in Anatomy), UNKNOWN),
    "task": (*(t.value for t in Task), UNKNOWN),
    "language": (*(i.value for i in Language), UNKNOWN),
}
"""Every group that losses are told apart by; turns of which something is not known have a place."""

_PLACES = {
    kind: {name: place for place, name in enumerate(names)} for kind, names in GROUPS.items()
}
_STARTS = {
    kind: sum(len(GROUPS[earlier]) for earlier in list(GROUPS)[:order])
    for order, kind in enumerate(GROUPS)
}

LOAD_FLOOR = 0.1
"""An expert with less than this share of an even load counts as dead."""
HOGGING = 0.9
"""A router that gives one expert more than this share of the tokens counts as collapsed."""
ENTROPY_FLOOR = 0.1
"""A router whose entropy is below this share of ln E counts as collapsed."""
MIX_FLOOR = 0.02
"""A path with less than this weight counts as unused."""


class TurnLike(Protocol):
    """What is read off a turn; a text outside the known names, "" too, counts as unknown."""

    @property
    def anatomy(self) -> str:
        """Region shown."""

    @property
    def task(self) -> str:
        """What is asked."""

    @property
    def language(self) -> str:
        """Language of the answer."""


class Watch:
    """Sums over the micro-batches of one logging interval.

    A network without expert paths has losses alone.

    Args:
        model: the network, wrapped (adapters, DDP, FSDP2) or not.
    """

    def __init__(self, model: nn.Module) -> None:
        paths = [m for m in model.modules() if isinstance(m, DualPathFeedForward)]
        self._mixes: list[nn.Module] = [path.mix for path in paths]
        self._experts = paths[0].moe.router.num_experts if paths else 0
        self._top_k = paths[0].moe.router.top_k if paths else 0
        self._warned: set[str] = set()
        self._reset()

    def _reset(self) -> None:
        layers, experts = len(self._mixes), self._experts
        groups = sum(len(names) for names in GROUPS.values())
        shapes: dict[str, tuple[int, ...]] = {
            "loss": (groups,),
            "targets": (groups,),
            "places": (layers, experts),
            "probability": (layers, experts),
            "entropy": (layers,),
            "routed": (1,),
            "mix": (layers,),
            "mixed": (1,),
        }
        self._sums = {
            name: torch.zeros(shape, dtype=torch.float64) for name, shape in shapes.items()
        }

    def _add(self, name: str, value: torch.Tensor) -> None:
        self._sums[name] = self._sums[name].to(value.device) + value

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record the mix weights of the forward pass that runs inside.

        Leave it before the backward pass: gradient checkpointing runs the layers a second time.
        """
        seen: list[list[torch.Tensor]] = [[] for _ in self._mixes]

        def keep(layer: int) -> Callable[..., None]:
            return lambda module, inputs, output: seen[layer].append(output.detach())

        with ExitStack() as hooks:
            for layer, mix in enumerate(self._mixes):
                hooks.callback(mix.register_forward_hook(keep(layer)).remove)
            yield
        if all(seen) and seen:
            self._observe_mix([torch.cat([o.flatten(0, -2) for o in layer]) for layer in seen])

    @torch.no_grad()
    def _observe_mix(self, outputs: Sequence[torch.Tensor]) -> None:
        device = outputs[0].device
        weights = torch.stack([output.to(device) for output in outputs]).float().softmax(-1)
        self._add("mix", weights[..., 0].double().sum(-1))
        self._add("mixed", torch.full((1,), weights.shape[1], device=device))

    @torch.no_grad()
    def observe(
        self,
        turns: Sequence[TurnLike],
        target_turn: torch.Tensor,
        token_losses: torch.Tensor,
        router_logits: Sequence[torch.Tensor] | None,
    ) -> None:
        """Add one micro-batch. Nothing here waits for the device.

        Args:
            turns: what the answers of the batch are about.
            target_turn: ``(n,)`` which of ``turns`` a supervised token belongs to.
            token_losses: ``(n,)`` cross-entropy of the supervised tokens, nats.
            router_logits: ``(tokens, E)`` of every layer; None or empty for a dense network.
        """
        self._observe_losses(turns, target_turn, token_losses)
        if router_logits:
            self._observe_routing(router_logits)

    def _observe_losses(
        self, turns: Sequence[TurnLike], target_turn: torch.Tensor, token_losses: torch.Tensor
    ) -> None:
        device = token_losses.device
        places = torch.tensor([_places_of(turn) for turn in turns], dtype=torch.long)
        places = places.view(-1, len(GROUPS))
        where = places.to(device, non_blocking=True)[target_turn.to(device)].flatten()
        losses = token_losses.double().repeat_interleave(len(GROUPS))
        empty = torch.zeros_like(self._sums["loss"], device=device)
        self._add("loss", empty.index_add(0, where, losses))
        self._add("targets", empty.index_add(0, where, torch.ones_like(losses)))

    def _observe_routing(self, router_logits: Sequence[torch.Tensor]) -> None:
        device = router_logits[0].device
        probabilities = torch.stack([logits.to(device) for logits in router_logits]).float()
        probabilities = probabilities.softmax(-1)
        chosen = probabilities.topk(self._top_k, dim=-1).indices.flatten(1)
        places = probabilities.new_zeros(len(router_logits), self._experts, dtype=torch.float64)
        self._add("places", places.scatter_add(1, chosen, torch.ones_like(chosen).double()))
        self._add("probability", probabilities.sum(1, dtype=torch.float64))
        self._add("entropy", torch.special.entr(probabilities).sum((1, 2), dtype=torch.float64))
        self._add("routed", torch.full((1,), probabilities.shape[1], device=device))

    def summary(
        self, reduce: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> dict[str, float]:
        """The means since the last call; then everything starts from zero.

        Args:
            reduce: adds a ``(numbers,)`` float64 tensor up over all processes; each of them calls
                this method at the same step. None where there is one process.

        Returns:
            Flat names: ``loss/anatomy/breast``, ``loss/task/report``, ``loss/language/zh`` (nats
            per token); ``router/<layer>/load/<expert>``, ``router/<layer>/importance/<expert>``,
            ``router/<layer>/entropy`` (nats), ``router/<layer>/entropy_share`` (of ln E, 0 to 1),
            ``mix/<layer>``. Layers count from 0. What was not seen has no entry.
        """
        device = self._sums["loss"].device
        flat = torch.cat([value.to(device).flatten() for value in self._sums.values()])
        total = (flat if reduce is None else reduce(flat)).cpu()
        sizes = [value.numel() for value in self._sums.values()]
        sums = {
            name: part.view(value.shape)
            for (name, value), part in zip(self._sums.items(), total.split(sizes), strict=True)
        }
        self._reset()
        return self._losses(sums) | self._routing(sums) | self._mixing(sums)

    def _losses(self, sums: Mapping[str, torch.Tensor]) -> dict[str, float]:
        names = [f"loss/{kind}/{name}" for kind, names in GROUPS.items() for name in names]
        pairs = zip(sums["loss"].tolist(), sums["targets"].tolist(), strict=True)
        return {
            name: loss / targets
            for name, (loss, targets) in zip(names, pairs, strict=True)
            if targets
        }

    def _routing(self, sums: Mapping[str, torch.Tensor]) -> dict[str, float]:
        routed = float(sums["routed"])
        result: dict[str, float] = {}
        if not routed:
            return result
        for layer in range(len(self._mixes)):
            places = sums["places"][layer] / (routed * self._top_k)
            probability = sums["probability"][layer] / routed
            entropy = float(sums["entropy"][layer]) / routed
            for expert in range(self._experts):
                result[f"router/{layer}/load/{expert}"] = float(places[expert])
                result[f"router/{layer}/importance/{expert}"] = float(probability[expert])
            result[f"router/{layer}/entropy"] = entropy
            if self._experts > 1:
                result[f"router/{layer}/entropy_share"] = entropy / math.log(self._experts)
        return result

    def _mixing(self, sums: Mapping[str, torch.Tensor]) -> dict[str, float]:
        mixed = float(sums["mixed"])
        if not mixed:
            return {}
        return {f"mix/{layer}": value / mixed for layer, value in enumerate(sums["mix"].tolist())}

    def warnings(self, summary: Mapping[str, float]) -> list[str]:
        """Sentences on dead experts, collapsed routers and unused paths that are new.

        A sign is told once. It may be told again after it has clearly gone, that is after its
        number has been twice as far from the edge as where it began.

        Args:
            summary: what :meth:`summary` returned.
        """
        told = []
        for sign in self._signs(summary):
            if sign.value > 2 * sign.limit:
                self._warned.discard(sign.name)
            elif sign.value < sign.limit and sign.name not in self._warned:
                self._warned.add(sign.name)
                told.append(sign.sentence)
        return told

    def _signs(self, summary: Mapping[str, float]) -> Iterator[_Sign]:
        for layer in range(len(self._mixes)):
            if f"router/{layer}/entropy" in summary and self._experts > self._top_k:
                yield from _load_signs(layer, self._experts, self._top_k, summary)
                yield _entropy_sign(layer, self._experts, summary)
            if f"mix/{layer}" in summary:
                yield from _mix_signs(layer, summary[f"mix/{layer}"])


@dataclass(frozen=True)
class _Sign:
    """A number that is well above its limit in a healthy network, and what to say below it."""

    name: str
    value: float
    limit: float
    sentence: str


def _load_signs(
    layer: int, experts: int, top_k: int, summary: Mapping[str, float]
) -> Iterator[_Sign]:
    even = 1 / experts
    for expert in range(experts):
        load = summary[f"router/{layer}/load/{expert}"]
        yield _Sign(
            f"dead/{layer}/{expert}",
            load,
            LOAD_FLOOR * even,
            f"Layer {layer}: expert {expert} is dead, it gets {load:.2%} of the router's places "
            f"where an even share is {even:.1%}; raise aux_loss, or go back to a checkpoint in "
            "which it still worked and lower learning_rate.",
        )
        share = load * top_k  # a token can give an expert one of its top_k places, not more
        yield _Sign(
            f"hogging/{layer}/{expert}",
            1 - share,
            1 - HOGGING,
            f"Layer {layer}: the router has collapsed onto expert {expert}, which {share:.1%} of "
            f"the tokens go to where an even share is {even * top_k:.1%}; raise aux_loss, or go "
            "back to an earlier checkpoint and lower learning_rate.",
        )


def _entropy_sign(layer: int, experts: int, summary: Mapping[str, float]) -> _Sign:
    return _Sign(
        f"entropy/{layer}",
        summary[f"router/{layer}/entropy_share"],
        ENTROPY_FLOOR,
        f"Layer {layer}: the router has collapsed, its entropy is "
        f"{summary[f'router/{layer}/entropy']:.3f} nats where {math.log(experts):.3f} is the most, "
        "so each token has one expert and the others learn nothing from it; raise aux_loss, or "
        "lower learning_rate.",
    )


def _mix_signs(layer: int, mix: float) -> Iterator[_Sign]:
    yield _Sign(
        f"unused/{layer}",
        mix,
        MIX_FLOOR,
        f"Layer {layer}: the expert path is unused, its mean mix weight is {mix:.2%}, so its "
        "experts learn next to nothing; see that the mix is trained, and lower the learning rate "
        "of the mix in rate_scales.",
    )
    yield _Sign(
        f"alone/{layer}",
        1 - mix,
        MIX_FLOOR,
        f"Layer {layer}: the dense path is unused, the expert path's mean mix weight is "
        f"{mix:.2%}, so what the base model knows is lost there; lower the learning rate of the "
        "mix in rate_scales.",
    )


def _places_of(turn: TurnLike) -> list[int]:
    return [
        _STARTS[kind] + _PLACES[kind].get(getattr(turn, kind), _PLACES[kind][UNKNOWN])
        for kind in GROUPS
    ]
