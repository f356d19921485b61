"""Change bytes of sound files of ten kinds, and compare what is decoded of them with what FFmpeg's own program decodes.

*Survived* is a sound of FFmpeg's length, a part of which at least correlates with its samples, or one that carries a
note; *refused* is one sentence.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from common import fault, ffmpeg, is_sentence, make_home, melody

TRIALS, CHUNK = 1000, 50
RATE = 16_000
# Ending: FFmpeg's options. Ten containers, some of them with two codecs.
KINDS: dict[str, list[tuple[str, ...]]] = {
    "wav": [(), ("-c:a", "adpcm_ms"), ("-c:a", "pcm_mulaw"), ("-c:a", "pcm_f32le")],
    "aiff": [(), ("-c:a", "adpcm_ima_qt")],
    "flac": [(), ("-ac", "2")],
    "ogg": [("-c:a", "libvorbis"), ("-c:a", "libvorbis", "-ac", "2")],
    "opus": [("-c:a", "libopus")],
    "mp3": [(), ("-ac", "2", "-q:a", "4"), ("-write_xing", "0")],
    "m4a": [("-c:a", "aac"), ("-c:a", "alac")],
    "aac": [("-c:a", "aac", "-f", "adts")],
    "mka": [("-c:a", "flac"), ("-c:a", "libvorbis")],
    "wma": [("-c:a", "wmav2")],
}


def flip(data: bytearray, rng: random.Random, _: bytes) -> None:
    """Change some bytes anywhere."""
    for _i in range(rng.choice((1, 3, 30))):
        data[rng.randrange(len(data))] = rng.randrange(256)


def flip_head(data: bytearray, rng: random.Random, _: bytes) -> None:
    """Change some bytes of the headers."""
    for _i in range(rng.choice((1, 2, 5))):
        data[rng.randrange(min(len(data), 200))] = rng.randrange(256)


def cut(data: bytearray, rng: random.Random, _: bytes) -> None:
    """End early."""
    del data[rng.randrange(len(data)) :]


def cut_out(data: bytearray, rng: random.Random, _: bytes) -> None:
    """Leave a stretch out."""
    start = rng.randrange(len(data))
    del data[start : start + rng.randrange(1, 5000)]


def silence(data: bytearray, rng: random.Random, _: bytes) -> None:
    """Put zeros over a stretch."""
    start = rng.randrange(len(data))
    stop = min(len(data), start + rng.randrange(1, 20_000))
    data[start:stop] = bytes(stop - start)


def repeat(data: bytearray, rng: random.Random, _: bytes) -> None:
    """Put a stretch in twice."""
    start = rng.randrange(len(data))
    data[start:start] = data[start : start + rng.randrange(1, 20_000)]


def append(data: bytearray, _: random.Random, other: bytes) -> None:
    """Put another file behind it."""
    data += other


def insert(data: bytearray, rng: random.Random, other: bytes) -> None:
    """Put another file into it."""
    at = rng.randrange(len(data))
    data[at:at] = other


MUTATIONS: tuple[Callable[[bytearray, random.Random, bytes], None], ...] = (
    flip, flip_head, cut, cut_out, silence, repeat, append, insert,
)  # fmt: skip


def run(seed: int, count: int, folder: Path) -> Counter[str]:
    """Mutate files and decode them."""
    os.environ.update({name: value for name, value in make_home(folder / "home").items() if name.startswith("EMBVIZ")})
    rng, found = random.Random(seed), Counter[str]()  # noqa: S311
    source = folder / "source.wav"
    soundfile.write(source, melody(4.0, seed), 44_100)
    whole: dict[str, list[bytes]] = {}
    for ending, kinds in KINDS.items():
        paths = [folder / f"whole-{i}.{ending}" for i in range(len(kinds))]
        for path, options in zip(paths, kinds, strict=True):
            ffmpeg("-y", "-i", source, *options, path)
        whole[ending] = [path.read_bytes() for path in paths]
    endings = list(KINDS)
    for trial in range(count):
        ending = endings[(seed + trial) % len(endings)]
        data = bytearray(rng.choice(whole[ending]))
        mutate = rng.choice(MUTATIONS)
        mutate(data, rng, rng.choice(whole[rng.choice((ending, rng.choice(endings)))]))
        path = folder / f"{seed + trial}-{mutate.__name__}.{ending}"
        path.write_bytes(data)
        kind = _judge(path)
        found += Counter(["tried", kind])
        if kind in ("survived", "refused"):
            path.unlink()
    return found


def _judge(path: Path) -> str:
    """Decode a file and compare."""
    import embviz

    expected = np.frombuffer(ffmpeg("-i", path, "-f", "f32le", "-ac", "1", "-ar", str(RATE), "-"), "<f4")
    try:
        sound = embviz.Audio.open(path)
        samples = sound.mono(RATE)
    except embviz.errors.EmbvizError as error:
        if not is_sentence(str(error)):
            return fault("wrong", f"{path.name}: no sentence: {error}")
        return "refused"
    if getattr(sound, "facts", None) is not None and sound.facts.note:
        return "survived"
    if len(samples) < 0.95 * len(expected) - RATE / 2:
        return fault("wrong", f"{path.name}: {len(samples) / RATE:.2f} of {len(expected) / RATE:.2f} s, and no note")
    # Decoders conceal damage in their own ways: what lies before it, or behind it, has to be alike.
    starts = range(0, min(len(samples), len(expected)) - RATE // 2, RATE // 2)
    seconds = [_correlation(samples[at : at + RATE], expected[at : at + RATE]) for at in starts]
    likeness = max([_correlation(samples, expected), *seconds])
    if len(expected) > RATE / 2 and likeness < 0.7:
        return fault("wrong", f"{path.name}: correlation of {likeness:.2f} with what FFmpeg decodes")
    return "survived"


def _correlation(samples: np.ndarray, expected: np.ndarray) -> float:
    """Return the greatest correlation of two sounds, at any delay."""
    size = 1 << (len(samples) + len(expected)).bit_length()
    a, b = np.nan_to_num(samples.astype(float)), np.nan_to_num(expected.astype(float))
    product = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(product.max()) / scale if scale else float(not a.any() and not b.any())
