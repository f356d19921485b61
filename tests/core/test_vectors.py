"""Vectors of a collection: what they say of themselves, choosing among them, and the files they become."""

# ruff: noqa: PD011  Vectors are no DataFrames

import json
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from embviz.core import io
from embviz.core.vectors import Vectors
from embviz.errors import EmbvizError, OptionError


def of_tracks(n=4, d=3, **more):
    values = np.arange(n * d, dtype=np.float32).reshape(n, d)
    labels = np.arange(n, dtype=np.int64) * 2 + 5
    facts = {"spread": np.arange(n, dtype=np.float32), "failed": {99: "No sound."}, "key": "ab", **more}
    return Vectors(values, labels, None, "msd-musicnn-1", "embedding", "mean", **facts)


def of_frames():
    values = np.arange(15, dtype=np.float32).reshape(5, 3)
    return Vectors(values, np.array([7, 7, 7, 5, 5]), np.array([0.5, 1.5, 2.5, 0.5, 1.5]), "m", "l", "frames")


def the_table():
    index = pd.Index([5, 7, 9, 11, 99], name="track")
    names = ["a\tb.mp3", "line\nbreak \u202e.mp3", "=cmd.mp3", "ü.mp3", "x.mp3"]
    years = pd.array([1999, None, 2001, 2002, 2003], dtype="Int64")
    return pd.DataFrame({"path": names, "name": names, "title": ["t", None, "", "u", "v"], "year": years}, index=index)


def test_vectors_describe_themselves():
    vectors = of_tracks()
    assert repr(vectors) == "<Vectors msd-musicnn-1 / embedding: 4 tracks × 3 dimensions, mean, 1 failed>"
    assert repr(of_frames()) == "<Vectors m / l: 5 frames of 2 tracks × 3 dimensions, frames>"
    assert "<td" in vectors._repr_html_()
    assert "&lt;b&gt;" in of_tracks(unit="")._repr_html_().replace("msd-musicnn-1", "&lt;b&gt;")
    assert len(vectors) == 4
    np.testing.assert_array_equal(np.asarray(vectors), vectors.values)


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(OptionError, match="of another length: spread"):
        of_tracks(spread=np.zeros(3, np.float32))
    with pytest.raises(OptionError, match="a track for each of the n"):
        Vectors(np.zeros(3, np.float32), np.arange(3), None, "m", "l", "mean")


def test_tracks_are_chosen_in_the_order_given():
    vectors = of_tracks()
    some = vectors.select([11, 99, 5])
    assert list(some.tracks) == [11, 5]
    np.testing.assert_array_equal(some.values, vectors.values[[3, 0]])
    np.testing.assert_array_equal(some.spread, [3, 0])
    assert some.failed == {99: "No sound."}
    assert some.key not in ("", vectors.key, vectors.select([5, 11]).key)
    assert vectors.select([]).shape == (0, 3)


def test_frames_of_chosen_tracks_stay_together():
    some = of_frames().select([5, 7])
    assert list(some.tracks) == [5, 5, 7, 7, 7]
    assert list(some.times) == [0.5, 1.5, 0.5, 1.5, 2.5]
    np.testing.assert_array_equal(some.values[:, 0], [9, 12, 0, 3, 6])


def test_only_tracks_that_are_there_can_be_chosen_and_once():
    with pytest.raises(OptionError, match="6 is not"):
        of_tracks().select([5, 6])
    with pytest.raises(OptionError, match="asked for twice"):
        of_tracks().select([5, 5])
    with pytest.raises(OptionError, match="Labels of tracks are expected, a mask was found"):
        of_tracks().select(np.array([True, False]))


def test_frames_as_a_table():
    frame = of_frames().to_frame()
    assert frame.index.names == ["track", "time"]
    assert list(frame.columns) == ["l_0", "l_1", "l_2"]
    assert frame.loc[(5, 1.5), "l_2"] == 14
    labelled = of_tracks(labels=("rock", "pop", "jazz")).to_frame()
    assert list(labelled.columns) == ["rock", "pop", "jazz"]
    assert labelled.index.name == "track"


def test_tables_of_the_mean_and_the_deviation_name_both():
    vectors = Vectors(np.zeros((2, 4), np.float32), np.arange(2), None, "m", "l", "mean+std")
    assert vectors.columns == ["l_0 mean", "l_1 mean", "l_0 std", "l_1 std"]


@pytest.mark.parametrize("vectors", [of_tracks(), of_frames()], ids=["tracks", "frames"])
def test_files_hold_the_same_numbers(tmp_path, vectors, monkeypatch):
    monkeypatch.setattr("embviz.core.vectors.BLOCK", 6)  # two rows at a time
    index = list(vectors.to_frame().index.names)
    csv = pd.read_csv(vectors.to_csv(tmp_path / "v.csv"), index_col=index)
    np.testing.assert_array_equal(csv.to_numpy(), vectors.values)
    parquet = pd.read_parquet(vectors.to_parquet(tmp_path / "v.parquet"))
    pd.testing.assert_frame_equal(parquet, vectors.to_frame())
    with np.load(vectors.to_npz(tmp_path / "v.npz", the_table()), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["values"], vectors.values)
        assert arrays["names"][0] in set(the_table()["name"])
        assert '"model"' in str(arrays["meta"])


def test_files_say_whose_rows_they_are(tmp_path):
    vectors = of_tracks(labels=("name", "pop", "jazz"))
    csv = pd.read_csv(vectors.to_csv(tmp_path / "v.csv", the_table()), index_col="track")
    assert list(csv.columns) == ["name ", "name", "pop", "jazz"]
    assert csv.loc[5, "name "] == "a\tb.mp3"
    formulas = of_tracks(labels=("=pop", "-jazz", "1"))
    names = the_table().assign(name="@x.mp3")
    safe = pd.read_csv(formulas.to_csv(tmp_path / "safe.csv", names, spreadsheet_safe=True), index_col="track")
    assert list(safe.columns) == ["name", "'=pop", "'-jazz", "1"]
    assert set(safe["name"]) == {"'@x.mp3"}
    plain = pd.read_csv(formulas.to_csv(tmp_path / "plain.csv", names), index_col="track")
    assert list(plain.columns) == ["name", "=pop", "-jazz", "1"]
    np.testing.assert_array_equal(safe.drop(columns="name"), plain.drop(columns="name"))
    assert pd.read_parquet(vectors.to_parquet(tmp_path / "v.parquet", the_table())).loc[11, "name "] == "ü.mp3"


@pytest.mark.parametrize("vectors", [of_tracks(), of_frames()], ids=["tracks", "frames"])
def test_tensorboard_s_files_agree_row_by_row(tmp_path, vectors):
    folder = vectors.to_tensorboard(tmp_path / "new" / "projector", the_table())
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.tsv", "projector_config.pbtxt", "vectors.tsv"]
    rows = [line.split("\t") for line in (folder / "metadata.tsv").read_text().splitlines()]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[0][-3:] == ["name", "title", "year"]
    assert "path" not in rows[0]
    assert [int(row[0]) for row in rows[1:]] == list(vectors.tracks)
    assert [row[-1] for row in rows[1:] if row[0] == "7"] == [""] * int((vectors.tracks == 7).sum())
    np.testing.assert_array_equal(np.loadtxt(folder / "vectors.tsv"), vectors.values)


@pytest.mark.parametrize("last", ["vectors.tsv", "metadata.tsv", "projector_config.pbtxt"])
def test_an_export_that_is_ended_shows_no_mixture(tmp_path, monkeypatch, last):
    of_tracks().to_tensorboard(tmp_path, the_table())
    replace = Path.replace

    def end(path, target):
        if target.name == last:
            raise KeyboardInterrupt
        replace(path, target)

    monkeypatch.setattr(Path, "replace", end)
    with pytest.raises(KeyboardInterrupt):
        of_tracks().select([5]).to_tensorboard(tmp_path, the_table())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metadata.tsv", "vectors.tsv"]


def test_tensorboard_understands_the_configuration(tmp_path):
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    folder = of_tracks().to_tensorboard(tmp_path, the_table())
    config = text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig())
    assert config.embeddings[0].tensor_path == "vectors.tsv"
    assert config.embeddings[0].metadata_path == "metadata.tsv"
    assert config.embeddings[0].tensor_name == "msd-musicnn-1 embedding"


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    vectors, table = of_tracks(), the_table()
    (tmp_path / "v.csv").write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for write in (
        lambda: vectors.to_csv(tmp_path / "v.csv"),
        lambda: vectors.to_parquet(tmp_path / "v.parquet"),
        lambda: vectors.to_npz(tmp_path / "v.npz"),
        lambda: vectors.to_tensorboard(tmp_path, table),
    ):
        with pytest.raises(EmbvizError, match="could not be written: No space left"):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ["v.csv"]
    assert (tmp_path / "v.csv").read_text() == "before"


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EmbvizError, match=r"file/v\.csv' could not be written: Not a directory\."):
        of_tracks().to_csv(tmp_path / "file" / "v.csv")
    with pytest.raises(EmbvizError, match=r"file' could not be written: File exists\."):
        of_tracks().to_tensorboard(tmp_path / "file", the_table())


def test_large_matrices_are_written_in_blocks(tmp_path):
    import pyarrow as pa

    values = np.lib.format.open_memmap(tmp_path / "v.npy", "w+", np.float32, (100_000, 200))  # 80 MB
    vectors = Vectors(values, np.arange(len(values)), None, "m", "l", "mean")
    tracemalloc.start()
    vectors.to_parquet(tmp_path / "v.parquet")
    vectors.to_npz(tmp_path / "v.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak + pa.default_memory_pool().max_memory() < 60_000_000
    assert (tmp_path / "v.npz").stat().st_size > 80_000_000


# Vectors of one's own. -----------------------------------------------------------------------------------------------


def test_vectors_of_ones_own():
    vectors = Vectors.from_array([[1, 2.5], [3, 4]], [7, 5], names=["bpm", "swing"], model="mine", unit="BPM")
    assert repr(vectors) == "<Vectors mine / vectors: 2 tracks × 2 dimensions, mean>"
    assert (vectors.values.dtype, vectors.tracks.dtype, vectors.labels) == (np.float32, np.int64, ("bpm", "swing"))
    assert vectors.times is vectors.spans is None
    assert vectors.key not in ("", Vectors.from_array([[1, 2.5], [3, 4]], [5, 7]).key)
    assert Vectors.from_array(np.eye(5), SimpleNamespace(table=the_table())).tracks.tolist() == [5, 7, 9, 11, 99]


def test_frames_of_ones_own_come_into_order_and_get_spans():
    vectors = Vectors.from_array(np.arange(6)[:, np.newaxis], [9, 9, 5, 9, 5, 2], times=[4, 1, 2, 2, 1, 0.25])
    assert vectors.tracks.tolist() == [9, 9, 9, 5, 5, 2]
    assert vectors.times.tolist() == [1, 2, 4, 1, 2, 0.25]
    assert vectors.values[:, 0].tolist() == [1, 3, 0, 4, 2, 5]
    spans = [[0.5, 1.5], [1.5, 3], [3, 5], [0.5, 1.5], [1.5, 2.5], [0, 0.5]]
    assert vectors.spans.tolist() == spans
    given = np.column_stack([np.arange(6), np.arange(6) + 10.0])
    own = Vectors.from_array(np.eye(6), [9, 9, 5, 9, 5, 2], times=[4, 1, 2, 2, 1, 0.25], spans=given)
    assert own.spans[:, 0].tolist() == [1, 3, 0, 4, 2, 5]
    assert own.select([5]).spans[:, 0].tolist() == [4, 2]


def test_tracks_that_are_not_finite_are_left_out_and_said():
    with pytest.warns(UserWarning, match=r"2 tracks \(5, 6\) are not finite") as warned:
        vectors = Vectors.from_array([[np.nan, 1], [1, 1e60], [3, 4]], [5, 6, 7])
    assert warned[0].filename == __file__
    assert (vectors.tracks.tolist(), sorted(vectors.failed)) == ([7], [5, 6])
    with pytest.warns(UserWarning, match="1 track"):
        frames = Vectors.from_array([[1], [np.inf], [3]], [5, 5, 7], times=[0, 1, 0])
    assert frames.tracks.tolist() == [7]


def test_what_lies_in_a_file_stays_there(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((20_000, 50), np.float32))
    values = np.load(tmp_path / "x.npy", mmap_mode="r")
    tracemalloc.start()
    vectors = Vectors.from_array(values, np.repeat(np.arange(200), 100), times=np.tile(np.arange(100.0), 200))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.shares_memory(vectors.values, values)
    assert peak < values.nbytes


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([1, 2], [0, 1]), r"array \[n, d\].*shape \(2,\)"),
        (([[1, 2], [3]], [0, 1]), "several lengths"),
        (([["a"], ["b"]], [0, 1]), "of numbers"),
        ((np.empty((0, 3)), []), "at least one"),
        (([[1], [2]], [0]), r"label of its track: 2 are expected.*\(1,\)"),
        (([[1], [2]], ["a", "b"]), "whole numbers"),
        (([[1], [2]], [0.5, 1]), "whole numbers"),
        (([[1], [2]], [3, 3]), "several for one"),
        (([[np.nan], [np.inf]], [0, 1]), "not a single track"),
    ],
)
def test_vectors_that_do_not_fit_the_tracks_are_refused(arguments, sentence):
    with pytest.raises(OptionError, match=sentence):
        Vectors.from_array(*arguments)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"names": ["x"]}, "each of 2 dimensions, 1 were found"),
        ({"names": "xy"}, "list of texts"),
        ({"times": [0.0]}, r"times, .*shape \(1,\)"),
        ({"times": [0.0, np.nan]}, "not all finite"),
        ({"times": ["a", "b"]}, "others were found"),
        ({"times": [0, 1], "spans": [[0, 1], [3, 2]]}, "stop before they start"),
        ({"times": [0, 1], "spans": [0, 1]}, r"spans, .*shape \(2,\)"),
        ({"spans": [[0, 1], [1, 2]]}, "beside times only"),
        ({"model": ""}, "in words"),
        ({"layer": 3}, "in words"),
    ],
)
def test_what_is_said_of_own_vectors_has_to_fit_them(options, sentence):
    with pytest.raises(OptionError, match=sentence):
        Vectors.from_array(np.eye(2), [0, 1], **options)


@pytest.mark.parametrize("frames", [False, True])
def test_vectors_are_kept_in_a_file(tmp_path, frames):
    times = {"times": [1.5, 0.5, 0.5]} if frames else {}
    vectors = Vectors.from_array(np.eye(3, 2), [4, 4, 9] if frames else [4, 9, 2], names=["ä", "<b>"], **times)
    path = replace(vectors, failed={7: "No sound."}).save(tmp_path / "deep" / "mine.safetensors")
    again = Vectors.load(path)
    for name in ("values", "tracks", "times", "spans", "spread"):
        np.testing.assert_array_equal(getattr(again, name), getattr(vectors, name))
    assert again.meta() | {"key": ""} == vectors.meta() | {"key": ""}
    assert (again.labels, again.failed) == (vectors.labels, {7: "No sound."})
    assert again.key == Vectors.load(path).key != ""
    assert not again.values.flags.writeable
    assert of_tracks().save(tmp_path / "x") == tmp_path / "x"
    assert Vectors.load(tmp_path / "x").spread.tolist() == [0, 1, 2, 3]


def test_files_that_hold_no_vectors_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(EmbvizError, match="There is no file"):
        Vectors.load(path)
    path.write_bytes(b"no vectors at all")
    with pytest.raises(EmbvizError, match="damaged"):
        Vectors.load(path)
    fields = {"format": 1, **of_tracks().meta(), "labels": [], "failed": []}
    arrays = {"values": np.eye(3, dtype=np.float32), "tracks": np.arange(3)}
    wrong = [
        (arrays, {}),
        (arrays, fields | {"format": 2}),
        (arrays, fields | {"model": 3}),
        (arrays, fields | {"labels": [1]}),
        (arrays, fields | {"failed": [1]}),
        (arrays | {"tracks": np.arange(2)}, fields),
        (arrays | {"tracks": np.arange(3.0)}, fields),
        (arrays | {"more": np.arange(3.0)}, fields),
        ({"values": arrays["values"]}, fields),
    ]
    for held, said in wrong:
        io.write_arrays(path, held, {"embviz vectors": json.dumps(said)})
        with pytest.raises(EmbvizError, match="holds no vectors"):
            Vectors.load(path)
    with pytest.raises(EmbvizError, match="could not be written"):
        of_tracks().save(path / "y")


def test_spans_go_into_files(tmp_path):
    vectors = Vectors.from_array(np.eye(2), [4, 4], names=["start", "x"], times=[1, 2])
    for written in (
        pd.read_csv(vectors.to_csv(tmp_path / "v.csv"), index_col=["track", "time"]),
        pd.read_parquet(vectors.to_parquet(tmp_path / "v.parquet")),
    ):
        assert written.columns.tolist() == ["start ", "stop", "start", "x"]
        assert written["stop"].tolist() == [1.5, 2.5]
    with np.load(vectors.to_npz(tmp_path / "v.npz"), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["spans"], vectors.spans)
