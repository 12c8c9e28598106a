"""Synthetic ultrasound whose truth is known because it was sampled first."""
