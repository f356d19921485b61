"""Figures of one's own beside those of embviz."""

import numpy as np
import plotly.express as px
import plotly.io as pio

import embviz
from embviz.core.embedding import Embedding, FrameGrid
from embviz.plotting import mark, use_page_style


def test_moments_are_written_over_a_heatmap_as_text():
    grid = FrameGrid(1000, 1000, 1000, 1000, 0, 10, 10_000)
    figure = embviz.heatmap(Embedding(np.zeros((10, 3), np.float32), grid, "m", "l"))
    before, drawn = len(figure.layout.annotations), len(figure.layout.shapes)
    assert mark(figure, [(2.5, "<b>verse"), (99, "outside")]) is figure
    [name] = figure.layout.annotations[before:]
    assert name.text == "&lt;b&gt;verse"
    assert (name.y, name.yanchor) == (0, "bottom")
    assert len(figure.layout.shapes) == drawn + 2
    above = mark(figure, [(2.5, "verse")], top=True).layout.annotations[-1]
    assert (above.y, above.yanchor) == (1, "top")


def test_figures_of_plotly_express_have_the_style_of_the_page(monkeypatch):
    monkeypatch.setattr(px.defaults, "template", None)
    monkeypatch.setattr(px.defaults, "height", None)
    use_page_style(height=200)
    figure = px.line(y=[1, 2])
    assert figure.layout.height == 200
    assert pio.templates["embviz"].layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert figure.layout.template.layout.font.color == pio.templates["embviz"].layout.font.color
    assert {"zoom", "toImage"} <= set(figure.layout.template.layout.modebar.remove)
