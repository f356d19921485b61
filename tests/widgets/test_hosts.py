"""Pages that give a widget less than JupyterLab does: frames of their own, as VS Code and Colab show outputs in.

What is imitated: a frame without an origin, whose policy lets anywidget make modules of text and nothing else; no
server to ask for files; no variables of Jupyter's styles. What of it VS Code and Colab have is by hand alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from factories import traits_of
from harness import CLOCKS, until

from embviz.audio import Audio
from embviz.core.embedding import Embedding, FrameGrid
from embviz.widgets import bundle
from embviz.widgets.browser_audio import playable
from embviz.widgets.heatmap import Heatmap
from embviz.widgets.player import Player

pytestmark = pytest.mark.slow

RATE = 16_000
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:; "
    "media-src data: blob:"
)

# What anywidget does with a widget: its script becomes a module through a blob, and its host finds other models.
FRAME = """<!doctype html><html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<style>:root { %s } body { margin: 8px; background: var(--vscode-editor-background, white); }</style></head>
<body><script type="module">
class Model {
  listeners = new Map();
  constructor(state) { this.state = state; }
  get(name) { return this.state[name]; }
  set(name, value) { this.state[name] = value; }
  save_changes() {}
  on(name, listener) { this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]); }
  off() {}
  send() {}
}
const decode = ([plain, coded]) => {
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  return { ...plain, ...Object.fromEntries(Object.entries(coded).map(([name, text]) => [name, bytes(text)])) };
};
globalThis.errors = [];
addEventListener("error", ({ message }) => errors.push(message));
addEventListener("unhandledrejection", ({ reason }) => errors.push(String(reason)));
addEventListener("securitypolicyviolation", ({ blockedURI }) => errors.push(`forbidden: ${blockedURI}`));
globalThis.show = async (widgets, shared) => {
  const models = new Map([["anywidget:bundle", new Model(decode(shared))]]);
  const host = { async getModel(ref) { return models.get(ref); } };
  for (const { script, state } of widgets) {
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const { default: widget } = await import(url);
    const el = document.body.appendChild(document.createElement("div"));
    const model = new Model({ ...decode(state), _bundle: "IPY_MODEL_bundle" });
    await widget.render({ model, el, host, signal: new AbortController().signal });
  }
};
globalThis.ready = true;
</script></body></html>"""

PAGE = """([frames, sandbox]) => {
  for (const text of frames) {
    const frame = document.createElement("iframe");
    Object.assign(frame, { srcdoc: text, sandbox, allow: "autoplay", width: 900, height: 420 });
    document.body.append(frame);
  }
}"""

DARK = "--vscode-editor-background: #1e1e1e; --vscode-editor-foreground: #cccccc; --vscode-focusBorder: #007fd4;"


def sent(widget: Any) -> list[dict[str, Any]]:
    """Return the traits of a widget as its page gets them: those of text and numbers, and bytes in base64."""
    traits = traits_of(widget)
    coded = {name: base64.b64encode(value).decode() for name, value in traits.items() if isinstance(value, bytes)}
    return [{name: value for name, value in traits.items() if name not in coded}, coded]


@pytest.fixture(scope="module")
def widgets() -> list[dict[str, Any]]:
    """A player with the bytes of its sound, and a heatmap on its clock."""
    seconds, hop = 4, RATE // 10
    times = np.arange(seconds * RATE) / RATE
    audio = Audio.open(((0.2 * np.sin(2 * np.pi * 330 * times)).astype(np.float32), RATE))
    player = Player.of(audio)
    sound, mime = playable(audio).transcode()
    player.set_trait("sound", sound)
    player.set_trait("mime", mime)
    grid = FrameGrid(RATE, hop, hop, hop, 0, seconds * 10, seconds * RATE)
    values = np.random.default_rng(1).normal(size=(seconds * 10, 20)).astype(np.float32)
    heatmap = Heatmap.of(Embedding(values, grid, "own", "embedding"), clock=player.clock)
    return [
        {"script": bundle.loader("player"), "state": sent(player)},
        {"script": bundle.loader("heatmap"), "state": sent(heatmap)},
    ]


@pytest.fixture
def frames(browser: Any, widgets: list[dict[str, Any]]) -> Iterator[Any]:
    """Two frames on a page, light and dark, each with the widgets as another cell's output would have them."""
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.set_content("<!doctype html><title>host</title>")
    page.evaluate(PAGE, [[FRAME % (POLICY, ""), FRAME % (POLICY, DARK)], "allow-scripts"])
    until(page, lambda: len(page.frames) == 3)
    shared = bundle.Bundle()
    coded = {name: base64.b64encode(getattr(shared, name)).decode() for name in ("code", "css")}
    for frame in page.frames[1:]:
        until(page, lambda frame=frame: frame.evaluate("globalThis.ready"))
        frame.evaluate("([widgets, shared]) => show(widgets, shared)", json.loads(json.dumps([widgets, [{}, coded]])))
    yield page.frames[1:]
    found = [frame.evaluate("errors") for frame in page.frames[1:]]
    page.close()
    assert found == [[], []]


def test_widgets_draw_and_play_in_frames_without_origin_or_server(frames):
    light, dark = frames
    assert light.evaluate("origin") == "null"
    for frame in frames:
        until(frame.page, lambda frame=frame: frame.locator("canvas.ev-heatmap-canvas").count())
        colors = """() => {
          const canvas = document.querySelector("canvas.ev-heatmap-canvas");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        }"""
        until(frame.page, lambda frame=frame, colors=colors: frame.evaluate(colors) > 50)
    paper = "() => getComputedStyle(document.querySelector('.embviz')).getPropertyValue('--ev-paper')"
    assert [frame.evaluate(paper) for frame in frames] == ["#ffffff", "#1e1e1e"]
    clock = f"[...{CLOCKS}.values()][0]"
    light.get_by_role("button", name="Play", exact=True).click()
    until(light.page, lambda: light.evaluate(f"{clock}.playing && {clock}.time > 0.3"))
    assert light.evaluate(f"{clock}.media.src").startswith("blob:")
    # Each frame has clocks of its own: views of two cells do not follow each other.
    assert dark.evaluate(f"{clock}.time") == 0
    playhead = "new DOMMatrix(getComputedStyle(document.querySelector('.ev-heatmap .ev-playhead')).transform).m41"
    assert light.evaluate(playhead) > dark.evaluate(playhead)
