"""What is handed over to engines."""

from __future__ import annotations

import numpy as np
import pytest

from embviz.inference.session import OverlappingPatches, stack_patches


@pytest.mark.parametrize("hop", [1, 3, 5])
def test_overlapping_patches_are_the_windows_of_their_frames(hop):
    frames = np.arange(26, dtype=np.float32).reshape(13, 2)
    patches = OverlappingPatches(frames, 5, hop)
    expected = np.stack([frames[i : i + 5] for i in range(0, 9, hop)])
    assert len(patches) == len(expected)
    assert np.array_equal(stack_patches(patches), expected)
    assert patches.stack().flags.c_contiguous


@pytest.mark.parametrize("hop", [1, 3, 5])
def test_a_run_of_overlapping_patches_has_its_own_frames_only(hop):
    patches = OverlappingPatches(np.arange(26, dtype=np.float32).reshape(13, 2), 5, hop)
    for first, stop in ((0, 1), (1, 2), (0, len(patches)), (1, len(patches) + 3)):
        part = patches[first:stop]
        assert np.array_equal(part.stack(), patches.stack()[first:stop])
        assert len(part.frames) == (len(part) - 1) * hop + 5


def test_an_array_is_handed_over_as_it_is():
    patches = np.zeros((3, 40, 256, 1), np.float32)
    assert stack_patches(patches) is patches
