"""From the table of a collection to the page of its map, in one step."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis import clustering, tagging
from embviz.analysis.projection import project, unavailable_reason
from embviz.analysis.projection.options import check_method
from embviz.batch import embed_table
from embviz.collection import track_table
from embviz.collection.sidecar import common_folder
from embviz.core import io
from embviz.core.progress import Progress, interruption_note, reporter
from embviz.core.text import one_line
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, FigureError, OptionError, did_you_mean
from embviz.export import collection_page
from embviz.export.axes import LayerAxis, column_axis, layer_axis
from embviz.export.columns import (
    HIDDEN,
    ColorSpec,
    PageColor,
    cluster_name,
    place_columns,
    tagger_group,
    telling_column,
)
from embviz.extraction.engines import EngineOption, check_engine
from embviz.models import get_model
from embviz.models.weights import find_weights
from embviz.plotting.axes import Axis, coordinate_axis, encode_axis

if TYPE_CHECKING:
    import pandas as pd

    from embviz.analysis.projection import Projection
    from embviz.batch.api import TableOptions
    from embviz.core.embedding import Embedding
    from embviz.models import Model, VectorSource


POINTS = ("tracks", "frames")
TAGGER = "musicnn"
COLOR_COLUMNS = ("genre", "artist", "album", "folder", "year")


def write_collection_report(  # noqa: PLR0913  what a map can be told apart by
    path: str | os.PathLike[str],
    table: pd.DataFrame,
    *,
    model: VectorSource = TAGGER,
    layer: str = "embedding",
    method: str = "umap",
    points: str = "tracks",
    color: str | None = None,
    x: Any = None,
    y: Any = None,
    audio: str = "auto",
    tags: bool = True,
    heatmaps: bool = True,
    engine: EngineOption = "auto",
    title: str = "",
    notes: Sequence[str] = (),
    coordinates: str | os.PathLike[str] | None = None,
    progress: Progress = None,
) -> list[str]:
    """Embed, project and cluster a collection, and write the page of its map.

    Parameters
    ----------
    path : path
        Of the page, ending in ``.html``.
    table : DataFrame
        A row per track, as ``Collection.table`` is.
    model : str, Model or Vectors
        Whose vectors are mapped; or vectors of your own.
    layer : str
        Of that model.
    method : str
        As for :func:`embviz.project`.
    points : {"tracks", "frames"}
        What a point of the map is.
    color : str, optional
        What the map is coloured by at first: a column of the table, ``"cluster"``, ``"trust"`` (how many of its
        neighbours a point keeps on the map), or one of MusiCNN's tags; by default the column that says most, as for
        :class:`embviz.Atlas`. The reader chooses among all of them.
    x, y : str, tuple or Direction, optional
        What the places of the points mean in place of the projection, as for :class:`embviz.Atlas`; of tags and tempo,
        one of MusiCNN's tags.
    tags : bool
        Whether MusiCNN hears tags in each track, which name the clusters and can be chosen as colours.
    heatmaps : bool
        Whether the page holds the frames of each track.
    engine : {"auto", "essentia", "onnx"}
        What runs the networks, as for :func:`embviz.embed`.
    audio : {"auto", "clips", "embed", "link"}
        Whether the page holds the loudest 25 s of each track, or the whole tracks, or plays the files from where they
        are; ``"auto"`` is clips up to 200 tracks, links for more.
    title : str
        Of the page; by default the name of the folder that holds all tracks.
    notes : sequence of str
        Sentences to show below the map.
    coordinates : path, optional
        A file, ``.csv``, for the places of the points: ``track`` (its label), ``name``, ``path``, ``time`` in seconds
        (of frames), ``map_x``, ``map_y`` and ``map_cluster``.
    progress : bool, callable or None
        As for :func:`embviz.embed`.

    Returns
    -------
    list of str
        Of each track that is not on the map: its name, and why.

    Raises
    ------
    EmbvizError
        If there is nothing to draw, weights are missing, or an option has no such value.
    """
    _check_options(points, method)
    if coordinates is not None and Path(coordinates).suffix.lower() != ".csv":
        raise OptionError(f"coordinates is a file that ends in .csv, {str(coordinates)!r:.80} was found.")
    check_engine(engine)
    audio = collection_page.choose_audio(audio, len(table))
    record = model if isinstance(model, Vectors) else get_model(model)
    if color is not None:
        _check_color(color, table, tags=tags)
    axes = [_check_axis(wanted, table, tags=tags) for wanted in (x, y)]
    kept = "Interrupted; the embeddings that were computed are kept: run it again to go on."
    with reporter(progress) as report, interruption_note(lambda: kept):
        collection_page.check_page_size(table, audio)
        pooling = "mean" if points == "tracks" else "frames"
        tagger = get_model(TAGGER) if tags else None
        said = list(notes)
        if tagger is not None and tagger != record and find_weights(tagger) is None:
            said += [f"Clusters have numbers in place of names: run `embviz pull {TAGGER}` and write the page again."]
            tagger = None
        options: TableOptions = {"pooling": pooling, "engine": engine, "progress": report}
        vectors, output = _embed_and_tag(table, record, layer, tagger, options)
        problems = list(_failed_tracks(table, vectors))
        if not len(vectors.tracks):
            raise CollectionError(f"No track could be used: {problems[0] if problems else 'there are none.'}")
        projection = project(vectors, method, progress=report)
        groups = clustering.cluster(projection.xy, "hdbscan")
        names = None
        if output is not None:
            names = clustering.name_clusters(groups, tagging.tags_at_points(output, vectors), output.labels)
        named = [cluster_name(int(group), names or {}) for group in groups]
        if coordinates is not None:
            _write_coordinates(Path(coordinates), table, vectors, projection, named)
        collection_page.write_collection_page(
            path,
            table,
            vectors=vectors,
            projection=projection,
            axes=_axes(axes, table, vectors, projection, output, named, options),
            colors=_colors(color, table, output),
            clusters=groups,
            names=names,
            tags=output,
            embeddings=_embeddings(table, record, layer, engine) if heatmaps else None,
            audio=audio,
            title=one_line(title) or Path(common_folder(table["path"])).name or None,
            notes=said,
            progress=report,
        )
    return problems


def _write_coordinates(
    path: Path, table: pd.DataFrame, vectors: Vectors, projection: Projection, clusters: list[str]
) -> None:
    """Write where the points of a map are."""
    rows = table.loc[vectors.tracks, ["name", "path"]].rename_axis("track")
    if vectors.times is not None:
        rows["time"] = vectors.times
    rows = rows.assign(**place_columns(projection, clusters))
    try:
        io.write_bytes(path, rows.to_csv(lineterminator="\n").encode("utf-8", "replace"))
    except OSError as error:
        raise FigureError(f"{str(path)!r} could not be written: {error.strerror}.") from error


def _check_options(points: str, method: str) -> None:
    """Check options before hours have gone by."""
    if points not in POINTS:
        raise OptionError(f"points is 'tracks' or 'frames', {points!r} was found.")
    if unavailable_reason(check_method(method)):
        raise OptionError(unavailable_reason(method))


def _check_color(color: str, table: pd.DataFrame, *, tags: bool, purpose: str = "to colour by") -> None:
    """Raise OptionError where the points cannot be coloured by that, before hours have gone by."""
    labels = next(layer.labels for layer in get_model(TAGGER).known_layers if layer.name == "output") if tags else ()
    columns = [str(name) for name in table.columns if name not in HIDDEN]
    known = ["cluster", "trust", *columns, *labels]
    if color not in known:
        raise OptionError(
            f"There is no {color!r:.80} {purpose}: 'cluster', 'trust', a tag such as 'sad', or one of the columns "
            f"{', '.join(columns)} is expected.{did_you_mean(color, known)}"
        )
    if color in labels and color not in columns and find_weights(get_model(TAGGER)) is None:
        raise OptionError(f"{color!r} is a tag that MusiCNN hears: run `embviz pull {TAGGER}` first.")


def _check_axis(wanted: Any, table: pd.DataFrame, *, tags: bool) -> LayerAxis | str | None:
    """Return an axis, checked as far as it can be before hours have gone by."""
    made = layer_axis(wanted)
    if made is not None or wanted is None:
        return made
    if wanted in table.columns:
        column_axis(table, wanted)
        return str(wanted)
    _check_color(wanted, table, tags=tags, purpose="to be an axis")
    return str(wanted)


def _axes(
    wanted: Sequence[LayerAxis | str | None], table: pd.DataFrame, vectors: Vectors, projection: Projection,
    output: Vectors | None, clusters: list[str], options: TableOptions,
) -> tuple[Axis, Axis] | None:  # fmt: skip
    """Return what x and y mean; None where that is the projection."""
    if not any(wanted):
        return None

    def embed(source: Any, layer: str, pooling: str) -> Vectors:
        more: TableOptions = {**options, "pooling": pooling}
        vectors: Vectors = embed_table(table, source, layer, **more)
        return vectors

    def axis(one: LayerAxis | str | None, way: int) -> Axis:
        if one is None:
            return coordinate_axis(projection.xy[:, way], projection.axes[way])
        if isinstance(one, LayerAxis):
            return one.axis(vectors, embed)
        if one in table.columns:
            return column_axis(table, one, vectors.tracks)
        if one == "cluster":
            return encode_axis(clusters, title="cluster")
        if one == "trust" or output is None:
            return encode_axis(100 * np.asarray(projection.preservation, np.float64), title="neighbours kept", unit="%")
        return encode_axis(tagging.tags_at_points(output, vectors)[:, output.labels.index(one)], title=one)

    x, y = (axis(one, way) for way, one in enumerate(wanted))
    return x, y


def _colors(first: str | None, table: pd.DataFrame, output: Vectors | None) -> list[ColorSpec]:
    """Return what the map can be coloured by, other than tags that are not the first."""
    own = [str(name) for name in table.columns if name not in track_table.COLUMNS]
    usual = [name for name in (*COLOR_COLUMNS, *own) if len(table[name].astype(str).unique()) > 1]
    begin = first or telling_column(table, usual)
    names = list(dict.fromkeys([*([begin] if begin else []), "cluster", *usual]))
    if output is None or first in (None, "cluster", "trust", *table.columns):
        return [*names]
    tag = PageColor(names[0], tagging.tag_columns(output)[first], group=tagger_group(get_model(output.model)))
    return [tag, *names[1:]]


def _embed_and_tag(
    table: pd.DataFrame, record: Model | Vectors, layer: str, tagger: Model | None, options: TableOptions
) -> tuple[Vectors, Vectors | None]:
    """Return the vectors of the map, and the output of the tagger, where there is one."""
    if tagger is None:
        return embed_table(table, record, layer, **options), None
    if isinstance(record, Vectors) or tagger != record:
        vectors = embed_table(table, record, layer, **options)
        return vectors, embed_table(table, tagger, "output", engine=options["engine"], progress=options["progress"])
    # One model gives both, and each track is decoded once.
    layers = list(dict.fromkeys([layer, "output"]))
    found = embed_table(table, record, layers, **options)
    return found[0], found[-1]


def _failed_tracks(table: pd.DataFrame, vectors: Vectors) -> Iterator[str]:
    for label, reason in vectors.failed.items():
        name = str(table["name"].get(label, label))
        yield reason if name in reason else f"{name}: {reason}"


def frames_of(vectors: Vectors, label: int, table: pd.DataFrame) -> Embedding | None:
    """Return the frames of a track that were given; None where there are none that can be drawn over time."""
    try:
        return vectors.embedding(label, title=str(table.loc[label].get("title") or ""))
    except OptionError:
        return None


def _embeddings(table: pd.DataFrame, record: Model | Vectors, layer: str, engine: EngineOption) -> Any:
    """Return a function that loads the frames of a track, which are in the cache already."""
    from embviz.extraction import embed

    if isinstance(record, Vectors):
        return lambda label: frames_of(record, label, table)

    def embedding(label: int) -> Embedding | None:
        found: Embedding = embed(table.loc[label, "path"], record, layer=layer, engine=engine)
        return found

    return embedding
