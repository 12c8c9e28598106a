"""A simulated hospital archive: DICOM studies of invented patients, reports, and the whole truth.

Its point is proof: every name, number and date in headers, pixels, reports and paths is known, so a
test can show that none of them survives de-identification, and that each study keeps its label.
"""

from echovlm.simulate.archive.writing import write_archive

__all__ = ["write_archive"]
