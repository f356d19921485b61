"""Where the sample tracks are, and what is said where they are looked for elsewhere."""

from __future__ import annotations

import pytest

import embviz
from embviz.core import paths
from embviz.errors import EmbvizError


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
