"""Clusters of a map: found, named by what a tagger hears in them, renamed by the reader."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.clustering import cluster, name_clusters, tag_lift
from embviz.analysis.tagging import tags_at_points
from embviz.app.atlas.color_options import PointColors
from embviz.app.atlas.model_outputs import taggers
from embviz.core.text import collapse_spaces
from embviz.errors import EmbvizError, OptionError
from embviz.models import get_model

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.map_view import MapView
    from embviz.app.atlas.model_outputs import ModelOutputs
    from embviz.core.vectors import Vectors
    from embviz.core.worker import Job


NOWHERE = "in no cluster"
LONGEST_NAME = 80
TOLD_TAGS = 5
SCALES = {
    "hdbscan": "HDBSCAN on the map: what lies together there; it moves with the map.",
    "kmeans": "k-means on the vectors, in all their dimensions.",
}


class Clusters:
    """The clusters of the first map."""

    def __init__(self, context: AtlasContext, outputs: ModelOutputs, view: MapView) -> None:
        self._context, self._outputs, self._view = context, outputs, view
        self.members: NDArray[np.int64] | None = None
        self.auto: dict[int, str] = {}
        self._tags: dict[int, list[dict[str, Any]]] = {}
        self._given: dict[str, str] = {}
        self._of: Any = None
        self.message = ""

    @property
    def method(self) -> str:
        """``"none"``, ``"hdbscan"`` or ``"kmeans"``."""
        return str(self._context.choices["clusters"])

    def names(self) -> dict[int, str]:
        """Return the name of each cluster: the one that was given, or the one that was found."""
        return {number: self._given.get(self._mark(number)) or name for number, name in self.auto.items()}

    # Computing. ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Find the clusters of the map as it is, unless they are known."""
        context, view = self._context, self._view
        if self.method == "none" or view.projection is None or view.vectors is None or view.preliminary:
            self.forget()
            return
        request = view.request
        options = dict(context.choices["cluster_options"])
        wanted = (self.method, tuple(sorted(options.items())), request.map if request else None)
        if wanted == self._of and self.members is not None:
            return
        self._of, self.members, self.message = wanted, None, "looking for clusters"
        self.auto, self._tags = {}, {}
        method, vectors, xy, metric = self.method, view.vectors, view.projection.xy, context.choices["metric"]
        seed, tagger = context.seed, self.tagger()
        pooling = "mean" if vectors.times is None else "frames"

        def task(job: Job) -> tuple[NDArray[np.int64], Vectors | None]:
            job.report("", 0, 0)
            if method == "hdbscan":
                members = cluster(xy, method, seed=seed, **options)
            else:
                members = cluster(vectors.values, method, metric=metric, seed=seed, **options)
            job.check()
            if not tagger or not (members >= 0).any():
                return members, None
            try:
                return members, self._outputs.get(tagger, pooling, job)
            except EmbvizError:
                # Clusters without a name are still clusters.
                return members, None

        context.run("clusters", "clusters", task, lambda found: self._found(vectors, *found), failed=self._failed)
        self._context.events.clusters_changed()

    def tagger(self) -> str:
        """Return the model that names clusters: that of the map if it gives tags, else the first that does."""
        here = [model.name for model in taggers()]
        own = self._context.choices["model"]
        return own if own in here else next(iter(here), "")

    def _found(self, vectors: Vectors, members: NDArray[np.int64], output: Vectors | None) -> None:
        self.members = members
        self.auto = {int(number): f"group {number + 1}" for number in np.unique(members[members >= 0])}
        self._tags = {}
        if not self.auto:
            self.message = "No clusters stand out; fewer points for a group may find some."
        elif output is None:
            self.message = "There is no tagger here to name the clusters by what it hears."
        else:
            self._outputs.keep(output)
            scores = tags_at_points(output, vectors)
            self.auto = name_clusters(members, scores, output.labels)
            self._tags = {number: _best(lift, output.labels) for number, lift in tag_lift(members, scores).items()}
            self.message = f"Named by the tags that {get_model(output.model).title} hears more here than elsewhere."
        self._context.events.clusters_changed()

    def _failed(self, sentence: str, _remedy: str) -> None:
        self.forget()
        self.message = sentence
        self._context.events.clusters_changed()

    def mark_cancelled(self) -> None:
        """Mark what was cancelled."""
        if self._of is not None and self.members is None:
            self._of, self.message = None, "Cancelled."
            self._context.events.clusters_changed()

    def forget(self) -> None:
        """Have no clusters."""
        self._context.stop("clusters")
        had = self.members is not None or self.message
        self.members, self._of, self.message = None, None, ""
        self.auto, self._tags = {}, {}
        if had:
            self._context.events.clusters_changed()

    # Names. --------------------------------------------------------------------------------------------------------

    def rename(self, number: int, name: str) -> None:
        """Give a cluster a name; an empty one brings back the one that was found."""
        if number not in self.auto:
            raise OptionError(f"There is no cluster {number!r}; clusters are counted from 0 to {len(self.auto) - 1}.")
        mark, said = self._mark(number), collapse_spaces(str(name))[:LONGEST_NAME]
        if said and said != self.auto[number]:
            self._given[mark] = said
        else:
            self._given.pop(mark, None)
        self._context.events.clusters_changed()

    def _mark(self, number: int) -> str:
        """Return what tells the members of a cluster from all others, whatever its number is next time."""
        vectors, members = self._view.vectors, self.members
        if vectors is None or members is None:
            return ""
        inside = members == number
        parts = [vectors.tracks[inside]] + ([] if vectors.times is None else [vectors.times[inside]])
        digest = hashlib.blake2b(digest_size=16)
        for part in parts:
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def renamed(self) -> dict[int, str]:
        """Return the names that were given to the clusters that there are."""
        return {number: name for number, name in self.names().items() if name != self.auto[number]}

    def given(self) -> dict[str, str]:
        """Return the names that were given, by what tells the members; for :meth:`restore`."""
        return dict(self._given)

    def restore(self, given: dict[str, str]) -> None:
        """Use names that were given before."""
        self._given = {str(mark): str(name)[:LONGEST_NAME] for mark, name in given.items()}

    # Showing. ------------------------------------------------------------------------------------------------------

    def color(self) -> PointColors | None:
        """Return the clusters as a colour; None where there are none."""
        if self.members is None:
            return None
        names = self.names()
        texts = np.array([names.get(int(number), "") for number in self.members], dtype=object)
        return PointColors("cluster", "cluster", texts)

    def labels(self) -> list[dict[str, Any]]:
        """Return the names and where they stand on the map, in its own units."""
        projection = self._view.projection
        if self.members is None or projection is None:
            return []
        found = []
        for number, name in self.names().items():
            inside = projection.xy[self.members == number]
            # At their upper end: a name is not to cover what it names.
            x, y = np.median(inside[:, 0]), np.quantile(inside[:, 1], 0.9)
            found.append({"text": name, "x": float(x), "y": float(y), "id": number})
        return found

    def table(self) -> pd.DataFrame:
        """Return cluster and name of each track, or of each frame."""
        import pandas as pd

        vectors, members = self._view.vectors, self.members
        if vectors is None or members is None:
            empty: dict[str, Any] = {"cluster": np.zeros(0, np.int64), "name": np.zeros(0, object)}
            return pd.DataFrame(empty, index=pd.Index(np.zeros(0, np.int64), name="track"))
        names = self.names()
        shown: dict[str, Any] = {"cluster": members, "name": [names.get(int(number), "") for number in members]}
        if vectors.times is not None:
            shown = {"time": vectors.times, **shown}
        return pd.DataFrame(shown, index=pd.Index(vectors.tracks, name="track"))

    def to_dict(self) -> dict[str, Any]:
        """Return what the page shows of them, ready for JSON."""
        if self.method == "none":
            return {}
        names = self.names()
        items = []
        for number, auto in self.auto.items():
            count = int((self.members == number).sum()) if self.members is not None else 0
            tags = self._tags.get(number, [])
            items.append({"id": number, "name": names[number], "auto": auto, "count": count, "tags": tags})
        nowhere = int((self.members < 0).sum()) if self.members is not None else 0
        if nowhere:
            items.append({"id": -1, "name": NOWHERE, "auto": NOWHERE, "count": nowhere, "tags": []})
        return {"method": self.method, "scale": SCALES[self.method], "items": items, "message": self.message}


def _best(lift: NDArray[np.float64], tags: tuple[str, ...]) -> list[dict[str, Any]]:
    order = np.argsort(-lift, kind="stable")[:TOLD_TAGS]
    return [{"tag": tags[i], "lift": round(float(lift[i]), 2)} for i in order if lift[i] > 0]
