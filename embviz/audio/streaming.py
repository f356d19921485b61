"""Essentia's streaming mode, from a sound file to files of samples: memory does not grow with the length of the sound.

Conventions: samples are float32, a channel is ``[n]`` and lies in a file without a name.

The algorithms are those that ``AudioLoader`` and ``MonoLoader`` are made of, so that samples equal theirs to the last
bit.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from embviz.audio.samples import map_samples
from embviz.core import essentia

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 1 << 12  # samples written at a time, a power of 2


class Streamed(NamedTuple):
    """The channels of a sound, their rate in Hz, and the mix where it was asked for."""

    channels: list[NDArray[np.float32]]
    rate: int
    mix: NDArray[np.float32] | None


class MixAt(NamedTuple):
    """At which rate a mix is wanted, in Hz, and with which of Essentia's qualities; None is the file's own rate."""

    rate: int | None = None
    quality: int = 4


def stream(path: Path, claimed: tuple[int, int], mix: MixAt | None = None) -> Streamed:
    """Return the sound of a file, and its mix where one is wanted.

    Parameters
    ----------
    path : Path
    claimed : int, int
        What the header claims to be the rate in Hz and the number of channels. Where the loader finds others, the file
        is read once more.
    mix : MixAt, optional

    Raises
    ------
    RuntimeError
        Where Essentia cannot read the file.
    OSError
        Where there is no room for the samples.
    """
    while True:
        with contextlib.ExitStack() as files:
            network = _Network(files)
            loader = network.add("AudioLoader", filename=str(path), computeMD5=False)
            for name in ("md5", "bit_rate", "codec"):
                network.drop(loader, name)
            told = [network.collect(loader, name) for name in ("sampleRate", "numberChannels")]
            channels = _write_channels(network, loader, claimed[1])
            mixed = None if mix is None else _write_mix(network, loader, claimed[0], mix)
            network.run(loader)
            found = told[0].value, told[1].value
            if found == claimed:
                return Streamed([one.map() for one in channels], found[0], None if mixed is None else mixed.map())
            claimed = found


def _write_channels(network: _Network, loader: Any, count: int) -> list[_Samples]:
    sides = network.add("StereoDemuxer")
    network.connect(loader, "audio", sides, "audio")
    if count == 2:
        return [network.write(sides, "left"), network.write(sides, "right")]
    network.drop(sides, "right")  # the loader gives one channel as two, the right one silent
    return [network.write(sides, "left")]


def _write_mix(network: _Network, loader: Any, own: int, mix: MixAt) -> _Samples:
    mixer = network.add("MonoMixer")
    for name in ("audio", "numberChannels"):
        network.connect(loader, name, mixer, name)
    if mix.rate in (None, own):
        return network.write(mixer, "audio")
    resampler = network.add("Resample", inputSampleRate=own, outputSampleRate=mix.rate, quality=mix.quality)
    network.connect(mixer, "audio", resampler, "signal")
    return network.write(resampler, "signal")


class _Network:
    """Algorithms that hand on samples to each other."""

    def __init__(self, files: contextlib.ExitStack) -> None:
        self._files = files
        self._native, self._common = essentia.load()
        self._algorithms: list[Any] = []

    def add(self, name: str, **parameters: Any) -> Any:
        algorithm = self._native.StreamingAlgorithm(name)
        convert = self._common.convertData
        algorithm.__configure__(**{key: convert(value, algorithm.paramType(key)) for key, value in parameters.items()})
        self._algorithms.append(algorithm)
        return algorithm

    def connect(self, source: Any, output: str, sink: Any, into: str) -> None:
        self._native.connect(source, output, sink, into)

    def drop(self, source: Any, output: str) -> None:
        self._native.nowhereConnect(source, output)

    def collect(self, source: Any, output: str) -> _Number:
        pool = self._common.Pool()
        self._native.poolConnect(source, output, pool.cppPool, output)
        return _Number(pool, output)

    def write(self, source: Any, output: str) -> _Samples:
        """Have samples written to a file, many at a time: one by one would take several times as long."""
        file = self._files.enter_context(tempfile.TemporaryFile(prefix="embviz-"))  # noqa: SIM115
        cutter = self.add(
            "FrameCutter",
            frameSize=CHUNK,
            hopSize=CHUNK,
            startFromZero=True,
            lastFrameToEndOfFile=True,
            validFrameThresholdRatio=0.0,
            silentFrames="keep",
        )
        self.connect(source, output, cutter, "signal")
        writer = self.add("FileOutput", filename=f"/dev/fd/{file.fileno()}", mode="binary")
        self._native.fileOutputConnect(cutter, "frame", writer)
        return _Samples(file, lambda: self._native.totalProduced(source, output))

    def run(self, start: Any) -> None:
        self._native.run(start)


@dataclass(frozen=True)
class _Number:
    """A number that an algorithm tells."""

    pool: Any
    name: str

    @property
    def value(self) -> int:
        return int(np.ravel(self.pool[self.name])[-1])


@dataclass(frozen=True)
class _Samples:
    """Samples that an algorithm wrote, with zeros behind them that fill the last chunk."""

    file: IO[bytes]
    count: Callable[[], int]  # of 32 bits

    def map(self) -> NDArray[np.float32]:
        written = os.fstat(self.file.fileno()).st_size // 4
        filled = (written - self.count()) % 2**31
        if filled > 2 * CHUNK:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return map_samples(self.file, written - filled)
