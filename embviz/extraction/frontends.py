"""Mel front-ends and patches: the only signal processing in embviz.

Conventions: a *frame* is one column of a mel-spectrogram, a *patch* the run of frames a network sees at once. Frame
``i`` of the mel front-ends is centred on sample ``i * hop`` (the first one starts half a frame before the sound, in
zeros). Arrays are frames first: ``[t, bands]``, patches ``[n, t, bands]``.

All arithmetic is Essentia's, called through its input algorithms, so patches equal those inside
``TensorflowPredictMusiCNN``, ``TensorflowPredictVGGish`` and ``TensorflowPredictTempoCNN`` to the last bit, with one
exception made on purpose: those algorithms replace frames of digital silence with unseeded noise at -100 dB. Here
silence stays zero, so that a track always gives the same numbers. MusiCNN's compression hides that noise; Tempo-CNN
standardises each patch and would blow it up into a random tempo.

OpenL3 has no algorithm of its own in Essentia. Its front-end follows the authors' description of the converted models
(1-second chunks, each in decibels relative to its own maximum and limited to 80 dB); Spleeter computes its spectrogram
inside the graph and takes the samples as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from embviz.core import essentia
from embviz.core.memmap import release_pages
from embviz.inference.session import OverlappingPatches, PatchBatch

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FrontEnd:
    """What stands between samples and a network."""

    name: str  # key in FRONTENDS
    algorithm: str  # Essentia's input algorithm, or empty where there is none
    sample_rate: int  # samples per second
    frame: int  # samples in a frame …
    hop: int  # … and from one frame to the next
    bands: int  # mel bands; the frequency bins that the network keeps for Spleeter
    channels: int = 1  # of the input
    chunk: int = 0  # samples of the chunks that are analysed on their own (OpenL3, Spleeter); 0: frames run through
    # Whether each patch is brought to zero mean and unit variance and turned to [bands, t, 1] (Tempo-CNN).
    standardised: bool = False
    # Patches in one pass, as in Essentia's algorithm or example: the last bits of a matrix product depend on it.
    batch: int = 64

    @property
    def continuous(self) -> bool:
        """Whether frames run through: one mel-spectrogram of the track serves all patches."""
        return not self.chunk


FRONTENDS = {
    frontend.name: frontend
    for frontend in (
        FrontEnd("musicnn", "TensorflowInputMusiCNN", 16_000, 512, 256, 96),
        FrontEnd("vggish", "TensorflowInputVGGish", 16_000, 400, 160, 64),
        FrontEnd("tempocnn", "TensorflowInputTempoCNN", 11_025, 1024, 512, 40, standardised=True, batch=16),
        FrontEnd("openl3-mel128", "", 48_000, 2048, 242, 128, chunk=48_000, batch=60),
        FrontEnd("openl3-mel256", "", 48_000, 2048, 242, 256, chunk=48_000, batch=60),
        FrontEnd("spleeter", "", 44_100, 4096, 1024, 1024, channels=2, chunk=512 * 1024, batch=12),
    )
}


# The mel scale of a front-end: its formula, the lowest and the highest frequency in Hz. Essentia's algorithms bring
# their own along, which are these.
_MEL_SCALES = {
    "musicnn": ("slaneyMel", 0.0, 8000.0),
    "vggish": ("htkMel", 125.0, 7500.0),
    "tempocnn": ("slaneyMel", 20.0, 5000.0),
    "openl3-mel128": ("slaneyMel", 0.0, 24_000.0),
    "openl3-mel256": ("slaneyMel", 0.0, 24_000.0),
}
_HTK_BREAK, _HTK_FACTOR = 700.0, 1127.01048
_SLANEY_LINEAR, _SLANEY_BREAK, _SLANEY_STEP = 200 / 3, 1000.0, math.log(6.4) / 27


def band_frequencies(frontend: FrontEnd) -> NDArray[np.float64]:
    """Return the centre of each band of a front-end in Hz, ``[bands]``: where its triangle has its peak.

    Centres are evenly spaced on the front-end's mel scale, from the first one above the lowest frequency to the last
    one below the highest. Spleeter's bands are the bins of its spectrum.
    """
    if frontend.name not in _MEL_SCALES:
        return np.arange(frontend.bands) * frontend.sample_rate / frontend.frame
    formula, low, high = _MEL_SCALES[frontend.name]
    to_mel, to_hz = _MEL_FORMULAS[formula]
    mels = np.linspace(to_mel(np.float64(low)), to_mel(np.float64(high)), frontend.bands + 2)
    return np.asarray(to_hz(mels[1:-1]))


def _hz_to_htk(hz: Any) -> Any:
    return _HTK_FACTOR * np.log1p(hz / _HTK_BREAK)


def _htk_to_hz(mel: Any) -> Any:
    return _HTK_BREAK * np.expm1(mel / _HTK_FACTOR)


def _hz_to_slaney(hz: Any) -> Any:
    knee = _SLANEY_BREAK / _SLANEY_LINEAR
    return np.where(
        hz < _SLANEY_BREAK, hz / _SLANEY_LINEAR, knee + np.log(np.maximum(hz, 1) / _SLANEY_BREAK) / _SLANEY_STEP
    )


def _slaney_to_hz(mel: Any) -> Any:
    knee = _SLANEY_BREAK / _SLANEY_LINEAR
    return np.where(mel < knee, mel * _SLANEY_LINEAR, _SLANEY_BREAK * np.exp((mel - knee) * _SLANEY_STEP))


_MEL_FORMULAS = {"htkMel": (_hz_to_htk, _htk_to_hz), "slaneyMel": (_hz_to_slaney, _slaney_to_hz)}


@dataclass(frozen=True)
class PatchLayout:
    """Where the patches of a track lie; all in samples, but for their number."""

    n_patches: int
    start: int  # first sample of what the first patch stands for
    first_frame: int  # first sample of what the first frame of the first patch stands for
    hop: int  # from one patch to the next
    length: int  # what a patch stands for
    receptive_field: int  # what a patch can have heard, centred on what it stands for
    padded: bool = False  # whether the track was shorter than one patch


def lay_out_patches(n_samples: int, frontend: FrontEnd, *, patch_frames: int, hop: int) -> PatchLayout:
    """Return where the patches of a track of so many samples lie; patches and hop are those of `cut_patches`."""
    if frontend.continuous:
        frames = n_frames(n_samples, frontend.frame, frontend.hop)
        n_patches = max(0, frames - patch_frames) * frontend.hop // hop + 1
        start, length = -(frontend.hop // 2), patch_frames * frontend.hop
        heard = length - frontend.hop + frontend.frame
        return PatchLayout(n_patches, start, start, hop, length, heard, padded=frames < patch_frames)
    length = frontend.chunk
    if frontend.channels == 2:
        # Frames and segments are centred on what they read, which goes on behind them.
        ahead = frontend.frame - frontend.hop
        return PatchLayout(-(-n_samples // length), ahead // 2, ahead // 2, length, length, length + ahead)
    start = -(length // 2)
    return PatchLayout(n_frames(n_samples, length, hop), start, start - frontend.hop // 2, hop, length, length)


class Patches(Protocol):
    """The patches of a track for one front-end: counted at once, computed when asked for."""

    def __len__(self) -> int: ...

    def batch(self, first: int, stop: int) -> PatchBatch:
        """Return patches ``[first, stop)`` as the network takes them."""

    def select_patches(self, output: NDArray[np.float32], first: int, stop: int, *, sound: bool) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the part of a node's output that belongs to patches ``[first, stop)``.

        `sound` tells that the node's first axis is samples rather than patches.
        """
        return output


def n_frames(n_samples: int, frame: int, hop: int) -> int:
    """Return how many frames Essentia's FrameCutter gives with its defaults (first frame centred on sample 0).

    It stops after the first frame whose centre is at or beyond the end, and never starts one beyond the end.
    """
    first = -((frame + 1) // 2)
    reaching_the_end = -(-(n_samples - first - frame // 2) // hop) + 1
    starting_before = -(-(n_samples - first) // hop)
    return min(reaching_the_end, starting_before)


def cut_frames(samples: NDArray[np.float32], frame: int, hop: int) -> NDArray[np.float32]:
    """Return the frames of a signal as FrameCutter cuts them, as a view ``[t, frame]`` of a padded copy."""
    count = n_frames(len(samples), frame, hop)
    before = (frame + 1) // 2
    after = max(0, (count - 1) * hop + frame - before - len(samples))
    return np.lib.stride_tricks.sliding_window_view(np.pad(samples, (before, after)), frame)[::hop][:count]


def mel_spectrogram(samples: NDArray[np.float32], frontend: FrontEnd) -> NDArray[np.float32]:
    """Return the mel-spectrogram of a front-end whose frames run through, ``[t, bands]``."""
    algorithm = getattr(essentia.standard(), frontend.algorithm)()
    windows = cut_frames(samples, frontend.frame, frontend.hop)
    mel = np.empty((len(windows), frontend.bands), dtype=np.float32)
    for i, frame in enumerate(windows):
        mel[i] = algorithm(frame)
    return mel


def cut_patches(
    source: NDArray[np.float32], frontend: FrontEnd, *, patch_frames: int, hop: int, keep: bool = False
) -> Patches:
    """Return the patches of a track.

    Parameters
    ----------
    source : ndarray
        The mel-spectrogram ``[t, bands]`` where frames run through, else samples ``[n]`` or ``[n, 2]``.
    patch_frames, hop : int
        Frames in a patch; samples from one to the next, a multiple of the front-end's hop where frames run through.
    keep : bool
        Whether mel-spectrograms that are made patch by patch are kept, because another network will ask for them.
    """
    if frontend.continuous:
        return _FramePatches(source, frontend, patch_frames, hop // frontend.hop)
    if frontend.channels == 2:
        return _Segments(source, frontend)
    return _ChunkPatches(source, frontend, patch_frames, hop, keep=keep)


class _FramePatches(Patches):
    """Patches cut from one mel-spectrogram of the whole track."""

    def __init__(self, mel: NDArray[np.float32], frontend: FrontEnd, patch_frames: int, hop_frames: int) -> None:
        if len(mel) < patch_frames:
            # As lastPatchMode="repeat" fills a patch: the frames over again.
            mel = np.tile(mel, (-(-patch_frames // len(mel)), 1))[:patch_frames]
        self._patches = OverlappingPatches(mel, patch_frames, hop_frames)
        self._standardised = frontend.standardised

    def __len__(self) -> int:
        return len(self._patches)

    def batch(self, first: int, stop: int) -> PatchBatch:
        patches = self._patches[first:stop]
        return _standardise(patches.stack()) if self._standardised else patches


class _ChunkPatches(Patches):
    """OpenL3's patches: chunks of sound, the first centred on sample 0, each with a mel-spectrogram of its own."""

    def __init__(
        self, samples: NDArray[np.float32], frontend: FrontEnd, patch_frames: int, hop: int, *, keep: bool
    ) -> None:
        self._keep = keep
        self._batches: dict[tuple[int, int], NDArray[np.float32]] = {}
        self._chunks = cut_frames(samples, frontend.chunk, hop)
        self._mel = _decibel_mel(frontend, patch_frames)

    def __len__(self) -> int:
        return len(self._chunks)

    def batch(self, first: int, stop: int) -> NDArray[np.float32]:
        if (first, stop) in self._batches:
            return self._batches[first, stop]
        mels = np.stack([self._mel(chunk) for chunk in self._chunks[first:stop]])
        batch = np.ascontiguousarray(mels.transpose(0, 2, 1)[..., np.newaxis])
        if self._keep:
            self._batches[first, stop] = batch
        return batch


class _Segments(Patches):
    """Spleeter's patches: the samples themselves, which the graph cuts into segments of 512 spectrum frames.

    A frame reads 4096 samples from its own first one on, so a batch that does not reach the end of the track brings
    the samples that its last frames read beyond it, which makes one segment too many at the end. It also brings the
    segment before: the separated sound is overlapped and added, and needs the neighbour's last frames.
    """

    def __init__(self, samples: NDArray[np.float32], frontend: FrontEnd) -> None:
        self._samples, self._segment = samples, frontend.chunk
        self._ahead = frontend.frame - frontend.hop

    def __len__(self) -> int:
        return math.ceil(len(self._samples) / self._segment)

    def batch(self, first: int, stop: int) -> NDArray[np.float32]:
        begin = max(first - 1, 0) * self._segment
        batch = self._samples[begin : stop * self._segment + self._ahead]
        if isinstance(batch, np.memmap):
            batch = np.array(batch)
            release_pages(self._samples)
        return np.ascontiguousarray(batch)

    def select_patches(self, output: NDArray[np.float32], first: int, stop: int, *, sound: bool) -> NDArray[np.float32]:
        unit = self._segment if sound else 1
        skip = unit if first else 0
        return output[skip : skip + (stop - first) * unit]


def _standardise(patches: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each patch zero mean and unit variance with Essentia's own algorithm; ``[n, bands, t, 1]``."""
    normalise = essentia.standard().TensorNormalize(scaler="standard")
    normal = normalise(np.ascontiguousarray(patches[:, np.newaxis]))
    return np.ascontiguousarray(normal.transpose(0, 3, 2, 1))


def _decibel_mel(frontend: FrontEnd, patch_frames: int) -> Callable[[Any], NDArray[np.float32]]:
    """Return the function from a chunk of sound to OpenL3's decibels, ``[t, bands]``."""
    es = essentia.standard()
    formula, lowest, highest = _MEL_SCALES[frontend.name]
    window = es.Windowing(size=frontend.frame, normalized=False)
    spectrum = es.Spectrum(size=frontend.frame)
    bands = es.MelBands(
        numberBands=frontend.bands,
        inputSize=frontend.frame // 2 + 1,
        sampleRate=frontend.sample_rate,
        lowFrequencyBound=lowest,
        highFrequencyBound=highest,
        warpingFormula=formula,
        weighting="linear",
        normalize="unit_tri",
        type="magnitude",
        log=False,
    )

    def decibels(chunk: NDArray[np.float32]) -> NDArray[np.float32]:
        # 199 of 200 frames: the last has less than half a frame of sound in it.
        windows = cut_frames(chunk, frontend.frame, frontend.hop)[:patch_frames]
        mel = np.array([bands(spectrum(window(frame))) for frame in windows], dtype=np.float32)
        level = np.float32(10) * np.log10(np.maximum(np.float32(1e-10), mel))
        return np.asarray(np.maximum(level, level.max() - np.float32(80)) - level.max())

    return decibels
