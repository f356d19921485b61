"""Units: what single dimensions of a layer answer to, over all tracks, and the card of one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from embviz.app.explorer import cost_estimate, unit_list
from embviz.app.explorer.collection import CollectionLoader
from embviz.app.explorer.context import ExplorerContext, missing_weights
from embviz.app.selection import PlayRequest
from embviz.app.work import DrawnWork, Work
from embviz.collection import Collection
from embviz.core.text import plural
from embviz.core.worker import Job, guard
from embviz.errors import OptionError
from embviz.export.static_widgets import without_comm
from embviz.export.track_page import PageRow
from embviz.models import get_model
from embviz.units.card_view import MarkedFrames, card_state
from embviz.widgets.base import close_widget, model_ref
from embviz.widgets.moments import MomentSheet
from embviz.widgets.unit_card import UnitCardView

if TYPE_CHECKING:
    import pandas as pd

    from embviz.core.embedding import Embedding
    from embviz.units.moments import Moments
    from embviz.units.units import UnitCard, Units
    from embviz.widgets.schema import UnitCardState, UnitRow

SHOWN = 10  # moments of a card, highest and lowest each
CANCELLED = "Cancelled; what was finished is kept."


class UnitsTab:
    """The view of units: the layer, its dimensions, and the card that is open."""

    def __init__(self, context: ExplorerContext, loader: CollectionLoader) -> None:
        self._context, self._loader = context, loader
        self.work = DrawnWork("")
        self.sort, self.search = "r", ""
        self.units: Units | None = None
        self.dimension: int | None = None
        self.card: UnitCard | None = None
        self._rows: list[UnitRow] = []
        self._plan, self._run_next = "", False
        self._effects: pd.Series[float] | None = None
        self._opening = Work()
        self.view: UnitCardView | None = None
        self._frames: tuple[tuple[int | None, Units], MarkedFrames] | None = None  # of which track
        self.sheets: list[MomentSheet] = []
        context.selection.on("track", lambda _track: self._mark_track())
        context.selection.on("selected", lambda _selected: self._forget_effects())

    def commands(self) -> dict[str, Callable[..., object]]:
        """Return what answers each command of the page."""
        return {
            "show_units": self.start,
            "analyse_units": self.analyse,
            "cancel_units": self.stop_all,
            "list_units": self.arrange,
            "show_unit": self.show_card,
            "close_unit": self.close_card,
        }

    # What is asked. ------------------------------------------------------------------------------------------------

    def start(self, model: str | None = None, layer: str | None = None, dimension: int | None = None) -> None:
        """Show the dimensions of a layer; where tracks are to be computed first, say what that costs."""
        given = self._context.given
        name, layer = given.resolve(model or self.work.model, layer or "embedding")
        same = (self.work.model, self.work.layer) == (name, layer)
        if not same:
            self._context.aside.cancel(lambda key: key[0] == "units")  # type: ignore[index]
            self._forget()
            self.work = DrawnWork(name, layer)
        if dimension is not None:
            self.dimension = dimension
        if same and self.units is not None and dimension is not None:
            self.show_card(dimension)
        elif same and (self.units is not None or self.work.unfinished):
            self.publish()
        elif not given.is_here(name, layer):
            self.work.begin("download", missing_weights(get_model(name)))
            self.publish()
        else:
            self._weigh()

    def ask(self) -> None:
        """Compute what is missing without being asked again."""
        if self.units is None and self.work.status != "download":
            self._run_next = True
            if self._plan:
                self.analyse()

    def _weigh(self) -> None:
        """Find out what there is to compute; where that is nothing, begin."""
        self.work.begin("")
        with guard(self.work.fail):
            self._loader.load("units", self.work, self._plan_for, self.publish)
        self.publish()

    def _plan_for(self, collection: Collection) -> None:
        context, work = self._context, self.work

        def task(job: Job) -> str:
            if context.given.find(work.model, work.layer) is not None:
                return ""
            return cost_estimate.units_sentence(collection.table, work.model, work.layer, context.store, context.engine,
                                                job.report)  # fmt: skip

        def done(plan: str) -> None:
            self._plan = plan
            if plan and not self._run_next:
                work.begin("")
            else:
                self.analyse()

        self.work.begin()
        context.run(("units", "plan"), work, task, done, self.publish, title="units", aside=True)
        self.publish()

    def arrange(self, sort: str | None = None, search: str | None = None) -> None:
        """Sort the dimensions, or show those that a search finds."""
        if sort is not None and sort not in unit_list.SORTS:
            raise OptionError(f"Dimensions are sorted by {', '.join(unit_list.SORTS)}; {sort!r:.80} was asked for.")
        self.sort, self.search = self.sort if sort is None else sort, self.search if search is None else search
        self._compare_selection()
        self.publish()

    def state(self) -> dict[str, Any]:
        """Return what restores the page, ready for JSON."""
        names = ("sort", "search", "dimension")
        return {"model": self.work.model, "layer": self.work.layer} | {name: getattr(self, name) for name in names}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Choose what was chosen when a state was taken, what cannot be had left out."""
        texts = {name: state.get(name) for name in ("model", "layer", "sort", "search")}
        kept = {name: value for name, value in texts.items() if isinstance(value, str)}
        self.work = DrawnWork(kept.get("model", ""), kept.get("layer", "") or "embedding")
        self.sort = kept["sort"] if kept.get("sort") in unit_list.SORTS else "r"
        self.search = kept.get("search", "")
        dimension = state.get("dimension")
        self.dimension = dimension if type(dimension) is int and dimension >= 0 else None

    # Computing. ----------------------------------------------------------------------------------------------------

    def analyse(self) -> None:
        """Compute what the dimensions go with; what was finished before is taken from the cache."""
        collection, context, work = self._loader.collection, self._context, self.work
        if collection is None:
            self._weigh()
            return
        context.aside.cancel(lambda key: key == ("units", "plan"))
        self._run_next = False
        options: dict[str, Any] = {"engine": context.engine, "cache": context.cache}

        def task(job: Job) -> Units:
            job.report("beginning", 0, 0)
            model = context.given.find(work.model, work.layer) or work.model
            return collection.units(model, work.layer, progress=job.report, **options)

        def done(units: Units) -> None:
            self.units, self._plan = units, ""
            context.events.tracks_embedded()
            self._show_list()
            self._compare_selection()
            if self.dimension is not None:
                with context.guard():
                    self.show_card(self.dimension)

        work.begin()
        context.run(("units", "run"), work, task, done, self.publish, title="units", aside=True)
        self.publish()

    def _show_list(self) -> None:
        if self.units is None:
            return
        self._rows = unit_list.list_rows(self.units, self._effects)
        self._context.panel.unit_histograms = unit_list.scaled_histograms(self.units.index.statistics["counts"])
        self._mark_track()

    def _compare_selection(self) -> None:
        """Find out how far each dimension separates the selection from the rest, where the list is sorted by that."""
        units, labels, work = self.units, self._context.selection.selected.labels.tolist(), self.work
        if self.sort != "effect" or units is None or self._effects is not None or not labels:
            return

        def task(job: Job) -> pd.Series[float]:
            job.report("comparing the selection with the rest", 0, 0)
            return units.sort("effect", selection=labels).table["effect"]

        def done(effects: pd.Series[float]) -> None:
            self._effects = effects
            self._show_list()
            self.publish()

        def fail(sentence: str, remedy: str) -> None:
            # The dimensions stay as they are.
            work.begin("ready")
            self._context.show_error(sentence, remedy)
            self.publish()

        self._context.aside.submit(("units", "effects"), task, on_done=done, on_failed=fail)

    def _forget_effects(self) -> None:
        self._effects = None
        if self.units is not None:
            self._show_list()
            self._compare_selection()
            self.publish()

    # The card. -----------------------------------------------------------------------------------------------------

    def show_card(self, dimension: int) -> None:
        """Open the card of a dimension, once the dimensions are known."""
        units = self.units
        self.dimension = dimension
        if units is None:
            self.publish()
            return
        if not 0 <= dimension < units.vectors.shape[1]:
            self.close_card()
            raise OptionError(
                f"{units.vectors.model} / {units.vectors.layer} has {plural(units.vectors.shape[1], 'dimension')}, "
                f"counted from 0; {dimension} was asked for."
            )
        work = self._opening
        work.begin()

        def task(job: Job) -> tuple[UnitCard, UnitCardState, list[bytes]]:
            job.report("looking for its moments", 0, 0)
            card = units.card(dimension, k=SHOWN)
            return card, *card_state(card, units)

        def done(found: tuple[UnitCard, UnitCardState, list[bytes]]) -> None:
            self.card, state, cells = found
            self._draw(self.card, state, cells)

        self._context.run(("units", "card"), work, task, done, self.publish, title="card", aside=True)
        self.publish()

    def _draw(self, card: UnitCard, state: UnitCardState, cells: list[bytes]) -> None:
        self._close_views()
        self.view = UnitCardView(card=state, cells=cells, clock=self._context.clock)
        self.view.on_unit(self.show_card)
        self.sheets = [self._sheet(moments) for moments in (card.highest, card.lowest)]
        self._mark_track()
        self._context.events.settled()

    def _sheet(self, moments: Moments) -> MomentSheet:
        sheet = moments.sheet(title="", notes=[])
        tracks, starts = moments.table["track"].tolist(), moments.table["start"].tolist()
        sheet.on_open(lambda index: self._open_track(int(tracks[index]), float(starts[index])))
        return sheet

    def _open_track(self, label: int, seconds: float) -> None:
        number = self._loader.numbers.get(label)
        if number is None:
            raise OptionError("This track is not in the list any more.")
        self._context.selection.request = PlayRequest(number, seconds)

    def close_card(self) -> None:
        """Close the card."""
        self._context.aside.cancel(lambda key: key == ("units", "card"))
        self.dimension, self.card = None, None
        self._opening.begin("")
        self._close_views()
        self.publish()
        self._context.events.settled()

    def _mark_track(self) -> None:
        """Mark the open track in the histograms of the list and of the card."""
        if self.units is None:
            return
        context, vectors = self._context, self.units.vectors
        number = context.selection.track
        label = None if number is None else self._loader.labels.get(number)
        track = "" if number is None else context.tracks[number].title or context.tracks[number].name
        if self._frames is None or self._frames[0] != (number, self.units):
            self._frames = (number, self.units), MarkedFrames.of(vectors, label, track)
            if number is not None and label is None:
                self._embed_track(number, track)
        frames = self._frames[1]
        context.panel.unit_marks = unit_list.track_histograms(frames.values, self.units.index.statistics["edges"])
        if self.view is not None:
            frames.show(self.view)

    def _embed_track(self, number: int, title: str) -> None:
        """Compute the frames of a track that is none of the collection's, such as one that was handed in."""
        context, units = self._context, self.units
        if units is None or context.sound is None:
            return
        work = DrawnWork(units.vectors.model, units.vectors.layer)

        def show(_i: int, embedding: Embedding, complete: bool) -> None:
            fits = embedding.shape[1] == units.vectors.shape[1]
            if complete and fits and self.units is units and context.selection.track == number:
                self._frames = (number, units), MarkedFrames(title, embedding.values, embedding.times)
                self._mark_track()

        with context.guard():
            context.embed(("unit",), [work], show, lambda: None)

    # Showing. ------------------------------------------------------------------------------------------------------

    def publish(self) -> None:
        """Show this page as it is."""
        panel, work, units = self._context.panel, self.work, self.units
        if not work.model:
            panel.units, panel.unit = {}, {}
            return
        state: Any = {**work.to_dict(), "view": "", "plan": self._plan, "notes": []}
        if units is not None:
            found = unit_list.search_units(units, self.search)
            state |= {
                "rows": self._rows,
                "order": unit_list.sort_dimensions(found, self.sort, self._effects),
                "matches": unit_list.matches(found),
                "sort": self.sort,
                "sorts": unit_list.SORTS,
                "search": self.search,
                "examples": units.examples,
                "said": self._said(found),
                "bins": units.index.statistics["counts"].shape[1],
                "notes": list(units.notes),
            }
        panel.units = state
        panel.unit = self._unit_state()

    def _unit_state(self) -> Any:
        if self.dimension is None or self.units is None:
            return {}
        drawn = self.view is not None and self.view.card.get("dimension") == self.dimension
        # Of a dimension that never changes, there are none.
        refs = [model_ref(sheet) if drawn and sheet.items else "" for sheet in self.sheets]
        highest, lowest = refs or ["", ""]
        view = model_ref(self.view) if drawn else ""
        return {
            **self._opening.to_dict(), "dimension": self.dimension, "view": view, "highest": highest, "lowest": lowest,
        }  # fmt: skip

    def _said(self, found: Units) -> str:
        if self.sort == "effect" and not len(self._context.selection.selected.labels):
            return "Select tracks on the map first: dimensions are sorted by how far these are from the rest."
        if self.sort == "effect" and self._effects is None:
            return "Comparing the selection with the rest …"
        if self.sort == "effect":
            n = len(self._context.selection.selected.labels)
            return f"Cohen's d between {plural(n, 'selected track')} and the rest; the largest first."
        return unit_list.search_note(found, self.search)

    def use_weights(self, model: str) -> None:
        """Go on where weights were waited for."""
        if self.work.status == "download" and self.work.model == model:
            self._weigh()

    def code(self) -> str:
        """Return Python that gives what the page shows, without a panel."""
        context, work = self._context, self.work
        return cost_estimate.units_code(
            work.model, work.layer, self.dimension, self._loader, context.tracks, context.engine,
            given=context.given.find(work.model, work.layer) is not None,
        )  # fmt: skip

    def page_rows(self) -> list[PageRow]:
        """Return the card that is open, and its moments, as parts of a page that needs no kernel."""
        view = self.view
        if view is None:
            return []
        traits = {name: getattr(view, name) for name in ("card", "cells", "times", "values")}
        title = view.card["title"]
        sheets = [sheet.copy(without_comm(MomentSheet), openable=False) for sheet in self.sheets if sheet.items]
        names = [f"{which} moments · {title}" for which in ("Highest", "Lowest")]
        return [PageRow(without_comm(UnitCardView)(**traits)), *map(PageRow, sheets, names)]

    def stop_all(self) -> None:
        """Stop computing; what is finished is kept."""
        if self.work.unfinished:
            self._context.events.tracks_embedded()
        self._context.aside.cancel(lambda key: key[0] == "units")  # type: ignore[index]
        for work in (self.work, self._opening):
            work.cancel(CANCELLED)
        self.publish()

    def close(self) -> None:
        """Take everything off the page."""
        self._close_views()

    def _close_views(self) -> None:
        # The page lets go of them first: what they say as they end is for their own ears.
        if self._context.panel.unit:
            self._context.panel.unit = {**self._context.panel.unit, "view": "", "highest": "", "lowest": ""}
        for widget in (self.view, *self.sheets):
            if widget is not None:
                close_widget(widget)
        self.view, self.sheets = None, []

    def _forget(self) -> None:
        """Forget the layer before."""
        self._close_views()
        self.units = self._frames = self.card = self._effects = self.dimension = None
        self._rows, self._plan = [], ""
        self._opening.begin("")
        self._context.panel.unit_histograms = self._context.panel.unit_marks = b""
