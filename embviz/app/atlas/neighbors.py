"""Neighbours: what lies nearest to a track, a moment, a selection or a file, in all dimensions of the vectors."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.neighbors import NeighborIndex
from embviz.app.atlas.selection import labels_of
from embviz.audio import Audio, AudioSource
from embviz.batch import pooling
from embviz.collection.discovery import expand_user
from embviz.collection.track_lookup import find_track
from embviz.errors import OptionError
from embviz.extraction import embed

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.analysis.neighbors import Neighbors
    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.facets import AtlasFacets
    from embviz.app.atlas.map_view import MapView
    from embviz.core.vectors import Vectors
    from embviz.core.worker import Job
    from embviz.widgets.schema import NeighborItem, NeighborList


KEPT = 1 << 29  # bytes of vectors of which a copy is kept for the next question


@dataclass(frozen=True, eq=False)
class Query:
    """What neighbours are looked for: a vector, and the points that do not count as such."""

    title: str
    kind: str
    vector: NDArray[np.float32]
    without: NDArray[np.int64]
    point: int = -1


@dataclass(frozen=True, eq=False)
class _Answer:
    query: Query
    points: NDArray[np.int64]
    distances: NDArray[np.float32]
    exact: bool


class NeighborQueries:
    """The list of neighbours."""

    def __init__(self, context: AtlasContext, view: MapView, facets: AtlasFacets) -> None:
        self._context, self._view, self._facets = context, view, facets
        self._index: NeighborIndex | None = None
        self._index_of: Any = None
        self._shown: NeighborList = {}
        self._lines = np.zeros((0, 2), np.uint32)
        self._query: Query | None = None
        self._file: Path | None = None

    # What is looked for. -------------------------------------------------------------------------------------------

    def query_point(self, point: int) -> Query:
        """Return a track, or a frame."""
        vectors = self._vectors()
        if not 0 <= point < len(vectors):
            raise OptionError(f"Points are counted from 0 to {len(vectors) - 1}, {point!r} was found.")
        title = self._context.facts(int(vectors.tracks[point]))["title"]
        kind = "track" if vectors.times is None else "frame"
        return Query(title, kind, np.asarray(vectors.values)[point], np.array([point]), point)

    def of_points(self, points: NDArray[np.int64], title: str, kind: str = "selection") -> Query:
        """Return the middle of several points."""
        if not len(points):
            raise OptionError("Nothing is selected; select some tracks, then look for what is near them.")
        if len(points) == 1:
            return self.query_point(int(points[0]))
        values = np.asarray(self._vectors().values)[points].astype(np.float64)
        if self._context.choices["metric"] == "cosine":
            lengths = np.linalg.norm(values, axis=1, keepdims=True)
            values = values / np.where(lengths > 0, lengths, 1)
        return Query(title, kind, values.mean(axis=0).astype(np.float32), points)

    def query_sound(self, source: AudioSource, job: Job | None = None) -> Query:
        """Return a sound that need not be in the collection, pooled as the tracks are."""
        vectors, context = self._vectors(), self._context
        request = self._view.request
        if request is not None and context.given.lacks_model(request.model, request.layer):
            raise OptionError(
                f"The map shows vectors that were given, {self._view.title}, and nothing makes one of another sound: "
                "look for neighbours of a track of the collection, or register what made them as a function, "
                "embviz.register_function()."
            )
        audio = Audio.open(source)
        report = None if job is None else job.report
        embedding = embed(audio, vectors.model, layer=vectors.layer, cache=context.cache, progress=report)
        how = "mean" if vectors.pooling == "frames" else vectors.pooling
        vector = pooling.pool_record(pooling.compute_record(embedding.values, embedding.duration), how)
        return Query(audio.title, "file", vector, np.zeros(0, np.int64))

    def _vectors(self) -> Vectors:
        if self._view.vectors is None or not len(self._view.vectors):
            raise OptionError("There are no vectors to compare yet; wait until the map is there.")
        return self._view.vectors

    def query(self, of: Any) -> Query:
        """Return what the next cell asks for: a label, label and seconds, rows of the table, or a sound."""
        import pandas as pd

        vectors = self._vectors()
        # A file is a sound, which finds itself.
        if isinstance(of, str) and not os.path.isfile(expand_user(of)):  # noqa: PTH113  any text
            label = find_track(self._context.table, of)
            of = of if label is None else label
        if isinstance(of, int | np.integer) and not isinstance(of, bool):
            points = self._points([int(of)])
            return self.of_points(points, self._context.facts(int(of))["title"], "track")
        if isinstance(of, tuple) and len(of) == 2 and isinstance(of[0], int | np.integer):
            points = self._points([int(of[0])])
            if vectors.times is None:
                raise OptionError("Points are tracks here; neighbours of a moment need points='frames'.")
            return self.query_point(int(points[np.abs(vectors.times[points] - float(of[1])).argmin()]))
        if isinstance(of, pd.DataFrame):
            return self.of_points(self._points(labels_of(of, self._context.table)), f"{len(of):,} tracks")
        return self.query_sound(of)

    def _points(self, labels: Any) -> NDArray[np.int64]:
        points = self._view.points_of(labels)
        if not len(points):
            raise OptionError("No such track is on the map: neighbours are looked for by the labels of the table.")
        return points

    # Searching. ----------------------------------------------------------------------------------------------------

    def search(self, query: Query, k: Any, within: NDArray[np.int64] | None = None) -> _Answer:
        """Return the points nearest to a query, of all or `within` some; any thread may call this."""
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise OptionError(f"k is a whole number of neighbours from 1, {k!r:.80} was found.")
        if within is not None:
            return self._search_within(query, k, within)
        near = self._near(query, k)
        if near is not None:
            points = near.indices[query.point, :k].astype(np.int64)
            return _Answer(query, points, near.distances[query.point, :k], near.exact)
        vectors = self._vectors()
        values, key = np.asarray(vectors.values), (id(vectors), self._context.choices["metric"])
        index = self._index if self._index_of == key else None
        if index is None:
            # For one question, comparing all takes less time than what makes many questions quick.
            index = NeighborIndex(values, metric=key[1], exact=True)
            if values.nbytes <= KEPT:
                self._index, self._index_of = index, key
        points, distances = index.search(query.vector, min(k + len(query.without), index.n))
        usable = ~np.isin(points[0], query.without)
        return _Answer(query, points[0][usable][:k], distances[0][usable][:k], index.exact)

    def _search_within(self, query: Query, k: Any, within: NDArray[np.int64]) -> _Answer:
        """Return the nearest of some points, each of which is compared."""
        others = within[~np.isin(within, query.without)]
        if not len(others):
            return _Answer(query, others, np.zeros(0, np.float32), exact=True)
        values = np.asarray(self._vectors().values)[others]
        index = NeighborIndex(values, metric=self._context.choices["metric"], exact=True)
        places, distances = index.search(query.vector, min(int(k), len(others)))
        return _Answer(query, others[places[0]], distances[0], index.exact)

    def _near(self, query: Query, k: Any) -> Neighbors | None:
        """Return the neighbours of all points, where they hold those of a query."""
        near = self._view.near
        return near if near is not None and query.point >= 0 and near.k >= min(k, len(near) - 1) else None

    def request(self, make: Callable[[Job], Query]) -> None:
        """Have neighbours found, and show them."""
        k, within = self._context.choices["k"], self._facets.points()
        self._context.run(
            "neighbors",
            "neighbours",
            lambda job: self.search(make(job), k, within),
            self._use,
            on_failed=self._fail,
            first=True,
        )

    def show(self, query: Query) -> None:
        """Show the neighbours of a query: at once where they are known, else once they are found."""
        k = self._context.choices["k"]
        if self._facets.points() is None and self._near(query, k) is not None:
            self._context.stop("neighbors")
            self._use(self.search(query, k))
        else:
            self.request(lambda _job: query)

    def refilter(self) -> None:
        """Look once more, among what is left now."""
        if self._query is not None and self._shown.get("items") is not None:
            self.show(self._query)

    def refresh(self) -> None:
        """Look once more, where neighbours may be others now."""
        query, choices = self._query, self._context.choices
        if query is None or (self._shown.get("metric"), self._shown.get("k")) == (choices["metric"], choices["k"]):
            return
        path = self._file
        if query.kind == "file" and path is not None:
            self.request(lambda job: self.query_sound(path, job))
        else:
            self.show(query)

    def leave(self) -> None:
        """Forget the vectors, which are others now; a file is looked for again among those."""
        query, self._index = self._query, None
        self._context.stop("neighbors")
        self.forget()
        if query is not None and query.kind == "file":
            self._query = query

    def upload(self, name: str, data: bytes) -> None:
        """Show the neighbours of a file that was handed in."""
        self._file = path = self._context.uploads.keep(name, data)
        self.request(lambda job: self.query_sound(path, job))

    def forget(self) -> None:
        """Show nothing."""
        self._query, self._shown, self._lines = None, {}, np.zeros((0, 2), np.uint32)
        self.publish()

    # Showing. ------------------------------------------------------------------------------------------------------

    def frame(self, answer: _Answer) -> pd.DataFrame:
        """Return an answer as a table: a row per neighbour, nearest first, indexed by the labels of the tracks."""
        import pandas as pd

        vectors = self._vectors()
        labels = vectors.tracks[answer.points]
        columns: dict[str, Any] = {"distance": answer.distances.astype(np.float64)}
        if vectors.times is not None:
            columns["time"] = vectors.times[answer.points]
        facts = self._context.table.reindex(labels)
        columns |= {name: facts[name].to_numpy() for name in ("title", "artist", "name") if name in facts.columns}
        table = pd.DataFrame(columns, index=pd.Index(labels, name="track"))
        table.attrs.update(of=answer.query.title, metric=self._context.choices["metric"], exact=answer.exact)
        return table

    def _use(self, answer: _Answer) -> None:
        vectors, query, choices = self._vectors(), answer.query, self._context.choices
        items: list[NeighborItem] = []
        for point, distance in zip(answer.points, answer.distances, strict=True):
            track = self._context.listed_track(int(vectors.tracks[point]))
            at = None if vectors.times is None else float(vectors.times[point])
            items.append({**track, "point": int(point), "distance": float(distance), "at": at})
        self._query = query
        self._shown = {
            "of": {"title": query.title, "kind": query.kind}, "metric": choices["metric"], "exact": answer.exact,
            "k": choices["k"], "items": items, "message": "" if items else "There is nothing else on the map.",
        }  # fmt: skip
        ends = answer.points if query.point >= 0 else answer.points[:0]
        self._lines = np.stack([np.full(len(ends), query.point), ends], axis=1).astype(np.uint32)
        self.publish()

    def _fail(self, sentence: str, remedy: str) -> None:
        self.forget()
        self._shown = {
            "of": {"title": "", "kind": "file"}, "metric": "", "exact": True, "k": 0, "items": [],
            "message": f"{sentence} {remedy}".strip(),
        }  # fmt: skip
        self.publish()

    def publish(self) -> None:
        """Show the neighbours, in the list and on the map."""
        self._context.panel.neighbors = self._shown
        if self._view.visible is not None:
            self._view.visible.scatter.set_lines(self._lines)
