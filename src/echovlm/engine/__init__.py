"""Load a network once, then report, diagnose and answer for many studies."""

from echovlm.engine.base import MAX_IMAGES, MAX_NEW_TOKENS, MAX_QUESTION, BaseEngine
from echovlm.engine.engine import Engine
from echovlm.engine.scripted import ScriptedEngine

__all__ = [
    "MAX_IMAGES",
    "MAX_NEW_TOKENS",
    "MAX_QUESTION",
    "BaseEngine",
    "Engine",
    "ScriptedEngine",
]
