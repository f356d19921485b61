"""Exemplars of groups of tracks, as moments: a medley."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.clustering import NO_CLUSTER, cluster
from embviz.analysis.exemplars import find_exemplars
from embviz.analysis.near_duplicates import frames_by_track
from embviz.core.labels import in_order, label_problem
from embviz.core.options import check_count, check_number
from embviz.core.text import is_missing, plural
from embviz.core.vectors import Vectors
from embviz.errors import CollectionError, OptionError
from embviz.units.frames import embed_frames
from embviz.units.moments import Moments, layer_title

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.collection import Collection
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress
    from embviz.extraction import EngineOption
    from embviz.models import ModelLike


def find_group_exemplars(  # noqa: PLR0913  options are given by name
    collection: Collection,
    by: str | Sequence[Any] | None = None,
    model: ModelLike | Vectors = "musicnn",
    layer: str = "embedding",
    *,
    k: int = 1,
    seconds: float = 10.0,
    engine: EngineOption = "auto",
    cache: CacheOption = None,
    progress: Progress = True,
) -> Moments:
    """Return the exemplars of :meth:`embviz.Collection.exemplars`."""
    most = check_count(k, "k is a number of tracks of each group")
    length = check_number(seconds, "seconds is the length of a moment, above 0", above=0)
    given = _given_groups(collection, by)
    [vectors] = embed_frames(collection, model, [layer], engine=engine, cache=cache, progress=progress)
    frames = frames_by_track(vectors)
    labels = [label for label in collection.table.index if label in frames]
    means = np.array([frames[label].mean(axis=0, dtype=np.float64) for label in labels])
    names = _cluster_names(means) if given is None else [given[label] for label in labels]
    groups, titles = _number_groups(names)
    if not titles:
        raise CollectionError(
            f"There is no group: {_what(by)} says nothing of the {plural(len(labels), 'track')} here."
        )
    rows = []
    for group, members in find_exemplars(means, groups, most).items():
        center = means[groups == group].mean(axis=0)
        for row in members:
            start, stop = _central_stretch(collection, vectors, frames[labels[row]], labels[row], center, length)
            value = _cosine(means[row], center)
            rows.append({"track": labels[row], "start": start, "stop": stop, "value": value, "group": titles[group]})
    left_out = int((groups < 0).sum())
    notes = [f"Left out: {plural(left_out, 'track')} in no group."] if left_out else []
    notes.append("The value is the cosine of the track with the mean of its group.")
    title = f"{layer_title(vectors)}: most central of {_what(by)}"
    found = Moments.of(collection, rows, title=title, unit="cosine", notes=notes)
    return replace(found, table=found.table.assign(group=[row["group"] for row in rows]))


def _what(by: Any) -> str:
    return "each cluster" if by is None else f"each {by}" if isinstance(by, str) else "each group"


def _given_groups(collection: Collection, by: Any) -> dict[int, Any] | None:
    """Return the name of the group of each track, by its label; None where they are to be found."""
    import pandas as pd

    if by is None:
        return None
    if isinstance(by, str):
        return dict(collection[by].items())
    if isinstance(by, pd.Series) and not in_order(by, len(collection)):
        problem = label_problem(by, collection.table.index)
        if problem:
            raise OptionError(f"Groups are a column, or a value for each track: {problem}")
        by = by.reindex(collection.table.index)
    values = list(by)
    if len(values) != len(collection):
        raise OptionError(
            f"Groups are a column, or a value for each of {plural(len(collection), 'track')}; {len(values)} were found."
        )
    # -1 is what no cluster is called, as of embviz.analysis.cluster.
    return {
        label: None if not isinstance(value, str) and value == -1 else value
        for label, value in zip(collection.table.index, values, strict=True)
    }


def _cluster_names(means: NDArray[np.float64]) -> list[Any]:
    clusters = cluster(means, "kmeans", metric="cosine")
    return [None if number < 0 else f"cluster {number + 1}" for number in clusters]


def _number_groups(names: list[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """Return the group of each track, -1 for none, and their titles: the largest first."""
    texts = ["" if is_missing(name) or str(name).strip() in ("", NO_CLUSTER) else str(name) for name in names]
    counts = {text: texts.count(text) for text in dict.fromkeys(texts) if text}
    titles = sorted(counts, key=lambda text: -counts[text])
    number = {text: place for place, text in enumerate(titles)}
    return np.array([number.get(text, -1) for text in texts], np.int64), titles


def _central_stretch(
    collection: Collection,
    vectors: Vectors,
    frames: NDArray[Any],
    label: int,
    center: NDArray[np.float64],
    seconds: float,
) -> tuple[float, float]:
    """Return the stretch of a track whose frames are nearest to a vector; its middle where there are no frames."""
    duration = float(collection.table["duration"].astype("float64")[label])
    if vectors.times is None:
        middle = duration / 2 if duration > 0 else seconds / 2
    else:
        times = vectors.times[vectors.tracks == label]
        duration = duration if duration > 0 else float(times[-1]) + seconds / 2
        first = np.searchsorted(times, times - seconds / 2)
        last = np.searchsorted(times, times + seconds / 2, side="right")
        sums = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0, dtype=np.float64)])
        means = (sums[last] - sums[first]) / (last - first)[:, None]
        # Stretches that the track has whole go first.
        whole = (times >= min(seconds, duration) / 2) & (times <= duration - min(seconds, duration) / 2)
        likeness = np.array([_cosine(mean, center) for mean in means]) - 2 * (~whole if whole.any() else 0)
        middle = float(times[int(np.nanargmax(likeness))]) if np.isfinite(likeness).any() else duration / 2
    end = duration if duration > 0 else np.inf
    start = max(0.0, min(middle - seconds / 2, end - seconds))
    return start, min(start + seconds, end)


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths > 0 else 0.0
