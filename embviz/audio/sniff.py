"""What the bytes of a sound file show before anything decodes them.

Conventions: a file is *sound* where its container, its codec and, for streams without a container, the chain of its
frames are as they should be; *doubtful* where the codec is known but the stream is broken somewhere, or changes;
*foreign* where the codec is another one or cannot be told. Nothing native reads the bytes here, and none are mapped: a
file that shrinks meanwhile does no harm.

Frame headers are those of ISO/IEC 11172-3 and 13818-3 (MPEG audio), 13818-7 (ADTS) and RFC 9639 (FLAC); pages are those
of RFC 3533 (Ogg), boxes those of ISO/IEC 14496-12 and -14 (MP4).
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import IO, Literal, NamedTuple, Protocol

import numpy as np

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
ADTS_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_FLAC_RATES = {
    0: 0, 1: 88_200, 2: 176_400, 3: 192_000, 4: 8_000, 5: 16_000, 6: 22_050, 7: 24_000, 8: 32_000, 9: 44_100,
    10: 48_000, 11: 96_000,
}  # fmt: skip
_BLOCK = 1 << 20  # bytes read at a time
_HEAD = 1 << 16  # bytes in which a container says what it holds
_LARGEST_MOOV = 64 << 20
_MOST_TAGS = 100  # that stand one behind the other
_MOST_JUNK = 1 << 20  # bytes in which the next frame of a stream is looked for
_EBML, _ASF = b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
_INFO = b"\x15\x49\xa9\x66"
_ASF_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
_LONGEST = 1e7  # seconds; a header that claims more is wrong
_STREAMED = 0x7FFF_0000  # bytes of a WAVE whose writer could not go back to tell

_MPEG4_TYPES = {
    1: "AAC Main", 3: "AAC SSR", 4: "AAC LTP", 6: "AAC Scalable", 20: "AAC Scalable", 22: "BSAC", 23: "AAC LD",
    32: "MPEG layer 1", 36: "MPEG-4 ALS", 37: "MPEG-4 SLS", 39: "AAC ELD", 42: "USAC (xHE-AAC)",
}  # fmt: skip
_MP4_CODECS = {
    b"Opus": "Opus in MP4", b"ac-3": "AC-3", b"ec-3": "E-AC-3", b"ac-4": "AC-4", b"fLaC": "FLAC in MP4",
    b"samr": "AMR", b"sawb": "AMR-WB", b".mp3": "mp3 in MP4", b"dtsc": "DTS", b"enca": "encrypted sound",
}  # fmt: skip
_MP4_OBJECTS = {0xA5: "AC-3", 0xA6: "E-AC-3", 0xA9: "DTS", 0xDD: "Vorbis in MP4", 0xE1: "QCELP"}
_WAVE_CODECS = {2: "Microsoft ADPCM", 6: "A-law", 7: "µ-law", 0x11: "IMA ADPCM", 0x31: "GSM 6.10", 0x55: "mp3 in WAVE"}


class Bytes(Protocol):
    """What can be sliced and has a length."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...


class FileBytes:
    """The bytes of an open file, read where they are asked for, and at least a `block` at a time."""

    def __init__(self, file: IO[bytes], *, block: int = _BLOCK) -> None:
        self._file, self._least = file, block
        self._size = file.seek(0, os.SEEK_END)
        self._start, self._block = 0, b""

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        if start < self._start or stop > self._start + len(self._block):
            self._file.seek(start)
            self._start, self._block = start, self._file.read(max(stop - start, self._least))
        return self._block[start - self._start : stop - self._start]

    def find(self, wanted: bytes, start: int = 0, stop: int | None = None) -> int:
        """Return where some bytes stand first, or -1."""
        return next(self.find_all(wanted, start, stop), -1)

    def find_all(self, wanted: bytes, start: int = 0, stop: int | None = None) -> Iterator[int]:
        """Yield where some bytes stand."""
        end = self._size if stop is None else min(stop, self._size)
        for at in range(start, end, _BLOCK):
            part = self[at : min(at + _BLOCK + len(wanted) - 1, end)]
            yield from (at + match.start() for match in re.finditer(re.escape(wanted), part))


class Format(NamedTuple):
    """Rate in Hz, and channels; what else has to stay the same in a stream without a container."""

    rate: int
    channels: int
    layer: int = 0

    def __str__(self) -> str:
        names = {1: "mono", 2: "stereo"}
        return f"{self.rate / 1000:g} kHz {names.get(self.channels, f'with {self.channels} channels')}"


class Stretch(NamedTuple):
    """Part of a file, from one byte to another, that is a stream of its own behind a `prefix` of bytes (Latin-1).

    `seconds` is 0 where it does not tell.
    """

    start: int
    stop: int
    format: Format
    seconds: float
    prefix: str = ""


@dataclass(frozen=True)
class Inspection:
    """What the bytes of a file show."""

    verdict: str
    """``"empty"``, ``"sound"``, ``"doubtful"`` or ``"foreign"``."""
    codec: str = ""
    """The name of a codec that is not expected."""
    stretches: tuple[Stretch, ...] = ()
    """One, or several where streams stand one behind the other; none where the file does not tell."""
    seconds: float = 0.0
    """What a header claims beside that."""
    misfits: bool = False
    """Whether frames of FLAC are not as the first header says, with which Essentia may come to no end."""

    @property
    def claimed(self) -> float | None:
        """The seconds that the file claims, None where it does not tell."""
        told = all(stretch.seconds for stretch in self.stretches)
        seconds = max(sum(stretch.seconds for stretch in self.stretches) if told else 0.0, self.seconds)
        return seconds if 0 < seconds < _LONGEST else None

    @property
    def channels(self) -> int:
        """Channels of the stream that comes first; 0 where they are not known."""
        return self.stretches[0].format.channels if self.stretches else 0

    @property
    def changes(self) -> bool:
        """Whether what follows has another format than what comes first."""
        return len({stretch.format for stretch in self.stretches}) > 1


def inspect_file(path: Path) -> Inspection:
    """Return what the bytes of a file show; raises OSError where it cannot be read."""
    with path.open("rb") as file:
        data = FileBytes(file)
        if not len(data):
            return Inspection("empty")
        head = data[:_HEAD]
        inspectors = (
            (b"RIFF", _inspect_wave), (b"RF64", _inspect_wave), (b"FORM", _inspect_aiff),
            (b"fLaC", _inspect_flac), (b"OggS", _inspect_ogg), (_EBML, _inspect_matroska), (_ASF, _inspect_asf),
        )  # fmt: skip
        usual = _inspect_mp4 if head[4:8] == b"ftyp" else _inspect_stream
        inspect = next((inspect for begin, inspect in inspectors if head.startswith(begin)), usual)
        try:
            return inspect(data)
        except (ArithmeticError, LookupError, ValueError, struct.error):
            return Inspection("foreign")  # a header that lies in a way of its own: the decoders are asked


# Streams without a container. ----------------------------------------------------------------------------------------


def skip_tags(data: Bytes, start: int = 0) -> int:
    """Return where the sound starts behind ID3 tags, whose lengths have seven bits in a byte."""
    for _ in range(_MOST_TAGS):
        if data[start : start + 3] != b"ID3" or len(data) < start + 10:
            break
        size = 0
        for byte in data[start + 6 : start + 10]:
            size = size << 7 | byte & 0x7F
        start += 10 + size
    return min(start, len(data))


def frame_at(data: Bytes, at: int) -> tuple[tuple[int, ...], int] | None:
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
    return ((4, rate, channels), length) if length > 7 and channels and rate < len(ADTS_RATES) else None


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


def _describe_kind(kind: tuple[int, ...]) -> tuple[Format, int]:
    """Return the format of a frame of this kind, and its samples."""
    if kind[0] == 4:
        return Format(ADTS_RATES[kind[1]], 8 if kind[2] == 7 else kind[2], 4), 1024
    layer, version, hertz, mono = kind
    return Format(hertz, 1 if mono else 2, layer), 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152


def _inspect_stream(data: FileBytes) -> Inspection:
    """Follow the frames of MPEG audio or ADTS to the end, across tags and what is broken."""
    start = skip_tags(data)
    if data[start : start + 4] == b"fLaC":
        return Inspection("doubtful", stretches=_flac_streams(data))
    if frame_at(data, start) is None:
        return Inspection("doubtful" if start else "foreign")
    stretches, broken = _follow_frames(data, start)
    info = _vbr_frames(data[start : start + 192])
    first, samples = stretches[0].format, _describe_kind(frame_at(data, start)[0])[1]  # type: ignore[index]
    doubtful = broken or len(stretches) > 1
    return Inspection("doubtful" if doubtful else "sound", "", stretches, info * samples / first.rate)


def _follow_frames(data: FileBytes, start: int) -> tuple[tuple[Stretch, ...], bool]:
    """Return the stretches of frames of one kind, and whether anything but tags stands between or behind them."""
    stretches: list[Stretch] = []
    kind, begin, frames, at, broken = None, start, 0, start, False
    while True:
        frame = frame_at(data, at) if at < len(data) else None
        if kind is not None and (frame is None or frame[0] != kind):
            following = at if frame else _skip_end_tags(data, at)
            if following == at and frame is None and at < len(data):
                following = _next_frame(data, at)
                broken = True
            frame = frame_at(data, following)
            if frame is None or frame[0] != kind:
                stretches.append(_to_stretch(kind, begin, at, frames))
                begin, frames = following, 0
            at = following
        if frame is None:
            return tuple(stretches), broken
        kind = frame[0]
        frames += 1
        at += frame[1]


def _to_stretch(kind: tuple[int, ...], start: int, stop: int, frames: int) -> Stretch:
    form, samples = _describe_kind(kind)
    return Stretch(start, stop, form, frames * samples / form.rate)


def _skip_end_tags(data: FileBytes, at: int) -> int:
    """Return where something follows the tags that stand here; the end of the data where that is all there is."""
    while at < len(data):
        head = data[at : at + 32]
        if head.startswith(b"ID3"):
            behind = skip_tags(data, at)
        elif head.startswith(b"TAG"):
            behind = at + 128
        elif head.startswith(b"APETAGEX"):
            behind = at + 32 + int.from_bytes(head[12:16], "little")
        elif head.startswith(b"LYRICSBEGIN"):
            end = max(data.find(b"LYRICS200", at), data.find(b"LYRICSEND", at))
            behind = end + 9 if end > 0 else len(data)
        elif len(data) - at < 4 or not any(data[at : at + _HEAD]):
            return len(data)
        else:
            return at
        at = min(max(behind, at + 1), len(data))
    return at


def _next_frame(data: FileBytes, at: int) -> int:
    """Return where frames go on behind what is none; the end of the data where that is far, or never."""
    for candidate in data.find_all(b"\xff", at, at + _MOST_JUNK):
        frame = frame_at(data, candidate)
        if frame is not None:
            following = frame_at(data, candidate + frame[1])
            if following is not None and following[0] == frame[0]:
                return candidate
    return len(data)


def _vbr_frames(head: bytes) -> int:
    """Return the number of frames that a first frame of LAME or Xing claims, or 0."""
    match = re.search(rb"(?:Xing|Info)\0\0\0[\x01\x03\x05\x07\x09\x0b\x0d\x0f](.{4})", head, re.DOTALL)
    return int.from_bytes(match[1], "big") if match else 0


# Containers. ---------------------------------------------------------------------------------------------------------


def riff_chunks(data: Bytes, start: int, order: Literal["little", "big"]) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and claimed size of the chunks of a WAVE or AIFF file."""
    for _ in range(1000):
        head = data[start : start + 8]
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], order)
        yield head[:4], start + 8, size
        start += 8 + size + size % 2


def _inspect_wave(data: FileBytes) -> Inspection:
    """Tell whether a WAVE header names PCM or floats, the codecs that are always there."""
    tag = rate = channels = block = size = large = 0
    for name, start, claimed in riff_chunks(data, 12, "little"):
        if name == b"ds64":
            large = int.from_bytes(data[start + 8 : start + 16], "little")
        if name == b"fmt ":
            part = data[start : start + 26]
            tag, channels, rate, block = (
                int.from_bytes(part[i:j], "little") for i, j in ((0, 2), (2, 4), (4, 8), (12, 14))
            )
            if tag == 0xFFFE:  # extensible: the first two bytes of the sub-format are the tag
                tag = int.from_bytes(part[24:26], "little")
        if name == b"data":
            size = large if claimed == 0xFFFF_FFFF else claimed if claimed < _STREAMED else 0
            break
    if tag not in (1, 3):
        return Inspection("foreign", _WAVE_CODECS.get(tag, ""))
    seconds = size / (rate * block) if rate and block else 0.0
    return Inspection("sound", stretches=(Stretch(0, len(data), Format(rate, channels), seconds),))


def _inspect_aiff(data: FileBytes) -> Inspection:
    part = next((data[start : start + 22] for name, start, _ in riff_chunks(data, 12, "big") if name == b"COMM"), b"")
    if len(part) < 18:
        return Inspection("foreign")
    codec = part[18:22] if data[8:12] == b"AIFC" else b"NONE"
    # 80-bit floats; what is no whole number of this size is no rate.
    exponent, mantissa = int.from_bytes(part[8:10], "big") & 0x7FFF, int.from_bytes(part[10:18], "big")
    rate = mantissa >> 63 - (exponent - 16383) if 16383 <= exponent < 16383 + 32 else 0
    frames, channels = int.from_bytes(part[2:6], "big"), int.from_bytes(part[:2], "big")
    if codec.lower() not in (b"none", b"sowt", b"twos", b"fl32", b"fl64", b"in24", b"in32", b"raw ", b"ulaw", b"alaw"):
        return Inspection("foreign", {b"ima4": "IMA ADPCM"}.get(codec, ""))
    return Inspection("sound", stretches=(Stretch(0, len(data), Format(rate, channels), frames / max(rate, 1)),))


def _inspect_flac(data: FileBytes) -> Inspection:
    streams = _flac_streams(data)
    if not streams:
        return Inspection("doubtful")
    parts, misfits = _flac_changes(data, streams[0]) if len(streams) == 1 else (streams, False)
    seen = Inspection("doubtful" if len(parts) > 1 or misfits else "sound", "", parts)
    return replace(seen, misfits=misfits or seen.changes)


def _flac_streams(data: FileBytes) -> tuple[Stretch, ...]:
    """Return the streams of FLAC that stand one behind the other."""
    starts = [at for at in data.find_all(b"fLaC") if data[at + 4 : at + 8] in (b"\0\0\0\x22", b"\x80\0\0\x22")]
    streams = []
    for start, stop in pairwise([*starts, len(data)]):
        packed = int.from_bytes(data[start + 18 : start + 26], "big")
        form = Format(packed >> 44, (packed >> 41 & 7) + 1)
        streams.append(Stretch(start, stop, form, (packed & (1 << 36) - 1) / max(form.rate, 1)))
    return tuple(streams)


class _FlacFrame(NamedTuple):
    """The header of a frame of FLAC; its number counts frames, or samples where their length varies."""

    at: int
    rate: int
    channels: int
    samples: int
    number: int
    varies: bool


def _flac_changes(data: FileBytes, stream: Stretch) -> tuple[tuple[Stretch, ...], bool]:
    """Return the parts of a stream, by the format of their frames, and whether blocks are larger than it claims."""
    largest = int.from_bytes(data[stream.start + 10 : stream.start + 12], "big")
    usual = Format(stream.format.rate, stream.format.channels)
    odd = [
        frame
        for frame in map(partial(_flac_frame, data, usual), _flac_syncs(data, usual, largest))
        if frame is not None and (frame.samples > largest or (frame.rate, frame.channels) != usual[:2])
    ]
    # What looks like a header by chance is followed by none that counts on.
    chained = [
        frame
        for frame, after in pairwise(odd)
        if after.number - frame.number in (1, frame.samples) and after[1:3] == frame[1:3]
    ]
    changes = [frame for frame in chained if (frame.rate, frame.channels) != usual[:2]]
    parts, form, start = [], usual, stream.start
    for frame in changes:
        found = Format(frame.rate, frame.channels)
        if found != form:
            parts.append(Stretch(start, frame.at, form, 0.0, _flac_prefix(data, form) if start else ""))
            form, start = found, frame.at
    parts.append(Stretch(start, stream.stop, form, 0.0, _flac_prefix(data, form) if start else ""))
    return (stream,) if len(parts) == 1 else tuple(parts), any(frame.samples > largest for frame in chained)


def _flac_syncs(data: FileBytes, usual: Format, largest: int) -> Iterator[int]:
    """Yield where headers of frames may stand that are not as a stream's usual ones."""
    rates = [code for code, rate in _FLAC_RATES.items() if rate in (0, usual.rate)]
    channels = [code for code in range(11) if (code + 1 if code < 8 else 2) == usual.channels]
    sizes = [code for code in range(1, 16) if code not in (6, 7) and _flac_block(code) <= largest]
    for start in range(0, len(data), _BLOCK):
        block = np.frombuffer(data[start : start + _BLOCK + 3], np.uint8)
        if len(block) < 4:
            return
        syncs = np.flatnonzero(block[:-3] == 0xFF)
        syncs = syncs[block[syncs + 1] & 0xFE == 0xF8]
        third, fourth = block[syncs + 2], block[syncs + 3]
        known = np.isin(third & 15, rates) & np.isin(fourth >> 4, channels) & np.isin(third >> 4, sizes)
        yield from (start + int(at) for at in syncs[~known])


def _flac_block(code: int) -> int:
    return 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8


def _flac_frame(data: FileBytes, usual: Format, at: int) -> _FlacFrame | None:
    """Return the header that starts here, None where there is none or its sum is wrong."""
    head = data[at : at + 16]
    if len(head) < 16 or head[3] & 1:
        return None
    block, code, sides = head[2] >> 4, head[2] & 15, head[3] >> 4
    more = max(0, 8 - (head[4] ^ 0xFF).bit_length() - 1) if head[4] & 0x80 else 0
    end = 5 + more + {6: 1, 7: 2}.get(block, 0) + {12: 1, 13: 2, 14: 2}.get(code, 0)
    if not block or code == 15 or sides > 10 or more > 6 or end > 15 or _crc8(head[:end]) != head[end]:
        return None
    number = head[4] & (0x7F >> more + bool(more))
    for byte in head[5 : 5 + more]:
        number = number << 6 | byte & 0x3F
    at_size = 5 + more
    size = int.from_bytes(head[at_size : at_size + block - 5], "big") + 1 if block in (6, 7) else _flac_block(block)
    coded = int.from_bytes(head[end - (1 if code == 12 else 2) : end], "big")
    rate = {12: 1000 * coded, 13: coded, 14: 10 * coded}.get(code) or _FLAC_RATES.get(code) or usual.rate
    return _FlacFrame(at, rate, sides + 1 if sides < 8 else 2, size, number, bool(head[1] & 1))


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ (0x107 if crc & 0x80 else 0)
    return crc


def _flac_prefix(data: FileBytes, form: Format) -> str:
    """Return what stands before a stream of FLAC, made for another format than that of the file."""
    packed = int.from_bytes(data[18:26], "big")
    bits = packed >> 36 & 31
    packed = form.rate << 44 | form.channels - 1 << 41 | bits << 36
    head = b"fLaC\x80\0\0\x22" + b"\0\x10\xff\xff" + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return head.decode("latin-1")


def _inspect_ogg(data: FileBytes) -> Inspection:
    begins = list(data.find_all(b"OggS\0\x02"))
    # Pages that begin streams stand together where the streams lie side by side.
    starts = [at for at, before in zip(begins, [-1, *begins], strict=False) if _page_end(data, before) != at]
    streams = [_ogg_stream(data, *span) for span in pairwise([*starts, len(data)])]
    packet = data[:128]
    verdict = "sound" if b"\x01vorbis" in packet else "foreign"
    codec = "" if verdict == "sound" or b"OpusHead" in packet or b"\x7fFLAC" in packet else _ogg_codec(packet)
    if verdict == "sound" and len(streams) > 1:
        verdict = "doubtful"
    return Inspection(verdict, codec, tuple(streams) if all(streams) else ())  # type: ignore[arg-type]


def _ogg_codec(packet: bytes) -> str:
    return "Speex" if b"Speex  " in packet else "Theora" if b"\x80theora" in packet else ""


def _page_end(data: FileBytes, at: int) -> int:
    head = data[at : at + 27 + 255] if at >= 0 else b""
    return at + 27 + head[26] + sum(head[27 : 27 + head[26]]) if len(head) > 27 else -1


def _ogg_stream(data: FileBytes, start: int, stop: int) -> Stretch | None:
    """Return a stream of Vorbis, Opus or FLAC with the seconds of its last page."""
    head = data[start : start + 128]
    serial, packet = head[14:18], head[27 + head[26] :] if len(head) > 27 else b""
    skipped = 0
    if len(packet) < 16:  # longer is the shortest header
        return None
    if packet.startswith(b"\x01vorbis"):
        form = Format(int.from_bytes(packet[12:16], "little"), packet[11])
    elif packet.startswith(b"OpusHead"):
        form, skipped = Format(48_000, packet[9]), int.from_bytes(packet[10:12], "little")
    elif packet.startswith(b"\x7fFLAC") and len(packet) > 34:
        packed = int.from_bytes(packet[27:35], "big")
        form = Format(packed >> 44, (packed >> 41 & 7) + 1)
    else:
        return None
    first = _granule(data, start, min(start + 4 * _HEAD, stop), serial, last=False)
    end = _granule(data, max(start, stop - 4 * _HEAD), stop, serial, last=True)
    # What was cut out of a longer stream does not begin at 0.
    skipped += first if first > 2 * form.rate else 0
    return Stretch(start, stop, form, max(0, end - skipped) / max(form.rate, 1))


def _granule(data: FileBytes, start: int, stop: int, serial: bytes, *, last: bool) -> int:
    """Return how many samples there are at the end of the first, or last, page of a stream that has any."""
    found = 0
    for at in data.find_all(b"OggS\0", start, stop):
        head = data[at : at + 18]
        samples = int.from_bytes(head[6:14], "little", signed=True)
        if head[14:18] == serial and samples > 0:
            found = samples
            if not last:
                break
    return found


def _inspect_mp4(data: FileBytes) -> Inspection:
    for name, start, stop in mp4_boxes(data, 0, len(data)):
        if name == b"moov":
            return _inspect_moov(data[start : min(stop, start + _LARGEST_MOOV)])
    return Inspection("foreign")


def _inspect_moov(moov: bytes) -> Inspection:
    """Return what the first track of sound is."""
    for name, start, stop in mp4_boxes(moov, 0, len(moov)):
        track = moov[start:stop] if name == b"trak" else b""
        entry = track.find(b"stsd") + 12
        if entry < 12 or (b"soun" not in track[: entry + 4096] and b"soun" not in track):
            continue
        codec, config = track[entry + 4 : entry + 8], _mpeg4_config(track, entry)
        known, name_of = _mp4_codec(codec, config)
        header = track.find(b"mdhd") + 4
        long = header >= 4 and track[header : header + 1] == b"\1"
        at, size = (header + 20, 8) if long else (header + 12, 4)
        scale = int.from_bytes(track[at : at + 4], "big")
        length = int.from_bytes(track[at + 4 : at + 4 + size], "big")
        seconds = length / scale if scale and header >= 4 and length < (1 << 8 * size) - 1 else 0.0
        channels = config[2] if config else 0
        if codec == b"alac":
            channels = int.from_bytes(track[entry + 24 : entry + 26], "big")
        form = Format(scale, 8 if channels == 7 and config else channels)
        return Inspection("sound" if known else "foreign", name_of, (Stretch(0, 0, form, seconds),))
    return Inspection("foreign")


def _mp4_codec(codec: bytes, config: tuple[int, int, int] | None) -> tuple[bool, str]:
    """Tell whether a codec of MP4 is one that is always there, and its name where it is not."""
    if codec == b"alac":
        return True, ""
    if codec != b"mp4a":
        return False, _MP4_CODECS.get(codec, "")
    if config is None:
        return False, ""
    kind, profile, _ = config
    if kind == 0x40:
        name = _MPEG4_TYPES.get(profile, f"MPEG-4 audio of type {profile}")
        return (True, "") if profile in (2, 5, 29) else (False, name)
    if kind == 0x68:
        return False, "AAC SSR"
    return (True, "") if kind in (0x66, 0x67, 0x69, 0x6B) else (False, _MP4_OBJECTS.get(kind, f"MP4 object {kind:#x}"))


def _mpeg4_config(track: bytes, entry: int) -> tuple[int, int, int] | None:
    """Return the type of the object in a sample description, and type and channels of its MPEG-4 audio."""
    at = track.find(b"esds", entry, entry + _HEAD)
    if at < 0:
        return None
    at += 8
    config = [-1, 0, 0]
    while at < len(track):  # descriptors lie in each other: only their own fields are skipped
        tag = track[at]
        at += 1
        while at < len(track) and track[at] & 0x80:
            at += 1
        at += 1
        if tag == 3:
            at += 3
        elif tag == 4:
            config[0] = int.from_bytes(track[at : at + 1], "big")
            at += 13
        elif tag == 5:
            bits = f"{int.from_bytes(track[at : at + 8].ljust(8, bytes(1)), 'big'):064b}"
            escaped = bits.startswith("11111")
            config[1] = 32 + int(bits[5:11], 2) if escaped else int(bits[:5], 2)
            rest = bits[11:] if escaped else bits[5:]
            config[2] = int(rest[28:32] if rest.startswith("1111") else rest[4:8], 2)
            break
        else:
            break
    return (config[0], config[1], config[2]) if config[0] >= 0 else None


def mp4_boxes(data: Bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the boxes of MP4 that lie one behind the other."""
    for _ in range(1000):
        head = data[start : start + 16]
        if len(head) < 8 or start >= stop:
            return
        size, skip = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, skip = int.from_bytes(head[8:16], "big"), 16
        end = stop if size == 0 else start + size
        if end < start + skip:
            return
        yield head[4:8], start + skip, end
        start = end


# Containers of which only the length is read. ------------------------------------------------------------------------


def _inspect_matroska(data: FileBytes) -> Inspection:
    """Read the length that a Matroska or WebM file claims (RFC 9559)."""
    head = data[:_HEAD]
    # The name of the element stands in the index before it, too, where nothing that follows is a duration.
    told = [_matroska_seconds(head, match.end()) for match in re.finditer(re.escape(_INFO), head)]
    return Inspection("foreign", seconds=next((seconds for seconds in told if 0 < seconds < _LONGEST), 0.0))


def _matroska_seconds(head: bytes, start: int) -> float:
    """Return the duration in the ``Info`` whose size stands here; 0 where there is none."""
    size, at = _ebml_size(head, start)
    scale, duration, stop = 1_000_000, 0.0, min(at + size, len(head))
    while at < stop:
        name = head[at : at + _ebml_width(head, at)]
        size, at = _ebml_size(head, at + len(name))
        content = head[at : at + size]
        if name == b"\x2a\xd7\xb1":
            scale = int.from_bytes(content[:8], "big")
        elif name == b"\x44\x89" and size in (4, 8):
            duration = struct.unpack(">f" if size == 4 else ">d", content.ljust(size, b"\0"))[0]
        at += size
    return duration * scale * 1e-9


def _ebml_width(data: bytes, at: int) -> int:
    """Return how many bytes a number of variable length has: one more than there are zeros before its first bit."""
    return 9 - (data[at].bit_length() if at < len(data) else 8)


def _ebml_size(data: bytes, at: int) -> tuple[int, int]:
    """Return a size of variable length, and where its element begins."""
    width = _ebml_width(data, at)
    return int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1), at + width


def _inspect_asf(data: FileBytes) -> Inspection:
    """Read the length that a Windows Media file claims: its play duration in 100 ns, less the time to fill a buffer."""
    head = data[:_HEAD]
    at = head.find(_ASF_PROPERTIES)
    if at < 0:
        return Inspection("foreign")
    duration, preroll = (int.from_bytes(head[at + start : at + start + 8], "little") for start in (64, 80))
    return Inspection("foreign", seconds=max(duration * 1e-7 - preroll * 1e-3, 0.0))
