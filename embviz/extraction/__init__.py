"""One track through the front-end and the network of a model: frames of any layer."""

from embviz.extraction.engines import EngineOption
from embviz.extraction.extract import PatchHop, embed
from embviz.extraction.separation import separate

__all__ = ["EngineOption", "PatchHop", "embed", "separate"]
