"""The store: what is kept is whole, what is damaged is noticed, and nothing that goes wrong with it stops the work."""

import errno
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict

import numpy as np
import pytest
import soundfile

import embviz
from embviz import Audio, Cache, Embedding, FrameGrid
from embviz.audio.facts import SoundFacts, known_problem, load_facts, note_problem
from embviz.core import io
from embviz.core.cache import _entry
from embviz.core.memmap import scratch_array
from embviz.errors import AudioError, CacheWarning, OptionError, UndecodableError
from embviz.extraction import extract


def an_embedding(seed=0, t=20, d=30):
    values = np.random.default_rng(seed).random((t, d), dtype=np.float32)
    return Embedding(values, FrameGrid(100, 10, 10, 10, 0, t, 10 * t), "m", "embedding", title=f"{seed}.ogg")


def key(i=0, **more):
    return {"audio": f"{i:040x}", "weights": "ab", "layer": "embedding", **more}


def entries(cache):
    return sorted(cache.folder.rglob("*.safetensors"))


def test_what_was_put_comes_back_mapped(cache):
    embedding = an_embedding()
    assert cache.get(key()) is None
    cache.put(key(), embedding)
    found = cache.get(key())
    assert isinstance(found.values, np.memmap)
    assert np.array_equal(found.values, embedding.values)
    assert found.grid == embedding.grid


@pytest.mark.parametrize("change", ["audio", "weights", "layer", "new"])
def test_everything_in_the_key_counts(cache, change):
    cache.put(key(), an_embedding())
    assert cache.get(key() | {change: "other"}) is None


def test_the_key_stands_readable_in_the_file(cache):
    cache.put(key(title="ünïcode"), an_embedding())
    (path,) = entries(cache)
    header = path.read_bytes()[8:2000]
    assert '"title": "ünïcode"'.encode() in header.replace(b"\\", b"")
    assert list(cache.keys()) == [key(title="ünïcode")]


@pytest.mark.parametrize(
    ("engine", "versions"), [("essentia", {"essentia"}), ("onnx", {"engine", "onnxruntime", "translation", "decoding"})]
)
def test_keys_hold_everything_that_changes_the_numbers(home, rock, engine, versions):
    embviz.embed(rock, "tempocnn", layer="output", engine=engine)
    (kept,) = Cache().keys()
    assert kept["audio"] == Audio.open(rock).digest
    assert len(kept["weights"]) == 64
    assert kept["frontend"]["hop"] == 512
    assert {"layer", "nodes", "resample_quality", "format", "patch_hop", "patch_frames"} | versions <= set(kept)


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == "flip":
        data[-5] ^= 1
    path.write_bytes({"empty": b"", "half": data[: len(data) // 2], "flip": data, "text": b"hello"}[how])


@pytest.mark.parametrize("how", ["empty", "half", "flip", "text"])
def test_a_damaged_entry_is_set_aside_with_one_warning(cache, how):
    for i in range(2):
        cache.put(key(i), an_embedding(i))
    for path in entries(cache):
        damage(path, how)
    with pytest.warns(CacheWarning, match="set aside") as warned:
        found = [cache.get(key(i)) for i in range(2)]
    assert found == [None, None]
    assert len(warned) == 1
    assert cache.info()["damaged"] == 2
    cache.put(key(0), an_embedding())
    assert cache.get(key(0)) is not None


def test_a_damaged_entry_is_computed_again(home, rock):
    first = embviz.embed(rock, "tempocnn")
    for path in entries(Cache()):
        damage(path, "flip")
    with pytest.warns(CacheWarning, match="set aside"):
        again = embviz.embed(rock, "tempocnn")
    assert np.array_equal(first.values, again.values)
    assert np.array_equal(embviz.embed(rock, "tempocnn").values, first.values)


def test_verify_and_prune(cache):
    for i in range(5):
        cache.put(key(i), an_embedding(i))
        os.utime(entries(cache)[0])
    damage(entries(cache)[2], "half")
    aside = cache.verify()
    assert [path.suffix for path in aside] == [".damaged"]
    assert cache.info()["entries"] == 4
    assert cache.prune() > 0
    assert cache.info()["damaged"] == 0
    assert cache.clear() > 0
    assert cache.info() == {
        "folder": str(cache.folder),
        "entries": 0,
        "bytes": 0,
        "limit": 10 * 2**30,
        "damaged": 0,
        "derived": 0,
        "sounds": 0,
        "shared": [],
    }


def test_the_least_recently_used_go_first(tmp_path):
    size = an_embedding(t=1000).nbytes
    cache = Cache(tmp_path, max_bytes=6 * size)
    for i in range(5):
        cache.put(key(i), an_embedding(i, t=1000))
        past = time.time() - 1000 + i
        os.utime(cache.folder / _entry(key(i)), (past, past))
    assert cache.get(key(0)) is not None  # used now
    cache.put(key(5), an_embedding(5, t=1000))
    cache.put(key(6), an_embedding(6, t=1000))
    assert cache.info()["bytes"] <= 6 * size
    assert cache.get(key(0)) is not None
    assert cache.get(key(1)) is None
    assert cache.get(key(6)) is not None


def test_an_entry_that_would_push_all_others_out_is_not_kept(tmp_path):
    cache = Cache(tmp_path, max_bytes=10_000)
    cache.put(key(), an_embedding(t=1000))
    assert cache.info()["entries"] == 0


def test_limit_must_be_positive(tmp_path):
    with pytest.raises(OptionError, match="above 0"):
        Cache(tmp_path, max_bytes=0)


def test_a_full_disk_costs_one_warning(home, rock, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(io, "atomic_write", full)
    with pytest.warns(CacheWarning, match="No space left on device") as warned:
        embeddings = embviz.embed(rock, "tempocnn", layer=["embedding", "output"])
    assert [e.shape for e in embeddings] == [(19, 256)] * 2
    assert len(warned) == 1


def test_a_folder_that_cannot_be_written_costs_one_warning(home, rock, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.warns(CacheWarning, match="cannot be kept"):
        embedding = embviz.embed(rock, "tempocnn", cache=Cache(tmp_path / "file" / "cache"))
    assert embedding.shape == (19, 256)


def test_two_processes_write_the_same_entry(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from embviz import Cache, Embedding, FrameGrid\n"
        "e = Embedding(np.full((2000, 50), 7, np.float32), FrameGrid(100, 10, 10, 10, 0, 2000, 20000), 'm', 'l')\n"
        "c = Cache(sys.argv[1])\n"
        "for _ in range(40):\n"
        "    c.put({'a': 1}, e)\n"
        "    assert c.get({'a': 1}).values[1999, 49] == 7\n"
    )
    run = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", code, tmp_path], stderr=subprocess.PIPE) for _ in "abc"
    ]
    assert [(p.wait(), p.stderr.read()) for p in run] == [(0, b"")] * 3
    assert [p.suffix for p in tmp_path.rglob("*") if p.is_file()] == [".safetensors"]


# Digests. ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 1000)
    os.utime(path, (1_000_000, 1_000_000))
    return path


def test_a_known_file_is_not_read_again(cache, old_file, monkeypatch):
    digest = cache.digest(Audio.open(old_file))
    assert digest == Audio.open(old_file).digest
    monkeypatch.setattr("embviz.core.cache.file_digest", None)
    assert cache.digest(Audio.open(old_file)) == digest


def test_a_changed_file_is_read_again(cache, old_file):
    digest = cache.digest(Audio.open(old_file))
    old_file.write_bytes(b"y" * 1000)
    os.utime(old_file, (1_000_001, 1_000_001))
    assert cache.digest(Audio.open(old_file)) != digest


def test_a_file_that_changes_right_now_is_not_trusted(cache, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")
    stat = path.stat()
    first = cache.digest(Audio.open(path))
    path.write_bytes(b"y")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert cache.digest(Audio.open(path)) != first


def test_a_digest_is_remembered_without_reading(cache, old_file, monkeypatch):
    assert cache.known_digest(old_file) is None
    digest = cache.digest(Audio.open(old_file))
    monkeypatch.setattr("embviz.core.cache.file_digest", None)
    assert cache.known_digest(old_file) == digest
    os.utime(old_file, (1, 1))
    assert cache.known_digest(old_file) is None
    assert cache.known_digest(old_file.with_name("gone")) is None


@pytest.mark.parametrize("given", ["here", True, 7])
def test_what_is_no_cache_is_refused(given):
    with pytest.raises(OptionError, match="cache is a Cache, False or None"):
        embviz.embed((np.zeros(99, np.float32), 16_000), "musicnn", cache=given)


def test_what_is_there_is_known_without_reading(cache, monkeypatch):
    assert not cache.has(key())
    cache.put(key(), an_embedding())
    monkeypatch.setattr(Embedding, "load", None)
    assert cache.has(key())
    assert not cache.has(key(1))


def test_a_file_that_is_replaced_while_it_is_read_is_not_kept_under_the_other_s_name(home, tmp_path):
    path, other = tmp_path / "a.wav", tmp_path / "b.wav"
    for name, pitch in ((path, 9), (other, 23)):
        soundfile.write(name, 0.1 * np.sin(np.arange(4 * 16_000) / pitch), 16_000)
    keep = path.read_bytes()
    os.utime(path, (1, 1))

    def replace(stage, done, _total):
        if stage.startswith("decoding") and not done and other.exists():
            other.replace(path)

    with pytest.raises(AudioError, match="was changed while it was read"):
        embviz.embed(path, "tempocnn", progress=replace)
    path.write_bytes(keep)
    os.utime(path, (1, 1))
    fresh = embviz.embed(path, "tempocnn", cache=False)
    assert np.array_equal(embviz.embed(path, "tempocnn").values, fresh.values)


def test_a_damaged_memo_is_ignored(cache, old_file):
    digest = cache.digest(Audio.open(old_file))
    (memo,) = (cache.folder / "digests").rglob("*.json")
    for content in (b"", b"{", b"[]", b"[" * 100_000, json.dumps({"file": None}).encode(), b"\xff\xff"):
        memo.write_bytes(content)
        assert cache.digest(Audio.open(old_file)) == digest


def test_a_copy_under_another_name_is_found(home, rock, tmp_path):
    import shutil

    shutil.copy(rock, tmp_path / "copy.ogg")
    first = embviz.embed(rock, "tempocnn")
    second = embviz.embed(tmp_path / "copy.ogg", "tempocnn")
    assert isinstance(second.values, np.memmap)
    assert np.array_equal(first.values, second.values)
    assert (first.title, second.title) == ("rock.ogg", "copy.ogg")


def test_sounds_for_browsers_are_counted_and_cleared(cache):
    folder = cache.folder / "sounds" / "ab"
    folder.mkdir(parents=True)
    (folder / "cdef.ogg").write_bytes(bytes(1000))
    assert cache.info()["sounds"] == 1000
    assert cache.clear() == 1000
    assert cache.info()["sounds"] == 0


# What is derived. --------------------------------------------------------------------------------------------------


def arrays():
    return {"mean": np.arange(5, dtype=np.float32), "frames": np.array([7])}


def test_records_come_back_by_kind_and_key(cache):
    assert cache.load_arrays("pooled", key()) is None
    cache.save_arrays("pooled", key(), arrays())
    found = cache.load_arrays("pooled", key())
    assert isinstance(found["mean"], np.memmap)
    assert all(np.array_equal(found[name], array) for name, array in arrays().items())
    assert cache.load_arrays("pooled", key(1)) is None
    assert cache.load_arrays("neighbours", key()) is None


@pytest.mark.parametrize("how", ["empty", "half", "flip", "text"])
def test_a_damaged_record_is_set_aside_with_one_warning(cache, how):
    for i in range(2):
        cache.save_arrays("pooled", key(i), arrays())
    for path in entries(cache):
        damage(path, how)
    with pytest.warns(CacheWarning, match="set aside") as warned:
        assert [cache.load_arrays("pooled", key(i)) for i in range(2)] == [None, None]
    assert len(warned) == 1
    assert cache.info()["damaged"] == 2
    assert cache.verify() == []
    cache.prune()
    assert cache.info()["damaged"] == 0


def test_records_that_cannot_be_kept_cost_one_warning(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    cache = Cache(tmp_path / "file" / "cache")
    with pytest.warns(CacheWarning, match="cannot be kept"):
        cache.save_arrays("pooled", key(), arrays())
    cache.save_arrays("pooled", key(1), arrays())  # a second warning would be an error
    other = Cache(cache.folder)  # as the next step of one call opens it
    other.save_arrays("neighbours", key(1), arrays())
    assert cache.unwritable
    assert other.unwritable
    assert cache.load_arrays("pooled", key()) is None


def test_a_folder_that_can_only_be_read_still_gives_records(cache, monkeypatch):
    cache.save_arrays("pooled", key(), arrays())

    def refused(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "utime", refused)
    assert np.array_equal(cache.load_arrays("pooled", key())["mean"], arrays()["mean"])


def test_embeddings_do_not_push_out_records_and_pooled_vectors_go_last(tmp_path):
    cache = Cache(tmp_path, max_bytes=20_000)
    cache.save_arrays("pooled", key(), arrays())
    os.utime(cache.derived_path("pooled", key()), (1, 1))
    for i in range(9):
        cache.put(key(i), an_embedding(i))
        cache.save_arrays("projections", key(i), {"xy": np.zeros((400, 2), np.float32)})
        os.utime(cache.derived_path("projections", key(i)), (100 + i, 100 + i))
    cache.save_arrays("projections", key(9), {"xy": np.zeros((400, 2), np.float32)})
    info = cache.info()
    assert info["bytes"] <= 20_000
    assert info["derived"] <= 20_000
    assert cache.load_arrays("pooled", key()) is not None
    assert cache.load_arrays("projections", key(0)) is None
    assert cache.load_arrays("projections", key(9)) is not None


def test_clearing_removes_what_is_derived_too(cache):
    cache.save_arrays("pooled", key(), arrays())
    held = cache.info()["derived"]
    assert cache.clear() == held > 0
    assert cache.load_arrays("pooled", key()) is None
    assert not list(cache.folder.rglob("*.safetensors"))


def test_what_a_killed_process_left_half_written_is_swept_up(cache):
    cache.save_arrays("pooled", key(), arrays())
    old, new = (cache.derived_path("pooled", key()).with_name(f".{name}.part") for name in ("old", "new"))
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (1, 1))
    assert cache.prune() == 4
    assert (old.exists(), new.exists()) == (False, True)


# Shared homes. -----------------------------------------------------------------------------------------------------


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A cache with one entry of each sort in a home that others read."""
    home = tmp_path / "class"
    monkeypatch.setenv("EMBVIZ_SHARED", os.pathsep.join([str(tmp_path / "gone"), str(home), "", "relative/home"]))
    cache = Cache(home / "cache")
    cache.put(key(), an_embedding())
    cache.save_arrays("pooled", key(), arrays())
    return cache


def test_what_is_missing_is_read_from_a_shared_home(cache, shared, old_file):
    digest = shared.digest(Audio.open(old_file))
    before = snapshot(shared.folder)
    assert cache.has(key())
    assert cache.has_arrays("pooled", key())
    assert np.array_equal(cache.get(key()).values, an_embedding().values)
    assert np.array_equal(cache.load_arrays("pooled", key())["mean"], arrays()["mean"])
    assert cache.known_digest(old_file) == digest
    assert (cache.get(key(1)), cache.load_arrays("pooled", key(1))) == (None, None)
    assert snapshot(shared.folder) == before  # no time of use either
    assert not cache.folder.exists()


def test_one_s_own_comes_first(cache, shared):
    cache.put(key(), an_embedding(1))
    assert np.array_equal(cache.get(key()).values, an_embedding(1).values)


def test_a_shared_home_is_counted_but_never_changed(cache, shared):
    cache.put(key(1), an_embedding())
    before = snapshot(shared.folder)
    kept = {"folder": str(shared.folder), "entries": 1, "bytes": shared.info()["bytes"]}
    kept |= {"derived": shared.info()["derived"], "sounds": 0}
    assert [one for one in cache.info()["shared"] if one["entries"]] == [kept]
    assert shared.info()["shared"] == cache.info()["shared"][:1]  # a home is not behind itself
    cache.verify()
    cache.prune(0)
    cache.clear()
    assert snapshot(shared.folder) == before


def test_what_is_damaged_in_a_shared_home_is_passed_over(cache, shared):
    for path in entries(shared):
        damage(path, "flip")
    before = snapshot(shared.folder)
    assert (cache.get(key()), cache.load_arrays("pooled", key())) == (None, None)
    assert snapshot(shared.folder) == before


def test_an_array_on_a_full_disk_is_in_memory(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert isinstance(scratch_array((3, 2)), np.memmap)
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    array = scratch_array((3, 2))
    assert not isinstance(array, np.memmap)
    np.testing.assert_array_equal(array, np.zeros((3, 2), np.float32))


# Files that sound the same. ------------------------------------------------------------------------------------------


FACTS = asdict(SoundFacts("5a", "essentia", 44_100, 2, 12.0, 12.5, "half of it is noise"))


def test_what_is_kept_of_one_file_is_found_for_another_that_sounds_the_same(cache):
    cache.put(key(audio="first"), an_embedding())
    cache.save_arrays("pooled", key(audio="first"), arrays())
    cache.put(key(audio="other", layer="old"), an_embedding(1))
    assert not cache.note_sound("first", FACTS)
    assert cache.get(key(audio="other")) is None
    assert cache.note_sound("other", FACTS)
    assert not cache.note_sound("other", FACTS), "that is known by now"
    np.testing.assert_array_equal(cache.get(key(audio="other")).values, an_embedding().values)
    assert cache.has(key(audio="other"))
    assert cache.load_arrays("pooled", key(audio="other")) is not None
    assert cache.has(key(audio="other", layer="old")), "what was kept before stays"
    assert (cache.kept_digest("other"), cache.kept_digest("first")) == ("first", "first")


def test_what_is_computed_of_a_file_that_sounds_the_same_is_kept_for_both(cache):
    cache.note_sound("first", FACTS)
    cache.note_sound("other", FACTS)
    cache.put(key(audio="other"), an_embedding())
    cache.save_arrays("pooled", key(audio="other"), arrays())
    assert {one["audio"] for one in cache.keys()} == {"first"}  # noqa: SIM118  no mapping
    assert cache.has_arrays("pooled", key(audio="first"))
    assert not cache.verify()


def test_what_decoding_found_out_is_remembered_and_cleared(cache):
    assert load_facts(cache, "first") is None
    cache.note_sound("first", FACTS)
    assert asdict(load_facts(cache, "first")) == FACTS
    assert cache.info()["derived"] > 0
    cache.clear()
    assert load_facts(cache, "first") is None


@pytest.mark.parametrize(
    "record",
    [b"", b"[1]", b"{" * 100_000, b'{"digest": 7}', json.dumps({**FACTS, "seconds": "NaN"}).encode(),
     json.dumps({**FACTS, "seconds": float("inf")}).encode(), json.dumps({**FACTS, "note": ["x"]}).encode(),
     json.dumps({**FACTS, "more": 1}).encode()],
)  # fmt: skip
def test_a_damaged_record_of_a_sound_is_no_record(cache, record):
    cache.note_sound("first", FACTS)
    cache.note_sound("other", FACTS)
    for path in (cache.folder / "derived").rglob("*.json"):
        path.write_bytes(record)
    assert load_facts(cache, "first") is None
    assert cache.kept_digest("other") in ("other", "5a")
    cache.note_sound("first", FACTS)
    assert asdict(load_facts(cache, "first")) == FACTS


@pytest.fixture(scope="module")
def twins(rock, tmp_path_factory):
    """Pairs of files that sound the same: other tags, another container, another codec without loss."""
    folder = tmp_path_factory.mktemp("twins")

    def ffmpeg(source, name, *options):
        subprocess.run(["ffmpeg", "-loglevel", "error", "-i", source, *options, folder / name], check=True)
        return folder / name

    tags = ("-c", "copy", "-metadata", "title=Another title")
    wav = ffmpeg(rock, "a.wav", "-ss", "40", "-t", "6")
    mp3, m4a = ffmpeg(wav, "a.mp3"), ffmpeg(wav, "a.m4a", "-c:a", "aac")
    return [
        (mp3, ffmpeg(mp3, "retagged.mp3", *tags)),
        (m4a, ffmpeg(m4a, "remuxed.mp4", *tags)),
        (wav, ffmpeg(wav, "packed.flac")),
    ]


def test_a_file_with_other_tags_or_container_is_decoded_once_and_no_network_runs(home, twins, monkeypatch):
    passes = []
    run = extract._run_graph
    monkeypatch.setattr(extract, "_run_graph", lambda sound, *rest: passes.append(sound.title) or run(sound, *rest))
    for first, other in twins:
        one, two = embviz.embed(first, "musicnn"), embviz.embed(other, "musicnn")
        np.testing.assert_array_equal(one.values, two.values)
        assert (one.title, two.title) == (first.name, other.name)
        assert (one.info["audio"], two.info["audio"]) == (Audio.open(first).digest, Audio.open(other).digest)
        tempi = embviz.embed(other, "tempocnn")
        np.testing.assert_array_equal(embviz.embed(first, "tempocnn").values, tempi.values)
        assert passes == [first.name, other.name]
        passes.clear()
    monkeypatch.setattr("embviz.audio.audio.decode_mix", None)
    assert embviz.embed(twins[0][1], "musicnn").title == "retagged.mp3"
    assert not Cache().verify()


def test_a_file_that_cannot_be_decoded_is_not_tried_again(home, tmp_path, monkeypatch):
    path = tmp_path / "noise.mp3"
    path.write_bytes(bytes(range(256)) * 40)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with pytest.raises(UndecodableError, match=r"noise.* cannot be decoded") as first:
        embviz.embed(path, "musicnn")
    monkeypatch.setattr("embviz.audio.audio.decode_mix", None)
    copy = path.rename(tmp_path / "other name.mp3")
    with pytest.raises(UndecodableError) as again:
        embviz.embed(copy, "musicnn")
    assert str(again.value).startswith(str(first.value).replace("noise.mp3", "other name.mp3"))
    assert "embviz cache prune" in str(again.value)
    Cache().prune()
    with pytest.raises(TypeError, match="not callable"):
        embviz.embed(copy, "musicnn")


@pytest.mark.parametrize("problem", [{}, {"title": 1}, {"title": "a", "problem": "b", "decoders": "others"}])
def test_a_problem_of_another_version_or_a_damaged_one_is_forgotten(cache, problem):
    cache.note_problem("first", problem)
    assert not known_problem(cache, "first", "a")
    note_problem(cache, "first", "a.mp3", "'a.mp3' is odd.")
    assert known_problem(cache, "first", "b.mp3").startswith("'b.mp3' is odd.")


# Half the bytes. -----------------------------------------------------------------------------------------------------


def test_a_cache_that_rounds_takes_half_the_bytes_and_states_the_errors(home, rock, tmp_path):
    excerpt, layers = soundfile.read(rock, dtype="float32", frames=8 * 44_100), ["embedding", "output", "timbral"]
    exact = embviz.embed(excerpt, "musicnn", layer=layers, cache=Cache(tmp_path / "whole"))
    embviz.embed(excerpt, "musicnn", layer=layers, cache=Cache(tmp_path / "half", precision="float16"))
    rounded = embviz.embed(excerpt, "musicnn", layer=layers, cache=Cache(tmp_path / "half", precision="float16"))
    sizes = [Cache(tmp_path / name).info()["bytes"] for name in ("half", "whole")]
    assert sizes[0] < 0.6 * sizes[1]
    for whole, half in zip(exact, rounded, strict=True):
        error = np.abs(half.values - whole.values)
        stated = half.info["rounding"]
        assert half.values.dtype == np.float32
        assert not half.values.flags.writeable
        assert stated["precision"] == "float16"
        assert stated["absolute"] >= error.max() > 0
        assert stated["relative"] >= (error / np.abs(whole.values))[whole.values != 0].max()
        assert error.max() <= 2.0**-11 * np.abs(whole.values).max()
        assert half.grid == whole.grid
        assert {**half.info, "rounding": None} == {**whole.info, "rounding": None}


def test_what_was_rounded_serves_only_where_that_is_allowed(cache):
    rounding = Cache(cache.folder, precision="float16")
    rounding.put(key(), an_embedding())
    assert rounding.has(key())
    assert not cache.has(key())
    assert cache.get(key()) is None
    assert [*cache.keys()] == [key()]
    cache.put(key(), an_embedding())
    for one in (cache, rounding):
        assert "rounding" not in one.get(key()).info
        assert np.array_equal(one.get(key()).values, an_embedding().values)


@pytest.mark.parametrize(("largest", "rounded"), [(65_504.0, True), (70_000.0, False), (np.inf, True), (np.nan, True)])
def test_what_float16_is_too_small_for_is_kept_as_it_is(cache, largest, rounded):
    embedding = an_embedding()
    embedding.values[3, 4] = largest
    rounding = Cache(cache.folder, precision="float16")
    rounding.put(key(), embedding)
    found = rounding.get(key())
    assert ("rounding" in found.info) == rounded
    assert np.array_equal(found.values[3, 4], np.float32(largest), equal_nan=True)


def test_a_damaged_entry_in_half_the_bytes_is_set_aside(cache):
    rounding = Cache(cache.folder, precision="float16")
    rounding.put(key(), an_embedding())
    (path,) = entries(rounding)
    damage(path, "flip")
    with pytest.warns(CacheWarning, match="set aside"):
        assert rounding.get(key()) is None
    assert rounding.prune() > 0


def test_there_are_two_precisions(tmp_path):
    with pytest.raises(OptionError, match="precision is 'float32' or 'float16', 'float8' was found"):
        Cache(tmp_path, precision="float8")
    embedding = an_embedding()
    embedding.values[0, 0] = -1e5
    with pytest.raises(OptionError, match="float16 holds numbers up to 65,504, 100000 was found"):
        embedding.save(tmp_path / "a.safetensors", precision="float16")
    assert not list(tmp_path.iterdir())
