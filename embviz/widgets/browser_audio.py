"""Sound for a browser: peaks to draw a waveform with, and bytes that it can play.

Conventions: samples are float32 between -1 and 1, ``[n]`` or ``[n, channels]``, as in :mod:`embviz.audio`. *Peaks* are
int8 ``[n, 2]``: the lowest and the highest sample, times 127, of each of `n` equal stretches of the mix of all
channels. Sound that a browser may not know is decoded by :class:`~embviz.audio.Audio`, so what is heard is what was
analysed, and encoded as Ogg Vorbis, which keeps any rate and exact seconds. What takes time to make is remembered in
the folder ``sounds`` of the cache; a folder that cannot be written to costs time, never the result.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from embviz.audio import Audio, AudioSource
from embviz.audio.mp4 import edit_offset
from embviz.audio.sniff import FileBytes, frame_at, inspect_file, skip_tags
from embviz.core import io as core_io
from embviz.core.cache import Cache
from embviz.core.text import printable_name
from embviz.errors import AudioError, EmbvizError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


STRETCH = 0.01  # seconds per peak, where that does not give too many
MOST_PEAKS = 65_536
INAUDIBLE = 1e-3  # of a step of 1/127: below -102 dB full scale, which is what lossy codecs leave of silence
QUALITY = 0.4  # of Vorbis: about 100 kbit/s for two channels
RATES = (8000, 48_000)  # Hz; what lies outside is resampled before it is encoded
BLOCK = 1 << 16  # samples; libvorbis keeps what it is given at once on the stack
CLIP_RATE = 44_100  # Hz
FADE = 0.005  # seconds at both ends of a clip, so that it does not click
FRAMES = 200  # of an MPEG stream that are compared
FORMAT = "1"  # of what is remembered
MOST_BYTES = 2 << 30  # of encoded sound that is remembered

_Array: TypeAlias = "NDArray[Any]"


class Summary(NamedTuple):
    """What a player shows of a track before it sounds: its peaks, and its length in seconds."""

    peaks: NDArray[np.int8]
    duration: float


def peaks(audio: Audio, n: int | None = None) -> NDArray[np.int8]:
    """Return the peaks of a track's mix, ``[n, 2]``, rounded outwards: only silence is 0.

    Parameters
    ----------
    n : int, optional
        Number of stretches, 1 … 65,536 and at most one per sample; about one per 10 ms by default.
    """
    rate = audio.sample_rate
    mix = audio.mono(rate)
    if n is None:
        n = int(np.ceil(len(mix) / (STRETCH * rate)))
    elif not 1 <= n <= MOST_PEAKS:
        raise OptionError(f"n is a number of stretches from 1 to {MOST_PEAKS}, {n!r} was found.")
    n = max(1, min(int(n), MOST_PEAKS, len(mix)))
    starts = np.arange(n) * len(mix) // n
    low = np.floor(np.minimum.reduceat(mix, starts) * 127 + INAUDIBLE)
    high = np.ceil(np.maximum.reduceat(mix, starts) * 127 - INAUDIBLE)
    return np.asarray(np.clip(np.stack([low, high], axis=1), -127, 127), dtype=np.int8)


def summary(source: AudioSource, *, folder: str | os.PathLike[str] | None = None) -> Summary:
    """Return the peaks and the length of a track; what was found once needs no decoding.

    Parameters
    ----------
    source : path, (ndarray, int) or Audio
        As :meth:`embviz.Audio.open` takes it; AudioError where it cannot be read.
    folder : path, optional
        The cache's folder; the user's own by default.
    """
    audio = Audio.open(source)

    def made() -> tuple[_Array, str]:
        outline = peaks(audio)
        return outline.view(np.uint8), json.dumps(audio.duration)

    outline, duration = _remembered(audio, folder, "peaks", made)
    return Summary(outline.view(np.int8), float(duration))


def encode(samples: _Array, sample_rate: int, *, quality: float = QUALITY) -> tuple[bytes, str]:
    """Return sound as a small file in memory, and its media type; AudioError where the samples are not sound.

    Parameters
    ----------
    samples : ndarray of float, ``[n]`` or ``[n, channels]``
        More than two channels are mixed.
    sample_rate : int
        In Hz. It is kept from 8000 to 48,000 Hz; other sound is resampled to the nearer of these.
    quality : float
        0 (about 60 kbit/s for two channels) … 1 (about 350).
    """
    if not 0 <= quality <= 1:
        raise OptionError(f"quality is a number from 0 (smallest) to 1 (best), {quality!r} was found.")
    return _encoded(Audio.open((samples, sample_rate)), quality), "audio/ogg"


def encode_clip(source: AudioSource, start: float, stop: float) -> tuple[bytes, str]:
    """Return a stretch of a track's mix, in seconds, as a small file in memory, and its media type.

    What lies beyond the track is left out; AudioError where that is all, or the track cannot be read.
    """
    audio = Audio.open(source)
    samples = audio.mono(CLIP_RATE, keep=False, exact=False)
    first, last = (round(max(second, 0.0) * CLIP_RATE) for second in (start, stop))
    part = np.array(samples[first:last])
    if not len(part):
        seconds = len(samples) / CLIP_RATE
        raise AudioError(f"{audio.title!r} lasts {seconds:.1f} s; nothing of it lies from {start:.1f} to {stop:.1f} s.")
    fade = np.linspace(0, 1, min(round(FADE * CLIP_RATE), len(part)), dtype=np.float32)
    part[: len(fade)] *= fade
    part[len(part) - len(fade) :] *= fade[::-1]
    return encode(part, CLIP_RATE)


@dataclass(frozen=True)
class Playable:
    """Sound that can be handed to a browser; make one with :func:`playable`."""

    audio: Audio
    url: str
    """Its path below the root of the Jupyter server, not escaped; empty where it is not served."""
    mime: str
    """Media type of what :meth:`read` returns."""
    known: bool
    """Whether browsers can be expected to decode that."""
    folder: str | os.PathLike[str] | None
    """The cache's folder; None is the user's own."""
    offset: float = 0.0
    """Second of the track at which browsers begin what :meth:`read` returns."""

    @property
    def size(self) -> int:
        """Bytes of the file; 0 where there is none."""
        with contextlib.suppress(OSError):
            return self.audio.path.stat().st_size if self.audio.path else 0
        return 0

    def read(self) -> tuple[bytes, str]:
        """Return the file's own bytes, or samples in a format that browsers know, and the media type."""
        if self.audio.path is None:
            return self.transcode()
        try:
            return self.audio.path.read_bytes(), self.mime
        except OSError as error:
            raise AudioError(f"{printable_name(self.audio.path)!r} cannot be read: {error.strerror}.") from error

    def transcode(self) -> tuple[bytes, str]:
        """Return the sound decoded here and encoded small, and the media type; made once and remembered."""

        def made() -> tuple[_Array, str]:
            return np.frombuffer(_encoded(self.audio, QUALITY), np.uint8), ""

        sound, _ = _remembered(self.audio, self.folder, "ogg", made)
        return sound.tobytes(), "audio/ogg"


def playable(source: AudioSource, *, folder: str | os.PathLike[str] | None = None) -> Playable:
    """Make a track playable; source and folder are those of :func:`summary`."""
    audio = Audio.open(source)
    path = audio.path
    mime = media_type(path) if path else "audio/ogg"
    url = served(path) if path and mime else ""
    offset = start_offset(path) if path else 0.0
    return Playable(audio, url, mime or "application/octet-stream", bool(mime), folder, offset)


def media_type(path: str | os.PathLike[str]) -> str:
    """Return the media type of a file that browsers can be expected to play with its seconds right; else "".

    Its bytes decide, not its name. Seconds are right where :func:`start_offset` is added to them.
    """
    try:
        if len(inspect_file(Path(path)).stretches) > 1:
            # Of streams one behind the other, browsers play the first, or get the seconds wrong.
            return ""
        with Path(path).open("rb") as file:
            return _media_type(FileBytes(file))
    except (OSError, ValueError):
        return ""


def start_offset(path: str | os.PathLike[str]) -> float:
    """Return the second of the track at which browsers begin a file: they leave out what an edit list says."""
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        data = FileBytes(file)
        return (_is_mp4(data) and edit_offset(data)) or 0.0
    return 0.0


def _is_mp4(data: FileBytes) -> bool:
    return data[4:8] == b"ftyp"


def _media_type(data: FileBytes) -> str:
    head = data[:128]
    if head.startswith(b"OggS"):
        # Nor do they know streams side by side.
        single = data.find(b"OggS\0\x02", 4) < 0
        return "audio/ogg" if single and (b"\x01vorbis" in head or b"OpusHead" in head) else ""
    if head.startswith(b"fLaC"):
        return "audio/flac"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav" if _plain_wave(data[: 1 << 16]) else ""
    if _is_mp4(data):
        return "audio/mp4" if _aac_in_mp4(data) and edit_offset(data) is not None else ""
    return _bare_stream(data)


def _plain_wave(head: bytes) -> bool:
    """Tell whether a WAVE header names whole numbers or 32-bit floats."""
    at = head.find(b"fmt ")
    if at < 0:
        return False
    tag, bits = (int.from_bytes(head[at + i : at + i + 2], "little") for i in (8, 22))
    if tag == 0xFFFE:  # extensible: the first two bytes of the sub-format are the tag
        tag = int.from_bytes(head[at + 32 : at + 34], "little")
    return (tag == 1 and bits in (8, 16, 24, 32)) or (tag == 3 and bits == 32)


def _aac_in_mp4(data: FileBytes) -> bool:
    """Tell whether a track of an MP4 file holds AAC, by its sample description."""
    mark = b"stsd" + bytes(7)  # version and flags, and a count below 256
    at = data.find(mark)
    while at >= 0:
        if data[at + 16 : at + 20] == b"mp4a":
            return True
        at = data.find(mark, at + 4)
    return False


def _bare_stream(data: FileBytes) -> str:
    """Return the media type of MPEG layer III at a constant bit rate.

    Browsers find the seconds of any other stream without a container by rule of three: they are wrong by seconds.
    """
    start = skip_tags(data)
    first = frame_at(data, start)
    if first is None or first[0][0] != 3:  # the layer
        return ""
    head = data[start : start + 64]
    if b"Xing" in head or b"VBRI" in head:
        return ""
    lengths, at = set(), start
    for _ in range(FRAMES):
        frame = frame_at(data, at)
        if frame is None:
            break
        lengths.add(frame[1])
        at += frame[1]
    # One byte of padding keeps the rate constant.
    return "audio/mpeg" if max(lengths) - min(lengths) <= 1 else ""


def served(path: str | os.PathLike[str]) -> str:
    """Return a file's path below the root of the Jupyter server that runs this kernel, with slashes, not escaped.

    It is empty where there is no such server, the file does not lie below its root, or the server would hide it.
    """
    try:
        root = _server_root()
        followed = (os.path.realpath(path), os.path.realpath(root))
        for candidate, start in ((os.path.abspath(path), root), followed):  # noqa: PTH100  it follows no links
            below = _below(candidate, start) if root else ""
            # Where a link stands before "..", this is another file.
            if below and Path(root, below).samefile(path):
                return below
    except (OSError, ValueError, TypeError, AttributeError):
        pass  # a note that is none
    return ""


def _below(path: str, root: str) -> str:
    try:
        parts = Path(path).relative_to(root).parts
        text = "/".join(parts)
        text.encode()  # a name that is not Unicode has no address
    except ValueError:
        return ""
    return "" if any(part.startswith(".") for part in parts) else text


def _server_root() -> str:
    """Return the folder that the server above this process serves; empty where there is none.

    A server leaves a note named by its process, and starts kernels with that number in their environment.
    """
    try:
        from jupyter_core.paths import jupyter_runtime_dir
    except ImportError:
        return ""
    for process in (os.environ.get("JPY_PARENT_PID", ""), str(os.getppid())):
        note = Path(jupyter_runtime_dir(), f"jpserver-{process}.json")
        if process.isdigit() and note.is_file():
            return str(json.loads(note.read_bytes()).get("root_dir") or "")
    return ""


def _encoded(audio: Audio, quality: float) -> bytes:
    """Return a track as Ogg Vorbis."""
    import soundfile

    rate = min(max(audio.sample_rate, RATES[0]), RATES[1])
    samples = audio.mono(rate)[:, np.newaxis] if audio.channels != 2 else audio.stereo(rate)
    file = io.BytesIO()
    try:
        with soundfile.SoundFile(
            file, "w", rate, samples.shape[1], format="OGG", subtype="VORBIS", compression_level=1 - quality
        ) as writer:
            for start in range(0, len(samples), BLOCK):
                writer.write(samples[start : start + BLOCK])
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        raise AudioError(
            f"The sound of {audio.title!r} could not be encoded as Ogg Vorbis; is libsndfile older than 1.1?"
        ) from error
    return file.getvalue()


def _remembered(
    audio: Audio, folder: str | os.PathLike[str] | None, kind: str, make: Callable[[], tuple[_Array, str]]
) -> tuple[_Array, str]:
    """Return bytes and a note about a track: those kept, or those made now."""
    cache = Cache(folder)
    digest = cache.digest(audio)
    path, *shared = (folder / "sounds" / digest[:2] / f"{digest[2:]}.{kind}" for folder in cache.folders)
    for place in (path, *shared):
        with contextlib.suppress(EmbvizError, KeyError):
            arrays, meta = core_io.read_arrays(place)
            if meta["format"] == FORMAT:
                with contextlib.suppress(OSError):
                    if place == path:
                        os.utime(path)  # the time of last use
                return np.array(arrays["data"]), meta["note"]
    data, note = make()
    with contextlib.suppress(OSError, AudioError):
        if Cache(folder).digest(audio) != digest:
            return data, note  # the file was replaced meanwhile
        core_io.write_arrays(path, {"data": data}, {"format": FORMAT, "note": note})
        if kind == "ogg":
            _make_room(cache.folder / "sounds")
    return data, note


def _make_room(folder: Path) -> None:
    """Remove the encoded sounds that were not used for longest, beyond what may be kept."""
    found = sorted(((path, path.stat()) for path in folder.rglob("*.ogg")), key=lambda entry: entry[1].st_mtime)
    excess = sum(stat.st_size for _, stat in found) - MOST_BYTES
    for path, stat in found:
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= stat.st_size
