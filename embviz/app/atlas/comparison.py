"""Two models on the same tracks: how far they agree on what is near to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.analysis.model_similarity import agreement
from embviz.analysis.tagging import mean_per_track

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from embviz.analysis.model_similarity import Agreement
    from embviz.app.atlas.context import AtlasContext
    from embviz.app.atlas.map_view import MapView
    from embviz.core.vectors import Vectors
    from embviz.core.worker import Job
    from embviz.widgets.schema import AgreementItem, AgreementState


MOST = 100
FEWEST = 3  # tracks that both models have a vector of


class MapComparison:
    """The figures of agreement, in all dimensions of both models; frames are averaged for it."""

    def __init__(self, context: AtlasContext, views: list[MapView]) -> None:
        self._context, self._views = context, views
        self.result: Agreement | None = None
        self.tracks: NDArray[np.int64] = np.zeros(0, np.int64)
        self._of: Any = None

    def start(self) -> None:
        """Compare the two maps, where there are two, unless they were compared."""
        context, (first, second) = self._context, (view.vectors for view in self._views)
        if not context.choices["second"] or first is None or second is None:
            self.forget()
            return
        k, metric = context.choices["k"], context.choices["metric"]
        key = (id(first), id(second), k, metric)
        if key == self._of:
            return
        self._of = key

        def task(job: Job) -> tuple[NDArray[np.int64], Agreement | None]:
            job.report("", 0, 0)
            (labels, a), (others, b) = mean_per_track(first), mean_per_track(second)
            tracks, i, j = np.intersect1d(labels, others, return_indices=True)
            if len(tracks) < FEWEST:
                return tracks, None
            return tracks, agreement(a[i], b[j], k=k, metric=metric, cache=context.cache, report=job.report)

        context.run("agreement", "agreement", task, lambda found: self._use(first, *found))

    def _use(self, first: Vectors, tracks: NDArray[np.int64], result: Agreement | None) -> None:
        self.tracks, self.result = tracks, result
        self._context.panel.agreement = {} if result is None else self._to_dict(first, tracks, result)

    def _to_dict(self, first: Vectors, tracks: NDArray[np.int64], result: Agreement) -> AgreementState:
        """Return what the page shows, ready for JSON."""
        items: list[AgreementItem] = []
        labels, starts = np.unique(first.tracks, return_index=True)
        points = dict(zip(labels.tolist(), starts.tolist(), strict=True))
        for i in np.argsort(result.per_point, kind="stable")[:MOST]:
            track = self._context.listed_track(int(tracks[i]))
            items.append({**track, "point": points[int(tracks[i])], "overlap": _plain(result.per_point[i])})
        hubness = [_plain(value) for value in result.hubness]
        return {
            "cka": _plain(result.cka), "overlap": _plain(result.overlap), "hubness": hubness, "k": int(result.k),
            "items": items,
        }  # fmt: skip

    def table(self) -> pd.DataFrame:
        """Return the share of common neighbours of each track, least first."""
        import pandas as pd

        shares = np.zeros(0, np.float32) if self.result is None else self.result.per_point
        table = pd.DataFrame({"overlap": shares}, index=pd.Index(self.tracks[: len(shares)], name="track"))
        return table.sort_values("overlap", kind="stable")

    def forget(self) -> None:
        """Compare nothing."""
        self._context.stop("agreement")
        self.result = self._of = None
        self._context.panel.agreement = {}


def _plain(value: Any) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
