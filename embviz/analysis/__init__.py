"""Analysis of embeddings: what can be asked of vectors once they are computed.

Vectors are rows, ``[n, d]``: :class:`~embviz.core.vectors.Vectors` of a collection, or any array.

- :func:`nearest_neighbors` (all of a collection), :class:`NeighborIndex` (of new vectors)
- :func:`project` to a :class:`Projection`: UMAP, PCA, t-SNE, PaCMAP; :func:`method_options` lists their options
- :func:`cluster` (HDBSCAN, k-means), :func:`name_clusters` and :func:`tag_lift` (by a tagger's tags)
- :func:`agreement` of two models, :func:`linear_cka`, :func:`hubness`
- :class:`Direction`, a line from one group of tracks to another
- :func:`self_similarity` of the frames of a track, and the :func:`boundaries` of its parts
- :func:`align_frames` of two tracks to an :class:`Alignment`
- :func:`find_outliers` of vectors, :func:`find_exemplars` of groups, :func:`match_tracks` of two recordings
- :func:`tag_columns`, :func:`tempo_column`, :func:`estimate_tempo` from outputs of models
"""

from embviz.analysis.alignment import Alignment, align_frames
from embviz.analysis.boundaries import Boundaries, boundaries
from embviz.analysis.clustering import cluster, name_clusters, tag_lift
from embviz.analysis.directions import Direction
from embviz.analysis.exemplars import find_exemplars
from embviz.analysis.model_similarity import Agreement, agreement, hubness, linear_cka
from embviz.analysis.near_duplicates import Match, Recording, match_tracks
from embviz.analysis.neighbors import NeighborIndex, Neighbors, nearest_neighbors
from embviz.analysis.outliers import Outliers, find_outliers
from embviz.analysis.projection import Projection, ProjectionOption, method_options, project
from embviz.analysis.self_similarity import self_similarity
from embviz.analysis.tagging import estimate_tempo, tag_columns, tempo_column

__all__ = ["NeighborIndex", "Neighbors", "nearest_neighbors"]
__all__ += ["Projection", "ProjectionOption", "method_options", "project"]
__all__ += ["cluster", "name_clusters", "tag_lift"]
__all__ += ["Agreement", "agreement", "hubness", "linear_cka", "self_similarity"]
__all__ += ["Direction"]
__all__ += ["Alignment", "Boundaries", "align_frames", "boundaries"]
__all__ += ["Match", "Outliers", "Recording", "find_exemplars", "find_outliers", "match_tracks"]
__all__ += ["estimate_tempo", "tag_columns", "tempo_column"]
