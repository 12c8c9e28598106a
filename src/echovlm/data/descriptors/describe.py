"""All descriptors of one lesion in one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.data.descriptors import beams, echo, form, margin, outline, posterior, size
from echovlm.data.descriptors.descriptor import Descriptor
from echovlm.data.descriptors.lesion import Lesion, prepare


@dataclass(frozen=True, eq=False)
class Description:
    """What can be told of a lesion.

    Attributes:
        lesion: the picture and mask as they were measured.
        orientation: see :func:`echovlm.data.descriptors.form.orientation`; so are the others in
            the modules of their names.
    """

    lesion: Lesion
    orientation: Descriptor
    shape: Descriptor
    margin: Descriptor
    echogenicity: Descriptor
    echotexture: Descriptor
    posterior: Descriptor
    image_position: Descriptor
    size: size.Size

    @property
    def descriptors(self) -> tuple[Descriptor, ...]:
        """Every descriptor that has words."""
        return (
            self.shape,
            self.orientation,
            self.margin,
            self.echogenicity,
            self.echotexture,
            self.posterior,
            self.image_position,
        )


def describe(
    image: np.ndarray,
    mask: np.ndarray,
    *,
    others: np.ndarray | None = None,
    pixel_spacing_mm: tuple[float, float] | None = None,
    tissue: np.ndarray | None = None,
    dynamic_range_db: float | None = None,
) -> Description:
    """Describe one lesion.

    Args:
        image: ``(H, W)`` or ``(H, W, 3)`` uint8, B-mode.
        mask: ``(H, W)`` bool, the lesion.
        others: ``(H, W)`` bool, other lesions of the picture, None where there are none.
        pixel_spacing_mm: ``(row, column)``, None where uncalibrated.
        tissue: ``(H, W)`` bool, the insonified area; found where None.
        dynamic_range_db: range of the log compression, None where unknown.

    Raises:
        InputError: see :func:`echovlm.data.descriptors.lesion.prepare`.
    """
    lesion = prepare(
        image,
        mask,
        others=others,
        pixel_spacing_mm=pixel_spacing_mm,
        tissue=tissue,
        dynamic_range_db=dynamic_range_db,
    )
    line, view = outline.trace(lesion), beams.view(lesion)
    after = posterior.posterior(lesion, view)
    level = echo.echogenicity(lesion, view, after.word)
    return Description(
        lesion=lesion,
        orientation=form.orientation(lesion, line),
        shape=form.shape(lesion, line),
        margin=margin.margin(lesion, line, margin.measure_edge(lesion)),
        echogenicity=level,
        echotexture=echo.echotexture(lesion, view, level.word),
        posterior=after,
        image_position=size.image_position(lesion),
        size=size.size(lesion),
    )
