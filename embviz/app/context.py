"""What a panel works with: its workers, the cache, and how it tells the reader what goes on.

Conventions: everything here is called in the kernel's main thread, except functions that take a ``job``. The keys of
jobs are tuples; the first item says what kind of work it is.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from embviz.app.events import PanelEvents
from embviz.app.given import GivenVectors
from embviz.app.selection import Selection
from embviz.app.uploads import Uploads
from embviz.core.cache import Cache, check_cache
from embviz.core.progress import interruption_note, reporter
from embviz.core.text import collapse_spaces
from embviz.core.worker import PROGRESS_EVERY, Worker, guard

if TYPE_CHECKING:
    from embviz.core.embedding import Embedding
    from embviz.widgets.commands import ModelsWidget
    from embviz.widgets.player import Player
    from embviz.widgets.schema import Progress


class Store(Cache):
    """The cache, which says what went wrong with it where the reader looks."""

    report: Callable[[str], None] = staticmethod(lambda _sentence: None)
    largest: float = math.inf  # bytes of one entry that is still written

    def put(self, key: Mapping[str, Any], embedding: Embedding) -> None:
        """Keep an embedding, unless it is too large."""
        if embedding.nbytes <= self.largest:
            super().put(key, embedding)

    def warn(self, kind: str, message: str) -> None:
        """Report what went wrong, once of a kind."""
        if kind not in self._warned:
            self._warned.add(kind)
            self.report(message)


E = TypeVar("E", bound=PanelEvents)
W = TypeVar("W", bound="ModelsWidget")


class PanelContext(Generic[E, W]):
    """What all parts of a panel work on: widget, workers, cache, files that were handed in, events and selection."""

    def __init__(self, panel: W, player: Player | None, cache: Any, events: E, worker: Worker | None = None) -> None:
        check_cache(cache)
        self.panel = panel  # the widget around everything
        self.clock: str = panel.clock
        self._own_worker = worker is None
        self.worker = worker or Worker(self._show_busy)
        self.downloader = Worker(computes=False)
        self.store = self.make_store(cache)
        self.given = GivenVectors()  # in place of models
        self.uploads = Uploads()
        self.events, self.selection = events, Selection(player)
        self._busy: Progress = {}
        self._seq = 0

    def show_models(self) -> None:
        """List the models on the page, with what was given in place of one."""
        self.panel.models = self.given.list_models()

    def make_store(self, cache: Any) -> Store | None:
        """Return a store in the folder of a cache."""
        if cache is False:
            return None
        given = cache if isinstance(cache, Cache) else Cache()
        store = Store(given.folder, max_bytes=given.max_bytes, precision=given.precision)
        # The cache is used by the workers' threads; what it says is shown by this one.
        store.report = lambda sentence: self.worker.post(lambda: self.show_error(sentence))
        return store

    # Telling. ------------------------------------------------------------------------------------------------------

    def notice(self, level: str, text: str, remedy: str = "", *, file: str = "") -> None:
        """Show one sentence above the panel; with a file that it is about, by its path below the server's root."""
        self._seq += 1
        self.panel.notice = {"level": level, "text": text, "remedy": remedy, "seq": self._seq, "file": file}

    def guard(self) -> AbstractContextManager[None]:
        """Show what goes wrong inside as a sentence: the panel stays usable."""
        return guard(self.show_error)

    def show_error(self, sentence: str, remedy: str = "") -> None:
        """Show above the panel what went wrong."""
        self.notice("error", sentence, remedy)

    def dismiss(self) -> None:
        """Take away what stands above the panel."""
        self.panel.notice = {}

    def busy(self, text: str, done: int, total: int) -> None:
        """Show what runs."""
        self._busy = {"text": collapse_spaces(text), "done": done, "total": total}

    def _show_busy(self) -> None:
        if not self.worker.pending():
            self._busy = {}
        if self.panel.progress != self._busy:
            self.panel.progress = self._busy
        self.events.settled()

    @property
    def workers(self) -> tuple[Worker, ...]:
        """All workers of the panel."""
        return self.worker, self.downloader

    def wait(self, timeout: float | None) -> float | None:
        """Wait until no worker is busy, and return the seconds that are left of `timeout`."""
        workers = self.workers
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while any(worker.busy for worker in workers) and (left := deadline - time.monotonic()) > 0:
            for worker in workers:
                worker.wait(min(0.2, left))
        return None if timeout is None else max(0.0, deadline - time.monotonic())

    def finish(self) -> None:
        """Wait for what is computed, and show how far it is, where no event loop would go on with it: in a script."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            return
        if not any(worker.busy for worker in self.workers):
            return
        kept = "What is computed goes on; call this again to wait for it."
        with reporter(progress=True) as report, interruption_note(lambda: kept):
            while any(worker.busy for worker in self.workers):
                self.wait(PROGRESS_EVERY)
                if self._busy:
                    report(self._busy["text"], self._busy["done"], self._busy["total"])

    def close(self) -> None:
        """End the threads, and remove what was uploaded."""
        if self._own_worker:
            self.worker.close()
        self.downloader.close()
        self.selection.close()
        self.uploads.close()
