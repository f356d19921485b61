"""Tags and length of audio files, read without decoding them.

Conventions: text is one printable line of bounded length, whatever stands in the file; a length is in seconds. Read are
ID3 (mp3, wav, aiff, aac), Vorbis comments (ogg, opus, flac) and the atoms of m4a.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

from embviz.audio.decode import NOT_AUDIO
from embviz.audio.sniff import classify_file
from embviz.core.text import LONGEST_LINE, printable_name, shorten

MOST_VALUES = 20  # of one tag, as in several artists
LONGEST_SOUND = 1e7  # seconds; a header that claims more is wrong

# Keys of ID3, of MP4 and of Vorbis comments, the best first.
_KEYS = {
    "title": (["TIT2"], ["\xa9nam"], ["title"]),
    "artist": (["TPE1", "TPE2"], ["\xa9ART", "aART"], ["artist", "albumartist"]),
    "album": (["TALB"], ["\xa9alb"], ["album"]),
    "genre": (["TCON"], ["\xa9gen"], ["genre"]),
    "year": (["TDRC", "TDRL", "TDOR"], ["\xa9day"], ["date", "year", "originaldate"]),
}

# Containers that hold sound of some codec, though mutagen may not know it.
_CONTAINERS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b"OggS", b"fLaC", b".snd", b"caff")


class FileTags(NamedTuple):
    """The tags of a file; `problem` says why it is no audio, where its first bytes show that."""

    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int | None = None
    duration: float | None = None
    problem: str = ""


def read_tags(path: Path) -> FileTags:
    """Read the tags of a file; a file whose tags cannot be read has none. Raises OSError where it cannot be opened."""
    import mutagen

    with path.open("rb") as file:
        try:
            found = mutagen.File(file, options=_mutagen_types(path))
        except Exception:  # noqa: BLE001  the bytes may be anything, and so may be what goes wrong in a parser
            found = None
        tags = _leading_id3(file) if found is not None and found.tags is None else getattr(found, "tags", None)
    if found is None:
        return FileTags(problem=_not_audio(path))
    texts = {name: shorten(", ".join(_values(tags, name))) for name in ("artist", "genre")}
    firsts = {name: shorten(next(iter(_values(tags, name)), "")) for name in ("title", "album")}
    return FileTags(**texts, **firsts, year=_year(_values(tags, "year")), duration=_seconds(found))


def _mutagen_types(path: Path) -> list[Any]:
    from mutagen import aac, aiff, flac, mp3, mp4, oggflac, oggopus, oggspeex, oggvorbis, wave

    if path.suffix.lower() == ".aac":  # ID3 tags before it would pass for those of an mp3
        return [aac.AAC, mp4.MP4]
    ogg = [oggvorbis.OggVorbis, oggopus.OggOpus, oggflac.OggFLAC, oggspeex.OggSpeex]
    return [mp3.MP3, *ogg, flac.FLAC, mp4.MP4, wave.WAVE, aiff.AIFF]


def _leading_id3(file: Any) -> Any:
    """Return ID3 tags that stand before a stream which officially has none, or None."""
    from mutagen import id3

    read: Any = id3.ID3
    try:
        file.seek(0)
        return read(file) if file.read(3) == b"ID3" and not file.seek(0) else None
    except Exception:  # noqa: BLE001  as above
        return None


def _values(tags: Any, name: str) -> list[str]:
    """Return the values of a tag as text, of bounded number and length."""
    from mutagen.mp4 import MP4Tags

    kind = 0 if hasattr(tags, "getall") else 1 if isinstance(tags, MP4Tags) else 2
    for key in _KEYS[name][kind]:
        try:
            found = None if tags is None else tags.get(key)
            values = (found.genres if key == "TCON" else found.text) if kind == 0 and found is not None else found
            texts = [str(value)[: 4 * LONGEST_LINE] for value in (values or [])[:MOST_VALUES]]
        except Exception:  # noqa: BLE001, S112  as above
            continue
        if any(text.strip() for text in texts):
            return [text for text in texts if text.strip()]
    return []


def _year(values: list[str]) -> int | None:
    match = re.search(r"(?<!\d)[12]\d{3}(?!\d)", " ".join(values))
    return None if match is None else int(match[0])


def _seconds(found: Any) -> float | None:
    try:
        seconds = float(found.info.length)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and 0 < seconds < LONGEST_SOUND else None


def _not_audio(path: Path) -> str:
    """Return why a file that mutagen cannot read is no sound; empty where it may be one all the same."""
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(_CONTAINERS) or head[4:8] == b"ftyp" or classify_file(path) != "foreign":
        return ""
    return f"{printable_name(path)!r} {NOT_AUDIO}"
