"""Cine loops: speckle that moves with the tissue.

Speckle is the interference of scatterers that are fixed in the tissue, so between frames it moves
as the tissue does (the ground of speckle tracking: Bohs and Trahey, IEEE Trans Biomed Eng 1991).
Here the scatterers are drawn once, at rest. For each frame every position looks up where its tissue
was at rest (the inverse displacement) and takes the scatterer found there; only then the pulse and
the beam blur the field (``bmode.py``). Always starting from rest keeps errors from adding up. The
phase that a moving scatterer turns through is left out: under strain the speckle lasts longer here
than in a scanner. Electronic noise is new in every frame.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from echovlm.simulate.bmode import Scan, complex_noise, scatterer_grid

Origin = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""For positions (x, z) in mm now, where their tissue was at rest, as (x, z) in mm."""


class TissueScatterers:
    """Scatterers that are locked to material points.

    Attributes:
        scan: the scanner whose beams they are sampled on.
    """

    def __init__(self, scan: Scan, rng: np.random.Generator) -> None:
        """Draw the scatterers at rest; equal generators give equal scatterers."""
        self.scan = scan
        self._range_mm, self._lateral = scatterer_grid(scan)
        noise = complex_noise(rng, (self._range_mm.size, self._lateral.size))
        # Splines keep the noise's power between the samples, where lines would halve it.
        self._splines = ndimage.spline_filter(noise, order=3, output=np.complex64, mode=_WRAP)

    def moved(self, origin: Origin) -> np.ndarray:
        """Return the scatterers in every place after the tissue has moved.

        Args:
            origin: the inverse displacement.

        Returns:
            (ranges, beams) complex64 of RMS 1, for ``scan_image``.
        """
        x_mm, z_mm = self._positions()
        ranges, lateral = self._beam_position(*origin(x_mm, z_mm))
        step = self._range_mm[1] - self._range_mm[0]
        pitch = self._lateral[1] - self._lateral[0]
        spots = np.stack([ranges / step, (lateral - self._lateral[0]) / pitch])
        return ndimage.map_coordinates(
            self._splines, spots, output=np.complex64, order=3, mode=_WRAP, prefilter=False
        )

    def _positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (x, z) in mm of every sample on the beams."""
        ranges = self._range_mm[:, None].astype(np.float32)
        lateral = self._lateral[None].astype(np.float32)
        if self.scan.is_linear:
            x_mm, z_mm = np.broadcast_arrays(lateral, ranges)
            return x_mm, z_mm
        reach = ranges + np.float32(self.scan.radius_mm)
        return reach * np.sin(lateral), reach * np.cos(lateral) - np.float32(self.scan.radius_mm)

    def _beam_position(self, x_mm: np.ndarray, z_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return range (mm) and beam (mm or rad) of positions."""
        if self.scan.is_linear:
            return z_mm, x_mm
        radius = np.float32(self.scan.radius_mm)
        return np.hypot(x_mm, z_mm + radius) - radius, np.arctan2(x_mm, z_mm + radius)


_WRAP = "grid-wrap"  # what leaves the field at one edge comes in at the other
