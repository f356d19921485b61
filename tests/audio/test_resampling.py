"""Fast resampling: libsamplerate's numbers, to about 1e-6 of full scale."""

import numpy as np
import pytest

from embviz.audio import resampling, samples
from embviz.audio.resampling import SincResampler, resample_fast
from embviz.audio.samples import _resample_with_essentia, resample
from embviz.core import essentia

PAIRS = [(44_100, 16_000), (44_100, 11_025), (48_000, 16_000), (48_000, 11_025), (22_050, 16_000), (44_100, 48_000)]


# Sums of hundreds of products in single precision, of sound that peaks at 1.1.
BOUND = 1.3e-6


@pytest.fixture(scope="module")
def music():
    """Tones up to the highest, with noise, at full scale; twelve seconds at 44,100 Hz."""
    rng = np.random.default_rng(8)
    t = np.arange(12 * 44_100) / 44_100
    tones = np.sin(900 * t * t) + 0.5 * np.sin(2 * np.pi * 220 * t) + 0.5 * np.sin(2 * np.pi * 9000 * t)
    return np.float32(0.45 * tones + 0.05 * rng.standard_normal(len(t)))


@pytest.mark.parametrize(("rate", "target"), PAIRS)
@pytest.mark.parametrize("quality", [1, 4])
def test_samples_are_libsamplerates(music, rate, target, quality):
    expected = resample(music, rate, target, quality, "it")
    found = resample(music, rate, target, quality, "it", exact=False)
    assert found.dtype == np.float32
    assert abs(len(found) - len(expected)) <= 1
    n = min(len(found), len(expected))
    assert np.abs(found[:n] - expected[:n]).max() < BOUND


def test_the_best_quality_is_libsamplerates(music):
    sound = music[: 5 * 44_100]
    found, expected = (resample(sound, 44_100, 16_000, 0, "it", exact=exact) for exact in (False, True))
    assert len(found) == len(expected)
    assert np.abs(found - expected).max() < BOUND


@pytest.mark.parametrize("quality", [0, 1, 4])
@pytest.mark.parametrize("n", [1, 2, 3, 10, 160, 441, 5000])
def test_short_sounds_and_their_ends(music, quality, n):
    for rate, target in PAIRS:
        expected = _resample_with_essentia(music[:n], rate, target, quality)
        found = resample_fast(music[:n], rate, target, quality, _resample_with_essentia)
        assert abs(len(found) - len(expected)) <= 1
        shared = min(len(found), len(expected))
        assert np.allclose(found[:shared], expected[:shared], atol=BOUND)


@pytest.mark.parametrize(
    "pair", [(8000, 48_000), (16_000, 48_000), (11_025, 44_100), (44_100, 16_000), (48_000, 16_000)]
)
def test_a_linear_sound_ends_where_libsamplerate_ends_it(music, pair):
    for n in [*range(1, 14), 100, 4097]:
        expected = _resample_with_essentia(music[:n], *pair, 4)
        found = resample_fast(music[:n], *pair, 4, _resample_with_essentia)
        assert len(found) == len(expected)
        assert np.abs(found - expected).max() < BOUND


def test_what_does_not_pay_is_left_to_libsamplerate(music):
    assert SincResampler(44_100, 16_000, 1).pays
    assert not SincResampler(44_100, 16_000, 2).pays
    assert not SincResampler(44_101, 15_999, 1).pays
    for rate, target, quality in [(44_101, 15_999, 1), (44_100, 16_000, 2), (44_100, 16_000, 3)]:
        found, expected = (resample(music[:9000], rate, target, quality, "it", exact=exact) for exact in (False, True))
        assert np.array_equal(found, expected)


def test_a_filter_is_measured_once_and_a_linear_one_needs_no_library(music, monkeypatch):
    asked = []
    monkeypatch.setattr(
        samples, "_resample_with_essentia", lambda *how: asked.append(how) or _resample_with_essentia(*how)
    )
    resampling._tables.clear()
    for _ in range(2):
        resample(music, 44_100, 16_000, 1, "it", exact=False)
    assert {len(how[0]) for how in asked} == {4 + 2 * resampling.CROSSINGS[1]}
    monkeypatch.setattr(essentia, "standard", lambda: pytest.fail("Essentia was asked for"))
    resample(music, 44_100, 16_000, 4, "it", exact=False)
