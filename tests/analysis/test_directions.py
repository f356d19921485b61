"""Directions: where points lie on a line between two groups; kept in a file."""

import numpy as np
import pytest

from embviz import Vectors
from embviz.analysis import Direction
from embviz.core import io
from embviz.errors import EmbvizError, OptionError


@pytest.fixture
def direction():
    return Direction(np.array([0.6, 0.8]), np.array([1.0, 2.0]), 5.0, ("low", "high"), "own", "vectors")


def test_groups_are_at_0_and_at_1(direction):
    half = direction.vector * direction.length / 2
    places = direction.project([direction.midpoint - half, direction.midpoint, direction.midpoint + half])
    assert places == pytest.approx([0, 0.5, 1])
    assert direction.project([direction.midpoint + np.array([8, -6])]) == pytest.approx([0.5]), (
        "across it, nothing changes"
    )


def test_the_mean_of_frames_is_where_the_track_is(direction):
    frames = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
    assert direction.project(frames).mean() == pytest.approx(direction.project([frames.mean(axis=0)])[0])


def test_vectors_of_the_layer_are_measured_and_others_refused(direction):
    vectors = Vectors.from_array([[1, 2], [4, 6]], [0, 1])
    assert direction.project(vectors) == pytest.approx([0.5, 1.5])
    with pytest.raises(OptionError, match=r"one of own / vectors.*theirs / vectors was found"):
        direction.project(Vectors.from_array([[1, 2]], [0], model="theirs"))
    with pytest.raises(OptionError, match=r"Points of 2 dimensions.*shape \(1, 3\) was found"):
        direction.project([[1, 2, 3]])


def test_what_is_not_finite_has_no_place(direction):
    assert np.isnan(direction.project([[np.nan, 1], [np.inf, -np.inf], [1, 2]])).tolist() == [True, True, False]


def test_it_is_kept_in_a_file(direction, tmp_path):
    again = Direction.load(direction.save(tmp_path / "low-high.safetensors"))
    assert np.array_equal(again.vector, direction.vector)
    assert (again.ends, again.length, again.model, again.layer) == (("low", "high"), 5.0, "own", "vectors")
    assert repr(again) == "<Direction low → high in own / vectors, 2 dimensions>"


@pytest.mark.parametrize("meta", [{}, {"direction": "[]"}, {"direction": '{"format": 1}'}, {"direction": "{"}])
def test_other_files_are_refused(direction, tmp_path, meta):
    path = io.write_arrays(tmp_path / "other", {"vector": direction.vector, "midpoint": direction.midpoint}, meta)
    with pytest.raises(EmbvizError, match="holds no direction"):
        Direction.load(path)
    path.write_bytes(b"no such file")
    with pytest.raises(EmbvizError, match="damaged"):
        Direction.load(path)


def test_a_folder_that_is_a_file_is_said_to_be_one(direction, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbvizError, match="could not be written"):
        direction.save(tmp_path / "file" / "direction")


@pytest.mark.parametrize(("vector", "length"), [([1, np.nan], 1.0), ([1, 0, 0], 1.0), ([1, 0], 0.0)])
def test_what_is_no_direction_is_refused(vector, length):
    with pytest.raises(OptionError, match="A direction is a vector"):
        Direction(np.array(vector, float), np.zeros(2), length, ("a", "b"), "m", "l")
