"""EchoVLM: an open vision-language system for universal ultrasound.

    study = echovlm.read("folder")              # stills, cine loops, DICOM
    engine = echovlm.Engine.load()              # nano, or a path or hub id
    engine.report(study).findings

The names below are loaded when they are first used, so that ``import echovlm`` stays light and the
clinical half works without torch.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from echovlm.engine import Engine, ScriptedEngine
    from echovlm.imaging import read
    from echovlm.report import Answer, Diagnosis, Report
    from echovlm.study import Study

__version__ = version("echovlm")

__all__ = [
    "Answer",
    "Diagnosis",
    "Engine",
    "Report",
    "ScriptedEngine",
    "Study",
    "__version__",
    "read",
]

_HOMES = {
    "Answer": "echovlm.report",
    "Diagnosis": "echovlm.report",
    "Engine": "echovlm.engine",
    "Report": "echovlm.report",
    "ScriptedEngine": "echovlm.engine",
    "Study": "echovlm.study",
    "read": "echovlm.imaging",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the room it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module 'echovlm' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
