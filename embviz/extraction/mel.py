"""Mel-spectrograms: the only signal processing in embviz.

Conventions: a *frame* is the run of samples that one column of a mel-spectrogram is made of. Frame ``i`` is centred on
sample ``i * hop`` (the first one starts half a frame before the sound, in zeros). Arrays are frames first: ``[t,
bands]``.

There are two ways to the same numbers. The *exact* one calls Essentia's input algorithms frame by frame, so patches
equal those inside ``TensorflowPredictMusiCNN``, ``TensorflowPredictVGGish`` and ``TensorflowPredictTempoCNN`` to the
last bit. The other one is NumPy's over blocks of frames and needs no Essentia: its windows and filter banks are the
same to the last bit, because they are computed in single precision where Essentia does; what is left are roundings of
sums, a few millionths of a mel-spectrogram's spread, of which most are Essentia's.

One exception is made on purpose in both: Essentia's predictors replace frames of digital silence with unseeded noise at
-100 dB. Here silence stays zero, so that a track always gives the same numbers. MusiCNN's compression hides that noise;
Tempo-CNN standardises each patch and would blow it up into a random tempo.

OpenL3 has no algorithm of its own in Essentia. Its front-end follows the authors' description of the converted models:
1-second chunks, each in decibels relative to its own maximum and limited to 80 dB.

A track may last for hours, its samples and its mel-spectrogram may lie in files: both are walked through block by
block.

References
----------
S. Davis, P. Mermelstein, Comparison of parametric representations for monosyllabic word recognition in continuously
spoken sentences, IEEE Transactions on Acoustics, Speech, and Signal Processing, 1980; M. Slaney, Auditory Toolbox,
Interval Research Corporation, 1998, and S. Young et al., The HTK Book, 2006, for the two mel scales.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core import essentia
from embviz.core.memmap import empty_array, release_pages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.extraction.frontends import FrontEnd

BLOCK = 1 << 17  # samples of the frames that are computed together, so that they stay in the processor's cache
BANDS_AT_ONCE = 16  # at most
LARGEST_PRODUCT = 1 << 18  # multiplications that libraries leave to one thread
_HEADROOM = np.float32(0.005)  # above the peak of what is leveled
LET_GO = 128  # blocks after which the pages of files that were walked through are let go


@dataclass(frozen=True)
class _Analysis:
    """What becomes of a frame. Essentia's input algorithms bring theirs along, which are these."""

    fft: int  # samples that a frame is padded to
    formula: str  # of the mel scale
    low: float  # Hz, the lower edge of the first band …
    high: float  # … and the upper edge of the last one
    power: bool = False  # whether squares of the magnitudes are summed
    warped: bool = False  # whether triangles have straight sides over mels, rather than over Hz
    unit_area: bool = True  # whether triangles have an area of 1 (in Hz), rather than a peak of 1
    # log(scale * x + shift) * factor; none where magnitudes go on as they are.
    compression: tuple[float, float, float] | None = None
    # (x - mean) * factor of what was compressed, with the figures of a training set.
    standard: tuple[float, float] | None = None
    window: str = "hann"
    floor: float = 0  # of what is compressed
    leveled: bool = False  # whether a track is brought to zero mean and a peak near 1 beforehand


_ANALYSES = {
    "musicnn": _Analysis(512, "slaneyMel", 0, 8000, power=True, compression=(10_000, 1, 1 / math.log(10))),
    "maest": _Analysis(
        512,
        "slaneyMel",
        0,
        8000,
        power=True,
        compression=(10_000, 1, 1 / math.log(10)),
        standard=(2.06755686098554, 1 / (2 * 1.268292820667291)),
    ),
    "vggish": _Analysis(512, "htkMel", 125, 7500, warped=True, unit_area=False, compression=(1, 0.01, 1)),
    "fsd-sinet": _Analysis(
        2048,
        "slaneyMel",
        50,
        10_500,
        power=True,
        unit_area=False,
        compression=(1, 0, 1 / math.log(10)),
        window="hamming",
        floor=1e-30,
        leveled=True,
    ),
    "tempocnn": _Analysis(1024, "slaneyMel", 20, 5000),
    "openl3-mel128": _Analysis(2048, "slaneyMel", 0, 24_000),
    "openl3-mel256": _Analysis(2048, "slaneyMel", 0, 24_000),
    # Of no network: what is shown of sound beyond 8 kHz.
    "wide": _Analysis(2048, "slaneyMel", 0, 24_000, power=True, compression=(10_000, 1, 1 / math.log(10))),
}


# Frames. -------------------------------------------------------------------------------------------------------------


def n_frames(n_samples: int, frame: int, hop: int) -> int:
    """Return how many frames Essentia's FrameCutter gives with its defaults (first frame centred on sample 0).

    It stops after the first frame whose centre is at or beyond the end, and never starts one beyond the end.
    """
    first = -((frame + 1) // 2)
    reaching_the_end = -(-(n_samples - first - frame // 2) // hop) + 1
    starting_before = -(-(n_samples - first) // hop)
    return min(reaching_the_end, starting_before)


def cut_frames(
    samples: NDArray[np.float32], frame: int, hop: int, *, first: int = 0, stop: int | None = None
) -> NDArray[np.float32]:
    """Return frames ``[first, stop)`` of a signal, by default all, as FrameCutter cuts them: ``[t, frame]``.

    They are a view of the samples, or of a padded copy where they reach beyond the signal.
    """
    stop = n_frames(len(samples), frame, hop) if stop is None else stop
    begin = first * hop - (frame + 1) // 2
    end = begin + (stop - first - 1) * hop + frame
    part = np.asarray(samples[max(begin, 0) : end])
    before, after = max(-begin, 0), max(end - len(samples), 0)
    if before or after:
        part = np.pad(part, (before, after))
    return np.lib.stride_tricks.sliding_window_view(part, frame)[::hop]


# Filter banks. -------------------------------------------------------------------------------------------------------


def filter_bank(frontend: FrontEnd) -> NDArray[np.float32]:
    """Return the weights of a front-end's bands, ``[bins, bands]``: those of Essentia's MelBands to the last bit."""
    return _filter_bank(frontend.name, frontend.bands, frontend.sample_rate)


def band_centers(frontend: FrontEnd) -> NDArray[np.float64]:
    """Return where the triangles of a front-end have their peaks, in Hz, ``[bands]``."""
    return _band_edges(_ANALYSES[frontend.name], frontend.bands)[1:-1].astype(np.float64)


def band_limits(frontend: FrontEnd) -> NDArray[np.float64]:
    """Return where the triangles of a front-end begin and end, in Hz, ``[bands, 2]``."""
    edges = _band_edges(_ANALYSES[frontend.name], frontend.bands).astype(np.float64)
    return np.stack([edges[:-2], edges[2:]], axis=1)


@cache
def _filter_bank(name: str, bands: int, rate: int) -> NDArray[np.float32]:
    analysis = _ANALYSES[name]
    edges = _band_edges(analysis, bands)
    step = np.float32(rate / analysis.fft)
    bins = np.arange(analysis.fft // 2 + 1, dtype=np.float32)[:, np.newaxis]
    frequencies = bins * step
    scale = _hz_to_htk if analysis.warped else np.float32
    low, peak, high = (np.asarray(scale(edges))[i : i + bands] for i in range(3))
    rise, fall = peak - low, high - peak
    at = scale(frequencies)
    weights: NDArray[np.float32] = np.where(frequencies < edges[1:-1], (at - low) / rise, (high - at) / fall)
    if analysis.unit_area:
        weights /= (rise + fall) / np.float32(2)
    inside = (bins >= np.ceil(edges[:-2] / step)) & (bins <= np.floor(edges[2:] / step))
    return np.ascontiguousarray(np.where(inside, weights, np.float32(0)))


def _band_edges(analysis: _Analysis, bands: int) -> NDArray[np.float32]:
    """Return the edges of all bands in Hz, ``[bands + 2]``: band ``i`` reaches from edge ``i`` to edge ``i + 2``."""
    to_mel, to_hz = _SCALES[analysis.formula]
    low, high = to_mel(np.float32(analysis.low)), to_mel(np.float32(analysis.high))
    steps = np.full(bands + 2, (high - low) / np.float32(bands + 1), np.float32)
    steps[0] = low
    return np.asarray(to_hz(np.cumsum(steps, dtype=np.float32)))


# The mel scales, in single and double precision just where Essentia has them: it shows in the bank's last bits.
_SLANEY_SLOPE = np.float32(3 / 200)
_SLANEY_BREAK = np.float32(1000)
_SLANEY_KNEE = _SLANEY_BREAK * _SLANEY_SLOPE
_SLANEY_STEP = np.float32(math.log(6.4) / 27)


def _hz_to_slaney(hz: Any) -> Any:
    if hz < _SLANEY_BREAK:
        return hz * _SLANEY_SLOPE
    return _SLANEY_KNEE + np.float32(math.log(hz / _SLANEY_BREAK)) / _SLANEY_STEP


def _slaney_to_hz(mel: Any) -> Any:
    powers = np.exp(np.float64((mel - _SLANEY_KNEE) * _SLANEY_STEP)).astype(np.float32)
    return np.where(mel < _SLANEY_KNEE, mel / _SLANEY_SLOPE, _SLANEY_BREAK * powers)


def _hz_to_htk(hz: Any) -> Any:
    return np.float32(2595 * np.log10(np.float64(hz) / 700 + 1))


def _htk_to_hz(mel: Any) -> Any:
    return np.float32(700 * (np.power(10.0, np.float64(mel) / 2595) - 1))


_SCALES = {"slaneyMel": (_hz_to_slaney, _slaney_to_hz), "htkMel": (_hz_to_htk, _htk_to_hz)}


# Spectrograms. -------------------------------------------------------------------------------------------------------


def mel_spectrogram(
    samples: NDArray[np.float32],
    frontend: FrontEnd,
    *,
    exact: bool = True,
    report: Callable[[int, int], object] = lambda _done, _total: None,
) -> NDArray[np.float32]:
    """Return the mel-spectrogram of a front-end whose frames run through, ``[t, bands]``.

    Parameters
    ----------
    samples : ndarray, shape [n]
        A frame that holds NaN or infinity is spoilt, and no other.
    frontend : FrontEnd
    exact : bool
        Whether by Essentia's own algorithm, to the last bit, rather than by NumPy, several times as fast.
    report : callable
        Is given the frames done and all of them again and again, and may raise to cancel.
    """
    if _ANALYSES[frontend.name].leveled:
        samples = _level(samples)
    total = n_frames(len(samples), frontend.frame, frontend.hop)
    mel = empty_array((total, frontend.bands))
    compute = _essentia_mel(frontend) if exact else _numpy_mel(frontend)
    for n, (first, stop) in enumerate(_blocks(total, frontend)):
        if n % LET_GO == 0:
            report(first, total)
            release_pages(samples)
            release_pages(mel)
        compute(cut_frames(samples, frontend.frame, frontend.hop, first=first, stop=stop), mel[first:stop])
    report(total, total)
    release_pages(mel)
    return mel


def _level(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return samples with zero mean and a peak near 1, as FSD-SINet was trained on; silence as it is.

    Samples that are no numbers have no part in it.
    """
    leveled = empty_array(samples.shape)
    parts = [slice(first, first + BLOCK) for first in range(0, len(samples), BLOCK)]
    total = peak = np.float32(0)
    for part in parts:  # sample by sample in single precision, as Essentia does
        total = np.add.accumulate(np.append(total, _finite(samples[part])), dtype=np.float32)[-1]
    for part in parts:
        np.subtract(samples[part], total / np.float32(len(samples)), out=leveled[part])
        peak = max(peak, np.abs(_finite(leveled[part])).max())
    if peak > 0:
        for part in parts:
            leveled[part] /= peak + _HEADROOM
    return leveled


def _finite(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.nan_to_num(samples, nan=0, posinf=0, neginf=0)


def _blocks(total: int, frontend: FrontEnd) -> Iterator[tuple[int, int]]:
    count = _block_frames(frontend)
    return ((first, min(first + count, total)) for first in range(0, total, count))


def _block_frames(frontend: FrontEnd) -> int:
    return BLOCK // _ANALYSES[frontend.name].fft


def _essentia_mel(frontend: FrontEnd) -> Callable[[NDArray[np.float32], NDArray[np.float32]], None]:
    """Return the function that writes the bands of some frames ``[t, frame]`` into an array ``[t, bands]``."""
    es = essentia.standard()
    if frontend.algorithm:
        of_frame = getattr(es, frontend.algorithm)()
    else:
        window = es.Windowing(size=frontend.frame, normalized=False)
        spectrum = es.Spectrum(size=frontend.frame)
        bands = _essentia_bands(frontend)

        def of_frame(frame: NDArray[np.float32]) -> Any:
            return bands(spectrum(window(frame)))

    def compute(frames: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        for i, frame in enumerate(frames):
            out[i] = of_frame(frame)
        _standardise_bands(out, frontend)

    return compute


def _standardise_bands(out: NDArray[np.float32], frontend: FrontEnd) -> None:
    """Bring bands to the mean and the spread of a network's training set, in place, as Essentia's operators do."""
    if (standard := _ANALYSES[frontend.name].standard) is not None:
        mean, factor = map(np.float32, standard)
        out -= mean
        out *= factor


def _essentia_bands(frontend: FrontEnd) -> Any:
    """Return Essentia's filter bank of a front-end, which takes magnitudes ``[bins]``."""
    analysis = _ANALYSES[frontend.name]
    return essentia.standard().MelBands(
        numberBands=frontend.bands,
        inputSize=analysis.fft // 2 + 1,
        sampleRate=frontend.sample_rate,
        lowFrequencyBound=analysis.low,
        highFrequencyBound=analysis.high,
        warpingFormula=analysis.formula,
        weighting="warping" if analysis.warped else "linear",
        normalize="unit_tri" if analysis.unit_area else "unit_max",
        type="magnitude",
        log=False,
    )


def _numpy_mel(frontend: FrontEnd) -> Callable[[NDArray[np.float32], NDArray[np.float32]], None]:
    """Return the function that :func:`_essentia_mel` returns, without Essentia."""
    analysis, window, slices = _ANALYSES[frontend.name], _window(frontend), _bank_slices(frontend)
    padded = np.zeros((_block_frames(frontend), analysis.fft), np.float32)

    @np.errstate(invalid="ignore")  # what holds infinity becomes NaN
    def compute(frames: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        n = len(frames)
        np.multiply(frames, window, out=padded[:n, : frontend.frame])
        spectrum = np.fft.rfft(padded[:n])
        energy = np.square(spectrum.real)
        energy += np.square(spectrum.imag)
        if not analysis.power:
            np.sqrt(energy, out=energy)
        for bins, bands, weights in slices:
            np.matmul(energy[:, bins], weights, out=out[:, bands])
        if analysis.compression is not None:
            scale, shift, factor = map(np.float32, analysis.compression)
            out *= scale
            out += shift
            np.maximum(out, np.float32(analysis.floor), out=out)
            np.log(out, out=out)
            out *= factor
        _standardise_bands(out, frontend)

    return compute


def _bank_slices(frontend: FrontEnd, count: int = BANDS_AT_ONCE) -> list[tuple[slice, slice, NDArray[np.float32]]]:
    """Return a filter bank in pieces, each with the bins and the bands that it stands for.

    A bank is nearly diagonal, which saves work. Above all, small products are left to one thread by the libraries that
    compute them: where all cores are busy, two threads wait for each other longer than they compute.
    """
    bank, slices = filter_bank(frontend), []
    for first in range(0, frontend.bands, count):
        bands = slice(first, first + count)
        used = np.flatnonzero(bank[:, bands].any(axis=1))
        bins = slice(used[0], used[-1] + 1)
        slices.append((bins, bands, np.ascontiguousarray(bank[bins, bands])))
    if count > 1 and max(weights.size for *_, weights in slices) * _block_frames(frontend) > LARGEST_PRODUCT:
        return _bank_slices(frontend, count // 2)
    return slices


def _window(frontend: FrontEnd) -> NDArray[np.float32]:
    """Return the window of a front-end's frames."""
    if _ANALYSES[frontend.name].window == "hann":
        return _hann(frontend.frame)
    angles = 2 * np.pi * np.arange(frontend.frame) / frontend.frame  # periodic, unlike the other
    return np.asarray(0.54 - 0.46 * np.cos(angles), np.float32)


@cache
def _hann(size: int) -> NDArray[np.float32]:
    """Return Essentia's window, which is symmetric."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / (size - 1)), np.float32)


# What networks take. -------------------------------------------------------------------------------------------------


def standardise(patches: NDArray[np.float32], *, exact: bool = True) -> NDArray[np.float32]:
    """Give each patch ``[n, t, bands]`` zero mean and unit variance, and turn it: ``[n, bands, t, 1]``.

    A patch whose numbers are all the same becomes zero.
    """
    if exact:
        normalise = essentia.standard().TensorNormalize(scaler="standard")
        normal = normalise(np.ascontiguousarray(patches[:, np.newaxis]))[:, 0]
    else:
        # In double precision the mean of equal numbers is that number.
        means = patches.mean(axis=(1, 2), dtype=np.float64, keepdims=True).astype(np.float32)
        normal = patches - means
        deviations = np.sqrt(np.square(normal).mean(axis=(1, 2), dtype=np.float64, keepdims=True)).astype(np.float32)
        normal /= np.where(deviations == 0, np.float32(1), deviations)
    return np.ascontiguousarray(normal.transpose(0, 2, 1)[..., np.newaxis])


def decibel_mel(
    frontend: FrontEnd, patch_frames: int, *, exact: bool = True
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return the function from a chunk of sound to OpenL3's decibels, ``[t, bands]``."""
    compute = _essentia_mel(frontend) if exact else _numpy_mel(frontend)

    def decibels(chunk: NDArray[np.float32]) -> NDArray[np.float32]:
        # 199 of 200 frames: the last has less than half a frame of sound in it.
        frames = cut_frames(chunk, frontend.frame, frontend.hop)[:patch_frames]
        mel = np.empty((len(frames), frontend.bands), np.float32)
        for first, stop in _blocks(len(frames), frontend):
            compute(frames[first:stop], mel[first:stop])
        level = np.float32(10) * np.log10(np.maximum(np.float32(1e-10), mel))
        return np.asarray(np.maximum(level, level.max() - np.float32(80)) - level.max())

    return decibels
