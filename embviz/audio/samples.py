"""Samples: mixed down, resampled, checked to be sound, and written.

Conventions: samples are float32, a channel is ``[n]``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from embviz.audio.resampling import ZERO_ORDER_HOLD, count_resampled, divide_rates, resample_fast
from embviz.core import essentia
from embviz.core.memmap import empty_array, release_pages
from embviz.errors import AudioError, UndecodableError

if TYPE_CHECKING:
    from numpy.typing import NDArray


RATES = (1000, 768_000)  # Hz; outside, a header is wrong rather than a recording unusual
PEAK = 100.0  # samples beyond it are integers that were not scaled
SILENT = 1e-3  # of full scale, −60 dB: a sound without a larger sample is taken for silence
NOTHING_HEARD = "so what models say about it means little"  # the end of each note on silence
BLOCK = 1 << 20  # samples written at a time


def blocks(channels: Sequence[NDArray[np.float32]]) -> Iterator[list[NDArray[np.float32]]]:
    """Yield channels part by part; where they lie in files, the pages of a part are let go behind it."""
    for start in range(0, len(channels[0]), BLOCK):
        yield [channel[start : start + BLOCK] for channel in channels]
        for channel in channels:
            release_pages(channel)


def mix(channels: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the mean of channels."""
    if len(channels) == 1:
        return np.ascontiguousarray(channels[0])
    mixed = empty_array((len(channels[0]),))
    for n, parts in enumerate(blocks(channels)):
        out = mixed[n * BLOCK : (n + 1) * BLOCK]
        if len(parts) == 2:
            np.add(parts[0], parts[1], out=out)  # as MonoMixer does, in single precision
            out *= np.float32(0.5)
        else:
            np.stack(parts, axis=1).mean(axis=1, dtype=np.float32, out=out)
        release_pages(mixed)
    return mixed


def resample(
    samples: NDArray[np.float32], rate: int, target: int, quality: int, title: str, *, exact: bool = True
) -> NDArray[np.float32]:
    """Return one channel at another rate, with one of Essentia's qualities.

    Where it need not be `exact` to the last bit, it takes less time, and samples differ by about 1e-6 of full scale.
    """
    if rate == target:
        return np.ascontiguousarray(samples)
    convert = _resample_with_essentia if essentia.is_installed() else _resample_without
    if not exact:
        convert = partial(resample_fast, convert=convert)
    resampled = convert(np.ascontiguousarray(samples), rate, target, quality)
    if not len(resampled):
        raise AudioError(f"{title!r} is too short: {len(samples)} samples at {rate} Hz give none at {target} Hz.")
    return resampled


def _resample_with_essentia(
    samples: NDArray[np.float32], rate: float, target: float, quality: int
) -> NDArray[np.float32]:
    algorithm = essentia.standard().Resample(inputSampleRate=rate, outputSampleRate=target, quality=quality)
    return np.asarray(algorithm(samples))


def _resample_without(samples: NDArray[np.float32], rate: float, target: float, quality: int) -> NDArray[np.float32]:
    """Return what Essentia's Resample gives within 6e-8 of full scale, by the same library.

    There may be one sample more or less where whole steps are not whole numbers in double precision.
    """
    try:
        import samplerate
    except ImportError as error:
        raise AudioError(
            f"Sound is resampled by the package samplerate, which cannot be imported ({error}): pip install samplerate."
        ) from error
    length = count_resampled(len(samples), rate, target, quality)
    if quality == ZERO_ORDER_HOLD:  # it holds the last sample for as long as any other
        samples = np.append(samples, np.float32(0))
    return np.asarray(samplerate.resample(samples, divide_rates(rate, target), quality)[:length])


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
    extremes = [[one.min(), one.max()] for parts in blocks(channels) for one in parts]
    low, high = float(np.min(extremes)), float(np.max(extremes))
    if not np.isfinite(extremes).all():
        raise UndecodableError(f"{what} holds NaN or infinite samples; finite floats between -1 and 1 are expected.")
    if max(-low, high) > PEAK:
        raise UndecodableError(
            f"{what} holds samples up to {max(-low, high):.4g}; floats between -1 and 1 are expected: scale them."
        )


def silence_note(channels: Sequence[NDArray[np.float32]]) -> str:
    """Return that a sound is silent, or nearly so; empty where it is not, which the first loud sample tells."""
    peak = 0.0
    for parts in blocks(channels):
        peak = max(peak, *(float(max(-one.min(), one.max())) for one in parts))
        if peak >= SILENT:
            return ""
    level = f"almost silent (peak {20 * math.log10(peak):.0f} dBFS)".replace("-", "−") if peak else "silent"
    return f"{level}, {NOTHING_HEARD}"


def write_samples(file: IO[bytes], channels: list[NDArray[np.float32]]) -> None:
    """Write samples, frames first."""
    for parts in blocks(channels):
        block = parts[0] if len(parts) == 1 else np.stack(parts, axis=1)
        file.write(np.ascontiguousarray(block).data)
    file.flush()


def map_samples(file: IO[bytes], count: int | None = None) -> NDArray[np.float32]:
    """Return one channel that lies in a file, by default all of it."""
    count = file.seek(0, os.SEEK_END) // 4 if count is None else count
    return np.memmap(file, np.float32, "r", shape=(count,)) if count else np.empty(0, np.float32)
