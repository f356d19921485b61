"""What a panel works with: its workers, the cache, and how it tells the reader what goes on.

Conventions: everything here is called in the kernel's main thread, except functions that take a ``job``. The keys of
jobs are tuples; the first item says what kind of work it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from embviz.app.uploads import Uploads
from embviz.core.cache import Cache, check_cache
from embviz.core.text import collapse_spaces
from embviz.core.worker import Worker

if TYPE_CHECKING:
    from embviz.core.embedding import Embedding
    from embviz.widgets.schema import Progress

__all__ = ["PanelContext", "Store"]


class Store(Cache):
    """The cache, which says what went wrong with it where the reader looks."""

    tell: Callable[[str], None] = staticmethod(lambda _sentence: None)
    largest: float = math.inf  # bytes of one entry that is still written

    def put(self, key: Mapping[str, Any], embedding: Embedding) -> None:
        """Keep an embedding, unless it is too large."""
        if embedding.nbytes <= self.largest:
            super().put(key, embedding)

    def _warn(self, kind: str, message: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            self.tell(message)


class PanelContext:
    """What all parts of a panel work on.

    Attributes
    ----------
    panel : Panel or AtlasView
        The widget around everything.
    worker, pulls : Worker
        Who computes, and who downloads.
    store : Store or None
        Where results are kept.
    uploads : Uploads
        Files that were handed in.
    """

    def __init__(self, panel: Any, cache: Any, worker: Worker | None = None) -> None:
        check_cache(cache)
        self.panel = panel
        self.clock: str = panel.clock
        self._own_worker = worker is None
        self.worker = worker or Worker(self._show_busy)
        self.pulls = Worker(computes=False)
        self.store = self.own_store(cache)
        self.uploads = Uploads()
        self.on_settled: Callable[[], None] = lambda: None
        self._busy: Progress = {}
        self._seq = 0

    def own_store(self, cache: Any) -> Store | None:
        """Return a store in the folder of a cache."""
        if cache is False:
            return None
        store = Store(cache.folder, max_bytes=cache.max_bytes) if isinstance(cache, Cache) else Store()
        # The cache is used by the workers' threads; what it says is shown by this one.
        store.tell = lambda sentence: self.worker.post(lambda: self.notice("error", sentence))
        return store

    # Telling. ------------------------------------------------------------------------------------------------------

    def notice(self, level: str, text: str, remedy: str = "") -> None:
        """Show one sentence above the panel."""
        self._seq += 1
        self.panel.notice = {"level": level, "text": text, "remedy": remedy, "seq": self._seq}

    def busy(self, text: str, done: int, total: int) -> None:
        """Show what runs."""
        self._busy = {"text": collapse_spaces(text), "done": done, "total": total}

    def _show_busy(self) -> None:
        if not self.worker.pending():
            self._busy = {}
        if self.panel.progress != self._busy:
            self.panel.progress = self._busy
        self.on_settled()

    def close(self) -> None:
        """End the threads, and remove what was uploaded."""
        if self._own_worker:
            self.worker.close()
        self.pulls.close()
        self.uploads.close()
