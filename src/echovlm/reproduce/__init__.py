"""Experiments that join trainer, engine and evaluator, and the scores of a whole checkpoint."""
