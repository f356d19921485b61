"""Mel-spectrograms without Essentia: its windows and filter banks to the last bit, its numbers but for roundings."""

import tracemalloc

import numpy as np
import pytest

from embviz.audio import Audio
from embviz.core import essentia, memmap
from embviz.extraction import mel
from embviz.extraction.frontends import FRONTENDS, cut_patches
from embviz.extraction.mel import cut_frames, filter_bank, mel_spectrogram, n_frames, standardise

BANKS = [frontend for frontend in FRONTENDS.values() if frontend.name not in ("spleeter", "crepe")]
MEL = [frontend for frontend in BANKS if frontend.continuous]
CHUNKS = [frontend for frontend in BANKS if not frontend.continuous]
EXACT = pytest.mark.parametrize("exact", [True, False], ids=["essentia", "numpy"])


def named(frontends):
    return pytest.mark.parametrize("frontend", frontends, ids=lambda frontend: frontend.name)


def music(seconds, rate):
    """Decaying tones, glides and noise, from loud to nearly nothing."""
    rng = np.random.default_rng(5)
    t = np.arange(int(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * f * t) * np.exp(-(t % (0.1 + 40 / f)) * 9) for f in (60, 220, 441, 1567, 3951))
    return np.float32(0.15 * (tones + np.sin(900 * t * t)) + 0.002 * rng.standard_normal(len(t)) * np.sin(t) ** 2)


def float64_mel(samples, frontend):
    """The same mel-spectrogram in double precision, with the same window and filter bank."""
    if frontend.name == "fsd-sinet":
        samples = mel._level(samples)
    frames = cut_frames(samples, frontend.frame, frontend.hop) * np.float64(mel._window(frontend))
    magnitudes = np.abs(np.fft.rfft(frames, 2 * len(filter_bank(frontend)) - 2))
    bank = np.float64(filter_bank(frontend))
    return {
        "musicnn": lambda: np.log10(1 + 10_000 * (magnitudes**2 @ bank)),
        "maest": lambda: (np.log10(1 + 10_000 * (magnitudes**2 @ bank)) - 2.06755686098554) / (2 * 1.268292820667291),
        "fsd-sinet": lambda: np.log10(np.maximum(magnitudes**2 @ bank, 1e-30)),
        "vggish": lambda: np.log(0.01 + magnitudes @ bank),
        "tempocnn": lambda: magnitudes @ bank,
    }[frontend.name]()


def off(found, expected):
    """The largest difference, in units of the spread."""
    return np.abs(found - expected).max() / expected.std()


@named(BANKS)
def test_filter_banks_are_essentias_to_the_last_bit(frontend):
    bank = filter_bank(frontend)
    units = np.eye(len(bank), dtype=np.float32)
    algorithm = mel._essentia_bands(frontend)
    assert np.array_equal(bank, np.array([algorithm(unit) for unit in units]))


@pytest.mark.parametrize("size", [400, 512, 1024, 2048])
def test_windows_are_essentias_to_the_last_bit(size):
    windowing = essentia.standard().Windowing(size=size, normalized=False, zeroPhase=False)
    assert np.array_equal(mel._hann(size), windowing(np.ones(size, np.float32)))


@named(MEL)
@pytest.mark.parametrize("seconds", [0.01, 0.5, 30])
def test_numbers_are_essentias_but_for_its_roundings(frontend, seconds):
    samples = music(seconds, frontend.sample_rate)
    found, expected = mel_spectrogram(samples, frontend, exact=False), mel_spectrogram(samples, frontend)
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    truth = float64_mel(samples, frontend)
    rounding = max(1e-6, off(expected, truth))
    assert off(found, truth) < rounding
    assert off(found, expected) < 1.5 * rounding
    assert np.sqrt(np.square(found - expected).mean()) < 4e-6 * expected.std()


@pytest.mark.parametrize("name", ["musicnn", "tempocnn"])
def test_numbers_of_music_are_within_4_millionths_of_its_spread(name, rock):
    frontend = FRONTENDS[name]
    samples = Audio.open(rock).mono(frontend.sample_rate)
    found, expected = (mel_spectrogram(samples, frontend, exact=exact) for exact in (False, True))
    assert off(found, expected) < 4e-6


@named(MEL)
@EXACT
def test_silence_stays_silent(frontend, exact):
    found = mel_spectrogram(np.zeros(3 * frontend.sample_rate, np.float32), frontend, exact=exact)
    shifted = -2.06755686098554 / (2 * 1.268292820667291)
    level = {"musicnn": 0.0, "maest": shifted, "vggish": np.log(0.01), "tempocnn": 0.0, "fsd-sinet": -30}[frontend.name]
    assert np.ptp(found) == 0
    assert found[0, 0] == pytest.approx(level)


@named(MEL)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_that_is_no_number_spoils_its_frames_alone(frontend, bad):
    samples = music(4, frontend.sample_rate)
    samples[2 * frontend.sample_rate] = bad
    found, expected = (mel_spectrogram(samples, frontend, exact=exact) for exact in (False, True))
    assert np.array_equal(np.isfinite(found), np.isfinite(expected))
    assert 0 < (~np.isfinite(found)).any(axis=1).sum() < 5


@EXACT
def test_samples_and_spectrograms_may_lie_in_files(exact, monkeypatch):
    frontend = FRONTENDS["tempocnn"]
    samples = music(20, frontend.sample_rate)
    expected = mel_spectrogram(samples, frontend, exact=exact)
    in_file = memmap.scratch_array(samples.shape)
    in_file[:] = samples
    monkeypatch.setattr(memmap, "IN_MEMORY", 0)
    monkeypatch.setattr(mel, "LET_GO", 1)
    found = mel_spectrogram(np.asarray(in_file), frontend, exact=exact)
    assert isinstance(found, np.memmap)
    assert np.array_equal(found, expected)
    patches = [cut_patches(one, frontend, patch_frames=256, hop=8192, exact=exact) for one in (found, expected)]
    assert np.array_equal(patches[0].batch(2, 5), patches[1].batch(2, 5))


@named(MEL)
def test_memory_does_not_grow_with_the_track(frontend, monkeypatch):
    monkeypatch.setattr(memmap, "IN_MEMORY", 0)
    peaks = []
    for seconds in (30, 300):
        samples = memmap.scratch_array((seconds * frontend.sample_rate,))
        tracemalloc.start()
        mel_spectrogram(samples, frontend, exact=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 6e6


@named(BANKS)
def test_products_are_small_enough_for_one_thread_and_make_up_the_bank(frontend):
    whole = np.zeros_like(filter_bank(frontend))
    for bins, bands, weights in mel._bank_slices(frontend):
        assert weights.size * mel._block_frames(frontend) <= mel.LARGEST_PRODUCT
        whole[bins, bands] = weights
    assert np.array_equal(whole, filter_bank(frontend))


def test_blocks_of_frames_are_those_of_the_whole():
    rng = np.random.default_rng(2)
    for frame, hop in [(400, 160), (512, 256), (48_000, 4800)]:
        for n in [1, frame - 1, *rng.integers(1, 5 * frame, 4)]:
            samples = rng.standard_normal(n).astype(np.float32)
            frames = cut_frames(samples, frame, hop)
            assert len(frames) == n_frames(n, frame, hop)
            for first in range(len(frames)):
                stop = rng.integers(first, len(frames)) + 1
                assert np.array_equal(cut_frames(samples, frame, hop, first=first, stop=stop), frames[first:stop])


def test_progress_is_told_and_may_cancel():
    frontend, told = FRONTENDS["musicnn"], []
    stretch = mel._block_frames(frontend) * mel.LET_GO
    samples = np.zeros(frontend.hop * stretch * 2, np.float32)
    found = mel_spectrogram(samples, frontend, exact=False, report=lambda *at: told.append(at))
    assert told == [(n, len(found)) for n in (0, stretch, 2 * stretch, len(found))]

    def cancel(done, _total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mel_spectrogram(samples, frontend, exact=False, report=cancel)


def test_essentia_is_not_needed(monkeypatch):
    monkeypatch.setattr(essentia, "standard", lambda: pytest.fail("Essentia was asked for"))
    for frontend in MEL:
        found = mel_spectrogram(music(15, frontend.sample_rate), frontend, exact=False)
        cut_patches(found, frontend, patch_frames=64, hop=frontend.hop * 64, exact=False).batch(0, 2)
    for frontend in CHUNKS:
        cut_patches(music(2, 48_000), frontend, patch_frames=199, hop=48_000, exact=False).batch(0, 2)


def test_patches_are_standardised_as_essentia_does():
    frontend = FRONTENDS["tempocnn"]
    found = mel_spectrogram(music(30, frontend.sample_rate), frontend)
    patches = np.stack([found[:256], found[100:356], np.full((256, 40), 0.1, np.float32)])
    numpy, exact = standardise(patches, exact=False), standardise(patches[:2])
    assert numpy.shape == (3, 40, 256, 1)
    assert np.abs(numpy[:2] - exact).max() < 1e-4
    truth = np.float64(patches[:2])
    truth = (truth - truth.mean(axis=(1, 2), keepdims=True)) / truth.std(axis=(1, 2), keepdims=True)
    assert np.abs(numpy[:2, ..., 0] - truth.transpose(0, 2, 1)).max() < 4e-6
    # Neither the mean nor the deviation of equal numbers is rounded.
    assert not numpy[2].any()


@named(CHUNKS)
def test_decibels_are_essentias_but_for_roundings(frontend):
    samples = music(2.5, frontend.sample_rate)
    found, expected = (
        cut_patches(samples, frontend, patch_frames=199, hop=24_000, exact=exact).batch(1, 4) for exact in (False, True)
    )
    assert found.shape == expected.shape == (3, frontend.bands, 199, 1)
    # What is left of a chunk 80 dB below its loudest band is roundings of that band's transform.
    assert np.abs(found - expected).max() < 0.1
    assert np.abs(found - expected).mean() < 1e-4
