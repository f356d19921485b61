"""The rows of the poster view: what several models make of one track, on one clock."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from embviz.app.explorer.context import ExplorerContext, missing_weights
from embviz.app.explorer.heads import RowHeads, fits
from embviz.app.explorer.row import LOOK, Row, check_look, check_request, constant_note, row_key
from embviz.app.given import title_of
from embviz.core.embedding import Embedding
from embviz.core.vectors import Vectors
from embviz.errors import EmbvizError, OptionError
from embviz.export import track_page
from embviz.extraction.extract import round_hop
from embviz.heads import Head
from embviz.models import ALIASES, VectorSource, find_model, get_model
from embviz.models.catalogue import POSTER
from embviz.models.weights import has_weights
from embviz.widgets.heatmap import Heatmap
from embviz.widgets.schema import HeatmapRow

KEPT = 20  # changes that can be taken back


@dataclass
class _Change:
    """How the rows were before: the place of a row that was removed, or else the head that a row had."""

    row: Row
    place: int | None = None
    head: str = ""


def default_models() -> list[str]:
    """Return the models of the poster whose weights are here; where there are none, the first to be downloaded."""
    names = [ALIASES[system] for system in POSTER]
    return [name for name in names if has_weights(name)] or names[:1]


class HeatmapRows:
    """The rows, from top to bottom."""

    def __init__(self, context: ExplorerContext) -> None:
        self._context = context
        self.heads = RowHeads(context)
        self.rows: list[Row] = []
        self._changes: list[_Change] = []
        self._count = 0

    # What the reader does. -----------------------------------------------------------------------------------------

    def add(self, model: VectorSource, layer: str = "embedding", hop: Any = None, **look: Any) -> Row:
        """Add a row at the bottom and begin to compute it."""
        layer, hop = check_request(layer, hop)
        name, layer = self._context.given.resolve(model, layer)
        if isinstance(model, Vectors):
            self._context.show_models()
        self._count += 1
        row = Row(name, layer, hop, id=self._count, collapsed=bool(look.get("collapsed", False)))
        head = look.get("head")
        row.head = (
            self.heads.default_head(row.model, layer) if head is None else self._known_head(row.model, layer, head)
        )
        row.look = check_look(look)
        self.rows.append(row)
        self.start(row)
        self.publish()
        return row

    def change(self, row: int, model: str, layer: str | None = None, hop: Any = None) -> None:
        """Give a row another model, layer or hop."""
        chosen, (layer, hop) = self[row], check_request(layer or "embedding", hop)
        name, layer = self._context.given.resolve(model, layer)
        if (chosen.model, chosen.layer, chosen.hop) == (name, layer, hop):
            return
        chosen.look = {} if chosen.view is None else {"order": chosen.view.order}
        chosen.model, chosen.layer, chosen.hop = name, layer, hop
        if self.heads.of(chosen) is None:
            chosen.head = self.heads.default_head(name, layer)
        chosen.close()
        self._context.active = chosen
        self.start(chosen)
        self.publish()

    def remove(self, row: int) -> None:
        """Take a row away; :meth:`undo` brings it back."""
        chosen = self[row]
        if chosen.unfinished:
            self._context.worker.cancel(lambda key: key == ("row", chosen.id))
            chosen.status = "cancelled"
        self.heads.stop(chosen)
        self._keep(_Change(chosen, place=self.rows.index(chosen)))
        self.rows.remove(chosen)
        if self._context.active is chosen:
            self._context.active = None
        self.publish()

    def choose_head(self, row: int, head: str) -> None:
        """Have a head answer below a row; an empty name takes it away, the same one asks it again."""
        chosen = self[row]
        if head and head not in self.heads.find_fitting(chosen.model, chosen.layer):
            raise OptionError(f"There is no head {head!r:.80} for {chosen.model!r} / {chosen.layer!r} any more.")
        if head != chosen.head:
            self._keep(_Change(chosen, head=chosen.head))
        self._set_head(chosen, head)
        self.publish()

    def show_head(self, head: Head) -> bool:
        """Have a head answer below all rows that it fits; return whether there are any."""
        self.heads.add(head)
        fitting = [row for row in self.rows if fits(head, row.model, row.layer)]
        for row in fitting:
            self.choose_head(row.id, head.name)
        self.publish()
        return bool(fitting)

    def _set_head(self, row: Row, name: str) -> None:
        row.answer.close()
        row.head = name
        self.heads.start(row, self.publish)

    def _known_head(self, model: str, layer: str, name: Any) -> str:
        """Return the name of a head that a kept row had, if there still is such a head."""
        if isinstance(name, str) and (not name or name in self.heads.find_fitting(model, layer)):
            return name
        sentence = f"The head {name!r:.80} of this view is not known any more."
        self._context.notice("error", sentence, "Register it, or hand it in as Explorer(heads=[…]).")
        return ""

    def _keep(self, change: _Change) -> None:
        """Note how a change is taken back."""
        self._changes.append(change)
        for old in self._changes[:-KEPT]:
            if old.row not in self.rows:
                old.row.close()
        self._changes = self._changes[-KEPT:]

    def undo(self) -> None:
        """Take back what was done last: bring back a row that was removed, or the head that a row had."""
        if not self._changes:
            return
        change = self._changes.pop()
        row = change.row
        if change.place is None:
            there = change.head in self.heads.find_fitting(row.model, row.layer)
            self._set_head(row, change.head if there else "")
        else:
            self.rows.insert(min(change.place, len(self.rows)), row)
            sound = self._context.sound
            if row.embedding is None or sound is None or row.embedding.info.get("audio") != sound.digest:
                self.start(row)
            elif not row.answer.drawn:
                self.heads.start(row, self.publish)
        self.publish()

    def move(self, row: int, to: int) -> None:
        """Put a row at another place, counted from 0."""
        chosen = self[row]
        self.rows.remove(chosen)
        self.rows.insert(min(max(int(to), 0), len(self.rows)), chosen)
        self.publish()

    def collapse(self, row: int, collapsed: bool) -> None:
        """Fold a row, or unfold it."""
        self[row].collapsed = bool(collapsed)
        self.publish()

    def retry(self, row: int) -> None:
        """Compute a row again."""
        chosen = self[row]
        if not chosen.unfinished:
            self.start(chosen)
            self.publish()

    def find(self, model: VectorSource | int, layer: str | None = None) -> list[Row]:
        """Return the rows of a model (and layer), or the row at a place counted from 0."""
        if isinstance(model, int):
            if not -len(self.rows) <= model < len(self.rows):
                raise OptionError(f"There are {len(self.rows)} rows, counted from 0; {model} was found.")
            return [self.rows[model]]
        name, _ = self._context.given.resolve(model, layer or "embedding")
        rows = [row for row in self.rows if row.model == name and layer in (None, row.layer)]
        if not rows:
            raise OptionError(f"No row shows {name!r}{f' / {layer}' if layer else ''}.")
        return rows

    def __getitem__(self, number: int) -> Row:
        for row in self.rows:
            if row.id == number:
                return row
        raise OptionError(f"There is no row {number!r} any more.")

    def close(self) -> None:
        """Take all rows off the page."""
        for row in (*self.rows, *self._removed()):
            row.close()

    def _removed(self) -> list[Row]:
        """Return the rows that were removed and can be had back."""
        return [change.row for change in self._changes if change.place is not None]

    # Computing. ----------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Make every row wait for another track."""
        for row in self.rows:
            self.heads.stop(row)
            self._wait(row)
        for row in self._removed():
            row.to_state()
            row.close()
            row.begin("")
        self.publish()

    def fill(self, cached: Mapping[tuple[str, str, Any], Embedding]) -> None:
        """Show what was in the cache."""
        for row in self.rows:
            if (embedding := cached.get(row_key(row))) is not None:
                self._show(row, embedding, complete=True)
        self.publish()

    def start_all(self) -> None:
        """Compute what is not here yet."""
        for row in self.rows:
            if row.status == "waiting":
                self.start(row)
        self.publish()

    def fail_all(self, sentence: str, remedy: str) -> None:
        """Say of the rows that have nothing why that is."""
        for row in self.rows:
            if row.unfinished:
                row.fail(sentence, remedy)
        self.publish()

    def stop_all(self) -> None:
        """Mark the rows whose work was cancelled."""
        for row in self.rows:
            row.cancel("Cancelled; what was finished is kept.")
            row.answer.cancel("Cancelled.")
        self.publish()

    def use_weights(self, model: str) -> None:
        """Compute the rows that waited for the weights of a model."""
        for row in self.rows:
            if row.status == "download" and row.model == model:
                self.start(row)
        self.publish()

    def start(self, row: Row) -> None:
        """Have a row computed, once a track is open."""
        # What it was computing is not what it is to show, even where nothing follows.
        self._context.worker.cancel(lambda key: key == ("row", row.id))
        self.heads.stop(row)
        self._wait(row)
        if row.status == "waiting" and self._context.sound is not None:
            self._context.embed(("row", row.id), [row], lambda _i, *result: self._show(row, *result), self.publish)

    def _wait(self, row: Row) -> None:
        """Have a row wait for its turn, or for what it cannot do without."""
        row.begin()
        if not self._context.given.is_here(row.model, row.layer):
            row.begin("download", missing_weights(get_model(row.model)))
        elif self._context.track is None:
            row.begin("cancelled", "Choose a track from the list, or drop a file on it.")

    def _show(self, row: Row, embedding: Embedding, complete: bool) -> None:
        made = row.view is None
        look = dict(row.look) if made else {}
        if "pins" in look:
            look["pins"] = [pin for pin in look["pins"] if pin < embedding.shape[1]]
        row.draw(Heatmap.of, embedding, complete=complete, clock=self._context.clock, title="", **look)
        self._context.offer_cards(row)
        if made and row.view is not None:
            row.view.observe(lambda change: self._follow_look(row, change["name"]), list(LOOK))
        if complete:
            self.heads.start(row, self.publish)

    def _follow_look(self, row: Row, trait: str) -> None:
        if trait == "pins":
            self._context.active = row
        self._context.events.settled()

    # Showing. ------------------------------------------------------------------------------------------------------

    def active(self) -> Row | None:
        """Return the row that was pinned or changed last, or the first one that is ready."""
        chosen = self._context.active
        if isinstance(chosen, Row) and chosen in self.rows and chosen.embedding is not None:
            return chosen
        return next((row for row in self.rows if row.embedding is not None), None)

    def publish(self) -> None:
        """Show the rows as they are."""
        self._context.panel.rows = [self._to_dict(row) for row in self.rows]
        self._context.panel.can_undo = bool(self._changes)

    def _to_dict(self, row: Row) -> HeatmapRow:
        title, facts, hop = row.model, "", row.hop
        with suppress(EmbvizError):  # a model that was unregistered since
            model = find_model(row.model)
            known = [] if model is None else [model.task.partition("(")[0].strip()]
            if row.embedding is not None:  # the layer stands in the title already
                known = [fact for fact in track_page.embedding_facts(row.embedding) if fact != row.layer]
            title, facts = title_of(row.model), " · ".join([*known, *constant_note(row)])
            if isinstance(hop, float) and model is not None:  # as it is computed, in whole frames
                hop = round_hop(model, hop)
        own: HeatmapRow = {"id": row.id, "hop": hop, "collapsed": row.collapsed, "title": title, "facts": facts}
        return {**row.to_dict(), **own, **self.heads.to_dict(row)}
