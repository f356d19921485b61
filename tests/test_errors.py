"""The sentences of errors."""

import contextlib
import functools
import inspect
import sys

import numpy as np
import pandas as pd
import pytest

import embviz
import embviz.analysis
import embviz.evaluation
from embviz import Embedding, FrameGrid, Vectors, project
from embviz.errors import EmbvizError, OptionError, did_you_mean

COLUMNS = ["title", "artist", "album", "genre", "year", "duration", "style", "bpm", "key"]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("stile", "style"), ("styl", "style"), ("titel", "title"), ("bmp", "bpm"), ("Genres", "genre"), ("tempo", "")],
)
def test_the_nearest_name_is_suggested(wrong, meant):
    for known in (COLUMNS, COLUMNS[::-1]):
        assert did_you_mean(wrong, known) == (f" Did you mean {meant!r}?" if meant else "")


@functools.cache
def _wrong():
    """What a function may be given by mistake in place of what it takes."""
    values = np.eye(10, 4, dtype=np.float32)
    table = pd.DataFrame({"genre": ["a", "b"] * 5, "size": range(10)})
    vectors = Vectors.from_array(values, table.index)
    frames = Embedding(values, FrameGrid(16_000, 160, 160, 160, 0, 10, 1600), "own", "embedding")
    return [table, vectors, frames, project(vectors, "pca"), values, "musicn", 3, None, [1, 2]]


MODULES = (embviz, embviz.analysis, embviz.evaluation)
EVERY = [f"{module.__name__}.{name}" for module in MODULES for name in module.__all__ if name[0].islower()]
NOT = {"pull", "cite"}  # these change what is here, or take anything


@pytest.mark.usefixtures("empty_home")
@pytest.mark.parametrize("path", EVERY)
def test_a_wrong_first_argument_is_one_sentence(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    module, _, name = path.rpartition(".")
    function = getattr(sys.modules[module], name)
    if not inspect.isfunction(function) or name in NOT:
        pytest.skip("no function")
    needed = [one for one in inspect.signature(function).parameters.values() if one.default is one.empty]
    if not needed or any(one.kind is one.KEYWORD_ONLY for one in needed):
        pytest.skip("takes nothing")
    for given in _wrong():
        others = ["genre"] * (len(needed) - 1)
        with contextlib.suppress(EmbvizError):
            function(given, *others)


def test_what_is_wrong_is_named_with_what_to_do():
    table, vectors, *_ = _wrong()
    projection = project(vectors, "pca")
    with pytest.raises(OptionError, match=r"Projection is expected, Vectors was found. embviz.project\(vectors\)"):
        embviz.scatter(vectors, table)
    with pytest.raises(
        OptionError, match=r"The table of the tracks is expected, str was found. collection.table is it"
    ):
        embviz.scatter(projection, "tracks")
    with pytest.raises(OptionError, match=r"'path' is expected, one with the columns 'genre', 'size' was found"):
        embviz.evaluate(table, "genre", "musicnn", cache=False, workers=1, progress=False)

    # A table of one's own, and a collection, will do.
    class Tracks:
        pass

    tracks = Tracks()
    tracks.table = table
    drawn = [embviz.scatter(projection, given, color="genre").to_json() for given in (table, tracks)]
    assert drawn[0] == drawn[1]
