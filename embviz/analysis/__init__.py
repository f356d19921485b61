"""Questions asked of vectors: neighbors, clusters, projections, similarity and tags."""

from embviz.analysis.clustering import cluster, name_clusters
from embviz.analysis.model_similarity import Agreement, agreement
from embviz.analysis.neighbors import Neighbors, nearest_neighbors
from embviz.analysis.projection import Projection, project
from embviz.analysis.self_similarity import self_similarity
from embviz.analysis.tagging import tag_columns, tempo_column

__all__ = [
    "Agreement",
    "Neighbors",
    "Projection",
    "agreement",
    "cluster",
    "name_clusters",
    "nearest_neighbors",
    "project",
    "self_similarity",
    "tag_columns",
    "tempo_column",
]
