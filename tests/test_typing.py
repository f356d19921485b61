"""A user who checks types knows what embviz takes and returns."""

from __future__ import annotations

import subprocess
import sys

# Tables are pandas' and figures plotly's, which come without types: these are Any, and so not asserted here.
SCRIPT = """\
import embviz
tracks = embviz.Collection.from_folder("music").query("bpm > 100")
embedding = embviz.embed("song.mp3", "musicnn", cache=False)
both = embviz.embed("song.mp3", ["musicnn", "vgg"], layer=["embedding", "output"])
vectors = tracks.embed("musicnn", pooling="mean+std")
points = embviz.project(vectors, "umap", seed=1)
figure = embviz.scatter(points, tracks.table, color="style")
scores = embviz.evaluate(tracks, "style", ["musicnn", vectors], folds=3)
model = embviz.get_model("musicnn")
near = embviz.analysis.nearest_neighbors(vectors, 5)
head = embviz.train(tracks, "style", model)
"""

KNOWN = {
    "tracks": "embviz.Collection",
    "tracks.audio(3)": "embviz.Audio",
    "tracks.map(model)": "embviz.Atlas",
    "embedding": "embviz.Embedding",
    "embedding.values": "NDArray[np.float32]",
    "embedding.times": "NDArray[np.float64]",
    "embedding.shape": "tuple[int, int]",
    "embedding.grid": "embviz.FrameGrid",
    "embedding.grid.time_to_frame(30.0)": "int",
    "embedding.grid.frame_to_time(embedding.times)": "NDArray[np.float64]",
    "embedding[30.0]": "NDArray[np.float32]",
    "embedding[10:20]": "embviz.Embedding",
    "embviz.embed('song.mp3', head='mood_sad')": "embviz.Embedding",
    "embviz.embed('song.mp3', 'musicnn', head=['mood_sad'])": "list[embviz.Embedding]",
    "embviz.get_head('mood_sad', 'musicnn')": "embviz.Head",
    "both": "list[list[embviz.Embedding]]",
    "vectors": "Vectors",
    "vectors.values": "NDArray[np.float32]",
    "tracks.embed(['musicnn'])": "list[Vectors]",
    "points": "embviz.analysis.Projection",
    "points.xy": "NDArray[np.float32]",
    "points.trustworthiness": "float",
    "scores": "embviz.Evaluation",
    "model": "embviz.Model",
    "model.dimensions": "int",
    "near": "embviz.analysis.Neighbors",
    "head": "embviz.Head",
    "embviz.get_task('gtzan')": "embviz.evaluation.Task",
    "embviz.Explorer('music')": "embviz.Explorer",
}

WRONG = {
    "embviz.embed('song.mp3', 3)": "call-overload",
    "embviz.embed('song.mp3', 'musicnn', cache=True)": "call-overload",
    "embviz.get_model(None)": "arg-type",
    "tracks.embed('musicnn', colour='red')": "call-overload",
    "embedding.duration.seconds": "attr-defined",
}


def test_a_strict_script_knows_every_type(root, tmp_path):
    head = "from typing import assert_type\nimport numpy as np\nfrom numpy.typing import NDArray\n"
    lines = [head, "from embviz.core.vectors import Vectors\n", SCRIPT]
    lines += [f"assert_type({value}, {known})\n" for value, known in KNOWN.items()]
    # An error that does not come is one, too: a strict check reports ignores that nothing needs.
    lines += [f"{line}  # type: ignore[{code}]\n" for line, code in WRONG.items()]
    (tmp_path / "script.py").write_text("".join(lines))
    # The project's own settings are strict; with them, what the linter has found out about embviz serves here again.
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", root / "pyproject.toml", tmp_path / "script.py"],
        capture_output=True, text=True, check=False, cwd=root,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
