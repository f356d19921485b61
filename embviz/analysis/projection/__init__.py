"""Maps: vectors of many dimensions laid out on a plane, with a measure of how far the plane can be trusted.

Conventions: vectors are rows, ``[n, d]``; a map has one point for each, ``[n, 2]``, in the same order. What is close on
a map may be judged; distances between far points, sizes of clusters and the directions of axes mean nothing, except on
PCA's.
"""

from __future__ import annotations

from embviz.analysis.projection.options import METHODS, Option, options_of
from embviz.analysis.projection.projection import TITLES, Projection, project
from embviz.analysis.projection.tsne_pacmap import here

__all__ = ["METHODS", "TITLES", "Option", "Projection", "here", "options_of", "project"]
