"""Frozen TensorFlow graphs and the engine that runs them."""

from embviz.inference.essentia import Session
from embviz.inference.graph import Graph

__all__ = ["Graph", "Session"]
