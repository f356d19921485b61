"""Change states and messages of Explorer and Atlas, and parse the code that *Copy as code* gives then.

*Refused* is a sentence, with nothing changed; *wrong* is code that says more than the view may: its syntax tree holds
anything but imports of embviz, assignments, calls of what is listed here, and literals. Nothing is computed.
"""

from __future__ import annotations

import ast
import copy
import json
import logging
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from common import fault, is_sentence, make_home

TRIALS, CHUNK = 50_000, 2500
AGAIN = 50  # trials after which views are made anew

ATTACK = "import os; os.system('x')"
NASTY: list[Any] = [
    f"x\n{ATTACK}\n", f"x\r{ATTACK}\r", f"'); {ATTACK}; ('", f'"); {ATTACK}; ("', f"x\u2028{ATTACK}", "\\", "\\'",
    "'", '"', '"""', "'''", "{__import__('os')}", "__import__", "print", "embviz", f"x=1)\n{ATTACK}\ncluster(", "#",
    "%s", "\x00", "\udc80", "\ud800", "\u202ex", "", " ", "a" * 5000, "../..", "~nobody/x", "NaN", "None", "True",
    "lambda: 0", "embedding", "output", "vgg", "musicnn", "cluster", "hdbscan", "kmeans", "dense", "frames", "all",
    "tag:msd-vgg-1:'", "column:genre", "column:'\n", float("nan"), float("inf"), float("-inf"), -0.0, 1e308, 5e-324,
    10**30, 10**400, -1, 0, 1, 2**53, 2**63, 0.5, True, False, None, [], {}, [[]], [None], {"": ""},
    {"a": {"b": {"c": {"d": [[[]]]}}}}, ["x"] * 2000, list(range(3000)), {f"k{i}": i for i in range(3000)}, [1.0, 2.0],
    [float("nan"), 1.0], [2.0, 1.0],
]  # fmt: skip

NAMES = {
    "embviz": {
        "embed", "boundaries", "heatmap", "project", "scatter", "evaluate", "get_head", "Head.load",
        "Collection.from_folder", "Collection.from_paths", "Collection.from_table", "sample_audio", "Vectors.load",
    },
    "collection": {"embed", "table.loc", "assign", "contrast", "drop"},
    "pd": {"Series"}, "Direction": {"load"}, "direction": {"project"},
    "SelfSimilarity": {"of"},
}  # fmt: skip
ANALYSIS = {"agreement", "cluster", "name_clusters", "tag_columns", "tempo_column"}
IMPORTS = {
    "embviz.analysis": ANALYSIS, "embviz.widgets.self_similarity": {"SelfSimilarity"},
    "embviz.analysis.directions": {"Direction"}, "embviz.analysis.outliers": {"find_outliers"},
    "embviz.export.axes": {"values_at_points"},
}  # fmt: skip
FUNCTIONS = ANALYSIS | {"find_outliers", "values_at_points", "print"}
METHODS = {
    "mean",
    "to_frame",
    "to_numpy",
    "get",
    "assign",
    "show",
    "between",
    "isin",
    "isna",
    "eq",
    "reindex",
    "score",
}  # of what was computed before
ATTRIBUTES = {"xy", "spread", "labels", "table", "loc", "index", "values", "scores", "direction"}
OPTIONS = {
    "layer", "patch_hop", "engine", "order", "scale", "head", "pooling", "seed", "metric", "color", "size", "clusters",
    "names",
    "name", "x", "y", "tracks", "k", "layers", "groups", "folds", "classifier", "time",
    "n_clusters", "min_cluster_size", "min_samples",
    "init", "shown", "n_neighbors", "min_dist", "spread", "n_epochs", "negative_sample_rate", "repulsion_strength",
    "kernel", "prominence",
    "max_iter", "local_connectivity", "perplexity", "early_exaggeration", "learning_rate", "MN_ratio", "FP_ratio",
}  # fmt: skip
COLORS = {
    ast.dump(ast.parse(text, mode="eval").body)
    for text in (
        "[names.get(group, 'no cluster') for group in groups]",
        "[f'group {group + 1}' if group >= 0 else 'no cluster' for group in groups]",
    )
}


# What code may say. --------------------------------------------------------------------------------------------------


def find_foreign(code: str) -> str:
    """Return what of some code a view may not say; empty where all of it may be."""
    if not all(letter.isprintable() or letter == "\n" for letter in code):
        return "letters that are not seen"
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError) as error:
        return f"no Python: {error}"
    known = {"paths", "samples", "sample_rate", "collection"}  # what a comment asks the reader for
    return next((ast.unparse(line)[:300] for line in tree.body if not is_line(line, known)), "")


def is_line(line: ast.stmt, known: set[str]) -> bool:
    """Tell whether a statement is one of those that views write, and note the names that it gives."""
    if isinstance(line, ast.Import):
        return [(name.name, name.asname) for name in line.names] in ([("embviz", None)], [("pandas", "pd")])
    if isinstance(line, ast.ImportFrom):
        known_names = IMPORTS.get(line.module or "", set())
        return not line.level and all(name.name in known_names and name.asname is None for name in line.names)
    if not isinstance(line, ast.Expr | ast.Assign | ast.AugAssign) or not is_known(line.value, known):
        return False
    targets = [line.target] if isinstance(line, ast.AugAssign) else getattr(line, "targets", [])
    known |= {ast.unparse(target) for target in targets}
    return all(isinstance(target, ast.Name) for target in targets)


def is_known(node: ast.AST, known: set[str]) -> bool:
    """Tell whether an expression is one of those that views write."""
    inner = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
    if isinstance(node, ast.ListComp):
        return ast.dump(node) in COLORS and "groups" in known
    if isinstance(node, ast.Call):
        inner.remove(node.func)
        # Columns have any name: collection.assign(**{"name": […]}).
        keywords = [
            one for one in node.keywords if one.arg is not None or ast.unparse(node.func) != "collection.assign"
        ]
        named = all(option.arg in OPTIONS and is_known(option.value, known) for option in keywords)
        inner += [option.value for option in node.keywords if option not in keywords]
        fits = named and is_function(node.func, known)
    elif isinstance(node, ast.Name):
        fits = node.id in known
    elif isinstance(node, ast.Attribute):
        fits = node.attr in ATTRIBUTES
    elif isinstance(node, ast.BinOp):
        fits = isinstance(node.op, ast.Div | ast.BitOr)  # of paths, and of conditions
    elif isinstance(node, ast.UnaryOp):
        fits = isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)
    else:
        fits = isinstance(node, ast.Constant | ast.List | ast.Tuple | ast.Dict | ast.Subscript | ast.Slice)
    return fits and all(is_known(one, known) for one in inner)


def is_function(node: ast.expr, known: set[str]) -> bool:
    """Tell whether something is a function that views call."""
    text = ast.unparse(node)
    first, _, rest = text.partition(".")
    if text in FUNCTIONS or rest in NAMES.get(first, ()):
        return True
    return isinstance(node, ast.Attribute) and node.attr in METHODS and is_known(node.value, known)


# Changes. ------------------------------------------------------------------------------------------------------------


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to everything inside a value."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def change(value: Any, rng: random.Random) -> Any:
    """Return a value with something inside replaced, taken away, named otherwise or put beside."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        ways = list(places(value))
        if not ways:
            return value
        *way, last = rng.choice(ways)
        inside = value
        for key in way:
            inside = inside[key]
        kind, nasty = rng.random(), copy.deepcopy(rng.choice(NASTY))
        if kind < 0.7:
            inside[last] = nasty
        elif kind < 0.8:
            del inside[last]
        elif isinstance(inside, dict):
            name = next(name for name in rng.sample(NASTY, len(NASTY)) if isinstance(name, str))
            inside[name] = inside.pop(last) if kind < 0.9 else nasty
        else:
            inside.append(nasty)
    return value


STATE = {"model": "msd-vgg-1", "layer": "output", "order": "cluster", "scale": "dimension", "pins": [1, 2], "hop": 0.5}
CHOICES = [
    {"clusters": "kmeans", "cluster_options": {"n_clusters": 3}, "color": "cluster"},
    {"clusters": "hdbscan", "cluster_options": {"min_cluster_size": 3, "min_samples": 2}},
    {"method": "umap", "options": {"n_neighbors": 5, "min_dist": 0.2, "init": "random"}},
    {"points": "frames", "color": "column:genre", "second": {"model": "msd-vgg-1", "layer": "output"}},
    {"color": "tag:msd-musicnn-1:guitar", "size": "duration", "metric": "euclidean", "pooling": "max"},
    {"x": "column:genre", "y": "dimension:msd-musicnn-1:embedding:1", "layout": "axes"},
    {"x": f"column:x\n{ATTACK}", "y": "dimension:msd-vgg-1:output:3", "layout": "axes"},
    {"x": "outlier", "y": "cluster", "layout": "axes"},
]
OF_ATLAS = [
    *({"kind": "set_option", "name": name, "value": value} for chosen in CHOICES for name, value in chosen.items()),
    {"kind": "set_option", "name": "model", "value": {"model": "vgg", "layer": "embedding"}},
    {"kind": "select", "tracks": [3, 1]}, {"kind": "select", "cluster": 1}, {"kind": "clear_selection"},
    {"kind": "play", "track": 3, "at": 1.5}, {"kind": "play", "point": 2, "map": 0},
    {"kind": "find_neighbors", "of": "point", "point": 1, "map": 0},
    {"kind": "rename_cluster", "id": 1, "name": "L'été"},
    {"kind": "enqueue", "tracks": [1, 2], "moments": [0.5, None]}, {"kind": "play_queue", "at": 0},
    {"kind": "remove_queued", "at": 0}, {"kind": "save", "format": "csv", "selection": True},
    {"kind": "upload", "name": "a.wav", "part": 0, "parts": 2}, {"kind": "pull", "model": "vggish"},
]  # fmt: skip
OF_EXPLORER = [
    {"kind": "add_row", "model": "vgg", "layer": "output", "hop": 0.5}, {"kind": "open_track", "track": 1},
    {"kind": "change_row", "row": 1, "model": "vgg", "layer": "pool1", "hop": "dense"},
    {"kind": "move_row", "row": 1, "to": 0},
    {"kind": "remove_row", "row": 1}, {"kind": "collapse_row", "row": 1, "collapsed": True}, {"kind": "undo"},
    {"kind": "choose_head", "row": 1, "head": "x"}, {"kind": "show_layers", "model": "vgg"},
    {"kind": "show_similarity", "model": "vgg", "layer": "embedding"}, {"kind": "show_tags", "model": "vgg"},
    {"kind": "set_evaluation_option", "name": "target", "value": "genre"},
    {"kind": "set_evaluation_option", "name": "models", "value": ["vgg", "musicnn"]},
    {"kind": "set_evaluation_option", "name": "layers", "value": {"vgg": ["embedding", "output"]}},
    {"kind": "set_evaluation_option", "name": "groups", "value": "artist"},
    {"kind": "set_evaluation_option", "name": "folds", "value": 3}, {"kind": "show_confusion", "cell": 0},
    {"kind": "upload", "name": "a.wav", "part": 0, "parts": 2}, {"kind": "save_scores", "format": "csv"},
]  # fmt: skip
FILTERS: list[dict[str, Any]] = [
    {"column:genre": {"values": ["a'b"], "unknown": True}, "column:duration": {"range": [1.0, 8.5], "unknown": False}},
    {f"column:x\n{ATTACK}": {"values": ["a", "b"]}, "cluster": {"values": ["group 2"]}},
    {"column:duration": {"range": None, "unknown": True}},
]
OF_PAGE = [
    *({"filters": filters} for filters in FILTERS),
    {"tab": "evaluation"}, {"tab": "selection", "code": ATTACK}, {"choices": {"model": ATTACK}},
    {"tracks": [], "track": 1}, {"cached": {"0": 5}}, {"collapsed_list": True},
]  # fmt: skip
OF_PLAYER = [{"range": [1.0, 2.5]}, {"time": 2.0, "rate": 1.0, "volume": 0.5}, {"view": [0.0, 3.0]}, {"title": ATTACK}]


# Views. --------------------------------------------------------------------------------------------------------------


def make_atlas(folder: Path) -> Any:
    """Return an Atlas of which nothing is computed, with vectors and clusters made up."""
    from embviz import Cache
    from embviz.app.atlas import Atlas
    from embviz.core.vectors import Vectors

    names = [f'{i} L\'été "x"\n{ATTACK}.wav' for i in range(6)]
    table = pd.DataFrame(
        {
            "path": [str(folder / name) for name in names], "name": names, "title": names, "artist": ATTACK,
            "album": "", "genre": ["a'b", "c\nd"] * 3, f"x\n{ATTACK}": list("abcdef"), "duration": 9.0, "problem": "",
        },
        index=pd.Index(range(6), name="track"),
    )  # fmt: skip
    atlas = Atlas(table, "musicnn", method="pca", clusters="kmeans", color="cluster", cache=Cache(folder / "cache"))
    view, clusters = atlas._controller.views[0], atlas._controller.clusters
    view.vectors = Vectors(np.eye(6, dtype=np.float32), np.arange(6), None, "msd-musicnn-1", "embedding", "mean")
    clusters.members, clusters.auto = np.arange(6) % 3, {0: "group 1", 1: "group 2", 2: "group 3"}
    atlas.rename_cluster(0, f"'\n{ATTACK}")
    atlas.selection = [4, 2]
    return atlas


def make_explorer(folder: Path, state: Any = None) -> Any:
    """Return an Explorer of which nothing is computed."""
    from embviz import Cache, Explorer

    paths = [folder / f"{i} L'été.wav" for i in range(3)]
    for path in paths:
        path.touch()
    return Explorer(paths, models=["vgg", ("musicnn", "output", 0.5)], state=state, cache=Cache(folder / "cache"))


def idle_workers() -> Any:
    """Have views made whose workers do nothing."""
    from embviz.core.worker import Job, Worker

    return patch.object(Worker, "submit", lambda worker, key, work, **_options: Job(worker, key, work, stopped=True))


def judge(kind: str, view: Any, seed: int) -> str:
    """Return what a trial was, once the code of the view is parsed."""
    if kind in ("survived", "refused") and (foreign := find_foreign(view.code())):
        return fault("wrong", f"seed {seed}: the code says {foreign!r}")
    if kind in ("survived", "refused") and view.widget.code != view.code():
        return fault("wrong", f"seed {seed}: the page shows other code")
    return kind


def restore(atlas: Any, rng: random.Random, seed: int) -> tuple[str, Any]:
    """Restore a changed state of an Atlas."""
    from embviz.errors import EmbvizError

    base = atlas.state()
    base["choices"] |= rng.choice(CHOICES)
    base["filters"] = rng.choice(FILTERS)
    before = json.dumps(atlas.state())
    try:
        atlas.restore(change(base, rng))
    except EmbvizError as error:
        same = json.dumps(atlas.state()) == before
        fine = is_sentence(str(error)) and same
        return ("refused" if fine else fault("wrong", f"seed {seed}: {error!s:.200} (unchanged: {same})")), atlas
    return "survived", atlas


def open_state(folder: Path, rng: random.Random, seed: int) -> tuple[str, Any]:
    """Open an Explorer with a changed state."""
    from embviz.errors import EmbvizError

    choices = {"target": "genre", "models": ["msd-vgg-1"], "layers": "all", "groups": False, "folds": 3}
    state = {
        "format": 1, "track": str(folder / "1 L'été.wav"), "rows": [dict(STATE), {"model": "msd-musicnn-1"}],
        "tab": "evaluation", "range": [1.0, 2.0], "view": [0.0, 3.0], "time": 1.0, "rate": 1.0, "volume": 1.0,
        "looping": False, "layers": "", "similarity": ["", ""],
        "boundaries": {"kernel": 30.0, "prominence": 0.1}, "evaluation": choices | {"classifier": "knn"},
    }  # fmt: skip
    try:
        return "survived", make_explorer(folder, change(state, rng))
    except EmbvizError as error:
        return ("refused" if is_sentence(str(error)) else fault("wrong", f"seed {seed}: {error!s:.200}")), None


def say(view: Any, commands: list[dict[str, Any]], rng: random.Random, seed: int) -> str:
    """Have the page of a view send a changed message, or set a changed trait."""
    before = view.widget.notice.get("seq", 0)
    if rng.random() < 0.2:
        if rng.random() < 0.5:
            view.widget.set_state(change(rng.choice(OF_PAGE), rng))
        else:
            (getattr(view, "_own_player", None) or view._context.player).set_state(change(rng.choice(OF_PLAYER), rng))
    else:
        view.widget._handle_custom_msg(change(rng.choice(commands), rng), [b"RIFF"])
    notice = view.widget.notice
    if notice.get("seq", 0) == before or notice.get("level") != "error":
        return "survived"
    if "unexpectedly" in notice["text"] or not is_sentence(notice["text"]):
        return fault("wrong", f"seed {seed}: {notice['text']:.300}")
    return "refused"


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """Change states and messages, and parse what code they give."""
    folder.mkdir(parents=True, exist_ok=True)
    home = make_home(folder / "home")
    found = Counter[str]()
    quiet = patch.object(logging.getLogger("embviz"), "disabled", True)  # what is refused of a player is a warning
    with patch.dict(os.environ, {"EMBVIZ_HOME": home["EMBVIZ_HOME"]}), idle_workers(), quiet:
        views: list[Any] = []
        for trial in range(count):
            if not views or not trial % AGAIN:
                for view in views:
                    view.close()
                views = [make_atlas(folder), make_explorer(folder)]
            found += Counter(["tried", try_one(seed + trial, views, folder)])
        for view in views:
            view.close()
    return found


def try_one(seed: int, views: list[Any], folder: Path) -> str:
    """Make one trial."""
    rng = random.Random(seed)  # noqa: S311
    atlas, explorer = views
    made = None
    try:
        which = rng.random()
        if which < 0.35:
            kind, view = restore(atlas, rng, seed)
        elif which < 0.5:
            kind, view = open_state(folder, rng, seed)
            made = view
        elif which < 0.75:
            kind, view = say(atlas, OF_ATLAS, rng, seed), atlas
        else:
            kind, view = say(explorer, OF_EXPLORER, rng, seed), explorer
        return kind if view is None else judge(kind, view, seed)
    except Exception as error:  # noqa: BLE001  whatever it is, it is a fault
        return fault("died", f"seed {seed}: {type(error).__name__}: {error!s:.200}")
    finally:
        if made is not None:
            made.close()
