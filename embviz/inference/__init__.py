"""Frozen TensorFlow graphs and the engines that run them."""

from embviz.inference.graph import Graph
from embviz.inference.session import Session

__all__ = ["Graph", "Session"]
