"""Baselines that do not look at the picture, or hardly.

A score means something only beside what can be had without looking: the most frequent label or
report of the training patients, five grey statistics with a logistic regression, and the network
itself with blanked images.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from echovlm.study import Study

Group = TypeVar("Group", bound=Hashable)


def most_frequent(groups: Sequence[Group], values: Sequence[str]) -> dict[Group, str]:
    """The most frequent value of each group: a label or a text per anatomy, for example.

    Args:
        groups: group of each training case.
        values: its label or text.

    Returns:
        One value per group; of equally frequent ones the first in alphabetical order.
    """
    counts: dict[Group, Counter[str]] = {}
    for group, value in zip(groups, values, strict=True):
        counts.setdefault(group, Counter())[value] += 1
    return {
        group: min(count, key=lambda value: (-count[value], value))
        for group, count in counts.items()
    }


def blanked(study: Study) -> Study:
    """The same study with every pixel at the mean grey of its clip: shapes stay, content goes."""
    clips = tuple(
        dataclasses.replace(clip, frames=np.full_like(clip.frames, int(clip.frames.mean())))
        for clip in study.clips
    )
    return dataclasses.replace(study, clips=clips)


def grey_statistics(pixels: np.ndarray) -> np.ndarray:
    """Mean, standard deviation and quartiles of a picture's grey values, (5,), each 0 to 255.

    Args:
        pixels: ``(H, W, 3)`` uint8; of RGB the first channel, which in B-mode is the grey value.
    """
    grey = pixels[:, :, 0]
    return np.array([grey.mean(), grey.std(), *np.percentile(grey, [25, 50, 75])])


class GreyBaseline:
    """Labels from grey statistics by logistic regression, one for each group of cases.

    Classes weigh the same however rare they are, since the scores it stands beside are means over
    classes.

    Args:
        features: ``(n, 5)`` grey statistics of the training cases.
        labels: their labels.
        groups: what a baseline may know beforehand (the anatomy); all cases are one group if empty.
    """

    def __init__(
        self, features: np.ndarray, labels: Sequence[str], groups: Sequence[str] = ()
    ) -> None:
        names, members = np.asarray(labels), np.asarray(groups or [""] * len(labels))
        self._models: dict[str, Pipeline | str] = {}
        for group in np.unique(members):
            chosen = members == group
            known = names[chosen]
            if len(set(known)) == 1:
                self._models[str(group)] = str(known[0])
                continue
            model = make_pipeline(
                StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000)
            )
            self._models[str(group)] = model.fit(features[chosen], known)

    def probabilities(self, features: np.ndarray, group: str = "") -> Mapping[str, float]:
        """Probability of each label for one case, from its grey statistics ``(5,)``.

        None are given for a group that no training case had.
        """
        model = self._models.get(group)
        if model is None or isinstance(model, str):
            return {} if model is None else {model: 1.0}
        values = model.predict_proba(features[None])[0]
        return {str(name): float(value) for name, value in zip(model.classes_, values, strict=True)}

    def label(self, features: np.ndarray, group: str = "") -> str:
        """The most probable label of one case, "" for a group that no training case had."""
        chances = self.probabilities(features, group)
        return max(chances, key=lambda name: chances[name], default="")
