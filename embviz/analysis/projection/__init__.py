"""Maps: vectors of many dimensions laid out on a plane, with a measure of how far the plane can be trusted.

Conventions: vectors are rows, ``[n, d]``; a map has one point for each, ``[n, 2]``, in the same order. What is close on
a map may be judged; distances between far points, sizes of clusters and the directions of axes mean nothing, except on
PCA's.
"""

from __future__ import annotations

from embviz.analysis.projection.options import METHODS, ProjectionOption, method_options
from embviz.analysis.projection.projection import METHOD_NAMES, Projection, project
from embviz.analysis.projection.tsne_pacmap import unavailable_reason

__all__ = ["METHODS", "METHOD_NAMES", "Projection", "ProjectionOption"]
__all__ += ["method_options", "project", "unavailable_reason"]
