"""A map of a collection: one point per track, or one per frame, drawn by WebGL or on a plain canvas.

Conventions: points lie between −1 and 1 on the longer side of their box, aspect kept; y rises upwards. Where the map
has axes (:mod:`embviz.plotting.axes`), −1 and 1 are the ends of each, and the picture is filled. A point is named by
its position; a track by its position in the columns. Bytes are little-endian. What colours and sizes mean is said in
:mod:`embviz.plotting.encodings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import traitlets

from embviz.core.text import plural
from embviz.errors import OptionError
from embviz.plotting.axes import Axis, missing_notes
from embviz.plotting.encodings import MISSING, encode_colors, encode_sizes, is_missing, json_number
from embviz.plotting.still_pictures import map_drawing
from embviz.widgets.base import PageWidget, check_traits, new_clock_name
from embviz.widgets.still import Still

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


RENDERERS = ("webgl", "canvas")
NO_COLOR: dict[str, Any] = {"title": "", "kind": "none", "unit": "", "labels": [], "palette": [], "missing": 0}

TOP_TAGS = 3  # tags that are shown of a point
NO_TAG = 255

#: Values, one per point, or what `encode_colors` or `encode_sizes` has made of some.
Looks = Any


def _mask(value: Any, scatter: Scatter) -> bytes:
    """Return what the page lets through, a byte for each point, as bytes: it is a view of a message."""
    data = b"" if value is None else bytes(memoryview(value))
    if data and len(data) != scatter.n:
        raise traitlets.TraitError(f"The map has {plural(scatter.n, 'point')}; a filter of {len(data):,} was found.")
    return data


def _received(value: Any, scatter: Scatter) -> bytes:
    """Return the points that come from the page as bytes: it is a view of a message."""
    data = b"" if value is None else bytes(memoryview(value))
    points = np.frombuffer(data, "<u4")
    if points.size and points.max() >= scatter.n:
        raise traitlets.TraitError(f"The map has {plural(scatter.n, 'point')}, numbered from 0; another was found.")
    return data


class Scatter(PageWidget):
    """Points on a plane that can be heard, selected, searched and filtered; build one with :meth:`of`.

    A click or Enter sends ``{"kind": "choose", "point": i}``. `selected`, `current`, `filtered`, `hidden_categories`,
    `value_range` and `matches` follow what the reader does in the browser; maps of one `link` share what is pointed at
    and selected, in the page.
    """

    script = "scatter"

    page_traits = frozenset({"selected", "current", "filtered", "hidden_categories", "value_range", "matches"})

    clock = traitlets.Unicode(help="Name of the clock that the marker on the trail follows.").tag(sync=True)
    link = traitlets.Unicode(help="Maps of one name share pointer and selection; empty: alone.").tag(sync=True)
    title = traitlets.Unicode(help="Shown above; empty where the surroundings say it.").tag(sync=True)
    message = traitlets.Unicode(help="A sentence shown in place of the points.").tag(sync=True)
    renderer = traitlets.Enum(RENDERERS, "webgl", help="What draws the points.").tag(sync=True)
    points = traitlets.Bytes(help="float32 [n, 2].").tag(sync=True)
    axes: traitlets.List[Any] = traitlets.List(
        help="None, or what x and y mean; see :meth:`embviz.plotting.axes.Axis.to_dict`."
    ).tag(sync=True)
    placed = traitlets.Bytes(
        help="uint8 [n]: 0 for points that have no place, as an axis knows no value of them; empty: all have one."
    ).tag(sync=True)
    tracks = traitlets.Bytes(help="uint32 [n]: track of each point; empty: point i is track i.").tag(sync=True)
    seconds = traitlets.Bytes(help="float32 [n]: moment of each point; empty: points are tracks.").tag(sync=True)
    columns: traitlets.List[Any] = traitlets.List(
        help='Facts per track: name, title, kind ("text" or "number"), unit, values; "title" and "artist" first.'
    ).tag(sync=True)
    color = traitlets.Dict(help="What colours mean; see :mod:`embviz.plotting.encodings`.").tag(sync=True)
    shades = traitlets.Bytes(help="uint8 [n]: place in the palette; 255: missing.").tag(sync=True)
    size = traitlets.Dict(help="What sizes mean; see :mod:`embviz.plotting.encodings`.").tag(sync=True)
    sizes = traitlets.Bytes(help="uint8 [n]; empty: all the same.").tag(sync=True)
    tags: traitlets.List[Any] = traitlets.List(help="What may be heard at a point.").tag(sync=True)
    top_tags = traitlets.Bytes(help="uint8 [n, 3]: places in `tags`, the strongest first; 255: none.").tag(sync=True)
    hidden_categories = traitlets.List(traitlets.Int(), help="Categories (shades) switched off.").tag(sync=True)
    value_range = traitlets.List(traitlets.Float(), help="Lowest and highest value shown, or none.").tag(sync=True)
    filtered = traitlets.Bytes(
        help="uint8 [n]: 0 for points that a filter leaves out: drawn faintly, not found; empty: none."
    ).tag(sync=True, from_json=_mask)
    selected = traitlets.Bytes(help="uint32 [m]: points.").tag(sync=True, from_json=_received)
    current = traitlets.Int(-1, help="Point that is open; -1: none.").tag(sync=True)
    trail = traitlets.Bytes(help="float32 [m, 3]: x, y and seconds of the frames of the open track.").tag(sync=True)
    lines = traitlets.Bytes(help="uint32 [m, 2]: pairs of points that are joined.").tag(sync=True)
    labels: traitlets.List[Any] = traitlets.List(
        help="Names of groups: text, id, n points, their middle x and y and half extent rx and ry."
    ).tag(sync=True)
    matches = traitlets.Bytes(help="uint32 [m]: points that a search has found.").tag(sync=True, from_json=_received)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._xy: NDArray[np.float32] = np.zeros((0, 2), dtype=np.float32)
        self._turn, self._middle, self._scale = np.eye(2), np.zeros(2), np.ones(2)
        self._free: NDArray[np.float32] | None = None  # where the points lay last without axes
        self._axes: tuple[Axis, Axis] | None = None

    @traitlets.default("clock")
    def _own_clock(self) -> str:
        return new_clock_name()

    @traitlets.default("color")
    def _no_color(self) -> dict[str, Any]:
        return dict(NO_COLOR)

    @classmethod
    def of(
        cls,
        xy: ArrayLike,
        *,
        columns: Iterable[Mapping[str, Any]],
        tracks: ArrayLike | None = None,
        seconds: ArrayLike | None = None,
        axes: tuple[Axis, Axis] | None = None,
        color: Looks | None = None,
        size: Looks | None = None,
        renderer: str = "webgl",
        **traits: Any,
    ) -> Self:
        """Return a map of points.

        Parameters
        ----------
        xy : array_like, shape [n, 2]
            Where they lie, on any scale.
        columns : iterable of mappings
            Facts per track: ``name``, ``values``, and, where they are not the usual, ``title``, ``kind``, ``unit``.
        tracks : array_like of int, shape [n], optional
            Track of each point, as its position in the columns; by default, point i is track i.
        seconds : array_like, shape [n], optional
            Moment of each point; by default, points are whole tracks.
        axes : (Axis, Axis), optional
            What x and y mean, which have a value for each point, in place of `xy`.
        color, size : sequence or tuple, optional
            Values, one per point, or what :func:`encode_colors` or :func:`encode_sizes` has made of them.
        renderer : {"webgl", "canvas"}
            What draws: WebGL 2, and a canvas where the browser has none, or always a canvas.
        **traits
            Values of traits, such as ``clock=player.clock``.

        Raises
        ------
        OptionError
            If there is no such trait, or lengths do not agree.
        """
        check_traits(cls, traits)
        if renderer not in RENDERERS:
            raise OptionError(f"A map is drawn by {' or '.join(map(repr, RENDERERS))}, not {renderer!r}.")
        widget = cls(renderer=renderer, **traits)
        widget._free = widget._place(xy)
        if axes is not None:
            widget.set_axes(*axes)
        n = len(widget._xy)
        widget.set_columns(columns)
        if tracks is not None:
            widget.tracks = _of_length(tracks, n, "<u4", "tracks")
        if seconds is not None:
            widget.seconds = _of_length(seconds, n, "<f4", "seconds")
        widget.set_color(color)
        widget.set_size(size)
        return widget

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self._xy)

    @property
    def xy(self) -> NDArray[np.float32]:
        """Where the points lie on the map, between −1 and 1."""
        return self._xy

    def place(self, xy: ArrayLike) -> NDArray[np.float32]:
        """Return the positions on the map, between −1 and 1, of points ``[m, 2]`` on the scale of those given."""
        return ((_pairs(xy) @ self._turn - self._middle) / self._scale).astype(np.float32)

    @property
    def turn(self) -> NDArray[np.float64]:
        """The matrix by which positions are turned, or mirrored, before they are drawn: ``xy @ turn``."""
        return self._turn

    def set_positions(self, xy: ArrayLike, *, turned: bool = True) -> None:
        """Set other positions of the same points, to which they glide; trail and labels, among them, are removed.

        So that one sees what moved, the new positions are drawn turned, or mirrored, such that they are as near as can
        be to those before (Procrustes); distances stay as they are.

        Parameters
        ----------
        xy : array-like, shape [n, 2]
            Finite numbers.
        turned : bool
            Whether they may be turned; not where x and y have a meaning of their own.

        Raises
        ------
        OptionError
            If they are more or fewer.
        """
        self._check_count(len(_pairs(xy)))
        with self.hold_sync():
            self._axes, self.axes, self.placed = None, [], b""
            self._free = self._place(xy, near=self._free if turned else None)
            self.trail, self.labels = b"", []

    def set_axes(self, x: Axis, y: Axis) -> None:
        """Give both directions a meaning; the points glide to their values, trail and labels are removed.

        Points without a value are not shown. :meth:`set_positions` ends it.

        Parameters
        ----------
        x, y : Axis
            With a value for each point; see :func:`embviz.plotting.axes.encode_axis`.

        Raises
        ------
        OptionError
            If they have more or fewer values than there are points.
        """
        for axis in (x, y):
            self._check_count(len(axis.numbers))
        low, high = np.transpose([x.ends, y.ends])
        known = x.known & y.known
        pairs = np.where(known[:, None], np.column_stack([x.places, y.places]), (low + high) / 2)
        with self.hold_sync():
            self._axes, self.axes = (x, y), [x.to_dict(), y.to_dict()]
            self.placed = b"" if known.all() else known.astype(np.uint8).tobytes()
            self._turn, self._middle, self._scale = np.eye(2), (low + high) / 2, (high - low) / 2
            self._xy = self.place(pairs).astype("<f4")
            self.points = self._xy.tobytes()
            self.trail, self.labels = b"", []

    def _check_count(self, n: int) -> None:
        if n != self.n:
            raise OptionError(f"The map has {plural(self.n, 'point')}, not {n:,}; make another map.")

    def set_color(self, values: Looks | None, *, title: str = "", kind: str | None = None, unit: str = "") -> None:
        """Color the points by values, one per point, or by nothing; filters are reset.

        Parameters
        ----------
        values : sequence, tuple or None
            As :func:`encode_colors` takes them, or what it has returned.
        title, kind, unit : str
            As for :func:`encode_colors`.
        """
        color, shades = dict(NO_COLOR), b""
        if values is not None:
            color, shades = self._encode(values, encode_colors, "colours", title=title, kind=kind, unit=unit)
        with self.hold_sync():
            self.hidden_categories, self.value_range = [], []
            self.color, self.shades = color, shades

    def set_size(self, values: Looks | None, *, title: str = "", unit: str = "") -> None:
        """Size the points by values, one per point, or make all the same; see :func:`encode_sizes`."""
        none: tuple[dict[str, Any], bytes] = {}, b""
        size, sizes = none if values is None else self._encode(values, encode_sizes, "sizes", title=title, unit=unit)
        with self.hold_sync():
            self.size, self.sizes = size, sizes

    def _encode(
        self, values: Looks, encode: Callable[..., tuple[dict[str, Any], bytes]], what: str, **meaning: Any
    ) -> tuple[dict[str, Any], bytes]:
        made = isinstance(values, tuple) and len(values) == 2 and isinstance(values[0], dict)
        look, places = values if made else encode(values, **meaning)
        if places:
            _of_length(np.frombuffer(places, np.uint8), self.n, "u1", what)
        return look, places

    def set_columns(self, columns: Iterable[Mapping[str, Any]]) -> None:
        """Replace the columns, the facts of each track, given as for :meth:`of`."""
        self.columns = [_column(column) for column in columns]

    def set_tags(self, scores: ArrayLike, tags: Sequence[str]) -> None:
        """Set the strongest tags of each point, from the scores of all tags.

        Parameters
        ----------
        scores : array_like, shape [n, tags]
            How much of each tag is heard at each point; nothing is said of rows that are not finite.
        tags : sequence of str
            Their names, 255 at most.
        """
        rows = np.asarray(scores, dtype=np.float32)
        if rows.shape != (self.n, len(tags)) or len(tags) > NO_TAG:
            raise OptionError(f"Scores of {plural(len(tags), 'tag')} for {plural(self.n, 'point')} are expected, at "
                              f"most {NO_TAG} of them; an array of shape {list(rows.shape)} was found.")  # fmt: skip
        most = np.argsort(-rows, axis=1, kind="stable")[:, :TOP_TAGS].astype(np.uint8)
        most[~np.isfinite(rows).all(axis=1)] = NO_TAG
        with self.hold_sync():
            self.tags, self.top_tags = [str(tag) for tag in tags], most.tobytes()

    @property
    def selection(self) -> NDArray[np.int64]:
        """The points that are selected, in order."""
        return np.frombuffer(self.selected, "<u4").astype(np.int64)

    def select(self, points: ArrayLike) -> None:
        """Select points, and no others."""
        self.selected = np.unique(self._known(points)).astype("<u4").tobytes()

    def set_filter(self, passes: ArrayLike | None) -> None:
        """Leave out the points that do not pass, ``[n]``, or none: they are drawn faintly, and cannot be chosen."""
        self.filtered = b"" if passes is None else _of_length(np.asarray(passes, bool), self.n, "u1", "a filter")

    def set_matches(self, points: ArrayLike) -> None:
        """Mark points as matches of a search, and move the view to them."""
        self.matches = self._known(points).astype("<u4").tobytes()

    def set_trail(self, trail: ArrayLike | None) -> None:
        """Set the trail of the open track: the path of its frames through the map, where a marker follows the clock.

        Parameters
        ----------
        trail : array_like, shape [m, 3], or None
            x and y, on the scale that the points were given in, and seconds of each frame, in time order.
        """
        if trail is None:
            self.trail = b""
            return
        rows = np.asarray(trail, dtype=np.float64).reshape(-1, 3)
        placed = np.column_stack([self.place(rows[:, :2]), rows[:, 2]])
        self.trail = placed[np.isfinite(placed).all(axis=1)].astype("<f4").tobytes()

    def set_lines(self, pairs: ArrayLike) -> None:
        """Draw lines between pairs of points ``[m, 2]``, in place of those before."""
        self.lines = self._known(pairs).astype("<u4").tobytes()

    def set_labels(self, labels: Iterable[Mapping[str, Any]]) -> None:
        """Name groups of points on the map: ``text``, ``id``, and ``points``, at least one."""
        placed = self._placed
        known = ({**label, "points": self._known(label["points"])} for label in labels)
        inside = ({**label, "points": label["points"][placed[label["points"]]]} for label in known)
        self.labels = [self._label(label) for label in inside if len(label["points"])]

    @property
    def _placed(self) -> NDArray[np.bool_]:
        """Which points have a place."""
        return np.frombuffer(self.placed, np.uint8).astype(bool) if self.placed else np.ones(self.n, bool)

    def _label(self, label: Mapping[str, Any]) -> dict[str, Any]:
        own = self._xy[label["points"]]
        # Its extent, but for points far out.
        low, middle, high = np.quantile(own, [0.1, 0.5, 0.9], axis=0).tolist()
        place = {"x": middle[0], "y": middle[1], "rx": (high[0] - low[0]) / 2, "ry": (high[1] - low[1]) / 2}
        return {"text": label["text"], "id": label["id"], "n": len(own), **place}

    def still(self, passes: NDArray[np.bool_] | None = None) -> Still:
        """Return what the notebook keeps of the map as it is now.

        Parameters
        ----------
        passes : array of bool, shape [n], optional
            Which points pass the filters, where these are kept elsewhere; by default those of :attr:`filtered`.
        """
        lines = [plural(self.n, "point")]
        if self.color.get("title"):
            lines.append(f"colour: {self.color['title']}")
        chosen = self.selection
        if len(chosen):
            lines.append(f"selected: {len(chosen):,}")
        if self._axes is not None:
            lines[1:1] = [f"{way}: {axis.heading}" for way, axis in zip("xy", self._axes, strict=True)]
            lines += [note.rstrip(".") for note in missing_notes(self._axes, "point")]
        shades = np.frombuffer(self.shades, np.uint8)
        shown = self.shown(passes)
        if not shown.all():
            lines.append(f"left out by filters: {int((~shown).sum()):,}")
        looks: dict[str, Any] = {"selected": chosen, "labels": self.labels, "shown": shown, "axes": self._axes}
        draw = map_drawing(self._xy, self.color, shades, placed=self._placed, **looks)
        key = (id(self._xy), self.shades, self.selected, [label["text"] for label in self.labels], shown.tobytes())
        legend = _legend_line(self.color)
        return Still(self.title or "Map", (" · ".join(lines), *[legend] * bool(legend)), draw if self.n else None, key)

    def shown(self, passes: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Return which points neither a filter nor the legend leaves out; `passes` is as for :meth:`still`."""
        shades = np.frombuffer(self.shades, np.uint8)
        if passes is None:
            passes = np.frombuffer(self.filtered, np.uint8).astype(bool) if self.filtered else np.ones(self.n, bool)
        shown = passes.copy()
        if len(shades) == self.n and self.color.get("kind") == "category":
            shown &= ~np.isin(shades, self.hidden_categories)
        elif len(shades) == self.n and len(self.value_range) == 2 and self.color.get("kind") == "number":
            low, high = self.color["low"], self.color["high"]
            values = low + shades / (MISSING - 1) * (high - low)
            shown &= (shades != MISSING) & (values >= self.value_range[0]) & (values <= self.value_range[1])
        return shown

    def _place(self, xy: ArrayLike, *, near: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        pairs = _pairs(xy)
        bad = int((~np.isfinite(pairs).all(axis=1)).sum())
        if bad:
            raise OptionError(
                f"Of {plural(len(pairs), 'point')}, {bad:,} have no place: x or y is not a finite number."
            )
        self._turn, self._middle, self._scale = np.eye(2), np.zeros(2), np.ones(2)
        if len(pairs):
            self._turn = np.eye(2) if near is None else _rotation(pairs, near)
            turned = pairs @ self._turn
            low, high = turned.min(axis=0), turned.max(axis=0)
            self._middle = (low + high) / 2
            # Points that all lie in one place lie in the middle.
            self._scale = np.full(2, float((high - low).max()) / 2 or 1.0)
        self._xy = self.place(pairs).astype("<f4")
        self.points = self._xy.tobytes()
        return self._xy

    def _known(self, points: ArrayLike) -> NDArray[np.int64]:
        numbers = np.asarray(points, dtype=np.int64).ravel()
        bad = numbers[(numbers < 0) | (numbers >= self.n)]
        if bad.size:
            raise OptionError(f"The map has {plural(self.n, 'point')}, numbered from 0; {bad[0]} is none of them.")
        return numbers


def _rotation(pairs: NDArray[np.float64], near: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the matrix that turns, or mirrors, pairs such that they come nearest to others."""
    left, _, right = np.linalg.svd((pairs - pairs.mean(axis=0)).T @ (near - near.mean(axis=0)))
    turn: NDArray[np.float64] = left @ right
    return turn


def _legend_line(color: Mapping[str, Any]) -> str:
    """Return what colours mean, in words; empty where they mean nothing."""
    if color.get("kind") == "category":
        names = [*color["labels"], *[color.get("unknown", "unknown")] * bool(color.get("missing"))]
        return f"{color['title']}: {', '.join(names)}"
    if color.get("kind") == "number":
        unit = f" {color['unit']}" if color["unit"] else ""
        return f"{color['title']}: {color['low']:.4g} to {color['high']:.4g}{unit}".replace("-", "−")
    return ""


def _pairs(xy: ArrayLike) -> NDArray[np.float64]:
    pairs = np.asarray(xy, dtype=np.float64)
    if pairs.size == 0:
        return np.zeros((0, 2))
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise OptionError(f"Points are x and y, an array [n, 2]; this one has the shape {list(pairs.shape)}.")
    return pairs


def _of_length(values: ArrayLike, n: int, kind: str, what: str) -> bytes:
    array = np.asarray(values).astype(kind)
    if array.shape != (n,):
        raise OptionError(f"There are {plural(n, 'point')}, but {what} of {len(array):,}; give one for each.")
    return array.tobytes()


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    name, kind, unit = column["name"], column.get("kind", "text"), column.get("unit", "")
    if kind == "number":
        values: list[Any] = [json_number(value) for value in column["values"]]
    else:
        values = ["" if is_missing(value) else str(value) for value in column["values"]]
    return {"name": name, "title": column.get("title") or name, "kind": kind, "unit": unit, "values": values}
