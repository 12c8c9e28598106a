"""How much of a simulated diagnosis the grey values alone give away.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/grey_baseline.py [--cases 40] [--workers 2]

Five numbers per picture (mean, standard deviation and three quartiles of all its pixels) go into a
multinomial logistic regression, scored by stratified 5-fold cross-validation: per anatomy, and over
all labels. A network that is to be credited with looking must do better than this. The same seeds
are drawn with narrow and with wide variation of the scanner.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from echovlm.evaluate.blind import grey_statistics
from echovlm.simulate.cases import LABELS, make_case
from echovlm.simulate.scanner import Variation
from echovlm.terms import Anatomy

FOLDS = 5
PENALTY = 1e-3  # on the squared weights, against a mean loss
FIRST_SEED = 7_000_000


def features_of(job: tuple[str, int, Variation]) -> np.ndarray:
    """Grey statistics of the first still of a case, (5,)."""
    label, seed, variation = job
    return grey_statistics(make_case(seed, label, 1, variation).study.clips[0].frames[0])


def fitted(features: np.ndarray, classes: np.ndarray, count: int) -> np.ndarray:
    """Weights (6, count) of the regression that predicts classes 0 to count - 1."""
    design = np.column_stack([features, np.ones(len(features))])
    target = np.eye(count)[classes]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(design.shape[1], count)
        scores = design @ weights
        log_probability = scores - logsumexp(scores, axis=1, keepdims=True)
        error = np.exp(log_probability) - target
        value = -(target * log_probability).sum() / len(target) + PENALTY * (weights**2).sum()
        return value, (design.T @ error / len(target) + 2 * PENALTY * weights).ravel()

    start = np.zeros(design.shape[1] * count)
    return minimize(loss, start, jac=True, method="L-BFGS-B").x.reshape(-1, count)


def accuracy(features: np.ndarray, names: np.ndarray) -> float:
    """Mean accuracy over the folds, 0 to 1."""
    labels, classes = np.unique(names, return_inverse=True)
    fold = np.empty(len(classes), int)
    rng = np.random.default_rng(0)
    for index in range(len(labels)):
        members = rng.permutation(np.flatnonzero(classes == index))
        fold[members] = np.arange(len(members)) % FOLDS
    scores = []
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        middle, spread = features[train].mean(axis=0), features[train].std(axis=0)
        scaled = (features - middle) / np.maximum(spread, 1e-9)
        weights = fitted(scaled[train], classes[train], len(labels))
        guess = np.argmax(np.column_stack([scaled[test], np.ones(test.sum())]) @ weights, axis=1)
        scores.append(float((guess == classes[test]).mean()))
    return float(np.mean(scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=40, help="cases per label")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    labels = sorted(LABELS)
    names = np.repeat(labels, arguments.cases)
    regions = np.array([LABELS[name] for name in names])
    tables = {}
    with ProcessPoolExecutor(arguments.workers) as pool:
        for variation in Variation:
            jobs = [(name, FIRST_SEED + i, variation) for i, name in enumerate(names)]
            tables[variation] = np.stack(list(pool.map(features_of, jobs, chunksize=20)))
    print("| classes | chance | narrow | wide |\n|---|---|---|---|")
    for anatomy in Anatomy:
        mine = regions == anatomy
        row = [accuracy(tables[variation][mine], names[mine]) for variation in Variation]
        chance = 1 / len(set(names[mine]))
        print(f"| {anatomy} | {chance:.2f} | {row[0]:.2f} | {row[1]:.2f} |")
    for title, wanted in (("all labels", names), ("the seven anatomies", regions)):
        row = [accuracy(tables[variation], wanted) for variation in Variation]
        counts = np.unique(wanted, return_counts=True)[1]
        print(f"| {title} | {counts.max() / counts.sum():.2f} | {row[0]:.2f} | {row[1]:.2f} |")


if __name__ == "__main__":
    main()
