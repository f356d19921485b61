"""Descriptors of sound by formula, without anything trained: what deep models have to be better than.

Conventions: samples are mono, ``[n]``, at 22,050 Hz. Frame ``i`` is centred on sample ``i * hop``, in zeros where it
reaches beyond the sound; arrays are frames first, ``[t, d]``, float32.

References
----------
S. Davis, P. Mermelstein, Comparison of parametric representations for monosyllabic word recognition in continuously
spoken sentences, IEEE Transactions on Acoustics, Speech, and Signal Processing, 1980, and B. Logan, Mel frequency
cepstral coefficients for music modeling, ISMIR 2000, for MFCC. T. Fujishima, Realtime chord recognition of musical
sound: a system using Common Lisp Music, ICMC 1999, for chroma.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 22_050
MFCC_FRAME, MFCC_HOP, COEFFICIENTS, BANDS = 2048, 1024, 20, 40
FLOOR = 1e-10  # power of a band that counts as silence: -100 dB
CHROMA_FRAME, CHROMA_HOP = 8192, 2048  # long enough to tell semitones apart
CHROMA_RANGE = (100.0, 5000.0)  # Hz; below, semitones are nearer than the bins of a frame
PITCH_CLASSES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
BLOCK = 256  # frames computed together


def mfcc(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return mel-frequency cepstral coefficients: the shape of the spectrum, ``[t, 20]``.

    The power spectrum of each frame (Hann window) is summed in 40 triangular bands from 0 to 11,025 Hz, evenly spaced
    on the mel scale 2595 log10(1 + f / 700); their levels in decibels, -100 and more, go through an orthonormal DCT-II,
    of which the first 20 coefficients are kept. Number 0 tells how loud the frame is.
    """
    from scipy.fft import dct

    bank = mel_filters()
    levels = [10 * np.log10(np.maximum(power @ bank, FLOOR)) for power in _power_spectra(samples, MFCC_FRAME, MFCC_HOP)]
    return np.asarray(dct(np.concatenate(levels), norm="ortho", axis=1)[:, :COEFFICIENTS], np.float32)


def chroma(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how the energy of each frame is shared among the twelve pitch classes from C to B, ``[t, 12]``.

    Each bin of the power spectrum (Hann window) from 100 to 5,000 Hz counts for the nearest note of equal temperament,
    with A at 440 Hz. Shares sum to 1; those of silence are 0.
    """
    classes = _pitch_classes()
    found = []
    for power in _power_spectra(samples, CHROMA_FRAME, CHROMA_HOP):
        energy = power @ classes
        total = energy.sum(axis=1, keepdims=True)
        found.append(np.divide(energy, total, out=np.zeros_like(energy), where=total > FLOOR))
    return np.concatenate(found).astype(np.float32)


@cache
def mel_filters() -> NDArray[np.float64]:
    """Return the weights of the mel bands of :func:`mfcc`, ``[bins, 40]``: triangles with a peak of 1."""
    mels = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2)
    low, peak, high = (700 * (10 ** (mels[i : i + BANDS] / 2595) - 1) for i in range(3))
    bins = np.fft.rfftfreq(MFCC_FRAME, 1 / RATE)[:, np.newaxis]
    return np.maximum(0, np.minimum((bins - low) / (peak - low), (high - bins) / (high - peak)))


@cache
def _pitch_classes() -> NDArray[np.float64]:
    """Return which bin counts for which pitch class, ``[bins, 12]``."""
    bins = np.fft.rfftfreq(CHROMA_FRAME, 1 / RATE)
    inside = np.flatnonzero((bins >= CHROMA_RANGE[0]) & (bins <= CHROMA_RANGE[1]))
    classes = np.zeros((len(bins), len(PITCH_CLASSES)))
    semitones = np.rint(12 * np.log2(bins[inside] / 440)).astype(int) + PITCH_CLASSES.index("A")
    classes[inside, semitones % 12] = 1
    return classes


def _power_spectra(samples: NDArray[np.float32], frame: int, hop: int) -> Iterator[NDArray[np.float64]]:
    """Yield the power spectra of blocks of frames, ``[at most 256, bins]``; a sine of amplitude 1 has a peak of 1."""
    window = np.hanning(frame + 1)[:-1]
    window *= 2 / window.sum()
    padded = np.pad(samples, frame // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
    for start in range(0, len(frames), BLOCK):
        yield np.abs(np.fft.rfft(frames[start : start + BLOCK] * window, axis=1)) ** 2
