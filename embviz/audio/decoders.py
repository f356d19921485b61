"""The decoders: Essentia's loader and libsndfile, and what is made of their samples where they ran.

Conventions: samples are float32, a channel is ``[n]``. Native code that reads whatever lies on a disk may end its
process, or never return; :mod:`embviz.audio.decode` says which process that is.

Essentia's loader reads one or two channels, and its bundled FFmpeg lacks some codecs (Opus). Where it refuses a file it
may have freed memory twice, which shows later: the process is not to be used on. libsndfile refuses cleanly.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from embviz.audio.facts import SoundFacts, sound_digest
from embviz.audio.file_kinds import identify
from embviz.audio.sniff import Format, Stretch
from embviz.core import essentia
from embviz.core.text import plural
from embviz.errors import AudioError, UndecodableError

if TYPE_CHECKING:
    from numpy.typing import NDArray


RATES = (1000, 768_000)  # Hz; outside, a header is wrong rather than a recording unusual
PEAK = 100.0  # samples beyond it are integers that were not scaled
BLOCK = 1 << 20  # samples written at a time
QUALITY = 1  # of Essentia's, from 0, in which parts of a sound are resampled
MOST_AT_ONCE = 4 << 20  # samples that libsndfile is asked for where a header does not tell how many there are


@dataclass(frozen=True)
class DecodeRequest:
    """What is to be decoded, and what is to be made of it; plain data."""

    path: str
    title: str
    """What the file is called in sentences."""
    decoder: str
    """``"essentia"`` or ``"libsndfile"``."""
    mix: bool
    """Whether the mix of all channels is wanted instead of the channels."""
    rate: int | None = None
    """In Hz, to resample the mix to; None is the file's own."""
    quality: int = 4
    long: bool = False
    """Whether to decode channel by channel to files, to bound the memory."""
    stretches: list[Stretch] = field(default_factory=list)
    """Parts of the file to be decoded each on its own, where it changes its format on the way."""


class RefusedError(Exception):
    """A decoder does not read a file."""


def decode(request: DecodeRequest) -> tuple[list[NDArray[np.float32]], SoundFacts]:
    """Return the channels of a sound, or the one that they are mixed to, and what was found out.

    Raises
    ------
    RefusedError
        Where the decoder does not read the file.
    AudioError
        Where what it reads is no sound.
    """
    lengths: list[float] = []
    if request.stretches:
        channels, rate = _load_stretches(request, lengths)
    else:
        channels, rate = _load(request, Path(request.path))
    rate = check_rate(rate, repr(request.title))
    if not channels or not len(channels[0]):
        raise UndecodableError(f"{request.title!r} holds no sound: 0 samples were found.")
    if request.mix:  # hashed and mixed faster
        channels = [np.ascontiguousarray(channel) for channel in channels]
    digest: list[str] = []
    # The sum of large buffers leaves Python to others, and so does comparing numbers.
    thread = threading.Thread(target=lambda: digest.append(sound_digest(rate, channels)), daemon=True)
    thread.start()
    given = [mix(channels)] if request.mix else channels
    if request.rate is not None:
        given = [resample(one, rate, request.rate, request.quality, request.title) for one in given]
    check_samples(given, repr(request.title))
    thread.join()
    seconds = len(channels[0]) / rate
    note = describe_changes([stretch.format for stretch in request.stretches], lengths)
    return given, SoundFacts(digest[0], request.decoder, rate, len(channels), seconds, None, note)


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


# Samples. ------------------------------------------------------------------------------------------------------------


def mix(channels: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the mean of channels."""
    if len(channels) == 1:
        return np.ascontiguousarray(channels[0])
    if len(channels) > 2:
        return np.asarray(np.stack(channels, axis=1).mean(axis=1, dtype=np.float32))
    mixed = np.add(channels[0], channels[1])  # as MonoMixer does, in single precision
    mixed *= np.float32(0.5)
    return np.asarray(mixed)


def resample(samples: NDArray[np.float32], rate: int, target: int, quality: int, title: str) -> NDArray[np.float32]:
    """Return one channel at another rate, with one of Essentia's qualities."""
    if rate == target:
        return np.ascontiguousarray(samples)
    algorithm = essentia.standard().Resample(inputSampleRate=rate, outputSampleRate=target, quality=quality)
    resampled: NDArray[np.float32] = algorithm(np.ascontiguousarray(samples))
    if not len(resampled):
        raise AudioError(f"{title!r} is too short: {len(samples)} samples at {rate} Hz give none at {target} Hz.")
    return resampled


def check_rate(rate: Any, where: str) -> int:
    """Return a rate in Hz, checked to be one."""
    try:
        whole = int(rate)
    except (TypeError, ValueError, OverflowError):
        whole = 0
    if whole != rate or not RATES[0] <= whole <= RATES[1]:
        raise UndecodableError(
            f"The sample rate of {where} is {rate!r}; a whole number of {RATES[0]} to {RATES[1]} Hz is expected."
        )
    return whole


def check_samples(channels: list[NDArray[np.float32]], what: str) -> None:
    """Raise where samples are not sound."""
    if not channels[0].size:
        raise UndecodableError(f"{what} holds no sound: 0 samples were found.")
    low, high = min(float(one.min()) for one in channels), max(float(one.max()) for one in channels)
    # Comparing drops NaN at times.
    if not all(np.isfinite([float(one.min()), float(one.max())]).all() for one in channels):
        raise UndecodableError(f"{what} holds NaN or infinite samples; finite floats between -1 and 1 are expected.")
    if max(-low, high) > PEAK:
        raise UndecodableError(
            f"{what} holds samples up to {max(-low, high):.4g}; floats between -1 and 1 are expected: scale them."
        )


def write_samples(file: IO[bytes], channels: list[NDArray[np.float32]]) -> None:
    """Write samples, frames first."""
    for start in range(0, len(channels[0]), BLOCK):
        parts = [channel[start : start + BLOCK] for channel in channels]
        block = parts[0] if len(parts) == 1 else np.stack(parts, axis=1)
        file.write(np.ascontiguousarray(block).data)
    file.flush()


# Decoders. -----------------------------------------------------------------------------------------------------------


def _load_stretches(request: DecodeRequest, lengths: list[float]) -> tuple[list[NDArray[np.float32]], int]:
    """Decode each stretch on its own, and join them in the format of the first; their seconds go to `lengths`."""
    joined: list[list[NDArray[np.float32]]] = []
    first: tuple[int, int] | None = None
    with Path(request.path).open("rb") as file:
        for stretch in request.stretches:
            with tempfile.TemporaryFile() as part:
                part.write(stretch.prefix.encode("latin-1"))
                file.seek(stretch.start)
                for start in range(stretch.start, stretch.stop, BLOCK):
                    part.write(file.read(min(BLOCK, stretch.stop - start)))
                part.flush()
                channels, rate = _load(request, Path(_descriptor_path(part)))
            lengths.append(len(channels[0]) / max(rate, 1) if channels else 0.0)
            if not channels or not len(channels[0]):
                continue
            first = first or (int(rate), len(channels))
            joined.append(_convert(channels, int(rate), *first, request.title))
    if first is None:
        return [], 0
    return [np.concatenate([channels[i] for channels in joined]) for i in range(first[1])], first[0]


def _convert(
    channels: list[NDArray[np.float32]], rate: int, target: int, count: int, title: str
) -> list[NDArray[np.float32]]:
    """Return channels at another rate and in another number."""
    if len(channels) != count:
        channels = [mix(channels)] * count
    return [resample(channel, rate, target, QUALITY, title) for channel in channels]


def _load(request: DecodeRequest, path: Path) -> tuple[list[NDArray[np.float32]], Any]:
    if request.decoder == "libsndfile":
        return _load_with_sndfile(path)
    return _load_by_channel(path) if request.long else _load_with_essentia(path)


def _load_with_essentia(path: Path) -> tuple[list[NDArray[np.float32]], Any]:
    try:
        with essentia.quiet:
            samples, rate, channels, *_ = essentia.standard().AudioLoader(filename=str(path))()
    except RuntimeError as error:
        raise _refusal(error) from error
    # The loader gives one channel as two, the right one silent.
    return [samples[:, i] for i in range(min(channels, 2))], rate


def _load_by_channel(path: Path) -> tuple[list[NDArray[np.float32]], int]:
    """Decode one channel after the other to a file: the loader's growing buffers take several times as much memory."""
    rate, channels = _read_header(path)
    sides = ("left", "right") if channels == 2 else ("mix",)
    return [_to_file(_load_side(path, rate, side)) for side in sides], rate


def _load_side(path: Path, rate: int, side: str) -> NDArray[np.float32]:
    try:
        with essentia.quiet:
            return np.asarray(essentia.standard().MonoLoader(filename=str(path), sampleRate=rate, downmix=side)())
    except RuntimeError as error:
        raise _refusal(error) from error


def _refusal(error: RuntimeError) -> Exception:
    """Return what an error of Essentia's loader stands for."""
    return MemoryError() if "bad_alloc" in str(error) else RefusedError()


def _to_file(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return samples that lie in a file without a name, whose pages the system can drop."""
    if not len(samples):
        return samples
    with tempfile.TemporaryFile() as file:
        write_samples(file, [samples])
        return np.memmap(file, np.float32, "r", shape=samples.shape)


def _read_header(path: Path) -> tuple[int, int]:
    """Return the rate and the channels that a header claims."""
    import soundfile

    with contextlib.suppress(soundfile.LibsndfileError, RuntimeError, TypeError, ValueError):
        info = soundfile.info(path)
        return info.samplerate, info.channels
    try:
        *_, rate, channels = essentia.standard().MetadataReader(filename=str(path))()
    except RuntimeError as error:
        raise RefusedError from error
    return int(rate), int(channels)


def _descriptor_path(file: IO[bytes]) -> str:
    """Return a path to an open file, which may have no name: nothing is left of it, however this process ends."""
    return f"/dev/fd/{file.fileno()}"


def _load_with_sndfile(path: Path) -> tuple[list[NDArray[np.float32]], int]:
    import soundfile

    try:
        with essentia.quiet, soundfile.SoundFile(path) as file:
            # By its ending alone, anything passes for mp3, and some of its bytes for frames.
            if file.format == "MP3" and _identify(path) not in ("mpeg", ""):
                raise RefusedError
            samples, rate = _read_all(file), file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError) as error:
        raise RefusedError from error
    return [samples[:, i] for i in range(samples.shape[1])], rate


def _identify(path: Path) -> str:
    with path.open("rb") as file:
        return identify(file)[0]


def _read_all(file: Any) -> NDArray[np.float32]:
    """Return all samples ``[n, channels]`` of a file of libsndfile, also where its header does not tell how many."""
    if file.frames < sys.maxsize:
        return np.asarray(file.read(-1, "float32", always_2d=True))
    file.seekable = lambda: False  # it would go to the end, which it does not know
    most = MOST_AT_ONCE // file.channels
    parts: list[NDArray[np.float32]] = []
    while not parts or len(parts[-1]) == most:
        parts.append(file.read(most, "float32", always_2d=True))
    return np.concatenate(parts)
