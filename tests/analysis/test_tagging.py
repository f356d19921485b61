"""What models hear in the tracks of a collection: small arrays, and one track with real weights."""

from __future__ import annotations

import numpy as np
import pytest

import embviz
from embviz.analysis.tagging import TEMPO_UNIT, estimate_tempo, models_by_task, tag_columns, tempo_column, tempo_octave
from embviz.core.embedding import Embedding, FrameGrid
from embviz.core.vectors import Vectors
from embviz.errors import OptionError

TEMPI = tuple(f"{bpm}{TEMPO_UNIT}" for bpm in range(30, 286))


def vectors(values, tracks, labels, times=None, pooling="mean"):
    return Vectors(
        np.asarray(values, np.float32), np.asarray(tracks, np.int64), times, model="some", layer="output",
        pooling=pooling, labels=tuple(labels), unit="", spread=None, failed={}, key="k",
    )  # fmt: skip


def test_models_by_what_they_find():
    assert models_by_task("tags")[0].name == "msd-musicnn-1"
    assert models_by_task("tempo")[0].name == "deepsquare-k8"
    assert models_by_task("stems")[0].name == "spleeter-2s-3"


def test_a_column_per_tag_and_a_row_per_track():
    found = tag_columns(vectors([[0.1, 0.9], [0.5, 0.2]], [7, 3], ["rock", "sad"]))
    assert list(found.columns) == ["rock", "sad"]
    assert found.index.name == "track"
    assert found.loc[3, "rock"] == pytest.approx(0.5)


def test_frames_are_averaged_per_track():
    given = vectors(
        [[0.0], [1.0], [0.25], [0.5], [0.75]], [7, 7, 3, 3, 3], ["rock"], np.array([0, 1, 0, 1, 2.0]), "frames"
    )
    assert tag_columns(given)["rock"].to_dict() == {7: pytest.approx(0.5), 3: pytest.approx(0.5)}


def test_the_tempo_is_the_highest_of_the_mean():
    shares = np.zeros((2, 256), np.float32)
    shares[0, 120 - 30], shares[1, 90 - 30], shares[1, 91 - 30] = 0.6, 0.3, 0.2
    found = tempo_column(vectors(shares, [4, 5], TEMPI))
    assert found.to_dict() == {4: 120.0, 5: 90.0}
    assert (found.name, found.index.name) == ("tempo", "track")


def test_nothing_gives_nothing():
    assert tag_columns(vectors(np.zeros((0, 2)), [], ["a", "b"])).shape == (0, 2)
    assert len(tempo_column(vectors(np.zeros((0, 256)), [], TEMPI))) == 0


def test_other_vectors_are_refused():
    with pytest.raises(OptionError, match="Tags are taken from the layer 'output' of a tagger"):
        tag_columns(vectors(np.zeros((1, 256)), [0], TEMPI))
    with pytest.raises(OptionError, match="A tempo is taken from the layer 'output' of a Tempo-CNN"):
        tempo_column(vectors(np.zeros((1, 2)), [0], ["rock", "sad"]))
    with pytest.raises(OptionError, match="Tags are taken"):
        tag_columns(vectors(np.zeros((1, 2)), [0], []))
    with pytest.raises(OptionError, match="pooled by 'max'"):
        tag_columns(vectors(np.zeros((1, 2)), [0], ["rock", "sad"], pooling="max"))


@pytest.mark.usefixtures("weights_home")
def test_one_track_and_a_collection_give_the_same_tempo(rock):
    embedding = embviz.embed(rock, "tempocnn", layer="output")
    one = estimate_tempo(embedding)
    column = tempo_column(vectors(embedding.mean()[np.newaxis], [0], embedding.labels))
    assert column[0] == one["bpm"]
    assert 0 < one["confidence"] <= 1
    assert len(one["bpms"]) == len(one["shares"]) == 256


def tempi(shares, **fields):
    values = np.zeros((3, 256), np.float32)
    for bpm, share in shares.items():
        values[:, bpm - 30] = share
    grid = FrameGrid(1000, 1000, 1000, 1000, 0, 3, 3000)
    return Embedding(values, grid, "net", "output", **{"labels": TEMPI, "unit": "probability"} | fields)


def test_the_octave_that_matters_holds_most_and_has_the_tempo_in_its_middle():
    low, high = tempo_octave(tempi({120: 0.9}))
    assert high == 2 * low
    assert low == pytest.approx(120 / 2**0.5, abs=1)
    low, high = tempo_octave(tempi({120: 0.4, 160: 0.5}))
    assert (low <= 120, high >= 160) == (True, True)
    assert tempo_octave(tempi({60: 0.2, 120: 0.9})) == (60, 120)
    assert tempo_octave(tempi({284: 1.0})) == (142, 284)
    assert tempo_octave(tempi({120: 1.0}, unit="logit")) is None
    assert tempo_octave(tempi({120: 1.0}, labels=())) is None


def test_frames_that_are_not_computed_yet_do_not_count():
    embedding = tempi({120: 1.0})
    embedding.values[1:] = np.nan
    assert estimate_tempo(embedding)["bpm"] == 120
    embedding.values[:] = np.nan
    assert estimate_tempo(embedding)["confidence"] == 0
