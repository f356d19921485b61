"""A panel on a bench: states of its traits, and a bench_panel to work at."""

from __future__ import annotations

from typing import Any

from harness import Bench

STAND_IN = """export default { render({ model, el, signal }) {
  globalThis.mounted = [...(globalThis.mounted ?? []), model.get("name")];
  signal.addEventListener("abort", () => { globalThis.gone = [...(globalThis.gone ?? []), model.get("name")]; });
  el.append(Object.assign(document.createElement("canvas"), { className: "stand-in", width: 300, height: 60 }));
} };"""

LAYERS = [
    {"name": "mel", "shape": [187, 96], "axes": "tf", "meaning": "mel-spectrogram", "receptive_field": "32 ms"},
    {
        "name": "timbral",
        "shape": [187, 408],
        "axes": "tc",
        "meaning": "timbre",
        "receptive_field": "0.11 s",
        "nodes": ["model/timbral/concat"],
    },
    {
        "name": "embedding",
        "shape": [200],
        "axes": "c",
        "meaning": "penultimate layer",
        "receptive_field": "the whole patch",
    },
    {"name": "output", "shape": [50], "axes": "c", "meaning": "tags", "receptive_field": "the whole patch"},
]


def a_model(name: str, title: str, system: str, system_title: str, **more: Any) -> dict[str, Any]:
    model = {
        "name": name, "title": title, "system": system, "system_title": system_title, "task": "music auto-tagging",
        "parameters": 787159, "dimensions": 200, "licence": "CC BY-NC-SA 4.0", "training_data": "a million songs",
        "note": "", "state": "ready", "bytes": 0, "source": "wheel", "patch": 2.992, "hop": 1.488, "finest": 0.016,
        "finer": [0.736, 0.368],
        "longest": 2.992, "fixed_hop": False, "cost": 6.0, "layers": LAYERS,
    }  # fmt: skip
    return model | more


MODELS = [
    a_model("msd-musicnn-1", "MusiCNN (MSD)", "musicnn", "MusiCNN"),
    a_model("mtt-musicnn-1", "MusiCNN (MTT)", "musicnn", "MusiCNN"),
    a_model("deepsquare-k8", "Tempo-CNN", "tempocnn", "Tempo-CNN", state="download", bytes=12_000_000),
    a_model("spleeter-2s-3", "Spleeter (2 stems)", "spleeter", "Spleeter", fixed_hop=True, cost=20.0),
    a_model("openl3", "OpenL3", "openl3", "OpenL3", state="absent"),
]


def a_track(number: int, name: str, **more: Any) -> dict[str, Any]:
    track = {
        "id": number, "name": name, "title": "", "style": "", "bpm": None, "key": "", "seconds": None, "note": "",
        "problem": "", "warning": "",
    }  # fmt: skip
    return track | more


TRACKS = [
    a_track(0, "rock.ogg", title="Sixty-Four Bars", style="rock", bpm=128.0, key="E minor", seconds=120.0),
    a_track(1, "jazz.ogg", title="Two Five Window", style="jazz", bpm=150.0, key="F major", seconds=52.0),
    a_track(2, "broken.ogg", problem="broken.ogg is not audio that can be decoded."),
]


def a_row(number: int, layer: str = "embedding", **more: Any) -> dict[str, Any]:
    row = {
        "id": number, "model": "msd-musicnn-1", "layer": layer, "hop": None, "title": "MusiCNN (MSD)",
        "facts": "80 frames × 200", "status": "ready", "stage": "", "done": 0, "total": 0, "message": "", "remedy": "",
        "view": f"IPY_MODEL_row{number}", "collapsed": False, "height": 60,
    }  # fmt: skip
    return row | more


def command(panel: Any, kind: str, *buffers: Any, **content: Any) -> Any:
    """Have a panel's page ask for something, and return the panel."""
    panel.widget._receive(None, {"kind": kind, **content}, list(buffers))
    return panel


def a_state(**more: Any) -> dict[str, Any]:
    state = {
        "clock": "panel", "player": "IPY_MODEL_player", "folder": "sample_audio", "tracks": TRACKS,
        "cached": {"0": ["msd-musicnn-1"]}, "track": 0, "models": MODELS, "downloads": {}, "rows": [],
        "tab": "heatmaps", "predictions": {}, "layers": {}, "similarity": {}, "evaluation": {}, "evaluation_status": {},
        "scores": {}, "confusion": {}, "progress": {}, "notice": {}, "code": "import embviz", "can_undo": False,
        "collapsed_list": False,
    }  # fmt: skip
    return state | more


class BenchPanel:
    """A panel on a bench, whose Python answers every command."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.page = bench.page
        self.page.route("**/standin.js", lambda route: route.fulfill(body=STAND_IN, content_type="text/javascript"))
        for name in ["player", *(f"row{i}" for i in range(40))]:
            self.page.evaluate("name => bench.add(`anywidget:${name}`, 'standin', { name }, {})", name)

    def show(self, *, width: int = 1240, answers: bool = True, **state: Any) -> Any:
        self.bench.add("panel", "panel", a_state(**state))
        if answers:
            self.bench.acknowledge("panel")
        return self.bench.show("panel", width=width)

    def sent(self) -> list[dict[str, Any]]:
        """Return the commands so far, without their numbers, and forget them."""
        return self.bench.commands("panel")

    def change(self, **traits: Any) -> None:
        for name, value in traits.items():
            self.bench.change("panel", name, value)

    def load_clock(self, duration: float = 120.0) -> None:
        # A panel makes the clock when it first needs it.
        self.page.evaluate(
            """seconds => {
                document.querySelector(".ev-panel").dispatchEvent(new KeyboardEvent("keydown", { key: "0" }));
                globalThis[Symbol.for("embviz.clocks")].get("panel").load(seconds);
            }""",
            duration,
        )

    def mounted(self) -> list[str]:
        return self.page.evaluate("() => globalThis.mounted ?? []")

    def gone(self) -> list[str]:
        return self.page.evaluate("() => globalThis.gone ?? []")


# Places that a screen reader lists, and headings and table headers that say nothing.
LANDMARKS = """el => [el, ...el.querySelectorAll("[role=region], [role=complementary], section, aside, main, nav")]
    .filter((one) => one.checkVisibility() && (one.getAttribute("role") ?? "region") !== "group"
        && one.getAttribute("aria-label")).map((one) => one.getAttribute("aria-label"))"""
SILENT = """el => [...el.querySelectorAll("th, h2, h3, h4")]
    .filter((one) => one.checkVisibility() && !one.textContent.trim()).map((one) => one.outerHTML)"""

NAMELESS = """el => [...el.querySelectorAll("button, select, input, textarea, [role=listbox], [tabindex='0']")]
    .filter((c) => c.checkVisibility() && !(c.getAttribute("aria-label")
        || c.textContent.trim() && c.tagName !== "SELECT" || c.closest("label") || c.getAttribute("aria-labelledby")))
    .map((c) => c.outerHTML.slice(0, 120))"""
