"""Frozen TensorFlow graphs and the engine that runs them."""

from embviz.inference.graph import Graph, Session

__all__ = ["Graph", "Session"]
