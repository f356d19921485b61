"""When plots draw anew: after a change of theme, while they are hidden for a moment, and out of sight."""

import numpy as np
import pytest
from factories import traits_of

from embviz.core.embedding import Embedding, FrameGrid
from embviz.widgets.curves import Curves
from embviz.widgets.heatmap import Heatmap

GRID = FrameGrid(1000, 1000, 1000, 1000, 0, 40, 40_000)
PLOTS = {"heatmap": (Heatmap, ".ev-heatmap-canvas"), "curves": (Curves, ".ev-curves-plot canvas")}


def state(kind):
    values = np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32)
    embedding = Embedding(values, GRID, "net", "embedding", labels=tuple(map(str, range(12))))
    return traits_of(kind.of(embedding, clock="c"))


def picture(bench, selector):
    return bench.page.evaluate("selector => document.querySelector(selector).toDataURL()", selector)


@pytest.fixture(params=PLOTS)
def plot(bench, request):
    """The bench with a plot, and what selects its canvas."""
    kind, selector = PLOTS[request.param]
    bench.mount("p", request.param, state(kind))
    bench.rest(400)
    return bench, selector


def test_what_changes_while_all_is_hidden_for_less_than_a_frame_is_drawn(plot):
    bench, selector = plot
    before = picture(bench, selector)
    # JupyterLab does this with all of itself when it changes its theme.
    bench.page.evaluate("""() => {
      globalThis[Symbol.for("embviz.clocks")].get("c").setView(3, 9);
      document.body.style.display = "none";
      requestAnimationFrame(() => (document.body.style.display = ""));
    }""")
    bench.rest(400)
    assert picture(bench, selector) != before


def test_another_theme_and_back_is_drawn(plot):
    bench, selector = plot
    light = picture(bench, selector)
    bench.theme("dark")
    bench.rest(400)
    assert picture(bench, selector) != light
    bench.theme("light")
    bench.rest(400)
    assert picture(bench, selector) == light


def test_a_color_that_changes_alone_is_drawn(bench):
    bench.mount("p", "curves", state(Curves))
    bench.rest(400)
    before = picture(bench, PLOTS["curves"][1])
    bench.page.evaluate("document.body.style.setProperty('--jp-ui-font-color2', 'rgb(255, 0, 0)')")
    bench.rest(400)
    assert picture(bench, PLOTS["curves"][1]) != before


def test_a_style_sheet_that_comes_late_is_drawn(bench):
    bench.mount("p", "heatmap", state(Heatmap))
    bench.rest(400)
    before = picture(bench, ".ev-heatmap-canvas")
    bench.page.evaluate("""() => {
      const link = Object.assign(document.createElement("link"), { rel: "stylesheet" });
      link.href = "data:text/css,body.light { --jp-ui-font-color1: white }";
      document.body.append(link);
    }""")
    bench.rest(400)
    assert picture(bench, ".ev-heatmap-canvas") != before


def test_what_is_out_of_sight_is_drawn_when_all_is_calm(bench):
    bench.page.evaluate("""() => {
      document.body.style.paddingTop = "3000px";
      const put = CanvasRenderingContext2D.prototype.putImageData;
      globalThis.pictures = 0;
      CanvasRenderingContext2D.prototype.putImageData = function (...args) {
        globalThis.pictures += 1;
        return put.apply(this, args);
      };
    }""")
    bench.mount("p", "heatmap", state(Heatmap))
    bench.rest(800)
    drawn = bench.page.evaluate("""async () => {
      const clock = globalThis[Symbol.for("embviz.clocks")].get("c");
      pictures = 0;
      for (let i = 0; i < 12; i += 1) {
        clock.zoom(20, 1.1);
        await new Promise(requestAnimationFrame);
      }
      return pictures;
    }""")
    assert drawn == 0
    bench.page.wait_for_function("pictures > 0")
    bench.page.evaluate("scrollTo(0, 3000)")
    bench.rest(200)
    before = picture(bench, ".ev-heatmap-canvas")
    bench.page.evaluate("scrollTo(0, 0); globalThis[Symbol.for('embviz.clocks')].get('c').setView(1, 5)")
    bench.page.evaluate("scrollTo(0, 3000)")
    bench.page.wait_for_function(
        "before => document.querySelector('.ev-heatmap-canvas').toDataURL() !== before", arg=before
    )
