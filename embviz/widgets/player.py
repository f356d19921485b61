"""The player: a track's sound and waveform, which lead the clock that all widgets of the track follow.

Conventions: seconds are counted from the beginning of the track; peaks are int8 ``[n, 2]`` as in :mod:`.browser_audio`.
The audio element lives in the page and is the truth about time: ``time``, ``playing``, ``rate``, ``volume``,
``range``, ``looping``, ``view`` and ``mix`` tell what the page does, at most ten times a second, and a page that opens
later starts from them; setting them does nothing to one that is open: the methods do. The page takes the sound from
the Jupyter server where it can; else it asks for the bytes.
"""

from __future__ import annotations

import math
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import traitlets as t
from numpy.typing import NDArray

from embviz.audio import Audio, AudioSource
from embviz.core.text import format_time
from embviz.errors import EmbvizError, OptionError
from embviz.plotting.still_pictures import waveform_drawing
from embviz.widgets.base import PageWidget, is_finite
from embviz.widgets.browser_audio import Playable, playable, summary
from embviz.widgets.still import Still

LARGEST_RAW = 48 << 20  # bytes; larger files are encoded small before they are sent
NO_SOUND = "There is no sound for this track."


class Player(PageWidget):
    """Waveform and transport of a track.

    Parameters
    ----------
    clock : str, optional
        Name of the clock in the page; widgets with the same name follow each other. A new one by default.

    Examples
    --------
    >>> import embviz
    >>> player = Player.of(embviz.sample_audio() / "rock.ogg")  # doctest: +SKIP
    >>> player.seek(30.0)  # doctest: +SKIP
    """

    script = "player"

    page_traits = frozenset({"time", "playing", "rate", "volume", "looping", "range", "view", "mix"})

    clock = t.Unicode(help="Name of the clock in the page.").tag(sync=True)
    title = t.Unicode(help="Name of the track.").tag(sync=True)
    duration = t.Float(0.0, help="Length in seconds; 0 without a track.").tag(sync=True)
    peaks = t.Bytes(b"", help="int8 [n, 2]: lowest and highest sample × 127 of equal stretches.").tag(sync=True)
    sections = t.List(t.Dict(), help='Of {"name": str, "start": seconds}.').tag(sync=True)
    url = t.Unicode(help="Path of the sound below the root of the Jupyter server.").tag(sync=True)
    sound = t.Bytes(b"", help="The sound itself, once the page has asked for it.").tag(sync=True)
    mime = t.Unicode(help="Media type of `sound`.").tag(sync=True)
    offset = t.Float(0.0, help="Second of the track at which the sound begins in a browser.").tag(sync=True)
    transcoded = t.Bool(False, help="Whether `sound` was encoded here.").tag(sync=True)
    serial = t.Int(0, help="Counts the tracks.").tag(sync=True)
    problem = t.Unicode(help="A sentence, where there is no sound.").tag(sync=True)
    loading = t.Unicode(help="What is being waited for.").tag(sync=True)
    stems = t.List(t.Dict(), help='Separated voices, of {"name": str}.').tag(sync=True)
    stem_sounds = t.List(t.Bytes(), help="The sound of each stem.").tag(sync=True)
    stem_mime = t.Unicode(help="Media type of `stem_sounds`.").tag(sync=True)

    time = t.Float(0.0, help="The playhead in seconds.").tag(sync=True)
    playing = t.Bool(False).tag(sync=True)
    rate = t.Float(1.0, help="Speed, 0.5 … 2.").tag(sync=True)
    volume = t.Float(1.0, help="0 … 1.").tag(sync=True)
    range = t.List(t.Float(), help="Selected seconds, [] or [a, b].").tag(sync=True)
    looping = t.Bool(False).tag(sync=True)
    view = t.List(t.Float(), help="Seconds at both ends of the plots.").tag(sync=True)
    mix = t.List(t.Float(), help="Gain of each stem as it is heard; [] while the original is.").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        traits.setdefault("clock", secrets.token_hex(8))
        super().__init__(**traits)
        self._playable: Playable | None = None
        self._lock = threading.RLock()
        self._at_work: threading.Thread | None = None
        self.on_msg(self._hear)

    @t.validate("time", "rate", "volume")
    def _check_number(self, proposal: Any) -> float:
        if not is_finite(proposal["value"]):
            raise t.TraitError(f"{proposal['trait'].name} is a finite number, {proposal['value']!r:.80} was found.")
        return float(proposal["value"])

    @t.validate("range", "view")
    def _check_span(self, proposal: Any) -> list[float]:
        span = proposal["value"]
        if len(span) not in (0, 2) or not is_finite(*span) or sorted(span) != list(span):
            name = proposal["trait"].name
            raise t.TraitError(f"{name} is [] or two numbers of seconds, the earlier first; {span!r:.80} was found.")
        return list(span)

    @classmethod
    def of(cls, source: AudioSource, *, title: str | None = None, **traits: Any) -> Player:
        """Return a player with a track in it.

        Parameters
        ----------
        source : path, (ndarray, int) or Audio
            As :meth:`embviz.Audio.open` takes it.
        title : str, optional
            What to call it; the file's name by default.
        **traits
            Of the player, such as ``clock``.

        Raises
        ------
        AudioError
            If the sound cannot be read.
        """
        audio = Audio.open(source)
        title = audio.title if title is None else title
        outline = summary(audio)
        player = cls(**traits)
        player.set_track(title=title, duration=outline.duration, peaks=outline.peaks, playable=playable(audio))
        return player

    def still(self) -> Still:
        """Return what the notebook keeps of the player as it is now; no sound."""
        if not self.duration:
            return Still("Player", (self.problem or self.loading or NO_SOUND,))
        peaks = np.frombuffer(self.peaks, np.int8).reshape(-1, 2)
        line = format_time(self.duration, 1)
        if self.range:
            line += f" · selected {format_time(self.range[0], 1)} to {format_time(self.range[1], 1)}"
        draw = waveform_drawing(peaks, self.duration, selected=self.range) if len(peaks) else None
        return Still(self.title or "Player", (line,), draw, (self.serial, tuple(self.range)))

    def set_track(
        self,
        *,
        title: str,
        duration: float,
        peaks: NDArray[np.int8] | None = None,
        sections: Sequence[dict[str, Any]] = (),
        playable: Playable | None = None,
    ) -> None:
        """Put another track in; the clock starts anew.

        Parameters
        ----------
        title : str
            Name of the track.
        duration : float
            In seconds.
        peaks : ndarray of int8, ``[n, 2]``, optional
            As :func:`embviz.widgets.browser_audio.peaks` gives them.
        sections : sequence of {"name": str, "start": seconds}
            Marks above the waveform.
        playable : Playable, optional
            The sound; without one the track is silent.
        """
        outline = np.zeros((0, 2), np.int8) if peaks is None else np.asarray(peaks)
        if outline.dtype != np.int8 or outline.ndim != 2 or outline.shape[1] != 2:
            raise OptionError(f"peaks are int8 [n, 2], {outline.dtype} {list(outline.shape)} was found.")
        marks = [{"name": str(mark["name"]), "start": float(mark["start"])} for mark in sections]
        self._begin(
            playable,
            title=title,
            duration=float(duration),
            peaks=outline.tobytes(),
            sections=sorted(marks, key=lambda mark: mark["start"]),
            problem="" if playable else NO_SOUND,
        )

    def clear(self, problem: str = "", loading: str = "") -> None:
        """Take the track out, and say what is wrong or what is being waited for."""
        self._begin(None, title="", duration=0.0, peaks=b"", sections=[], problem=problem, loading=loading)

    def _begin(self, playable: Playable | None, **traits: Any) -> None:
        with self._lock, self.hold_sync():
            self._playable, self._at_work = playable, None
            self.clear_stems()
            # A sound that browsers do not know has no address: the page asks, and is given one that they do.
            url = playable.url if playable and playable.known else ""
            offset = playable.offset if playable and playable.known else 0.0
            fresh = {"loading": "", "sound": b"", "mime": "", "transcoded": False, "url": url, "offset": offset}
            page = {"time": 0.0, "playing": False, "range": [], "looping": False, "view": [0.0, traits["duration"]]}
            for name, value in (fresh | page | traits).items():
                self.set_trait(name, value)
            self.serial += 1

    # What the page is told to do. -----------------------------------------------------------------------------------

    def play(self) -> None:
        """Play. A browser refuses until its page has been clicked; the player says so then."""
        self.send({"kind": "play"})

    def pause(self) -> None:
        """Pause."""
        self.send({"kind": "pause"})

    def seek(self, seconds: float) -> None:
        """Move the playhead."""
        if not math.isfinite(seconds):
            raise OptionError(f"A place is a number of seconds, {seconds!r} was found.")
        self.time = min(max(float(seconds), 0.0), self.duration)
        self.send({"kind": "seek", "value": self.time})

    def select(self, start: float | None, end: float | None = None) -> None:
        """Select a range of seconds; ``select(None)`` selects nothing."""
        if start is not None and end is None:
            raise OptionError("A range has two ends: select(start, end), or select(None).")
        self.range = [] if start is None or end is None else sorted([float(start), float(end)])
        self.looping = self.looping and bool(self.range)
        self.send({"kind": "range", "value": self.range})

    def loop(self, on: bool = True) -> None:
        """Repeat the selected range, or stop repeating it."""
        self.looping = bool(on and self.range)
        self.send({"kind": "loop", "value": bool(on)})

    def show(self, start: float, end: float) -> None:
        """Zoom all plots of this clock to a stretch of seconds."""
        self.view = sorted([float(start), float(end)])
        self.send({"kind": "view", "value": self.view})

    def set_stems(self, names: Sequence[str], sounds: Sequence[bytes], mime: str) -> None:
        """Offer separated voices, to be heard instead of the track and mixed.

        Parameters
        ----------
        names : sequence of str
            What they are called.
        sounds : sequence of bytes
            A file in memory for each, as long as the track (:func:`embviz.widgets.browser_audio.encode`).
        mime : str
            Their media type.
        """
        if len(names) != len(sounds):
            raise OptionError(f"There are {len(names)} names for {len(sounds)} stems.")
        with self._lock, self.hold_sync():
            self.stem_sounds, self.stem_mime = list(sounds), mime
            self.stems = [{"name": str(name)} for name in names]

    def clear_stems(self) -> None:
        """Take the separated voices out."""
        with self._lock, self.hold_sync():
            self.stems, self.stem_sounds, self.stem_mime, self.mix = [], [], "", []

    # What the page asks for. ----------------------------------------------------------------------------------------

    def _hear(self, _: Any, content: Any, __: Any) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        # Of two pages, the slower one may ask for what is on its way already, or for a track that has gone.
        if kind not in ("sound", "transcode") or content.get("serial", self.serial) != self.serial:
            return
        sound = self._playable
        if sound is None:
            self.problem = self.problem or NO_SOUND
        elif self._at_work or self.transcoded or (kind == "sound" and self.sound):
            return
        elif kind == "transcode" or not sound.known or sound.size > LARGEST_RAW:
            self.loading = f"preparing the sound of {sound.audio.title}"
            # The kernel stays free meanwhile.
            work = (sound.transcode, self.serial, True)
            self._at_work = threading.Thread(target=self._deliver, args=work, daemon=True)
            self._at_work.start()
        else:
            self._deliver(sound.read, self.serial, transcoded=False)

    def _deliver(self, make: Callable[[], tuple[bytes, str]], serial: int, transcoded: bool) -> None:
        """Make the sound and give it to the page, unless another track came meanwhile."""
        data, mime, problem = b"", "", ""
        try:
            data, mime = make()
        except EmbvizError as error:
            problem = str(error)
        except (OSError, MemoryError, RuntimeError) as error:
            problem = f"The sound could not be prepared ({str(error) or type(error).__name__}); close other work first."
        with self._lock:
            if serial != self.serial:
                return
            self._at_work = None
            with self.hold_sync():
                self.loading, self.problem = "", problem
                if transcoded:
                    self.offset = 0.0  # what is encoded here has all that was decoded
                self.mime, self.transcoded, self.sound = mime, transcoded and not problem, data
