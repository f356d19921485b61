"""Datasets with several labels per track, in miniatures of their published layouts with sounds of our own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import embviz
from embviz.errors import CollectionError, OptionError
from embviz.evaluation import evaluate, load_magnatagatune, load_mtg_jamendo

TRACKS = 24
HEADER = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
HOSTILE = "<img src=x onerror=alert(1)>"


def tone(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(seed).standard_normal(4000)
    soundfile.write(path, samples.astype(np.float32), 16_000, format="MP3")


def tsv(path: Path, lines: list[list[str]], end: str = "\r\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join("\t".join(line) + end for line in lines).encode())


def jamendo_rows() -> list[list[str]]:
    rows = []
    for i in range(TRACKS):
        tags = [f"genre---{'rock' if i % 2 else 'jazz'}"] + ["mood/theme---happy"] * (i % 3 == 0)
        tags += ["instrument---piano"] * (i % 4 == 0)
        name = f"{i % 3:02}/{1000 + i}.mp3"
        rows.append([f"track_{i:07}", f"artist_{i // 2:06}", f"album_{i // 2:06}", name, "4.0", *tags])
    return rows


@pytest.fixture(scope="module")
def jamendo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, with the sounds of all tracks but the last in low quality beside it."""
    root = tmp_path_factory.mktemp("jamendo") / "mtg-jamendo-dataset"
    rows = jamendo_rows()
    subset = "autotagging_top50tags"
    tsv(root / "data" / f"{subset}.tsv", [HEADER, *rows])
    parts = {
        "train": rows[:12],
        "validation": rows[12:16],
        "test": [*rows[16:], ["x", "", "", "../../etc/x.mp3", "1", "a"]],
    }
    for part, some in parts.items():
        tsv(root / "data" / "splits" / "split-0" / f"{subset}-{part}.tsv", [HEADER, *some])
    for i, row in enumerate(rows[:-1]):
        tone(root / "audio-low" / f"{row[3].removesuffix('.mp3')}.low.mp3", i)
    return root


@pytest.fixture(scope="module")
def magnatagatune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables and one clip in each folder; one clip is empty, and one is not here."""
    root = tmp_path_factory.mktemp("mtt")
    names = ["guitar", "rare", HOSTILE, "no voice"]
    lines, about = [], []
    for i, letter in enumerate("0123456789abcdef"):
        path = f"{letter}/artist-album-01-song-0-29.mp3"
        said = [i % 2, int(i == 3), int(i % 4 == 0), 0]
        lines.append([str(i), *(str(value) for value in said), path])
        about.append([str(i), "1", f"song {i}", f"artist {i // 2}", "album", "", "0", "29", "", path])
        tone(root / path, i)
    lines.append(["99", "1", "0", "0", "0", "f/not-here.mp3"])
    (root / "5/artist-album-01-song-0-29.mp3").write_bytes(b"")
    tsv(root / "annotations_final.csv", [["clip_id", *names, "mp3_path"], *lines], "\n")
    titles = [
        "clip_id",
        "track_number",
        "title",
        "artist",
        "album",
        "url",
        "segmentStart",
        "segmentEnd",
        "original_url",
        "mp3_path",
    ]
    tsv(root / "clip_info_final.csv", [titles, *about], "\n")
    return root


# MTG-Jamendo. --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["", "data"])
def test_mtg_jamendo_in_its_published_layout(jamendo: Path, place: str):
    tracks = load_mtg_jamendo(jamendo / place, progress=False)
    assert len(tracks) == TRACKS - 1
    assert tracks["problem"].tolist() == [""] * len(tracks)
    first = tracks.table.iloc[0]
    assert (first["tags"], first["genres"]) == (["genre---jazz", "mood/theme---happy", "instrument---piano"], ["jazz"])
    assert (first["moods"], first["instruments"], first["artist"]) == (["happy"], ["piano"], "artist_000000")
    assert tracks["split"].value_counts().to_dict() == {"train": 12, "test": 7, "validation": 4}
    assert "Left out: 1 of 25 rows without a sound here, such as '02/1023.mp3'." in tracks.notes
    assert "Left out: 1 of 25 rows not as published." in tracks.notes
    everything = load_mtg_jamendo(jamendo, jamendo / "audio-low", split=None, progress=False)
    assert (len(everything), "split" in everything.columns) == (TRACKS - 1, False)


def test_its_test_set_is_predicted_from_its_other_parts(jamendo: Path):
    tracks = load_mtg_jamendo(jamendo, progress=False)
    train, test = tracks.query("split != 'test'"), tracks.query("split == 'test'")

    def made_up(some: embviz.Collection) -> embviz.Vectors:
        heard = [["jazz" in genres] for genres in some["genres"]]
        noise = np.random.default_rng(0).normal(size=(len(some), 2))
        return embviz.Vectors.from_array(np.float32(8 * np.array(heard) + noise), some, model="made up")

    options = {"external": test, "groups": "artist", "folds": 3, "classifier": "logistic"}
    evaluation = evaluate(train, "genres", (made_up(train), made_up(test)), cache=False, progress=False, **options)
    row = evaluation.table.query("model == 'made up'").iloc[0]
    assert (row["measure"], row["classes"]) == ("ROC-AUC", 2)
    assert min(row["score"], row["external"]) > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subset": "autotagging_genres"}, "Did you mean 'autotagging_genre'"),
        ({"split": 5}, "a number from 0 to 4 or None, 5 was found"),
        ({"split": True}, "True was found"),
    ],
)
def test_what_mtg_jamendo_has_not(jamendo: Path, options: dict[str, object], message: str):
    with pytest.raises(OptionError, match=message):
        load_mtg_jamendo(jamendo, progress=False, **options)  # type: ignore[arg-type]


def test_mtg_jamendo_elsewhere_or_damaged(jamendo: Path, tmp_path: Path):
    with pytest.raises(CollectionError, match=r"expected as its repository, whose folder data holds"):
        load_mtg_jamendo(tmp_path, progress=False)
    with pytest.raises(CollectionError, match=r"a folder is expected at .*, where there is none"):
        load_mtg_jamendo(tmp_path / "nowhere", progress=False)
    with pytest.raises(CollectionError, match="A folder is expected, 7 was found"):
        load_mtg_jamendo(7, progress=False)  # type: ignore[arg-type]
    with pytest.raises(CollectionError, match=r"lists 25 sounds, such as '00/1000.mp3', none of which is in"):
        load_mtg_jamendo(jamendo, tmp_path, progress=False)
    table = tmp_path / "data" / "autotagging.tsv"
    tsv(table, [["raw_30s_cleantags_50artists.tsv"]])
    (table.parent / "splits").mkdir()
    with pytest.raises(
        CollectionError, match=r"'raw_30s_cleantags_50artists\.tsv' was found; take it as it was published"
    ):
        load_mtg_jamendo(tmp_path, subset="autotagging", split=None, progress=False)
    tsv(table, [HEADER, ["track_1"]])
    with pytest.raises(CollectionError, match=r"MTG-Jamendo: no sound is listed in its tables \(1 row, none as publ"):
        load_mtg_jamendo(tmp_path, subset="autotagging", split=None, progress=False)
    with pytest.raises(CollectionError, match=r"autotagging-train.tsv' cannot be read: No such file"):
        load_mtg_jamendo(tmp_path, subset="autotagging", progress=False)
    tsv(
        table,
        [HEADER, ["track_1", "a", '"b', "00/1.mp3", "1", 'genre---"rock'], ["track_2", "a", "b", "00/2.mp3", "1", "x"]],
    )
    for name in ("1", "2"):
        tone(tmp_path / "00" / f"{name}.mp3", int(name))
    quotes = load_mtg_jamendo(tmp_path, tmp_path, subset="autotagging", split=None, progress=False)
    assert quotes["genres"].tolist() == [['"rock'], []]
    table.write_bytes("\t".join(HEADER).encode() + b"\n\xff\xfe\t")
    with pytest.raises(CollectionError, match="no text with tabs in UTF-8"):
        load_mtg_jamendo(tmp_path, subset="autotagging", split=None, progress=False)


# MagnaTagATune. ------------------------------------------------------------------------------------------------------


def test_magnatagatune_in_its_published_layout(magnatagatune: Path):
    clips = load_magnatagatune(magnatagatune, tags=2, progress=False)
    assert len(clips) == 15
    assert clips["split"].value_counts().to_dict() == {"train": 11, "test": 3, "validation": 1}
    assert clips["tags"].tolist()[:2] == [[HOSTILE], ["guitar"]]  # the two most frequent
    assert clips["artist"].tolist()[:3] == ["artist 0", "artist 0", "artist 1"]
    assert "Left out: 1 of 17 rows whose file is empty, such as '5/artist-album-01-song-0-29.mp3'." in clips.notes
    assert "Left out: 1 of 17 rows without a sound here, such as 'f/not-here.mp3'." in clips.notes
    assert "4 clips with none of the tags, whose lists are empty." in clips.notes
    assert load_magnatagatune(magnatagatune, tags=None, progress=False)["tags"].tolist()[3] == ["guitar", "rare"]


def test_magnatagatune_elsewhere_or_damaged(magnatagatune: Path, tmp_path: Path):
    with pytest.raises(CollectionError, match=r"there is no annotations_final\.csv in"):
        load_magnatagatune(tmp_path, progress=False)
    with pytest.raises(OptionError, match="how many of the most frequent tags are taken, or None, 0 was found"):
        load_magnatagatune(magnatagatune, tags=0, progress=False)
    (tmp_path / "annotations_final.csv").write_text("clip_id,guitar,mp3_path\n")
    with pytest.raises(CollectionError, match="with tabs between them; 'clip_id,guitar,mp3_path' was found"):
        load_magnatagatune(tmp_path, progress=False)
    tsv(
        tmp_path / "annotations_final.csv",
        [["clip_id", "a", "mp3_path"], ["1", "1", "0/../../x.mp3"], ["2", "1", "0/x.mp3"]],
    )
    with pytest.raises(CollectionError, match=r"lists 2 sounds, such as '0/x\.mp3', none of which"):
        load_magnatagatune(tmp_path, progress=False)
    tone(tmp_path / "0" / "x.mp3", 0)
    clips = load_magnatagatune(tmp_path, progress=False)
    assert clips["tags"].tolist() == [["a"]]
    assert "There is no clip_info_final.csv, so that clips of one artist cannot be kept together." in clips.notes
