"""Sound: decoding, mixing down, resampling and the content digest.

Conventions: samples are float32 between -1 and 1, frames first: ``[n]`` for one channel, ``[n, channels]`` for
several. A track is decoded once, at its own rate, and mixed down and resampled with Essentia's own algorithms, so that
``Audio.open(path).mono(rate, quality=q)`` has the very samples of
``MonoLoader(filename=path, sampleRate=rate, resampleQuality=q)()``. Where Essentia is not installed, other libraries
give nearly the same (:mod:`embviz.audio.loaders`).
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from embviz.audio.decode import Decoded, decode, decode_mix, is_long
from embviz.audio.facts import SoundFacts, sound_digest
from embviz.audio.samples import check_rate, check_samples, mix, resample, silence_note
from embviz.core.io import file_digest
from embviz.core.memmap import release_pages
from embviz.core.paths import check_the_path
from embviz.core.text import printable_name
from embviz.errors import AudioError, OptionError

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray


AudioSource: TypeAlias = "str | os.PathLike[str] | tuple[NDArray[Any], int] | Audio"


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
        self._facts: SoundFacts | None = None

    @classmethod
    def open(cls, source: AudioSource) -> Audio:
        """Return the sound of a file or of a ``(samples, sample_rate)`` pair.

        Parameters
        ----------
        source : path, (ndarray, int) or Audio
            A file that can be decoded, or float samples of shape ``[n]`` or ``[n, channels]``
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
            rate = check_rate(source[1], "the pair")
            samples = _check_array(source[0])
            check_samples([samples], "The array")
            return cls(path=None, samples=samples, sample_rate=rate)
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
    def facts(self) -> SoundFacts:
        """What decoding found out; the file is decoded for it where that is not known yet."""
        if self._facts is None and self.path is None:
            samples, rate = self._decoded(), self._rate or 0
            channels = [samples[:, i] for i in range(samples.shape[1])]
            seconds = len(samples) / rate
            digest, note = sound_digest(rate, channels), silence_note(channels)
            self._facts = SoundFacts(digest, "", rate, len(channels), seconds, None, note)
        if self._facts is None:
            self._native_mono()
        assert self._facts is not None  # noqa: S101  every way of decoding tells
        return self._facts

    def recall(self, facts: SoundFacts) -> None:
        """Take what is remembered of the file's content, so that to know it needs no decoding.

        Who remembers vouches for the content. The decoder that read it is tried first when samples are asked for.
        """
        self._facts = self._facts or facts

    @property
    def sample_rate(self) -> int:
        """The track's own rate in Hz."""
        return self.facts.sample_rate if self._rate is None else self._rate

    @property
    def channels(self) -> int:
        """Number of channels in the file."""
        return self.facts.channels if self._samples is None else int(self._samples.shape[1])

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.facts.seconds if self._samples is None else len(self._samples) / self.sample_rate

    def mono(self, sample_rate: int, *, quality: int = 4, keep: bool = True, exact: bool = True) -> NDArray[np.float32]:
        """Return the mix of all channels at `sample_rate`, ``[n]``.

        Parameters
        ----------
        sample_rate : int
            In Hz.
        quality : int
            Essentia's resampleQuality, 0 (best) … 4 (fastest).
        keep : bool
            Whether the track's own samples are kept for other rates. Where none will be asked for, False takes less
            time and memory. Those of tracks of more than 20 minutes are not kept.
        exact : bool
            Whether resampled to the last bit as Essentia does. False takes less time, with differences of about 1e-6
            of full scale.

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
        undecoded = self.path is not None and self._mono is None and self._samples is None
        if undecoded and (not keep or is_long(self._file)):
            at = sample_rate, check_quality(quality)
            decoded = decode_mix(self._file, at=at, exact=exact, first=self._known_decoder)
            return np.asarray(self._note(decoded).samples)
        return self._resampled(self._native_mono(), sample_rate, quality, exact=exact)

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
            sides = [self._resampled(samples[:, side], sample_rate, quality) for side in (0, 1)]
        else:
            sides = [self.mono(sample_rate, quality=quality)] * 2
        return np.stack(sides, axis=1)

    def _decoded(self) -> NDArray[np.float32]:
        """Return all channels at the track's own rate, ``[n, channels]``."""
        if self._samples is None:
            decoded = self._note(decode(self._file, first=self._known_decoder))
            self._rate, self._samples = decoded.rate, decoded.samples
        return self._samples

    def _native_mono(self) -> NDArray[np.float32]:
        """Return the mix at the track's own rate; the channels are not decoded for it."""
        if self._mono is None and self._samples is None:
            decoded = self._note(decode_mix(self._file, first=self._known_decoder))
            self._rate, self._mono = decoded.rate, np.asarray(decoded.samples)
        if self._mono is None:
            samples = self._decoded()
            self._mono = mix([samples[:, i] for i in range(samples.shape[1])])
        return self._mono

    def _note(self, decoded: Decoded) -> Decoded:
        self._facts = decoded.facts
        return decoded

    def _resampled(
        self, samples: NDArray[np.float32], rate: int, quality: int, *, exact: bool = True
    ) -> NDArray[np.float32]:
        resampled = resample(samples, self.sample_rate, rate, check_quality(quality), self.title, exact=exact)
        release_pages(samples)
        return resampled

    @property
    def _known_decoder(self) -> str:
        """The decoder that is known to read the file, empty where none is."""
        return "" if self._facts is None else self._facts.decoder

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
        raise AudioError(f"There is no file {str(source)!r}; {check_the_path(path)}")
    if is_folder:
        raise AudioError(f"{str(source)!r} is a folder; an audio file is expected.")
    if not path.is_file():  # reading a pipe waits for ever
        raise AudioError(f"{str(source)!r} is a pipe or a device; an audio file is expected.")
    return path


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
