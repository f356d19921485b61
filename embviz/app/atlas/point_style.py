"""Colours and sizes of the points of both maps, computed where they need a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.app.atlas import color_options
from embviz.app.atlas.color_options import Color
from embviz.app.atlas.model_outputs import tempo_model
from embviz.errors import OptionError

if TYPE_CHECKING:
    from embviz.app.atlas.clusters import Groups
    from embviz.app.atlas.context import Board
    from embviz.app.atlas.map_view import Picture, Side
    from embviz.app.atlas.model_outputs import Hearing
    from embviz.core.vectors import Vectors

__all__ = ["Paint"]


class Paint:
    """What the points look like."""

    def __init__(self, board: Board, hearing: Hearing, groups: Groups, sides: list[Side]) -> None:
        self._board, self._hearing, self._groups, self._sides = board, hearing, groups, sides
        self.seen: Color | None = None

    def key(self, wanted: str | None) -> str:
        """Return the key of a colour; raises OptionError where there is none of that name."""
        return color_options.key_of(wanted, self._board.table)

    def publish(self) -> None:
        """Show what there is to choose from."""
        self._board.panel.colors = color_options.groups(self._board.table)
        self._board.panel.sizes = color_options.SIZES

    def all(self, side: Side) -> None:
        """Colour and size the points of a map that was drawn anew."""
        if side.picture is not None:
            self._size(side.picture)
        self.color(side)

    # Colours. ------------------------------------------------------------------------------------------------------

    def color(self, only: Side | None = None) -> None:
        """Colour the points of both maps, or of one."""
        key = str(self._board.choices["color"])
        if not (key.startswith("tag:") or key == "tempo"):
            self._board.stop("color")
        if key == "tempo":
            model = tempo_model()
            if model is None:
                raise OptionError("No tempo model's weights are here; get some with embviz.pull('tempocnn').")
            self._hearing.ask("color", model.name, "mean", self._heard)
        elif key.startswith("tag:"):
            pooling = "frames" if self._board.choices["points"] == "frames" else "mean"
            self._hearing.ask("color", key.split(":", 2)[1], pooling, self._heard)
        else:
            for side, picture in self._pictures():
                if only in (None, side):
                    self._apply(side, picture, self._known(key, side, picture))

    def _pictures(self) -> list[tuple[Side, Picture]]:
        return [(side, side.picture) for side in self._sides if side.picture is not None]

    def _heard(self, output: Vectors) -> None:
        key = str(self._board.choices["color"])
        for side, picture in self._pictures():
            vectors = picture.vectors
            color = (
                color_options.by_tempo(output, vectors)
                if key == "tempo"
                else color_options.by_tag(key, output, vectors)
            )
            self._apply(side, picture, color)

    def _known(self, key: str, side: Side, picture: Picture) -> Color | None:
        """Return a colour that no model is needed for."""
        if key == "none":
            return None
        if key == "trust":
            return color_options.by_trust(picture.projection)
        if key == "cluster":
            return self._by_cluster(side, picture)
        return color_options.by_column(key.removeprefix("column:"), self._board.table, picture.vectors)

    def _by_cluster(self, side: Side, picture: Picture) -> Color | None:
        color, first = self._groups.color(), self._sides[0].vectors
        if color is None or first is None or side.number == 0:
            return color
        # On the second map, a track has the cluster that most of its points have on the first.
        texts = dict(_most_common(first.tracks, color.values))
        values = np.array([texts.get(int(label), "") for label in picture.vectors.tracks], dtype=object)
        return Color(color.key, color.title, values)

    def _apply(self, side: Side, picture: Picture, color: Color | None) -> None:
        if side.number == 0:
            self.seen = color
        if color is None:
            picture.scatter.recolor(None)
        else:
            kind = "number" if color.is_number else "category"
            picture.scatter.recolor(color.values, title=color.title, kind=kind, unit=color.unit)

    # Sizes. --------------------------------------------------------------------------------------------------------

    def size(self) -> None:
        """Size the points of both maps."""
        for _, picture in self._pictures():
            self._size(picture)

    def _size(self, picture: Picture) -> None:
        chosen = str(self._board.choices["size"])
        title, values, unit = color_options.size_of(chosen, self._board.table, picture.vectors)
        picture.scatter.resize(values, title=title, unit=unit)


def _most_common(tracks: Any, texts: Any) -> list[tuple[int, str]]:
    """Return the text that most points of each track have."""
    counts: dict[int, dict[str, int]] = {}
    for track, text in zip(tracks, texts, strict=True):
        own = counts.setdefault(int(track), {})
        own[text] = own.get(text, 0) + 1
    return [(track, max(own, key=lambda text: own[text])) for track, own in counts.items()]
