"""Preference tuning: of two texts about one study, the one a person edited is to become likelier.

A sample's answer is the edited text; the draft it was made from travels in the field
``rejected_response``, as in ms-swift's files of the ``messages`` form. Both texts are branches of
one row, so question and pictures are encoded once. With ``r(y) = log p(y) - log p_ref(y)``, summed
over the tokens of the last answer, the loss of a pair is

    -log sigmoid(beta (r(edited) - r(draft)))  -  likelihood * mean log p(token of the edited text)

The reference ``p_ref`` is the same network with its adapters off. The second term keeps the edited
text from getting less likely along with the draft. Load balancing plays no part: the router is
frozen. Sources: Rafailov et al. 2023 (arXiv:2305.18290), equation 7; Pang et al. 2024
(arXiv:2404.19733), equation 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional

from echovlm.data.sample import Sample
from echovlm.errors import DataError
from echovlm.train.adapters import adapters_off
from echovlm.train.rows import Branch, Encoder, Row, TurnInfo
from echovlm.train.stage import StageTrainer, answer_losses

REJECTED = "rejected_response"
"""Field of a sample that holds the draft its answer was made from."""


@dataclass(frozen=True, eq=False)
class Pair(Branch):
    """An edited text and its draft; as a branch it has the tokens of both, as a batch will.

    Attributes:
        chosen: the conversation with the edited text.
        rejected: the same conversation with the draft.
    """

    chosen: Branch
    rejected: Branch


@dataclass(frozen=True)
class PairEncoder(Encoder):
    """Turns samples with a draft into pairs, and rows of pairs into batches.

    Branch ``2 i`` of a batch is the edited text of pair ``i``, branch ``2 i + 1`` its draft.
    """

    def branch(self, sample: Sample) -> Pair:
        """Tokens of both texts behind the pictures; targets are those of the last answer.

        Raises:
            DataError: for a sample without an answer or a draft, or with a draft that nobody
                changed.
        """
        draft = sample.extra.get(REJECTED)
        if not isinstance(draft, str) or not draft.strip():
            raise DataError(
                sample.id,
                f"has no text in its field '{REJECTED}' that the answer could be preferred to",
                "Give every sample the draft its answer was edited from",
            )
        if draft.strip() == sample.answer.strip():
            raise DataError(
                sample.id, f"has the answer itself in its field '{REJECTED}'", "Leave it out"
            )
        chosen, rejected = self._ending_in(sample, sample.answer), self._ending_in(sample, draft)
        # What the losses of the log tell apart (anatomy, task, language) are the edited texts.
        rejected = dataclasses.replace(rejected, info=TurnInfo(sample.id))
        return Pair(
            chosen.ids + rejected.ids,
            chosen.targets + rejected.targets,
            chosen.info,
            chosen,
            rejected,
        )

    def _ending_in(self, sample: Sample, answer: str) -> Branch:
        """The conversation up to its last answer, with another text there, alone supervised."""
        turns = list(sample.turns)
        while turns and turns[-1].role != "assistant":
            turns.pop()
        if turns:
            turns[-1] = turns[-1].model_copy(update={"text": answer})
        branch = super().branch(sample.model_copy(update={"turns": tuple(turns)}))
        first = len(branch.targets) - 1
        while first > 0 and branch.targets[first - 1][0] == branch.targets[first][0] - 1:
            first -= 1
        return dataclasses.replace(branch, targets=branch.targets[first:])

    def collate(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Pack rows of pairs into one batch; see :meth:`Encoder.collate`."""
        return super().collate([_unfolded(row) for row in rows])


def _unfolded(row: Row) -> Row:
    pairs = cast("Sequence[Pair]", row.branches)
    return dataclasses.replace(
        row, branches=[branch for pair in pairs for branch in (pair.chosen, pair.rejected)]
    )


def sum_by_text(values: torch.Tensor, target_turn: torch.Tensor) -> torch.Tensor:
    """Add up what belongs to each text of a batch of pairs.

    Args:
        values: ``(n,)``, one of each supervised token.
        target_turn: ``(n,)`` number of its branch; edited texts are even, drafts odd.

    Returns:
        ``(pairs, 2)``: of the edited text and of the draft.
    """
    texts = values.new_zeros(int(target_turn[-1]) + 1)
    return texts.index_add(0, target_turn, values).view(-1, 2)


def preference_losses(rewards: torch.Tensor) -> torch.Tensor:
    """Give ``-log sigmoid(reward of the edited text - reward of the draft)`` of each pair.

    Args:
        rewards: ``(pairs, 2)``, ``beta`` times how much likelier each text became than it is to the
            reference, in nats.

    Returns:
        ``(pairs,)``; ln 2 where nothing was learnt yet.
    """
    return -functional.logsigmoid(rewards[:, 0] - rewards[:, 1])


class PreferenceTrainer(StageTrainer):
    """The loop of preference tuning; its data come through a :class:`PairEncoder`.

    The network trains by adapters alone. The log gets ``preference/margin`` (mean reward of edited
    texts above that of drafts, in nats), ``preference/accuracy`` (share of pairs in which it is
    positive) and the two rewards by themselves.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._seen = torch.zeros(4)
        super().__init__(*args, **kwargs)

    def _get_num_items_in_batch(
        self, batch_samples: list[dict[str, Any]], device: torch.device
    ) -> torch.Tensor:
        """Pairs of a step over all processes."""
        super()._get_num_items_in_batch(batch_samples, device)  # stops where data are damaged
        count = torch.tensor(sum(_pairs(batch) for batch in batch_samples), device=device)
        return self.accelerator.reduce(count, "sum") if self.args.world_size > 1 else count

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """This batch's part of the step's mean loss, times the processes that will average it."""
        turns = inputs["target_turn"]
        network: Any = self.accelerator.unwrap_model(self.model)
        with adapters_off(network), torch.no_grad():
            reference = answer_losses(network, inputs)[0]
        self.rates.add(0, 0, self.operations.forward.of(inputs["work"]))
        losses, _, _ = self.token_losses(model, inputs)
        # Tokens are subtracted before they are added up: sums of a long text would lose digits.
        rewards = self.recipe.dpo_beta * sum_by_text(reference - losses, turns)
        self._note(rewards.detach())
        edited = sum_by_text(losses, turns)[:, 0] / torch.bincount(turns).view(-1, 2)[:, 0]
        loss = preference_losses(rewards).mean() + self.recipe.dpo_likelihood * edited.mean()
        share = 1.0 if num_items_in_batch is None else _pairs(inputs) / num_items_in_batch
        return loss * share * self.args.world_size

    def _note(self, rewards: torch.Tensor) -> None:
        """Keep sums for the next line of the log, on the device."""
        won = (rewards[:, 0] > rewards[:, 1]).sum()
        pairs = torch.tensor(float(len(rewards)), device=rewards.device)
        self._seen = self._seen.to(rewards.device) + torch.stack([*rewards.sum(0), won, pairs])

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Add rewards, margin and accuracy to a line of the log."""
        if "loss" in logs:
            seen = self._sum(self._seen) if self.args.world_size > 1 else self._seen
            chosen, rejected, accuracy = (seen[:3] / seen[3]).tolist()
            self._seen = torch.zeros(4)
            logs |= {
                "preference/margin": chosen - rejected,
                "preference/accuracy": accuracy,
                "preference/chosen": chosen,
                "preference/rejected": rejected,
            }
        super().log(logs, *args, **kwargs)


def _pairs(batch: dict[str, Any]) -> int:
    return len(batch["turns"]) // 2
