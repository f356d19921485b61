"""Static figures, drawn by plotly: each function returns a ``plotly.graph_objects.Figure``.

- :func:`heatmap` of an embedding, :func:`poster` of several models on one sound
- :func:`scatter` of a projection
- :func:`plane` of two dimensions, such as valence and arousal
- :func:`filters` of a model's first layer
- :func:`save_figure` to ``.html``, ``.png`` or ``.svg``
- :func:`mark` writes moments over a heatmap, :func:`use_page_style` makes figures of one's own suit the page
- :func:`to_time_axis` converts seconds to positions on the time axis of heatmaps
"""

from embviz.plotting.filter_figure import filters
from embviz.plotting.heatmap_figure import heatmap, poster
from embviz.plotting.page_style import mark, use_page_style
from embviz.plotting.plane import plane
from embviz.plotting.save import save_figure
from embviz.plotting.scatter_figure import scatter
from embviz.plotting.style import to_time_axis

__all__ = ["filters", "heatmap", "mark", "plane", "poster", "save_figure", "scatter", "to_time_axis", "use_page_style"]
