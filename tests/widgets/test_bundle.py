"""The scripts of the widgets as they travel to the browser, and the rules of their sources."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

import pytest
from ipywidgets.embed import dependency_state

from embviz.widgets import bundle
from embviz.widgets.curves import Curves
from embviz.widgets.heatmap import Heatmap

SOURCES = sorted((Path(bundle.__file__).parent / "src").glob("**/*.js"))
ENTRIES = ("widgets", "track_page", "collection_page")
WIDGETS = (
    "atlas",
    "comparison",
    "confusion",
    "curves",
    "feature_maps",
    "heatmap",
    "pairs",
    "panel",
    "player",
    "scatter",
    "self_similarity",
)

# Counts the scripts that are loaded through blobs.
COUNT = """() => {
  bench.scripts = 0;
  const create = URL.createObjectURL;
  URL.createObjectURL = (blob) => {
    bench.scripts += blob.type === "text/javascript";
    return create.call(URL, blob);
  };
}"""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_source_makes_code_or_markup_of_text(path):
    code = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"\beval\(|\bnew Function\b|innerHTML|outerHTML|insertAdjacentHTML", code)
    # What the loader makes code of is what the kernel has sent as the code of all widgets.
    assert re.findall(r"\bimport\([^)]*\)", code) == (["import(url)"] if path.stem == "loader" else [])


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_script_is_whole_and_does_not_end_its_element(entry):
    text = bundle.code(entry)
    assert not re.search(r"\bimport\b\s*[({\"']|^export ", text, re.MULTILINE)
    assert not re.search(r"</script|<!--", text, re.IGNORECASE)
    assert not re.search(r"</style|@import|url\((?!\"?data:)", bundle.sheet(entry), re.IGNORECASE)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_has_its_script_in_the_bundle(name):
    assert re.search(rf"\b{name}:\(\)=>", bundle.code("widgets"))
    assert len(bundle.loader(name)) < 2000


def test_styles_hold_inside_the_widgets_alone():
    sheet = re.sub(r"/\*.*?\*/", "", bundle.sheet("widgets"), flags=re.DOTALL)
    sheet = re.sub(r"@keyframes [\w-]+\{(?:[^{}]*\{[^{}]*\})*\}", "", sheet)
    rules = re.findall(r"(?:^|[{}])([^{}@]+)\{", sheet)
    selectors = [part for rule in rules for part in re.split(r",(?![^(]*\))", rule)]
    assert len(selectors) > 500
    assert [part for part in selectors if not re.search(r"\.(embviz|ev-)", part)] == []


# -- one bundle for all -------------------------------------------------------------------------------------------


def test_widgets_share_one_bundle_until_it_is_closed():
    first, second = Heatmap(), Curves()
    ref = first.get_state()["_bundle"]
    assert second.get_state()["_bundle"] == ref
    assert "_css" not in first.keys
    shared = bundle.shared_bundle()
    assert ref == f"IPY_MODEL_{shared.model_id}"
    assert gzip.decompress(shared.code).decode() == bundle.code("widgets")
    assert gzip.decompress(shared.css).decode() == bundle.sheet("widgets")
    shared.close()
    assert Heatmap().get_state()["_bundle"] != ref


def test_a_page_of_some_widgets_gets_the_bundle_once():
    pair = [Heatmap(), Curves()]
    state = dependency_state(pair)
    bundles = [one for one in state.values() if any(part["path"] == ["code"] for part in one.get("buffers", []))]
    assert len(bundles) == 1
    assert [state[widget.model_id]["state"]["_bundle"] for widget in pair] == [
        f"IPY_MODEL_{bundle.shared_bundle().model_id}"
    ] * 2


def test_the_page_cannot_set_code(caplog):
    widget = Heatmap()
    own = widget.get_state(["_esm", "_bundle"])
    widget.set_state({"_esm": "alert(1)", "_bundle": "IPY_MODEL_other"})
    assert widget.get_state(["_esm", "_bundle"]) == own
    assert "cannot set" in caplog.text


def test_where_models_do_not_meet_a_widget_is_whole(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "marimo", None)
    text = Heatmap().get_state()["_esm"]
    assert text == bundle.whole("heatmap")
    bench.page.evaluate(
        """async (text) => {
          const module = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
          const [model, el] = [new FakeModel({ message: "There is no layer." }), document.createElement("div")];
          document.body.append(el);
          await module.default.render({ model, el, signal: new AbortController().signal });
        }""",
        text,
    )
    assert bench.page.get_by_text("There is no layer.").is_visible()
    assert bench.page.evaluate("() => document.adoptedStyleSheets.length") == 1


def test_a_page_loads_the_script_once(bench):
    bench.page.evaluate(COUNT)
    for ref, script in {"one": "heatmap", "two": "heatmap", "three": "curves"}.items():
        assert bench.mount(ref, script, {"message": f"Nothing in {ref}."}).get_by_text(f"in {ref}").is_visible()
    assert bench.page.evaluate("() => [bench.scripts, document.adoptedStyleSheets.length]") == [1, 1]
    # The sheet is there for as long as one of the views is.
    bench.page.evaluate("() => { for (const ref of ['one', 'two']) bench.widgets[ref].abort.abort() }")
    assert bench.page.evaluate("() => document.adoptedStyleSheets.length") == 1
    bench.page.evaluate("() => bench.widgets.three.abort.abort()")
    assert bench.page.evaluate("() => document.adoptedStyleSheets.length") == 0
    # After a restart of the kernel, its bundle is another model with the same hash.
    bench.page.evaluate("() => { bench.bundle = null }")
    assert bench.mount("four", "heatmap", {"message": "Nothing new."}).get_by_text("Nothing new.").is_visible()
    assert bench.page.evaluate("() => [bench.scripts, document.adoptedStyleSheets.length]") == [1, 1]
    assert not bench.errors


def test_a_view_in_a_shadow_root_has_its_style_there(bench):
    bench.add("one", "heatmap", {"message": "There is no layer."})
    ink = bench.page.evaluate("""async () => {
      const outer = document.createElement("div");
      document.body.append(outer);
      const el = document.createElement("div");
      outer.attachShadow({ mode: "open" }).append(el);
      await bench.render(await bench.load("heatmap"), bench.widgets.one.model, el);
      const ink = getComputedStyle(el.querySelector(".embviz") ?? el).getPropertyValue("--ev-ink");
      return [document.adoptedStyleSheets.length, ink];
    }""")
    assert ink[0] == 0
    assert ink[1]


def test_two_versions_keep_to_themselves(bench):
    bench.mount("old", "heatmap", {"message": "old"})
    # As after an update, on a page where the old widgets still stand.
    text = bundle.loader("heatmap").replace(bundle._hash(), "another")
    bench.page.evaluate("text => { bench.modules.later = import(`data:text/javascript;base64,${btoa(text)}`) }", text)
    bench.mount("new", "later", {"message": "new"})
    assert bench.page.evaluate("() => [...globalThis[Symbol.for('embviz.scripts')].keys()].length") == 2
    assert bench.page.evaluate("() => document.adoptedStyleSheets.length") == 2
    bench.page.evaluate("() => bench.widgets.old.abort.abort()")
    assert bench.page.evaluate("() => document.adoptedStyleSheets.length") == 1


def test_a_bundle_that_is_gone_is_said_and_looked_for_again(bench):
    bench.page.evaluate("() => { bench.kept = bench.bundle; bench.bundle = null }")
    view = bench.mount("one", "heatmap", {"message": "There is no layer."})
    assert view.inner_text() == "This view could not be shown: run the cells above and this one again."
    bench.page.evaluate("() => { bench.bundle = bench.kept }")
    assert bench.mount("two", "heatmap", {"message": "Here."}).get_by_text("Here.").is_visible()
    assert not bench.errors


def test_a_module_is_ready_before_the_bundle_is(bench):
    # anywidget gives a model two seconds to be ready; what comes for it afterwards is lost. On a page that is loaded
    # anew with dozens of views, code for all of them takes longer.
    assert "initialize" not in bundle.loader("heatmap")
    ready = bench.page.evaluate("""async () => {
      bench.host.getModel = () => new Promise((arrive) => { bench.arrive = () => arrive(bench.bundle); });
      const module = await bench.load("heatmap");
      return Object.keys(module.default);
    }""")
    assert ready == ["render"]
    bench.add("one", "heatmap", {"message": "There is no layer."})
    bench.page.evaluate("() => { bench.show('one', 900) }")
    bench.page.wait_for_function("() => bench.arrive")
    assert bench.page.locator("[data-ref=one]").inner_text() == ""
    bench.page.evaluate("() => bench.arrive()")
    assert bench.page.get_by_text("There is no layer.").wait_for() is None
