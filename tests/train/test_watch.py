"""What is watched, against numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.models.qwen2_moe.modeling_qwen2_moe import Qwen2MoeMLP

from echovlm.model import EchoVLMConfig
from echovlm.model.moe import DualPathFeedForward
from echovlm.train.watch import GROUPS, Watch

LAYERS, EXPERTS, TOP_K, WIDTH = 2, 4, 2, 8


@dataclass(frozen=True)
class Info:
    anatomy: str = ""
    task: str = ""
    language: str = ""


class Stack(nn.Module):
    """Nothing but feed-forwards, which is all that is watched."""

    def __init__(self, recompute: bool = False) -> None:
        super().__init__()
        sizes = {
            "hidden_size": WIDTH,
            "intermediate_size": 8,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "num_hidden_layers": LAYERS,
            "num_experts": EXPERTS,
            "num_experts_per_tok": TOP_K,
            "moe_intermediate_size": 8,
            "shared_expert_intermediate_size": 8,
            "vocab_size": 64,
        }
        config = EchoVLMConfig(text_config=sizes).text_config
        self.layers = nn.ModuleList(
            DualPathFeedForward(config, Qwen2MoeMLP(config, 8)) for _ in range(LAYERS)
        )
        self.recompute = recompute
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.3)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            if self.recompute:
                hidden = hidden + checkpoint(layer, hidden, use_reentrant=False)
            else:
                hidden = hidden + layer(hidden)
        return hidden


def logits(*rows: list[float]) -> torch.Tensor:
    """Router logits whose probabilities are the rows."""
    return torch.tensor(rows).clamp_min(1e-30).log()


EVEN = [0.25, 0.25, 0.25, 0.25]
NOTHING = ([], torch.zeros(0, dtype=torch.long), torch.zeros(0))


def routed(watch: Watch, *layers: torch.Tensor) -> dict[str, float]:
    watch.observe(*NOTHING, layers)
    return watch.summary()


def summary_of(layer: int = 0, mix: float = 0.5, **changed: float) -> dict[str, float]:
    """A healthy summary with something changed in one layer."""
    summary = {}
    for at in range(LAYERS):
        summary |= {f"router/{at}/load/{expert}": 0.25 for expert in range(EXPERTS)}
        summary |= {f"router/{at}/entropy": 1.2, f"router/{at}/entropy_share": 0.87}
        summary[f"mix/{at}"] = 0.5
    summary |= {f"router/{layer}/{name}": value for name, value in changed.items()}
    return summary | {f"mix/{layer}": mix}


def test_losses_are_means_over_tokens_of_every_micro_batch():
    watch = Watch(nn.Linear(2, 2))
    turns = (Info("breast", "report", "zh"), Info("", "report", "en"))
    watch.observe(turns, torch.tensor([0, 0, 1]), torch.tensor([1.0, 2.0, 6.0]), None)
    watch.observe(turns[:1], torch.tensor([0]), torch.tensor([6.0]), ())
    assert watch.summary() == pytest.approx(
        {
            "loss/anatomy/breast": 3.0,
            "loss/anatomy/unknown": 6.0,
            "loss/task/report": 15 / 4,
            "loss/language/zh": 3.0,
            "loss/language/en": 6.0,
        }
    )


def test_each_interval_starts_from_zero():
    watch = Watch(Stack())
    watch.observe((Info("liver"),), torch.tensor([0]), torch.tensor([1.0]), [logits(EVEN)] * 2)
    assert "loss/anatomy/liver" in watch.summary()
    assert watch.summary() == {}


def test_load_and_importance_are_shares_per_layer():
    first = logits([0.6, 0.3, 0.1, 0.0], [0.4, 0.2, 0.3, 0.1])  # places: 0 1, 0 2
    second = logits([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4])  # places: 3 2, 3 2
    summary = routed(Watch(Stack()), first, second)
    loads = [[summary[f"router/{layer}/load/{e}"] for e in range(4)] for layer in range(2)]
    assert loads == [[0.5, 0.25, 0.25, 0.0], [0.0, 0.0, 0.5, 0.5]]
    importance = [summary[f"router/0/importance/{e}"] for e in range(4)]
    assert importance == pytest.approx([0.5, 0.25, 0.2, 0.05])


def test_entropy_is_given_in_nats_and_as_a_share():
    halves = [0.5, 0.5, 0.0, 0.0]
    summary = routed(Watch(Stack()), logits(EVEN, EVEN), logits(halves, [1.0, 0.0, 0.0, 0.0]))
    assert summary["router/0/entropy"] == pytest.approx(math.log(4))
    assert summary["router/0/entropy_share"] == pytest.approx(1.0)
    assert summary["router/1/entropy"] == pytest.approx(math.log(2) / 2)
    assert summary["router/1/entropy_share"] == pytest.approx(0.25)


def test_mix_is_the_mean_weight_of_the_expert_path():
    model = Stack()
    for layer, bias in zip(model.layers, ([0.0, 0.0], [math.log(3), 0.0]), strict=True):
        nn.init.zeros_(layer.mix.weight)
        layer.mix.bias.data = torch.tensor(bias)
    watch = Watch(model)
    with watch.watching():
        model(torch.randn(1, 5, WIDTH))
    assert watch.summary() == pytest.approx({"mix/0": 0.5, "mix/1": 0.75})


def test_mix_is_seen_only_while_watched_and_once_under_gradient_checkpointing():
    torch.manual_seed(0)
    model, hidden = Stack(recompute=True), torch.randn(1, 5, WIDTH)
    watch = Watch(model)
    model(hidden)
    assert watch.summary() == {}
    with watch.watching():
        output = model(hidden)
    output.sum().backward()
    seen = watch.summary()
    weight = torch.softmax(model.layers[0].mix(hidden), -1)[..., 0].mean().detach()
    assert seen["mix/0"] == pytest.approx(float(weight), abs=1e-6)
    assert not any(layer.mix._forward_hooks for layer in model.layers)


def test_sums_of_processes_are_added_before_dividing():
    ours, theirs = Watch(Stack()), Watch(Stack())
    one = logits([0.6, 0.4, 0.0, 0.0])
    ours.observe((Info("heart"),), torch.tensor([0]), torch.tensor([2.0]), [one] * 2)
    three = logits([0.6, 0.4, 0.0, 0.0], [0.6, 0.4, 0.0, 0.0], [0.0, 0.0, 0.6, 0.4])
    theirs.observe((Info("vessel"),), torch.tensor([0, 0]), torch.tensor([1.0, 3.0]), [three] * 2)
    caught = []
    theirs.summary(lambda flat: caught.append(flat.clone()) or flat)
    summary = ours.summary(lambda flat: flat + caught[0])
    assert summary["loss/anatomy/heart"] == 2.0
    assert summary["loss/anatomy/vessel"] == 2.0
    assert summary["loss/task/unknown"] == 2.0
    loads = [summary[f"router/1/load/{expert}"] for expert in range(4)]
    assert sum(loads) == pytest.approx(1.0)
    assert loads[0] + loads[1] == pytest.approx(6 / 8)


def test_a_process_that_saw_nothing_reduces_a_vector_of_the_same_length():
    lengths = []
    idle, busy = Watch(Stack()), Watch(Stack())
    busy.observe((Info(),), torch.tensor([0]), torch.tensor([1.0]), [logits(EVEN)] * 2)
    for watch in (idle, busy):
        watch.summary(lambda flat: lengths.append(len(flat)) or flat)
    groups = sum(map(len, GROUPS.values()))
    assert lengths == [2 * groups + 2 * LAYERS * EXPERTS + 2 * LAYERS + 2] * 2


def test_a_dense_network_has_losses_alone_and_no_warnings():
    watch = Watch(nn.Linear(2, 2))
    with watch.watching():
        pass
    watch.observe((Info("kidney"),), torch.tensor([0]), torch.tensor([1.0]), None)
    summary = watch.summary()
    assert {name.split("/")[0] for name in summary} == {"loss"}
    assert watch.warnings(summary) == []


def test_a_healthy_network_is_not_warned_of():
    assert Watch(Stack()).warnings(summary_of()) == []


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (summary_of(1, **{"load/2": 0.02}), ("Layer 1", "expert 2 is dead", "2.00%", "aux_loss")),
        (summary_of(0, **{"load/3": 0.46}), ("Layer 0", "onto expert 3", "92.0%", "aux_loss")),
        (
            summary_of(1, entropy=0.1, entropy_share=0.07),
            ("Layer 1", "0.100 nats", "1.386", "learning_rate"),
        ),
        (summary_of(0, mix=0.01), ("Layer 0", "expert path is unused", "1.00%", "rate_scales")),
        (summary_of(1, mix=0.99), ("Layer 1", "dense path is unused", "99.00%", "rate_scales")),
    ],
)
def test_each_warning_names_layer_number_and_remedy(summary, words):
    (sentence,) = Watch(Stack()).warnings(summary)
    for word in words:
        assert word in sentence
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0


def test_a_warning_is_told_once_until_its_cause_has_clearly_gone():
    watch = Watch(Stack())
    told = [len(watch.warnings(summary_of(0, mix=m))) for m in (0.01, 0.01, 0.03, 0.01, 0.1, 0.01)]
    assert told == [1, 0, 0, 0, 0, 1]


def test_routers_that_choose_every_expert_have_nothing_to_collapse():
    model = Stack()
    for layer in model.layers:
        layer.moe.router.top_k = EXPERTS
    watch = Watch(model)
    summary = routed(watch, *[logits([1.0, 0.0, 0.0, 0.0])] * 2)
    assert summary["router/0/load/3"] == 0.25
    assert watch.warnings(summary) == []
