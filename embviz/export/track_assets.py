"""Audio, heatmap and trail of each track in a page; read when the track is chosen."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embviz.core.embedding import Embedding
from embviz.core.text import trim_lines
from embviz.errors import EmbvizError
from embviz.export import static_widgets
from embviz.export.page_audio import prepare_audio
from embviz.export.static_widgets import PageData, without_comm
from embviz.plotting.heatmap_data import is_listed
from embviz.widgets.heatmap import Heatmap

if TYPE_CHECKING:
    from embviz.core.progress import Report
    from embviz.export.static_map import StaticMap


LOW = 192  # pixels of a heatmap of many dimensions


@dataclass
class TrackAssets:
    """The assets of all tracks: ids of their elements in the page, and facts about them."""

    names: list[str] = field(default_factory=list)  # of elements, one per track
    seconds: float = 0.0  # of all sounds
    silent: list[str] = field(default_factory=list)  # why tracks cannot be heard
    missing: list[str] = field(default_factory=list)  # the same, of those whose files are not there
    source: Embedding | None = None  # one of those that are drawn


def build_track_assets(
    drawn: StaticMap,
    embeddings: Callable[[int], Embedding | None] | None,
    *,
    audio: str,
    folder: str | os.PathLike[str],
    blocks: PageData,
    report: Report,
) -> TrackAssets:
    """Add audio, heatmap and trail of each track of a map to the page."""
    parts, rows = TrackAssets(), drawn.rows
    stage = "sounds and heatmaps" if embeddings else "sounds"
    for done, (label, path, duration) in enumerate(zip(rows.index, rows["path"], rows["duration"], strict=True)):
        report(stage, done, len(rows))
        blocks.check_estimate(done, len(rows))
        sound = prepare_audio(path, audio, folder, duration=0.0 if math.isnan(duration) else float(duration))
        embedding, note = _load_embedding(embeddings, int(label))
        state = {
            "player": static_widgets.pack_traits(sound.traits, blocks),
            "span": sound.span,
            "trail": blocks.add(drawn.trail(int(label), embedding)),
            "heatmap": _heatmap(embedding, blocks),
            "note": note,
        }
        parts.names.append(blocks.add_json(state))
        parts.seconds += sound.duration
        parts.silent += [sound.problem] if sound.problem else []
        parts.missing += [sound.problem] if sound.missing else []
        parts.source = parts.source or embedding
    report(stage, len(rows), len(rows))
    return parts


def _load_embedding(embeddings: Callable[[int], Embedding | None] | None, label: int) -> tuple[Embedding | None, str]:
    """Return the frames of a track, or why there are none."""
    try:
        embedding = embeddings(label) if embeddings else None
    except EmbvizError as error:
        return None, trim_lines(str(error))
    return (embedding, "") if embedding is not None and all(embedding.shape) else (None, "")


def _heatmap(embedding: Embedding | None, blocks: PageData) -> dict[str, Any] | None:
    if embedding is None:
        return None
    listed = is_listed(embedding.labels)
    height = 0 if listed else min(LOW, 2 * embedding.shape[1])
    return static_widgets.static_widget(without_comm(Heatmap).of(embedding, title="", height=height), blocks)
