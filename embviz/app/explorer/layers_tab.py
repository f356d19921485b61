"""A walk through a network: its layers from the first to the last on one clock, and the feature maps of one of them."""

from __future__ import annotations

import math

from embviz.app.explorer.context import ExplorerContext
from embviz.app.explorer.row import constant_note
from embviz.app.model_options import describe_receptive_field
from embviz.app.work import DrawnWork
from embviz.core.embedding import Embedding
from embviz.core.text import format_time
from embviz.extraction.stitching import KEPT_TENSOR
from embviz.models import Layer, Model, get_model
from embviz.widgets.feature_maps import FeatureMaps
from embviz.widgets.heatmap import Heatmap
from embviz.widgets.schema import LayerRow

# A walk computes every layer; of longer tracks, only a stretch around the playhead.
LONGEST = 300.0  # seconds
STRETCH = 60.0  # seconds to each side
MAPS_STRETCH = 20.0  # seconds to each side, where the maps of the whole track are too large


class LayersTab:
    """The view of a network's layers."""

    def __init__(self, context: ExplorerContext) -> None:
        self._context = context
        self.lead = DrawnWork("")
        self.rows: list[DrawnWork] = []
        self.maps = DrawnWork("", "")

    def reset(self) -> None:
        """Forget the track before."""
        for work in (self.lead, *self.rows, self.maps):
            work.begin("")
        self.maps.layer = ""
        self.publish()

    def start(self, model: str) -> None:
        """Compute all layers of a model in one pass."""
        record = get_model(model)
        same = self.lead.model == record.name
        if same and (self.lead.unfinished or self.lead.status == "ready"):
            return
        if not same:
            for row in (*self.rows, self.maps):
                row.close()
            self.maps = DrawnWork(record.name, "")
            self.rows = [DrawnWork(record.name, layer.name) for layer in record.known_layers if "s" not in layer.axes]
        self._context.worker.cancel(lambda key: key[0] in ("layers", "maps"))  # type: ignore[index]
        self.lead.model = record.name
        if self._context.can_start(self.lead):
            for row in self.rows:
                row.begin()
            key, span, store = ("layers", self.lead.model), self._span(), self._context.light_store
            self._context.embed(key, self.rows, self._show, self.publish, span=span, lead=self.lead, store=store)
            if span is not None:
                self.lead.message = f"From {format_time(span[0])} to {format_time(span[1])} of a long track."
        self.publish()

    def _span(self) -> tuple[float, float] | None:
        sound = self._context.sound
        return None if sound is None or sound.duration <= LONGEST else self._around(STRETCH)

    def _around(self, stretch: float) -> tuple[float, float]:
        player, sound = self._context.player, self._context.sound
        duration = sound.duration if sound is not None else 0.0
        if len(player.range) == 2:
            first, stop = float(player.range[0]), float(player.range[1])
            return first, min(stop, first + 2 * stretch)
        first = min(max(0.0, self._context.selection.time - stretch), max(0.0, duration - 2 * stretch))
        return first, min(duration, first + 2 * stretch)

    def _show(self, i: int, embedding: Embedding, complete: bool) -> None:
        row = self.rows[i]
        layer = next(layer for layer in get_model(row.model).known_layers if layer.name == row.layer)
        sizes = _sizes(layer)
        only_bands = sizes.get("c", 1) == 1 and sizes.get("f", 1) > 1
        # Bands and tags have an order of their own; channels have none.
        order = "index" if layer.labels or only_bands else "activity"
        look = {"clock": self._context.clock, "title": "", "order": order, "live_only": True, "lazy": True}
        row.draw(Heatmap.of, embedding, complete=complete, **look)
        self._context.offer_cards(row)
        # The tensors of all layers together would fill the memory.
        row.embedding = None

    # Maps. ---------------------------------------------------------------------------------------------------------

    def show_maps(self, layer: str) -> None:
        """Show the feature maps of a layer."""
        if self._context.sound is None or not self.lead.model:
            return
        maps = self.maps
        if (maps.model, maps.layer) != (self.lead.model, layer):
            maps.close()
        maps.model, maps.layer = self.lead.model, layer
        maps.begin()
        self._compute_maps(self._span() or self._small_enough())
        self.publish()

    def _small_enough(self) -> tuple[float, float] | None:
        """Return the stretch whose maps can be kept; None where it is the whole track."""
        sound, model = self._context.sound, get_model(self.maps.model)
        layer = next((layer for layer in model.known_layers if layer.name == self.maps.layer), None)
        if sound is None or layer is None or not layer.shape:
            return None
        size = 4.0 * math.prod(length for axis, length in _sizes(layer).items() if axis != "t")
        step = layer.step * model.frame_hop if layer.step and "t" in layer.axes else model.patch_hop
        steps = sound.duration * model.sample_rate / step
        return self._around(MAPS_STRETCH) if 1.1 * size * steps > KEPT_TENSOR else None

    def _compute_maps(self, span: tuple[float, float] | None) -> None:
        maps = self.maps

        def show(_i: int, embedding: Embedding, complete: bool) -> None:
            if not complete:
                return
            if "tensor_bytes" in embedding.info and span is None:
                self._compute_maps(self._around(MAPS_STRETCH))
                return
            maps.close()
            maps.view = FeatureMaps.of(embedding, clock=self._context.clock, title="")
            self._context.offer_cards(maps)
            maps.drawn, maps.status = True, "ready"

        self._context.embed(("maps",), [maps], show, self.publish, span=span)
        if span is not None:
            first, last = map(format_time, span)
            maps.message = f"Feature maps from {first} to {last}: those of the whole track are large."

    # Showing. ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Take everything off the page."""
        for work in (self.maps, *self.rows):
            work.close()

    def stop_all(self) -> None:
        """Mark what was cancelled."""
        for work in (self.lead, self.maps, *self.rows):
            work.cancel()
        self.publish()

    def publish(self) -> None:
        """Show this view as it is."""
        if not self.lead.model:
            self._context.panel.layers = {}
            return
        model = get_model(self.lead.model)
        layers = {layer.name: layer for layer in model.known_layers}
        self._context.panel.layers = {
            **self.lead.to_dict(),
            "title": model.title,
            "rows": [
                {**row.to_dict(), **_describe(model, layers[row.layer]), "constant": "".join(constant_note(row))}
                for row in self.rows
            ],
            "feature_maps": self.maps.to_dict() if self.maps.layer else {},
        }


def _describe(model: Model, layer: Layer) -> LayerRow:
    return {
        "title": layer.name,
        "meaning": layer.meaning,
        "shape": list(layer.shape),
        "axes": layer.axes,
        "receptive_field": describe_receptive_field(model, layer),
        "has_feature_maps": "c" in layer.axes and _sizes(layer).get("f", 1) > 1,
    }


def _sizes(layer: Layer) -> dict[str, int]:
    return dict(zip(layer.axes, layer.shape, strict=False))
