"""What is shown of items: independent of the others where it can be, told where it cannot."""

import numpy as np
import pytest

from echovlm.evaluate.items import Item, Items
from echovlm.evaluate.looks import Looks
from echovlm.evaluate.perturb import Perturbation
from echovlm.prompts import Task
from echovlm.terms import Language

EXCHANGED = [Perturbation.PATIENT_SHUFFLED, Perturbation.OTHER_ORGAN]


class Shelf:
    """Pictures of one grey per study."""

    def __getitem__(self, number):
        return type("Example", (), {"pictures": [np.full((30, 40, 3), 20 + number, np.uint8)]})


def item(number, task=Task.REPORT):
    return Item(
        id=f"{number}-{task}", number=number, study=f"s{number}", images=("1.png",),
        patient=f"p{number}", source="s", anatomy="liver" if number % 2 else "kidney", task=task,
        language=Language.ENGLISH, question="What is seen?", reference="cyst",
    )  # fmt: skip


def looks(count, seed=0):
    chosen = tuple(item(n, task) for n in range(count) for task in (Task.REPORT, Task.QUESTION))
    return Looks(Items(chosen, frozenset(), Shelf(), {}, {}), seed)


def test_noise_does_not_depend_on_what_else_is_asked():
    few, many = looks(4), looks(12)
    for one in few.items.chosen:
        here, there = (some.look(Perturbation.NOISE).see(one) for some in (few, many))
        assert np.array_equal(here, there)


def test_noise_is_that_of_the_study_and_of_the_seed():
    report, question, other = item(0), item(0, Task.QUESTION), item(1)
    noise, again = (looks(4, seed).look(Perturbation.NOISE) for seed in (0, 1))
    assert np.array_equal(noise.see(report), noise.see(question))
    assert not np.array_equal(noise.see(report), noise.see(other))
    assert not np.array_equal(noise.see(report), again.see(report))
    assert noise.shown(report) != again.shown(report)


@pytest.mark.parametrize("kind", EXCHANGED)
def test_what_is_shown_names_the_donor_whose_pictures_are_seen(kind):
    some = looks(6)
    look = some.look(kind)
    for one in some.items.chosen:
        (picture,) = look.see(one)
        donor = picture[0, 0, 0] - 20
        assert look.shown(one) == f"s{donor}\0001.png"
        assert donor != one.number


@pytest.mark.parametrize("kind", EXCHANGED)
def test_another_choice_of_items_shows_other_donors_and_says_so(kind):
    few, many = (looks(count).look(kind) for count in (4, 12))
    same = [few.shown(item(n)) == many.shown(item(n)) for n in range(4)]
    assert not all(same)
    equal = [np.array_equal(few.see(item(n)), many.see(item(n))) for n in range(4)]
    assert equal == same


def test_looks_that_depend_on_the_item_alone_have_nothing_to_tell():
    some, other = looks(2), looks(2, seed=1)
    for kind in (None, Perturbation.BLANK, Perturbation.CALIPER_REMOVED, Perturbation.TEXT_ONLY):
        assert some.look(kind).shown(item(0)) == other.look(kind).shown(item(0)) == ""
    assert some.look(Perturbation.TEXT_ONLY).see(item(0)) == ()
    assert some.look(None).see(item(0))[0].max() == 20
    assert np.ptp(some.look(Perturbation.BLANK).see(item(0))[0]) == 0
