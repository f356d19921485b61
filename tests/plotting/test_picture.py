"""Pictures of pixels: what is drawn, and the PNG that is written, read again by its standard."""

import struct
import zlib
from functools import partial

import numpy as np
import pytest

from embviz.core.embedding import FrameGrid
from embviz.core.text import clean_line, format_ends
from embviz.plotting.encodings import encode_colors
from embviz.plotting.lettering import GLYPHS, shorten_to, text_mask, text_width
from embviz.plotting.picture import LARGEST, Picture, discs, small_png
from embviz.plotting.still_pictures import (
    ACCENT,
    AXIS,
    HEAD,
    SIDE,
    WIDTH,
    Strip,
    map_drawing,
    matrix_drawing,
    side_by_side,
    strips_drawing,
    waveform_drawing,
)

D, T, RATE = 20, 30, 1000
GRID = FrameGrid(RATE, 1000, 1000, 1000, 0, T, T * RATE)  # a frame each second
SPAN = (0.0, GRID.duration)
VIRIDIS = {"lowest": (0x44, 0x01, 0x54), "highest": (0xFD, 0xE7, 0x25)}


def decode(png: bytes) -> np.ndarray:
    """Return the pixels of a PNG of 8 bits without filters, uint8 ``[height, width, 4]``."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(png):
        (length,), name = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        data = png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + data)
        chunks[name] = data
        at += 12 + length
    width, height, depth, kind, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert depth == 8
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not lines[:, 0].any(), "a filter"
    if kind == 6:
        return lines[:, 1:].reshape(height, width, 4)
    colors = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    return np.column_stack([colors, np.frombuffer(chunks[b"tRNS"], np.uint8)])[lines[:, 1:]]


def strip(values, **options):
    order = options.pop("order", np.arange(D)[::-1])
    return Strip("model · layer", "", np.asarray(values, np.float32), GRID.edges, order, **options)


def cell(picture, frame, row):
    """Return the colour of a cell of the only strip of a picture, its row counted from the top."""
    height = picture.size[1] - HEAD - AXIS - 12
    y = HEAD + int((row + 0.5) / D * height)
    return tuple(picture.pixels[y, int((frame + 0.5) / T * (WIDTH - SIDE))][:3])


@pytest.mark.parametrize("colors", [3, 1000])
def test_a_png_holds_what_was_drawn(colors):
    picture = Picture(60, 40)
    rng = np.random.default_rng(0)
    palette = rng.integers(1, 256, (colors, 4), dtype=np.uint8)
    picture.pixels[:] = palette[rng.integers(0, colors, (40, 60))]
    np.testing.assert_array_equal(decode(picture.to_png()), picture.pixels)


def test_what_is_too_large_is_drawn_smaller_and_the_rest_is_not():
    def noise(share, _theme):
        picture = Picture(round(900 * share), round(800 * share))
        shades = np.random.default_rng(0).integers(0, 64, picture.pixels.shape[:2])
        picture.pixels[:] = np.random.default_rng(1).integers(1, 256, (64, 4), dtype=np.uint8)[shades]
        return picture

    assert len(noise(1, "light").to_png()) > LARGEST
    assert LARGEST / 4 < len(small_png(noise)) <= LARGEST
    usual = strips_drawing([strip(np.eye(T, D))], SPAN)
    assert small_png(usual) == usual(1).on_paper().to_png()
    assert usual(0.5).size[0] == WIDTH // 2


def test_frames_run_to_the_right_and_dimensions_have_their_rows():
    values = np.zeros((T, D))
    values[25, 2] = 1
    picture = strips_drawing([strip(values)], SPAN)(1)
    assert cell(picture, 25, D - 1 - 2) == VIRIDIS["highest"]
    assert {cell(picture, 2, 5), cell(picture, 24, D - 1 - 2), cell(picture, 25, 2)} == {VIRIDIS["lowest"]}
    listed = strips_drawing([strip(values, order=np.arange(D))], SPAN)(1)
    assert cell(listed, 25, 2) == VIRIDIS["highest"]


def text_rows(picture, left):
    """Return how many lines of text stand left of a column of pixels."""
    ink = (picture.pixels[HEAD : -AXIS - 12, :left, 3] > 0).any(axis=1).astype(int)
    return int((np.diff(ink, prepend=0) == 1).sum())


def test_rows_that_have_names_are_labelled_all_of_them_or_as_many_as_fit():
    values = np.random.default_rng(0).random((T, 50))
    names = [f"NAME {i}" for i in range(50)]
    tags = partial(strip, values, order=np.arange(50), names=names)
    left = text_width("NAME 49")
    assert text_rows(strips_drawing([tags()], SPAN)(1), left) == 50
    assert strips_drawing([strip(values)], SPAN)(1).size[0] == WIDTH
    many = strips_drawing([tags()] * 4, SPAN)(1)
    assert many.size[1] < 800
    assert 30 < text_rows(many, left) < 100
    assert tags().row_names(130) == [(i + 0.5, names[i]) for i in range(0, 50, 5)]
    assert tags(order=np.arange(50)[::-1]).row_names(650)[0] == (0.5, "NAME 49"), "the order is that of the rows"
    scale = strip(values, names=[f"{30 + 5 * i} BPM" for i in range(50)], order=np.arange(50)[::-1])
    assert scale.row_names(280) == [(45.5, "50 BPM"), (35.5, "100 BPM"), (15.5, "200 BPM")]
    assert text_width(clean_line("x" * 200)) > WIDTH
    assert strips_drawing([tags(names=["x" * 200] * 50)], SPAN)(1).size[0] == WIDTH, "long names are cut"


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (0.000108, 0.573, ("0", "0.573")), (-7.93, 7.93, ("−7.93", "7.93")), (0.0, 0.0, ("0", "0")),
        (1e-5, 3e-5, ("1e−05", "3e−05")), (-0.001, 12.0, ("0", "12")), (0.000609, 0.299, ("0.001", "0.299")),
        (0.51, 0.57, ("0.51", "0.57")),
    ],
)  # fmt: skip
def test_the_ends_of_a_colour_bar_are_as_fine_as_the_largest_of_them(low, high, written):
    assert format_ends(low, high) == written


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_beside_each_other_are_on_one_paper(theme):
    one = waveform_drawing(np.zeros((8, 2), np.int8), 2.0)
    both = side_by_side([("first", one), ("second", one)])(1.0, theme)
    assert both.paper == one(1.0, theme).paper
    assert both.ink == one(1.0, theme).ink


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_read_on_its_paper_whatever_page_that_stands_on(theme):
    picture = strips_drawing([strip(np.zeros((T, D)))], SPAN)(1, theme).on_paper()
    assert (picture.pixels[..., 3] == 255).all()
    for color in (picture.ink, picture.faint):
        dark, light = sorted(map(luminance, (color, picture.paper)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5
    signed = np.full((T, D), -1.0)
    signed[:, 3:] = 0
    neutral = cell(strips_drawing([strip(signed, scale="signed", signed=True)], SPAN)(1, theme), 5, 1)
    assert (min(neutral) > 200) == (theme == "light"), "zero is like the paper"


def luminance(color):
    parts = np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_peaks_outlive_the_pooling_and_nothing_stands_where_nothing_is_known():
    grid = FrameGrid(RATE, 1, 1, 1, 0, 30_000, 60_000)  # it ends half-way
    values = np.full((30_000, 600), np.nan, np.float32)
    values[:, 300:] = 0
    values[15_000, 450] = -1
    picture = strips_drawing([Strip("", "", values, grid.edges, np.arange(600), "signed", signed=True)], (0.0, 60.0))(1)
    plot = picture.pixels[HEAD : -AXIS - 12, : WIDTH - SIDE]
    assert not plot[: len(plot) // 2 - 1, :, 3].any(), "what is not a number"
    assert not plot[:, (WIDTH - SIDE) // 2 + 1 :, 3].any(), "behind the last frame"
    assert (plot[..., :3] == (0x15, 0x21, 0x50)).all(axis=-1).any(), "the peak is lost"


def test_a_scale_per_dimension_and_a_selected_range():
    values = np.outer(np.linspace(0, 1, T), np.arange(D))
    picture = strips_drawing([strip(values, scale="minmax")], SPAN, selected=(10, 20))(1)
    assert cell(picture, T - 1, 3) == VIRIDIS["highest"]
    accent = tuple(int(ACCENT[at : at + 2], 16) for at in (1, 3, 5))
    marked = np.flatnonzero((picture.pixels[HEAD + 30, :, :3] == accent).all(axis=-1)) / (WIDTH - SIDE) * T
    assert marked.min() == pytest.approx(10, abs=0.1)
    assert marked.max() == pytest.approx(20, abs=0.1)


def test_a_matrix_runs_to_the_right_and_upwards():
    cells = np.ones((10, 10), np.uint8)
    cells[2, 7:] = 255
    picture = matrix_drawing(cells, 10.0, -1, 1)(1)
    side = picture.size[1] - AXIS
    bright = (picture.pixels[:side, :side, :3] == VIRIDIS["highest"]).all(axis=-1)
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    assert (rows.min(), columns.min()) == (side * 7 // 10, side * 7 // 10)


def test_points_have_the_colours_that_the_legend_names():
    color, shades = encode_colors(["rock", "jazz", "rock", ""], title="genre <b>")
    xy = np.array([[-1, -1], [1, 1], [-0.9, -1], [0, 0]], np.float32)
    draw = map_drawing(xy, color, np.frombuffer(shades, np.uint8), selected=np.array([1]),
                       labels=[{"text": "a name 音楽", "x": 0, "y": 0.5}])  # fmt: skip
    pixels = draw(1).pixels
    left, right = pixels[280 + 266, 380 - 266], pixels[280 - 266, 380 + 266]
    assert left[3] == right[3] == 255
    assert tuple(left[:3]) != tuple(right[:3])
    legend = pixels[:, 760:]
    for point in (left, right):
        assert (legend == point).all(axis=-1).sum() > 20, "no patch in the legend"


def test_maps_of_nothing_and_of_many():
    nothing = map_drawing(
        np.zeros((0, 2), np.float32), {"kind": "none"}, np.zeros(0, np.uint8), selected=np.zeros(0, int)
    )
    assert not nothing(1).pixels.any()
    rng = np.random.default_rng(0)
    color, shades = encode_colors(rng.normal(size=300_000), title="tempo", unit="BPM")
    draw = map_drawing(rng.normal(size=(300_000, 2)).astype(np.float32), color, np.frombuffer(shades, np.uint8),
                       selected=np.zeros(0, int))  # fmt: skip
    assert len(small_png(draw)) <= LARGEST


def test_a_waveform_is_as_loud_as_the_sound():
    peaks = np.zeros((100, 2), np.int8)
    peaks[60:] = (-127, 127)
    picture = waveform_drawing(peaks, 10.0, selected=(2, 4))(1)
    drawn = picture.pixels[:96, :, 3].astype(bool).sum(axis=0)
    assert drawn[100] == 1
    assert drawn[-10] == 96


def test_discs_beyond_the_edge_are_cut_off():
    picture = Picture(20, 20)
    discs(picture, [(-2, 10), (30, 30), (10, 10)], np.full((3, 4), 255, np.uint8), 4.0)
    assert picture.pixels[10, 0, 3]
    assert picture.pixels[10, 10, 3]


def test_letters_are_drawn_whatever_stands_there():
    for letter in GLYPHS:
        assert text_mask(letter).max() > 0.5, letter
    np.testing.assert_array_equal(text_mask("é"), text_mask("e"))
    np.testing.assert_array_equal(text_mask("音"), text_mask("\u202e"))
    masks = [text_mask(letter).tobytes() for letter in GLYPHS if letter not in "–−"]
    assert len(set(masks)) == len(masks), "two letters look alike"
    assert text_width(shorten_to("a long title that goes on and on", 80)) <= 80
    picture = Picture(40, 20)
    assert picture.text("cut off at every side", -10, 3) > 40
    picture.text("below", 0, 40)
