"""The contact sheet of moments: a picture of each, which is played from its beginning to its end.

Conventions: times are seconds of the track that a moment is of; pictures are ``[bands, t]``, the lowest band first, and
reach from a moment's start to its stop. They travel as one byte per cell, all on one scale:
``value = low + (byte - 1) / 254 * (high - low)``, and 0 is an empty cell. The page plays a file where the Jupyter
server has it; else, and where a browser may not know its format, it asks for the moment alone, which is cut out and
encoded here. Nothing here knows where moments come from.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import traitlets as t

from embviz.audio import AudioSource
from embviz.core.text import clean_line, format_time, plural
from embviz.core.worker import explain
from embviz.errors import AudioError, OptionError
from embviz.plotting.contact_sheet import sheet_drawing
from embviz.plotting.quantize import LAST, color_limits
from embviz.widgets.base import PageWidget, check_traits, is_finite
from embviz.widgets.browser_audio import encode_clip, playable
from embviz.widgets.still import Still

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


NO_MOMENTS = "There are no moments to show."
LARGEST_PICTURE = 1 << 20  # cells


@dataclass(frozen=True, eq=False)
class MomentTile:
    """What a contact sheet shows of one moment.

    Parameters
    ----------
    title : str
        Of its track.
    start, stop : float
        Where it begins and ends, in seconds of the track.
    value : float, optional
        What it was found by.
    place : float, optional
        Share of all frames whose value lies below, 0 … 1.
    picture : array-like, ``[bands, t]``, optional
        What is drawn, the lowest band first; NaN is left empty.
    source : path, (ndarray, int) or Audio, optional
        The sound of its track; without one the moment is silent.
    hertz : (float, float), optional
        The frequencies that it is about, lowest and highest, where these are not all.
    rank : int, optional
        Its number; by default its place on the sheet, from 1.
    problem : str
        A sentence that stands in the place of the picture.
    """

    title: str
    start: float
    stop: float
    value: float | None = None
    place: float | None = None
    picture: ArrayLike | None = None
    source: AudioSource | None = None
    hertz: tuple[float, float] | None = None
    rank: int | None = None
    problem: str = ""


class MomentSheet(PageWidget):
    """Moments beside each other, to be seen and heard one after the other.

    Build one with :meth:`of`. A click, or Enter, plays a moment from its start to its stop; the arrow keys walk.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=16_000).astype(np.float32) / 8
    >>> tile = MomentTile("noise", 0.2, 0.8, value=3.1, place=0.999, picture=np.zeros((4, 6)), source=(noise, 16_000))
    >>> sheet = MomentSheet.of([tile], title="dimension 3: highest", hz=[100, 400, 1600, 6400])
    >>> sheet.items[0]["title"]
    'noise'
    """

    script = "moments"

    page_traits = frozenset({"current", "playing", "autoplay"})

    title = t.Unicode(help="What the moments are.").tag(sync=True)
    unit = t.Unicode(help="Unit of the values, or empty.").tag(sync=True)
    items = t.List(t.Dict(), help="A dictionary per moment.").tag(sync=True)
    pictures = t.Bytes(b"", help="uint8 [bands, t] of each moment, one after the other.").tag(sync=True)
    hz = t.List(t.Float(), help="The centre of each band.").tag(sync=True)
    low = t.Float(0.0, help="Value of byte 1.").tag(sync=True)
    high = t.Float(1.0, help="Value of byte 255.").tag(sync=True)
    picture_unit = t.Unicode("mel level", help="What the colours of pictures measure.").tag(sync=True)
    mean_picture = t.Bytes(b"", help="uint8 [bands, t], as the pictures.").tag(sync=True)
    common_picture = t.Bytes(b"", help="uint8 [bands, t] from -reach to reach.").tag(sync=True)
    reach = t.Float(1.0, help="Value of byte 255 of `common_picture`.").tag(sync=True)
    span = t.Float(0.0, help="Seconds that both of them last.").tag(sync=True)
    sounds = t.Bytes(b"", help="The sound of each moment, one after the other.").tag(sync=True)
    static = t.Bool(False, help="Whether there is no kernel to ask for sound.").tag(sync=True)
    mime = t.Unicode("audio/ogg", help="Media type of `sounds`.").tag(sync=True)
    message = t.Unicode(NO_MOMENTS, help="Shown where there are no moments.").tag(sync=True)
    notes = t.List(t.Unicode(), help="What else there is to say, below.").tag(sync=True)
    loading = t.Unicode(help="What is being waited for.").tag(sync=True)
    openable = t.Bool(False, help="Whether each moment has a button that opens its track.").tag(sync=True)
    autoplay = t.Bool(False, help="Whether the page that opens next begins to play.").tag(sync=True)
    serial = t.Int(0, help="Counts the sheets that were shown.").tag(sync=True)

    current = t.Int(-1, help="The moment that was played last, or -1.").tag(sync=True)
    playing = t.Bool(False).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._tiles: tuple[MomentTile, ...] = ()
        self._on_open: Callable[[int], object] = lambda _index: None
        self.on_msg(self._answer)

    @classmethod
    def of(
        cls, tiles: Sequence[MomentTile], *, hz: ArrayLike = (), mean: ArrayLike | None = None,
        common: ArrayLike | None = None, **traits: Any,
    ) -> Self:  # fmt: skip
        """Return a contact sheet.

        Parameters
        ----------
        tiles : sequence of MomentTile
            In the order in which they are shown and played.
        hz : array-like, ``[bands]``
            The centre frequency of each band of the pictures; without them the pictures have no axis of frequency.
        mean, common : array-like, ``[bands, t]``, optional
            The mean of the pictures, and how far it lies above or below the mean of all sound: what they have in
            common.
        **traits
            Such as ``title`` and ``unit``.

        Raises
        ------
        OptionError
            If there is no such trait, or a picture does not fit.
        """
        check_traits(cls, traits)
        sheet = cls(**traits)
        sheet.update(tiles, hz=hz, mean=mean, common=common)
        return sheet

    def update(
        self, tiles: Sequence[MomentTile], *, hz: ArrayLike = (), mean: ArrayLike | None = None,
        common: ArrayLike | None = None, **traits: Any,
    ) -> None:  # fmt: skip
        """Show other moments; parameters are those of :meth:`of`."""
        check_traits(type(self), traits)
        items = [_describe(tile, number) for number, tile in enumerate(tiles, 1)]
        drawn = self._draw(tiles, hz, mean, common)
        with self.hold_sync():
            self._tiles = tuple(tiles)
            self.serial += 1
            self.sounds, self.static, self.current, self.playing = b"", False, -1, False
            for name, value in {"items": items, **drawn, **traits}.items():
                self.set_trait(name, value)

    def set_pictures(
        self, pictures: Sequence[ArrayLike | None], *, hz: ArrayLike = (), mean: ArrayLike | None = None,
        common: ArrayLike | None = None, problems: Mapping[int, str] | None = None,
    ) -> None:  # fmt: skip
        """Draw the moments that are shown, where their pictures come later; what plays goes on.

        Parameters
        ----------
        pictures : sequence of array-like or None
            One for each moment; None where there is none yet.
        problems : dict of int to str, optional
            Sentences that stand in the place of pictures, by the index of the moment.
        """
        if len(pictures) != len(self._tiles):
            raise OptionError(f"There are {len(pictures)} pictures for {plural(len(self._tiles), 'moment')}.")
        said = problems or {}
        tiles = [
            MomentTile(**{**vars(tile), "picture": picture, "problem": said.get(i, tile.problem)})
            for i, (tile, picture) in enumerate(zip(self._tiles, pictures, strict=True))
        ]
        drawn = self._draw(tiles, hz, mean, common)
        with self.hold_sync():
            self._tiles = tuple(tiles)
            items = [dict(item) for item in self.items]
            for item, tile in zip(items, tiles, strict=True):
                item["problem"] = item["problem"] or tile.problem
                item["shape"] = _shape(tile.picture)
            for name, value in {"items": items, **drawn}.items():
                self.set_trait(name, value)

    def _draw(
        self, tiles: Sequence[MomentTile], hz: ArrayLike, mean: ArrayLike | None, common: ArrayLike | None
    ) -> dict[str, Any]:
        """Return the traits that pictures are drawn from."""
        centers = [float(center) for center in np.asarray(hz, dtype=np.float64).ravel()]
        arrays = [_picture(tile.picture, len(centers)) for tile in tiles]
        average, difference = _picture(mean, len(centers)), _picture(common, len(centers))
        there = [array for array in (*arrays, average) if array is not None]
        ends = color_limits(np.concatenate([array.ravel() for array in there])[:, None], signed=False) if there else []
        low, high = ends or (0.0, 1.0)
        reach = 0.0 if difference is None else max(map(abs, color_limits(difference, signed=True)), default=0.0)
        return {
            "hz": centers,
            "low": low,
            "high": high,
            "pictures": b"".join(_codes(array, low, high) for array in arrays),
            "mean_picture": _codes(average, low, high),
            "common_picture": _codes(difference, -reach, reach),
            "reach": reach,
            "span": max((tile.stop - tile.start for tile in tiles), default=0.0),
        }

    # What the page is told, and what it asks for. -------------------------------------------------------------------

    def play(self, index: int = 0) -> None:
        """Play from a moment on, in order. A browser refuses until its page has been clicked; the sheet says so then.

        Parameters
        ----------
        index : int
            Of the moment, from 0.

        Raises
        ------
        OptionError
            If there is no such moment.
        """
        if not 0 <= index < len(self._tiles):
            raise OptionError(f"index is a moment from 0, of which there are {len(self._tiles)}; {index!r} was found.")
        self.send({"kind": "play", "index": index})

    def stop(self) -> None:
        """Stop playing."""
        self.send({"kind": "stop"})

    def on_open(self, call: Callable[[int], object]) -> None:
        """Call back with the index of a moment whose track is to be opened, and show the buttons for it."""
        self._on_open, self.openable = call, True

    def _answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if not isinstance(content, dict) or content.get("serial", self.serial) != self.serial:
            return
        index = content.get("index")
        if type(index) is not int or not 0 <= index < len(self._tiles):
            return
        if content.get("kind") == "open":
            self._on_open(index)
        elif content.get("kind") == "sound":
            # The kernel stays free meanwhile.
            threading.Thread(target=self._deliver, args=(index, self.serial), daemon=True).start()

    def _deliver(self, index: int, serial: int) -> None:
        """Send the sound of a moment, or why there is none."""
        data, problem = _clip(self._tiles[index])
        if serial == self.serial:
            answer = {"kind": "sound", "index": index, "serial": serial, "mime": self.mime, "problem": problem}
            self.send(answer, [data])

    def to_static(self) -> Self:
        """Give the widget the sound of every moment, to do without a kernel that could send it later; return it."""
        clips = [_clip(tile) for tile in self._tiles]
        with self.hold_sync():
            self.sounds, self.static = b"".join(data for data, _ in clips), True
            self.items = [
                {**item, "url": "", "bytes": len(data), "problem": item["problem"] or problem}
                for item, (data, problem) in zip(self.items, clips, strict=True)
            ]
        silent = [item["problem"] for item in self.items if item["problem"]]
        if silent:
            total = plural(len(self.items), "moment")
            warnings.warn(f"{len(silent)} of {total} cannot be heard on the page: {silent[0]}", stacklevel=2)
        return self

    def copy(self, kind: type[MomentSheet], **traits: Any) -> MomentSheet:
        """Return the same sheet of another class, such as one that opens no comm."""
        own = {name: getattr(self, name) for name in MomentSheet.class_own_traits(sync=True)}
        other = kind(**own | {"current": -1, "playing": False} | traits)
        other._tiles = self._tiles  # noqa: SLF001  of the same class
        return other

    def still(self) -> Still:
        """Return what the notebook keeps of the sheet as it is now; no sound."""
        title = self.title or "Moments"
        if not self.items:
            return Still(title, (self.message, *self.notes))
        lines = [_line(item, self.unit) for item in self.items]
        codes, ends = (
            np.frombuffer(self.pictures, np.uint8),
            np.cumsum([math.prod(item["shape"]) for item in self.items]),
        )
        drawn = [
            part.reshape(item["shape"]) if part.size else None
            for part, item in zip(np.split(codes, ends[:-1]), self.items, strict=True)
        ]
        draw = sheet_drawing(list(zip(lines, drawn, strict=True)))
        return Still(title, (*lines, *self.notes), draw, (self.serial, self.pictures))


def _describe(tile: MomentTile, number: int) -> dict[str, Any]:
    """Return what the page is told of a moment."""
    if not is_finite(tile.start, tile.stop) or not tile.stop > tile.start:
        raise OptionError(f"A moment stops after its start; {tile.start!r} to {tile.stop!r} s was found.")
    url, offset, problem = "", 0.0, tile.problem
    if tile.source is None:
        problem = problem or "There is no sound for this track."
    else:
        try:
            sound = playable(tile.source)
        except AudioError as error:
            problem = problem or str(error)
        else:
            url, offset = (sound.url, sound.offset) if sound.known else ("", 0.0)
    return {
        "title": clean_line(tile.title) or "untitled",
        "rank": number if tile.rank is None else int(tile.rank),
        "start": max(0.0, float(tile.start)),
        "stop": float(tile.stop),
        "value": _number(tile.value),
        "place": _number(tile.place),
        "hertz": [float(end) for end in tile.hertz or ()],
        "shape": _shape(tile.picture),
        "url": url,
        "offset": offset,
        "bytes": 0,
        "problem": problem,
    }


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _line(item: Mapping[str, Any], unit: str) -> str:
    """Return a moment in words."""
    value = "" if item["value"] is None else f" · {item['value']:.3g} {unit}".rstrip().replace("-", "−")
    times = f"{format_time(item['start'], 1)}–{format_time(item['stop'], 1)}"
    return f"{item['rank']}. {item['title']} · {times}{value}"


def _shape(picture: ArrayLike | None) -> list[int]:
    return [0, 0] if picture is None else list(np.shape(picture))


def _picture(picture: ArrayLike | None, bands: int) -> NDArray[np.float32] | None:
    """Return a picture as numbers, checked."""
    if picture is None:
        return None
    array = np.asarray(picture, dtype=np.float32)
    if array.ndim != 2 or not array.size or array.size > LARGEST_PICTURE or (bands and len(array) != bands):
        expected = f"[{bands}, t]" if bands else "[bands, t]"
        raise OptionError(f"The picture of a moment is an array {expected}, {list(array.shape)} was found.")
    return array


def _codes(array: NDArray[np.float32] | None, low: float, high: float) -> bytes:
    """Return a byte per cell."""
    if array is None:
        return b""
    spread = high - low
    places = (array - low) / spread if spread > 0 else np.where(np.isfinite(array), np.float32(0.5), np.nan)
    codes = np.where(np.isfinite(places), np.clip(places, 0, 1) * LAST + 1.5, 0)
    return codes.astype(np.uint8).tobytes()


def _clip(tile: MomentTile) -> tuple[bytes, str]:
    """Return the sound of a moment as a small file, or why there is none."""
    if tile.source is None:
        return b"", "There is no sound for this track."
    try:
        return encode_clip(tile.source, tile.start, tile.stop)[0], ""
    except Exception as error:  # noqa: BLE001  said on the tile, whatever it is
        return b"", explain(error)[0]
