"""Clusters of a map: found, named by what a tagger hears in them, renamed by the reader."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.clustering import NO_CLUSTER, cluster, name_clusters, resolve_options, tag_lift
from embviz.analysis.tagging import tags_at_points
from embviz.app.atlas.model_outputs import taggers
from embviz.app.atlas.point_colors import PointColors
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
    from embviz.widgets.schema import ClusterItem, ClusterList, TagLift


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
        self._tags: dict[int, list[TagLift]] = {}
        self.given: dict[str, str] = {}
        self._of: Any = None
        self.message = ""
        # Before all others hear of it: what is known of other points fits none of these.
        context.events.vectors_ready.connect(lambda view: self.forget() if view is self._view else None)

    @property
    def method(self) -> str:
        """``"none"``, ``"hdbscan"`` or ``"kmeans"``."""
        return str(self._context.choices["clusters"])

    def names(self) -> dict[int, str]:
        """Return the name of each cluster: the one that was given, or the one that was found."""
        return {number: self.given.get(self._mark(number)) or name for number, name in self.auto.items()}

    # Computing. ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Find the clusters of the map as it is, unless they are known."""
        context, view = self._context, self._view
        if self.method == "none" or view.projection is None or view.vectors is None or view.preliminary:
            self.forget()
            return
        options = dict(context.choices["cluster_options"])
        key = (self.method, tuple(sorted(options.items())), view.request.map if view.request else None)
        if key == self._of and self.members is not None:
            return
        self._of, self.members, self.message = key, None, "looking for clusters"
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

        context.run("clusters", "clusters", task, lambda found: self._use(vectors, *found), on_failed=self._fail)
        self._publish()

    def tagger(self) -> str:
        """Return the model that names clusters: that of the map if it gives tags, else the first that does."""
        here = [model.name for model in taggers()]
        own = self._context.choices["model"]
        return own if own in here else next(iter(here), "")

    def _use(self, vectors: Vectors, members: NDArray[np.int64], output: Vectors | None) -> None:
        self.members = members
        self.auto = {int(number): f"group {number + 1}" for number in np.unique(members[members >= 0])}
        self._tags = {}
        if not self.auto:
            self.message = self._explain_none(len(members))
        elif output is None:
            self.message = "There is no tagger here to name the clusters by what it hears."
        else:
            self._outputs.keep(output)
            scores = tags_at_points(output, vectors)
            self.auto = name_clusters(members, scores, output.labels)
            self._tags = {number: _best(lift, output.labels) for number, lift in tag_lift(members, scores).items()}
            self.message = (
                f"Named by the tags that {get_model(output.model).title} hears more here than elsewhere; +1.5 is by "
                "1.5 standard deviations."
            )
        self._publish()

    def _explain_none(self, n: int) -> str:
        """Return why no point is in a cluster, and what to do."""
        word = "moment" if self._context.choices["points"] == "frames" else "track"
        if self.method != "hdbscan":
            return f"None of the {n:,} {word}s is in a cluster: none has a vector of finite numbers."
        size = resolve_options("hdbscan", self._context.choices["cluster_options"], n)["min_cluster_size"]
        smaller = "choose a smaller group under More, or" if size > 2 else "choose"
        why = f"HDBSCAN found no {size} of them that lie apart from the rest"
        if n <= size:
            why = f"HDBSCAN looks for groups of {size} among more than {size}"
        return f"None of the {n:,} {word}s is in a cluster: {why}; {smaller} k-means, which puts every {word} into one."

    @property
    def note(self) -> str:
        """What the map has to say of its clusters: why there are none, where they were looked for."""
        return self.message if self.members is not None and not self.auto else ""

    def _fail(self, sentence: str, _remedy: str) -> None:
        self.forget()
        self.message = sentence
        self._publish()

    def mark_cancelled(self) -> None:
        """Mark what was cancelled."""
        if self._of is not None and self.members is None:
            self._of, self.message = None, "Cancelled."
            self._publish()

    def forget(self) -> None:
        """Have no clusters."""
        had = self.members is not None or self.message
        self.members, self._of, self.message = None, None, ""
        self.auto, self._tags = {}, {}
        self._context.stop("clusters")
        if had:
            self._publish()

    # Names. --------------------------------------------------------------------------------------------------------

    def rename(self, number: int, name: str) -> None:
        """Give a cluster a name; an empty one brings back the one that was found."""
        if number not in self.auto:
            raise OptionError(f"There is no cluster {number!r}; clusters are counted from 0 to {len(self.auto) - 1}.")
        mark, said = self._mark(number), collapse_spaces(str(name))[:LONGEST_NAME]
        if said == NO_CLUSTER:
            raise OptionError(f"Points in no cluster are called {NO_CLUSTER!r}; give this one another name.")
        if said and said != self.auto[number]:
            self.given[mark] = said
        else:
            self.given.pop(mark, None)
        self._publish()

    def _mark(self, number: int) -> str:
        """Return what tells the members of a cluster from all others, whatever its number is next time."""
        vectors, members = self._view.vectors, self.members
        if vectors is None or members is None:
            return ""
        inside = members == number
        times = b"" if vectors.times is None else vectors.times[inside].tobytes()
        return hashlib.blake2b(vectors.tracks[inside].tobytes() + times, digest_size=16).hexdigest()

    def given_names(self) -> dict[int, str]:
        """Return the names that were given to the clusters that there are."""
        return {number: name for number, name in self.names().items() if name != self.auto[number]}

    def restore(self, given: dict[str, str]) -> None:
        """Use names that were given before, by what tells the members."""
        names = {mark: collapse_spaces(name)[:LONGEST_NAME] for mark, name in given.items()}
        self.given = {mark: name for mark, name in names.items() if name not in ("", NO_CLUSTER)}

    # Showing. ------------------------------------------------------------------------------------------------------

    def color(self) -> PointColors | None:
        """Return the clusters as a colour; None where there are none."""
        if self.members is None:
            return None
        names = self.names()
        texts = np.array([names.get(int(number), NO_CLUSTER) for number in self.members], dtype=object)
        return PointColors("cluster", "cluster", texts)

    def _publish(self) -> None:
        self._context.panel.clusters = self._to_dict()
        self.write_names()
        self._context.events.clusters_changed()

    def write_names(self) -> None:
        """Write the names on the map, where there is one."""
        visible = self._view.visible
        if visible is None:
            return
        visible.scatter.set_labels(
            {"text": name, "id": number, "points": np.flatnonzero(self.members == number)}
            for number, name in self.names().items()
        )

    def table(self) -> pd.DataFrame:
        """Return cluster and name of each track, or of each frame."""
        import pandas as pd

        vectors, colors = self._view.vectors, self.color()
        if vectors is None or colors is None:
            empty: dict[str, Any] = {"cluster": np.zeros(0, np.int64), "name": np.zeros(0, object)}
            return pd.DataFrame(empty, index=pd.Index(np.zeros(0, np.int64), name="track"))
        times = {} if vectors.times is None else {"time": vectors.times}
        columns: dict[str, Any] = {**times, "cluster": self.members, "name": list(colors.values)}
        return pd.DataFrame(columns, index=pd.Index(vectors.tracks, name="track"))

    def _to_dict(self) -> ClusterList:
        """Return what the page shows of them, ready for JSON."""
        if self.method == "none":
            return {}
        names, members = self.names(), np.zeros(0, np.int64) if self.members is None else self.members
        items: list[ClusterItem] = []
        for number, auto in self.auto.items():
            count, tags = int((members == number).sum()), self._tags.get(number, [])
            items.append({"id": number, "name": names[number], "auto": auto, "count": count, "tags": tags})
        nowhere = int((members < 0).sum())
        if nowhere:
            items.append({"id": -1, "name": NO_CLUSTER, "auto": NO_CLUSTER, "count": nowhere, "tags": []})
        return {"method": self.method, "scale": SCALES[self.method], "items": items, "message": self.message}


def _best(lift: NDArray[np.float64], tags: tuple[str, ...]) -> list[TagLift]:
    order = np.argsort(-lift, kind="stable")[:TOLD_TAGS]
    return [{"tag": tags[i], "lift": round(float(lift[i]), 2)} for i in order if lift[i] > 0]
