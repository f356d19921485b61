"""Tags and length of audio files, read without decoding them.

Conventions: text is one printable line of bounded length, whatever stands in the file; a length is in seconds, and no
longer than the bytes of the file allow. Read are ID3 (mp3, wav, aiff, aac), Vorbis comments (ogg, opus, flac), APEv2,
the atoms of m4a, the attributes of wma, and the text chunks of wav, avi and aiff. Several artists are separated by
semicolons.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NamedTuple

from embviz.audio.decode import NOT_AUDIO
from embviz.audio.file_kinds import ADTS, CHAIN, frames_at, identify
from embviz.audio.sniff import ADTS_RATES, FileBytes, inspect_file, riff_chunks
from embviz.core.text import LONGEST_LINE, printable_name, shorten

MOST_VALUES = 20  # of one tag, as in several artists
LARGEST_TEXT = 1 << 16  # bytes
LEAST_BYTES = {"mpeg": 900.0, "": 8.0}  # of a second: the lowest bit rate of mp3; silence in flac or opus
SPOTS, AT_SPOT = 50, 10  # places in a file, and frames at each, by which its length is estimated
SPOT_BYTES = 1 << 14

# Keys of ID3, of MP4, of Vorbis comments and APEv2, and of ASF, the best first.
_KEYS = {
    "title": ("TIT2", "\xa9nam", "title", "Title"),
    "artist": ("TPE1", "TPE2", "\xa9ART", "aART", "artist", "albumartist", "album artist", "Author", "WM/AlbumArtist"),
    "album": ("TALB", "\xa9alb", "album", "WM/AlbumTitle"),
    "genre": ("TCON", "\xa9gen", "genre", "WM/Genre"),
    "year": ("TDRC", "TDRL", "TDOR", "\xa9day", "date", "year", "originaldate", "WM/Year"),
}
_CHUNKS = {
    b"INAM": "title", b"IART": "artist", b"IPRD": "album", b"IGNR": "genre", b"ICRD": "date",
    b"NAME": "title", b"AUTH": "artist",
}  # fmt: skip
_IN_CHUNKS = ("wave", "avi", "aiff")
_SNDFILE = ("wave", "aiff", "au", "caf", "w64", "voc", "svx", "nist")  # kinds whose length libsndfile reads exactly
_SNDFILE_ALONE = ("caf", "w64", "voc", "svx")  # kinds that nothing else reads

# The classes of mutagen that read a kind.
_MUTAGEN = {
    "mpeg": "mp3.MP3", "adts": "aac.AAC", "ac3": "ac3.AC3", "flac": "flac.FLAC", "mp4": "mp4.MP4", "wave": "wave.WAVE",
    "aiff": "aiff.AIFF", "asf": "asf.ASF", "wavpack": "wavpack.WavPack", "tta": "trueaudio.TrueAudio",
    "ape": "monkeysaudio.MonkeysAudio", "musepack": "musepack.Musepack", "tak": "tak.TAK",
    "ogg": "oggvorbis.OggVorbis oggopus.OggOpus oggflac.OggFLAC oggtheora.OggTheora",
}  # fmt: skip


class FileTags(NamedTuple):
    """The tags of a file; `problem` says why it is no audio, where its first bytes show that."""

    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int | None = None
    duration: float | None = None
    problem: str = ""


class _Chunk(NamedTuple):
    """A chunk of a RIFF or AIFF file."""

    name: bytes
    start: int  # of its content
    size: int  # bytes of its content that are in the file


def read_tags(path: Path) -> FileTags:
    """Read the tags of a file; a file whose tags cannot be read has none. Raises OSError where it cannot be opened."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        kind, start = identify(file)
        if not kind or (kind in _SNDFILE_ALONE and not _sndfile_seconds(path)):
            return FileTags(problem=f"{printable_name(path)!r} {NOT_AUDIO}")
        parsed = _parse(kind, file)
        chunks = list(_chunks(file, size)) if kind in _IN_CHUNKS else []
        sources = [getattr(parsed, "tags", None), *_more_tags(kind, start, file), _chunk_texts(file, chunks)]
        found = {name: _values(sources, name) for name in _KEYS}
        if kind in _SNDFILE:
            seconds = _sndfile_seconds(path) or _byte_rate_seconds(file, chunks, size)
        elif kind == "matroska":  # which mutagen does not know
            seconds = inspect_file(path).claimed or 0.0
        else:
            seconds = _parsed_seconds(kind, parsed, file, start, size)
    return FileTags(
        shorten(next(iter(found["title"]), "")),
        shorten("; ".join(found["artist"])),
        shorten(next(iter(found["album"]), "")),
        shorten(", ".join(found["genre"])),
        _year(found["year"]),
        seconds if 0 < seconds <= size / LEAST_BYTES.get(kind, LEAST_BYTES[""]) else None,
    )


# Tags. ---------------------------------------------------------------------------------------------------------------


def _parse(kind: str, file: IO[bytes]) -> Any:
    """Return what mutagen makes of a file of some kind; None where it makes nothing."""
    import mutagen

    names = [name.split(".") for name in _MUTAGEN.get(kind, "").split()]
    known: list[Any] = [getattr(import_module(f"mutagen.{module}"), name) for module, name in names]
    with contextlib.suppress(Exception):  # the bytes may be anything, and so may be what goes wrong in a parser
        file.seek(0)
        return mutagen.File(file, options=known) if len(known) > 1 else known[0](file)
    return None


def _more_tags(kind: str, start: int, file: IO[bytes]) -> Iterator[Any]:
    """Yield tags at either end of a stream that officially has none there."""
    from mutagen import apev2, id3

    read: Any
    for read, is_usual in ((id3.ID3, start > 0), (apev2.APEv2, kind in ("mpeg", "adts", "ac3"))):
        if is_usual:
            with contextlib.suppress(Exception):  # as above
                file.seek(0)
                yield read(file)


def _values(sources: list[Any], name: str) -> list[str]:
    """Return the values of a tag as text, of bounded number and length, from the first source that has any."""
    for tags in sources:
        for key in _KEYS[name]:
            try:
                texts = [] if tags is None else _texts(tags.get(key))
            except Exception:  # noqa: BLE001, S112  as above
                continue
            if texts:
                return texts
    return []


def _texts(found: Any) -> list[str]:
    """Return what a tag holds as texts; bytes that are none, and what else has a wrong type, are left out."""
    if found is None:
        return []
    if hasattr(found, "text"):  # a frame of ID3, where numbers stand for genres
        found = found.genres if hasattr(found, "genres") else found.text
    values = [found] if isinstance(found, str | bytes) else list(found)
    texts = []
    for value in values[:MOST_VALUES]:
        content = value.decode("utf-8", "ignore") if isinstance(value, bytes) else getattr(value, "value", value)
        if isinstance(content, str | int) or hasattr(content, "text"):  # a date of ID3 is an object
            texts.append(mend_encoding(str(content)[: 4 * LONGEST_LINE]))
    return [text for text in texts if text.strip()]


def mend_encoding(text: str) -> str:
    """Return text as it was meant where UTF-8 was taken for Latin-1 or Windows' cp1252, and all of it shows that."""
    if not text.isascii():
        for encoding in ("latin-1", "cp1252"):
            with contextlib.suppress(UnicodeError):
                return text.encode(encoding).decode()
    return text


def _year(values: list[str]) -> int | None:
    match = re.search(r"(?<!\d)[12]\d{3}(?!\d)", " ".join(values))
    return None if match is None else int(match[0])


# Chunks of RIFF (little-endian) and of AIFF (big-endian). ------------------------------------------------------------


def _chunks(file: IO[bytes], size: int) -> Iterator[_Chunk]:
    """Yield the chunks of a file, as far as they lie in it."""
    file.seek(0)
    order: Any = "little" if file.read(4) in (b"RIFF", b"RF64") else "big"
    for name, start, claimed in riff_chunks(FileBytes(file, block=0), 12, order):
        yield _Chunk(name, start, min(claimed, size - start))


def _chunk_texts(file: IO[bytes], chunks: list[_Chunk]) -> dict[str, str]:
    """Return the tags in text chunks, under the names that Vorbis comments have."""
    texts: dict[str, str] = {}
    for chunk in chunks:
        if chunk.name not in (b"LIST", *_CHUNKS):
            continue
        file.seek(chunk.start)
        content = file.read(min(chunk.size, LARGEST_TEXT))
        if chunk.name != b"LIST":
            texts.setdefault(_CHUNKS[chunk.name], _chunk_text(content, "mac_roman"))
        elif content.startswith(b"INFO"):
            at = 4
            while len(content) >= at + 8:
                name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
                if name in _CHUNKS:
                    texts.setdefault(_CHUNKS[name], _chunk_text(content[at + 8 : at + 8 + length], "cp1252"))
                at += 8 + length + length % 2
    return texts


def _chunk_text(content: bytes, otherwise: str) -> str:
    """Return the text in a chunk, which does not say how it is encoded."""
    content = content.split(b"\0")[0]
    try:
        return content.decode()
    except UnicodeError:
        return content.decode(otherwise, "replace")


# Length. -------------------------------------------------------------------------------------------------------------


def _parsed_seconds(kind: str, parsed: Any, file: IO[bytes], start: int, size: int) -> float:
    """Return what the headers and the bytes of a file say of its length; 0 where that is nothing."""
    try:
        if kind in ("mpeg", "adts") and not _has_vbr_header(parsed):
            return _frame_seconds(file, start, size)
        seconds = float(parsed.info.length)
        if kind == "mpeg":  # the header may speak of more than there is
            seconds = min(seconds, 8 * size / parsed.info.bitrate)
    except (AttributeError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0


def _sndfile_seconds(path: Path) -> float:
    """Return the length that libsndfile reads, which is bounded by the file; 0 where it cannot."""
    import soundfile

    try:
        with soundfile.SoundFile(os.fsencode(path)) as sound:
            return float(sound.frames / sound.samplerate)
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError, ZeroDivisionError):
        return 0.0


def _byte_rate_seconds(file: IO[bytes], chunks: list[_Chunk], size: int) -> float:
    """Return the length of a WAVE file by the bytes of a second that its header names."""
    found = {chunk.name: chunk for chunk in reversed(chunks)}
    if b"fmt " not in found or b"data" not in found:
        return 0.0
    file.seek(found[b"fmt "].start + 8)
    data = found[b"data"].size or size - found[b"data"].start  # 0 is what a recording that broke off claims
    return data / max(1, int.from_bytes(file.read(4), "little"))


def _has_vbr_header(parsed: Any) -> bool:
    """Tell whether the first frame of an mp3 says how many frames there are."""
    return getattr(getattr(parsed, "info", None), "sketchy", True) is False and bool(parsed.info.bitrate_mode)


def _frame_seconds(file: IO[bytes], start: int, size: int) -> float:
    """Return the length of a stream of frames, by the seconds in a byte at some places."""
    spots = []
    for spot in range(SPOTS):
        file.seek(start + (size - start) * (2 * spot + 1) // (2 * SPOTS))
        data = file.read(SPOT_BYTES)
        at = data.find(b"\xff")
        while at >= 0 and len(frames_at(data, at, CHAIN)) < CHAIN:
            at = data.find(b"\xff", at + 1)
        frames = frames_at(data, at, AT_SPOT) if at >= 0 else []
        if frames:
            seconds = sum(_frame_duration(*kind[:3]) for kind, _ in frames)
            spots.append(seconds / sum(length for _, length in frames))
    return (size - start) * sum(spots) / len(spots)


def _frame_duration(layer: int, version: int, rate: int) -> float:
    """Return the seconds of a frame of the kind that :func:`embviz.audio.sniff.frame_at` tells."""
    if layer == ADTS:
        return 1024 / ADTS_RATES[version] if version < len(ADTS_RATES) else 0.0
    return (384 if layer == 1 else 1152 if layer == 2 or version == 3 else 576) / rate
