"""Sound: decoding, mixing down, resampling and the content digest.

Conventions: samples are float32 between -1 and 1, frames first: ``[n]`` for one channel, ``[n, channels]`` for
several. A track is decoded once, at its own rate, and mixed down and resampled with Essentia's own algorithms, so that
``Audio.open(path).mono(rate, quality=q)`` has the very samples of
``MonoLoader(filename=path, sampleRate=rate, resampleQuality=q)()``.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embviz.audio.decode import decode, decode_mix
from embviz.core import essentia
from embviz.core.io import file_digest
from embviz.core.memmap import release_pages
from embviz.core.text import printable_name
from embviz.errors import AudioError, OptionError

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray


AudioSource: TypeAlias = "str | os.PathLike[str] | tuple[NDArray[Any], int] | Audio"

RATES = (1000, 768_000)  # Hz; outside, a header is wrong rather than a recording unusual
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

    References
    ----------
    D. Bogdanov et al., Essentia: an audio analysis library for music information retrieval, ISMIR 2013; its algorithms
    decode, mix and resample.

    Examples
    --------
    >>> audio = Audio.open((np.zeros(8000, dtype=np.float32), 8000))
    >>> audio.duration, audio.channels
    (1.0, 1)
    >>> audio.stereo(8000).shape
    (8000, 2)
    """

    def __init__(self, *, path: Path | None, samples: NDArray[np.float32] | None, sample_rate: int | None) -> None:
        self.path = path
        self.title = printable_name(path) if path else "array"
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

        Returns
        -------
        Audio
            A file is decoded when its sound is first asked for.

        Raises
        ------
        AudioError
            If there is no such file, it cannot be read, or the samples are not sound.
        """
        if isinstance(source, Audio):
            return source
        if isinstance(source, tuple):
            if len(source) != 2:
                raise AudioError(f"A (samples, sample_rate) pair is expected, a tuple of {len(source)} was found.")
            rate = _check_rate(source[1], "the pair")
            return cls(path=None, samples=_check_samples(_check_array(source[0]), "The array"), sample_rate=rate)
        return cls(path=_check_path(source), samples=None, sample_rate=None)

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

    def mono(self, sample_rate: int, *, quality: int = 4, keep: bool = True) -> NDArray[np.float32]:
        """Return the mix of all channels at `sample_rate`, ``[n]``.

        Parameters
        ----------
        sample_rate : int
            In Hz.
        quality : int
            Essentia's resampleQuality, 0 (best) … 4 (fastest).
        keep : bool
            Whether the track's own samples are kept for other rates. Where none will be asked for, False takes less
            time and memory.

        Returns
        -------
        ndarray, shape [n], float32

        Raises
        ------
        AudioError
            If the file cannot be decoded, or is too short for that rate.
        OptionError
            If `quality` is out of range.
        """
        if not keep and self.path is not None and self._mono is None and self._samples is None:
            mixed = decode_mix(self.path, at=(sample_rate, check_quality(quality)))
            if mixed is not None:
                return _check_samples(mixed[0], repr(self.title))
        native = self._native_mono()
        return _resample(native, self.sample_rate, sample_rate, quality, self.title)

    def stereo(self, sample_rate: int, *, quality: int = 4) -> NDArray[np.float32]:
        """Return two channels at `sample_rate`; one channel, or the mix of many, is given twice.

        Parameters
        ----------
        sample_rate, quality
            As for :meth:`mono`, and so are the errors.

        Returns
        -------
        ndarray, shape [n, 2], float32
        """
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
            samples, rate = decode(self._file)
            self._rate = _check_rate(rate, repr(self.title))
            self._samples = _check_samples(samples, repr(self.title))
        return self._samples

    def _native_mono(self) -> NDArray[np.float32]:
        """Return the mix at the track's own rate; the channels are decoded for it only where that is needed."""
        if self._mono is None and self._samples is None:
            mixed = decode_mix(self._file)
            if mixed is not None:
                self._rate = _check_rate(mixed[1], repr(self.title))
                self._mono = _check_samples(mixed[0], repr(self.title))
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


def check_quality(quality: Any) -> int:
    """Return Essentia's resampleQuality, checked to be 0 (best) … 4 (fastest)."""
    if isinstance(quality, bool) or not isinstance(quality, int | np.integer) or not 0 <= quality <= 4:
        raise OptionError(f"resample_quality is a whole number from 0 (best) to 4 (fastest), {quality!r} was found.")
    return int(quality)


def _check_path(source: Any) -> Path:
    try:
        path = Path(source).expanduser()
        exists, is_folder = path.exists(), path.is_dir()
    except (TypeError, ValueError, OSError) as error:
        raise AudioError(
            f"A path to an audio file or a (samples, sample_rate) pair is expected, {source!r:.80} was found."
        ) from error
    if not exists:
        start = "" if path.is_absolute() else f", which starts from {str(Path.cwd())!r}"
        raise AudioError(f"There is no file {str(source)!r}; check the path{start}.")
    if is_folder:
        raise AudioError(f"{str(source)!r} is a folder; an audio file is expected.")
    if not path.is_file():  # reading a pipe waits for ever
        raise AudioError(f"{str(source)!r} is a pipe or a device; an audio file is expected.")
    return path


def _check_rate(rate: Any, where: str) -> int:
    try:
        whole = int(rate)
    except (TypeError, ValueError, OverflowError):
        whole = 0
    if whole != rate or not RATES[0] <= whole <= RATES[1]:
        raise AudioError(
            f"The sample rate of {where} is {rate!r}; a whole number of {RATES[0]} to {RATES[1]} Hz is expected."
        )
    return whole


def _check_array(samples: Any) -> NDArray[np.float32]:
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


def _check_samples(samples: NDArray[np.float32], what: str) -> NDArray[np.float32]:
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
    es = essentia.standard()
    algorithm = es.Resample(inputSampleRate=rate, outputSampleRate=target, quality=check_quality(quality))
    resampled: NDArray[np.float32] = algorithm(np.ascontiguousarray(samples))
    release_pages(samples)
    if not len(resampled):
        raise AudioError(f"{title!r} is too short: {len(samples)} samples at {rate} Hz give none at {target} Hz.")
    return resampled
