"""Resampling without waiting: the filters of libsamplerate, applied to whole runs of samples.

Conventions: samples are float32, one channel ``[n]``. A *period* is the smallest number of input samples that becomes a
whole number of output samples: 441 become 160 from 44,100 to 16,000 Hz. A quality is Essentia's, 0 (best) to 2; its
filter is a table of so many *steps* per input sample, between which libsamplerate interpolates.

libsamplerate computes the filter anew for each output sample. Each output sample of a period has a filter of its own,
which is nearly the same in all periods: the ratio of the rates is rounded to single precision, so that it drifts. Here
it is computed a few times in a *block* of periods, the rest is a product of matrices. Samples differ by about 1e-6 of
full scale at most.

References
----------
J. O. Smith, P. Gossett, A flexible sampling-rate conversion method, IEEE International Conference on Acoustics, Speech,
and Signal Processing, 1984.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS = {0: 2381, 1: 491}  # of the tables; quality 2 has so few that its corners would show
CROSSINGS = {0: 143, 1: 46}  # input samples to each side that a filter reaches
POINTS = 4096  # between two steps, where libsamplerate rounds to
LARGEST_RATIO = 200.0  # that libsamplerate is asked for
DRIFT = 4e-6  # input samples times steps, by which filters of a block may drift apart
MOST, FEWEST = 4096, 64  # periods in a block; with fewer of them, a product of matrices does not pay
OUTPUTS = 160  # of a period, at least: several short periods count as one
AT_ONCE = 1 << 16  # samples that are interpolated at a time
TOGETHER = 16  # output samples whose inputs are one run

LINEAR, ZERO_ORDER_HOLD = 4, 3  # qualities; better ones are windowed sincs

# From samples, their rate, another one, and a quality: libsamplerate.
Convert = Callable[["NDArray[np.float32]", float, float, int], "NDArray[np.float32]"]


def divide_rates(rate: float, target: float) -> float:
    """Return the ratio of two rates as Essentia divides them: in single precision."""
    return float(np.float32(target) / np.float32(rate))


def count_resampled(n: int, rate: float, target: float, quality: int) -> int:
    """Return how many samples libsamplerate makes of `n`."""
    ratio = divide_rates(rate, target)
    if quality == ZERO_ORDER_HOLD:
        return math.floor(n * ratio) + 1
    # With a sinc, the last step has to end before the end of the sound.
    return math.ceil(n * ratio) - (quality < ZERO_ORDER_HOLD)


def resample_fast(
    samples: NDArray[np.float32], rate: int, target: int, quality: int, convert: Convert
) -> NDArray[np.float32]:
    """Return what `convert` gives to about 1e-6 of full scale, by the quickest way that there is."""
    length, ratio = count_resampled(len(samples), rate, target, quality), divide_rates(rate, target)
    # Where a sample stands on the end itself, roundings of libsamplerate decide whether it is made, unless it has none.
    exact = math.frexp(ratio)[0] == 0.5
    if quality == LINEAR and (exact or len(samples) * ratio % 1):
        return _interpolate(samples, ratio, length)
    sinc = SincResampler(rate, target, quality)
    return sinc(samples, length, convert) if sinc.pays and length > 0 else convert(samples, rate, target, quality)


def _interpolate(samples: NDArray[np.float32], ratio: float, length: int) -> NDArray[np.float32]:
    """Return samples interpolated linearly, one sample late: the first one stands before itself."""
    out = np.empty(length, np.float32)
    for first in range(0, length, AT_ONCE):
        at = np.arange(first, min(first + AT_ONCE, length)) / ratio
        after = np.minimum(at.astype(np.int64), len(samples) - 1)
        before = samples[np.maximum(after - 1, 0)] if len(samples) > 1 else np.float32(0)  # as in libsamplerate
        out[first : first + AT_ONCE] = before + (at - after) * (samples[after] - before)
    return out


class SincResampler:
    """Sinc resampling from one rate to another.

    Parameters
    ----------
    rate, target : int
        In Hz.
    quality : int
        Essentia's.
    """

    def __init__(self, rate: int, target: int, quality: int) -> None:
        divisor = math.gcd(rate, target)
        times = -(-OUTPUTS * divisor // target)
        self._inputs, self._outputs = rate // divisor * times, target // divisor * times
        self._quality = quality
        self._ratio = divide_rates(rate, target)
        # Input samples by which a period differs from what it should be.
        self._drift = self._outputs / self._ratio - self._inputs
        self._scale = min(1.0, self._ratio)
        most = DRIFT * STEPS.get(quality, 0) * min(1, 3 * self._scale)
        self._block = MOST if self._drift == 0 else min(MOST, int(most / abs(self._drift)))

    @property
    def pays(self) -> bool:
        """Whether libsamplerate takes longer, and samples differ by about 1e-6 of full scale at most."""
        return self._quality in STEPS and self._block >= FEWEST

    def __call__(self, samples: NDArray[np.float32], length: int, convert: Convert) -> NDArray[np.float32]:
        """Return the first `length` samples at the other rate.

        The filter is measured with `convert`.
        """
        table = _measure_table(self._quality, convert)
        periods = -(-length // self._outputs)
        begins, width = self._runs(periods)
        lead = -int(begins[0])
        behind = periods * self._inputs + int(begins[-1]) + width
        padded = np.pad(samples, (lead, max(0, behind - len(samples))))
        out = np.empty((periods, self._outputs), np.float32)
        start = self._filters(table, 0, begins, width)
        for first in range(0, periods, self._block):
            count = min(self._block, periods - first)
            parts = [start]
            if self._drift:
                middle, end = (self._filters(table, first + self._block * n / 2, begins, width) for n in (1, 2))
                # A parabola through the three, by its slope and curvature.
                parts += [4 * middle - 3 * start - end, 2 * (start - 2 * middle + end)]
                start = end
            filters = np.stack(parts)
            for group, begin in enumerate(begins):
                outputs = slice(group * TOGETHER, (group + 1) * TOGETHER)
                there = padded[lead + first * self._inputs + int(begin) :]
                runs = np.lib.stride_tricks.sliding_window_view(there, width)[:: self._inputs][:count]
                out[first : first + count, outputs] = self._apply(runs, filters[:, outputs])
        return out.reshape(-1)[:length]

    def _apply(self, runs: NDArray[np.float32], filters: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs ``[t, n]`` of filters ``[1 or 3, n, width]`` for runs of inputs ``[t, width]``."""
        products = (runs @ filters.reshape(-1, filters.shape[2]).T).reshape(len(runs), len(filters), -1)
        if len(filters) == 1:
            return products[:, 0]
        at = np.arange(len(runs), dtype=np.float32)[:, np.newaxis] / np.float32(self._block)
        return products[:, 0] + at * (products[:, 1] + at * products[:, 2])

    def _runs(self, periods: int) -> tuple[NDArray[np.int64], int]:
        """Return the first input of each group of outputs, counted from their period's, and how many it takes."""
        reach = math.ceil((CROSSINGS[self._quality] + 1) / self._scale)
        at = np.arange(self._outputs) / self._ratio
        drift = self._drift * (periods + self._block)
        begins = np.floor(at[::TOGETHER] + min(0, drift)).astype(np.int64) - reach
        ends = np.ceil(at[TOGETHER - 1 :: TOGETHER] + max(0, drift)).astype(np.int64) + reach
        ends = np.append(ends, math.ceil(at[-1] + max(0, drift)) + reach)[: len(begins)]
        return begins, int((ends - begins).max()) + 1

    def _filters(
        self, table: NDArray[np.float32], period: float, begins: NDArray[np.int64], width: int
    ) -> NDArray[np.float32]:
        """Return the filters of all outputs of a period, ``[outputs, width]``, as libsamplerate interpolates them."""
        step = STEPS[self._quality] * self._scale * POINTS
        at = np.arange(self._outputs) / self._ratio + self._drift * period
        whole = np.floor(at)
        taps = np.repeat(begins, TOGETHER)[: self._outputs, np.newaxis] + np.arange(width) - whole[:, np.newaxis]
        distance = np.rint((at - whole) * step)[:, np.newaxis] - taps * np.rint(step)
        points = np.abs(distance).astype(np.int32)
        places = np.minimum(points // POINTS, len(table) - 2)
        lower = table[places]
        between = (points % POINTS).astype(np.float32) / np.float32(POINTS)
        return np.asarray((lower + between * (table[places + 1] - lower)) * np.float32(self._scale))


_tables: dict[int, NDArray[np.float32]] = {}


def _measure_table(quality: int, convert: Convert) -> NDArray[np.float32]:
    """Return one side of a filter, from its middle on: what libsamplerate makes of single samples that are not 0."""
    if quality not in _tables:
        steps, reach = STEPS[quality], CROSSINGS[quality]
        ways = 1
        while steps / ways > LARGEST_RATIO:
            ways *= 2
        table = np.zeros(steps * (reach + 1), np.float32)
        for way in range(ways):
            impulse = np.zeros(ways + 2 * reach, np.float32)
            impulse[way] = 1
            response = convert(impulse, 1.0, steps / ways, quality)
            places = np.arange(len(response)) * ways - steps * way
            inside = (places >= 0) & (places < len(table) - 2)
            table[places[inside]] = response[inside]
        _tables[quality] = table
    return _tables[quality]
