"""Work that a page follows: how far it is, and why there is nothing where it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embviz.widgets.base import close_widget, model_ref

if TYPE_CHECKING:
    from anywidget import AnyWidget

    from embviz.core.embedding import Embedding
    from embviz.widgets.schema import WorkState


@dataclass(kw_only=True)
class Work:
    """One thing that is computed."""

    status: str = ""  # waiting, running, partial, ready, failed, cancelled or download (it waits for weights)
    stage: str = ""  # what is being done, and how much of that
    done: int = 0
    total: int = 0
    message: str = ""  # what there is to say of it, and what the reader can do about it
    remedy: str = ""

    def begin(self, status: str = "waiting", message: str = "", remedy: str = "") -> None:
        """Start anew."""
        self.status, self.message, self.remedy = status, message, remedy
        self.stage, self.done, self.total = "", 0, 0

    def report(self, stage: str, done: int, total: int) -> None:
        """Take the progress of a job."""
        self.stage, self.done, self.total = stage, done, total

    def fail(self, sentence: str, remedy: str = "") -> None:
        """Say why there is nothing."""
        self.status, self.message, self.remedy = "failed", sentence, remedy

    def cancel(self, message: str = "") -> None:
        """Mark it as cancelled, where it is not over; a message replaces the one before."""
        if self.unfinished:
            self.status, self.message = "cancelled", message or self.message

    @property
    def unfinished(self) -> bool:
        """Whether it is computed, or is to be."""
        return self.status in ("waiting", "running", "partial")

    def to_dict(self) -> WorkState:
        """Return what the page shows of it, ready for JSON."""
        return {
            "status": self.status, "stage": self.stage, "done": self.done, "total": self.total,
            "message": self.message, "remedy": self.remedy,
        }  # fmt: skip


@dataclass
class DrawnWork(Work):
    """What is computed of a layer of a model, and the widget that draws it."""

    model: str
    layer: str = "embedding"
    hop: Any = None  # as `patch_hop` of embviz.embed
    embedding: Embedding | None = field(default=None, repr=False)  # once it is complete
    view: AnyWidget | None = field(default=None, repr=False)  # kept while something else is computed for it
    drawn: bool = False  # whether the view shows what was asked for

    def begin(self, status: str = "waiting", message: str = "", remedy: str = "") -> None:
        """Forget what was computed; the view is kept, to be filled anew."""
        super().begin(status, message, remedy)
        self.embedding, self.drawn = None, False

    def draw(self, kind: Callable[..., Any], embedding: Embedding, *, complete: bool = True, **traits: Any) -> None:
        """Show an embedding in the view, which is made where there is none yet."""
        if self.view is None:
            self.view = kind(embedding, complete=complete, **traits)
        else:
            self.view.update(embedding, complete=complete)
        self.drawn = True
        self.status = "ready" if complete else "partial"
        self.embedding = embedding if complete else None

    def close(self) -> None:
        """Take the view off the page."""
        if self.view is not None:
            close_widget(self.view)
        self.view, self.drawn = None, False

    def to_dict(self) -> WorkState:
        """Return what the page shows of it, ready for JSON."""
        view = model_ref(self.view) if self.drawn else ""
        return {**super().to_dict(), "model": self.model, "layer": self.layer, "view": view}
