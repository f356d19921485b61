"""The page around a map: what it shows, what it sends, and what it does with names from strangers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from harness import Bench

from embviz.app.atlas import options
from embviz.widgets.atlas import COMMANDS, TABS, AtlasView

#: In place of a map and a player: it tells when it comes and goes.
STAND_IN = """export default { render({ model, el, signal }) {
  globalThis.mounted = [...(globalThis.mounted ?? []), model.get("name")];
  signal.addEventListener("abort", () => { globalThis.gone = [...(globalThis.gone ?? []), model.get("name")]; });
  const style = "display: block; width: 100%; height: 300px; background: #8882";
  el.append(Object.assign(document.createElement("canvas"), { className: "stand-in", style }));
} };"""

EVIL = "<img src=x onerror=alert(1)>\u202egnp.exe\nsecond line"

TITLES = {"neighbors": "Neighbours"}  # of tabs whose names say it otherwise
LAYERS = [
    {
        "name": "embedding",
        "shape": [200],
        "axes": "c",
        "meaning": "penultimate layer",
        "receptive_field": "the whole patch",
    },
    {"name": "output", "shape": [50], "axes": "c", "meaning": "tags", "receptive_field": "the whole patch"},
]


def a_model(name: str, title: str, system: str, **more: Any) -> dict[str, Any]:
    model = {
        "name": name, "title": title, "system": system, "system_title": system, "task": "music auto-tagging",
        "parameters": 787159, "dimensions": 200, "licence": "CC BY-NC-SA 4.0", "training_data": "a million songs",
        "note": "", "state": "ready", "bytes": 0, "source": "wheel", "patch": 2.992, "hop": 1.488, "finest": 0.016,
        "finer": [0.736, 0.368],
        "longest": 2.992, "fixed_hop": False, "cost": 6.0, "layers": LAYERS,
    }  # fmt: skip
    return model | more


MODELS = [
    a_model("msd-musicnn-1", "MusiCNN (MSD)", "MusiCNN"),
    a_model("mtt-vgg-1", "VGG (MTT)", "VGG"),
    a_model("openl3", "OpenL3", "OpenL3", state="download", bytes=19_000_000),
]


def an_option(name: str, title: str, value: Any, low: Any, high: Any, **more: Any) -> dict[str, Any]:
    option = {"name": name, "title": title, "kind": "int", "value": value, "min": low, "max": high, "step": 1}
    return option | {"choices": [], "help": f"What {title.lower()} does."} | more


METHODS = [
    {"name": "umap", "title": "UMAP", "available": True, "why": "", "options": [
        an_option("n_neighbors", "Neighbours", 15, 2, 200),
        an_option("min_dist", "Least distance", 0.1, 0.0, 0.99, kind="float", step=0.01),
    ]},
    {"name": "pca", "title": "PCA", "available": True, "why": "", "options": []},
    {"name": "tsne", "title": "t-SNE", "available": True, "why": "", "options": [
        an_option("perplexity", "Perplexity", None, 2, 100, kind="float"),
        an_option("init", "Start", "pca", None, None, kind="choice", choices=["pca", "random"]),
    ]},
    {"name": "pacmap", "title": "PaCMAP", "available": False, "why": "PaCMAP is not installed.", "options": []},
]  # fmt: skip

CLUSTERERS = [
    {"name": "hdbscan", "title": "HDBSCAN", "available": True, "why": "", "options": [
        an_option("min_cluster_size", "Smallest group", 10, 2, 500),
    ]},
    {"name": "kmeans", "title": "k-means", "available": True, "why": "", "options": [
        an_option("n_clusters", "Groups", 8, 2, 50),
    ]},
]  # fmt: skip

COLORS = [
    {"title": "", "items": [{"key": "none", "title": "none"}]},
    {"title": "Columns", "items": [{"key": f"column:{name}", "title": name} for name in ("genre", "artist", "year")]},
    {"title": "The map", "items": [{"key": "cluster", "title": "cluster"}]},
    {"title": "What MusiCNN hears", "items": [
        {"key": f"tag:msd-musicnn-1:{tag}", "title": tag} for tag in ("rock", "piano", "female vocals", "ambient")
    ]},
]  # fmt: skip

CHOICES = {
    "model": "msd-musicnn-1", "layer": "embedding", "points": "tracks", "pooling": "mean", "method": "umap",
    "options": {}, "metric": "cosine", "color": "column:genre", "size": "none", "k": 15, "clusters": "none",
    "cluster_options": {}, "second": {},
}  # fmt: skip


def a_map(number: int = 0, **more: Any) -> dict[str, Any]:
    shown = {
        "view": f"IPY_MODEL_map{number}", "model": "msd-musicnn-1", "layer": "embedding",
        "title": "MusiCNN (MSD) · embedding", "status": "ready", "stage": "", "done": 0, "total": 0, "message": "",
        "remedy": "", "notes": [], "preliminary": False,
        "facts": ["UMAP · trustworthiness 0.93 · continuity 0.95 · 82 % of 15 neighbours kept"],
    }  # fmt: skip
    return shown | more


def a_row(track: int, title: str, **more: Any) -> dict[str, Any]:
    row = {"track": track, "title": title, "artist": "The Band", "album": "First", "genre": "rock", "seconds": 200.0}
    return row | {"at": None, "point": track} | more


SELECTION = {
    "count": 3, "seconds": 620.0, "more": 0,
    "rows": [a_row(4, "Zebra"), a_row(9, "apple", artist="", seconds=None), a_row(2, "Moon", seconds=70.4)],
}  # fmt: skip

NEIGHBORS = {
    "of": {"title": "Sixty-Four Bars", "kind": "track"}, "metric": "cosine", "exact": True, "k": 15, "message": "",
    "items": [a_row(7, "Slow Train", distance=0.0213), a_row(3, "Night Bus", distance=0.1, at=61.5)],
}  # fmt: skip

CLUSTERS = {
    "method": "hdbscan", "scale": "the map", "message": "", "items": [
        {"id": 0, "name": "piano · quiet", "auto": "piano · quiet", "count": 31,
         "tags": [{"tag": "piano", "lift": 6.41}, {"tag": "quiet", "lift": 12.3}]},
        {"id": 1, "name": "guitar", "auto": "guitar", "count": 1, "tags": []},
        {"id": -1, "name": "", "auto": "", "count": 12, "tags": []},
    ],
}  # fmt: skip

AGREEMENT = {
    "cka": 0.714, "overlap": 0.43, "hubness": [0.8, 2.31], "k": 10,
    "items": [a_row(5, "Odd One", overlap=0.0), a_row(6, "Other One", overlap=0.1)],
}  # fmt: skip

QUEUE = {"items": [a_row(1, "First"), a_row(2, "Second"), a_row(3, "Third")], "at": 1, "playing": True}


def a_state(**more: Any) -> dict[str, Any]:
    state = {
        "clock": "atlas", "player": "IPY_MODEL_player", "maps": [a_map()], "models": MODELS, "downloads": {},
        "choices": CHOICES, "vocabulary": options.vocabulary(), "methods": METHODS, "clusterers": CLUSTERERS,
        "color_options": COLORS,
        "size_options": [{"key": "none", "title": "all the same"}, {"key": "duration", "title": "duration"}],
        "counts": {"tracks": 1240, "points": 1240, "problems": 0, "duplicates": 0}, "problems": [], "selection": {},
        "neighbors": {}, "clusters": {}, "agreement": {}, "queue": {}, "progress": {}, "notice": {},
        "code": "import embviz", "tab": "neighbors",
    }  # fmt: skip
    return state | more


class Table:
    """The page on a bench, whose Python answers every command."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.page = bench, bench.page
        self.page.route("**/standin.js", lambda route: route.fulfill(body=STAND_IN, content_type="text/javascript"))
        for name in ("player", "map0", "map1"):
            self.page.evaluate("name => bench.add(`anywidget:${name}`, 'standin', { name }, {})", name)

    def show(self, *, width: int = 1240, **state: Any) -> Any:
        self.bench.add("atlas", "atlas", a_state(**state))
        self.bench.acknowledge("atlas")
        return self.bench.show("atlas", width=width)

    def sent(self) -> list[dict[str, Any]]:
        """Return the commands so far, without their numbers, and forget them."""
        return self.bench.commands("atlas")

    def more(self) -> Any:
        """Open what stands behind the one button."""
        self.page.get_by_role("button", name="More", exact=True).click()
        return self.page.get_by_role("dialog", name="More about the map")

    def change(self, **traits: Any) -> None:
        for name, value in traits.items():
            self.bench.change("atlas", name, value)

    def gone(self) -> list[str]:
        return self.page.evaluate("() => globalThis.gone ?? []")

    def mounted(self) -> list[str]:
        return self.page.evaluate("() => globalThis.mounted ?? []")


@pytest.fixture
def table(bench: Bench) -> Iterator[Table]:
    return Table(bench)


# Python's side


MESSAGES = [
    ("set_option", {"name": "method", "value": "pca"}), ("compute", {}), ("cancel", {}), ("pull", {"model": "vgg"}),
    ("stop_pull", {"model": "vgg"}), ("play", {"track": 3, "at": 1.5}), ("select", {"tracks": [3, -1]}),
    ("clear_selection", {}), ("find_neighbors", {"of": "point", "point": 1, "map": 0}),
    ("rename_cluster", {"id": 0, "name": ""}), ("enqueue", {"tracks": [1, 2], "moments": [0.5, None]}),
    ("play_queue", {"at": 0}), ("pause_queue", {}), ("remove_queued", {"at": 0}), ("clear_queue", {}),
    ("select_filtered", {}), ("keep_group", {"group": "a"}), ("find_contrast", {"of": "groups"}),
    ("save", {"format": "html", "selection": False, "audio": "link"}), ("dismiss_notice", {}),
]  # fmt: skip


def test_commands_are_answered_and_passed_on():
    view = AtlasView()
    calls: list[Any] = []
    answers: list[Any] = []
    view.send = answers.append
    view.on_command(lambda *call: calls.append(call))
    for seq, (kind, content) in enumerate(MESSAGES):
        view._handle_custom_msg({"kind": kind, "seq": seq, **content}, [])
    view._handle_custom_msg({"kind": "explode", "seq": 99}, [])
    assert [call[:2] for call in calls] == MESSAGES
    assert {kind for kind, _ in MESSAGES} == set(COMMANDS) - {"upload"}
    assert answers[-1] == {"kind": "ack", "seq": 99}


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("explode", {}, "asked for 'explode', which is no command"),
        (["save"], {}, r"asked for \['save'\], which is no command"),
        ("save", {"format": 3}, "with 3 as 'format'; a text is expected"),
        ("save", {}, "asked for 'save' without 'format'"),
        ("save", {"format": "csv", "path": "/etc"}, "with 'path', which is nothing that belongs to it"),
        (
            "save",
            {"format": "html", "audio": "steal"},
            "nothing or one of 'auto', 'clips', 'embed', 'link' is expected",
        ),
        ("select", {"tracks": [1, True]}, "items, each the label of a track, is expected"),
        ("select", {"tracks": [0] * 5001}, "a list of up to 5,000"),
        ("play", {"track": 1, "at": float("nan")}, "with nan as 'at'; nothing or a number of seconds is expected"),
        ("play", {"track": 2**70}, "the label of a track"),
        ("play_queue", {"at": -1}, "a whole number from 0 is expected"),
        ("rename_cluster", {"id": 0, "name": "x" * 5000}, "as 'name'; a text is expected"),
        ("pull", {"model": "\ud800"}, "as 'model'; a text is expected"),
        ("set_option", {"name": "options", "value": {"a": {"b": {"c": {"d": {"e": 1}}}}}}, "a value of an option"),
        ("set_option", {"name": "k", "value": float("inf")}, "a value of an option"),
    ],
)
def test_a_message_that_is_none_of_the_page_is_refused_in_one_sentence(kind, content, said):
    view, heard, calls = AtlasView(), [], []
    view.answer(dict.fromkeys(COMMANDS, lambda **content: calls.append(content)), lambda *text: heard.append(text))
    view._handle_custom_msg({"kind": kind, **content}, [])
    [(sentence, remedy)] = heard
    assert re.search(said, sentence)
    assert (len(sentence.splitlines()), len(sentence) < 300, remedy, calls) == (1, True, "", [])


def test_the_page_sets_what_is_its_own_and_nothing_else():
    view, heard = AtlasView(code="import embviz"), []
    view.answer({}, lambda sentence, _remedy: heard.append(sentence))
    view.set_state({"tab": "queue"})
    assert (view.tab, heard) == ("queue", [])
    for state, said in (
        ({"code": "import os"}, "cannot set 'code'"),
        ({"tab": "clusters", "choices": {}}, "cannot set 'choices'"),
        ({"tab": "nowhere"}, "'tab' trait"),
    ):
        view.set_state(state)
        assert said in heard.pop()
    assert (view.code, view.tab) == ("import embviz", "queue")


def test_a_file_arrives_whole():
    view = AtlasView()
    calls: list[Any] = []
    view.on_command(lambda *call: calls.append(call))
    for i, part in enumerate([b"abc", b"def"]):
        view._handle_custom_msg({"kind": "upload", "seq": i, "name": "a.ogg", "part": i, "parts": 2}, [part])
    assert calls == [("upload", {"name": "a.ogg"}, [b"abcdef"])]


def test_traits_are_those_of_the_contract_and_cross_the_wire():
    assert set(a_state()) <= set(AtlasView().keys)
    assert AtlasView(tab="queue").tab == "queue"
    assert all(trait.help for name, trait in AtlasView.class_traits(sync=True).items() if name in a_state())


# The row of controls, and what stands behind its last button


def test_choices_are_shown_and_sent(table):
    page = table.show()
    page.get_by_label("Layout of the map", exact=True).select_option("tsne")
    more = table.more()
    more.get_by_label("What a point is").select_option("frames")
    more.get_by_label("Pooling").select_option("max")
    more.get_by_label("Size by").select_option("duration")
    more.locator("select[aria-label=Clusters]").select_option("kmeans")
    more.get_by_label("Distance", exact=True).select_option("euclidean")
    more.get_by_label("How many neighbours").select_option("30")
    assert table.sent() == [
        {"kind": "set_option", "name": "method", "value": "tsne"},
        {"kind": "set_option", "name": "points", "value": "frames"},
        {"kind": "set_option", "name": "pooling", "value": "max"},
        {"kind": "set_option", "name": "size", "value": "duration"},
        {"kind": "set_option", "name": "clusters", "value": "kmeans"},
        {"kind": "set_option", "name": "metric", "value": "euclidean"},
        {"kind": "set_option", "name": "k", "value": 30},
    ]
    table.change(choices=CHOICES | {"points": "frames", "method": "pca", "size": "duration"})
    assert more.get_by_label("What a point is").input_value() == "frames"
    assert more.get_by_label("Pooling").is_disabled()
    assert page.get_by_label("Layout of the map", exact=True).input_value() == "pca"
    assert not any(options.is_visible() for options in more.get_by_text("Options of").all())


def test_axes_are_chosen_where_the_method_is(table):
    page = table.show(width=1400)
    method = page.get_by_label("Layout of the map", exact=True)
    assert not page.get_by_role("button", name="Axis x").is_visible()
    method.select_option("axes")
    assert table.sent() == [{"kind": "set_option", "name": "layout", "value": "axes"}]
    options = [{"title": "Dimensions", "items": [{"key": "dimension:m:e:37", "title": "dimension 37"}]}]
    table.change(axis_options=options, choices=CHOICES | {"layout": "axes", "x": "column:year", "y": ""})
    assert method.input_value() == "axes"
    page.get_by_role("button", name="Axis y: of the projection").click()
    box = page.get_by_role("dialog", name="Axis y")
    box.get_by_role("searchbox", name="Search what y means").fill("37")
    table.page.keyboard.press("Enter")
    assert table.sent() == [{"kind": "set_option", "name": "y", "value": "dimension:m:e:37"}]
    method.select_option(CHOICES["method"])
    assert table.sent() == [{"kind": "set_option", "name": "layout", "value": "projection"}]


def test_what_separates_groups_is_asked_and_listed(table):
    row = {
        "key": "dimension:m:e:3", "title": "dimension 3", "name": "<b>jazz</b>", "effect": 1.5, "low": 1.0, "high": 2.0,
        "p": 0.01, "auc": 0.9, "sure": True,
    }  # fmt: skip
    page = table.show(width=1400, selection={"count": 0}, tab="contrast")
    assert page.get_by_role("button", name="What separates the selection?").is_disabled()
    table.change(selection={"count": 3, "seconds": 9.0, "rows": [], "more": 0})
    page.get_by_role("button", name="What separates the selection?").click()
    page.get_by_role("button", name="Keep as A").click()
    table.change(contrast={
        "groups": {"a": 3}, "message": "", "title": "rock (3 tracks) → jazz (5 tracks)", "ends": ["rock", "jazz"],
        "key": "direction:1", "auc": 0.93, "notes": ["1 of 6 dimensions."], "rows": [row], "more": 5,
    })  # fmt: skip
    found = page.get_by_role("list", name="Dimensions that separate the groups").get_by_role("listitem")
    assert found.inner_text().split("\n")[:2] == ["✓", "dimension 3 <b>jazz</b>"]
    assert "d 1.50 [1.00, 2.00]" in found.inner_text()
    assert re.search(r"Higher in .?jazz.? by 1.50 standard deviations", found.get_attribute("title"))
    assert page.get_by_text("AUC of the direction 0.93").is_visible()
    page.get_by_role("button", name="Direction as x").click()
    page.get_by_role("button", name="dimension 3 as axis y").click()
    assert page.get_by_role("button", name="A: 3 tracks").is_visible()
    assert page.get_by_role("button", name="Compare A with B").is_disabled()
    assert table.sent() == [
        {"kind": "find_contrast", "of": "selection"},
        {"kind": "keep_group", "group": "a"},
        {"kind": "set_option", "name": "x", "value": "direction:1"},
        {"kind": "set_option", "name": "y", "value": "dimension:m:e:3"},
    ]


def test_the_row_is_one_row_and_its_drawer_is_used_with_keys(table):
    page = table.show(width=820)
    bar = page.get_by_role("group", name="The map")
    middles = {
        round(box["y"] + box["height"] / 2)
        for box in (one.bounding_box() for one in bar.locator("> :not([hidden])").all())
    }
    assert max(middles) - min(middles) <= 1
    button = page.get_by_role("button", name="More", exact=True)
    button.press("Enter")
    more = page.get_by_role("dialog", name="More about the map")
    assert more.get_by_label("What a point is").evaluate("el => el === document.activeElement")
    headings = ["Points", "Map", "Clusters", "Neighbours", "Compare", "Save", "In Python, and help"]
    assert more.get_by_role("heading", level=3).all_inner_texts() == headings
    table.page.keyboard.press("Escape")
    assert not more.is_visible()
    assert button.evaluate("el => el === document.activeElement")
    table.more().get_by_role("button", name="Keys").click()
    page.get_by_role("dialog", name="Keys").get_by_role("button", name="Close").click()
    assert button.evaluate("el => el === document.activeElement")


def test_a_method_that_is_not_installed_says_so(table):
    page = table.show()
    option = page.get_by_label("Layout of the map", exact=True).locator("option[value=pacmap]")
    assert option.inner_text() == "PaCMAP (not installed)"
    assert option.is_disabled()
    assert "PaCMAP is not installed." in page.get_by_label("Layout of the map", exact=True).get_attribute("title")


def test_model_and_layer_are_picked(table):
    page = table.show()
    page.get_by_role("button", name="Model and layer: MusiCNN (MSD) · embedding").click()
    dialog = page.get_by_role("dialog", name="What to map")
    assert not dialog.get_by_label("Patch hop").is_visible()
    dialog.get_by_role("option", name="VGG (MTT)").click()
    dialog.get_by_role("option", name="output").click()
    dialog.get_by_role("button", name="Map").click()
    assert table.sent() == [{"kind": "set_option", "name": "model", "value": {"model": "mtt-vgg-1", "layer": "output"}}]


def test_options_of_a_method_are_checked_and_only_what_differs_is_sent(table):
    table.show(choices=CHOICES | {"options": {"n_neighbors": 30}})
    more = table.more()
    more.get_by_text("Options of UMAP (changed)").click()
    form = more.locator("form").first
    assert form.get_by_label("Neighbours").input_value() == "30"
    form.get_by_label("Least distance").fill("7")
    form.get_by_role("button", name="Apply").click()
    assert form.get_by_role("alert").filter(has_text="From 0 to 0.99.").is_visible()
    assert form.get_by_label("Least distance").get_attribute("aria-invalid") == "true"
    assert table.sent() == []
    form.get_by_role("button", name="Reset").click()
    form.get_by_label("Least distance").fill("0,25")
    form.get_by_label("Least distance").press("Enter")
    assert table.sent() == [{"kind": "set_option", "name": "options", "value": {"min_dist": 0.25}}]
    table.change(choices=CHOICES | {"options": {"min_dist": 0.25}})
    assert form.get_by_label("Neighbours").input_value() == "15"
    # The form is another one, and the focus still beside it.
    assert more.get_by_text("Options of UMAP (changed)").evaluate("el => el === document.activeElement")


def test_options_that_are_left_to_the_method_may_stay_empty(table):
    table.show(choices=CHOICES | {"method": "tsne", "clusters": "hdbscan"})
    more = table.more()
    more.get_by_text("Options of t-SNE").click()
    form = more.locator("form").first
    assert form.get_by_label("Perplexity").get_attribute("placeholder") == "automatic"
    form.get_by_label("Start").select_option("random")
    form.get_by_role("button", name="Apply").click()
    more.get_by_text("Options of HDBSCAN").click()
    form = more.locator("form").last
    form.get_by_label("Smallest group").fill("25")
    form.get_by_role("button", name="Apply").click()
    assert table.sent() == [
        {"kind": "set_option", "name": "options", "value": {"init": "random"}},
        {"kind": "set_option", "name": "cluster_options", "value": {"min_cluster_size": 25}},
    ]


def test_a_color_is_searched_and_chosen_with_keys(table):
    page = table.show()
    button = page.get_by_role("button", name="Colour by genre")
    button.click()
    box = page.get_by_role("dialog", name="Colour by")
    assert box.get_by_role("option", selected=True).inner_text() == "genre"
    search = box.get_by_role("searchbox")
    assert search.evaluate("el => el === document.activeElement")
    search.fill("hears vocal")
    assert box.get_by_role("option").all_inner_texts() == ["female vocals"]
    search.press("Enter")
    assert table.sent() == [{"kind": "set_option", "name": "color", "value": "tag:msd-musicnn-1:female vocals"}]
    assert not box.is_visible()
    button.click()
    search.fill("nothing like it")
    assert box.get_by_text("Nothing is called so.").is_visible()
    search.fill("")
    box.get_by_role("option", name="cluster").click()
    assert table.sent() == [{"kind": "set_option", "name": "color", "value": "cluster"}]


def test_escape_closes_what_is_open_before_it_selects_nothing(table):
    page = table.show(selection=SELECTION)
    page.get_by_role("button", name="Colour by genre").click()
    page.get_by_role("searchbox", name="Search what to colour by").press("Escape")
    assert not page.get_by_role("dialog", name="Colour by").is_visible()
    assert page.get_by_role("button", name="Colour by genre").evaluate("el => el === document.activeElement")
    assert table.sent() == []
    table.page.keyboard.press("Escape")
    assert table.sent() == [{"kind": "clear_selection"}]
    table.change(selection={})
    table.page.keyboard.press("Escape")
    assert table.sent() == []


def test_a_press_elsewhere_closes_what_is_open(table):
    page = table.show()
    more = page.get_by_role("button", name="More", exact=True)
    drawer = table.more()
    assert drawer.is_visible()
    assert more.get_attribute("aria-expanded") == "true"
    more.click()
    assert not drawer.is_visible()
    more.click()
    page.get_by_text("1,240 tracks").click()
    assert not drawer.is_visible()
    assert more.get_attribute("aria-expanded") == "false"


@pytest.mark.parametrize("name", ["PNG", "SVG", "CSV", "Parquet", "M3U", "TensorBoard"])
def test_a_map_is_saved(table, name):
    table.show()
    menu = table.more()
    assert menu.get_by_label("What to save").locator("option").nth(1).is_disabled()
    menu.get_by_label("Format").select_option(name.lower())
    assert not menu.get_by_label("Sounds of the page").is_visible()
    menu.get_by_role("button", name="Save").click()
    assert table.sent() == [{"kind": "save", "format": name.lower(), "selection": False}]


def test_a_page_is_saved_with_its_sounds_and_the_selection_alone(table):
    table.show(selection=SELECTION)
    menu = table.more()
    menu.get_by_label("What to save").select_option("selection")
    menu.get_by_label("Sounds of the page").select_option("clips")
    menu.get_by_role("button", name="Save").click()
    assert table.sent() == [{"kind": "save", "format": "html", "selection": True, "audio": "clips"}]


def test_two_models_are_compared_swapped_and_one_is_closed(table):
    page = table.show()
    table.more().get_by_role("button", name="Compare with another model…").click()
    dialog = page.get_by_role("dialog", name="Compare with")
    # A model is not compared with itself: another one is proposed, and the first one refused.
    assert dialog.get_by_role("listbox", name="Models").get_by_role("option", selected=True).inner_text() != ""
    assert "VGG (MTT)" in dialog.get_by_role("option", selected=True).first.inner_text()
    dialog.get_by_role("option", name="MusiCNN (MSD)").click()
    dialog.get_by_role("button", name="Compare").click()
    assert page.get_by_text("That is what the first map shows: choose another model or layer.").is_visible()
    assert table.sent() == []
    table.more().get_by_role("button", name="Compare with another model…").click()
    dialog.get_by_role("option", name="VGG (MTT)").click()
    dialog.get_by_role("button", name="Compare").click()
    second = {"model": "mtt-vgg-1", "layer": "embedding"}
    assert table.sent() == [{"kind": "set_option", "name": "second", "value": second}]
    table.change(choices=CHOICES | {"second": second}, maps=[a_map(), a_map(1, title="VGG (MTT) · embedding")])
    assert page.get_by_role("region", name="Map of VGG").is_visible()
    table.more().get_by_role("button", name="Swap the two").click()
    assert table.sent() == [{"kind": "set_option", "name": "model", "value": second}]
    table.page.keyboard.press("Escape")
    page.get_by_role("button", name="Close this map").click()
    assert table.sent() == [{"kind": "set_option", "name": "second", "value": {}}]
    table.change(choices=CHOICES, maps=[a_map()])
    assert not page.get_by_role("region", name="Map of VGG").is_visible()
    assert table.gone() == ["map1"]


def test_code_is_copied_or_shown(table):
    page = table.show(code="import embviz\n# the map")
    table.page.evaluate("""() => Object.defineProperty(navigator, "clipboard", { configurable: true, value: {
        writeText: async (text) => { globalThis.copied = text; } } })""")
    table.more()
    page.get_by_role("button", name="Copy as code").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert table.page.evaluate("() => globalThis.copied") == "import embviz\n# the map"
    table.page.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Copied").click()
    assert page.get_by_label("Python code of this view").input_value() == "import embviz\n# the map"


# The maps


def test_a_map_stays_as_long_as_it_is_the_same(table):
    page = table.show()
    page.locator(".stand-in").first.wait_for()
    table.change(maps=[a_map(facts=["UMAP"], notes=["A note."])])
    assert page.get_by_text("A note.").is_visible()
    assert sorted(table.mounted()) == ["map0", "player"]
    assert table.gone() == []


@pytest.mark.parametrize(
    ("state", "words", "button", "command"),
    [
        ({"status": "waiting", "view": ""}, "waiting for its turn", "Cancel", {"kind": "cancel"}),
        (
            {"status": "running", "view": "", "stage": "UMAP", "done": 3, "total": 9}, "UMAP · 3 of 9", "Cancel",
            {"kind": "cancel"},
        ),
        ({"status": "failed", "message": "It broke."}, "It broke.", "Try again", {"kind": "compute"}),
        ({"status": "cancelled", "message": ""}, "Cancelled.", "Compute", {"kind": "compute"}),
        (
            {"status": "download", "model": "openl3"}, "not on this computer", "Download 19 MB",
            {"kind": "pull", "model": "openl3"},
        ),
        ({"status": "", "view": "", "facts": []}, "There is no map yet", "Make the map", {"kind": "compute"}),
    ],
)  # fmt: skip
def test_the_state_of_a_map_is_told_with_what_can_be_done(table, state, words, button, command):
    page = table.show(maps=[a_map(**state)])
    region = page.get_by_role("region", name="Map of MusiCNN")
    assert region.get_by_text(words).is_visible()
    region.get_by_role("button", name=button).click()
    assert table.sent() == [command]


def test_a_download_goes_on_in_sight_and_can_be_stopped(table):
    page = table.show(maps=[a_map(status="download", model="openl3", view="")])
    table.change(downloads={"openl3": {"done": 2_000_000, "total": 19_000_000, "stage": "downloading"}})
    assert page.get_by_text("2.0 MB of 19 MB").is_visible()
    page.get_by_role("button", name="Stop").click()
    assert table.sent() == [{"kind": "stop_pull", "model": "openl3"}]


def test_a_map_that_stands_in_for_another_says_so(table):
    page = table.show(maps=[a_map(status="running", preliminary=True, facts=["PCA · trustworthiness 0.81"])])
    assert page.get_by_text("PCA while UMAP runs").is_visible()
    table.change(maps=[a_map()])
    assert not page.get_by_text("while UMAP runs").is_visible()
    assert page.locator("[aria-live]").filter(has_text="The map of MusiCNN (MSD) · embedding is ready.").count() == 1


def test_a_player_is_there_from_the_first_track_on(table):
    page = table.show()
    player = page.locator(".ev-atlas-page > .ev-panel-slot")
    player.locator(".stand-in").wait_for(state="attached")
    assert not player.is_visible()
    map_before = page.locator(".ev-atlas-map").first.bounding_box()
    table.bench.change("anywidget:player", "serial", 1)
    assert player.is_visible()
    assert page.locator(".ev-atlas-map").first.bounding_box() == map_before, "the map should not move"


def test_figures_of_a_map_are_explained(table):
    page = table.show()
    assert page.get_by_text("trustworthiness 0.93").is_visible()
    page.get_by_role("button", name="What these figures mean").click()
    words = page.get_by_role("dialog", name="What these figures mean")
    for name in ("Trustworthiness", "Continuity", "Neighbours kept"):
        assert words.get_by_text(name, exact=True).is_visible()


def test_before_anything_is_known_the_page_is_whole(table):
    state = a_state(player="", clock="", code="", tab="neighbors")
    empty = {name: type(value)() for name, value in state.items() if not isinstance(value, str)}
    page = table.show(**empty, player="", clock="", code="")
    assert page.get_by_text("There is no map yet").first.is_visible()
    # What has to do with a selection, or with files that cannot be used, is offered where there are such.
    for name in ("Problems", "Contrast"):
        assert not page.get_by_role("tab", name=name).is_visible()
    for name in TABS:
        if name in ("problems", "contrast"):
            continue
        page.get_by_role("tab", name=TITLES.get(name, name.capitalize())).click()
        assert page.get_by_role("tabpanel", name=TITLES.get(name, name.capitalize())).locator("p:visible").count() >= 1


# The lists


def test_neighbors_are_listed_and_play(table):
    page = table.show(neighbors=NEIGHBORS)
    panel = page.get_by_role("tabpanel", name="Neighbours")
    assert panel.get_by_role("heading", name="Like Sixty-Four Bars").is_visible()
    assert panel.get_by_text("cosine, exact").is_visible()
    rows = panel.get_by_role("listitem")
    assert rows.all_inner_texts() == ["1\nSlow Train\nThe Band\n0.021", "2\nNight Bus\nThe Band · at 1:01\n0.100"]
    rows.nth(0).get_by_text("Slow Train").click()
    panel.get_by_role("button", name="Play Night Bus – The Band at 1:01").click()
    panel.get_by_role("button", name="Add Slow Train – The Band to the queue").click()
    assert table.sent() == [
        {"kind": "play", "track": 7},
        {"kind": "play", "track": 3, "at": 61.5},
        {"kind": "enqueue", "tracks": [7]},
    ]


def test_what_neighbors_are_is_chosen(table):
    page = table.show(neighbors=NEIGHBORS | {"exact": False}, selection=SELECTION)
    panel = page.get_by_role("tabpanel", name="Neighbours")
    assert panel.get_by_text("cosine, approximate").is_visible()
    panel.get_by_role("button", name="Of the selection").click()
    assert table.sent() == [{"kind": "find_neighbors", "of": "selection"}]
    table.change(selection={})
    assert panel.get_by_role("button", name="Of the selection").is_disabled()


def test_a_file_is_sent_in_parts_for_its_neighbors(table, tmp_path):
    file = tmp_path / "own.ogg"
    file.write_bytes(b"0" * (4 * 2**20 + 10))
    page = table.show()
    with table.page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Like a file…").click()
    chooser.value.set_files(file)
    table.page.wait_for_function("() => bench.widgets.atlas.model.sent.length === 2")
    sent = table.page.evaluate("() => bench.widgets.atlas.model.sent")
    assert [(one["content"]["kind"], one["content"]["part"], one["bytes"]) for one in sent] == [
        ("upload", 0, [4 * 2**20]),
        ("upload", 1, [10]),
    ]


def test_a_dropped_file_is_taken(table):
    page = table.show()
    page.locator(".ev-atlas-map").first.evaluate("""el => {
        const data = new DataTransfer();
        data.items.add(new File(["sound"], "drop.ogg"));
        for (const kind of ["dragenter", "dragover"])
            el.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
        globalThis.seen = document.querySelector(".ev-panel-overlay").textContent;
        el.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }""")
    table.page.wait_for_function("() => bench.widgets.atlas.model.sent.length")
    assert table.page.evaluate("() => globalThis.seen") == "Drop a sound to find what is like it"
    assert table.sent() == [{"kind": "upload", "name": "drop.ogg", "part": 0, "parts": 1}]


def test_the_selection_is_a_table_that_can_be_ordered(table):
    page = table.show(tab="selection", selection=SELECTION)
    panel = page.get_by_role("tabpanel", name="Selection")
    assert panel.get_by_role("heading", name="3 tracks · 10 min 20 s selected").is_visible()
    titles = panel.locator("tbody td.ev-atlas-col-title")
    assert titles.all_inner_texts() == ["Zebra", "apple", "Moon"]
    panel.get_by_role("button", name="Title").click()
    assert titles.all_inner_texts() == ["apple", "Moon", "Zebra"]
    panel.get_by_role("button", name="Title").click()
    assert titles.all_inner_texts() == ["Zebra", "Moon", "apple"]
    assert panel.get_by_role("columnheader", name="Title").get_attribute("aria-sort") == "descending"
    panel.get_by_role("button", name="Length").click()
    assert titles.all_inner_texts() == ["Moon", "Zebra", "apple"]
    titles.nth(0).click()
    panel.get_by_role("button", name="Add to queue").click()
    panel.get_by_role("button", name="Play in order").click()
    panel.get_by_role("button", name="Save as M3U").click()
    panel.get_by_role("button", name="Save as CSV").click()
    panel.get_by_role("button", name="Clear").click()
    assert sorted(table.sent(), key=str) == sorted(
        [
            {"kind": "play", "track": 2},
            {"kind": "enqueue", "tracks": [2, 4, 9]},
            {"kind": "clear_queue"},
            {"kind": "enqueue", "tracks": [2, 4, 9]},
            {"kind": "play_queue", "at": 0},
            {"kind": "save", "format": "m3u", "selection": True},
            {"kind": "save", "format": "csv", "selection": True},
            {"kind": "clear_selection"},
        ],
        key=str,
    )


def test_the_selection_tells_its_name_in_python(table):
    page = table.show(tab="selection", selection=SELECTION | {"more": 40})
    assert page.get_by_text("atlas.selection").is_visible()
    assert page.get_by_text("… and 40 more rows").is_visible()
    page = table.show(tab="selection", selection=SELECTION, player="")
    assert page.get_by_text("explorer.selection").last.is_visible()


def test_rows_are_walked_with_keys(table):
    page = table.show(neighbors=NEIGHBORS)
    first = page.get_by_role("button", name="Play Slow Train")
    first.focus()
    first.press("ArrowDown")
    focused = "() => document.activeElement.getAttribute('aria-label')"
    assert table.page.evaluate(focused).startswith("Play Night Bus")
    table.page.keyboard.press("ArrowRight")
    assert table.page.evaluate(focused).startswith("Add Night Bus")
    table.page.keyboard.press("Home")
    assert table.page.evaluate(focused).startswith("Add Slow Train")
    table.page.keyboard.press("ArrowLeft")
    table.page.keyboard.press("Enter")
    assert table.sent() == [{"kind": "play", "track": 7}]
    # Of a list, the Tab key stops at one button.
    assert page.locator(".ev-atlas-row button[tabindex='0']").count() == 1


def test_the_focus_stays_in_a_list_that_changes(table):
    page = table.show(tab="queue", queue=QUEUE)
    button = page.get_by_role("button", name="Remove Second")
    button.focus()
    button.press("Delete")
    assert table.sent() == [{"kind": "remove_queued", "at": 1}]
    table.change(queue=QUEUE | {"items": [QUEUE["items"][0], QUEUE["items"][2]]})
    label = table.page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert label.startswith("Remove Third")


def test_clusters_are_listed_renamed_and_selected(table):
    page = table.show(tab="clusters", clusters=CLUSTERS, choices=CHOICES | {"clusters": "hdbscan"})
    panel = page.get_by_role("tabpanel", name="Clusters")
    assert panel.get_by_role("heading", name="2 clusters").is_visible()
    assert panel.get_by_text("piano +6.4").is_visible()
    assert panel.get_by_text("quiet +12.3").is_visible()
    assert panel.get_by_text("Not in any cluster: 12 tracks").is_visible()
    panel.get_by_role("button", name="Select the members of guitar").click()
    name = panel.get_by_role("button", name="Rename piano · quiet")
    name.click()
    field = panel.get_by_label("Name of piano · quiet")
    field.fill("Sunday")
    field.press("Escape")
    assert name.is_visible()
    table.page.keyboard.press("F2")
    field.fill(" Sunday ")
    field.press("Enter")
    name.focus()
    name.press("F2")
    field.fill("")
    panel.get_by_role("heading").click()
    assert table.sent() == [
        {"kind": "select", "cluster": 1},
        {"kind": "rename_cluster", "id": 0, "name": "Sunday"},
        {"kind": "rename_cluster", "id": 0, "name": ""},
    ]


def test_a_name_that_is_being_typed_outlives_new_clusters(table):
    page = table.show(tab="clusters", clusters=CLUSTERS, choices=CHOICES | {"clusters": "hdbscan"})
    page.get_by_role("button", name="Rename guitar").click()
    table.page.keyboard.type("Six strings")
    other = CLUSTERS["items"][0] | {"name": "keys"}
    table.change(clusters=CLUSTERS | {"items": [other, CLUSTERS["items"][1]]})
    assert page.get_by_label("Name of guitar").input_value() == "Six strings"
    table.page.keyboard.press("Enter")
    assert table.sent() == [{"kind": "rename_cluster", "id": 1, "name": "Six strings"}]
    assert page.get_by_role("button", name="Rename keys").is_visible()


def test_without_clusters_they_can_be_looked_for(table):
    page = table.show(tab="clusters")
    page.get_by_role("button", name="Find clusters").click()
    assert table.sent() == [{"kind": "set_option", "name": "clusters", "value": "hdbscan"}]
    message = "No clusters stand out; fewer points for a group may find some."
    table.change(choices=CHOICES | {"clusters": "hdbscan"}, clusters={"items": [], "message": message})
    assert page.get_by_text(message).is_visible()
    assert not page.get_by_role("button", name="Find clusters").is_visible()


def test_a_box_closes_when_the_focus_leaves_it(table):
    page = table.show()
    more = table.more()
    more.get_by_role("button").last.focus()
    table.page.keyboard.press("Tab")
    assert more.is_visible() is False
    assert page.evaluate("el => el.contains(document.activeElement)"), "it is elsewhere on the page, and not lost"
    more = table.more()
    table.page.keyboard.press("Shift+Tab")
    assert more.is_visible() is False
    more = table.more()
    table.page.keyboard.press("Escape")
    assert more.is_visible() is False
    button = page.get_by_role("button", name="More", exact=True)
    assert button.evaluate("el => el === document.activeElement")


def test_a_comparison_is_told_in_plain_words(table):
    second = {"model": "mtt-vgg-1", "layer": "embedding"}
    page = table.show(tab="compare")
    page.get_by_role("button", name="Compare with another model…").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    table.change(choices=CHOICES | {"second": second}, maps=[a_map(), a_map(1, title="VGG", status="running")])
    assert page.get_by_text("The figures come when both maps are ready.").is_visible()
    table.change(maps=[a_map(), a_map(1, title="VGG")])
    assert page.get_by_text("There are too few tracks to compare.").is_visible()
    table.change(agreement=AGREEMENT)
    panel = page.get_by_role("tabpanel", name="Compare")
    figures = panel.locator("dl").inner_text()
    for words in ("0.71", "43 %", "0.8 and 2.3", "Of a track's 10 nearest", "MusiCNN (MSD) · embedding and VGG"):
        assert words in figures
    panel.get_by_role("button", name="Show Odd One – The Band on both maps").click()
    panel.get_by_role("button", name="Play Other One").click()
    assert table.sent() == [{"kind": "select", "tracks": [5]}, {"kind": "play", "track": 6}]


def test_a_queue_plays_pauses_and_goes_on(table):
    page = table.show(tab="queue", queue=QUEUE)
    panel = page.get_by_role("tabpanel", name="Queue")
    assert panel.get_by_role("heading", name="3 in the queue · 10 min").is_visible()
    current = panel.locator("[aria-current=true]")
    assert current.inner_text().split("\n")[0] == "Second"
    assert current.get_by_text("playing").is_visible()
    panel.get_by_role("button", name="Pause", exact=True).click()
    panel.get_by_role("button", name="Next").click()
    panel.get_by_role("button", name="Play First").click()
    panel.get_by_role("button", name="Remove Third").click()
    panel.get_by_role("button", name="Clear").click()
    assert table.sent() == [
        {"kind": "pause_queue"},
        {"kind": "play_queue", "at": 2},
        {"kind": "play_queue", "at": 0},
        {"kind": "remove_queued", "at": 2},
        {"kind": "clear_queue"},
    ]
    table.change(queue=QUEUE | {"playing": False, "at": 2})
    assert panel.get_by_role("button", name="Next").is_disabled()
    panel.get_by_role("button", name="Play", exact=True).click()
    assert table.sent() == [{"kind": "play_queue", "at": 2}]


def test_files_that_cannot_be_used_are_told(table):
    problems = [{"name": "a.mp3", "problem": "It is cut off."}, {"name": EVIL, "problem": EVIL}]
    page = table.show(problems=problems, counts={"tracks": 1240, "points": 1240, "problems": 201, "duplicates": 2})
    assert page.get_by_text("1,240 tracks · 2 duplicates").is_visible()
    page.get_by_role("button", name="201 files cannot be used").click()
    panel = page.get_by_role("tabpanel", name="Problems")
    assert panel.get_by_text("It is cut off.").is_visible()
    assert panel.get_by_text("… and 199 more files.").is_visible()
    assert table.bench.get("atlas", "tab") == "problems"


def test_a_row_that_is_pointed_at_is_marked_on_the_maps(table):
    page = table.show(neighbors=NEIGHBORS)
    table.page.evaluate("() => { bench.widgets['anywidget:map0'].model.state.link = 'linked'; }")
    page.get_by_text("Night Bus").hover()
    hover = "() => globalThis[Symbol.for('embviz.links')]?.get('linked')?.hover"
    table.page.wait_for_function(hover)
    found = table.page.evaluate(
        "() => { const { track, seconds } = globalThis[Symbol.for('embviz.links')].get('linked').hover;"
        " return { track, seconds }; }"
    )
    assert found == {"track": 3, "seconds": 61.5}
    page.get_by_role("heading", name="Like").hover()
    table.page.wait_for_function("() => globalThis[Symbol.for('embviz.links')].get('linked').hover === null")


# Around


def test_tabs_are_walked_with_arrow_keys(table):
    page = table.show()
    first = page.get_by_role("tab", name="Neighbours")
    first.press("ArrowLeft")
    assert page.get_by_role("tab", selected=True).inner_text() == "Queue"
    assert table.bench.get("atlas", "tab") == "queue"
    table.change(counts={"tracks": 9, "points": 9, "problems": 1, "duplicates": 0})
    table.page.keyboard.press("ArrowRight")
    table.page.keyboard.press("End")
    assert page.get_by_role("tab", selected=True).inner_text() == "Problems"
    table.change(tab="queue")
    assert page.get_by_role("tabpanel", name="Queue").is_visible()
    assert page.get_by_role("tabpanel").count() == 1


def test_work_is_shown_and_cancelled(table):
    page = table.show(progress={"text": "embedding tracks", "done": 3, "total": 1240})
    assert page.get_by_text("embedding tracks · 3 of 1240").is_visible()
    page.get_by_role("button", name="Cancel the computation").click()
    assert table.sent() == [{"kind": "cancel"}]
    table.change(progress={})
    assert not page.get_by_role("button", name="Cancel the computation").is_visible()


@pytest.mark.parametrize("width", [1400, 640])
def test_figures_of_the_map_are_never_cut(table, width):
    figures = "UMAP · trustworthiness 0.935 · continuity 0.951 · 82% of 15 neighbours kept, on 5,000 points"
    maps = [{**a_map(number), "facts": [f"{figures} · larger is better"]} for number in range(2)]
    page = table.show(width=width, maps=maps)
    for facts in page.locator(".ev-atlas-facts").all():
        assert facts.evaluate("el => el.scrollWidth <= el.clientWidth + 1")
        box, foot = (
            facts.bounding_box(),
            facts.locator("xpath=ancestor::*[contains(@class, 'ev-atlas-foot')]").bounding_box(),
        )
        assert box["y"] + box["height"] <= foot["y"] + foot["height"] + 1


@pytest.mark.parametrize("width", [1200, 640])
def test_while_a_map_is_made_one_line_tells_all_of_it(table, width):
    stage = "embedding 19 of 41 tracks · 26 min of sound a minute · about 3 min left"
    running = {**a_map(), "view": "", "status": "running", "stage": stage, "done": 19, "total": 41, "facts": []}
    page = table.show(
        width=width, maps=[running], progress={"text": f"MusiCNN (MSD): {stage}", "done": 19, "total": 41}
    )
    seen = [one for one in page.get_by_text("3 min left").all() if one.is_visible()]
    assert len(seen) == 1
    assert seen[0].evaluate("el => el.scrollWidth <= el.clientWidth + 1")
    page.get_by_role("button", name="Cancel").click()  # the only one
    assert table.sent()[-1] == {"kind": "cancel"}
    for part in (".ev-scatter-bar", ".ev-scatter-legend-head"):
        assert not page.locator(part).first.is_visible()
    # Of another computation, the line below tells.
    table.change(progress={"text": f"tempi: {stage.replace('19', '7')}", "done": 7, "total": 41})
    cancel = page.get_by_role("button", name="Cancel the computation")
    assert cancel.evaluate("el => el.scrollWidth <= el.clientWidth")


def test_a_notice_stays_until_it_is_dismissed(table):
    page = table.show(notice={"level": "error", "text": "The disk is full.", "remedy": "Free some space.", "seq": 3})
    line = page.get_by_role("alert").filter(has_text="The disk is full. Free some space.")
    assert line.is_visible()
    line.get_by_role("button", name="Dismiss this message").click()
    assert table.sent() == [{"kind": "dismiss_notice"}]
    assert line.count() == 0


def test_help_lists_the_keys_and_keys_stay_on_the_page(table):
    page = table.show()
    table.page.evaluate(
        "() => addEventListener('keydown', (event) => { globalThis.left = [...(globalThis.left ?? []), event.key]; })"
    )
    page.get_by_role("tab", name="Neighbours").focus()
    table.page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").get_by_text("Lists beside a map").is_visible()
    table.page.keyboard.press("Escape")
    table.page.keyboard.press("d")
    assert not table.page.evaluate("() => globalThis.left ?? []")
    assert page.get_attribute("data-lm-suppress-shortcuts") == "true"
    table.page.keyboard.press("Control+s")
    assert page.get_attribute("data-lm-suppress-shortcuts") is None


def test_the_keys_of_the_clock_are_the_pages_where_it_stands_alone(table):
    page = table.show()
    page.get_by_role("tab", name="Neighbours").press("0")  # The clock is made when it is first needed.
    table.page.evaluate("() => globalThis[Symbol.for('embviz.clocks')].get('atlas').load(60)")
    table.page.keyboard.press("l")
    assert table.bench.clock("atlas", "c => c.looping")


def test_inside_the_explorer_the_keys_of_the_clock_are_the_explorers(table):
    table.page.evaluate("""() => {
        const outer = document.createElement("div");
        outer.className = "embviz";
        outer.addEventListener("keydown", (event) => {
            if (!event.defaultPrevented) globalThis.heard = [...(globalThis.heard ?? []), event.key];
        });
        document.body.append(outer);
        new MutationObserver((_, observer) => {
            const atlas = document.querySelector("body > [data-ref=atlas]");
            if (!atlas) return;
            observer.disconnect();
            outer.append(atlas);
        }).observe(document.body, { childList: true });
    }""")
    page = table.show(player="", selection=SELECTION)
    table.page.wait_for_selector(".embviz > [data-ref=atlas] .ev-panel-tab:not([hidden])")
    page.get_by_role("tab", name="Neighbours").press("m")
    table.page.keyboard.press("3")
    table.page.keyboard.press("Escape")
    assert table.page.evaluate("() => globalThis.heard") == ["m", "3"]
    assert table.sent() == [{"kind": "clear_selection"}]


def test_a_kernel_that_is_gone_is_told(table):
    page = table.show()
    table.page.evaluate("() => { bench.widgets.atlas.model.send = () => { throw new Error('Cannot send'); }; }")
    table.more().get_by_label("Pooling").select_option("max")
    assert page.get_by_role("alert").filter(has_text="The kernel was restarted").is_visible()


def test_names_from_strangers_are_text(table):
    item = a_row(1, EVIL, artist=EVIL, album=EVIL, genre=EVIL, distance=0.5, overlap=0.1)
    cluster = {"id": 0, "name": EVIL, "auto": EVIL, "count": 2, "tags": [{"tag": EVIL, "lift": 2.0}]}
    second = {"model": "mtt-vgg-1", "layer": EVIL}
    page = table.show(
        maps=[a_map(title=EVIL, facts=[EVIL], notes=[EVIL]), a_map(1, title=EVIL, status="failed", message=EVIL)],
        models=[a_model("msd-musicnn-1", EVIL, EVIL)],
        choices=CHOICES | {"second": second, "clusters": "hdbscan", "color": EVIL, "layer": EVIL},
        color_options=[{"title": EVIL, "items": [{"key": EVIL, "title": EVIL}]}],
        size_options=[{"key": EVIL, "title": EVIL}],
        methods=[METHODS[0] | {"title": EVIL, "options": [an_option("n", EVIL, 1, 0, 9, help=EVIL)]}],
        selection=SELECTION | {"rows": [item]},
        neighbors=NEIGHBORS | {"of": {"title": EVIL, "kind": "file"}, "items": [item], "message": EVIL},
        clusters=CLUSTERS | {"items": [cluster], "message": EVIL, "scale": EVIL},
        agreement=AGREEMENT | {"items": [item]},
        queue=QUEUE | {"items": [item]},
        problems=[{"name": EVIL, "problem": EVIL}],
        counts={"tracks": 2, "points": 1, "problems": 1, "duplicates": 0},
        progress={"text": EVIL, "done": 1, "total": 2},
        notice={"level": "error", "text": EVIL, "remedy": EVIL, "seq": 1},
    )
    for name in TABS:
        page.get_by_role("tab", name=TITLES.get(name, name.capitalize())).click()
    page.get_by_role("button", name="Colour by <img").click()
    table.page.keyboard.press("Escape")
    table.more().get_by_text("Options of <img").first.click()
    table.page.keyboard.press("Escape")
    page.get_by_role("button", name="Model and layer").click()
    assert page.locator("img").count() == 0
    # Nothing that turns the direction of a line leaks out of its own element.
    leaking = table.page.evaluate(
        r"""() => [...document.querySelectorAll(".ev-atlas *")].filter((el) =>
            [...el.childNodes].some((node) => node.nodeType === 3 && /[\u202a-\u202e\n]/.test(node.data))
            && el.dir !== "auto" && getComputedStyle(el).unicodeBidi !== "isolate").map((el) => el.className)"""
    )
    assert leaking == []


@pytest.mark.parametrize("width", [480, 620, 760, 900, 1200, 1900])
def test_nothing_is_cut_off_at_any_width(table, width):
    table.page.set_viewport_size({"width": width + 40, "height": 900})
    page = table.show(
        width=width,
        maps=[a_map(), a_map(1, title="VGG (MTT) · embedding", status="running", stage="UMAP", done=1, total=9)],
        choices=CHOICES | {"second": {"model": "mtt-vgg-1", "layer": "embedding"}, "clusters": "hdbscan"},
        progress={"text": "A long sentence about what is computed", "done": 3, "total": 1240},
        counts={"tracks": 12400, "points": 620_000, "problems": 12, "duplicates": 14},
        neighbors=NEIGHBORS, selection=SELECTION, clusters=CLUSTERS, agreement=AGREEMENT, queue=QUEUE,
    )  # fmt: skip
    beyond = r"""width => [...document.querySelectorAll(".ev-atlas :is(button, select, input, h3, td, [role=tab])")]
        .filter((el) => el.offsetParent && el.type !== "file")
        .filter((el) => { const box = el.getBoundingClientRect(); return box.left < 8 || box.right > width + 9; })
        .map((el) => el.outerHTML.slice(0, 120))"""
    for name in TABS:
        page.get_by_role("tab", name=TITLES.get(name, name.capitalize())).click()
        assert table.page.evaluate(beyond, width) == []
    boxes = [region.bounding_box() for region in page.locator(".ev-atlas-map").all()]
    assert (boxes[0]["y"] == boxes[1]["y"]) == (width >= 700)
    lists = page.locator(".ev-atlas-side").bounding_box()
    assert (lists["y"] > boxes[0]["y"]) == (width < 1000)


def test_nothing_is_left_when_the_page_is_closed(table):
    table.show()
    table.page.locator(".stand-in").first.wait_for()
    table.page.evaluate("() => bench.widgets.atlas.abort.abort()")
    assert sorted(table.gone()) == ["map0", "player"]
    count = "() => [...bench.widgets.atlas.model.listeners.values()].reduce((n, set) => n + set.size, 0)"
    assert table.page.evaluate(count) == 0
    assert table.page.locator("[popover]").count() == 0
