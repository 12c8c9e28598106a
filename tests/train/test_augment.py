"""Varied pictures stay the pictures they were."""

from __future__ import annotations

import numpy as np

from echovlm.train.augment import GENTLE, STEADY, STRONG, Augmentation, augment


def picture():
    made = np.zeros((80, 120, 3), dtype=np.uint8)
    made[20:60, 10:50] = 150
    return made


def test_equal_seeds_give_equal_pictures_and_other_seeds_others():
    first, _ = augment(picture(), np.random.default_rng(1), STRONG)
    again, _ = augment(picture(), np.random.default_rng(1), STRONG)
    other, _ = augment(picture(), np.random.default_rng(2), STRONG)
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_nothing_is_changed_where_nothing_may_vary():
    same, _ = augment(picture(), np.random.default_rng(0), Augmentation(0, 0, 0, 0))
    assert np.abs(same.astype(int) - picture()).max() <= 1


def test_sides_stay_where_they_carry_meaning():
    for how in (GENTLE, STEADY):
        for seed in range(20):
            varied, _ = augment(picture(), np.random.default_rng(seed), how)
            half = varied.shape[1] // 2
            assert varied[:, :half].mean() > varied[:, half:].mean()


def test_a_mask_moves_with_its_picture():
    mask = picture()[..., 0] > 0
    mirrored = set()
    for seed in range(20):
        varied, moved = augment(picture(), np.random.default_rng(seed), STRONG, mask)
        assert moved.shape == varied.shape[:2]
        inside, outside = varied[..., 0][moved].mean(), varied[..., 0][~moved].mean()
        assert inside > 60 + outside
        mirrored.add(np.flatnonzero(moved.any(axis=0)).mean() > moved.shape[1] / 2)
    assert mirrored == {True, False}
