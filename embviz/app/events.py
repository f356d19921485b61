"""What happens in a panel, declared in one place: parts report it, others are called then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec

if TYPE_CHECKING:
    from embviz.app.atlas.map_view import MapView
    from embviz.core.embedding import Embedding
    from embviz.evaluation import Evaluation
    from embviz.heads import Head
    from embviz.widgets.scatter import Scatter


P = ParamSpec("P")


class Event(Generic[P]):
    """One kind of thing that happens; calling it calls those who are connected, in their order."""

    def __init__(self) -> None:
        self._calls: list[Callable[P, object]] = []

    def connect(self, call: Callable[P, object]) -> None:
        """Have a function called each time."""
        self._calls.append(call)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call those who are connected."""
        for call in self._calls:
            call(*args, **kwargs)


class PanelEvents:
    """What happens in every panel."""

    def __init__(self) -> None:
        self.settled: Event[[]] = Event()  # results were handed over, or a view was changed
        self.weights_downloaded: Event[[str]] = Event()  # with the name of the model


class ExplorerEvents(PanelEvents):
    """What happens in an Explorer."""

    def __init__(self) -> None:
        super().__init__()
        self.track_left: Event[[]] = Event()  # another track is being opened
        # With those of the track that were in the cache, by model, layer and hop.
        self.embeddings_cached: Event[[Mapping[Any, Embedding]]] = Event()
        self.track_opened: Event[[]] = Event()  # it can be read
        self.track_failed: Event[[str, str]] = Event()  # it cannot: with a sentence and a remedy
        self.tracks_embedded: Event[[]] = Event()  # of other tracks than the open one, the cache knows more
        self.unit_chosen: Event[[str, str, int]] = Event()  # to be looked at: model, layer and dimension
        self.evaluated: Event[[Evaluation]] = Event()
        self.head_trained: Event[[Head]] = Event()
        # With labels of tracks, and columns that the map is to have and the one to color by, or None.
        self.tracks_marked: Event[[Sequence[int], Mapping[str, Any] | None, str | None]] = Event()


class AtlasEvents(PanelEvents):
    """What happens in an Atlas; what concerns one map comes with it."""

    def __init__(self) -> None:
        super().__init__()
        self.maps_changed: Event[[]] = Event()  # the state of a map is another
        self.vectors_ready: Event[[MapView]] = Event()
        self.scatter_made: Event[[MapView, Scatter]] = Event()
        self.map_drawn: Event[[MapView]] = Event()  # its points have (other) places
        self.map_finished: Event[[MapView]] = Event()  # all that was asked for is there
        self.outputs_kept: Event[[]] = Event()  # what a tagger hears in the tracks is known
        self.clusters_changed: Event[[]] = Event()
