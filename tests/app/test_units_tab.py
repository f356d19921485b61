"""The Explorer's page of units: what it asks and costs, its list, the cards, and what follows from them."""

from __future__ import annotations

import csv
import json
import threading

import numpy as np
import pytest
import soundfile
from panel import command

import embviz
from embviz.app.explorer import Explorer, unit_list
from embviz.collection import Collection
from embviz.core.embedding import Embedding, FrameGrid
from embviz.core.vectors import Vectors
from embviz.errors import OptionError
from embviz.widgets.feature_maps import FeatureMaps

pytestmark = pytest.mark.usefixtures("home")

HOSTILE = '<img src=x onerror="alert(1)">\u202e'
MODEL = "msd-musicnn-1"
N, D, T = 24, 6, 6  # tracks, dimensions, frames of a track
TAGS = ("sad", HOSTILE, "drums")
UNITS = Collection.units


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder of short tracks with what is known of them beside them."""
    folder = tmp_path_factory.mktemp("music")
    rows = [["file", "title", "style"]]
    for i in range(N):
        soundfile.write(folder / f"{i:02}.wav", np.random.default_rng(i).normal(0, 0.1, 8000), 8000)
        rows.append([f"{i:02}.wav", f"Track {i}", ("jazz", "rock")[i % 2]])
    with (folder / "tracks.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder


def planted(table):
    """Frames, and tags: dimension 1 is "sad", 3 the hostile tag, 5 half "sad", 4 higher in half of the tracks."""
    random = np.random.default_rng(0)
    tracks, times = np.repeat(table.index.to_numpy(), T), np.tile(np.arange(T) / 10 + 0.05, len(table))
    values, tags = random.normal(0, 1, (len(tracks), D)), random.normal(0, 1, (len(tracks), len(TAGS)))
    values[:, 1] = tags[:, 0] + random.normal(0, 0.3, len(tracks))
    values[:, 3] = tags[:, 1] + random.normal(0, 0.5, len(tracks))
    values[:, 5] = tags[:, 0] + random.normal(0, 1, len(tracks))
    values[:, 4] += 3 * (tracks % 2)
    values[:, 2] = 0
    spans = np.stack([times - 0.05, times + 0.05], axis=1)
    frames, unit = (values.astype(np.float32), tags.astype(np.float32)), {"times": times, "spans": spans}
    return (
        Vectors(frames[0], tracks, model=MODEL, layer="embedding", pooling="frames", key="planted", **unit),
        Vectors(frames[1], tracks, model="msd-vgg-1", layer="output", pooling="frames", labels=TAGS, key="t", **unit),
    )


@pytest.fixture(autouse=True)
def heard(monkeypatch):
    """The units themselves, of vectors that nobody has to compute; what they were asked for is kept."""
    asked = []

    def units(collection, model, layer="embedding", **options):
        asked.append((model, layer, len(collection)))
        vectors, tags = planted(collection.table)
        return UNITS(collection, vectors, tagger=tags, **options)

    monkeypatch.setattr(Collection, "units", units)
    return asked


@pytest.fixture
def explore(explore):
    """Make an Explorer without rows."""
    return lambda source, **options: explore(source, **{"models": [], **options}).wait()


@pytest.fixture
def units(explore, music):
    """An Explorer on the page of units, the dimensions known."""
    return explore(music).units(MODEL).wait()


def test_the_page_says_what_it_costs_before_anything_is_computed(explore, music, heard):
    explorer = explore(music)
    command(explorer, "show_units", model=MODEL, layer="embedding").wait()
    state = explorer.widget.units
    assert "all 24 tracks" in state["plan"]
    assert "MusiCNN (MSD) / embedding" in state["plan"]
    assert (state["status"], "rows" in state, heard) == ("", False, [])
    command(explorer, "analyse_units").wait()
    state = explorer.widget.units
    assert (state["status"], state["plan"], len(state["rows"])) == ("ready", "", D)
    assert heard == [(MODEL, "embedding", N)]
    assert state["notes"][0].startswith("3 of 6 dimensions are named")
    assert [row["name"] for row in state["rows"]] == ["", "sad", "", HOSTILE, "", "sad"]


def test_what_is_computed_already_is_shown_at_once(explore, music, monkeypatch):
    monkeypatch.setattr("embviz.app.explorer.cost_estimate.cached_share", lambda *_args, **_options: 1.0)
    explorer = explore(music)
    command(explorer, "show_units", model=MODEL, layer="embedding").wait()
    assert explorer.widget.units["status"] == "ready"


def test_dimensions_are_sorted_and_searched(units):
    def order(**how):
        return command(units, "list_units", **how).wait().widget.units["order"]

    assert order(sort="r", search="") == [1, 3, 5, 0, 2, 4]
    assert order(sort="dimension") == [0, 1, 2, 3, 4, 5]
    assert order(sort="name") == [3, 1, 5, 0, 2, 4]
    assert order(sort="r", search="sad") == [1, 5]
    assert units.widget.units["said"].startswith("2 dimensions for 'sad'")
    assert order(search="drums") == []
    assert "No dimension is known to go with 'drums'" in units.widget.units["said"]
    assert order(search="style") == [4]
    assert units.widget.units["matches"] == {4: "style (rock highest)"}
    command(units, "list_units", sort="beauty")
    assert "sorted by" in units.widget.notice["text"]


def test_the_histograms_are_those_of_the_frames_and_of_the_open_track(units):
    panel, bins = units.widget, units.widget.units["bins"]
    vectors = units._controller.units_tab.units.vectors
    values = np.asarray(vectors)
    edges = units._controller.units_tab.units.index.statistics["edges"]
    expected = np.histogram(values[:, 0], bins=edges[0])[0]
    shown = np.frombuffer(panel.unit_histograms, np.uint8).reshape(D, bins)[0]
    assert np.array_equal(shown > 0, expected > 0)
    assert shown.max() == 255
    units.open(2).wait()
    label = units._controller.loader.labels[2]
    own = np.histogram(values[vectors.tracks == label, 0], bins=edges[0])[0]
    assert np.array_equal(np.frombuffer(panel.unit_marks, np.uint8).reshape(D, bins)[0] > 0, own > 0)


def test_the_selection_of_the_map_can_be_compared_with_the_rest(units):
    command(units, "list_units", sort="effect").wait()
    assert "Select tracks on the map" in units.widget.units["said"]
    units._context.events.tracks_marked(list(range(1, N, 2)), None, None)
    units.wait()
    state = units.widget.units
    assert state["order"][0] == 4
    assert state["rows"][4]["effect"] > 2
    assert "12 selected tracks" in state["said"]
    units._context.events.tracks_marked([0], None, None)
    units.wait()
    assert "tracks" in units.widget.notice["text"]
    assert units.widget.units["status"] == "ready"


def test_a_card_shows_a_dimension_with_the_open_track_in_it(units):
    command(units, "show_unit", dimension=1).wait()
    unit, view = units.widget.unit, units._controller.units_tab.view
    assert unit["dimension"] == 1
    assert all(unit[name].startswith("IPY_MODEL_") for name in ("view", "highest", "lowest"))
    card = view.card
    assert "".join(text for text, _ in card["sentence"]).startswith("Goes with sad 0.9")
    assert card["tags"][0]["name"] == "sad"
    assert card["tags"][0]["low"] < card["tags"][0]["r"] < card["tags"][0]["high"]
    assert card["tags"][0]["held_back"] > 0.9
    assert card["alike"][0]["title"] == "5"
    assert "over the frames of 24 tracks" in card["basis"]
    json.dumps([card, units.widget.units, unit])
    assert sum(card["shares"]) == pytest.approx(1)
    assert sum(card["own"]) == pytest.approx(1)
    assert card["track"] == "Track 0"
    vectors = units._controller.units_tab.units.vectors
    assert np.allclose(np.frombuffer(view.values, "<f4"), np.asarray(vectors)[vectors.tracks == 0, 1])
    units.open(3).wait()
    assert view.card["track"] == "Track 3"
    assert units._controller.units_tab.sheets[0].items[0]["title"].startswith("Track")


def test_a_sound_that_is_handed_in_is_shown_among_the_others(units, tmp_path, monkeypatch):
    command(units, "show_unit", dimension=1).wait()
    soundfile.write(tmp_path / "own.wav", np.random.default_rng(5).normal(0, 0.1, 8000), 8000)
    values = np.random.default_rng(6).normal(0, 1, (4, D)).astype(np.float32)
    own = Embedding(values, FrameGrid(8000, 2000, 2000, 2000, 0, 4, 8000), MODEL, "embedding")
    asked = []

    def embed(_key, works, show, _publish):
        asked.append((works[0].model, works[0].layer))
        show(0, own, True)

    monkeypatch.setattr(units._context, "embed", embed)
    command(units, "upload", (tmp_path / "own.wav").read_bytes(), name="own.wav").wait()
    view = units._controller.units_tab.view
    assert asked == [(MODEL, "embedding")]
    assert view.card["track"] == "own.wav"
    assert sum(view.card["own"]) == pytest.approx(1)
    assert np.array_equal(np.frombuffer(view.values, "<f4"), values[:, 1])
    assert units.widget.unit_marks


def test_a_card_shows_itself_in_a_cell_of_its_own(units, capsys):
    card = units._controller.units_tab.units.card(1)
    assert card.view().card["sentence"][1] == ["sad", "name"]
    card._ipython_display_()
    said = capsys.readouterr().out
    assert said.startswith("<UnitCard MusiCNN (MSD) / embedding, dimension 1>\nGoes with sad")
    assert "Tags: sad 0.9" in said


def test_a_dimension_that_means_nothing_says_so(units):
    command(units, "show_unit", dimension=0).wait()
    tab = units._controller.units_tab
    assert tab.view.card["sentence"][0][0].startswith("No name: ")
    assert tab.view.card["notes"] == ["As far as these tracks show, it stands for nothing that has a name here."]
    command(units, "show_unit", dimension=2).wait()
    assert tab.view.card["sentence"] == [["It is 0 in every frame: it says nothing of this collection.", "text"]]
    assert [len(sheet.items) for sheet in tab.sheets] == [0, 0]


def test_cards_lead_to_each_other_and_to_tracks(units):
    tab = units._controller.units_tab
    command(units, "show_unit", dimension=1).wait()
    tab.view._handle_custom_msg({"kind": "unit", "dimension": 3}, [])
    units.wait()
    assert units.widget.unit["dimension"] == 3
    sheet = tab.sheets[0]
    label = int(tab.card.highest.table["track"].iloc[0])
    sheet._handle_custom_msg({"kind": "open", "index": 0, "serial": sheet.serial}, [])
    units.wait()
    assert units.widget.track == units._controller.loader.numbers[label]
    command(units, "close_unit").wait()
    assert units.widget.unit == {}


def test_a_dimension_that_is_not_there_is_a_sentence(units):
    command(units, "show_unit", dimension=99).wait()
    assert "has 6 dimensions, counted from 0; 99 was asked for" in units.widget.notice["text"]
    assert units.widget.unit == {}


def test_a_row_of_a_heatmap_opens_a_card(explore, music):
    explorer = explore(music, models=[MODEL])
    view = explorer._controller.heatmaps.rows[0].view
    assert view.cards
    view._handle_custom_msg({"kind": "card", "dimension": 5000}, [])
    assert explorer.widget.tab == "heatmaps"
    view._handle_custom_msg({"kind": "card", "dimension": 4}, [])
    explorer.wait()
    assert explorer.widget.tab == "units"
    assert explorer.widget.units["plan"]  # it costs something: the reader decides
    command(explorer, "analyse_units").wait()
    assert explorer.widget.unit["dimension"] == 4


def test_a_feature_map_opens_the_card_of_its_channel(explore, music):
    explorer = explore(music)
    maps = explorer._controller.layers.maps
    maps.model, maps.layer = MODEL, "front"
    values = np.zeros((4, 6), np.float32)
    grid = FrameGrid(sample_rate=8000, hop=800, patch=800, receptive_field=800, start=0, n_frames=4, n_samples=8000)
    maps.view = FeatureMaps.of(Embedding(values, grid, MODEL, "front", _tensor=np.zeros((4, 2, 3), np.float32)))
    explorer._context.offer_cards(maps)
    maps.view._handle_custom_msg({"kind": "card", "channel": 3}, [])
    assert explorer.widget.tab == "heatmaps"
    maps.view._handle_custom_msg({"kind": "card", "channel": 2}, [])
    assert explorer.widget.tab == "units"
    tab = explorer._controller.units_tab
    assert (tab.work.layer, tab.dimension) == ("front", 2)


def test_work_can_be_cancelled_and_says_why_it_failed(explore, music, monkeypatch):
    begun, goes_on = threading.Event(), threading.Event()

    def slow(collection, *_args, progress, **_options):
        begun.set()
        goes_on.wait(20)
        progress("looking", 1, 2)

    monkeypatch.setattr(Collection, "units", slow)
    explorer = explore(music)
    explorer.units(MODEL)
    explorer._context.wait(0)
    while not begun.is_set():
        explorer.wait(0.05)
    command(explorer, "cancel_units")
    assert explorer.widget.units["status"] == "cancelled"
    goes_on.set()

    def fail(*_args, **_options):
        raise OptionError("Nothing can be said of this.")

    monkeypatch.setattr(Collection, "units", fail)
    command(explorer, "analyse_units").wait()
    state = explorer.widget.units
    assert (state["status"], state["message"]) == ("failed", "Nothing can be said of this.")


def test_samples_without_a_file_and_missing_weights_say_so(explore, empty_home, music):
    explorer = explore(music)
    command(explorer, "show_units", model=MODEL, layer="embedding").wait()
    assert explorer.widget.units["status"] == "download"


def test_samples_are_no_collection(explore):
    explorer = explore((np.zeros(8000, np.float32), 8000))
    command(explorer, "show_units", model=MODEL, layer="embedding").wait()
    assert "There are no files here" in explorer.widget.units["message"]


def test_one_track_says_what_it_cannot_show(explore, music):
    explorer = explore(music / "03.wav").units(MODEL, dimension=1).wait()
    tab = explorer._controller.units_tab
    assert tab.view.card["sentence"][0][0].startswith("No name can be given: 1 track is too little")
    assert explorer.widget.units["notes"][0].startswith("No dimension is named: 1 track")
    assert len(tab.sheets[0].items) > 1  # of the same track
    assert "from_folder" not in explorer.code()  # which has others
    assert "<table" in command(explorer, "close_unit").wait().still().table


def test_the_page_remembers_itself_and_is_copied_as_code(units, explore, music):
    command(units, "show_unit", dimension=1).wait()
    command(units, "list_units", sort="zeros", search="sad").wait()
    code = units.code()
    assert f"collection.units('{MODEL}').card(1)" in code
    compile(code, "code", "exec")
    state = units.state()
    assert state["units"] == {"model": MODEL, "layer": "embedding", "sort": "zeros", "search": "sad", "dimension": 1}
    again = explore(music, state=state)
    assert again.widget.tab == "units"
    command(again, "analyse_units").wait()
    assert (again.widget.unit["dimension"], again.widget.units["sort"]) == (1, "zeros")
    damaged = Explorer(music, models=None, state={**state, "units": {"sort": 3, "dimension": -1, "model": MODEL}})
    assert damaged._controller.units_tab.sort == "r"
    damaged.close()


def test_the_still_and_the_exported_page_carry_the_card(units, tmp_path):
    command(units, "show_unit", dimension=1).wait()
    still = units.still()
    assert any("Goes with sad" in line for line in still.lines)
    assert still.picture()["image/png"]
    page = units.to_html(tmp_path / "page.html").read_text("utf-8")
    assert "Highest moments" in page
    assert "Goes with" in page
    assert HOSTILE not in page
    tab = units._controller.units_tab
    assert not tab.sheets[0].static  # those of the page are its own


def test_sparklines_show_what_is_rare():
    counts = np.array([[1000, 1, 0], [0, 0, 0]])
    assert unit_list.scaled_histograms(counts) == bytes([255, 1, 0, 0, 0, 0])


def test_units_is_a_method_of_the_explorer():
    assert embviz.Explorer.units.__doc__
