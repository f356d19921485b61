"""Many tracks: computed once, whatever happens to one of them, to a process, or to the run."""

# ruff: noqa: PD011  Vectors and embeddings are no DataFrames

import errno
import multiprocessing
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import embviz
from embviz import Cache
from embviz.audio import audio, decoder_pool
from embviz.batch import embed_table, embedding_jobs, executors, vector_store, worker
from embviz.batch.pooling import POOLINGS
from embviz.core import io
from embviz.core.embedding import FrameGrid
from embviz.core.processes import count_threads
from embviz.errors import CacheWarning, CollectionError, LayerError, ModelError, OptionError, WeightsError
from embviz.extraction import extract

ROOT = Path(__file__).resolve().parents[2]
needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
TRACKS = ("rock.ogg", "jazz.ogg", "piano.ogg", "folk.ogg")


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Eight excerpts of four seconds."""
    folder = tmp_path_factory.mktemp("batch clips")
    for name in TRACKS:
        samples, rate = soundfile.read(ROOT / "sample_audio" / name, stop=44_100 * 40)
        for part in (0, 1):
            start = (10 + 12 * part) * rate
            soundfile.write(folder / f"{Path(name).stem} {part}.wav", samples[start : start + 4 * rate], rate)
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return sorted(folder.iterdir())


def a_table(paths, **columns):
    paths = [str(path) for path in paths]
    index = pd.Index(range(10, 10 + len(paths)), name="track")
    return pd.DataFrame({"path": pd.Series(paths, index=index, dtype=object), **columns}, index=index)


@pytest.fixture
def computed(monkeypatch):
    """The paths that were computed in this process, one entry for each time."""
    seen = []
    real = extract._compute

    def counted(sound, digest, specs, *rest):
        if specs:
            seen.append(Path(sound.path).name)
        return real(sound, digest, specs, *rest)

    monkeypatch.setattr(extract, "_compute", counted)
    return seen


def inodes(home):
    """What is kept, and which file it is: a file that is written again is another one."""
    return {path: path.stat().st_ino for path in (home / "cache").rglob("*.safetensors")}


# What comes out. -----------------------------------------------------------------------------------------------------


def test_vectors_are_the_means_of_the_frames(home, clips):
    vectors = embed_table(a_table(clips), "musicnn", workers=1)
    assert vectors.shape == (8, 200)
    assert isinstance(vectors.values, np.memmap)
    assert not vectors.values.flags.writeable
    assert list(vectors.tracks) == list(range(10, 18))
    assert (vectors.model, vectors.layer, vectors.pooling) == ("msd-musicnn-1", "embedding", "mean")
    for path, vector, spread in zip(clips, vectors.values, vectors.spread, strict=True):
        frames = embviz.embed(path, "musicnn").values
        np.testing.assert_allclose(vector, frames.mean(axis=0), rtol=1e-5, atol=1e-6)
        assert spread == pytest.approx(np.sqrt(np.square(frames - frames.mean(axis=0)).sum(axis=1).mean()), rel=1e-4)


def test_models_and_layers_nest_as_in_embed_and_share_the_decoding(home, clips, monkeypatch):
    decoded = []
    real = audio.decode_mix
    monkeypatch.setattr(audio, "decode_mix", lambda path, **more: decoded.append(path) or real(path, **more))
    found = embed_table(a_table(clips[:2]), ["musicnn", "tempocnn"], ["embedding", "output"], workers=1)
    assert [[one.shape for one in row] for row in found] == [[(2, 200), (2, 50)], [(2, 256), (2, 256)]]
    assert len(decoded) == 2
    assert found[0][1].labels[0] == "rock"
    assert len({one.key for row in found for one in row}) == 4
    assert [one.shape for one in embed_table(a_table(clips[:2]), "musicnn", ["embedding"], workers=1)] == [(2, 200)]


@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_way_of_pooling(home, clips, pooling, computed):
    vectors = embed_table(a_table(clips[:3]), "musicnn", "output", pooling=pooling, workers=1)
    frames = [embviz.embed(path, "musicnn", layer="output") for path in clips[:3]]
    if pooling == "frames":
        np.testing.assert_array_equal(vectors.values, np.concatenate([f.values for f in frames]))
        np.testing.assert_array_equal(vectors.times, np.concatenate([f.times for f in frames]))
        assert list(vectors.tracks) == [label for label, f in zip((10, 11, 12), frames, strict=True) for _ in f.times]
        np.testing.assert_array_equal(vectors.spans, [f.grid.receptive_span(i) for f in frames for i in range(len(f))])
        assert vectors.spread is None
        assert vectors.labels == frames[0].labels
    else:
        ways = {"mean": np.mean, "std": np.std, "max": np.max, "median": np.median}
        expected = [np.concatenate([ways[part](f.values, axis=0) for part in pooling.split("+")]) for f in frames]
        np.testing.assert_allclose(vectors.values, expected, rtol=1e-4, atol=1e-6)
        assert len(vectors.labels) == vectors.shape[1]
    assert len(computed) == 3
    again = embed_table(a_table(clips[:3]), "musicnn", "output", pooling=pooling, workers=1)
    np.testing.assert_array_equal(again.values, vectors.values)
    assert again.key == vectors.key


def test_a_matrix_without_spans_is_made_again_from_what_is_kept(home, clips, computed, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(vector_store, "TIMES", 2)
        before.setattr(FrameGrid, "receptive_span", lambda self, _frames: np.zeros((self.n_frames, 3)))
        with pytest.raises(OptionError, match="spans"):
            embed_table(a_table(clips[:2]), "musicnn", pooling="frames", workers=1)
    vectors = embed_table(a_table(clips[:2]), "musicnn", pooling="frames", workers=1)
    assert len(computed) == 2
    assert (vectors.spans[:, 0] <= vectors.times).all()
    assert (vectors.times <= vectors.spans[:, 1]).all()
    np.testing.assert_array_equal(
        embed_table(a_table(clips[:2]), "musicnn", pooling="frames", workers=1).spans, vectors.spans
    )


def test_rows_with_a_problem_are_left_out_and_said(home, clips):
    table = a_table(clips[:3], problem=["", "It is a text.", ""])
    vectors = embed_table(table, "musicnn", workers=1)
    assert list(vectors.tracks) == [10, 12]
    assert vectors.failed == {11: "It is a text."}


# What is not done twice. ---------------------------------------------------------------------------------------------


def test_what_embed_computed_is_taken_and_the_other_way_round(home, clips, computed, monkeypatch):
    embviz.embed(clips[0], "musicnn")
    monkeypatch.setattr(executors, "LocalProcesses", None)
    vectors = embed_table(a_table(clips[:2]), "musicnn", workers=1)
    assert computed == [clips[0].name, clips[1].name]
    frames = embviz.embed(clips[1], "musicnn")
    np.testing.assert_allclose(vectors.values[1], frames.values.mean(axis=0), rtol=1e-5, atol=1e-6)
    assert len(computed) == 2


def test_nothing_is_started_where_all_is_known(home, clips, monkeypatch):
    first = embed_table(a_table(clips), "musicnn", workers=1)
    monkeypatch.setattr(executors, "LocalThreads", None)
    monkeypatch.setattr(executors, "LocalProcesses", None)
    table = a_table(clips)
    np.testing.assert_array_equal(embed_table(table, "musicnn", workers=2).values, first.values)
    other_order = embed_table(table.iloc[::-1], "musicnn", workers=2)
    np.testing.assert_array_equal(other_order.values, first.values[::-1])
    assert other_order.key != first.key
    shutil.rmtree(home / "cache" / "embeddings")
    assert embed_table(table.iloc[2:5], "musicnn", pooling="max").shape == (3, 200)


def test_a_matrix_is_reopened_without_its_tracks(home, clips, monkeypatch):
    first = embed_table(a_table(clips), "musicnn", workers=1)
    digests = [Cache().digest(embviz.Audio.open(path)) for path in clips]
    monkeypatch.setattr(embedding_jobs.EmbeddingScheduler, "run", None)
    table = a_table([path.with_name("elsewhere.wav") for path in clips], digest=digests)
    found = embed_table(table, "musicnn")
    assert isinstance(found.values, np.memmap)
    np.testing.assert_array_equal(found.values, first.values)


def test_a_damaged_matrix_is_made_again(home, clips, computed):
    first = embed_table(a_table(clips[:3]), "musicnn", workers=1)
    expected = np.array(first.values)
    (path,) = (home / "cache" / "derived" / "matrices").rglob("*.npy")
    for damage in (b"", path.read_bytes()[:-9], path.read_bytes()[:-3] + b"abc"):
        path.unlink()
        path.write_bytes(damage)
        np.testing.assert_array_equal(embed_table(a_table(clips[:3]), "musicnn", workers=1).values, expected)
    assert len(computed) == 3


def test_copies_are_computed_once(home, clips, tmp_path, computed):
    copies = [tmp_path / f"{name}.wav" for name in "abc"]
    for copy in copies:
        shutil.copy2(clips[0], copy)
    vectors = embed_table(a_table([copies[0], clips[1], *copies[1:]]), "musicnn", workers=1)
    assert len(computed) == 2
    assert list(vectors.tracks) == [10, 11, 12, 13]
    np.testing.assert_array_equal(vectors.values[0], vectors.values[3])


@pytest.mark.parametrize(("model", "columns"), [("musicnn", 50), ("tempocnn", 256)])
def test_one_pass_keeps_tags_or_tempi_beside_the_embedding(home, clips, model, columns, computed):
    embed_table(a_table(clips[:2]), model, workers=1)
    frames = len(list((home / "cache" / "embeddings").rglob("*.safetensors")))
    assert (len(computed), frames) == (2, 2), "of what comes beside, only the pooled records are kept"
    for pooling in ("mean", "median"):
        output = embed_table(a_table(clips[:2]), model, "output", pooling=pooling, workers=1)
        assert output.shape == (2, columns)
        fresh = embed_table(a_table(clips[:2]), model, "output", pooling=pooling, workers=1, cache=False)
        np.testing.assert_allclose(output.values, fresh.values, atol=1e-6)
    assert len(computed) == 2 + 4, "only without a cache is there anything to compute"


def test_one_pass_keeps_the_frames_of_tags_where_those_of_embeddings_are_asked_for(home, clips, computed):
    embed_table(a_table(clips[:1]), "musicnn", pooling="frames", workers=1)
    embed_table(a_table(clips[:1]), "musicnn", "output", pooling="frames", workers=1)
    assert len(computed) == 1


def test_nothing_comes_beside_layers_that_end_before_it(home, clips, computed):
    embed_table(a_table(clips[:1]), "musicnn", "timbral", workers=1)
    embed_table(a_table(clips[:1]), "musicnn", "output", workers=1)
    assert len(computed) == 2


def test_an_output_that_fails_does_not_take_the_embedding_along(home, clips, monkeypatch):
    real = worker._keep_record

    def broken(job, want, embedding, store):
        if want.layer.name == "output":
            raise ValueError("no such luck")
        return real(job, want, embedding, store)

    monkeypatch.setattr(worker, "_keep_record", broken)
    vectors = embed_table(a_table(clips[:1]), "musicnn", workers=1)
    assert (len(vectors), vectors.failed) == (1, {})


@pytest.fixture
def retagged(clips, tmp_path):
    """Two of the clips with other bytes around the same samples."""
    paths = []
    for clip in clips[:2]:
        samples, rate = soundfile.read(clip, dtype="int16")
        paths.append(tmp_path / f"{clip.stem}.flac")
        soundfile.write(paths[-1], samples, rate)
        os.utime(paths[-1], (1_700_000_000, 1_700_000_000))
    return paths


@pytest.mark.parametrize("kept", ["frames", "records"])
def test_retagged_files_cost_one_decoding_and_no_pass_of_the_network(home, clips, retagged, monkeypatch, kept):
    first = embed_table(a_table(clips[:2]), "musicnn", workers=1)
    if kept == "records":
        shutil.rmtree(home / "cache" / "embeddings")
    monkeypatch.setattr(extract, "_run_graph", None)
    again = embed_table(a_table(retagged), "musicnn", workers=1)
    np.testing.assert_array_equal(again.values, first.values)
    assert again.key == first.key, "what is made of the matrix is found again, too"
    assert embed_table(a_table(retagged), "musicnn", "output", workers=1).shape == (2, 50)
    monkeypatch.setattr(embedding_jobs.EmbeddingScheduler, "start_executor", None)
    assert embed_table(a_table(retagged), "musicnn", pooling="max").shape == (2, 200)


def test_frames_of_retagged_files_are_those_that_are_kept(home, clips, retagged, monkeypatch):
    first = embed_table(a_table(clips[:2]), "musicnn", pooling="frames", workers=1)
    monkeypatch.setattr(extract, "_run_graph", None)
    np.testing.assert_array_equal(
        embed_table(a_table(retagged), "musicnn", pooling="frames", workers=1).values, first.values
    )


@pytest.mark.parametrize("pooling", ["mean", "frames"])
def test_vectors_of_rounded_embeddings_serve_only_where_that_is_allowed(home, clips, pooling, computed):
    folder, table = home / "cache", a_table(clips[:2])
    rounding = Cache(folder, precision="float16")
    for path in clips[:2]:
        embviz.embed(path, "musicnn", cache=rounding)
    rounded = embed_table(table, "musicnn", pooling=pooling, workers=1, cache=rounding)
    assert len(computed) == 2
    exact = embed_table(table, "musicnn", pooling=pooling, workers=1, cache=Cache(folder))
    fresh = embed_table(table, "musicnn", pooling=pooling, workers=1, cache=False)
    np.testing.assert_array_equal(exact.values, fresh.values)
    np.testing.assert_allclose(rounded.values, exact.values, rtol=1e-3, atol=1e-3)
    assert not np.array_equal(rounded.values, exact.values)
    assert rounded.key != exact.key


def test_a_run_does_not_push_out_what_it_has_done(home, clips, computed):
    cache = Cache(max_bytes=60_000)  # frames of one track take 4 kB, records 5 kB: not all of them fit
    vectors = embed_table(a_table(clips), "musicnn", pooling="frames", workers=1, cache=cache)
    assert len(computed) == len(clips)
    assert len(np.unique(vectors.tracks)) == 8
    assert cache.info()["bytes"] <= 60_000


def test_pooled_vectors_outlive_the_embeddings(home, clips, computed):
    embed_table(a_table(clips[:3]), "musicnn", workers=1)
    shutil.rmtree(home / "cache" / "embeddings")
    shutil.rmtree(home / "cache" / "derived" / "matrices")
    embed_table(a_table(clips[:3]), "musicnn", pooling="mean+std")
    assert len(computed) == 3


RUN = """
import sys, pandas as pd
from embviz.batch import embed_table
if __name__ == "__main__":
    paths = sys.argv[2:]
    table = pd.DataFrame({"path": paths}, index=pd.Index(range(10, 10 + len(paths)), name="track"))
    embed_table(table, ["musicnn", "tempocnn"], workers=int(sys.argv[1]))
"""


def started(workers, clips):
    command = [sys.executable, "-c", RUN, str(workers), *map(str, clips)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def family(process):
    """The processes of a session that still run."""
    shown = subprocess.run(["ps", "-o", "stat=", "-s", str(process.pid)], capture_output=True, text=True, check=False)
    return [line for line in shown.stdout.split() if not line.startswith("Z")]


def until(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def more_clips(clips, tmp_path_factory):
    """Thirty-two excerpts of a second: so many that no machine is done with them before it is interrupted."""
    folder = tmp_path_factory.mktemp("more clips")
    for path in clips:
        samples, rate = soundfile.read(path)
        for second in range(4):
            soundfile.write(folder / f"{path.stem} {second}.wav", samples[second * rate : (second + 1) * rate], rate)
    return sorted(folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_is_taken_up_where_it_stopped(home, more_clips, workers, computed):
    process = started(workers, more_clips)
    until(lambda: any((home / "cache").rglob("pooled/*/*.safetensors")))
    process.kill()
    process.communicate()
    until(lambda: not family(process), 30)
    done = inodes(home)
    records = [path for path in done if "pooled" in path.parts]
    each = 4  # of a track: of two models, the embedding and what comes beside it
    assert 1 <= len(records) < each * len(more_clips)
    first, second = embed_table(a_table(more_clips), ["musicnn", "tempocnn"], workers=1)
    assert len(first) == len(second) == len(more_clips)
    now = inodes(home)
    assert all(now[path] == done[path] for path in done)
    assert len(computed) <= len(more_clips) - len(records) // each + 1
    fresh = embed_table(a_table(more_clips), ["musicnn", "tempocnn"], workers=1, cache=False)
    # One thread for TensorFlow or two: the last bits differ, as they do between machines.
    np.testing.assert_allclose(first.values, fresh[0].values, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(second.values, fresh[1].values, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_two_runs_at_once_share_a_cache(home, clips):
    runs = [started(1, clips) for _ in "ab"]
    said = [process.communicate()[1].decode() for process in runs]
    assert [process.returncode for process in runs] == [0, 0], said
    vectors = embed_table(a_table(clips), "musicnn")
    assert len(vectors) == 8
    assert not [path for path in (home / "cache").rglob("*") if path.suffix in (".part", ".damaged")]


# What goes wrong. ----------------------------------------------------------------------------------------------------


def test_what_is_wrong_with_one_track_is_said_of_it(home, clips, tmp_path):
    text, empty, gone = tmp_path / "text\n.mp3", tmp_path / "empty.wav", tmp_path / "gone.wav"
    text.write_text("This is no sound.")
    empty.touch()
    vectors = embed_table(a_table([text, clips[0], empty, gone, clips[1]]), "musicnn", workers=1)
    assert list(vectors.tracks) == [11, 14]
    assert list(vectors.failed) == [10, 12, 13]
    assert "cannot be decoded" in vectors.failed[10]
    assert "\n" not in vectors.failed[10]
    assert "is empty" in vectors.failed[12]
    assert "no file" in vectors.failed[13]


def test_a_file_that_was_changed_since_it_was_listed_is_said(home, clips, tmp_path):
    changed = tmp_path / "changed.wav"
    shutil.copy(clips[1], changed)
    digest = embviz.Audio.open(clips[0]).digest
    vectors = embed_table(a_table([changed, clips[2]], digest=[digest, ""]), "musicnn", workers=1)
    assert "changed.wav' was changed since it was listed" in vectors.failed[10]
    assert list(vectors.tracks) == [11]


def test_names_that_are_no_text(home, clips, tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.wav"))
    shutil.copy(clips[0], odd)
    bad = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfd.mp3"))
    bad.write_text("no sound")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        vectors = embed_table(a_table([odd, bad]), "musicnn", executor=executor)
    assert list(vectors.tracks) == [10]
    vectors.failed[11].encode()


def test_what_is_not_finite_is_never_in_the_matrix(home, clips, monkeypatch):
    real = extract._to_embedding

    def spoiled(want, stitcher, sound, digest, **more):
        found = real(want, stitcher, sound, digest, **more)
        if sound.title == clips[1].name:
            found.values[0, 3] = np.inf
        return found

    monkeypatch.setattr(extract, "_to_embedding", spoiled)
    for pooling in ("mean", "frames"):
        vectors = embed_table(a_table(clips[:3]), "musicnn", pooling=pooling, workers=1)
        assert "not finite" in vectors.failed[11]
        assert set(vectors.tracks) == {10, 12}
        assert np.isfinite(vectors.values).all()


def test_nothing_at_all_is_an_error_with_the_reason(home, tmp_path):
    (tmp_path / "a.mp3").write_text("no sound")
    with pytest.raises(CollectionError, match=r"gave nothing: 'a.mp3' cannot be decoded"):
        embed_table(a_table([tmp_path / "a.mp3"]), "musicnn", workers=1)
    with pytest.raises(CollectionError, match="no track to compute: the table is empty"):
        embed_table(a_table([]), "musicnn")
    with pytest.raises(CollectionError, match="all 2 failed, the first because: no"):
        embed_table(a_table(["a", "b"], problem=["no", "no"]), "musicnn")


def test_what_is_wrong_for_all_is_raised_before_anything_starts(home, clips, monkeypatch):
    monkeypatch.setattr(embedding_jobs.EmbeddingScheduler, "run", None)
    table = a_table(clips)
    for arguments, error in (
        (("musicn",), ModelError),
        (("musicnn", "timbrel"), LayerError),
        (("openl3",), WeightsError),
        (([],), OptionError),
    ):
        with pytest.raises(error):
            embed_table(table, *arguments)
    for options in ({"pooling": "sum"}, {"workers": 0}, {"executor": 3}, {"patch_hop": -1}, {"resample_quality": 9}):
        with pytest.raises(OptionError):
            embed_table(table, "musicnn", **options)
    with pytest.raises(OptionError, match="column 'path'"):
        embed_table([1, 2], "musicnn")
    with pytest.raises(OptionError, match="whole numbers, each once"):
        embed_table(table.set_axis(["a"] * 8), "musicnn")


def test_a_graph_that_fails_does_not_take_the_others_along(home, clips, monkeypatch):
    real = extract.run_passes

    def failing(runs, *rest, **more):
        if runs[0][0].model.system == "musicnn":
            raise RuntimeError("no such luck")
        return real(runs, *rest, **more)

    monkeypatch.setattr(extract, "run_passes", failing)
    with pytest.raises(CollectionError, match="no such luck"):
        embed_table(a_table(clips[:1]), ["musicnn", "tempocnn"], workers=1)
    assert len(embed_table(a_table(clips[:1]), "tempocnn")) == 1


def full(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def open_full(_folder, *, buffering=-1):
    """Open a file that can be written to as long as nothing has to be written out."""
    return open("/dev/full", "r+b", buffering=buffering)  # noqa: PTH123


@pytest.mark.parametrize("unlinked", [full, pytest.param(open_full, marks=needs_dev_full)])
@pytest.mark.parametrize("pooling", ["mean", "frames"])
def test_a_full_disk_costs_one_warning(home, clips, monkeypatch, pooling, unlinked):
    monkeypatch.setattr(io, "write_bytes", full)
    monkeypatch.setattr(vector_store, "_open_unlinked", unlinked)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(CacheWarning, match="No space left on device") as warned:
        vectors = embed_table(a_table(clips[:3]), "musicnn", pooling=pooling, workers=1)
    assert len(warned) == 1
    assert len(np.unique(vectors.tracks)) == 3
    assert not list((home / "cache").rglob("*.part"))


def test_without_a_cache_nothing_is_written(home, clips):
    vectors = embed_table(a_table(clips[:2]), "musicnn", workers=1, cache=False)
    assert len(vectors) == 2
    assert not (home / "cache").exists()


# Progress and cancelling. --------------------------------------------------------------------------------------------


def test_progress_counts_tracks(home, clips, tmp_path):
    (tmp_path / "text.mp3").write_text("no sound")
    reports = []
    embed_table(a_table([*clips, tmp_path / "text.mp3"]), "musicnn", workers=1, progress=lambda *r: reports.append(r))
    assert reports[0][1:] == (0, 9)
    assert reports[-1][1:] == (9, 9)
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)
    assert all(stage.startswith(f"embedding {done:,} of {total:,} tracks") for stage, done, total in reports)


def first_stage(table, *arguments, **options):
    stages = []
    embed_table(table, *arguments, **options, workers=1, progress=lambda stage, *_: stages.append(stage))
    return stages[0]


def test_a_run_says_first_what_is_to_be_computed_and_what_that_costs(home, clips, monkeypatch):
    monkeypatch.setattr(embedding_jobs, "count_cores", lambda: 4)
    table = a_table(clips[:2], duration=[1800.0, 1800.0])
    said = "embedding 0 of 2 tracks · embedding by msd-musicnn-1 of 1.0 h of sound, about 9 s"
    assert first_stage(table, "musicnn") == said
    assert first_stage(table, "musicnn", "output") == "embedding 2 of 2 tracks"
    assert first_stage(table, "vgg", "output").startswith("embedding 0 of 2 tracks · tags by msd-vgg-1 of 1.0 h")
    twice = first_stage(table.assign(path=[str(path) for path in clips[2:4]]), "musicnn", patch_hop=0.75)
    assert twice.endswith("of 1.0 h of sound, about 11 s")


def test_what_is_to_be_computed_is_said_once_the_cache_was_looked_into(home, clips, monkeypatch):
    monkeypatch.setattr(embedding_jobs, "TICK", 0)
    stages = []
    embed_table(a_table(clips[:2]), "tempocnn", workers=1, progress=lambda *report: stages.append(report))
    assert stages[:3] == [("looking into the cache", i, 2) for i in range(3)]
    assert "embedding by deepsquare-k8" in stages[3][0]


def test_an_interrupted_run_says_what_is_kept(home, clips):
    def report(_stage, done, _total):
        if done >= 3:
            raise KeyboardInterrupt

    for cache, kept in (
        (None, "what was done is kept: run it again to go on"),
        (False, "nothing of this run was kept"),
    ):
        with pytest.raises(KeyboardInterrupt) as caught:
            embed_table(a_table(clips), "musicnn", workers=1, progress=report, cache=cache)
        (note,) = caught.value.__notes__
        assert re.fullmatch(f"Interrupted after [34] of 8 tracks; {kept}\\.", note)


class EnoughError(Exception):
    pass


def test_cancelling_keeps_what_was_done(home, clips, computed):
    def report(_stage, done, _total):
        if done >= 3:
            raise EnoughError

    with pytest.raises(EnoughError):
        embed_table(a_table(clips), "musicnn", workers=1, progress=report)
    embed_table(a_table(clips), "musicnn", workers=1)
    assert 8 <= len(computed) <= 10  # those that were stopped in their middle are begun again
    assert not list((home / "cache" / "runs").iterdir())


def test_the_next_track_is_decoded_while_the_network_of_one_runs(home, clips, monkeypatch):
    decoded, both, real_decode, real_run = [], threading.Event(), audio.decode_mix, extract.run_passes

    def decode(path, **more):
        found = real_decode(path, **more)
        decoded.append(path)
        if len(decoded) == 2:
            both.set()
        return found

    def run(*arguments, **more):
        assert both.wait(30), "the next track waits for the network"
        yield from real_run(*arguments, **more)

    monkeypatch.setattr(audio, "decode_mix", decode)
    monkeypatch.setattr(extract, "run_passes", run)
    assert not embed_table(a_table(clips[:2]), "tempocnn", workers=1).failed


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")
def test_cancelling_between_decoding_and_network_ends_both(home, clips, computed, monkeypatch):
    stuck, waiting, cancelled = [], threading.Event(), threading.Event()
    real_ask, real_run = decoder_pool.DecoderProcess.ask, extract.run_passes

    def ask(self, question, *more):
        if Path(question["path"]).name == clips[2].name:
            os.kill(self._process.pid, signal.SIGSTOP)  # as if its file were a long one
            stuck.append(self._process)
        return real_ask(self, question, *more)

    def run(*arguments, **more):
        if stuck:
            waiting.set()
            cancelled.wait(60)
        yield from real_run(*arguments, **more)

    def report(_stage, done, _total):
        if done and stuck and waiting.is_set():
            raise EnoughError

    def jobs():
        return [thread for thread in threading.enumerate() if thread.name.startswith("embviz-jobs")]

    monkeypatch.setattr(decoder_pool.DecoderProcess, "ask", ask)
    monkeypatch.setattr(extract, "run_passes", run)
    try:
        with pytest.raises(EnoughError):
            embed_table(a_table(clips), ["musicnn", "tempocnn"], workers=1, progress=report)
    finally:
        cancelled.set()
    until(lambda: not jobs())
    assert stuck[0].poll() is not None
    assert not decoder_pool.pool._busy
    assert not list((home / "cache").rglob("*.part"))
    kept = inodes(home)
    for path in kept:
        io.read_arrays(path)  # raises where it is not whole
    monkeypatch.undo()
    monkeypatch.setenv("EMBVIZ_HOME", str(home))
    assert not embed_table(a_table(clips), ["musicnn", "tempocnn"], workers=1)[0].failed
    assert inodes(home).items() >= kept.items()


def workers_of_this_process():
    shown = subprocess.run(["ps", "-o", "stat=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True)  # noqa: PLW1510
    return [line for line in shown.stdout.splitlines() if "popen_loky" in line and not line.startswith("Z")]


@pytest.mark.slow
def test_cancelling_does_not_wait_for_workers(home, clips, tmp_path):
    samples, rate = soundfile.read(clips[0])
    soundfile.write(tmp_path / "long.wav", np.tile(samples, (200, 1)), rate)

    def report(_stage, _done, _total):
        lines = list((home / "cache" / "runs").rglob("*"))
        if any(line.is_file() and "msd-musicnn" in line.read_text() for line in lines):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed_table(a_table([tmp_path / "long.wav"]), "musicnn", workers=2, progress=report)
    assert not list((home / "cache").rglob("*.safetensors")), "the track was embedded to its end"
    until(lambda: not workers_of_this_process())


# Executors. ----------------------------------------------------------------------------------------------------------


def test_jobs_are_plain_data():
    job = worker.EmbeddingJob("/a\udcff.wav", "a", "", (), False, True, "/c", 1, {}, "/l")
    assert pickle.loads(pickle.dumps(job)) == job  # noqa: S301  our own


@pytest.mark.parametrize(("cores", "threads", "given"), [(6, None, "3"), (1, None, "1"), (6, 1, "1")])
def test_processes_share_the_cores(monkeypatch, cores, threads, given):
    monkeypatch.setattr(executors, "count_cores", lambda: cores)
    started = []
    monkeypatch.setattr(executors.LocalProcesses, "_start", lambda self: started.append(self._environment))
    executors.choose_executor(None, 2, 8, quick=False, threads=threads)
    assert started == [dict.fromkeys(executors.THREAD_VARIABLES, given)]


@pytest.mark.slow
def test_a_process_computes_with_the_threads_that_it_is_given(monkeypatch):
    monkeypatch.setattr(executors, "count_cores", lambda: 1)
    executor = executors.choose_executor(None, 2, 1, quick=False)
    try:
        assert executor.submit(_count_threads, None).result() == 1
    finally:
        executor.close()


def _count_threads(_):
    return count_threads()


def test_threads(home, clips):
    with ThreadPoolExecutor(3) as executor:
        vectors = embed_table(a_table(clips), "musicnn", executor=executor)
    fresh = embed_table(a_table(clips), "musicnn", workers=1, cache=False)
    np.testing.assert_array_equal(vectors.values, fresh.values)


@pytest.mark.slow
def test_spawned_processes_know_own_models_and_the_home(home, clips, monkeypatch, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(home / "data" / "models", own / "data" / "models", symlinks=False)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        executor.submit(os.getpid).result()  # started with another home
        monkeypatch.setenv("EMBVIZ_HOME", str(own))
        embviz.register_model(own / "data" / "models" / "msd-musicnn-1.pb", name="mine", frontend="musicnn",
                              embedding="model/dense/BiasAdd")  # fmt: skip
        mine = embed_table(a_table(clips[:3]), "mine", executor=executor)
        kept = inodes(own)
        monkeypatch.setenv("EMBVIZ_SHARED", str(own))
        monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "mine"))
        again = embed_table(a_table(clips[:4]), "mine", executor=executor)
    assert mine.model == "mine"
    assert any("pooled" in path.parts for path in kept)
    assert inodes(own) == kept
    assert len(list((tmp_path / "mine" / "cache").rglob("pooled/*/*.safetensors"))) == 1  # three were there
    np.testing.assert_array_equal(mine.values, again.values[:3])
    np.testing.assert_array_equal(mine.values, embed_table(a_table(clips[:3]), "musicnn", workers=1).values)


class Fragile(executors.LocalProcesses):
    """Stands in for processes that a damaged file ends."""

    def submit(self, call, argument):
        assert call is worker.run_job
        return self._executor.submit(_run_or_die, argument)


def _run_or_die(job):
    if Path(job.path).name.startswith("piano 0"):
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    return worker.run_job(job)


@pytest.mark.slow
def test_a_track_that_ends_its_process_is_tried_twice_and_the_others_go_on(home, clips, monkeypatch):
    monkeypatch.setattr(executors, "LocalProcesses", Fragile)
    vectors = embed_table(a_table(clips), "musicnn", workers=2)
    deadly = next(i for i, path in enumerate(clips) if path.name == "piano 0.wav")
    assert list(vectors.failed) == [10 + deadly]
    assert "ended the process that read it" in next(iter(vectors.failed.values()))
    assert len(vectors) == 7
    # Another run, however short, does not try it in this process.
    monkeypatch.setattr(executors, "LocalThreads", None)
    short = a_table([clips[0], clips[deadly]], duration=[4.0, 4.0])
    assert len(embed_table(short, "musicnn")) == 1


def test_an_executor_that_was_shut_down_is_an_error(home, clips):
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(CollectionError, match=r"takes no tasks: cannot schedule new futures after shutdown\. What"):
        embed_table(a_table(clips[:2]), "musicnn", executor=executor)


def test_a_client_of_dask_is_no_executor(clips):
    from distributed import Client

    client_stand_in = type("Client", (), {"submit": Client.submit, "get_executor": Client.get_executor})()
    with pytest.raises(OptionError, match=r"has one: get_executor\(\)"):
        embed_table(a_table(clips[:2]), "musicnn", executor=client_stand_in)


def test_a_broken_executor_of_somebody_else_is_an_error_that_keeps_what_is_done(home, clips):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        with pytest.raises(BrokenProcessPool):
            executor.submit(os._exit, 1).result()
        with pytest.raises(CollectionError, match="give a new executor"):
            embed_table(a_table(clips[:2]), "musicnn", executor=executor)


@pytest.mark.slow
def test_from_a_thread_with_processes(home, clips):
    found = []
    thread = threading.Thread(target=lambda: found.append(embed_table(a_table(clips), "tempocnn", workers=2)))
    thread.start()
    thread.join(120)
    assert found[0].shape == (8, 256)


@pytest.mark.slow
def test_dask_with_a_worker_killed_on_the_way(home, clips):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())
        killed = []

        def report(_stage, done, _total):
            if done >= 2 and not killed:
                killed.append(os.kill(pids[0], signal.SIGKILL))

        vectors = embed_table(a_table(clips), ["musicnn", "tempocnn"], executor=client.get_executor(), progress=report)
    assert killed
    assert [one.shape for one in vectors] == [(8, 200), (8, 256)]
    assert not vectors[0].failed
