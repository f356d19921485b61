"""How far into the sound one step of a layer reaches, followed from layer to layer.

Conventions: all three numbers are in frames of the front-end. Convolutions and pools are those along time; along
frequency, bands stand for frames. ``same`` and ``valid`` are TensorFlow's paddings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive field of a layer, and how its steps follow each other.

    Parameters
    ----------
    frames : int
        Frames that one step depends on.
    step : int
        Frames from one step to the next.
    center : float
        Frame on which the first step is centred.
    """

    frames: int = 1
    step: int = 1
    center: float = 0.0

    def same(self, kernel: int, stride: int = 1) -> ReceptiveField:
        """Return the receptive field behind a convolution or pool with ``SAME`` padding.

        The length that goes in is one that `stride` divides.
        """
        behind = self.valid(kernel, stride)
        return replace(behind, center=behind.center - max(kernel - stride, 0) // 2 * self.step)

    def valid(self, kernel: int, stride: int = 1) -> ReceptiveField:
        """Return the receptive field behind a convolution or pool without padding."""
        center = self.center + (kernel - 1) / 2 * self.step
        return ReceptiveField(self.frames + (kernel - 1) * self.step, self.step * stride, center)

    def transposed(self, kernel: int, stride: int) -> ReceptiveField:
        """Return the receptive field behind a transposed convolution with ``SAME`` padding."""
        before = max(kernel - stride, 0) // 2
        inputs = -(-kernel // stride)
        step = self.step // stride
        # Step p is fed by the steps o that would have read it: stride * o - before <= p < stride * o - before + kernel.
        center = self.center + (before - (kernel - 1) / 2) * step
        return ReceptiveField(self.frames + (inputs - 1) * self.step, step, center)

    def union(self, other: ReceptiveField) -> ReceptiveField:
        """Return the receptive field of two layers side by side that step together."""
        first = min(self.center - (self.frames - 1) / 2, other.center - (other.frames - 1) / 2)
        last = max(self.center + (self.frames - 1) / 2, other.center + (other.frames - 1) / 2)
        return replace(self, frames=int(last - first) + 1, center=(first + last) / 2)
