"""Texts of a collection's page: what is drawn, the quality of the map, and where everything came from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from embviz.analysis.projection import METHOD_NAMES
from embviz.core.embedding import Embedding
from embviz.core.text import format_time, plural, trim_lines
from embviz.errors import ModelError
from embviz.export import track_page
from embviz.export.page_audio import CLIP
from embviz.models import get_model, model_title
from embviz.models.weights import find_weights

if TYPE_CHECKING:
    import pandas as pd

    from embviz.analysis.projection import Projection
    from embviz.core.vectors import Vectors
    from embviz.export.track_assets import TrackAssets
    from embviz.plotting.axes import Axis


LISTED = 200  # tracks without a place on the map

MEANING = (
    "Trustworthiness falls where points are neighbours on the map only, continuity where they are "
    "neighbours in the model only."
)
SOUNDS = {
    "link": "linked: the files have to stay where they are as seen from this page",
    "embed": "embedded whole, re-encoded small; the embeddings were computed from the originals",
    "clips": f"embedded, of each track the {CLIP:.0f} s that are loudest, in one channel at 24 kHz; the embeddings "
    "were computed from the whole originals",
}


def subtitle_facts(
    vectors: Vectors, projection: Projection, tracks: int, axes: tuple[Axis, Axis] | None = None
) -> list[str]:
    """Return the facts below the title of a page."""
    points = [] if vectors.times is None else [plural(len(vectors.tracks), "frame")]
    source = trim_lines(f"{model_title(vectors.model)} / {vectors.layer}")
    how = METHOD_NAMES[projection.method] if axes is None else trim_lines(f"{axes[0].title} × {axes[1].title}")
    return [plural(tracks, "track"), *points, source, how]


def quality_facts(projection: Projection) -> list[str]:
    """Return the quality of a map, as far as it could be measured."""
    said = [("trustworthiness", projection.trustworthiness), ("continuity", projection.continuity)]
    found = [f"{name} {value:.2f}" for name, value in said if math.isfinite(value)]
    return [*found, f"k = {projection.k}", "1 is best"] if found else []


def reading_caution(projection: Projection, axes: tuple[Axis, Axis] | None = None) -> str:
    """Return what distances on a map do not mean."""
    if axes is not None:
        across, up = (trim_lines(axis.heading) for axis in axes)
        return f"The map shows {across} to the right and {up} upwards; what is nearest is measured in the model."
    why = (
        "what is close here is mostly close there, but how far apart groups lie, and how large they are, means nothing"
    )
    if projection.method == "pca":
        across, up = projection.axes
        why = f"of its dimensions the map shows two, {across} to the right and {up} upwards"
    return (
        f"Distances on the map are not distances of the model: {why}. "
        "The list of nearest points is measured in the model itself."
    )


def provenance_sections(
    table: pd.DataFrame, vectors: Vectors, projection: Projection, made: TrackAssets, audio: str
) -> list[dict[str, Any]]:
    """Return the sections at the foot of the page."""
    sections = [
        {"title": "The map", "facts": _map_facts(vectors, projection)},
        {"title": trim_lines(f"{vectors.model} / {vectors.layer}"), "facts": _model_facts(vectors, made.source)},
        {"title": "The sound", "facts": _audio_facts(made, audio)},
    ]
    missing = _missing_tracks(table, vectors)
    if missing:
        more = [("", f"and {len(missing) - LISTED:,} more")] if len(missing) > LISTED else []
        title = f"Not on the map: {plural(len(missing), 'track')}"
        sections.append({"title": title, "facts": [*missing[:LISTED], *more]})
    return sections


def _map_facts(vectors: Vectors, projection: Projection) -> list[tuple[str, str]]:
    chosen = {"metric": projection.metric, "seed": projection.seed, **projection.options}
    options = ", ".join(f"{name} {value}" for name, value in chosen.items())
    points = "frames of tracks" if vectors.times is not None else f"whole tracks ({vectors.pooling} over time)"
    quality = ", ".join(quality_facts(projection))
    return [
        ("Method", trim_lines(f"{METHOD_NAMES[projection.method]} ({options})")),
        ("Points", f"{len(vectors.tracks):,} {points}"),
        ("How true", quality or "not measured: there are too few points"),
        ("What that says", MEANING),
        ("Caution", reading_caution(projection)),
    ]


def _model_facts(vectors: Vectors, source: Embedding | None) -> list[tuple[str, str]]:
    size = plural(vectors.shape[1], "dimension")
    said = [("Values", f"{size}{f', {vectors.unit}' if vectors.unit else ''}")]
    if source is not None and source.model == vectors.model:
        return [*said, *track_page.weights_facts(source)]
    try:
        record = get_model(vectors.model)
    except ModelError:  # Embeddings of other people's models can be shown, too.
        return said
    if record.identity:
        return [*said, ("Task", record.task), ("Engine", "a Python function"), ("Licence", record.licence)]
    weights = find_weights(record, verify=False)
    known = [("Weights", weights.source), ("SHA-256", weights.sha256)] if weights else []
    licence = [("Licence", record.licence)] if record.licence else []
    return [*said, ("Task", record.task), *known, *licence]


def _audio_facts(made: TrackAssets, audio: str) -> list[tuple[str, str]]:
    said = [("Length", format_time(made.seconds)), ("Here", SOUNDS[audio])]
    if made.silent:
        said.append(("Silent", f"{plural(len(made.silent), 'track')}, such as: {trim_lines(made.silent[0])}"))
    return said


def _missing_tracks(table: pd.DataFrame, vectors: Vectors) -> list[tuple[str, str]]:
    absent = table.loc[~table.index.isin(vectors.tracks)]
    return [
        (trim_lines(str(name)), trim_lines(str(vectors.failed.get(int(label)) or problem)) or "It was not embedded.")
        for label, name, problem in zip(absent.index, absent["name"], absent["problem"], strict=True)
    ]
