"""Evaluation: numbers with signatures."""
