"""How much of the held-out data is scored."""

from __future__ import annotations

from dataclasses import dataclass

from echovlm.evaluate.intervals import RESAMPLES

SIMULATED = "simulated"
"""Name of the simulated source."""


@dataclass(frozen=True)
class Limits:
    """How much is scored: most studies of each kind, evenly over their labels, and the bootstrap.

    Attributes:
        diagnosed: simulated test studies whose diagnosis and anatomy are scored.
        reported: simulated test studies whose reports are scored.
        calibrating: simulated validation studies that fit the temperature.
        fitting: simulated training studies that the grey statistics learn from.
        real: test studies of each real source.
        resamples: of the bootstrap.
        seed: of the choice of studies and of the bootstrap.
    """

    diagnosed: int = 312
    reported: int = 130
    calibrating: int = 182
    fitting: int = 1300
    real: int = 200
    resamples: int = RESAMPLES
    seed: int = 0
