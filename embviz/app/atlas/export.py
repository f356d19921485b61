"""A map as a file: pictures, pages and lists of tracks; and what restores it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.clustering import NO_CLUSTER
from embviz.analysis.directions import Direction
from embviz.app.atlas.point_colors import PointColors
from embviz.app.uploads import free_path, safe_name
from embviz.audio import Audio
from embviz.collection.io import to_csv, to_m3u, to_parquet
from embviz.errors import EmbvizError, OptionError
from embviz.export import collection_page
from embviz.export.axes import LayerAxis
from embviz.export.collection_report import frames_of
from embviz.export.columns import PageColor, place_columns
from embviz.extraction import extract
from embviz.models import find_model, get_model
from embviz.plotting import scatter
from embviz.plotting.save import save_figure
from embviz.widgets.atlas import are_filters

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.analysis.projection import Projection
    from embviz.app.atlas.clusters import Clusters
    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.selection import MapSelection
    from embviz.core.cache import Cache
    from embviz.core.embedding import Embedding
    from embviz.core.vectors import Vectors
    from embviz.core.worker import Job
    from embviz.extraction import EngineOption
    from embviz.plotting.axes import Axis


FORMAT = 1
SUFFIXES = {"html": ".html", "png": ".png", "svg": ".svg", "csv": ".csv", "parquet": ".parquet", "m3u": ".m3u8"}


@dataclass(frozen=True, eq=False)
class Contents:
    """What is written, as it is when writing was asked for."""

    table: pd.DataFrame
    rows: pd.DataFrame
    vectors: Vectors | None
    projection: Projection | None
    color: PointColors | None
    members: NDArray[np.int64] | None
    names: dict[int, str]
    folder: str  # its name
    title: str
    store: Cache | None
    engine: EngineOption
    tags: Vectors | None
    filters: dict[str, Any]
    given: Vectors | None  # in place of a model
    axes: tuple[Axis, Axis] | None = None

    def map(self) -> tuple[Vectors, Projection]:
        """Return vectors and places; raises where there are none yet."""
        if self.vectors is None or self.projection is None:
            raise OptionError("There is no map to write yet; wait until it is computed.")
        return self.vectors, self.projection


def save(path: Path, contents: Contents, **options: Any) -> Path:
    """Write to a file by the ending of its name; one without an ending is a folder for TensorBoard."""
    suffix = path.suffix.lower()
    if suffix == ".html":
        return page(path, contents, **options)
    if set(options) - ({"spreadsheet_safe"} if suffix == ".csv" else set()):
        raise OptionError(f"Only a page has such options; {', '.join(options)} was found for {path.name!r}.")
    if suffix in (".png", ".svg"):
        return save_figure(_figure(contents), path)
    if suffix in (".m3u", ".m3u8"):
        return to_m3u(contents.rows, path, relative=True)
    if suffix in (".csv", ".parquet"):
        return (to_csv if suffix == ".csv" else to_parquet)(_placed_rows(contents), path, **options)
    if not suffix:
        return contents.map()[0].to_tensorboard(path, contents.table)
    known = ".html, .png, .svg, .csv, .parquet and .m3u"
    raise OptionError(f"A map is written to {known}, or to a folder for TensorBoard; {path.name!r} is neither.")


def begin(context: AtlasContext, contents: Contents, content: Mapping[str, Any]) -> None:
    """Have a file written into the working folder, under a name that is free."""
    kind = content["format"]
    if kind not in SUFFIXES and kind != "tensorboard":
        raise OptionError(f"A map is written as {', '.join(SUFFIXES)} or tensorboard, {kind!r} was asked for.")
    stem = Path(safe_name(contents.title.replace(" · ", "-"))).name or "map"
    path = free_path(Path.cwd() / f"{stem}{SUFFIXES.get(kind, '')}")
    if kind == "tensorboard":
        path = free_path(Path.cwd() / f"{stem.replace('.', '_')}_tensorboard")
    options: dict[str, Any] = {"csv": {"spreadsheet_safe": True}}.get(kind, {})
    chosen = kind == "html" and content.get("audio") in (None, "auto")
    if kind == "html" and content.get("audio"):
        options["audio"] = content["audio"]

    def task(job: Job) -> Path:
        job.report(f"writing {path.name}", 0, 0)
        progress = {"progress": job.report} if kind == "html" else {}
        return save(path, contents, **options, **progress)

    def done(written: Path) -> None:
        about = f" {audio_note(written, contents)}" if chosen else ""
        context.notice("done", f"Written to {str(written)!r}.{about}")

    context.run("save", "saving", task, done)


def _figure(contents: Contents) -> Any:
    import pandas as pd

    vectors, projection = contents.map()
    color, rows = contents.color, contents.table.loc[vectors.tracks]
    title = color and (f"{color.title} ({color.unit})" if color.unit else color.title)
    values = None if color is None else pd.Series(color.values, index=rows.index, name=title)
    x, y = contents.axes or (None, None)
    return scatter(
        projection, rows, color=values, clusters=contents.members, names=contents.names, title=contents.title, x=x, y=y
    )


def _placed_rows(contents: Contents) -> pd.DataFrame:
    """Return rows of the table, with their places on the map where there is one."""
    import pandas as pd

    rows, vectors, projection = contents.rows, contents.vectors, contents.projection
    if vectors is None or projection is None:
        return rows
    members = contents.members
    clusters = None if members is None else [contents.names.get(int(number), NO_CLUSTER) for number in members]
    places = place_columns(projection, clusters)
    if vectors.times is None:
        return rows.assign(**{name: pd.Series(values, index=vectors.tracks) for name, values in places.items()})
    if "time" not in rows.columns:
        return rows
    keys = pd.MultiIndex.from_arrays([vectors.tracks, vectors.times])
    points = keys.get_indexer(pd.MultiIndex.from_arrays([rows.index, rows["time"]]))
    return rows.assign(**{name: np.asarray(values)[points] for name, values in places.items()})


# A page. -----------------------------------------------------------------------------------------------------------


def page(path: Path, contents: Contents, **options: Any) -> Path:
    """Write a page that needs no kernel; see :func:`embviz.export.collection_page.write_collection_page`."""
    vectors, projection = contents.map()
    usual: dict[str, Any] = {
        "vectors": vectors, "projection": projection, "colors": _colors(contents), "names": contents.names,
        "clusters": contents.members, "tags": contents.tags, "embeddings": _embeddings(contents),
        "filters": contents.filters, "title": contents.folder or contents.title, "axes": contents.axes,
    }  # fmt: skip
    return collection_page.write_collection_page(path, contents.table, **{**usual, **options})


def audio_note(path: Path, contents: Contents) -> str:
    """Return how a page brings the sound where that was left to its number of tracks."""
    return collection_page.describe_audio(path, len(np.unique(contents.map()[0].tracks)))


def _colors(contents: Contents) -> list[Any]:
    seen, table = contents.color, contents.table
    usual = ("genre", "artist", "album", "folder", "year")
    columns = [name for name in usual if name in table and table[name].unique().size > 1]
    if seen is None:
        return columns
    if seen.key in ("cluster", "trust") or seen.key.startswith("column:"):
        first = seen.key.removeprefix("column:")
        return [first, *(column for column in columns if column != first)]
    return [PageColor(seen.title, seen.values, unit=seen.unit, group="What the models hear"), *columns]


def _embeddings(contents: Contents) -> Callable[[int], Embedding | None]:
    """Return what gives the embedding of a track that is in the cache."""
    vectors, store, given = contents.map()[0], contents.store, contents.given
    if given is not None and (given.times is not None or find_model(given.model) is None):
        return lambda label: frames_of(given, label, contents.table)
    model = get_model(vectors.model)

    def embedding(label: int) -> Embedding | None:
        if store is None:
            return None
        try:
            audio = Audio.open(str(contents.table.loc[label, "path"]))
            layer = extract.LayerSpec.of(model, vectors.layer, None, engine=contents.engine)
            return extract.load_cached(audio, store.digest(audio), layer, store)
        except (EmbvizError, OSError):
            return None

    return embedding


# A view as data, and as code. --------------------------------------------------------------------------------------


def state(context: AtlasContext, selection: MapSelection, clusters: Clusters) -> dict[str, Any]:
    """Return what restores a view, ready for JSON."""
    times = None if selection.times is None else selection.times.tolist()
    directions = [axis.direction for axis in context.axes.values() if axis.direction is not None]
    return {
        "format": FORMAT, "choices": dict(context.choices), "selection": selection.labels.tolist(), "times": times,
        "names": dict(clusters.given), "filters": dict(context.panel.filters),
        "directions": [_direction_state(direction) for direction in directions],
    }  # fmt: skip


def checked_state(given: Any) -> dict[str, Any]:
    """Return a state, which :func:`state` must have made."""
    valid = (
        isinstance(given, Mapping)
        and given.get("format") == FORMAT
        and isinstance(given.get("choices"), Mapping)
        and isinstance(given.get("names"), Mapping)
        and all(isinstance(text, str) for pair in given["names"].items() for text in pair)
        and _are_numbers(given.get("selection"), int)
        and (given.get("times") is None or _are_numbers(given["times"], int, float))
        and (given.get("times") is None or len(given["times"]) == len(given["selection"]))
        and are_filters(given.get("filters", {}))
    )
    if not valid:
        raise OptionError(f"A state is expected as Atlas.state() returns it, {given!r:.80} was found.")
    try:
        made = [LayerAxis.of_direction(_restored_direction(one)) for one in given.get("directions", [])]
    except (KeyError, TypeError, ValueError, OptionError) as error:
        raise OptionError("A state is expected as Atlas.state() returns it; a direction in it is damaged.") from error
    choices = {name: value for name, value in given["choices"].items() if name != "layer"}
    if "layer" in given["choices"]:
        choices["model"] = {"model": choices.get("model"), "layer": given["choices"]["layer"]}
    directions = {axis.key: axis for axis in made}
    return {
        **given, "choices": choices, "times": given.get("times"), "filters": given.get("filters", {}),
        "directions": directions,
    }  # fmt: skip


def _direction_state(direction: Direction) -> dict[str, Any]:
    """Return a direction, ready for JSON."""
    arrays = {"vector": direction.vector.tolist(), "midpoint": direction.midpoint.tolist()}
    return (
        arrays
        | {name: getattr(direction, name) for name in ("length", "model", "layer")}
        | {"ends": list(direction.ends)}
    )


def _restored_direction(given: Mapping[str, Any]) -> Direction:
    a, b = map(str, given["ends"])
    vector, midpoint = (np.asarray(given[name], np.float64) for name in ("vector", "midpoint"))
    return Direction(vector, midpoint, float(given["length"]), (a, b), str(given["model"]), str(given["layer"]))


def _are_numbers(values: Any, *kinds: type) -> bool:
    """Tell whether there is a list of finite numbers of some types, as labels and moments are."""
    return isinstance(values, list) and all(type(value) in kinds and abs(value) < 2**63 for value in values)
