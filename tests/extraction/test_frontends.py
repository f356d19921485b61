"""Front-ends: the very numbers of Essentia's dedicated algorithms."""

import numpy as np
import pytest

from embviz.core import essentia
from embviz.extraction.frontends import FRONTENDS, band_frequencies, cut_patches, lay_out_patches
from embviz.extraction.mel import cut_frames, mel_spectrogram, n_frames
from embviz.inference.session import stack_patches

MEL = [frontend for frontend in FRONTENDS.values() if frontend.algorithm]
PATCH = {"musicnn": (187, 93), "maest": (316, 313), "fsd-sinet": (101, 50), "vggish": (96, 93), "tempocnn": (256, 128)}


def sound(seconds, rate):
    rng = np.random.default_rng(11)
    t = np.arange(int(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * (200 + 40 * t) * t) + 0.05 * rng.standard_normal(len(t))).astype(np.float32)


def patches_of(frontend, samples, hop_frames=None):
    patch_frames, usual = PATCH[frontend.name]
    hop = (hop_frames or usual) * frontend.hop
    return cut_patches(mel_spectrogram(samples, frontend), frontend, patch_frames=patch_frames, hop=hop)


@pytest.mark.parametrize(
    ("frame", "hop"), [(512, 256), (1024, 512), (400, 160), (2048, 242), (48_000, 4800), (48_000, 48_000)]
)
def test_frames_are_those_of_the_frame_cutter(frame, hop):
    from essentia.standard import FrameGenerator

    rng = np.random.default_rng(3)
    for n in [
        1,
        2,
        hop - 1,
        hop,
        hop + 1,
        frame // 2,
        frame,
        frame + 1,
        5 * hop,
        3 * frame + 7,
        *rng.integers(1, 9 * frame, 12),
    ]:
        samples = rng.uniform(0.1, 1, n).astype(np.float32)
        expected = np.array(list(FrameGenerator(samples, frameSize=frame, hopSize=hop)))
        assert n_frames(n, frame, hop) == len(expected)
        assert np.array_equal(cut_frames(samples, frame, hop), expected)


@pytest.mark.parametrize("frontend", MEL, ids=lambda f: f.name)
@pytest.mark.parametrize("seconds", [0.5, 3.3, 20.0])
def test_mel_spectrogram_is_essentia_s(frontend, seconds):
    from essentia.standard import FrameGenerator

    es = essentia.standard()
    samples = sound(seconds, frontend.sample_rate)
    algorithm = getattr(es, frontend.algorithm)()
    leveled = samples
    if frontend.name == "fsd-sinet":
        leveled = samples - np.add.accumulate(samples)[-1] / np.float32(len(samples))
        leveled /= np.abs(leveled).max() + np.float32(0.005)
    cutter = FrameGenerator(leveled, frameSize=frontend.frame, hopSize=frontend.hop)
    expected = np.array([algorithm(frame) for frame in cutter])
    if frontend.name == "maest":
        shift, scale = es.UnaryOperator(shift=-2.06755686098554), es.UnaryOperator(scale=1 / (1.268292820667291 * 2))
        expected = np.array([scale(shift(frame)) for frame in expected])
    assert np.array_equal(mel_spectrogram(samples, frontend), expected)


@pytest.mark.parametrize("frontend", MEL, ids=lambda f: f.name)
def test_silence_always_gives_the_same_patches(frontend):
    samples = np.zeros(14 * frontend.sample_rate, np.float32)
    first, second = (patches_of(frontend, samples) for _ in range(2))
    assert np.array_equal(*(stack_patches(patches.batch(0, len(patches))) for patches in (first, second)))
    assert np.ptp(stack_patches(first.batch(0, 1))) == 0


@pytest.mark.parametrize("frontend", MEL, ids=lambda f: f.name)
@pytest.mark.parametrize("hop_frames", [1, 50, 93])
def test_patches_are_as_many_as_were_laid_out(frontend, hop_frames):
    patch_frames, _ = PATCH[frontend.name]
    for frames in (1, patch_frames - 1, patch_frames, patch_frames + 49, patch_frames + 2 * hop_frames):
        n_samples, hop = (frames - 1) * frontend.hop, hop_frames * frontend.hop
        assert n_frames(n_samples, frontend.frame, frontend.hop) == frames
        layout = lay_out_patches(n_samples, frontend, patch_frames=patch_frames, hop=hop)
        mel = np.zeros((frames, frontend.bands), np.float32)
        assert layout.n_patches == len(cut_patches(mel, frontend, patch_frames=patch_frames, hop=hop))


@pytest.mark.parametrize("frontend", MEL, ids=lambda f: f.name)
def test_a_short_clip_is_repeated_to_fill_one_patch(frontend):
    patch_frames, _ = PATCH[frontend.name]
    samples = sound(0.4, frontend.sample_rate)
    patches = patches_of(frontend, samples)
    layout = lay_out_patches(len(samples), frontend, patch_frames=patch_frames, hop=93 * frontend.hop)
    assert (len(patches), layout.n_patches, layout.padded) == (1, 1, True)
    if frontend.standardised:
        return
    mel = mel_spectrogram(samples, frontend)
    shape = patch_frames, frontend.bands
    assert np.array_equal(stack_patches(patches.batch(0, 1)).reshape(shape), np.resize(mel, shape))


def test_tempo_patches_are_standardised_and_turned():
    frontend = FRONTENDS["tempocnn"]
    samples = sound(20, frontend.sample_rate)
    patch = patches_of(frontend, samples).batch(0, 1)
    mel = mel_spectrogram(samples, frontend)[:256]
    assert patch.shape == (1, 40, 256, 1)
    expected = (mel - mel.mean()) / mel.std()
    assert np.allclose(patch[0, :, :, 0], expected.T, atol=2e-5)


@pytest.mark.parametrize("name", ["openl3-mel128", "openl3-mel256"])
def test_openl3_decibels_end_at_0_and_80_below(name):
    frontend = FRONTENDS[name]
    patches = cut_patches(sound(2.5, 48_000), frontend, patch_frames=199, hop=48_000)
    batch = patches.batch(0, len(patches))
    assert batch.shape == (3, frontend.bands, 199, 1)
    assert np.array_equal(batch.max(axis=(1, 2, 3)), np.zeros(3))
    assert batch.min() >= -80


@pytest.mark.parametrize("frontend", MEL, ids=lambda frontend: frontend.name)
def test_a_tone_at_the_centre_of_a_band_is_loudest_in_it(frontend):
    centers = band_frequencies(frontend)
    assert centers.shape == (frontend.bands,)
    t = np.arange(frontend.frame * 4) / frontend.sample_rate
    for band in range(0, frontend.bands, 13):
        mel = mel_spectrogram(np.sin(2 * np.pi * centers[band] * t).astype(np.float32), frontend)
        assert mel[len(mel) // 2].argmax() == band


def test_spleeters_bands_are_the_bins_of_its_spectrum():
    centers = band_frequencies(FRONTENDS["spleeter"])
    assert centers[[0, 1, 1023]].tolist() == pytest.approx([0, 44_100 / 4096, 1023 * 44_100 / 4096])
