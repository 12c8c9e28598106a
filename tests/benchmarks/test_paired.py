import pytest
from paired import Ratio, time_blocks


def test_a_ratio_is_taken_inside_each_block():
    ratio = Ratio.of([2.0, 20.0, 3.0], [1.0, 10.0, 1.0])  # one block ten times as slow
    assert (ratio.median, ratio.p25, ratio.p75) == (2.0, 2.0, 2.5)


def test_one_block_gives_its_own_ratio():
    assert Ratio.of([3.0], [2.0]) == Ratio(1.5, 1.5, 1.5)


@pytest.mark.parametrize(
    ("ratio", "steady", "one"),
    [
        (Ratio(1.0, 0.99, 1.01), True, True),
        (Ratio(1.04, 1.0, 1.08), True, True),
        (Ratio(1.06, 1.05, 1.07), True, False),
        (Ratio(0.94, 0.93, 0.95), True, False),
        (Ratio(1.0, 0.9, 1.1), False, False),
        (Ratio(3.0, 2.9, 3.1), True, False),
    ],
)
def test_it_says_whether_times_count(ratio, steady, one):
    assert (ratio.is_steady, ratio.is_one) == (steady, one)


class Machine:
    """A clock that the variants themselves push on."""

    def __init__(self):
        self.now, self.calls = 0.0, []

    def variant(self, name, seconds):
        def run():
            self.calls.append(name)
            self.now += seconds

        return run


def test_variants_take_turns_after_one_untimed_call_each():
    machine = Machine()
    variants = {"quick": machine.variant("quick", 1.0), "slow": machine.variant("slow", 3.0)}
    seconds = time_blocks(variants, blocks=4, repeats=2, clock=lambda: machine.now)
    assert seconds == {"quick": [1.0] * 4, "slow": [3.0] * 4}
    assert machine.calls[:2] == ["quick", "slow"]
    turns = [tuple(machine.calls[i : i + 2]) for i in range(2, len(machine.calls), 2)]
    assert len(turns) == 8
    assert {frozenset(turn) for turn in turns} == {frozenset({"quick", "slow"})}
    assert len(set(turns)) == 2  # now this one first, now that one


def test_the_median_of_a_block_hides_one_hiccup():
    machine = Machine()
    lengths = iter([1.0, 1.0, 50.0, 1.0])

    def run():
        machine.now += next(lengths)

    assert time_blocks({"a": run}, 1, 3, clock=lambda: machine.now) == {"a": [1.0]}
