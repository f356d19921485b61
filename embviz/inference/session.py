"""The seam between what is fed to a network and the engine that runs it: ``run(inputs) -> {node: array}``.

Engines differ in the last bits and in speed. Consecutive patches of one mel-spectrogram are handed over as the frames
they share, so that an engine need not compute twice what neighbours have in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Engine: TypeAlias = Literal["essentia", "onnx"]


@dataclass(frozen=True, eq=False)
class OverlappingPatches:
    """Consecutive patches of one mel-spectrogram, kept as the frames they share.

    Parameters
    ----------
    frames : ndarray
        ``[t, bands]``, exactly what these patches cover.
    length : int
        Frames in a patch.
    hop : int
        Frames from one patch to the next, at most `length`.
    """

    frames: NDArray[np.float32]
    length: int
    hop: int

    def __len__(self) -> int:
        return (len(self.frames) - self.length) // self.hop + 1

    def __getitem__(self, chosen: slice) -> OverlappingPatches:
        """Return a run of these patches; they are expected to be at least one."""
        first, stop, _ = chosen.indices(len(self))
        frames = self.frames[first * self.hop : (stop - 1) * self.hop + self.length]
        return OverlappingPatches(frames, self.length, self.hop)

    def stack(self) -> NDArray[np.float32]:
        """Return each patch with all of its frames, ``[n, t, bands]``."""
        windows = np.lib.stride_tricks.sliding_window_view(self.frames, self.length, axis=0)
        return np.ascontiguousarray(windows.transpose(0, 2, 1)[:: self.hop])


PatchBatch: TypeAlias = "NDArray[np.float32] | OverlappingPatches"


def stack_patches(batch: PatchBatch) -> NDArray[np.float32]:
    """Return a batch as an array, patches first."""
    return batch.stack() if isinstance(batch, OverlappingPatches) else batch


class FixedBatchSession:
    """A session of a graph that takes just so many patches at once: zeros fill the last batch, and are not given back.

    Parameters
    ----------
    session : Session
    size : int
        Patches that the graph takes.
    """

    def __init__(self, session: Session, size: int) -> None:
        self._session, self._size = session, size

    def run(self, inputs: Mapping[str, PatchBatch]) -> dict[str, NDArray[np.float32]]:
        """Run the network as often as it takes; see :meth:`Session.run`."""
        ((name, batch),) = inputs.items()
        patches = stack_patches(batch)
        total, missing = len(patches), -len(patches) % self._size
        if missing:
            patches = np.concatenate([patches, np.zeros((missing, *patches.shape[1:]), np.float32)])
        parts = [self._session.run({name: patches[i : i + self._size]}) for i in range(0, len(patches), self._size)]
        return {node: np.concatenate([part[node] for part in parts])[:total] for node in parts[0]}


class Session(Protocol):
    """A loaded graph that gives some of its nodes, all in one pass.

    It stays loaded from batch to batch and from file to file.
    """

    def run(self, inputs: Mapping[str, PatchBatch]) -> dict[str, NDArray[np.float32]]:
        """Run the network once.

        Parameters
        ----------
        inputs : mapping of str to ndarray or OverlappingPatches
            The input node and its patches ``[n, …]``.

        Returns
        -------
        dict of str to ndarray
            Each requested node with its own shape, patches first.
        """
