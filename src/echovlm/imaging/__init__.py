"""Pixels from the scanner: files and folders in, a :class:`~echovlm.study.Study` out.

The doors are :func:`read` (an image, a cine loop, a DICOM file or a folder that mixes them becomes
a study), :func:`key_frames` (which frames of a cine loop stand for it) and :func:`study_images`
(the bounded list of pictures the network sees). Nothing here imports a network library.
"""

from echovlm.imaging.frames import StudyImage, choose_images, key_frames, study_images
from echovlm.imaging.limits import Limits
from echovlm.imaging.reader import read

__all__ = ["Limits", "StudyImage", "choose_images", "key_frames", "read", "study_images"]
