"""The widget of jupyter-scatter, as the renderer of a map: it draws the points, and nothing else.

Conventions: its points are ``[n, 4]``: x, y, the place of the colour in the palette, and the step of the size. What is
missing has the place after the last colour. The page sets colours, sizes and camera itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.plotting.encodings import MISSING

if TYPE_CHECKING:
    import anywidget
    from numpy.typing import NDArray


GREY = [0.5, 0.5, 0.5, 1.0]


def jscatter_points(xy: NDArray[np.float32], shades: bytes, sizes: bytes, colors: int) -> NDArray[np.float32]:
    """Return points as jupyter-scatter takes them, float32 ``[n, 4]``; shades and sizes may be empty."""
    points = np.zeros((len(xy), 4), dtype=np.float32)
    points[:, :2] = xy
    if shades:
        places = np.frombuffer(shades, np.uint8)
        points[:, 2] = np.where(places == MISSING, colors, places)
    if sizes:
        points[:, 3] = np.frombuffer(sizes, np.uint8) >> 4
    return points


def jscatter_widget(points: NDArray[np.float32]) -> anywidget.AnyWidget:
    """Return a widget of jupyter-scatter that draws points ``[n, 4]`` and leaves all else to the page."""
    from jscatter.widget import JupyterScatter

    traits: dict[str, Any] = {
        "points": points,
        "selection": np.zeros(0, dtype=np.uint32),
        "color_by": "valueA",
        "opacity": [0.01, 0.02],
        "opacity_by": "valueA",
        "opacity_unselected": 0.22,
        "size": [3, 4],
        "size_by": "valueB",
        "size_scale_function": "constant",
        "background_color": [1.0, 1.0, 1.0, 1.0],
        "connection_opacity": 0.1,
        "connection_size": 2,
        "tooltip_histograms": False,
        "camera_is_fixed": True,
        "camera_view": np.eye(4).ravel().tolist(),
        "height": 240,
        "toolbar_buttons": [],
        "regl_scatterplot_options": {
            "deselectOnDblClick": False,
            "deselectOnEscape": False,
            "pointSizeSelected": 0.5,
            "pointOutlineWidth": 0,
            # To hand a million points to a worker takes longer than to sort them.
            "spatialIndexUseWorker": False,
        },
    }
    traits |= {"lasso_color": GREY, "reticle_color": GREY}
    for state in ("", "_selected", "_hover"):
        traits |= {f"color{state}": [GREY, GREY], f"connection_color{state}": GREY}
    for axis in "xy":
        traits |= {f"{axis}_domain": [-1, 1], f"{axis}_scale_domain": [-1, 1], f"{axis}_scale": "linear"}
    traits |= {f"{channel}_histogram_range": [0, 1] for channel in ("x", "y", "color", "opacity", "size")}
    for channel in ("color", "opacity", "size"):
        traits |= {f"{channel}_domain": [0, 1], f"{channel}_scale": "linear"}
    drawing: anywidget.AnyWidget = JupyterScatter(None, **traits)
    return drawing
