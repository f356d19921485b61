"""Change bytes of sound files of ten kinds, and compare what is decoded of them with what FFmpeg's own program decodes.

*Survived* is a sound of FFmpeg's length, or of the length that the file claims, or one that carries a note; where
FFmpeg's decoding has anything of the melody that the file was made of, so must ours. *Refused* is one sentence.
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
from numpy.typing import NDArray

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
    tune = _decode(source)
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
        kind = _judge(path, tune)
        found += Counter(["tried", kind])
        if kind in ("survived", "refused"):
            path.unlink()
    return found


def _decode(path: Path) -> NDArray[np.float32]:
    """Return what FFmpeg's program decodes."""
    return np.frombuffer(ffmpeg("-i", path, "-f", "f32le", "-ac", "1", "-ar", str(RATE), "-"), "<f4")


def _judge(path: Path, tune: NDArray[np.float32]) -> str:
    """Decode a file and compare."""
    import embviz

    expected = _decode(path)
    try:
        sound = embviz.Audio.open(path)
        samples, facts = sound.mono(RATE), sound.facts
    except embviz.errors.EmbvizError as error:
        if not is_sentence(str(error)):
            return fault("wrong", f"{path.name}: no sentence: {error}")
        return "refused"
    if facts.note:
        return "survived"
    shortest = min(0.95 * len(expected) / RATE, facts.claimed or np.inf) - 0.6
    if facts.seconds < shortest:
        return fault("wrong", f"{path.name}: {facts.seconds:.2f} of {len(expected) / RATE:.2f} s, and no note")
    ours, theirs = _likeness(samples, tune), _likeness(expected, tune)
    if ours < 0.7 < theirs and ours < theirs - 0.2:  # noise is resampled in more than one way
        return fault("wrong", f"{path.name}: correlation of {ours:.2f} with its melody, FFmpeg's has {theirs:.2f}")
    return "survived"


def _likeness(samples: NDArray[np.float32], tune: NDArray[np.float32]) -> float:
    """Return the greatest correlation of any half second of a sound with a melody."""
    half = RATE // 2
    starts = range(0, max(len(samples) - half // 2, 1), half // 2)
    return max(_correlation(samples[at : at + half], tune) for at in starts)


def _correlation(part: NDArray[np.float32], tune: NDArray[np.float32]) -> float:
    """Return the greatest correlation of a part with any stretch of a melody."""
    size = 1 << (len(part) + len(tune)).bit_length()
    a, b = np.nan_to_num(part.astype(float)), np.nan_to_num(tune.astype(float))
    products = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)[: max(len(b) - len(a), 0) + 1]
    powers = np.cumsum(np.concatenate([[0], b**2]))
    ends = np.minimum(np.arange(len(products)) + len(a), len(b))
    scale = np.sqrt(np.maximum((powers[ends] - powers[: len(products)]) * (a @ a), 1e-9))
    return float((products / scale).max())
