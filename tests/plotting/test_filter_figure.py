"""The filters of a first layer as a figure: what stands where, in which colours, and in how much room."""

import numpy as np
import pytest
from factories import bare

from embviz.errors import OptionError
from embviz.extraction.filters import Filter
from embviz.plotting import filters, save

HZ = np.geomspace(50, 8000, 40)


def filter_of(index, values, *, node="conv", layer="timbral", zero=False):
    """Make a filter, ``[bands, frames]``."""
    return Filter("musicnn", node, index, np.asarray(values, np.float32), 1.0, zero, {layer: index}, HZ, 16.0)


def some(n=5, bands=10, frames=3, **more):
    values = np.random.default_rng(0).normal(size=(n, bands, frames))
    return [filter_of(i, one, **more) for i, one in enumerate(values)]


def cells_of(figure, trace=0):
    return np.array(figure.data[trace].z, dtype=float)


def test_each_filter_is_upright_in_its_own_colors_and_told_in_hertz():
    values = np.zeros((10, 3))
    values[0, 2], values[9, 0] = 4, -2
    figure = filters([filter_of(7, values)])
    z = cells_of(figure)
    # A row above for the number, a column behind as a gap.
    assert z.shape == (11, 4)
    assert np.isnan(z[0]).all()
    assert np.isnan(z[:, 3]).all()
    assert (z[1, 0], z[10, 2]) == (-0.5, 1)
    custom = np.array(figure.data[0].customdata)
    assert custom[10, 2] == pytest.approx([7, HZ[0], HZ[30], 32, 4])
    assert custom[1, 0] == pytest.approx([7, HZ[9], HZ[39], 0, -2])
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-1, 1)


def test_filters_stand_by_strength_and_those_that_are_zero_are_counted():
    chosen = [filter_of(i, np.full((10, 3), size), zero=size < 1) for i, size in enumerate([2, 0.001, 5, 3])]
    figure = filters(chosen)
    numbers = [bare(text) for text in figure.data[1].text]
    assert numbers == ["2", "3", "0"]
    texts = [bare(note.text) for note in figure.layout.annotations]
    assert any("3 of 4, 1 are zero" in text for text in texts)
    assert "3 of 4, the others are zero" in bare(figure.layout.title.text)
    assert [bare(text) for text in filters(chosen, order="index", zeros=True).data[1].text] == ["0", "1", "2", "3"]


def test_a_common_scale_keeps_weights_as_they_are():
    chosen = [filter_of(0, np.full((10, 3), 8.0)), filter_of(1, np.full((10, 3), 1.0))]
    figure = filters(chosen, scale="common")
    assert figure.layout.coloraxis.cmax == 8
    assert set(np.unique(cells_of(figure)[~np.isnan(cells_of(figure))])) == {1.0, 8.0}


def test_blocks_do_not_overlap_and_lie_inside_the_figure():
    chosen = [
        *some(60, 30, 7, node="a"), *some(40, 38, 7, node="b"),
        *some(20, 1, 128, node="c", layer="temporal"), *some(51, 1, 32, node="d", layer="temporal"),
    ]  # fmt: skip
    figure = filters(chosen, width=1000)
    boxes = [(*figure.layout[f"xaxis{n}"].domain, *figure.layout[f"yaxis{n}"].domain) for n in ("", "2", "3", "4", "5")]
    assert all(0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 for x0, x1, y0, y1 in boxes)
    for i, (x0, x1, y0, y1) in enumerate(boxes):
        for a0, a1, b0, b1 in boxes[i + 1 :]:
            assert x1 <= a0 or a1 <= x0 or y1 <= b0 or b1 <= y0


def test_filters_of_one_band_are_rows_with_their_numbers():
    figure = filters(some(3, 1, 64, layer="temporal"), order="index")
    assert cells_of(figure).shape == (6, 64)
    assert [bare(text) for text in figure.layout.yaxis.ticktext] == ["0", "1", "2"]
    assert bare(figure.layout.xaxis.ticktext[-1]) == "1000 ms"


def test_names_of_layers_are_text_and_the_figure_can_be_written(tmp_path):
    figure = filters(some(2, layer="<b>%{x}</b>"))
    assert "<b>%{x}" not in figure.data[0].hovertemplate
    page = save.save_figure(figure, tmp_path / "filters.html").read_text("utf-8")
    assert "cdn" not in page.split("<script", 1)[0]
    still = figure._still_drawing()(1.0)
    assert still.pixels[..., 3].any()


def test_bad_options_are_one_sentence():
    with pytest.raises(OptionError, match=r"order is 'strength' or 'index', 'strenght' was found.*'strength'"):
        filters(some(), order="strenght")
    with pytest.raises(OptionError, match="width is a number of pixels from 400 to 8000, 3 was found"):
        filters(some(), width=3)
    with pytest.raises(OptionError, match="of a model, or of a list of filters"):
        filters([])
