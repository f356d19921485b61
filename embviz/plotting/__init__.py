"""Static figures of embeddings and projections, drawn by plotly."""

from embviz.plotting.heatmap_figure import heatmap, poster
from embviz.plotting.save import save_figure
from embviz.plotting.scatter_figure import scatter

__all__ = ["heatmap", "poster", "save_figure", "scatter"]
