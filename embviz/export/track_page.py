"""The page that needs no kernel: a sound and its embeddings in one HTML file that plays from a disk, without a network.

Conventions: the widgets are those of JupyterLab, and stand still here (:mod:`.static_widgets`), one byte per cell.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from anywidget import AnyWidget

from embviz.audio import Audio, AudioSource
from embviz.core.embedding import Embedding, format_period
from embviz.core.progress import Report
from embviz.core.text import format_magnitude, format_seconds, format_time, plural, trim_lines
from embviz.errors import ModelError, OptionError
from embviz.export import static_widgets
from embviz.export.static_widgets import MAX_BYTES, PageData, compact_audio, static_widget, without_comm
from embviz.models import get_model, model_title
from embviz.models.model import Model
from embviz.plotting import save
from embviz.plotting.heatmap_data import is_listed
from embviz.widgets import browser_audio
from embviz.widgets.heatmap import Heatmap
from embviz.widgets.player import Player

AUDIO = ("embed", "link")
SEVERAL = 2  # More heatmaps than these are drawn low, so that they can be seen together.
LOW = 128  # pixels

GUIDE = (
    "Time runs to the right; each row of a heatmap is one dimension, and colour is its value. Click to hear a moment, "
    "drag to select a stretch, double click to see all again; the mouse wheel zooms once a plot has been clicked. "
    "Space plays and pauses, ? shows all keys."
)
REMEDY = "link the sound in place of embedding it, or choose fewer models or layers, or a shorter sound"


@dataclass(frozen=True)
class PageRow:
    """One plot of a page."""

    content: Embedding | AnyWidget
    """An embedding is drawn as a heatmap; a widget of :mod:`embviz.widgets` as it is now."""
    title: str = ""
    """Shown above; by default the model's."""
    facts: Sequence[str] | None = None
    """Shown beside the title; by default what the model is and what its frames are."""
    options: Mapping[str, Any] | None = None
    """Traits of an embedding's heatmap, such as ``{"order": "cluster", "pins": [3, 7]}``."""
    embedding: Embedding | None = None
    """What a widget shows; of an embedding that is known, the page says where it came from."""

    @property
    def source(self) -> Embedding | None:
        """The embedding that is shown, where it is known."""
        return self.content if isinstance(self.content, Embedding) else self.embedding


@dataclass(frozen=True)
class MissingRow:
    """A place on the page for what could not be drawn: why, and the commands that would help."""

    title: str
    message: str
    facts: Sequence[str] = ()
    commands: Sequence[str] = ()


Content: TypeAlias = Embedding | AnyWidget | PageRow | MissingRow


def write_track_page(
    path: str | os.PathLike[str], sound: AudioSource, embeddings: Iterable[Content], **options: Any
) -> Path:
    """Write a page that plays a sound and shows its embeddings, ``.html``, whole or not at all; return where.

    All else is as for :func:`render_track_page`, which is told the folder of `path`; FigureError is also raised where
    the file cannot be written.
    """
    return static_widgets.write_page(
        path, lambda folder: render_track_page(sound, embeddings, folder=folder, **options)
    )


def render_track_page(  # noqa: PLR0913  options of a page
    sound: AudioSource,
    embeddings: Iterable[Content],
    *,
    title: str | None = None,
    audio: str = "embed",
    theme: str = "auto",
    details: Sequence[str] = (),
    sections: Sequence[tuple[str, float]] = (),
    folder: str | os.PathLike[str] = ".",
    report: Report | None = None,
) -> str:
    """Return a page, HTML, that plays a sound and shows its embeddings on one clock, without a kernel or a network.

    Parameters
    ----------
    sound : path, (ndarray, int) or Audio
        The track.
    embeddings : iterable of Embedding, widget, PageRow or MissingRow
        From top to bottom. An embedding takes a byte per cell, and a third more as text; a :class:`PageRow` says more
        about one; a :class:`MissingRow` stands for one that is not there, such as :func:`missing_row` gives.
    title : str, optional
        Title of the page; the name of the sound's file by default.
    audio : {"embed", "link"}
        Whether the page holds the sound, re-encoded at about 96 kbit/s (1 MB a minute, as text) unless the file is as
        small already, or only the way to it from `folder`: the two must then be moved together.
    theme : {"auto", "light", "dark"}
        As for :func:`embviz.save_figure`; a button changes it.
    details : sequence of str
        Facts of the track, shown below its title.
    sections : sequence of (str, float)
        Parts of the track to mark: name, and start in seconds.
    folder : path
        Where the page will lie.
    report : callable, optional
        Told what is being done, how many steps are done, and of how many.

    Raises
    ------
    AudioError
        If the sound cannot be read.
    FigureError
        If the page would be larger than a browser opens.
    OptionError
        If an option has no such value, or the sound cannot be linked.
    """
    static_widgets.check_audio(audio, AUDIO)
    save.check_theme(theme)
    opened, rows, blocks = Audio.open(sound), [_to_row(content) for content in embeddings], PageData(MAX_BYTES, REMEDY)
    name = opened.title if title is None else title
    link = _audio_url(opened, folder) if audio == "link" else ""
    several = sum(isinstance(row, PageRow) for row in rows) > SEVERAL
    tell: Report = report or (lambda *_: None)
    plots = []
    for i, row in enumerate(rows):
        tell("drawing", i, len(rows) + 1)
        plots.append(_describe_row(row, blocks, LOW if several else 0))
    tell("linking the sound" if link else "encoding the sound", len(rows), len(rows) + 1)
    player = _player(opened, blocks, link=link, parts=sections)
    description = {
        "title": trim_lines(name) or "embviz",
        "facts": [
            _length(opened.duration),
            *trim_lines([opened.title] if name != opened.title else []),
            *trim_lines(filter(None, details)),
        ],
        "guide": GUIDE,
        "theme": theme,
        "silent": _missing_sound_note(opened, link),
        "player": player,
        "rows": plots,
        "about": [_audio_facts(opened, link), *_provenance(rows)],
    }
    return static_widgets.render_page(description, blocks, script="track_page", linked=bool(link))


def missing_row(model: str | Model, reason: str = "") -> MissingRow:
    """Return the row of a model whose weights are not here, with the commands that get them; or of another `reason`."""
    record = get_model(model)
    facts = *_model_facts(record), *([plural(record.dimensions, "dimension")] if record.dimensions else [])
    if reason:
        return MissingRow(record.title, reason, facts, ())
    return MissingRow(
        record.title,
        "Its weights are not on this computer yet. Get them, or take them from a folder, and write the page again:",
        facts,
        (f"embviz pull {record.name}", "embviz pull --from DIR"),
    )


def embedding_facts(embedding: Embedding) -> tuple[str, ...]:
    """Return the facts beside the title of an embedding: layer, task, parameters, frames."""
    record = _record(embedding.model)
    t, d = embedding.shape
    return (
        *([] if embedding.layer == "embedding" else [embedding.layer]),
        *(_model_facts(record) if record else ()),
        f"{plural(d, 'dimension')} × {plural(t, 'frame')}, {format_period(embedding)}",
        *(["shorter than one patch, repeated to fill it"] if embedding.padded else []),
    )


# -- the rows -----------------------------------------------------------------------------------------------------


def _to_row(content: Content) -> PageRow | MissingRow:
    row = content if isinstance(content, PageRow | MissingRow) else PageRow(content)
    if isinstance(row, PageRow) and isinstance(row.content, Embedding) and not all(row.content.shape):
        facts = row.facts or embedding_facts(row.content)
        return MissingRow(row.title or row.content.model, "There are no frames to draw.", facts)
    return row


def _describe_row(row: PageRow | MissingRow, blocks: PageData, low: int) -> dict[str, Any]:
    if isinstance(row, MissingRow):
        return {name: trim_lines(getattr(row, name)) for name in ("title", "facts", "message", "commands")}
    source = row.source
    said = embedding_facts(source) if source and row.facts is None else row.facts or ()
    title = row.title or (model_title(source.model) if source else "")
    widget = _heatmap(row, low) if isinstance(row.content, Embedding) else row.content
    return {"title": trim_lines(title), "facts": trim_lines(said), **static_widget(widget, blocks)}


def _heatmap(row: PageRow, low: int) -> Any:
    embedding: Any = row.content
    d = embedding.shape[1]
    # Whole rows per pixel; a list of names needs its room.
    listed = is_listed(embedding.labels)
    height = math.ceil(d / math.ceil(d / low)) if 0 < low < d and not listed else 0
    return without_comm(Heatmap).of(embedding, **{"title": "", "height": height, **(row.options or {})})


# -- the sound ----------------------------------------------------------------------------------------------------


def _player(sound: Audio, blocks: PageData, *, link: str, parts: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Return the player as it stands in the page."""
    outline = browser_audio.summary(sound)
    if link and sound.path is not None:
        audio: dict[str, Any] = {"url": link, "offset": browser_audio.start_offset(sound.path)}
    else:
        audio = compact_audio(sound)
    player = without_comm(Player)(
        serial=1,
        duration=outline.duration,
        view=[0.0, outline.duration],
        peaks=outline.peaks.tobytes(),
        sections=[{"name": trim_lines(name), "start": float(start)} for name, start in parts],
        **audio,
    )
    return static_widget(player, blocks)


def _audio_url(sound: Audio, folder: str | os.PathLike[str]) -> str:
    """Return the address of a sound's file as seen from a folder."""
    if sound.path is None:
        raise OptionError("Samples have no file that could be linked; audio='embed' puts their sound into the page.")
    if not browser_audio.media_type(sound.path):
        raise OptionError(
            f"Browsers cannot be expected to play {sound.title!r}, so a link to it would stay silent; "
            "audio='embed' puts its sound into the page in a format that they know."
        )
    return static_widgets.relative_url(sound.path, folder)


def _missing_sound_note(sound: Audio, link: str) -> str:
    if link:
        title = trim_lines(sound.title)
        return f"The sound was not found: {title} has to be where it was when this page was written ({link})."
    return "This browser cannot play the sound that is in this page (Ogg Vorbis); Chrome, Edge and Firefox can."


# -- words --------------------------------------------------------------------------------------------------------


def _provenance(rows: Sequence[PageRow | MissingRow]) -> list[dict[str, Any]]:
    sources = [row.source for row in rows if isinstance(row, PageRow)]
    shown = {f"{e.model} / {e.layer}, {format_period(e)}": e for e in sources if e is not None}
    return [
        {"title": trim_lines(f"{e.model} / {e.layer}"), "facts": [*_frame_facts(e), *weights_facts(e)]}
        for e in shown.values()
    ]


def _audio_facts(sound: Audio, link: str) -> dict[str, Any]:
    said = [
        ("Length", f"{_length(sound.duration)} ({sound.duration:.3f} s)"),
        ("Sample rate", f"{sound.sample_rate:,} Hz"),
        ("Digest", f"{sound.digest} (BLAKE2b)"),
        ("Here", f"linked: {link}" if link else "embedded; the embeddings were computed from the original"),
    ]
    return {"title": trim_lines(sound.title), "facts": said}


def _frame_facts(embedding: Embedding) -> list[tuple[str, str]]:
    grid = embedding.grid
    samples = grid.patch, grid.receptive_field
    patch, heard = (format_seconds(count / grid.sample_rate, 4) for count in samples)
    quality = embedding.info.get("resample_quality")
    resampled = "one channel" if quality is None else f"resampled with quality {quality} (0 is best, 4 fastest)"
    t, d = embedding.shape
    unit = f", {embedding.unit}" if embedding.unit else ""
    return [
        ("Values", f"{plural(t, 'frame')} × {plural(d, 'dimension')}{unit}"),
        ("Frame", f"{patch} {format_period(embedding, 4)}, which hears {heard}"),
        ("Sound heard", f"{grid.sample_rate:,} Hz, {resampled}"),
    ]


def weights_facts(embedding: Embedding) -> list[tuple[str, str]]:
    """Return facts about the weights of an embedding: names and texts."""
    info, record = embedding.info, _record(embedding.model)
    weights = [("Weights", embedding.source), ("SHA-256", str(info.get("weights", "")))]
    if info.get("engine") == "function":
        weights = [("Version", str(info.get("version", "")))]
    said = [
        ("Task", record.task if record else ""),
        ("Parameters", f"{record.parameters:,}" if record and record.parameters else ""),
        ("Training data", record.training_data if record else ""),
        *weights,
        ("Licence", record.licence if record else ""),
        ("Paper", record.citation if record else ""),
        ("Note", record.note if record else ""),
        ("Engine", _engine(info)),
    ]
    return [(name, text) for name, text in said if text]


def _engine(info: Mapping[str, Any]) -> str:
    """Return what computed an embedding; those of earlier versions name Essentia alone."""
    if info.get("engine") == "function":
        return f"a Python function, decoding by {info.get('decoding', '')}"
    if info.get("engine") == "onnx":
        return f"ONNX Runtime {info.get('onnxruntime', '')}, decoding by {info.get('decoding', '')}".rstrip()
    return f"Essentia {info['essentia']}" if "essentia" in info else ""


def _record(name: str) -> Model | None:
    try:
        return get_model(name)
    except ModelError:  # Embeddings of other people's models can be shown, too.
        return None


def _model_facts(record: Model) -> tuple[str, ...]:
    # The details of the task stand at the foot of the page; of a function, nobody has counted parameters.
    size = () if record.identity else (f"{format_magnitude(record.parameters)} parameters",)
    return re.split(r"[(,;]", record.task)[0].strip(), *size


def _length(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else format_time(seconds, 1)
