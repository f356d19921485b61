"""Vectors that are given in place of a model's name: in the order of the table, and pooled as asked."""

# ruff: noqa: PD011  Vectors are no DataFrames

import numpy as np
import pandas as pd
import pytest

from embviz import Vectors
from embviz.batch import embed_table
from embviz.collection import Collection
from embviz.errors import CollectionError, OptionError

FRAMES = Vectors.from_array(
    [[1, 0], [3, 4], [5, 8], [9, 9]], [7, 7, 5, 4], names=["x", "y"], times=[0, 1, 0, 0], model="mine"
)


def a_table(labels):
    paths = pd.Series([f"{label}.wav" for label in labels], index=labels, dtype=object)
    return pd.DataFrame({"path": paths}, index=pd.Index(labels, name="track"))


def test_vectors_of_tracks_are_taken_as_they_are():
    vectors = Vectors.from_array([[1, 2], [3, 4], [5, 6]], [7, 9, 5])
    found = embed_table(a_table([5, 6, 7]), vectors, pooling="max")
    assert (found.tracks.tolist(), found.values.tolist()) == ([5, 7], [[5, 6], [1, 2]])
    assert list(found.failed) == [6]
    assert "own / vectors holds no vector of it" in found.failed[6]
    assert found.key not in ("", vectors.key)
    same = embed_table(a_table([7, 9, 5]), vectors)
    assert same.values is vectors.values, "what may not fit into memory is not copied"
    assert same.key == vectors.key


@pytest.mark.parametrize(
    ("how", "expected", "names"),
    [
        ("mean", [[5, 8], [2, 2]], ("x", "y")),
        ("max", [[5, 8], [3, 4]], ("x", "y")),
        ("median", [[5, 8], [2, 2]], ("x", "y")),
        ("mean+std", [[5, 8, 0, 0], [2, 2, 1, 2]], ("x mean", "y mean", "x std", "y std")),
    ],
)
def test_frames_are_pooled(how, expected, names):
    found = embed_table(a_table([5, 7]), FRAMES, pooling=how)
    assert (found.tracks.tolist(), found.values.tolist(), found.labels) == ([5, 7], expected, names)
    assert found.times is found.spans is None
    assert found.pooling == how
    assert found.spread.tolist() == [0, pytest.approx(5**0.5)]
    assert found.key != embed_table(a_table([5, 7]), FRAMES, pooling="mean" if how != "mean" else "max").key


def test_frames_stay_frames_where_they_are_asked_for():
    found = embed_table(a_table([5, 7]), FRAMES, pooling="frames")
    assert (found.tracks.tolist(), found.times.tolist()) == ([5, 7, 7], [0, 0, 1])
    assert found.spans.shape == (3, 2)


def test_vectors_that_do_not_fit_the_table_are_refused():
    with pytest.raises(
        CollectionError, match=r"tracks 7, 5, 4, and none of the tracks of this table, 0, 1, 2, 3, 10, …"
    ):
        embed_table(a_table([0, 1, 2, 3, 10, 11]), FRAMES)
    with pytest.raises(OptionError, match="no frames"):
        embed_table(a_table([7]), Vectors.from_array([[1.0]], [7]), pooling="frames")
    with pytest.raises(OptionError, match="one layer already"):
        embed_table(a_table([7]), FRAMES, ["embedding", "output"])
    with pytest.raises(OptionError, match="list of at least one name"):
        embed_table(a_table([7]), np.eye(3))


def test_vectors_stand_beside_models(home, root):
    collection = Collection.from_folder(root / "sample_audio").head(1)
    own = Vectors.from_array([[1, 0]], collection)
    first, heard, last = collection.embed([own, "tempocnn", own], progress=False)
    assert (first.model, heard.model, last.model) == ("own", "deepsquare-k8", "own")
    assert [one.shape for one in collection.embed([own], progress=False)] == [(1, 2)]
    assert collection.embed(own, pooling="mean").values.tolist() == [[1, 0]]
