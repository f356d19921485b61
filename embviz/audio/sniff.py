"""What the bytes of a sound file show before anything decodes them.

Conventions: a file is *sound* where its container, its codec and, for streams without a container, the chain of its
frames are as they should be; *doubtful* where the codec is known but the stream is broken somewhere; *foreign* where
the codec is another one or cannot be told.

Frame headers are those of ISO/IEC 11172-3 and 13818-3 (MPEG audio) and 13818-7 (ADTS).
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

# Bit rates in kbit/s by (MPEG-1, layer), and sample rates in Hz by version.
_BIT_RATES = {
    (True, 1): range(32, 449, 32),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_TAGS = (b"TAG", b"APETAGEX", b"LYRICS", b"ID3")
_BEGINS = b"OggS\0\x02"  # the page that begins a stream


def classify_file(path: Path) -> str:
    """Return ``"empty"``, ``"sound"``, ``"doubtful"`` or ``"foreign"``."""
    if not path.stat().st_size:
        return "empty"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        head = data[: 1 << 16]
        if head.startswith((b"RIFF", b"RF64", b"FORM", b"fLaC", b"OggS")) or head[4:8] == b"ftyp":
            chained = head.startswith(b"OggS") and data.find(_BEGINS, 4) > 0
            return ("doubtful" if chained else "sound") if _has_known_codec(path, head) else "foreign"
        start = skip_tags(data)
        if frame_at(data, start) is None:
            return "doubtful" if start else "foreign"
        return "sound" if _is_unbroken(data, start) else "doubtful"


def _has_known_codec(path: Path, head: bytes) -> bool:
    """Tell whether a container holds a codec that is always there."""
    if head.startswith(b"OggS"):
        return b"\x01vorbis" in head[:128]
    if head.startswith((b"RIFF", b"RF64")):
        return _is_plain_wave(head)
    return head.startswith((b"FORM", b"fLaC")) or _mp4_codec(path) in (b"mp4a", b"alac")


def skip_tags(data: mmap.mmap) -> int:
    """Return where the sound starts behind ID3 tags, whose lengths have seven bits in a byte."""
    start = 0
    while data[start : start + 3] == b"ID3" and len(data) >= start + 10:
        size = 0
        for byte in data[start + 6 : start + 10]:
            size = size << 7 | byte & 0x7F
        start += 10 + size
    return min(start, len(data))


def _is_unbroken(data: mmap.mmap, start: int) -> bool:
    """Tell whether frames of one kind follow each other to the end, or to the tags there."""
    kind, at = None, start
    while at < len(data):
        frame = frame_at(data, at)
        if frame is None:
            return kind is not None and _has_only_tags(data, at)
        if kind not in (None, frame[0]):
            return False
        kind = frame[0]
        at += frame[1]
    return True


def _has_only_tags(data: mmap.mmap, at: int) -> bool:
    rest = data[at : at + 16]
    return len(data) - at < 4 or rest.startswith(_TAGS) or not any(data[at : at + (1 << 16)])


def frame_at(data: mmap.mmap | bytes, at: int) -> tuple[tuple[int, ...], int] | None:
    """Return the kind of the frame that starts here (codec, rate, channels) and its length, or None."""
    head = data[at : at + 6]
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return _adts_frame(head)
    return _mpeg_frame(head)


def _adts_frame(head: bytes) -> tuple[tuple[int, ...], int] | None:
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    rate, channels = head[2] >> 2 & 15, (head[2] & 1) << 2 | head[3] >> 6
    return ((4, rate, channels), length) if length > 7 and channels in (1, 2) else None


def _mpeg_frame(head: bytes) -> tuple[tuple[int, ...], int] | None:
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bits, rate = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or bits in (0, 15) or rate == 3:
        return None
    first = version == 3
    kilobits, hertz = _BIT_RATES[first, layer][bits - 1], _SAMPLE_RATES[version][rate]
    padding = head[2] >> 1 & 1
    if layer == 1:
        length = (12_000 * kilobits // hertz + padding) * 4
    else:
        length = (144_000 if first or layer == 2 else 72_000) * kilobits // hertz + padding
    mono = head[3] >> 6 == 3
    return (layer, version, hertz, mono), length


def _is_plain_wave(head: bytes) -> bool:
    """Tell whether a WAVE header names PCM or floats, the codecs that are always there."""
    at = head.find(b"fmt ")
    tag = int.from_bytes(head[at + 8 : at + 10], "little") if at > 0 else 0
    if tag == 0xFFFE:  # extensible: the first two bytes of the sub-format are the tag
        tag = int.from_bytes(head[at + 32 : at + 34], "little")
    return tag in (1, 3)


def _mp4_codec(path: Path) -> bytes:
    """Return the four-letter name of an MP4 file's first audio codec, or nothing."""
    codecs = (b"mp4a", b"alac", b"Opus", b"ac-3", b"ec-3", b"fLaC", b"samr", b".mp3")
    with path.open("rb") as file:
        moov = _mp4_box(file, b"moov")
    at = moov.find(b"stsd")
    places = {moov.find(codec, at): codec for codec in codecs if at >= 0 and moov.find(codec, at) >= 0}
    return places[min(places)] if places else b""


def _mp4_box(file: Any, wanted: bytes, largest: int = 64 << 20) -> bytes:
    """Return the content of the first top-level box of a name, or nothing."""
    for _ in range(1000):
        header = file.read(8)
        size, name = int.from_bytes(header[:4], "big"), header[4:]
        if len(header) < 8:
            return b""
        skip = size - 8
        if size == 1:
            skip = int.from_bytes(file.read(8), "big") - 16
        if name == wanted:
            return bytes(file.read(min(max(skip, 0), largest)))
        if skip < 0:
            return b""
        file.seek(skip, 1)
    return b""
