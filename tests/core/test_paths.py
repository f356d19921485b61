"""Where the sample tracks are, and what is said where they are looked for elsewhere."""

from __future__ import annotations

import pytest

import embviz
from embviz.core import paths
from embviz.core.paths import relative_path
from embviz.errors import EmbvizError
from embviz.export import static_widgets


def test_the_sample_tracks_are_found_from_anywhere(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert embviz.sample_audio() == root / "sample_audio"
    assert (embviz.sample_audio() / "rock.ogg").is_file()


def test_a_package_without_them_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "__file__", str(tmp_path / "embviz" / "core" / "paths.py"))
    with pytest.raises(EmbvizError, match=r"are not in .*install embviz again"):
        embviz.sample_audio()


@pytest.mark.parametrize(
    "look",
    [
        embviz.Explorer,
        embviz.Collection.from_folder,
        lambda path: embviz.Collection.from_table(f"{path}/tracks.csv"),
        lambda path: embviz.Audio.open(f"{path}/rock.ogg"),
    ],
)
def test_who_looks_for_them_elsewhere_is_told(look, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EmbvizError, match=r"; embviz\.sample_audio\(\) is the folder of the sample tracks\."):
        look("sample_audio")


def test_the_way_from_drive_to_drive_is_the_whole_path(tmp_path, monkeypatch):
    file = tmp_path / "a" / "song.mp3"
    assert relative_path(file, tmp_path / "b") == "../a/song.mp3"
    assert static_widgets.relative_url(file, tmp_path / "b") == "./../a/song.mp3"

    def refuse(*_):
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr("os.path.relpath", refuse)
    assert relative_path(file, tmp_path / "b") == str(file)
    assert static_widgets.relative_url(file, tmp_path / "b") == file.as_uri()
