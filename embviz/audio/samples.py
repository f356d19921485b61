"""Samples: mixed down, resampled, checked to be sound, and written.

Conventions: samples are float32, a channel is ``[n]``.
"""

from __future__ import annotations

import math
import os
import tempfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from embviz.core import essentia
from embviz.errors import AudioError, UndecodableError

if TYPE_CHECKING:
    from numpy.typing import NDArray


RATES = (1000, 768_000)  # Hz; outside, a header is wrong rather than a recording unusual
PEAK = 100.0  # samples beyond it are integers that were not scaled
BLOCK = 1 << 20  # samples written at a time
ZERO_ORDER_HOLD = 3  # a quality; better ones are windowed sincs


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
    convert = _resample_with_essentia if essentia.is_installed() else _resample_without
    resampled = convert(np.ascontiguousarray(samples), rate, target, quality)
    if not len(resampled):
        raise AudioError(f"{title!r} is too short: {len(samples)} samples at {rate} Hz give none at {target} Hz.")
    return resampled


def _resample_with_essentia(samples: NDArray[np.float32], rate: int, target: int, quality: int) -> NDArray[np.float32]:
    algorithm = essentia.standard().Resample(inputSampleRate=rate, outputSampleRate=target, quality=quality)
    return np.asarray(algorithm(samples))


def _resample_without(samples: NDArray[np.float32], rate: int, target: int, quality: int) -> NDArray[np.float32]:
    """Return what Essentia's Resample gives within 6e-8 of full scale, by the same library.

    There may be one sample more or less where whole steps are not whole numbers in double precision.
    """
    try:
        import samplerate
    except ImportError as error:
        raise AudioError(
            f"Sound is resampled by the package samplerate, which cannot be imported ({error}): pip install samplerate."
        ) from error
    ratio = float(np.float32(target) / np.float32(rate))  # Essentia divides in single precision
    length = math.ceil(len(samples) * ratio)
    if quality == ZERO_ORDER_HOLD:  # it holds the last sample for as long as any other
        length = math.floor(len(samples) * ratio) + 1
        samples = np.append(samples, np.float32(0))
    elif quality < ZERO_ORDER_HOLD:
        length -= 1  # the last step has to end before the end of the sound
    return np.asarray(samplerate.resample(samples, ratio, quality)[:length])


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


def to_file(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return samples that lie in a file without a name, whose pages the system can drop."""
    with tempfile.TemporaryFile() as file:
        write_samples(file, [samples])
        return map_samples(file)


def map_samples(file: IO[bytes]) -> NDArray[np.float32]:
    """Return one channel that lies in a file."""
    size = file.seek(0, os.SEEK_END)
    return np.memmap(file, np.float32, "r") if size else np.empty(0, np.float32)
