"""Edit lists of MP4 files: how much of the decoded sound players leave out at the beginning.

Conventions: a *box* is a length, a name of four letters and a content (ISO/IEC 14496-12); here it is its content, and
nothing where there is no such box.

An encoder of AAC needs a run-up of a thousand samples or more, which an edit list tells players to skip. Essentia's
loader reads no edit lists, so its numbers begin with the run-up, unless iTunes has noted it in words of its own
(``iTunSMPB``), which it does follow.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from embviz.audio.sniff import mp4_boxes

if TYPE_CHECKING:
    from embviz.audio.sniff import Bytes

_NOTE = re.compile(rb"iTunSMPB.{0,24}? [0-9A-F]{8} ([0-9A-F]{8}) ", re.DOTALL)
_EMPTY = -1  # the place in the sound of an edit that is silence
_LARGEST = 64 << 20  # bytes of a description


def edit_offset(data: Bytes) -> float | None:
    """Return the second of the decoded sound at which players begin an MP4 file.

    It is negative where they begin with silence, and None where the edit list does more than to leave out a beginning
    and an end.
    """
    movie = _content(data, b"moov")
    for name, start, stop in mp4_boxes(movie, 0, len(movie)):
        track = movie[start:stop] if name == b"trak" else b""
        edits = _content(track, b"edts", b"elst")
        if not edits or _content(track, b"mdia", b"hdlr")[8:12] != b"soun":
            continue
        silence, starts = _read_edits(edits)
        ticks, movie_ticks = _ticks(_content(track, b"mdia", b"mdhd")), _ticks(_content(movie, b"mvhd"))
        if len(starts) != 1 or not ticks or not movie_ticks:
            return None
        note = _NOTE.search(movie)
        skipped = int(note[1], 16) if note else 0
        return (starts[0] - skipped) / ticks - silence / movie_ticks
    return 0.0


def _read_edits(edits: bytes) -> tuple[int, list[int]]:
    """Return the silence before the sound, in ticks of the movie, and where in the sound each edit starts, in its."""
    wide = 8 if edits[0] == 1 else 4
    count = int.from_bytes(edits[4:8], "big")
    silence, starts = 0, list[int]()
    for at in range(8, min(len(edits), 8 + count * (2 * wide + 4)), 2 * wide + 4):
        begin = int.from_bytes(edits[at + wide : at + 2 * wide], "big", signed=True)
        if begin != _EMPTY:
            starts.append(begin)
        elif not starts:
            silence += int.from_bytes(edits[at : at + wide], "big")
    return silence, starts


def _ticks(header: bytes) -> int:
    """Return the ticks per second that a header names."""
    at = 20 if header[:1] == b"\1" else 12
    return int.from_bytes(header[at : at + 4], "big")


def _content(data: Bytes, *path: bytes) -> bytes:
    """Return the first box with these names, from the outer to the inner one."""
    for name in path:
        found = ((start, stop) for other, start, stop in mp4_boxes(data, 0, len(data)) if other == name)
        start, stop = next(found, (0, 0))
        data = data[start : min(stop, start + _LARGEST)]
    return data[:]
