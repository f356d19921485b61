"""A sound decoded as asked for: by which loader, of which parts of a file, and what is made of the samples.

Conventions: samples are float32, a channel is ``[n]``. Native code that reads whatever lies on a disk may end its
process, or never return; :mod:`embviz.audio.decode` says which process that is.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from embviz.audio.facts import SoundFacts, sound_digest
from embviz.audio.loaders import LOADERS, stream_with_essentia
from embviz.audio.samples import BLOCK, check_rate, check_samples, mix, resample, silence_note
from embviz.audio.sniff import Format, Stretch
from embviz.audio.streaming import MixAt
from embviz.core.text import plural
from embviz.errors import UndecodableError

if TYPE_CHECKING:
    from numpy.typing import NDArray


QUALITY = 1  # of Essentia's, from 0, in which parts of a sound are resampled
DESCRIPTORS = Path("/dev/fd")  # paths to open files, where the system has them


@dataclass(frozen=True)
class DecodeRequest:
    """What is to be decoded, and what is to be made of it; plain data."""

    path: str
    title: str
    """What the file is called in sentences."""
    decoder: str
    """``"essentia"``, ``"libsndfile"`` or ``"ffmpeg"``."""
    mix: bool
    """Whether the mix of all channels is wanted instead of the channels."""
    rate: int | None = None
    """In Hz, to resample the mix to; None is the file's own."""
    quality: int = 4
    exact: bool = True
    """Whether resampled to the last bit as Essentia does."""
    long: bool = False
    """Whether to decode to files, to bound the memory."""
    stretches: list[Stretch] = field(default_factory=list)
    """Parts of the file to be decoded each on its own, where it changes its format on the way."""


def decode(request: DecodeRequest) -> tuple[list[NDArray[np.float32]], SoundFacts]:
    """Return the channels of a sound, or the one that they are mixed to, and what was found out.

    Raises
    ------
    RefusedError
        Where the loader does not read the file.
    AudioError
        Where what it reads is no sound.
    """
    lengths: list[float] = []
    mixed = None
    if request.stretches:
        channels, rate = _load_stretches(request, lengths)
    elif request.long and request.mix and request.decoder == "essentia":
        channels, rate, mixed = stream_with_essentia(Path(request.path), MixAt(request.rate, request.quality))
    else:
        channels, rate = LOADERS[request.decoder](Path(request.path), long=request.long)
    rate = check_rate(rate, repr(request.title))
    if not channels or not len(channels[0]):
        raise UndecodableError(f"{request.title!r} holds no sound: 0 samples were found.")
    if request.mix:  # hashed and mixed faster
        channels = [np.ascontiguousarray(channel) for channel in channels]
    digest: list[str] = []
    # The sum of large buffers leaves Python to others, and so does comparing numbers.
    thread = threading.Thread(target=lambda: digest.append(sound_digest(rate, channels)), daemon=True)
    thread.start()
    given = _give(request, channels, rate) if mixed is None else [mixed]
    check_samples(given, repr(request.title))
    thread.join()
    seconds = len(channels[0]) / rate
    notes = describe_changes([stretch.format for stretch in request.stretches], lengths), silence_note(channels)
    note = "; ".join(filter(None, notes))
    return given, SoundFacts(digest[0], request.decoder, rate, len(channels), seconds, None, note)


def _give(request: DecodeRequest, channels: list[NDArray[np.float32]], rate: int) -> list[NDArray[np.float32]]:
    """Return what is asked for of the channels of a sound."""
    given = [mix(channels)] if request.mix else channels
    if request.rate is None:
        return given
    return [resample(one, rate, request.rate, request.quality, request.title, exact=request.exact) for one in given]


def describe_changes(formats: Sequence[Format], seconds: Sequence[float]) -> str:
    """Return where streams behind each other first change their format, and how often; empty where none does."""
    changes = [n for n, (before, after) in enumerate(pairwise(formats)) if before != after]
    if not changes:
        return ""
    first = changes[0]
    before, after = formats[first], formats[first + 1]
    old, new = str(before), str(after)
    if old == new:
        old, new = f"MPEG layer {before.layer}", f"layer {after.layer}"
    further = f", and {plural(len(changes) - 1, 'more time')}" if len(changes) > 1 else ""
    return f"the stream changes from {old} to {new} at {sum(seconds[: first + 1]):.1f} s{further}"


def _load_stretches(request: DecodeRequest, lengths: list[float]) -> tuple[list[NDArray[np.float32]], int]:
    """Decode each stretch on its own, and join them in the format of the first; their seconds go to `lengths`."""
    joined: list[list[NDArray[np.float32]]] = []
    first: tuple[int, int] | None = None
    with Path(request.path).open("rb") as file:
        for stretch in request.stretches:
            with _copy(file, stretch) as part:
                channels, rate = LOADERS[request.decoder](part, long=request.long)
            lengths.append(len(channels[0]) / max(rate, 1) if channels else 0.0)
            if not channels or not len(channels[0]):
                continue
            first = first or (int(rate), len(channels))
            joined.append(_convert(channels, int(rate), *first, request.title))
    if first is None:
        return [], 0
    return [np.concatenate([channels[i] for channels in joined]) for i in range(first[1])], first[0]


@contextlib.contextmanager
def _copy(file: IO[bytes], stretch: Stretch) -> Iterator[Path]:
    """Give the path of a copy of a part of a file, which needs no name where the system gives paths to open files."""
    with contextlib.ExitStack() as stack:
        if DESCRIPTORS.is_dir():
            part = stack.enter_context(tempfile.TemporaryFile())
            path = DESCRIPTORS / str(part.fileno())
        else:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="embviz-"))) / "part"
            part = stack.enter_context(path.open("w+b"))
        part.write(stretch.prefix.encode("latin-1"))
        file.seek(stretch.start)
        for start in range(stretch.start, stretch.stop, BLOCK):
            part.write(file.read(min(BLOCK, stretch.stop - start)))
        part.seek(0)
        yield path


def _convert(
    channels: list[NDArray[np.float32]], rate: int, target: int, count: int, title: str
) -> list[NDArray[np.float32]]:
    """Return channels at another rate and in another number."""
    if len(channels) != count:
        channels = [mix(channels)] * count
    return [resample(channel, rate, target, QUALITY, title) for channel in channels]
