"""What a cell leaves in the notebook: of each object that it can show, and while a view changes."""

import asyncio
import base64
import sys
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import nbformat
import numpy as np
import pandas as pd
import plotly.io
import pytest
from factories import bare
from nbclient import NotebookClient
from nbconvert import HTMLExporter

import embviz
from embviz.audio import Audio
from embviz.core.embedding import Embedding, FrameGrid
from embviz.core.progress import reporter
from embviz.core.vectors import Vectors
from embviz.plotting.figure import StillFigure
from embviz.widgets import still as stills
from embviz.widgets.atlas import AtlasView
from embviz.widgets.comparison import Comparison
from embviz.widgets.confusion import Confusion
from embviz.widgets.curves import Curves
from embviz.widgets.feature_maps import FeatureMaps
from embviz.widgets.heatmap import Heatmap
from embviz.widgets.pairs import PairList
from embviz.widgets.panel import Panel
from embviz.widgets.player import Player
from embviz.widgets.scatter import Scatter
from embviz.widgets.self_similarity import SelfSimilarity
from embviz.widgets.still import HOW_TO, LIVE, Still, StillOutputs

HOSTILE = '<img src=x onerror="alert(1)"></style><script>alert(1)</script>\u202e'
VIEW = "application/vnd.jupyter.widget-view+json"
RATE = 1000
GRID = FrameGrid(RATE, 1000, 1000, 1000, 0, 20, 20 * RATE)


def embedding(d=12, **options):
    values = np.random.default_rng(0).normal(size=(20, d)).astype(np.float32)
    return Embedding(values, GRID, "model", "layer", title="track", **options)


def tensor():
    values = np.random.default_rng(0).random((20, 24)).astype(np.float32)
    return Embedding(values, GRID, "model", "layer", _tensor=values.reshape(20, 4, 6))


class ZMQInteractiveShell:
    """The kernel of a notebook: keeps what is published."""

    def __init__(self):
        self.outputs, self.updates, self.user_ns, self.hooks = [], [], {}, []
        self.display_pub = SimpleNamespace(publish=self._publish)
        self.get_parent = lambda: {"content": {"allow_stdin": True}}
        self.events = SimpleNamespace(
            register=lambda _name, call: self.hooks.append(call), unregister=lambda _name, call: self.hooks.remove(call)
        )

    def _publish(self, *, data, update, transient=None, **_metadata):
        (self.updates if update else self.outputs).append((data, (transient or {}).get("display_id")))

    def end_cell(self):
        for call in self.hooks:
            call(None)


@pytest.fixture
def shell(monkeypatch):
    shell = ZMQInteractiveShell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    return shell


def shown(thing):
    """Return what a cell keeps of an object, by media types."""
    if hasattr(thing, "_repr_mimebundle_"):
        data = thing._repr_mimebundle_()
        return data[0] if isinstance(data, tuple) else data
    return {"text/html": thing._repr_html_()}


def confusion(names=("jazz", "rock")):
    return Confusion(title=f"genre · {names[0]}", classes=list(names),
                     test_sets=[{"name": "cv", "title": "Cross-validation", "counts": [[3, 1], [0, 4]]}],
                     test_set="cv",
                     chosen={"truth": 0, "answer": 1, "rows": [{"title": names[0]}], "more": 2})  # fmt: skip


def comparison():
    sounds = [Audio.open((np.zeros(4000, np.float32), RATE))] * 2
    path = [[0.0, 0.0], [0.2, 0.2]]
    return Comparison.of(sounds, [embedding()] * 2, path, same_piece=True, message=HOSTILE, titles=[HOSTILE] * 2)


def scatter():
    xy = np.random.default_rng(0).normal(size=(30, 2))
    return Scatter.of(xy, columns=[], color=["jazz", "rock", HOSTILE] * 10, renderer="canvas", title="map")


OBJECTS = {
    "Audio player": lambda: Player.of((np.zeros(4000, np.float32), RATE), title=HOSTILE),
    "Collection": lambda: embviz.Collection.from_folder(embviz.sample_audio(), progress=False),
    "Comparison": comparison,
    "Confusion": confusion,
    "Curves": lambda: Curves.of(embedding(labels=tuple(f"tag {i}" for i in range(12)), unit="probability")),
    "Embedding": embedding,
    "Explorer": lambda: embviz.Explorer(models=[]),
    "Atlas, its page": AtlasView,
    "Explorer, its page": Panel,
    "FeatureMaps": lambda: FeatureMaps.of(tensor()),
    "Heatmap": lambda: Heatmap.of(embedding(), title=HOSTILE, pins=[3]),
    "Model": lambda: embviz.get_model("musicnn"),
    "PairList": lambda: PairList(title=HOSTILE, pairs=[{"a": HOSTILE, "b": HOSTILE, "evidence": [HOSTILE]}]),
    "Scatter": scatter,
    "SelfSimilarity": lambda: SelfSimilarity.of(embedding()),
    "Vectors": lambda: Vectors(np.eye(3, 4), np.arange(3), None, "own", "embedding", "mean"),
    "Task": lambda: embviz.evaluation.get_task("gtzan"),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_each_object_that_a_cell_shows_leaves_a_table_or_a_picture(name):
    thing = OBJECTS[name]()
    data = shown(thing)
    assert data.keys() & {"text/html", "image/png"}
    assert all(len(str(part)) < 300_000 for part in data.values())
    assert not any(kind.startswith("audio/") for kind in data)
    markup = data.get("text/html", "")
    assert "<script" not in markup
    assert "<img" not in markup
    assert "\u202e" not in markup
    if VIEW in data:
        assert bare(markup.partition("</style>")[2]).endswith(HOW_TO)
        assert data["text/plain"]
    if "image/png" in data:
        assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    if hasattr(thing, "close"):
        thing.close()


def test_a_still_says_what_is_pinned_ordered_and_chosen():
    caption = Heatmap.of(embedding(), title="one", order="activity", pins=[3, 7]).still().caption()["text/plain"]
    assert caption == f"one\n20 frames × 12 dimensions · order: activity · colours around zero · pinned: 3, 7\n{HOW_TO}"
    table = confusion().still().caption()["text/html"]
    assert "Chosen: jazz taken for rock, 3 tracks: jazz" in table
    assert "<tr><th>jazz</th><td><b>3</b></td><td>1</td></tr>" in table
    assert "<td>-" not in confusion((HOSTILE, "b")).still().table
    assert Heatmap().still().caption()["text/plain"].splitlines()[1] == "Nothing has been computed yet."
    view = scatter()
    view.select([1, 2, 3])
    assert "30 points · colour" in scatter_line(view)
    assert "selected: 3" in scatter_line(view)
    before = view.still()
    view.hidden_categories = [0]
    assert "left out by filters: 10" in scatter_line(view)
    view.set_filter(np.arange(30) >= 25)
    assert view.still().key != before.key
    assert view.still().picture() != before.picture()
    view.set_filter(None)
    view.set_color(np.arange(30.0), title="bpm")
    view.value_range = [10, 19.5]
    assert "left out by filters: 20" in scatter_line(view)


def scatter_line(view):
    view.color = {**view.color, "title": "genre"}
    return view.still().lines[0]


def test_a_view_is_shown_with_its_still_beside_it(shell):
    widget = Heatmap.of(embedding(), title="one")
    widget._ipython_display_()
    (view, none), (caption, first), (picture, second) = shell.outputs
    assert view.keys() == {VIEW, "text/plain"}, "what is beside a view in one output is drawn anew with it"
    assert view["text/plain"] == LIVE, "it stays in the notebook, and says nothing that changes"
    assert none is None
    assert caption.keys() == {"text/html", "text/plain"}
    assert picture.keys() == {"image/png", "text/plain"}
    assert first != second
    widget.close()


def test_a_still_follows_at_the_end_of_a_cell_and_only_what_has_changed(shell):
    widget = Heatmap.of(embedding(), title="one")
    widget._ipython_display_()
    shell.end_cell()
    assert not shell.updates
    widget.title = "two"
    shell.end_cell()
    caption, name = shell.updates[0]
    assert "two" in caption["text/plain"]
    assert name == shell.outputs[1][1]
    shell.updates.clear()
    widget.height = 333
    shell.end_cell()
    assert not shell.updates
    widget.order = "activity"
    shell.end_cell()
    assert [name for _, name in shell.updates] == [name for _, name in shell.outputs[1:]]
    widget.close()
    assert not shell.hooks


def test_between_cells_it_follows_by_itself(shell, monkeypatch):
    monkeypatch.setattr(stills, "FOLLOW_EVERY", 0.01)

    async def look():
        widget = Heatmap.of(embedding(), title="one")
        widget._ipython_display_()
        widget.pins = [4]
        while len(shell.updates) < 2:  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)
        widget.close()
        widget.title = "closed"
        await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(look(), 30))
    assert "pinned: 4" in shell.updates[0][0]["text/plain"]
    assert not any("closed" in data["text/plain"] for data, _ in shell.updates)


NOTEBOOK = [
    """
import asyncio, numpy as np, embviz
from embviz.widgets.heatmap import Heatmap
from embviz.core.embedding import Embedding, FrameGrid
from embviz.widgets import still
still.FOLLOW_EVERY = 0.01
grid = FrameGrid(1000, 1000, 1000, 1000, 0, 20, 20_000)
heatmap = Heatmap.of(Embedding(np.eye(20, 12, dtype=np.float32), grid, "model", "layer"), title="one")
heatmap""",
    # What is said here is no answer to this cell.
    "asyncio.get_running_loop().call_soon(setattr, heatmap, 'title', 'two')",
    "while heatmap._outputs._shown.title != 'two': await asyncio.sleep(0.01)",
    "embviz.Explorer((np.zeros(16_000, np.float32), 16_000), models=[])",
]


@pytest.mark.slow
def test_a_notebook_that_a_program_runs_has_each_view_as_it_was_at_last(monkeypatch, root):
    monkeypatch.setenv("PYTHONPATH", str(root))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in NOTEBOOK])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    captions = [cell.outputs[1].data["text/plain"].splitlines() for cell in (notebook.cells[0], notebook.cells[-1])]
    assert captions[0][0] == "two"
    assert captions[1][1] == "array · 0:01.0"
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
    assert 'alt="two. 20 frames × 12 dimensions"' in page.replace("&#34;", '"')


def test_what_followed_between_cells_is_said_again_and_work_is_waited_for_where_a_program_runs_them(shell):
    waited, state = [], ["one"]
    outputs = StillOutputs(lambda: {VIEW: {}}, lambda: Still("view", (state[0],)), waited.append)
    outputs.display()
    state[0] = "two"
    outputs._changed = True
    outputs._follow()
    shell.end_cell()
    assert [data["text/plain"].split("\n")[1] for data, _ in shell.updates] == ["two", "two"]
    shell.end_cell()
    assert len(shell.updates) == 2
    assert not waited
    shell.get_parent = lambda: {"content": {"allow_stdin": False}}
    shell.end_cell()
    assert len(waited) == 1
    outputs._patience = 0.0
    shell.end_cell()
    assert len(waited) == 1
    outputs.close()


def test_a_still_that_cannot_be_made_hurts_nothing(shell):
    outputs = StillOutputs(lambda: {"text/plain": "view"}, lambda: Still("one", key=next(keys)))
    keys = iter([1])
    outputs.display()
    outputs.touch()
    shell.end_cell()
    assert not shell.updates


def test_vscode_and_terminals_are_given_one_output(shell):
    widget = Heatmap.of(embedding(), title="one")
    shell.user_ns["__vsc_ipynb_file__"] = "a.ipynb"
    with pytest.raises(NotImplementedError):
        widget._ipython_display_()
    assert widget._repr_mimebundle_()[0].keys() >= {VIEW, "text/html", "image/png"}
    widget.close()


@pytest.fixture
def in_notebook(monkeypatch):
    """As in JupyterLab, whose cells keep plotly's data."""
    monkeypatch.setattr(plotly.io.renderers, "default", "plotly_mimetype")


def test_figures_leave_a_picture_of_what_they_show(in_notebook, shell):
    figure = embviz.heatmap(embedding())
    figure._ipython_display_()
    [(before, _)] = shell.outputs
    assert before.keys() == {"application/vnd.plotly.v1+json", "image/svg+xml"}
    figure.add_vline(embviz.plotting.to_time_axis(5))
    figure.add_annotation(x=embviz.plotting.to_time_axis(5), y=0, text="<b>verse</b>")
    after = figure._repr_mimebundle_()["image/svg+xml"]
    assert after != before["image/svg+xml"]
    figure.update_xaxes(range=[embviz.plotting.to_time_axis(4), embviz.plotting.to_time_axis(8)])
    assert figure._repr_mimebundle_()["image/svg+xml"] != after
    for options in ({"scale": "zscore", "order": "cluster"}, {"colormap": "plasma_r"}, {"scale": "minmax"}):
        assert "image/svg+xml" in embviz.heatmap(embedding(), **options)._repr_mimebundle_()


def test_maps_and_evaluations_leave_a_picture_or_a_text(in_notebook):
    projection = embviz.project(np.random.default_rng(0).normal(size=(30, 5)), "pca")
    table = pd.DataFrame({"genre": ["rock", "jazz", ""] * 10, "title": HOSTILE, "artist": "", "name": "a"})
    names = {0: HOSTILE, 1: "b"}
    figure = embviz.scatter(projection, table, color="genre", clusters=np.arange(30) % 2, names=names)
    _, light, dark = ET.fromstring(figure._repr_mimebundle_()["image/svg+xml"])  # noqa: S314  our own
    assert (light.attrib["class"], dark.attrib["class"]) == ("light", "dark")
    for picture in (light, dark):
        assert base64.b64decode(picture.attrib["href"].partition(",")[2]).startswith(b"\x89PNG")
    figure = StillFigure().keep_still(text="accuracies")
    assert figure._repr_mimebundle_()["text/plain"] == "accuracies"
    assert StillFigure()._repr_mimebundle_().keys() == {"application/vnd.plotly.v1+json"}


def test_bars_of_progress_are_text_that_stays(shell):
    with reporter(progress=True) as report:
        for done in range(3):
            report("embedding <b>rock</b>.ogg", done, 4)
        report("embedding <b>rock</b>.ogg", 4, 4)
    [(first, name)] = shell.outputs
    last, again = shell.updates[-1]
    assert name == again
    assert "0%" in first["text/plain"]
    assert "100%" in last["text/plain"]
    assert "<b>" not in last["text/html"]
    with reporter(progress=True):
        pass
    assert len(shell.outputs) == 1, "nothing was reported"
