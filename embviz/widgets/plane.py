"""Two dimensions of an embedding against each other, on the clock of its track: valence and arousal, for example.

Conventions: values are float32 ``[t, 2]``, horizontal and vertical; NaN where a frame has none. Values beyond the ends
of an axis are drawn at its end, and read as they are.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Self

import numpy as np
import traitlets

from embviz.core.embedding import Embedding
from embviz.core.text import plural
from embviz.plotting.plane import Plane as PlaneData
from embviz.plotting.plane import plane_drawing, plane_of
from embviz.widgets.base import EmbeddingWidget, check_traits, embedding_title
from embviz.widgets.still import Still


class Plane(EmbeddingWidget):
    """The way of a track over a plane of two dimensions, with the playhead on it.

    Build one with :meth:`of`, such as ``Plane.of(embed(track, head="deam"))``. A click on the way seeks.
    """

    script = "plane"

    values = traitlets.Bytes(help="float32 [t, 2]: what stands on the horizontal and the vertical axis.").tag(sync=True)
    grid = traitlets.Dict(help="The fields of a FrameGrid, in samples.").tag(sync=True)
    names = traitlets.List(traitlets.Unicode(), ["", ""], help="Of both axes, the horizontal one first.").tag(sync=True)
    limits = traitlets.List(traitlets.Float(), [0.0, 1.0, 0.0, 1.0], help="Ends of both axes.").tag(sync=True)
    corners = traitlets.List(
        traitlets.Unicode(), help="Names of the corners, from the upper right one against the clock, or none."
    ).tag(sync=True)
    note = traitlets.Unicode(help="What the ends are, and what lies beyond.").tag(sync=True)
    complete = traitlets.Bool(default_value=True, help="False while frames still come.").tag(sync=True)

    def __init__(self, *args: Any, **traits: Any) -> None:
        self._x: str | int | None = None
        self._y: str | int | None = None
        self._shown: tuple[PlaneData, Embedding] | None = None
        super().__init__(*args, **traits)

    @classmethod
    def of(
        cls, embedding: Embedding, *, x: str | int | None = None, y: str | int | None = None, complete: bool = True,
        **traits: Any,
    ) -> Self:  # fmt: skip
        """Return a widget that draws two dimensions of an embedding.

        Parameters
        ----------
        embedding : Embedding
            What is drawn.
        x, y : str or int, optional
            Two of its dimensions by name or number; by default valence and arousal where it has these, else the first
            two.
        complete : bool
            False while more frames are to come.
        **traits
            Values of traits, such as ``clock=player.clock``.

        Raises
        ------
        OptionError
            If there is no such trait or dimension, or only one.
        """
        check_traits(cls, traits)
        widget = cls(**{"title": embedding_title(embedding)} | traits)
        widget._x, widget._y = x, y
        widget.update(embedding, complete=complete)
        return widget

    def update(self, embedding: Embedding, *, complete: bool = True) -> None:
        """Draw another embedding, or more frames of the same one; `complete` is false while more are to come."""
        shown = plane_of(embedding, self._x, self._y)
        self._shown = shown, embedding
        with self.hold_sync():
            self.values = shown.values.astype("<f4").tobytes()
            self.grid, self.names, self.corners = asdict(embedding.grid), list(shown.names), list(shown.corners)
            self.limits = [end for ends in shown.limits for end in ends]
            self.note = " · ".join(filter(None, [shown.scale, shown.note]))
            self.complete, self.message = complete, ""

    def still(self) -> Still:
        """Return what the notebook keeps of the widget as it is now."""
        if self._shown is None or not len(self._shown[1].values):
            return Still(self.title or "Plane", (self.message or "Nothing has been computed yet.",))
        shown, embedding = self._shown
        means = np.nanmean(shown.values, axis=0) if np.isfinite(shown.values).any() else (np.nan, np.nan)
        told = ", ".join(f"{name} {mean:.2f}" for name, mean in zip(shown.names, means, strict=True))
        lines = (f"Means over {plural(len(shown.values), 'frame')}: {told}", self.note)
        key = (id(embedding.values), told)
        return Still(self.title or "Plane", lines, plane_drawing(shown, embedding.times), key)
