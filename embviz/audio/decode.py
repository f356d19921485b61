"""Decoding: Essentia's loader, libsndfile where it cannot, and nothing that ends the process.

Conventions: samples are float32 ``[n, channels]`` at the file's own rate.

Essentia's loader reads one or two channels. More channels, and codecs that its bundled FFmpeg lacks (Opus), are read
with libsndfile. The loader frees memory twice after an unsupported codec, and reads beyond its buffers where a damaged
stream turns from two channels to one in the middle; both end the process sooner or later. So a file is judged first
(:mod:`embviz.audio.sniff`), and what is not plainly sound is tried in a process of its own before it is decoded here.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.audio.sniff import classify_file
from embviz.core import essentia
from embviz.core.memmap import release_pages, scratch_array
from embviz.core.text import printable_name
from embviz.errors import AudioError

if TYPE_CHECKING:
    from numpy.typing import NDArray


LONGEST_AT_ONCE = 1200.0  # seconds; longer tracks are decoded channel by channel to bound the memory
SMALL = 4 << 20  # bytes; no file this small is long, at any bit rate that music has
SNDFILE_KNOWS = (b"RIFF", b"RF64", b"FORM", b"fLaC", b"OggS")  # if it cannot read these, the header is wrong
LONGEST_TRIAL = 600  # seconds
BLOCK = 4 << 20  # samples copied before their pages are let go
NOT_AUDIO = (
    "cannot be decoded: it is not audio, is damaged, or has a codec that is not known here; "
    "mp3, ogg, opus, flac, wav, aiff, m4a and aac are expected."
)


class _UndecodableError(Exception):
    """Why a file gives no sound, as the end of a sentence that begins with its name."""


def decode(path: Path) -> tuple[NDArray[np.float32], Any]:
    """Return samples ``[n, channels]`` and the rate of a file.

    Raises
    ------
    AudioError
        If the file cannot be read or is not audio.
    """
    with _native_path(path) as plain:
        verdict = _classify(plain)
        if verdict == "foreign" or (verdict == "doubtful" and not _essentia_survives(plain)):
            decoded: tuple[NDArray[np.float32], Any] | None
            decoded = _try_sndfile("read", plain, dtype="float32", always_2d=True)
            if decoded is not None:
                return decoded
            if verdict == "doubtful" or not _essentia_survives(plain):
                raise _decode_error(plain)
        return _decode_channels(plain, ["left", "right"]) if _is_long(plain) else _decode_with_essentia(plain)


def decode_mix(path: Path, *, at: tuple[int, int] | None = None) -> tuple[NDArray[np.float32], int] | None:
    """Return the mix of all channels, ``[n]``, and the rate; None where only :func:`decode` can tell.

    It takes less time and memory than to decode the channels and to mix them then, and gives the same samples. With
    `at`, a rate and Essentia's resampleQuality, they are resampled on the way.
    """
    with _native_path(path) as plain:
        if _classify(plain) != "sound" or not (_sndfile_info(plain) or _is_long(plain)):
            return None
        if at is not None:
            return _load(plain, at[0], resampleQuality=at[1]), at[0]
        samples, rate = _decode_channels(plain, ["mix"])
        return samples[:, 0], rate


@contextlib.contextmanager
def _native_path(path: Path) -> Iterator[Path]:
    """Give a path that native code can take, and turn what goes wrong with it into one sentence."""
    name = repr(printable_name(path))
    try:
        with contextlib.ExitStack() as stack:
            try:
                str(path).encode()
            except UnicodeEncodeError:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="embviz-"))
                link = Path(folder) / "track"
                link.symlink_to(path.resolve())
                path = link
            yield path
    except _UndecodableError as error:
        raise AudioError(f"{name} {error}") from error.__cause__
    except OSError as error:
        raise AudioError(f"{name} cannot be read: {error.strerror}.") from error


def _classify(path: Path) -> str:
    verdict = classify_file(path)
    if verdict == "empty":
        raise _UndecodableError("is empty (0 bytes); copy or download it again.")
    if verdict == "sound" and not _has_few_channels(path):
        return "foreign"
    return verdict


def _has_few_channels(path: Path) -> bool:
    """Tell whether a file has the one or two channels that Essentia's loader takes, as far as can be told."""
    info = _sndfile_info(path)
    if info is not None:
        return 1 <= info[2] <= 2
    with path.open("rb") as file:
        return file.read(4) not in SNDFILE_KNOWS


def _decode_error(path: Path) -> _UndecodableError:
    """Return why a file gave no samples."""
    # Asked only now: the header of a stream may say 0 where more follows.
    info = _sndfile_info(path)
    return _UndecodableError("holds no sound: 0 samples were found." if info and not info[0] else NOT_AUDIO)


def _is_long(path: Path) -> bool:
    """Tell whether a file that Essentia reads should be decoded channel by channel."""
    return path.stat().st_size > SMALL and _read_header(path)[0] > LONGEST_AT_ONCE


def _decode_with_essentia(path: Path) -> tuple[NDArray[np.float32], Any]:
    es = essentia.standard()
    try:
        with essentia.quiet:
            samples, rate, channels, *_ = es.AudioLoader(filename=str(path))()
    except RuntimeError as error:
        raise _decode_error(path) from error
    # The loader gives one channel as two, the right one silent.
    return (samples if channels == 2 else samples[:, :1].copy()), rate


def _try_sndfile(function: str, path: Path, **options: Any) -> Any:
    """Return what a function of libsndfile gives; None where it cannot read the file."""
    import soundfile

    try:
        with essentia.quiet:
            return getattr(soundfile, function)(path, **options)
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError):
        return None


def _read_header(path: Path) -> tuple[float, int, int]:
    """Return the seconds, the rate and the channels that a header claims; zeros where it cannot be read."""
    info = _sndfile_info(path)
    if info is not None:
        return info[0] / max(info[1], 1), info[1], info[2]
    try:
        *_, seconds, _, rate, channels = essentia.standard().MetadataReader(filename=str(path))()
    except RuntimeError:
        return 0.0, 0, 0
    return float(seconds), int(rate), int(channels)


def _sndfile_info(path: Path) -> tuple[int, int, int] | None:
    """Return samples, rate and channels of a file that libsndfile knows."""
    info = _try_sndfile("info", path)
    return None if info is None else (info.frames, info.samplerate, info.channels)


def _decode_channels(path: Path, sides: list[str]) -> tuple[NDArray[np.float32], int]:
    """Decode one channel, or the mix, after the other: the loader's growing buffers would need twice the memory."""
    samples: NDArray[np.float32] | None = None
    _, rate, channels = _read_header(path)
    for i, side in enumerate(sides if channels == 2 else ["mix"]):
        one = _load(path, rate, downmix=side)
        if len(sides) == 1:
            return one[:, np.newaxis], rate
        if samples is None:
            samples = scratch_array((len(one), len(sides) if channels == 2 else 1))
        for part in range(0, len(one), BLOCK):
            samples[part : part + BLOCK, i] = one[part : part + BLOCK]
            release_pages(samples)
    return (np.empty((0, 1), np.float32) if samples is None else samples), rate


def _load(path: Path, rate: int, **options: Any) -> NDArray[np.float32]:
    """Return one channel with Essentia's MonoLoader, ``[n]``."""
    try:
        with essentia.quiet:
            return np.asarray(essentia.standard().MonoLoader(filename=str(path), sampleRate=rate, **options)())
    except RuntimeError as error:
        raise _decode_error(path) from error


def _essentia_survives(path: Path) -> bool:
    """Tell whether Essentia decodes a file, tried where a crash hurts nobody."""
    code = (
        "import os, sys; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n"
        "import essentia.standard as es\n"
        "es.AudioLoader(filename=sys.argv[1])()\n"
        "print('decoded', flush=True); os._exit(0)"
    )
    try:
        run = subprocess.run(  # noqa: S603  our own interpreter and code; the path is an argument, not a command
            # -P: what lies in the working folder must not pass for a library.
            [sys.executable, "-P", "-c", code, str(path)],
            capture_output=True,
            timeout=LONGEST_TRIAL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0 and b"decoded" in run.stdout
