"""Sound: decoding, mixing down, resampling and the content digest.

Conventions: samples are float32 between -1 and 1, frames first: ``[n]`` for one channel, ``[n, channels]`` for
several. A track is decoded once, at its own rate, and mixed down and resampled with Essentia's own algorithms, so that
``Audio.open(path).mono(rate, quality=q)`` has the very samples of
``MonoLoader(filename=path, sampleRate=rate, resampleQuality=q)()``.

Essentia's loader reads one or two channels. More channels, and codecs that its bundled FFmpeg lacks (Opus), are read
with libsndfile and mixed down to the mean of all channels. Essentia's loader frees memory twice after an unsupported
codec, which ends the process sooner or later; so a file whose header does not show a codec that is known to work is
first opened in a process of its own.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embviz import _essentia
from embviz._scratch import release, scratch
from embviz.errors import AudioError, OptionError

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

__all__ = ["Audio", "AudioSource", "check_quality", "file_digest"]

AudioSource: TypeAlias = "str | os.PathLike[str] | tuple[NDArray[Any], int] | Audio"

LONGEST_AT_ONCE = 1200.0  # seconds; longer tracks are decoded channel by channel to bound the memory
RATES = (1000, 768_000)  # Hz; outside, a header is wrong rather than a recording unusual
SMALL = 4 << 20  # bytes; no file this small is long, at any bit rate that music has
PEAK = 100.0  # samples beyond it are integers that were not scaled


class Audio:
    """The sound of one track, decoded when first needed.

    Make one with :meth:`open`.

    Attributes
    ----------
    title : str
        Name of the file, or ``"array"``.
    path : Path or None
        The file, if the sound came from one.
    """

    def __init__(self, *, path: Path | None, samples: NDArray[np.float32] | None, sample_rate: int | None) -> None:
        self.path = path
        self.title = path.name if path else "array"
        self._samples = samples
        self._rate = sample_rate
        self._mono: NDArray[np.float32] | None = None

    @classmethod
    def open(cls, source: AudioSource) -> Audio:
        """Return the sound of a file or of a ``(samples, sample_rate)`` pair.

        Parameters
        ----------
        source : path, (ndarray, int) or Audio
            A file that Essentia or libsndfile can decode, or float samples of shape ``[n]`` or ``[n, channels]``
            between -1 and 1 with their rate in Hz.

        Raises
        ------
        AudioError
            If there is no such file, it cannot be read, or the samples are not sound.
        """
        if isinstance(source, Audio):
            return source
        if isinstance(source, tuple):
            return cls._of_array(*_pair(source))
        return cls(path=_file(source), samples=None, sample_rate=None)

    @classmethod
    def _of_array(cls, samples: Any, sample_rate: Any) -> Audio:
        rate = _checked_rate(sample_rate, "the pair")
        array = _checked_array(samples)
        return cls(path=None, samples=_checked_samples(array, "The array"), sample_rate=rate)

    @cached_property
    def digest(self) -> str:
        """BLAKE2b of the file's bytes, or of the samples, their shape and rate; hexadecimal."""
        if self.path is not None:
            return file_digest(self.path)
        samples = self._decoded()
        header = f"{samples.dtype.str} {samples.shape} {self._rate}".encode()
        return hashlib.blake2b(header + samples.tobytes(), digest_size=20).hexdigest()

    @property
    def sample_rate(self) -> int:
        """The track's own rate in Hz."""
        if self._rate is None:
            self._native_mono()
        return int(self._rate or 0)

    @property
    def channels(self) -> int:
        """Number of channels in the file."""
        return int(self._decoded().shape[1])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self._native_mono()) / self.sample_rate

    def mono(self, sample_rate: int, *, quality: int = 4) -> NDArray[np.float32]:
        """Return the mix of all channels at `sample_rate`, ``[n]``; `quality` is Essentia's resampleQuality."""
        native = self._native_mono()
        return _resample(native, self.sample_rate, sample_rate, quality, self.title)

    def stereo(self, sample_rate: int, *, quality: int = 4) -> NDArray[np.float32]:
        """Return two channels at `sample_rate`, ``[n, 2]``; one channel, or the mix of many, is given twice."""
        samples, rate = self._decoded(), self.sample_rate
        if samples.shape[1] == 2 and rate == sample_rate:
            return samples
        if samples.shape[1] == 2:
            sides = [_resample(samples[:, side], rate, sample_rate, quality, self.title) for side in (0, 1)]
        else:
            sides = [self.mono(sample_rate, quality=quality)] * 2
        return np.stack(sides, axis=1)

    def _decoded(self) -> NDArray[np.float32]:
        """Return all channels at the track's own rate, ``[n, channels]``."""
        if self._samples is None:
            samples, rate = _decode(self._file)
            self._rate = _checked_rate(rate, repr(self.title))
            self._samples = _checked_samples(samples, repr(self.title))
        return self._samples

    def _native_mono(self) -> NDArray[np.float32]:
        """Return the mix at the track's own rate, without keeping all channels of a long track for it."""
        if self._mono is None and self._samples is None and _is_long(self._file):
            samples, rate = _decode_long(self._file, ["mix"])
            self._rate = _checked_rate(rate, repr(self.title))
            self._mono = _checked_samples(samples, repr(self.title))[:, 0]
        if self._mono is None:
            self._mono = _mix(self._decoded())
        return self._mono

    @property
    def _file(self) -> Path:
        if self.path is None:
            raise AudioError("There is neither a file nor samples to decode.")
        return self.path

    def __repr__(self) -> str:
        return f"<Audio {self.title!r}>"


def file_digest(path: Path) -> str:
    """Return the BLAKE2b digest (20 bytes, hexadecimal) of a file's content."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
    except OSError as error:
        raise AudioError(f"{path.name!r} cannot be read: {error.strerror}.") from error


def check_quality(quality: Any) -> int:
    """Return Essentia's resampleQuality, checked to be 0 (best) … 4 (fastest)."""
    if isinstance(quality, bool) or not isinstance(quality, int | np.integer) or not 0 <= quality <= 4:
        raise OptionError(f"resample_quality is a whole number from 0 (best) to 4 (fastest), {quality!r} was found.")
    return int(quality)


def _file(source: Any) -> Path:
    try:
        path = Path(source).expanduser()
        exists, is_folder = path.exists(), path.is_dir()
    except (TypeError, ValueError, OSError) as error:
        raise AudioError(
            f"A path to an audio file or a (samples, sample_rate) pair is expected, {source!r:.80} was found."
        ) from error
    if not exists:
        raise AudioError(f"There is no file {str(source)!r}; check the path, which starts from {str(Path.cwd())!r}.")
    if is_folder:
        raise AudioError(f"{str(source)!r} is a folder; an audio file is expected.")
    return path


def _pair(source: tuple[Any, ...]) -> tuple[Any, Any]:
    if len(source) != 2:
        raise AudioError(f"A (samples, sample_rate) pair is expected, a tuple of {len(source)} was found.")
    return source[0], source[1]


def _checked_rate(rate: Any, where: str) -> int:
    try:
        whole = int(rate)
    except (TypeError, ValueError, OverflowError):
        whole = 0
    if whole != rate or not RATES[0] <= whole <= RATES[1]:
        raise AudioError(
            f"The sample rate of {where} is {rate!r}; a whole number of {RATES[0]} to {RATES[1]} Hz is expected."
        )
    return whole


def _checked_array(samples: Any) -> NDArray[np.float32]:
    array = np.asarray(samples)
    if array.dtype.kind != "f":
        raise AudioError(
            f"Samples are expected as floats between -1 and 1, an array of {array.dtype} was found; "
            "divide 16-bit integers by 32768."
        )
    if array.ndim not in (1, 2):
        raise AudioError(f"Samples are expected in the shape [n] or [n, channels], {array.shape} was found.")
    if array.ndim == 2 and array.shape[1] > 32:
        raise AudioError(f"Samples are expected in the shape [n, channels], {array.shape} was found; transpose them.")
    # A copy: what the caller does to the array later must not change what its digest stands for.
    frames_first = array[:, np.newaxis] if array.ndim == 1 else array
    return np.array(frames_first, dtype=np.float32, order="C")


def _checked_samples(samples: NDArray[np.float32], what: str) -> NDArray[np.float32]:
    if not samples.size:
        raise AudioError(f"{what} holds no sound: 0 samples were found.")
    low, high = float(samples.min()), float(samples.max())
    if not np.isfinite([low, high]).all():
        raise AudioError(f"{what} holds NaN or infinite samples; finite floats between -1 and 1 are expected.")
    if max(-low, high) > PEAK:
        raise AudioError(
            f"{what} holds samples up to {max(-low, high):.4g}; floats between -1 and 1 are expected: scale them."
        )
    return samples


def _mix(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    if samples.shape[1] == 1:
        return np.ascontiguousarray(samples[:, 0])
    if samples.shape[1] > 2:
        return np.asarray(samples.mean(axis=1, dtype=np.float32))
    mixed = np.add(samples[:, 0], samples[:, 1])  # as MonoMixer does, in single precision
    mixed *= np.float32(0.5)
    return np.asarray(mixed)


def _resample(samples: NDArray[np.float32], rate: int, target: int, quality: int, title: str) -> NDArray[np.float32]:
    if rate == target:
        return np.ascontiguousarray(samples)
    es = _essentia.standard()
    algorithm = es.Resample(inputSampleRate=rate, outputSampleRate=target, quality=check_quality(quality))
    resampled: NDArray[np.float32] = algorithm(np.ascontiguousarray(samples))
    release(samples)
    if not len(resampled):
        raise AudioError(f"{title!r} is too short: {len(samples)} samples at {rate} Hz give none at {target} Hz.")
    return resampled


# Decoding. ---------------------------------------------------------------------------------------------------------


def _decode(path: Path) -> tuple[NDArray[np.float32], Any]:
    """Return samples ``[n, channels]`` and the rate of a file."""
    if not _essentia_reads(path):
        decoded = _decode_sndfile(path)
        if decoded is not None:
            return decoded
        if not _essentia_survives(path):
            raise AudioError(_undecodable(path))
    if _is_long(path):
        return _decode_long(path, ["left", "right"])
    return _decode_essentia(path)


def _essentia_reads(path: Path) -> bool:
    head = _head(path)
    if not head:
        raise AudioError(f"{path.name!r} is empty (0 bytes); copy or download it again.")
    return _known_to_essentia(path, head)


def _is_long(path: Path) -> bool:
    """Tell whether a file should be decoded channel by channel; Essentia must be able to read it."""
    return path.stat().st_size > SMALL and _essentia_reads(path) and _about_seconds(path) > LONGEST_AT_ONCE


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(1 << 16)
    except OSError as error:
        raise AudioError(f"{path.name!r} cannot be read: {error.strerror}.") from error


def _undecodable(path: Path) -> str:
    return (
        f"{path.name!r} cannot be decoded: it is not audio, is damaged, or has a codec that is not known here; "
        "mp3, ogg, opus, flac, wav, aiff, m4a and aac are expected."
    )


def _decode_essentia(path: Path) -> tuple[NDArray[np.float32], Any]:
    es = _essentia.standard()
    try:
        with _essentia.quiet:
            samples, rate, channels, *_ = es.AudioLoader(filename=str(path))()
    except RuntimeError as error:
        raise AudioError(_undecodable(path)) from error
    # The loader gives one channel as two, the right one silent.
    return (samples if channels == 2 else samples[:, :1].copy()), rate


def _decode_sndfile(path: Path) -> tuple[NDArray[np.float32], Any] | None:
    import soundfile

    try:
        with _essentia.quiet:
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError):
        return None
    return samples, rate


def _about_seconds(path: Path) -> float:
    """Return the length a header claims, in seconds; 0 where it cannot be told without decoding."""
    info = _sndfile_info(path)
    if info is not None:
        return info[0] / max(info[1], 1)
    try:
        return float(_essentia.standard().MetadataReader(filename=str(path))()[-4])
    except RuntimeError:
        return 0.0


def _sndfile_info(path: Path) -> tuple[int, int, int] | None:
    """Return samples, rate and channels of a file that libsndfile knows."""
    import soundfile

    try:
        with _essentia.quiet:
            info = soundfile.info(path)
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError):
        return None
    return info.frames, info.samplerate, info.channels


def _decode_long(path: Path, sides: list[str]) -> tuple[NDArray[np.float32], int]:
    """Decode one channel, or the mix, after the other: the loader's growing buffers would need twice the memory."""
    es = _essentia.standard()
    samples: NDArray[np.float32] | None = None
    try:
        rate, channels = _rate_and_channels(path)
        for i, side in enumerate(sides if channels == 2 else ["mix"]):
            with _essentia.quiet:
                one = es.MonoLoader(filename=str(path), sampleRate=rate, downmix=side)()
            if samples is None:
                samples = scratch((len(one), len(sides) if channels == 2 else 1))
            samples[:, i] = one
            release(samples)
    except RuntimeError as error:
        raise AudioError(_undecodable(path)) from error
    return (np.empty((0, 1), np.float32) if samples is None else samples), rate


def _rate_and_channels(path: Path) -> tuple[int, int]:
    info = _sndfile_info(path)
    if info is not None:
        return info[1], info[2]
    *_, rate, channels = _essentia.standard().MetadataReader(filename=str(path))()
    return int(rate), int(channels)


def _essentia_survives(path: Path) -> bool:
    """Tell whether Essentia opens a file, tried where a crash hurts nobody."""
    code = (
        "import os, sys; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n"
        "import essentia.standard as es\n"
        "es.AudioLoader(filename=sys.argv[1])\n"
        "print('opened', flush=True); os._exit(0)"
    )
    try:
        run = subprocess.run(  # noqa: S603  our own interpreter and code; the path is an argument, not a command
            [sys.executable, "-c", code, str(path)], capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0 and b"opened" in run.stdout


def _known_to_essentia(path: Path, head: bytes) -> bool:
    """Tell whether the header shows a codec and a layout that Essentia's loader is known to survive."""
    if head.startswith(b"OggS"):
        return b"\x01vorbis" in head[:128] and _few_channels(path)
    if head.startswith((b"RIFF", b"RF64")):
        return _plain_wave(head) and _few_channels(path)
    if head.startswith((b"FORM", b"fLaC")):
        return _few_channels(path)
    if head[4:8] == b"ftyp":
        return _mp4_codec(path) in (b"mp4a", b"alac")
    return head.startswith(b"ID3") or _is_mpeg_sync(head)


def _few_channels(path: Path) -> bool:
    info = _sndfile_info(path)
    return info is not None and 1 <= info[2] <= 2


def _is_mpeg_sync(head: bytes) -> bool:
    """Tell whether an MPEG audio (layer I-III) or ADTS (AAC) frame starts here."""
    return len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 0x08


def _plain_wave(head: bytes) -> bool:
    """Tell whether a WAVE header names PCM or floats, the codecs that are always there."""
    at = head.find(b"fmt ")
    tag = int.from_bytes(head[at + 8 : at + 10], "little") if at > 0 else 0
    if tag == 0xFFFE:  # extensible: the first two bytes of the sub-format are the tag
        tag = int.from_bytes(head[at + 32 : at + 34], "little")
    return tag in (1, 3)


def _mp4_codec(path: Path) -> bytes:
    """Return the four-letter name of an MP4 file's first audio codec, or nothing."""
    codecs = (b"mp4a", b"alac", b"Opus", b"ac-3", b"ec-3", b"fLaC", b"samr", b".mp3")
    with path.open("rb") as file:
        moov = _mp4_box(file, b"moov")
    at = moov.find(b"stsd")
    places = {moov.find(codec, at): codec for codec in codecs if at >= 0 and moov.find(codec, at) >= 0}
    return places[min(places)] if places else b""


def _mp4_box(file: Any, wanted: bytes, largest: int = 64 << 20) -> bytes:
    """Return the content of the first top-level box of a name, or nothing."""
    for _ in range(1000):
        header = file.read(8)
        size, name = int.from_bytes(header[:4], "big"), header[4:]
        if len(header) < 8:
            return b""
        skip = size - 8
        if size == 1:
            skip = int.from_bytes(file.read(8), "big") - 16
        if name == wanted:
            return bytes(file.read(min(max(skip, 0), largest)))
        if skip < 0:
            return b""
        file.seek(skip, 1)
    return b""
