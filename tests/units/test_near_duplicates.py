"""Copies that were planted in a collection."""

import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from embviz import Collection, Vectors
from embviz.errors import OptionError, WeightsError

PITCH = "asetrate=44100*1.059463,aresample=44100,atempo=0.943874"  # a semitone up, as fast as before


def ffmpeg(source, target, *options):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, *options, target], check=True)
    return target


@pytest.fixture
def folder(root, tmp_path):
    """Stretches of three tracks; copies of the first one begin with its name."""
    folder = tmp_path / "tracks"
    folder.mkdir()
    for name in ("folk.ogg", "jazz.ogg", "piano.ogg"):
        source = root / "sample_audio" / name
        ffmpeg(source, folder / f"{source.stem}.wav", "-ss", "10", "-t", "18", "-ar", "44100")
    first = folder / "folk.wav"
    ffmpeg(first, folder / "folk_low.mp3", "-b:a", "48k", "-ar", "22050")
    ffmpeg(first, folder / "folk_quiet.ogg", "-filter:a", "volume=-8dB")
    ffmpeg(first, folder / "folk_cut.wav", "-ss", "5")
    ffmpeg(first, folder / "folk_pitch.wav", "-filter:a", PITCH)
    ffmpeg(first, folder / "folk_fast.wav", "-filter:a", "asetrate=44100*1.04,aresample=44100")
    shutil.copy(first, folder / "folk_same.wav")
    soundfile.write(folder / "silence.wav", np.zeros(44100 * 8), 44100)
    soundfile.write(folder / "longer silence.wav", np.zeros(44100 * 12), 44100)
    soundfile.write(folder / "click.wav", np.eye(1, 44100)[0], 44100)
    return folder


def test_copies_are_found_with_evidence_and_nothing_else_is(home, folder):
    collection = Collection.from_folder(folder, cache=None)
    found = collection.near_duplicates(progress=False)
    [group] = found.groups
    names = collection.table["name"]
    assert set(names[group]) == {path.name for path in folder.glob("folk*")}
    first = found.table[found.table["name_a"] == "folk.wav"].set_index("name_b")
    assert first["evidence"]["folk_same.wav"] == "the same file"
    assert first["offset"]["folk_cut.wav"] == pytest.approx(5, abs=0.2)
    assert first["evidence"]["folk_cut.wav"].startswith("cut: 5.0–18.0 s")
    assert first["level"]["folk_quiet.ogg"] == pytest.approx(-8, abs=0.3)
    assert first["evidence"]["folk_quiet.ogg"] == "B 8.0 dB quieter"
    assert first["speed"]["folk_fast.wav"] == pytest.approx(1.04, abs=0.005)
    assert first["evidence"]["folk_pitch.wav"] == "B 1 semitone higher"
    assert first["pitch"].drop(["folk_pitch.wav", "folk_fast.wav"]).tolist() == [0] * 4
    assert (first["aligned"] > 0.9).all()
    assert (first["similarity"] > 0.7).all()
    assert "7 pairs" in repr(found) or f"{len(found)} pairs" in repr(found)
    assert "<th>evidence</th>" in found._repr_html_()
    kept = found.drop()
    assert len(kept) == len(collection) - 6
    assert "folk.wav" in set(kept["name"])


def test_a_file_that_is_gone_is_told_and_the_others_are_compared(home, folder):
    collection = Collection.from_folder(folder, pattern="folk*.wav")
    vectors = collection.embed("musicnn", progress=False)
    (folder / "folk_cut.wav").unlink()
    found = collection.near_duplicates(model=vectors, progress=False)
    assert "folk_cut.wav was not compared" in found.notes[0]
    assert len(found.notes) == 1
    assert "folk_pitch.wav" in {*found.table["name_a"], *found.table["name_b"]}


def test_one_track_has_no_copies_and_a_threshold_has_a_range(home, root):
    collection = Collection.from_paths([root / "sample_audio" / "drums.ogg"])
    vectors = Vectors.from_array(np.ones((1, 3)), collection)
    found = collection.near_duplicates(model=vectors, progress=False)
    assert (len(found), found.groups, len(found.drop())) == (0, [], 1)
    assert repr(found) == "<NearDuplicates: 0 pairs of 1 track>"
    with pytest.raises(OptionError, match="threshold is a mean cosine from 0 to 1, 5 was found"):
        collection.near_duplicates(5, model=vectors)


def test_without_the_weights_that_pairs_are_compared_by(empty_home, root):
    collection = Collection.from_paths([root / "sample_audio" / "drums.ogg"], cache=False)
    vectors = Vectors.from_array(np.ones((1, 3)), collection)
    with pytest.raises(WeightsError, match="The weights of 'msd-musicnn-1' are not on this machine"):
        collection.near_duplicates(model=vectors, progress=False)
