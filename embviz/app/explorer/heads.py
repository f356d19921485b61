"""Heads in the rows of the poster: which fit, and what they say of the open track."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embviz.app.explorer.context import ExplorerContext
from embviz.app.explorer.row import Row
from embviz.core.embedding import Embedding
from embviz.core.text import one_line
from embviz.core.worker import Job
from embviz.errors import EmbvizError, OptionError
from embviz.heads import Head, get_head, known_heads
from embviz.heads.essentia import GraphOptions, read_essentia_head
from embviz.heads.lookup import is_head
from embviz.models import get_model
from embviz.widgets.curves import Curves
from embviz.widgets.schema import HeatmapRow, NameTitle, WorkState

CURVES = 8  # classes that are drawn at first; the reader can ask for others


class RowHeads:
    """The heads at hand, given or registered, and their work."""

    def __init__(self, context: ExplorerContext) -> None:
        self._context = context
        self._given: dict[str, Head] = {}

    def add(self, head: Head) -> None:
        """Offer a head, in place of another one of its name."""
        self._given[head.name] = head

    def known(self) -> dict[str, Head]:
        """Return all heads by name; those that were given come first."""
        return self._given | {head.name: head for head in known_heads() if head.name not in self._given}

    def find_fitting(self, model: str, layer: str) -> dict[str, Head]:
        """Return the heads that take the embeddings of a layer, by name; those that were given come first."""
        return {name: head for name, head in self.known().items() if fits(head, model, layer)}

    def of(self, row: Row) -> Head | None:
        """Return the head of a row."""
        return self.find_fitting(row.model, row.layer).get(row.head) if row.head else None

    def default_head(self, model: str, layer: str) -> str:
        """Return the name of the head that a new row has: one that was given and fits."""
        return next((name for name, head in self._given.items() if fits(head, model, layer)), "")

    def start(self, row: Row, publish: Callable[[], None]) -> None:
        """Ask the head of a row about its embedding, once that is complete."""
        head, embedding, work = self.of(row), row.embedding, row.answer
        self.stop(row)
        work.begin("")
        if head is None or embedding is None:
            return
        work.model, work.layer = row.model, row.layer

        def task(job: Job) -> Embedding:
            job.report(head.title, 0, 1)
            return head.apply(embedding)

        def show(answers: Embedding) -> None:
            top = min(CURVES, len(head.classes))
            work.draw(Curves.of, answers, clock=self._context.clock, title=one_line(head.title), top=top)

        self._context.run(("head", row.id), work, task, show, publish, title=one_line(head.title))

    def stop(self, row: Row) -> None:
        """Ask no further."""
        self._context.worker.cancel(lambda key: key == ("head", row.id))

    def to_dict(self, row: Row) -> HeatmapRow:
        """Return what the page shows of the heads of a row, ready for JSON."""
        fitting = self.find_fitting(row.model, row.layer)
        titles = [one_line(head.title) for head in fitting.values()]
        heads: list[NameTitle] = [
            {"name": name, "title": title if titles.count(title) == 1 else f"{title} ({name})"}
            for name, title in zip(fitting, titles, strict=True)
        ]
        chosen = fitting.get(row.head)
        answer: WorkState | None = None
        if chosen:
            answer = {**row.answer.to_dict(), "title": one_line(chosen.title)}
        return {"heads": heads, "head": row.head if chosen else "", "answer": answer}


def fits(head: Head, model: str, layer: str) -> bool:
    """Tell whether a head takes what a row asks for, which may name a node in place of a layer."""
    with contextlib.suppress(EmbvizError):  # a node that only the graph knows, or a model that was unregistered since
        layer = get_model(model).layer(layer).name
    return head.fits(model, layer)


def _is_saved(name: str) -> bool:
    return os.path.exists(f"{name}.json")  # noqa: PTH110  Path's own raises where it may not look


def as_head(given: Any) -> Head:
    """Return a head that was given as one, by the name of a registered one, or by its path."""
    if isinstance(given, Head):
        return given
    if isinstance(given, str) and (is_head(given) or not (Path(given).suffix or os.sep in given or _is_saved(given))):
        return get_head(given)  # which says of a name that it does not know what may be meant
    try:
        path = Path(given).expanduser()
        if path.suffix == ".pb":  # one of Essentia's own
            return read_essentia_head(path, None, path.stem, GraphOptions())
        return Head.load(path)
    except TypeError as error:
        expected = "A head is expected as a Head, its name or its task, or a path"
        raise OptionError(f"{expected}, {given!r:.80} was found.") from error
