"""Front-ends and patches: what stands between the samples of a track and a network.

Conventions: a *frame* is one column of a mel-spectrogram (:mod:`embviz.extraction.mel`), a *patch* the run of frames a
network sees at once. Arrays are frames first: ``[t, bands]``, patches ``[n, t, bands]``. OpenL3's patches are chunks of
sound with a mel-spectrogram of their own; CREPE's are short frames of the sound itself; Spleeter computes its
spectrogram inside the graph and takes the samples as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from embviz.core.memmap import release_pages
from embviz.extraction.mel import band_centers, band_limits, cut_frames, decibel_mel, n_frames, standardise
from embviz.inference.session import OverlappingPatches, PatchBatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embviz.models.receptive_field import ReceptiveField


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
    chunk: int = 0  # samples of what is analysed on its own (OpenL3, CREPE, Spleeter); 0: frames run through
    # Whether each patch is brought to zero mean and unit variance and turned to [bands, t, 1] (Tempo-CNN).
    standardised: bool = False
    # Patches in one pass, as in Essentia's algorithm or example: the last bits of a matrix product depend on it.
    batch: int = 64

    @property
    def is_image(self) -> bool:
        """Whether patches have an axis of channels of length one at their end."""
        return self.name == "fsd-sinet"

    @property
    def is_waveform(self) -> bool:
        """Whether patches are frames of the sound itself, from which the network finds frequencies."""
        return self.name == "crepe"

    @property
    def continuous(self) -> bool:
        """Whether frames run through: one mel-spectrogram of the track serves all patches."""
        return not self.chunk


FRONTENDS = {
    frontend.name: frontend
    for frontend in (
        FrontEnd("musicnn", "TensorflowInputMusiCNN", 16_000, 512, 256, 96),
        FrontEnd("maest", "TensorflowInputMusiCNN", 16_000, 512, 256, 96, batch=1),
        FrontEnd("fsd-sinet", "TensorflowInputFSDSINet", 22_050, 660, 220, 96),
        FrontEnd("vggish", "TensorflowInputVGGish", 16_000, 400, 160, 64),
        FrontEnd("tempocnn", "TensorflowInputTempoCNN", 11_025, 1024, 512, 40, standardised=True, batch=16),
        FrontEnd("crepe", "", 16_000, 1, 1, 1, chunk=1024),
        FrontEnd("openl3-mel128", "", 48_000, 2048, 242, 128, chunk=48_000, batch=60),
        FrontEnd("openl3-mel256", "", 48_000, 2048, 242, 256, chunk=48_000, batch=60),
        FrontEnd("spleeter", "", 44_100, 4096, 1024, 1024, channels=2, chunk=512 * 1024, batch=12),
    )
}


def band_frequencies(frontend: FrontEnd) -> NDArray[np.float64]:
    """Return the centre of each band of a front-end in Hz, ``[bands]``: where its triangle has its peak.

    Centres are evenly spaced on the front-end's mel scale, from the first one above the lowest frequency to the last
    one below the highest. Spleeter's bands are the bins of its spectrum; of sound as it is, zero stands for all.
    """
    if frontend.is_waveform:
        return np.zeros(frontend.bands)
    if frontend.channels == 2:
        return np.arange(frontend.bands) * frontend.sample_rate / frontend.frame
    return band_centers(frontend)


def frequency_spans(frontend: FrontEnd, field: ReceptiveField | None, positions: int) -> NDArray[np.float64]:
    """Return the frequencies that the positions of a layer's frequency axis can have heard.

    Parameters
    ----------
    frontend : FrontEnd
    field : ReceptiveField or None
        Of the layer, along frequency, in bands of the front-end.
    positions : int
        Length of the axis.

    Returns
    -------
    ndarray, shape [positions, 2]
        The lowest and the highest frequency in Hz. Where nobody has described the layer, all that the front-end has.
    """
    last = frontend.bands - 1
    centers = np.arange(positions) * 0.0 if field is None else field.center + field.step * np.arange(positions)
    reach = last if field is None else (field.frames - 1) / 2
    first = np.clip(np.floor(centers - reach), 0, last).astype(np.int64)
    stop = np.clip(np.ceil(centers + reach), 0, last).astype(np.int64)
    if frontend.is_waveform:
        return np.tile([0, frontend.sample_rate / 2], (positions, 1))
    if frontend.channels == 2:
        half = frontend.sample_rate / frontend.frame / 2
        limits = np.stack([band_frequencies(frontend) - half, band_frequencies(frontend) + half], axis=1)
    else:
        limits = band_limits(frontend)
    return np.stack([limits[first, 0].clip(0), limits[stop, 1]], axis=1)


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
    if frontend.is_waveform:  # up to the last one that is centred in the track, as in Essentia
        return PatchLayout(n_samples // hop + 1, start, start, hop, length, length)
    return PatchLayout(n_frames(n_samples, length, hop), start, start - frontend.hop // 2, hop, length, length)


class Patches(Protocol):
    """The patches of a track for one front-end: counted at once, computed when asked for.

    Where they are cut from something in a file, the pages that the batch before was cut from are let go first.
    """

    def __len__(self) -> int: ...

    def batch(self, first: int, stop: int) -> PatchBatch:
        """Return patches ``[first, stop)`` as the network takes them."""

    def select_patches(self, output: NDArray[np.float32], first: int, stop: int, *, sound: bool) -> NDArray[np.float32]:  # noqa: ARG002
        """Return the part of a node's output that belongs to patches ``[first, stop)``.

        `sound` tells that the node's first axis is samples rather than patches.
        """
        return output


def cut_patches(
    source: NDArray[np.float32],
    frontend: FrontEnd,
    *,
    patch_frames: int,
    hop: int,
    keep: bool = False,
    exact: bool = True,
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
    exact : bool
        Whether by Essentia's own algorithms, as in :func:`embviz.extraction.mel.mel_spectrogram`.
    """
    if frontend.continuous:
        return _FramePatches(source, frontend, patch_frames, hop // frontend.hop, exact=exact)
    if frontend.channels == 2:
        return _Segments(source, frontend)
    if frontend.is_waveform:
        return _WaveformPatches(source, frontend, hop, exact=exact)
    return _ChunkPatches(source, frontend, patch_frames, hop, keep=keep, exact=exact)


class _FramePatches(Patches):
    """Patches cut from one mel-spectrogram of the whole track."""

    def __init__(
        self, mel: NDArray[np.float32], frontend: FrontEnd, patch_frames: int, hop_frames: int, *, exact: bool
    ) -> None:
        if len(mel) < patch_frames:
            # As lastPatchMode="repeat" fills a patch: the frames over again.
            mel = np.tile(mel, (-(-patch_frames // len(mel)), 1))[:patch_frames]
        self._mel = mel
        self._patches = OverlappingPatches(mel, patch_frames, hop_frames)
        self._standardised, self._is_image, self._exact = frontend.standardised, frontend.is_image, exact

    def __len__(self) -> int:
        return len(self._patches)

    def batch(self, first: int, stop: int) -> PatchBatch:
        release_pages(self._mel)
        patches = self._patches[first:stop]
        if self._is_image:
            return patches.stack()[..., np.newaxis]
        return standardise(patches.stack(), exact=self._exact) if self._standardised else patches


class _WaveformPatches(Patches):
    """CREPE's patches: frames of the sound, the first centred on sample 0, with zero mean and unit variance each."""

    def __init__(self, samples: NDArray[np.float32], frontend: FrontEnd, hop: int, *, exact: bool) -> None:
        self._samples, self._length, self._hop, self._exact = samples, frontend.chunk, hop, exact

    def __len__(self) -> int:
        return len(self._samples) // self._hop + 1

    def batch(self, first: int, stop: int) -> NDArray[np.float32]:
        release_pages(self._samples)
        frames = cut_frames(self._samples, self._length, self._hop, first=first, stop=stop)
        return standardise(frames[:, np.newaxis], exact=self._exact).reshape(frames.shape)


class _ChunkPatches(Patches):
    """OpenL3's patches: chunks of sound, the first centred on sample 0, each with a mel-spectrogram of its own."""

    def __init__(
        self,
        samples: NDArray[np.float32],
        frontend: FrontEnd,
        patch_frames: int,
        hop: int,
        *,
        keep: bool,
        exact: bool,
    ) -> None:
        self._keep = keep
        self._batches: dict[tuple[int, int], NDArray[np.float32]] = {}
        self._samples, self._chunk, self._hop = samples, frontend.chunk, hop
        self._mel = decibel_mel(frontend, patch_frames, exact=exact)

    def __len__(self) -> int:
        return n_frames(len(self._samples), self._chunk, self._hop)

    def batch(self, first: int, stop: int) -> NDArray[np.float32]:
        if (first, stop) in self._batches:
            return self._batches[first, stop]
        release_pages(self._samples)
        chunks = cut_frames(self._samples, self._chunk, self._hop, first=first, stop=stop)
        mels = np.stack([self._mel(chunk) for chunk in chunks])
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
        release_pages(self._samples)
        return np.ascontiguousarray(self._samples[begin : stop * self._segment + self._ahead])

    def select_patches(self, output: NDArray[np.float32], first: int, stop: int, *, sound: bool) -> NDArray[np.float32]:
        unit = self._segment if sound else 1
        skip = unit if first else 0
        return output[skip : skip + (stop - first) * unit]
