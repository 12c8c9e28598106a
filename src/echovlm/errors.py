"""Every exception the package raises on purpose.

    EchoVLMError
    ├── InputError            what the user gave cannot be used
    │   ├── StudyError        a path that holds no readable image, cine loop or DICOM file
    │   │   └── DataError     a data set, archive or stored set that cannot be used as it is
    │   ├── OptionError       an option or question outside what is accepted
    │   └── RuleError         values that a rule of an assessment system cannot be applied to
    ├── CheckpointError       a checkpoint folder that cannot be used as it is
    │   ├── LayoutError       not a layout this loader knows (a plain Qwen2-VL, for example)
    │   └── TensorError       a tensor is missing, left over, or has the wrong shape
    ├── TrainingError         a recipe and what it is to train do not fit together
    └── OutputError           a result could not be written whole

Each message is one sentence that names the thing, says what is wrong with it and what to do. The
command line prints that sentence alone; a traceback at the command line is a defect.
"""

from __future__ import annotations


class EchoVLMError(Exception):
    """Base of every error the package raises on purpose.

    Args:
        message: one clear sentence. It never holds patient data: name files and tags, not values.
    """


class InputError(EchoVLMError):
    """Something the user gave cannot be used."""


class StudyError(InputError):
    """A file or folder cannot be read as ultrasound.

    Args:
        path: the file or folder as the user named it.
        problem: what is wrong, as a clause without a full stop ("is truncated").
        remedy: what to do, as a sentence without a full stop ("Export the file again").
    """

    def __init__(self, path: object, problem: str, remedy: str = "") -> None:
        self.path = str(path)
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{path}: {problem}." + (f" {remedy}." if remedy else ""))


class DataError(StudyError):
    """A data set, an archive or a stored set of samples cannot be used as it is."""


class OptionError(InputError):
    """An option or a question lies outside what is accepted."""


class RuleError(InputError):
    """Values that a rule of an assessment system cannot be applied to."""


class CheckpointError(EchoVLMError):
    """A checkpoint folder cannot be used as it is."""


class LayoutError(CheckpointError):
    """The folder holds no layout that this loader knows."""


class TensorError(CheckpointError):
    """Tensors of a checkpoint are missing, left over or mis-shaped; the message names them."""


class TrainingError(EchoVLMError):
    """A recipe and the network, data or machine it is to run on do not fit together."""


class OutputError(EchoVLMError):
    """A result could not be written whole; nothing partial was left behind."""
