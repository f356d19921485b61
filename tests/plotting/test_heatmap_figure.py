"""Heatmaps and the poster's figure: what is drawn where, and what the files need."""

import dataclasses
import re
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from factories import bare, luminance

from embviz.core.embedding import Embedding, FrameGrid
from embviz.errors import EmbvizError, FigureError, OptionError
from embviz.models.catalogue import POSTER
from embviz.models.model import Model
from embviz.plotting import heatmap, heatmap_data, heatmap_figure, poster, save, save_figure, style, to_time_axis
from embviz.plotting.heatmap_data import HeatmapOptions

RATE = 16000
TAGS = tuple(f"tag {letter}" for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX")
TEMPI = tuple(f"{bpm} BPM" for bpm in range(30, 286))
HOSTILE = "<b>x</b>&<a href='javascript:alert(1)'>%{z} $x$\n{}\u202eevil"


def embed_of(values, *, hop=1.0, patch=2.0, start=0.0, duration=None, **fields):
    """An embedding of given values, one frame per row; times in seconds."""
    values = np.asarray(values, dtype=np.float32)
    samples = [round(seconds * RATE) for seconds in (hop, patch, start)]
    length = (len(values) - 1) * hop + patch if duration is None else duration
    grid = FrameGrid(RATE, samples[0], samples[1], samples[1], samples[2], len(values), round(length * RATE))
    return Embedding(values, grid, **{"model": "msd-musicnn-1", "layer": "output", "title": "Track"} | fields)


def noise(t, d, seed=0):
    return np.random.default_rng(seed).normal(size=(t, d)).astype(np.float32)


def model_of(**fields):
    """A record with nothing in it but what a panel shows."""
    plain = {"str": "", "int": 0}
    blank = {field.name: plain.get(str(field.type), ()) for field in dataclasses.fields(Model)}
    return Model(**blank | fields)


def z_of(figure, panel=0):
    return np.asarray(figure.data[panel].z)


def seconds_of(times):
    return (np.asarray(times, dtype="datetime64[us]") - np.datetime64(0, "us")) / np.timedelta64(1, "s")


def texts_of(figure):
    return [annotation.text for annotation in figure.layout.annotations]


# -- cells --------------------------------------------------------------------------------------------------------


def test_a_heatmap_is_named_after_its_track_and_its_model():
    figure = heatmap(embed_of(noise(20, 30), title="song.mp3"))
    said = " ".join(bare(text) for text in texts_of(figure))
    assert "song.mp3" in figure.layout.title.text
    assert said.startswith("MusiCNN (MSD)")
    assert "msd-musicnn-1" not in said


def test_time_runs_to_the_right_and_dimensions_upwards():
    values = np.arange(600, dtype=np.float32).reshape(20, 30)
    figure = heatmap(embed_of(values))
    assert z_of(figure).shape == (30, 20)
    assert z_of(figure)[7, 3] == values[3, 7]
    assert list(figure.data[0].y) == list(range(30))
    assert figure.layout.yaxis.range == (-0.5, 29.5)


def test_cells_lie_between_the_true_borders_of_their_frames():
    embedding = embed_of(noise(20, 30), hop=1.488, patch=2.992)
    figure = heatmap(embedding)
    np.testing.assert_allclose(seconds_of(figure.data[0].x), embedding.grid.edges, atol=1e-6)
    assert len(figure.data[0].x) == 21
    np.testing.assert_allclose(seconds_of(figure.layout.xaxis.range), [0, embedding.duration], atol=1e-6)


def test_a_first_cell_that_begins_before_the_track_is_cut_by_the_axis():
    embedding = embed_of(noise(10, 3), hop=1, patch=1, start=-0.5)
    figure = heatmap(embedding)
    assert seconds_of(figure.data[0].x)[0] == -0.5
    axis = figure.layout.xaxis
    np.testing.assert_allclose(seconds_of([axis.range[0], axis.minallowed]), 0)
    np.testing.assert_allclose(seconds_of([axis.range[1], axis.maxallowed]), embedding.duration)


def test_an_excerpt_shows_its_own_seconds():
    figure = heatmap(embed_of(noise(100, 3), hop=1, patch=1)[40:60])
    np.testing.assert_allclose(seconds_of(figure.layout.xaxis.range), [40, 60], atol=1e-6)


def test_clock_converts_seconds_to_the_time_axis():
    assert to_time_axis(83.25) == np.datetime64("1970-01-01T00:01:23.25")
    assert seconds_of(to_time_axis([0.0, 1.5])).tolist() == [0.0, 1.5]
    figure = heatmap(embed_of(noise(4, 3)))
    figure.add_vline(to_time_axis(2.0))


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (20, 1), (2, 2)])
@pytest.mark.parametrize("order", heatmap_data.ORDERS)
@pytest.mark.parametrize("scale", heatmap_data.SCALES)
def test_the_smallest_embeddings_can_be_drawn(shape, order, scale):
    figure = heatmap(embed_of(noise(*shape)), order=order, scale=scale)
    assert z_of(figure).shape == shape[::-1]
    assert np.isfinite(z_of(figure)).all()
    figure.to_json()


def test_what_is_no_embedding_or_has_no_frames_is_refused():
    for given in ("song.mp3", np.zeros((2, 3))):
        with pytest.raises(OptionError, match=r"^An embedding is expected, as embviz\.embed\(track, 'musicnn'\) gives"):
            heatmap(given)
    with pytest.raises(OptionError, match="nothing to draw in 0 frames × 3"):
        heatmap(embed_of(np.zeros((0, 3)), duration=1))


def test_what_is_not_a_number_stays_empty_and_spoils_nothing_else():
    values = noise(20, 4)
    values[3, 1], values[5, 2], values[:, 3] = np.nan, np.inf, np.nan
    for scale in heatmap_data.SCALES:
        for order in heatmap_data.ORDERS:
            figure = heatmap(embed_of(values), scale=scale, order=order)
            drawn = z_of(figure)[np.argsort([int(name) for name in figure.data[0].y])]
            np.testing.assert_array_equal(np.isnan(drawn.T), ~np.isfinite(values))
            assert np.isfinite([figure.data[0].zmin, figure.data[0].zmax]).all()


def test_scales_are_per_dimension_and_leave_constant_ones_at_zero():
    values = noise(50, 3) * [1, 10, 0] + [0, 5, 0.1]
    z = z_of(heatmap(embed_of(values), scale="zscore"))
    np.testing.assert_allclose(z[:2], ((values - values.mean(0)) / values.std(0)).T[:2], rtol=1e-4, atol=1e-5)
    assert not z[2].any()
    z = z_of(heatmap(embed_of(values), scale="minmax"))
    np.testing.assert_allclose([z.min(axis=1), z.max(axis=1)], [[0, 0, 0], [1, 1, 0]], atol=1e-6)


# -- pooling ------------------------------------------------------------------------------------------------------


def test_a_long_embedding_keeps_an_event_of_one_frame():
    values = noise(100_000, 3) * 0.1
    values[77_777, 1] = -9
    embedding = embed_of(values, hop=0.016, patch=0.016)
    figure = heatmap(embedding)
    z, edges = z_of(figure), seconds_of(figure.data[0].x)
    assert z.shape[1] == len(edges) - 1 <= heatmap_data.MAX_COLUMNS
    row, column = np.unravel_index(np.argmin(z), z.shape)
    assert (row, z[row, column]) == (1, -9)
    assert edges[column] <= embedding.times[77_777] < edges[column + 1]
    np.testing.assert_allclose(edges[[0, -1]], embedding.grid.edges[[0, -1]], atol=1e-6)
    assert "strongest of 84 frames" in texts_of(figure)[0]
    assert "strongest of 84 frames" in figure.data[0].hovertemplate


def test_values_of_one_sign_are_pooled_by_their_largest():
    values = np.full((6000, 1), -5, dtype=np.float32)
    values[1234] = -1
    z = z_of(heatmap(embed_of(values)))
    assert sorted(set(z.ravel().tolist())) == [-5, -1]


def test_pooling_and_scaling_go_together():
    values = noise(3000, 2)
    z = z_of(heatmap(embed_of(values), scale="zscore"))
    scaled = (values - values.mean(0)) / values.std(0)
    groups = scaled[:3000].reshape(1000, 3, 2)
    strongest = np.take_along_axis(groups, np.abs(groups).argmax(axis=1)[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(z, strongest.T, rtol=1e-4, atol=1e-5)


def test_dimensions_share_a_row_where_there_are_fewer_pixels():
    values = noise(20, 1280) * 0.1
    values[4, 1001] = -7
    figure = heatmap(embed_of(values))
    z = z_of(figure)
    assert z.shape == (640, 20)
    assert z[500, 4] == -7
    assert figure.data[0].y[500] == 1000
    assert "strongest of 2 dimensions" in texts_of(figure)[0]
    assert "dimension %{y:d} and the next 1" in figure.data[0].hovertemplate
    assert z_of(heatmap(embed_of(values), height=1400)).shape == (1280, 20)


def test_spleeters_sound_is_pooled_to_a_picture():
    figure = heatmap(embed_of(noise(1_000_000, 4), hop=1 / RATE, patch=1 / RATE))
    assert z_of(figure).shape == (4, 1200)


# -- colours ------------------------------------------------------------------------------------------------------


def test_signed_layers_diverge_from_zero():
    trace = heatmap(embed_of([[-1, 3], [2, -4.0]])).data[0]
    assert (trace.zmin, trace.zmax) == (-4, 4)
    stops = dict(trace.colorscale)
    assert stops[0.5] == "rgb(241, 236, 235)"
    assert (stops[0.0], stops[1.0]) == ("rgb(23, 28, 66)", "rgb(60, 9, 17)")


def test_layers_of_one_sign_run_from_lowest_to_highest():
    trace = heatmap(embed_of([[0.1, 0.3], [0.2, 0.7]])).data[0]
    assert (trace.zmin, trace.zmax) == pytest.approx((0.1, 0.7))
    assert trace.colorscale == heatmap(embed_of([[0.0, 1]]), colormap="Viridis").data[0].colorscale


def test_a_color_map_that_is_named_is_obeyed():
    signed = embed_of([[-1, 3.0]])
    trace = heatmap(signed, colormap="viridis").data[0]
    assert (trace.zmin, trace.zmax) == (-1, 3)
    trace = heatmap(embed_of([[1, 3.0]]), colormap="RdBu_r").data[0]
    assert (trace.zmin, trace.zmax) == (-3, 3)


def test_colors_of_scaled_and_of_constant_values():
    values = noise(500, 3)
    assert (heatmap(embed_of(values), scale="zscore").data[0].zmin) == -3
    trace = heatmap(embed_of(values), scale="minmax").data[0]
    assert (trace.zmin, trace.zmax) == (0, 1)
    trace = heatmap(embed_of(np.full((3, 3), 2))).data[0]
    assert trace.zmin < trace.zmax


def contrast(first, second):
    dark, light = sorted([luminance(first), luminance(second)])
    return (light + 0.05) / (dark + 0.05)


def test_text_reads_on_every_paper():
    for page in save.COLORS.values():
        assert contrast(page["ink"], page["paper"]) > 7
        assert contrast(page["faint"], page["paper"]) > 4.5
        assert contrast(save.GREY, page["paper"]) > 4.2
    assert contrast(style.HOVER_INK, style.HOVER_PAPER) > 7


# -- order --------------------------------------------------------------------------------------------------------


def test_activity_puts_the_largest_magnitude_on_top():
    values = np.array([[1, -9, 0, 4], [1, -9, 0, -4.0]])
    figure = heatmap(embed_of(values), order="activity")
    assert list(figure.data[0].y) == ["1", "3", "0", "2"]
    assert figure.layout.yaxis.range == (3.5, -0.5)
    np.testing.assert_array_equal(z_of(figure)[0], [-9, -9])


def test_cluster_brings_similar_courses_together():
    rng = np.random.default_rng(1)
    courses = rng.normal(size=(40, 3))
    kinds = np.arange(21) % 3
    values = courses[:, kinds] * rng.uniform(1, 5, 21) + 0.05 * rng.normal(size=(40, 21))
    figure = heatmap(embed_of(values), order="cluster")
    rows = np.array([int(name) for name in figure.data[0].y])
    assert sorted(rows) == list(range(21))
    assert np.count_nonzero(np.diff(kinds[rows])) == 2
    np.testing.assert_array_equal(z_of(figure), values.astype(np.float32).T[rows])


def test_cluster_bears_dimensions_that_never_change():
    values = noise(20, 6)
    values[:, [1, 4]] = 0
    figure = heatmap(embed_of(values), order="cluster", scale="zscore")
    assert sorted(figure.data[0].y, key=int) == list("012345")


# -- labels -------------------------------------------------------------------------------------------------------


def test_tags_are_a_list_that_reads_downwards_with_room_for_each():
    figure = heatmap(embed_of(noise(20, 50), labels=TAGS, unit="probability"))
    axis = figure.layout.yaxis
    assert tuple(figure.data[0].y) == TAGS
    assert (axis.type, axis.range) == ("category", (49.5, -0.5))
    plot = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b - heatmap_figure.HEADING
    assert plot == 50 * 15
    assert bare(figure.data[0].colorbar.title.text) == "probability"


def test_tags_follow_their_rows():
    values = np.zeros((4, 50))
    values[:, 17] = 1
    figure = heatmap(embed_of(values, labels=TAGS), order="activity")
    assert figure.data[0].y[0] == TAGS[17]
    assert z_of(figure)[0].tolist() == [1, 1, 1, 1]


def test_tempi_are_numbers_on_an_axis_of_their_unit():
    figure = heatmap(embed_of(noise(20, 256), labels=TEMPI, unit="probability"))
    assert list(figure.data[0].y[:2]) == [30, 31]
    assert figure.layout.yaxis.type == "linear"
    assert figure.layout.yaxis.range == (29.5, 285.5)
    assert bare(figure.layout.yaxis.title.text) == "BPM"
    assert "%{y:.6~g} BPM" in figure.data[0].hovertemplate
    figure = heatmap(embed_of(noise(20, 256), labels=TEMPI), order="activity")
    assert figure.layout.yaxis.type == "category"
    assert sorted(figure.data[0].y) == sorted(TEMPI)


def test_bands_stand_at_round_frequencies_and_rise():
    bands = tuple(f"{155 * 1.0629**i:.1f} Hz" for i in range(64))
    figure = heatmap(embed_of(noise(20, 64), labels=bands))
    axis = figure.layout.yaxis
    assert (axis.type, axis.range) == ("category", (-0.5, 63.5))
    assert list(axis.ticktext) == ["200", "500", "1000", "2000", "5000"]
    assert axis.tickvals[2] == pytest.approx(np.log(1000 / 155) / np.log(1.0629), abs=0.1)
    assert bare(axis.title.text) == "Hz"
    assert "<b>%{y}</b>" in figure.data[0].hovertemplate
    assert figure.data[0].y[0] == "155.0 Hz"
    assert figure.layout.height == heatmap(embed_of(noise(20, 64))).layout.height, "bands are no list of names"


def test_equal_and_empty_labels_keep_rows_of_their_own():
    figure = heatmap(embed_of(noise(5, 4), labels=("rock", "rock", "", "rock")))
    assert list(figure.data[0].y) == ["rock", "rock (2)", "–", "rock (3)"]


def test_the_hover_text_says_when_what_and_how_much():
    hover = heatmap(embed_of(noise(20, 50), labels=TAGS, unit="probability")).data[0].hovertemplate
    assert "<b>%{y}</b>" in hover
    assert "%{z:.3~g} probability" in hover
    assert "%{x|%-M:%S.%2f} ± 1 s" in hover
    hover = heatmap(embed_of(noise(4000, 3)), scale="zscore").data[0].hovertemplate
    assert "dimension %{y:d}" in hover
    assert "%{x|%-H:%M:%S.%2f} ± 2.5 s" in hover
    assert "standard deviations" in hover


def test_foreign_text_is_shown_and_not_obeyed():
    embedding = embed_of(noise(5, 2), labels=(HOSTILE, "b"), unit=HOSTILE, title=HOSTILE, model=HOSTILE, layer=HOSTILE)
    figure = heatmap(embedding)
    shown = "&lt;b&gt;x&lt;/b&gt;&amp;&lt;a href="
    assert figure.data[0].y[0].startswith(shown)
    written = [*texts_of(figure), figure.layout.title.text, figure.data[0].colorbar.title.text]
    for text in [*written, figure.data[0].hovertemplate]:
        assert shown in text
        assert "<a" not in text
        assert "\n" not in text
        assert "\u202e" not in text
        assert "$" not in text
    assert figure.data[0].hovertemplate.count("%{z") == 1


def test_long_text_is_cut():
    figure = heatmap(embed_of(noise(5, 1), labels=("x" * 1000,), title="y" * 1000))
    assert len(figure.data[0].y[0]) == 40
    assert len(figure.layout.title.text) < 600


def test_a_track_that_was_repeated_says_so():
    figure = heatmap(embed_of(noise(1, 3), duration=0.5, info={"padded": True}))
    assert "shorter than one patch" in texts_of(figure)[0]


# -- options ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("order", "clusters", "Did you mean 'cluster'"),
        ("scale", "z-score", "Did you mean 'zscore'"),
        ("colormap", "viridus", "Did you mean 'viridis'"),
        ("colormap", 3, "colour scales, 3 was found"),
        ("order", None, "None was found"),
    ],
)
def test_unknown_values_of_options_are_named(option, value, message):
    with pytest.raises(OptionError, match=re.escape(message)):
        heatmap(embed_of(noise(5, 2)), **{option: value})


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="color"):
        heatmap(embed_of(noise(5, 2)), color="viridis")


# -- the poster ---------------------------------------------------------------------------------------------------


@pytest.fixture
def pairs():
    tagger = model_of(
        name="msd-musicnn-1", title="MusiCNN", task="tagging (50 tags)", parameters=790_000, dimensions=200
    )
    listener = model_of(name="openl3-x", title="OpenL3", task="listening", parameters=4_690_000, dimensions=512)
    tempo = model_of(name="deeptemp-k16-3", title="Tempo-CNN", task="tempo", parameters=12_000, dimensions=256)
    return [
        (tagger, embed_of(noise(80, 200), hop=1.488, patch=2.992, layer="embedding", title="Song <1>")),
        (listener, None),
        (tempo, embed_of(noise(20, 256), hop=5.9, patch=11.9, layer="embedding", labels=TEMPI)),
    ]


def test_the_poster_has_a_panel_per_model_over_one_time_axis(pairs):
    figure = heatmap_figure._poster_figure(pairs, HeatmapOptions(), "file.ogg")
    assert [trace.yaxis for trace in figure.data] == ["y", "y3"]
    assert {trace.xaxis for trace in figure.data} <= {None, "x"}
    domains = [figure.layout.yaxis.domain, figure.layout.yaxis3.domain]
    assert domains[0][0] > domains[1][1]
    assert domains[1][0] == 0
    longest = max(embedding.duration for _, embedding in pairs if embedding)
    np.testing.assert_allclose(seconds_of(figure.layout.xaxis.range), [0, longest], atol=1e-6)
    assert "Song &lt;1&gt;" in figure.layout.title.text


def test_each_panel_is_headed_by_name_task_parameters_and_dimensions(pairs):
    headings = [bare(text) for text in texts_of(heatmap_figure._poster_figure(pairs, HeatmapOptions(), ""))]
    assert headings[0] == "MusiCNN&nbsp; tagging · 790 k parameters · 200 dimensions every 1.49 s"
    assert headings[2] == "OpenL3&nbsp; listening · 4.7 M parameters · 512 dimensions"
    assert headings[3].startswith("Tempo-CNN&nbsp; tempo · 12 k parameters · 256 dimensions")


def test_color_bars_stand_in_line_with_their_panels(pairs):
    figure = heatmap_figure._poster_figure(pairs, HeatmapOptions(), "")
    inner = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    for trace, axis in zip(figure.data, [figure.layout.yaxis, figure.layout.yaxis3], strict=True):
        assert trace.colorbar.x == 1
        assert trace.colorbar.y == pytest.approx(axis.domain[1])
        assert trace.colorbar.len == pytest.approx((axis.domain[1] - axis.domain[0]) * inner)


def test_a_panel_without_weights_says_how_to_get_them(pairs):
    figure = heatmap_figure._poster_figure(pairs, HeatmapOptions(), "")
    message = bare(texts_of(figure)[1])
    assert "weights are not on this computer" in message
    assert "embviz pull openl3-x" in message
    assert "embviz pull --from DIR" in message


def test_a_poster_without_any_weights_still_says_how_to_get_them(pairs):
    figure = heatmap_figure._poster_figure([(model, None) for model, _ in pairs], HeatmapOptions(), "song.ogg")
    assert len(figure.data) == 0
    assert sum("embviz pull" in text for text in texts_of(figure)) == 3
    assert "song.ogg" in figure.layout.title.text


@pytest.fixture
def fake_extraction(monkeypatch):
    """Models of which only some have weights, and an embed() that notes what it was asked for."""
    asked = []

    def embed(audio, model, **options):
        asked.append((audio, [record.name for record in model], options))
        return [embed_of(np.full((20, 30), len(record.name)), model=record.name) for record in model]

    monkeypatch.setattr("embviz.extraction.embed", embed)
    monkeypatch.setattr("embviz.models.get_model", lambda name: model_of(name=name, title=name), raising=False)
    monkeypatch.setattr(
        "embviz.models.weights.find_weights", lambda model: None if model.name in {"openl3", "vggish"} else 1
    )
    return asked


def test_poster_embeds_what_is_here_in_one_call(fake_extraction):
    figure = poster("song.ogg", layer="output", order="activity")
    options = {"layer": "output", "engine": "auto", "progress": None, "cache": None}
    assert fake_extraction == [("song.ogg", ["musicnn", "vgg", "tempocnn", "spleeter"], options)]
    assert [trace.yaxis for trace in figure.data] == ["y", "y2", "y3", "y6"]
    assert [z_of(figure, panel)[0, 0] for panel in range(4)] == [7, 3, 8, 8]
    headings = [bare(text).split("&nbsp;")[0] for text in texts_of(figure)]
    assert [text for text in headings if text in POSTER] == list(POSTER)


def test_poster_says_in_the_place_of_a_model_why_it_cannot_run_here(fake_extraction, monkeypatch):
    reasons = {"vgg": "Essentia, which may, is <b>not</b> installed: " + "a long reason " * 12}
    monkeypatch.setattr("embviz.extraction.extract.find_obstacle", lambda model, *_: reasons.get(model.name, ""))
    figure = poster("song.ogg", ["musicnn", "vgg", "openl3"])
    assert fake_extraction[0][1] == ["musicnn"]
    [said] = [text for text in texts_of(figure) if "which may, is" in text]
    assert "is &lt;b&gt;not&lt;/b&gt; installed" in said
    assert said.count("<br>") == 1


def test_poster_takes_records_and_names_and_arrays(fake_extraction):
    record = model_of(name="mine", title="mine")
    samples = np.zeros(16000, dtype=np.float32)
    figure = poster((samples, 16000), [record, "vgg"])
    assert fake_extraction[0][1] == ["mine", "vgg"]
    assert len(figure.data) == 2
    assert len(poster("song.ogg", "vgg").data) == 1


def test_poster_downloads_nothing_and_checks_options_first(fake_extraction):
    assert len(poster("song.ogg", ["openl3"]).data) == 0
    with pytest.raises(OptionError, match="scale"):
        poster("song.ogg", scale="big")
    assert fake_extraction == []


# -- files --------------------------------------------------------------------------------------------------------


class Sources(HTMLParser):
    """Collects what a page would load."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.title = ""
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.found += [value for name, value in attrs if name in {"src", "href", "srcset", "data"}]

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "title":
            self.title += data.strip()


def test_a_page_holds_all_it_needs(tmp_path):
    path = save_figure(heatmap(embed_of(noise(20, 30), title="</title><script>alert(1)</script>")), tmp_path / "a.html")
    text = path.read_text("utf-8")
    page = Sources(text)
    assert page.found == []
    assert page.title.startswith("</title><script>alert(1)")
    assert "<script>alert" not in text
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert "prefers-color-scheme: dark" in text
    assert "default-src 'none'" in text
    assert [file.name for file in tmp_path.iterdir()] == ["a.html"]


def test_a_page_can_be_held_to_one_theme(tmp_path):
    text = save_figure(heatmap(embed_of(noise(3, 3))), tmp_path / "a.HTML", theme="dark").read_text("utf-8")
    assert "prefers-color-scheme" not in text.split("</style>")[0]
    assert "--embviz-paper: #111111" in text


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.html.gz"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(OptionError, match=r"\.html, \.png, \.svg"):
        save_figure(heatmap(embed_of(noise(3, 3))), tmp_path / name)


def test_an_unknown_theme_is_refused(tmp_path):
    with pytest.raises(OptionError, match="Did you mean 'dark'"):
        save_figure(heatmap(embed_of(noise(3, 3))), tmp_path / "a.html", theme="darker")


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "a.html").mkdir()
    with pytest.raises(FigureError, match="could not be written"):
        save_figure(heatmap(embed_of(noise(3, 3))), tmp_path / "a.html")


def test_without_a_browser_a_picture_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "nowhere"))
    with pytest.raises(EmbvizError, match=r"none was found.*nowhere.*Chromium, or write \.html"):
        save_figure(heatmap(embed_of(noise(3, 3))), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_without_kaleido_a_picture_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(EmbvizError, match=r"pip install kaleido`, or write \.html"):
        save_figure(heatmap(embed_of(noise(3, 3))), tmp_path / "a.svg")


def test_plotly_is_loaded_only_when_something_is_drawn():
    code = "import sys, embviz.plotting; print(sorted({'plotly', 'scipy', 'kaleido', 'essentia'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- in a browser -------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(browser, tmp_path):
    """Return a function that saves a figure and opens the page offline, noting errors and requests."""
    contexts = []

    def open_(figure, scheme="light"):
        path = save_figure(figure, tmp_path / "page.html")
        context = browser.new_context(offline=True, color_scheme=scheme, viewport={"width": 1000, "height": 600})
        contexts.append(context)
        page = context.new_page()
        seen = SimpleNamespace(errors=[], requests=[])
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector(".heatmaplayer image")
        return page, seen

    yield open_
    for context in contexts:
        context.close()


# Colour of the drawn picture at shares of its width and height.
PIXEL = """async ([x, y]) => {
    const drawn = document.querySelector(".heatmaplayer image")
    const image = new Image()
    image.src = drawn.getAttribute("href") || drawn.getAttribute("xlink:href")
    await image.decode()
    const canvas = document.createElement("canvas")
    canvas.width = image.width
    canvas.height = image.height
    const context = canvas.getContext("2d")
    context.drawImage(image, 0, 0)
    return [...context.getImageData(Math.floor(x * image.width), Math.floor(y * image.height), 1, 1).data]
}"""


@pytest.mark.slow
def test_the_page_draws_the_heatmap_without_a_network(opened):
    values = np.zeros((20, 30))
    values[2, 27] = 1
    page, seen = opened(heatmap(embed_of(values, hop=1, patch=1)))
    assert page.evaluate(PIXEL, [2.5 / 20, 2.5 / 30]) == [253, 231, 37, 255]
    assert page.evaluate(PIXEL, [2.5 / 20, 27.5 / 30]) == [68, 1, 84, 255]
    assert page.evaluate(PIXEL, [17.5 / 20, 2.5 / 30]) == [68, 1, 84, 255]
    assert page.title() == "Track"
    assert seen.errors == []
    assert [url for url in seen.requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "ink"), [("light", "rgb(31, 35, 40)"), ("dark", "rgb(230, 230, 230)")])
def test_text_follows_the_readers_setting(opened, scheme, ink):
    page, _ = opened(heatmap(embed_of(noise(70, 50), labels=TAGS, unit="probability")), scheme)
    fills = "names => names.map(name => getComputedStyle(document.querySelector(name + ' tspan')).fill)"
    assert page.evaluate(fills, [".gtitle", ".xtick", ".ytick", ".cbaxis"]) == [ink] * 4
    assert page.locator(".ytick text").count() == 50
    assert page.locator(".xtick text").all_text_contents()[1:3] == ["0:05", "0:10"]


@pytest.mark.slow
def test_the_hover_label_shows_foreign_names_as_they_are(opened):
    embedding = embed_of(np.ones((20, 1)), hop=1, patch=2, labels=("<b>&$x$</b>",), unit="probability")
    page, _ = opened(heatmap(embedding))
    box = page.locator(".heatmaplayer image").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 10.5 / 20, box["y"] + box["height"] / 2)
    page.wait_for_selector(".hovertext tspan")
    lines = page.locator(".hovertext tspan.line").all_text_contents()
    assert lines == ["<b>&$x$</b>", "1 probability", "0:11.0 ± 1 s"]
    fill = page.evaluate("getComputedStyle(document.querySelector('.hovertext tspan tspan')).fill")
    assert fill == "rgb(242, 242, 242)"


@pytest.mark.slow
def test_pictures_are_drawn_by_the_browser(tmp_path, pairs):
    figure = heatmap_figure._poster_figure(pairs, HeatmapOptions(), "song.ogg")
    data = save_figure(figure, tmp_path / "poster.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(data[i : i + 4], "big") for i in (16, 20)] == [2400, 2 * figure.layout.height]
    text = save_figure(figure, tmp_path / "poster.svg", theme="dark").read_text("utf-8")
    assert text.lstrip().startswith("<svg")
    assert "embviz pull openl3-x" in text
    assert "var(" not in text
    assert "rgb(17, 17, 17)" in text


def test_dimensions_that_never_change_are_told_and_come_last():
    values = noise(20, 30)
    values[:, [3, 7]] = 5.0
    embedding = embed_of(values)
    assert sorted(heatmap_data.compute_cells(embedding, HeatmapOptions(order="cluster"), 640).order[-2:].tolist()) == [
        3,
        7,
    ]
    for order in ("index", "activity", "cluster"):
        assert "2 never change" in heatmap(embedding, order=order).layout.annotations[0].text
    assert heatmap_data.compute_cells(embedding, HeatmapOptions(), 640).order.tolist() == list(range(30))
