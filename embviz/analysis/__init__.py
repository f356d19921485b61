"""Questions asked of vectors: neighbors, clusters, projections, similarity and tags."""

from embviz.analysis.clustering import cluster, name_clusters
from embviz.analysis.model_similarity import Agreement, agreement
from embviz.analysis.neighbors import Neighbours, neighbours
from embviz.analysis.projection import Projection, project
from embviz.analysis.self_similarity import self_similarity
from embviz.analysis.tagging import tag_columns, tempo_column

__all__ = [
    "Agreement",
    "Neighbours",
    "Projection",
    "agreement",
    "cluster",
    "name_clusters",
    "neighbours",
    "project",
    "self_similarity",
    "tag_columns",
    "tempo_column",
]
