"""The page of a collection's map: what is in the file, and what it does in a browser that has no network."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from harness import rest, until

from embviz.analysis.clustering import cluster, name_clusters
from embviz.analysis.projection import Projection, project
from embviz.analysis.tagging import tag_columns
from embviz.audio import Audio
from embviz.cli import run
from embviz.collection import Collection
from embviz.core.embedding import Embedding, FrameGrid
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, FigureError, OptionError
from embviz.export import collection_page, collection_report, page_audio, static_widgets
from embviz.export.axes import column_axis
from embviz.export.columns import PageColor
from embviz.extraction import embed
from embviz.plotting.axes import encode_axis

# The excerpts of which no browser plays one, on pages with links to them.
pytestmark = pytest.mark.filterwarnings("ignore:1 of 9 tracks cannot be heard")

RATE = 16_000
HOSTILE = "a\u202eb <img src=x onerror=alert(1)> </script><script>alert(2)</script> \"'& שיר 🎵"
SHOWN = "ab <img src=x onerror=alert(1)> </script><script>alert(2)</script> \"'& שיר 🎵"
CUT = 12  # seconds of an excerpt


def cut(source: Path, target: Path, start: float, seconds: float = CUT, **tags: str) -> Path:
    """Write an excerpt of a track as Ogg Vorbis, or by the ending of its name."""
    audio = Audio.open(source)
    first = round(start * audio.sample_rate)
    samples = audio.stereo(audio.sample_rate)[first : first + round(seconds * audio.sample_rate)]
    target.parent.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(target, "w", audio.sample_rate, 2) as file:
        for name, text in tags.items():
            setattr(file, name, text)
        for at in range(0, len(samples), 1 << 16):
            file.write(samples[at : at + (1 << 16)])
    return target


@pytest.fixture(scope="module")
def music(tmp_path_factory, root) -> Path:
    """A folder of nine excerpts, one of which no browser plays, and of one file that is no sound."""
    folder = tmp_path_factory.mktemp("folio") / "my music #1"
    for style in ("rock", "jazz", "ambient", "metal"):
        for i in (0, 1):
            tags = {"title": f"{style.title()} {'I' * (i + 1)}", "artist": "Ada & Co", "genre": style}
            cut(root / "sample_audio" / f"{style}.ogg", folder / style / f"{style} {i}.ogg", 4 + 14 * i, **tags)
    cut(root / "sample_audio" / "folk.ogg", folder / "folk" / "folk.aiff", 10, title="Folk")
    (folder / "broken.wav").write_text("This is no sound.")
    return folder


@dataclass
class Made:
    """What a page is made of."""

    table: pd.DataFrame
    vectors: Vectors
    projection: Projection
    tags: pd.DataFrame
    clusters: np.ndarray
    names: dict[int, str]

    def options(self) -> dict[str, Any]:
        """Return what a page is given."""
        paths = self.table["path"]
        return {
            "vectors": self.vectors,
            "projection": self.projection,
            "colors": [
                "genre",
                "duration",
                PageColor("rock", self.tags["rock"], group="What MusiCNN hears"),
            ],
            "clusters": self.clusters,
            "names": self.names,
            "embeddings": lambda label: embed(paths[label], "musicnn"),
        }


@pytest.fixture(scope="module")
def made(weights_home, music) -> Made:
    """The map of the excerpts, and what MusiCNN hears in them."""
    collection = Collection.from_folder(music)
    vectors, output = collection.embed("musicnn", ["embedding", "output"], progress=None)
    projection, tags = project(vectors, "pca"), tag_columns(output)
    groups = cluster(vectors.values, "kmeans", n_clusters=3)
    names = name_clusters(groups, tags.reindex(vectors.tracks).to_numpy(), list(tags.columns))
    return Made(collection.table, vectors, projection, tags, groups, names)


@pytest.fixture(scope="module")
def linked(made, music) -> Path:
    """The page with links to the files."""
    with pytest.warns(UserWarning, match=r"1 of 9 tracks cannot be heard .*Choose audio='clips'"):
        return collection_page.write_collection_page(
            music.parent / "linked.html", made.table, title="Excerpts", audio="link", **made.options()
        )


def description(text: str) -> dict[str, Any]:
    """Return what a page's script is given."""
    return json.loads(re.search(r'id="embviz-page">(.*?)</script>', text)[1])


def part(text: str, page: dict[str, Any], track: int) -> dict[str, Any]:
    """Return what a page holds of a track."""
    return json.loads(re.search(rf'id="{page["parts"][track]}">(.*?)</script>', text)[1])


def block(text: str, name: str) -> bytes:
    """Return the bytes of an element."""
    return base64.b64decode(re.search(rf'id="{name}">(.*?)</script>', text)[1])


# -- tiny collections, without weights ------------------------------------------------------------------------------


def tones(folder: Path, n: int = 4, seconds: float = 1.0) -> pd.DataFrame:
    """Write quiet tones, and return a table of them."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"tone {i}.wav" for i in range(n)]
    for i, name in enumerate(names):
        wave = 0.2 * np.sin(2 * np.pi * 220 * (i + 1) * np.arange(round(seconds * RATE)) / RATE)
        soundfile.write(folder / name, wave.astype(np.float32), RATE)
    blank = dict.fromkeys(("artist", "album", "genre", "digest", "problem"), "")
    table = pd.DataFrame(
        {
            "path": [str(folder / name) for name in names],
            "name": names,
            "title": [f"Tone {i}" for i in range(n)],
            **blank,
        },
        index=pd.Index(range(10, 10 + n), name="track"),
    )
    missing = pd.array([None] * n, dtype="Int64")
    return table.assign(year=missing, duplicate_of=missing, duration=float(seconds))


def vectors_of(table: pd.DataFrame, frames: int = 0, d: int = 5) -> Vectors:
    """Random vectors, one per track, or so many per track."""
    random = np.random.default_rng(3)
    n = len(table) * max(1, frames)
    tracks = np.repeat(table.index.to_numpy(np.int64), max(1, frames))
    times = np.tile(np.arange(frames) / frames, len(table)) if frames else None
    values = random.normal(size=(n, d)).astype(np.float32)
    return Vectors(values, tracks, times, "own", "embedding", "frames" if frames else "mean", key=f"own {n}")


def frames_of(seconds: float = 1.0, t: int = 8, d: int = 5) -> Embedding:
    """Frames side by side over a track."""
    hop = round(seconds * RATE / t)
    values = np.arange(t * d, dtype=np.float32).reshape(t, d)
    return Embedding(values, FrameGrid(RATE, hop, hop, hop, 0, t, round(seconds * RATE)), "own", "embedding")


@pytest.fixture
def table(tmp_path) -> pd.DataFrame:
    """Four tones of a second."""
    return tones(tmp_path / "tones")


def page_of(table: pd.DataFrame, vectors: Vectors | None = None, **options: Any) -> str:
    """Return a page of random vectors."""
    own = vectors_of(table) if vectors is None else vectors
    return collection_page.render_collection_page(
        table, **{"vectors": own, "projection": project(own, "pca"), **options}
    )


# -- the file -------------------------------------------------------------------------------------------------------


def test_a_page_holds_all_it_needs(table, tmp_path):
    text = page_of(table, folder=tmp_path, title="Tones", embeddings=lambda _: frames_of(), audio="link")
    assert "default-src 'none'; " in text
    assert not re.search(r"\b(src|href|action)=", text.partition("<script")[0])
    page = description(text)
    assert page["facts"] == ["4 tracks", "own / embedding", "PCA"]
    assert [column["name"] for column in page["map"]["state"]["columns"]] == ["title", "artist", "duration", "name"]
    assert page["files"] == [f"tones/tone {i}.wav" for i in range(4)]
    assert str(tmp_path) not in text
    first = part(text, page, 0)
    assert first["player"]["state"]["url"] == "./tones/tone%200.wav"
    assert first["heatmap"]["state"]["shape"] == [5, 8]
    trail = np.frombuffer(block(text, first["trail"]), np.float32).reshape(-1, 3)
    assert trail[:, 2] == pytest.approx(frames_of().times)


def test_a_table_that_is_not_one_of_a_collection_says_so(table):
    with pytest.raises(OptionError, match="one without a column 'duration' was found"):
        page_of(table.drop(columns="duration"))


def test_what_the_map_cannot_say_is_said(table):
    page = description(page_of(table))
    assert page["caution"].startswith("Distances on the map are not distances of the model: of its dimensions the map")
    assert "PC 1" in page["caution"]
    facts = {name: value for section in page["about"] for name, value in section["facts"]}
    assert facts["Method"].startswith("PCA (metric cosine")
    assert facts["Points"] == "4 whole tracks (mean over time)"


def test_axes_are_drawn_and_say_what_they_leave_out(table):
    table = table.assign(bpm=[100, None, 120, 90])
    axes = column_axis(table, "bpm"), encode_axis([HOSTILE, "a", "b", "a"], title=HOSTILE)
    page = description(page_of(table, axes=axes))
    state = page["map"]["state"]
    assert state["axes"][0]["title"] == "bpm"
    assert page["notes"] == ["1 track has no bpm: not shown."]
    assert page["facts"][-1].startswith("bpm × ")
    assert page["measures"] == []
    assert page["caution"].startswith("The map shows bpm to the right and ")
    assert "similar lie close" not in page["guide"]


def test_a_report_takes_columns_and_dimensions_as_axes(made, music, tmp_path):
    options = {"method": "pca", "tags": False, "heatmaps": False, "y": ("musicnn", "embedding", 37)}
    path = tmp_path / "axes.html"
    collection_report.write_collection_report(path, made.table, x="genre", **options)
    axes = description(path.read_text())["map"]["state"]["axes"]
    assert [axis["title"] for axis in axes] == ["genre", "MusiCNN (MSD) / embedding, dimension 37"]
    assert axes[0]["labels"] == ["ambient", "jazz", "metal", "rock"]
    with pytest.raises(OptionError, match=r"no 'duratoin' to be an axis.*Did you mean 'duration'"):
        collection_report.write_collection_report(path, made.table, x="duratoin", **options)


def test_nearest_points_are_those_of_the_vectors(table):
    vectors = vectors_of(table)
    text = page_of(table, vectors)
    near = description(text)["near"]
    indices = np.frombuffer(block(text, near["indices"]), np.uint32).reshape(4, near["k"])
    values = np.asarray(vectors)
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    assert near["k"] == 3
    assert indices[0].tolist() == np.argsort(1 - unit @ unit[0])[1:].tolist()


def test_nearest_frames_are_those_of_other_tracks(table):
    vectors = vectors_of(table, frames=6)
    text = page_of(table, vectors)
    near = description(text)["near"]
    indices = np.frombuffer(block(text, near["indices"]), np.uint32).reshape(24, near["k"])
    tracks = vectors.tracks[indices]
    assert (tracks != vectors.tracks[:, None]).all()
    # The way of a track goes through its own frames.
    trail = np.frombuffer(block(text, part(text, description(text), 1)["trail"]), np.float32).reshape(-1, 3)
    assert trail[:, 2] == pytest.approx(np.arange(6) / 6)


def test_few_frames_have_few_neighbors(table):
    text = page_of(table.iloc[:1], vectors_of(table.iloc[:1], frames=3))
    near = description(text)["near"]
    assert set(np.frombuffer(block(text, near["indices"]), np.uint32)) == {0xFFFFFFFF}


def test_colors_come_from_columns_series_and_points(table):
    given = ["title", pd.Series([1.0, np.nan, 3.0, 4.0], index=table.index, name="loud"), "cluster"]
    own = PageColor("own", np.array([True, False, True, False]), group="Mine")
    page = description(page_of(table, colors=[*given, own], clusters=[0, 0, 1, -1], names={0: "low", 1: "high"}))
    assert [color["color"]["title"] for color in page["colors"][:4]] == ["Title", "loud", "Cluster", "own"]
    assert page["colors"][1]["color"]["missing"] == 1
    assert page["colors"][2]["color"]["labels"] == ["low", "high"]
    assert page["colors"][3]["color"]["labels"] == ["no", "yes"]
    assert [label["text"] for label in page["map"]["state"]["labels"]] == ["low", "high"]
    with pytest.raises(OptionError, match=r"A Series of other tracks is no colour of the page: .*1 of its 2 labels"):
        page_of(table, colors=[pd.Series([1, 2], index=[10, 99], name="loud")])


def test_what_a_tagger_hears_is_told_and_can_be_colored_by(made):
    scores = np.zeros((len(made.vectors), 3), np.float32)
    scores[0] = [0.2, 0.9, 0.4]
    heard = replace(made.vectors, values=scores, layer="output", labels=("sad", "loud", "<b>"), pooling="mean")
    text = collection_page.render_collection_page(
        made.table, vectors=made.vectors, projection=made.projection, tags=heard
    )
    page = description(text)
    assert page["map"]["state"]["tags"] == ["sad", "loud", "<b>"]
    [block] = re.findall(rf'id="{page["map"]["bytes"]["top_tags"]}">([^<]*)<', text)
    assert list(base64.b64decode(block)[:3]) == [1, 2, 0]
    titles = [each["color"]["title"] for each in page["colors"] if each["group"] == "What MusiCNN (MSD) hears"]
    assert titles == ["sad", "loud", "<b>"]


def test_options_are_checked(table):
    with pytest.raises(OptionError, match="Did you mean 'clips'"):
        page_of(table, audio="clip")
    with pytest.raises(OptionError, match="Did you mean 'dark'"):
        page_of(table, theme="darker")
    with pytest.raises(OptionError, match=r"no column 'genres'.*Did you mean 'genre'"):
        page_of(table, colors=["genres"])
    with pytest.raises(OptionError, match="value for each of 4 points"):
        page_of(table, colors=[PageColor("x", np.zeros(3))])
    with pytest.raises(OptionError, match="number for each of 4 points"):
        page_of(table, clusters=[0, 1], names={0: "low"})
    with pytest.raises(OptionError, match="no track 10 of 1 track"):
        page_of(table.iloc[1:], vectors_of(table))
    other = project(vectors_of(table.iloc[1:]), "pca")
    with pytest.raises(OptionError, match="4 vectors and 3 places"):
        page_of(table, vectors_of(table), projection=other)
    with pytest.raises(OptionError, match=r"\.html"):
        collection_page.write_collection_page("page.htm", table, vectors=vectors_of(table), projection=other)


def test_what_others_wrote_is_no_markup(table):
    table = table.assign(title=HOSTILE, artist=HOSTILE, **{HOSTILE: HOSTILE})
    own = Vectors(
        vectors_of(table.iloc[:3]).values, table.index.to_numpy()[:3], None, HOSTILE, HOSTILE, "mean",
        failed={int(table.index[3]): HOSTILE},
    )  # fmt: skip
    text = page_of(
        table, own, title=HOSTILE, notes=[HOSTILE], colors=[HOSTILE], clusters=[0, 0, 1], names={0: HOSTILE, 1: "b"}
    )
    assert text.count("<img") == text.count("<script>alert") == 0
    page = description(text)
    assert page["title"] == page["notes"][0] == SHOWN
    assert "<" not in json.dumps(page).replace("<", "\\u003c")
    assert dict(page["about"][-1]["facts"]) == {"tone 3.wav": SHOWN}


def test_no_widget_is_sent_to_an_open_notebook(table, monkeypatch):
    import comm

    def opened(**_):
        raise AssertionError("A comm was opened.")

    monkeypatch.setattr(comm, "create_comm", opened)
    page_of(table, embeddings=lambda _: frames_of())


def test_a_page_too_large_is_refused_before_anything_is_decoded(table, monkeypatch):
    monkeypatch.setattr("embviz.export.track_assets.prepare_audio", None)
    monkeypatch.setattr(collection_page, "MAX_BYTES", 100_000_000)
    long = table.assign(duration=20_000.0)
    with pytest.raises(FigureError, match=r"sound of 4 tracks would take at least 763 MB.*audio='clips' \(0 MB\)"):
        page_of(long, audio="embed")


def test_a_page_that_turns_out_too_large_says_what_to_do(table, monkeypatch):
    monkeypatch.setattr(collection_page, "MAX_BYTES", 2**17)
    with pytest.raises(FigureError, match=r"more than 0 MB.*audio='clips' or audio='link'.*fewer tracks"):
        page_of(table, embeddings=lambda _: frames_of(t=200, d=400))
    more = pd.concat([table] * 16, ignore_index=True)
    told = []
    with pytest.raises(FigureError, match="more than 0 MB"):
        page_of(more, audio="link", embeddings=lambda _: frames_of(d=100), progress=lambda *report: told.append(report))
    assert told[-1] == ("sounds and heatmaps", 20, 64)
    monkeypatch.undo()
    assert collection_page.MAX_BYTES == static_widgets.MAX_BYTES


def test_progress_is_told_and_can_end_it(table):
    told = []
    page_of(table, progress=lambda *report: told.append(report))
    assert ("sounds", 4, 4) in told

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        page_of(table, progress=stop)


# -- sounds ---------------------------------------------------------------------------------------------------------


def test_the_loudest_part_is_found():
    samples = np.full(10 * RATE, 0.01, np.float32)
    samples[4 * RATE : 6 * RATE] = 0.5
    assert page_audio.find_loudest(samples, RATE, 2) == (4 * RATE, 6 * RATE)
    assert page_audio.find_loudest(samples, RATE, 11) == (0, 10 * RATE)
    samples[-RATE:] = 1
    assert page_audio.find_loudest(samples, RATE, 1) == (9 * RATE, 10 * RATE)


def test_a_clip_keeps_the_seconds_of_the_track(rock, tmp_path):
    found = page_audio.prepare_audio(rock, "clips", tmp_path)
    samples, rate = soundfile.read(io.BytesIO(found.data))
    start, stop = found.span
    assert stop - start == page_audio.CLIP
    assert rate == page_audio.CLIP_RATE
    assert len(samples) / rate == pytest.approx(found.duration, abs=0.001)
    whole = Audio.open(rock).mono(rate)
    inside = slice(round((start + 1) * rate), round((stop - 1) * rate))
    assert np.corrcoef(samples[inside], whole[inside])[0, 1] > 0.95
    assert np.abs(samples[: round((start - 0.2) * rate)]).max() < 0.001
    assert [mark["start"] for mark in found.traits["sections"]] == [0, start, stop]
    assert len(found.data) < 160_000


def test_what_cannot_be_heard_is_said(music, tmp_path):
    aiff = page_audio.prepare_audio(music / "folk" / "folk.aiff", "link", tmp_path)
    assert aiff.problem.startswith("Browsers cannot be expected to play 'folk.aiff'")
    assert not page_audio.prepare_audio(music / "folk" / "folk.aiff", "clips", tmp_path).problem
    gone = page_audio.prepare_audio(music / "gone.ogg", "embed", tmp_path, duration=3)
    assert (gone.problem, gone.duration) == ("'gone.ogg' was not there when this page was written.", 3)
    assert "cannot be decoded" in page_audio.prepare_audio(music / "broken.wav", "clips", tmp_path).problem


@pytest.mark.parametrize("audio", ["link", "embed", "clips"])
def test_missing_sound_files_are_warned_of(table, audio):
    for path in table["path"][:3]:
        Path(path).unlink()
    with pytest.warns(UserWarning, match="files of 3 of 4 tracks are missing, .*'tone 0.wav' was not there") as told:
        page_of(table, audio=audio)
    assert len(told) == 1


def test_sounds_that_stay_silent_are_warned_of(table):
    Path(table["path"].iloc[0]).write_text("no sound")
    with pytest.warns(UserWarning, match="1 of 4 tracks cannot be heard on the page: .*tone 0.wav"):
        page_of(table, audio="clips")


# -- in a browser without a network ---------------------------------------------------------------------------------


def screen(page: Any, path: Path, track: int) -> tuple[float, float]:
    """Where a track's point lies on the screen while all points are seen."""
    text = path.read_text("utf-8")
    xy = np.frombuffer(block(text, description(text)["map"]["bytes"]["points"]), np.float32).reshape(-1, 2)
    stage = page.locator(".ev-scatter-stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    low, high = xy.min(axis=0), xy.max(axis=0)
    scale = min((box["width"] - 52) / (high[0] - low[0]), (box["height"] - 52) / (high[1] - low[1]))
    x, y = (xy[track] - (low + high) / 2) * scale
    return box["x"] + box["width"] / 2 + float(x), box["y"] + box["height"] / 2 - float(y)


def track_of(path: Path, title: str) -> int:
    """Return the number of a track on its page."""
    columns = description(path.read_text("utf-8"))["map"]["state"]["columns"]
    return columns[0]["values"].index(title)


def painted(page: Any) -> bytes:
    """Return the map as it is drawn."""
    rest(page, 250)
    return page.locator(".ev-scatter-points").screenshot()


def file_of(path: Path, track: int, music: Path) -> Path:
    """Return the file of a track."""
    return music.parent / description(path.read_text("utf-8"))["files"][track]


@pytest.mark.slow
def test_a_point_says_what_it_is_and_plays(opened, linked, music):
    track = track_of(linked, "Jazz II")
    page = opened(linked, sound=file_of(linked, track, music))
    page.page.mouse.move(*screen(page.page, linked, track))
    tip = page.page.locator(".ev-scatter-tip:visible")
    tip.wait_for()
    assert "Jazz II" in tip.inner_text()
    assert "Ada & Co" in tip.inner_text()
    page.page.mouse.click(*screen(page.page, linked, track))
    page.until("c.playing && c.media.currentTime > 0.5")
    assert page.clock("duration") == pytest.approx(CUT, abs=0.05)
    assert page.page.locator(".ev-collection-page-track h2").inner_text() == "Jazz II"
    assert page.page.locator(".ev-player .ev-title").inner_text() == "Jazz II"
    nearest = page.page.locator(".ev-collection-page-list li").first
    assert re.match(r"Jazz I\b", nearest.inner_text())
    marker = page.page.locator(".ev-scatter-marker")
    before = marker.bounding_box()
    until(page.page, lambda: marker.bounding_box() != before)


@pytest.mark.slow
@pytest.mark.parametrize("width", [700, 1000, 1500])
def test_a_track_is_open_from_the_start_and_no_part_of_the_page_is_empty(opened, linked, width):
    page = opened(linked, width=width)
    # The first that a browser plays, of which there is a heatmap; it waits to be played.
    name = page.page.locator(".ev-collection-page-track h2").inner_text()
    assert name == page.page.locator(".ev-player .ev-title").inner_text() != "Folk"
    page.until("c.duration > 0 && !c.playing")
    page.page.locator(".ev-heatmap-canvas").wait_for()
    assert page.page.locator(".ev-collection-page-list li").count() > 3
    parts = (".ev-scatter-stage", "aside", ".ev-facets")
    stage, side, filters = boxes = [page.page.locator(part).bounding_box() for part in parts]
    seen = [box for box in boxes if box["y"] < stage["y"] + stage["height"]]
    assert max(box["x"] + box["width"] for box in seen) - stage["x"] > 0.94 * (width - 48)
    assert (filters in seen) == (width == 1500), "where there is room, filters stand beside the map"
    if side["x"] > stage["x"]:
        assert side["height"] > 0.6 * stage["height"]


@pytest.mark.slow
def test_the_heatmap_is_the_open_tracks_and_follows_it(opened, linked, music):
    first, second = track_of(linked, "Rock I"), track_of(linked, "Metal I")
    page = opened(linked, sound=file_of(linked, first, music))
    page.allowed.add(file_of(linked, second, music).resolve().as_uri())
    page.page.mouse.click(*screen(page.page, linked, first))
    plot = page.page.locator(".ev-heatmap-canvas")
    plot.wait_for()
    page.until("c.playing && c.time > 0.5")
    playhead = page.page.locator(".ev-heatmap .ev-playhead").first
    before = playhead.bounding_box()["x"]
    until(page.page, lambda: playhead.bounding_box()["x"] > before + 5)
    page.page.keyboard.press("Space")
    page.until("!c.playing")
    picture = plot.screenshot()
    page.page.mouse.click(*screen(page.page, linked, second))
    page.until("c.playing && c.time > 0.2")
    assert page.page.locator(".ev-collection-page-heatmap h2").inner_text() == "Metal I"
    assert plot.screenshot() != picture


@pytest.mark.slow
def test_the_player_that_may_cover_a_map_is_not_opaque(opened, linked):
    # Of a WebGL canvas below something opaque, Chromium's software compositor leaves out as much at the lower end.
    player = opened(linked).page.locator(".ev-track-page-player")
    color = player.evaluate("el => getComputedStyle(el).backgroundColor")
    assert 0.99 < float(re.search(r"/ ([\d.]+)\)", color)[1]) < 1


@pytest.mark.slow
def test_colors_change_and_the_legend_filters(opened, linked):
    page = opened(linked).page
    by_genre = painted(page)
    legend = page.locator(".ev-scatter-legend")
    assert {"ambient", "jazz", "metal", "rock"} <= set(legend.locator(".ev-scatter-category-name").all_inner_texts())
    legend.get_by_role("button", name=re.compile("jazz")).click()
    without = painted(page)
    assert without != by_genre
    count = page.locator(".ev-facets-count")
    until(page, lambda: re.fullmatch(r"\d of 9 tracks", count.inner_text()))
    assert "shown" not in legend.inner_text(), "there is one count"
    choice = page.get_by_label("Colour by")
    choice.select_option(label="rock")
    assert painted(page) not in (by_genre, without)
    until(page, lambda: count.inner_text() == "9 tracks")
    choice.select_option(label="Cluster")
    painted(page)
    assert len(set(legend.locator(".ev-scatter-category-name").all_inner_texts())) == 3
    choice.select_option(label="one colour")
    painted(page)
    assert not legend.locator(".ev-scatter-category:visible").count()
    groups = page.locator(".ev-collection-page-bar optgroup").evaluate_all("all => all.map((group) => group.label)")
    assert groups == ["The table", "What MusiCNN hears", "The map"]


@pytest.mark.slow
def test_tracks_are_filtered_on_the_page(opened, tmp_path):
    table = tones(tmp_path, n=6).assign(genre=["a", "a", "b", "b", "", HOSTILE], year=pd.array([1990, 2000] * 3))
    path = tmp_path / "page.html"
    clusters = np.array([0, 0, 0, 1, 1, -1])
    path.write_text(page_of(table, folder=tmp_path, clusters=clusters, names={0: "loud"}), encoding="utf-8")
    page = opened(path, sound=tmp_path / "tone 0.wav").page
    strip = page.locator(".ev-facets")
    assert strip.locator(".ev-facet-title").all_inner_texts() == ["year", "genre", "cluster"]
    assert strip.locator("img").count() == 0
    strip.get_by_role("checkbox", name="loud, 3 of 3").click()
    strip.get_by_role("checkbox", name="a, 2 of 2").click()
    until(page, lambda: strip.locator(".ev-facets-count").inner_text() == "2 of 6 tracks")
    page.locator(".ev-scatter-stage").press("a")  # all that is shown
    rows = page.locator(".ev-collection-page-list", has_text="Selected").locator("li")
    until(page, lambda: rows.count() == 2)
    strip.get_by_role("checkbox", name="a, 2 of 2").click()
    strip.get_by_role("checkbox", name="b, 1 of 2").click()
    until(page, lambda: rows.count() == 0)
    page.locator(".ev-scatter-stage").press("a")
    until(page, lambda: rows.count() == 1)
    near = page.locator(".ev-collection-page-list", has_text="Nearest in the model").locator("li")
    assert near.count() == 1
    strip.get_by_role("button", name="Show all").click()
    until(page, lambda: near.count() == 5)


@pytest.mark.slow
def test_a_page_begins_with_the_filters_that_it_is_given(opened, tmp_path):
    table = tones(tmp_path, n=6).assign(genre=["a", "a", "b", "b", "", HOSTILE], artist=["x", "x", "x", "y", "y", "y"])
    filters = {"column:artist": {"values": ["x"], "unknown": False}, "column:genre": {"values": ["a", HOSTILE]}}
    path = tmp_path / "page.html"
    text = page_of(table, folder=tmp_path, filters={**filters, "tempo": {"range": [60, 90]}})
    path.write_text(text, encoding="utf-8")
    assert description(text)["facets"]["filters"].keys() == filters.keys(), "of what the page offers"
    strip = opened(path, sound=tmp_path / "tone 0.wav").page.locator(".ev-facets")
    strip.get_by_text("2 of 6 tracks").wait_for()
    assert strip.locator(".ev-facet-title").all_inner_texts() == ["genre", "artist"]
    assert strip.get_by_role("checkbox", name="x, ").is_checked()
    with pytest.raises(OptionError, match="Filters are expected"):
        page_of(table, filters={"column:genre": {"values": "a"}})


def test_the_search_finds(opened, linked):
    page = opened(linked).page
    page.keyboard.press("/")
    page.keyboard.type("ambient")
    found = page.locator(".ev-scatter-matches li")
    found.first.wait_for()
    assert sorted(text.split("\n")[0] for text in found.all_inner_texts()) == ["Ambient I", "Ambient II"]


@pytest.mark.slow
def test_what_is_selected_can_be_taken_away(opened, linked, tmp_path):
    page = opened(linked).page
    page.locator(".ev-scatter-stage").focus()
    page.keyboard.press("a")
    listed = page.locator("section[aria-labelledby=embviz-selected]")
    listed.wait_for()
    assert "9, 1:48" in listed.inner_text()
    texts = {}
    for name in ("Playlist", "Table"):
        with page.expect_download() as download:
            listed.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / name)
        texts[download.value.suggested_filename] = (tmp_path / name).read_text("utf-8")
    lines = texts["selection.m3u8"].splitlines()
    assert lines[0] == "#EXTM3U"
    assert lines[lines.index("#EXTINF:12,Ada & Co - Jazz I") + 1] == "my music #1/jazz/jazz 0.ogg"
    rows = pd.read_csv(io.StringIO(texts["selection.csv"].removeprefix("\ufeff")))
    assert len(rows) == 9
    assert rows["Title"].tolist()[0] == "Ambient I"
    listed.get_by_role("button", name="Clear").click()
    listed.wait_for(state="hidden")


@pytest.mark.slow
def test_moments_that_are_selected_keep_their_times(opened, table, tmp_path):
    path = tmp_path / "frames.html"
    path.write_text(page_of(table, vectors_of(table, frames=6), folder=tmp_path), "utf-8")
    page = opened(path).page
    page.locator(".ev-scatter-stage").focus()
    page.keyboard.press("a")
    listed = page.locator("section[aria-labelledby=embviz-selected]")
    listed.wait_for()
    assert "24, 0:04" in listed.inner_text()
    texts = {}
    for name in ("Playlist", "Table"):
        with page.expect_download() as download:
            listed.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / name)
        texts[name] = (tmp_path / name).read_text("utf-8")
    lines = texts["Playlist"].splitlines()
    assert len(lines) == 1 + 24 * 4
    assert lines[5] == "#EXTINF:1,2. Tone 0 (0:00)"
    assert lines[6:8] == ["#EXTVLCOPT:start-time=0.083", "#EXTVLCOPT:stop-time=0.250"]
    rows = pd.read_csv(io.StringIO(texts["Table"].removeprefix("\ufeff")))
    assert rows["At, s"].to_numpy() == pytest.approx(np.tile(np.arange(6) / 6, 4), abs=1e-6)


@pytest.mark.slow
def test_a_track_that_no_browser_plays_says_so(opened, linked):
    page = opened(linked)
    page.page.mouse.click(*screen(page.page, linked, track_of(linked, "Folk")))
    page.page.get_by_text("Browsers cannot be expected to play 'folk.aiff'").first.wait_for()
    page.page.locator("summary").click()
    assert page.page.get_by_text("Not on the map: 1 track").is_visible()
    assert page.page.get_by_text("1 track, such as: Browsers cannot").is_visible()


@pytest.mark.slow
def test_sound_in_the_page_plays(opened, made, tmp_path):
    options = {**made.options(), "embeddings": None}
    path = collection_page.write_collection_page(tmp_path / "embedded.html", made.table, audio="embed", **options)
    page = opened(path)
    assert not page.page.locator(".ev-collection-page-heatmap").count()
    page.page.mouse.click(*screen(page.page, path, track_of(path, "Folk")))
    page.until("c.playing && c.media.currentTime > 0.5")
    page.page.locator(".ev-collection-page-list li button").first.click()
    page.until("c.playing && c.media.currentTime > 0.2 && c.media.currentTime < 3")


@pytest.mark.slow
def test_a_clip_plays_within_its_seconds(opened, made, music, rock, tmp_path):
    # A track of two minutes in the place of an excerpt.
    label = made.table.index[made.table["title"] == "Rock I"][0]
    table = made.table.copy()
    table.loc[label, "path"], table.loc[label, "duration"] = str(rock), 122.5
    path = collection_page.write_collection_page(
        tmp_path / "clips.html", table, audio="clips", **{**made.options(), "embeddings": None}
    )
    assert description(path.read_text("utf-8"))["guide"].endswith(
        "this page holds the loudest 25 s; nothing else of it can be heard here."
    )
    assert path.stat().st_size < 2_500_000
    page = opened(path)
    page.page.mouse.click(*screen(page.page, path, track_of(path, "Rock I")))
    page.until("c.playing && c.media.currentTime > 1")
    start, stop = page_audio.prepare_audio(rock, "clips", tmp_path).span
    assert start < page.clock("time") < start + 5
    assert page.clock("duration") == pytest.approx(122.5, abs=0.1)
    page.clock(f"seek({stop - 0.3})")
    page.until("!c.playing")
    assert page.clock("time") == pytest.approx(start, abs=0.05)
    assert page.page.get_by_text("the loudest 25 s").first.is_visible()


@pytest.mark.slow
def test_a_frame_plays_from_its_moment(opened, tmp_path):
    table = tones(tmp_path / "tones", n=3, seconds=10)
    vectors = vectors_of(table, frames=10)
    vectors = Vectors(vectors.values, vectors.tracks, vectors.times * 10, "own", "embedding", "frames")
    path = collection_page.write_collection_page(
        tmp_path / "frames.html", table, vectors=vectors, projection=project(vectors, "pca"), audio="embed"
    )
    page = opened(path)
    page.page.mouse.click(*screen(page.page, path, 16))
    page.until("c.playing && c.media.currentTime > 6.2")
    assert page.clock("time") < 8
    assert page.page.locator(".ev-collection-page-list li").first.inner_text().startswith("Tone")
    assert " at 0:0" in page.page.locator(".ev-collection-page-list li").first.inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2])
def test_few_tracks_have_a_page(opened, tmp_path, n):
    table = tones(tmp_path / "tones", n=n)
    # Not every track has its frames.
    vectors, found = vectors_of(table), {10: frames_of()}
    path = collection_page.write_collection_page(
        tmp_path / "few.html", table, vectors=vectors, projection=project(vectors), embeddings=found.get, audio="embed"
    )
    page = opened(path)
    page.page.locator(".ev-scatter-stage").focus()
    played = []
    for keys in (["ArrowRight", "ArrowRight"], ["ArrowLeft"])[:n]:
        for key in (*keys, "Enter"):
            page.page.keyboard.press(key)
        page.until("c.media && (c.playing || c.media.ended)")
        played.append(page.page.locator(".ev-collection-page-track h2").inner_text())
        message = page.page.get_by_text("There is no heatmap of this track.")
        assert message.is_visible() == (played[-1] != "Tone 0")
    assert sorted(played) == [f"Tone {i}" for i in range(n)]


@pytest.mark.slow
def test_hostile_text_is_text_on_the_page(opened, table, tmp_path):
    table = table.assign(title=HOSTILE, artist=HOSTILE, **{HOSTILE: [HOSTILE, "b", "b", "b"]})
    path = collection_page.write_collection_page(
        tmp_path / "a.html", table, vectors=vectors_of(table), projection=project(vectors_of(table), "pca"),
        title=HOSTILE, notes=[HOSTILE], colors=[HOSTILE], clusters=[0, 0, 1, 1], names={0: HOSTILE}, audio="embed",
    )  # fmt: skip
    page = opened(path)
    assert page.page.locator("h1").evaluate("el => el.textContent") == SHOWN
    page.page.mouse.click(*screen(page.page, path, 0))
    page.until("c.duration > 0")
    page.page.locator(".ev-scatter-stage").focus()
    page.page.keyboard.press("a")
    page.page.locator(".ev-collection-page-list li").last.wait_for()
    page.page.locator("summary").click()
    assert page.page.locator("img, [onerror]").count() == 0
    wide = page.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0


@pytest.mark.slow
@pytest.mark.parametrize("width", [480, 760, 1400])
def test_nothing_is_cut_off(opened, linked, music, width):
    track = track_of(linked, "Jazz II")
    page = opened(linked, width=width, scheme="dark", sound=file_of(linked, track, music))
    page.page.mouse.click(*screen(page.page, linked, track))
    page.until("c.playing")
    page.page.locator("summary").click()
    wide = page.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    page.page.get_by_role("button", name="Change to light colours").click()
    assert page.page.locator("html[data-theme=light]").count() == 1


# -- the command ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_command_writes_the_page_of_a_folder(opened, music, tmp_path, weights_home, capsys):
    path = tmp_path / "page.html"
    code = run(["report", str(music), "-o", str(path), "--method", "pca"])
    told = capsys.readouterr()
    assert code == 1  # one file is no sound
    assert told.err.count("broken.wav") == 1
    assert told.out == f"{path}\n"
    assert "'page.html' holds the loudest 25 s" in told.err
    assert "--audio link" in told.err
    page = description(path.read_text("utf-8"))
    assert page["title"] == "my music #1"
    assert page["facts"] == ["9 tracks", "MusiCNN (MSD) / embedding", "PCA"]
    titles = [color["color"]["title"] for color in page["colors"]]
    assert titles[:3] == ["Genre", "Cluster", "Artist"]
    assert "classic rock" in titles
    opened(path)


def test_by_default_a_page_of_few_tracks_holds_clips_and_one_of_many_links():
    assert collection_page.choose_audio("auto", 200) == "clips"
    assert collection_page.choose_audio("auto", 201) == "link"
    assert collection_page.choose_audio("embed", 201) == "embed"
    clips = collection_page.describe_audio("/some/map.html", 41)
    assert clips.startswith("'map.html' holds the loudest 25 s of each of 41 tracks and plays wherever it is copied to")
    assert "audio='link'" in clips
    links = collection_page.describe_audio("map.html", 1203, "--audio {}")
    assert "plays the files of 1,203 tracks from where they are" in links
    assert "--audio clips" in links


@pytest.mark.slow
def test_a_report_is_coloured_by_what_is_asked_for(music, tmp_path, weights_home, capsys):
    page, facts = tmp_path / "page.html", tmp_path / "facts.csv"
    rows = [f"{style} {i}.ogg,{mood}" for style, mood in (("rock", "loud"), ("jazz", "soft")) for i in (0, 1)]
    facts.write_text("\n".join(["file,mood", *rows]), encoding="utf-8")
    common = ["report", str(music), "-o", str(page), "--method", "pca", "--no-heatmaps"]
    expected = {"mood": "mood", "classic rock": "classic rock"}
    for color, title in expected.items():
        assert run([*common, "--color", color, "--table", str(facts)]) == 1
        colors = description(page.read_text("utf-8"))["colors"]
        titles = [each["color"]["title"] for each in colors]
        assert titles[0].startswith(title)
        assert {"Folder", "mood", "Cluster"} <= set(titles)
        assert len(set(titles)) == len(titles)
    folders = next(each["color"] for each in colors if each["color"]["title"] == "Folder")
    assert set(folders["labels"]) == {"rock", "jazz", "ambient", "metal", "folk"}
    capsys.readouterr()
    assert run([*common, "--color", "foldr"]) == 1
    assert "Did you mean 'folder'" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_frames_of_a_folder_without_tags(music, tmp_path, weights_home):
    path = tmp_path / "page.html"
    folder = music / "rock"
    options = ["--method", "pca", "--points", "frames", "--no-tags", "--no-heatmaps", "--title", "Rock & roll"]
    assert run(["report", str(folder), "-o", str(path), *options]) == 0
    page = description(path.read_text("utf-8"))
    assert page["title"] == "Rock & roll"
    assert page["facts"][:2] == ["2 tracks", "14 frames"]
    assert page["heatmap"] is None
    assert [color["color"]["title"] for color in page["colors"]][-1].startswith("Kept of its")


def test_what_is_missing_is_one_sentence(music, tmp_path, monkeypatch, capsys):
    page = str(tmp_path / "page.html")
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "home"))
    assert run(["report", str(music), "-o", page]) == 1
    assert "embviz pull" in capsys.readouterr().err.splitlines()[-1]
    assert run(["report", str(tmp_path / "nowhere"), "-o", page]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert not Path(page).exists()


def test_a_survey_refuses_what_cannot_be_done(music, tmp_path):
    with pytest.raises(CollectionError):
        Collection.from_folder(tmp_path)
    table = Collection.from_folder(music).table
    with pytest.raises(OptionError, match="Did you mean 'umap'"):
        collection_report.write_collection_report(tmp_path / "a.html", table, method="unap")
    with pytest.raises(OptionError, match="points is 'tracks' or 'frames'"):
        collection_report.write_collection_report(tmp_path / "a.html", table, points="both")
