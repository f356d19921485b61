"""Tracks: what is in a folder, listed without opening a sound.

Conventions: a track has an id, its place in the list, which it keeps. What is known of it beforehand stands beside it
(:mod:`embviz.collection.sidecar`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.audio import Audio
from embviz.audio.facts import SoundFacts, load_facts
from embviz.audio.file_kinds import LISTED
from embviz.collection.discovery import expand_user, find_audio_files, undecodable_note
from embviz.collection.sidecar import SidecarRows, common_folder, folder_name, parse_number, read_sidecar
from embviz.core.paths import check_the_path
from embviz.core.text import LONGEST_TEXT, clean_line, is_missing, printable, printable_name
from embviz.errors import AudioError

if TYPE_CHECKING:
    from pandas import DataFrame

    from embviz.core.cache import Cache
    from embviz.widgets.schema import TrackItem


MOST = 50_000  # files; a whole disk is not meant to be listed


# What of a collection's table a track shows, and as what.
_OF_TABLE = {
    name: name
    for name in ("name", "title", "artist", "album", "genre", "style", "bpm", "key", "meter", "problem", "warning")
}
_OF_TABLE |= {"duration": "seconds"}


@dataclass(frozen=True)
class Track:
    """One track, and what is known of it beforehand; texts are empty where nothing is."""

    id: int  # place in the list
    path: Path | None  # the file; None where the sound came as samples
    name: str  # of the file, below the folder that was listed, as text that can be shown
    title: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""  # as tags say it; `style` is what ``tracks.csv`` says
    style: str = ""
    bpm: float | None = None  # tempo
    key: str = ""
    meter: str = ""
    seconds: float | None = None  # length
    sections: tuple[tuple[str, float], ...] = ()  # names, and where they start in seconds
    note: str = ""
    problem: str = ""  # why it cannot be heard, where that is known
    warning: str = ""  # what is odd about its sound, where that is known
    sound: Audio | None = field(default=None, repr=False, compare=False)  # the samples, where there is no file
    base: Path = field(default=Path(), repr=False, compare=False)  # the working folder when listed: `path` starts there

    @property
    def place(self) -> Path | None:
        """Where the file is, whatever the working folder has become meanwhile."""
        return None if self.path is None else self.base / self.path

    @property
    def current_path(self) -> str | None:
        """The file's path as the working folder of now understands it; as it was given, where that is so."""
        moved = self.path is not None and not self.path.is_absolute() and _working_folder() != self.base
        return None if self.path is None else str(self.place if moved else self.path)

    @property
    def facts(self) -> list[str]:
        """What is known of the music beforehand, in words: artist, style or genre, tempo and key."""
        tempo = "" if self.bpm is None else f"{round(self.bpm, 1):g} BPM"
        return [fact for fact in (self.artist, self.style or self.genre, tempo, self.key) if fact]

    def open(self) -> Audio:
        """Return the sound; raises AudioError where the file is gone."""
        return self.sound or Audio.open(self.place or "")

    def to_dict(self) -> TrackItem:
        """Return what a list shows of it, ready for JSON."""
        return {
            "id": self.id, "name": self.name, "title": self.title, "artist": self.artist, "album": self.album,
            "genre": self.genre, "style": self.style, "bpm": self.bpm, "key": self.key, "seconds": self.seconds,
            "note": self.note, "problem": self.problem, "warning": self.warning,
        }  # fmt: skip


class Tracks:
    """The tracks of a folder, of a list, of a file or of an array.

    Parameters
    ----------
    source : path, sequence of paths, (ndarray, int), Audio or None
        A folder is listed with the folders inside, but without hidden ones; None gives an empty list.

    Attributes
    ----------
    folder : str
        Where they are, for people.
    is_whole : bool
        Whether they are all that was found in the folder.
    notice : str
        What was wrong with the list or its table, as a sentence, or empty.

    Raises
    ------
    AudioError
        If there is no such file or folder.
    """

    def __init__(self, source: Any = None) -> None:
        self.folder, self.notice = "", ""
        self.is_whole = False
        self._items: list[Track] = []
        self._base = _working_folder()
        self._tables: dict[Path, SidecarRows] = {}
        self._is_ordered = False  # by the reader
        if isinstance(source, Audio) or (isinstance(source, tuple) and not all(map(_is_path, source))):
            self.add(source)
        elif isinstance(source, list | tuple):
            self._is_ordered = True
            for path in source:
                self.add(path)
        elif source is not None:
            self.read(source)

    @classmethod
    def of_table(cls, table: DataFrame) -> Tracks:
        """Return the tracks of a collection's table, in its order; what it says goes before what stands beside them."""
        tracks = cls()
        columns = {shown: table[name].tolist() for name, shown in _OF_TABLE.items() if name in table}
        for i, path in enumerate(table["path"]):
            cells = {name: values[i] for name, values in columns.items() if not is_missing(values[i])}
            known: dict[str, Any] = {name: clean_line(value)[:LONGEST_TEXT] for name, value in cells.items()}
            known |= {name: parse_number(known[name]) for name in ("bpm", "seconds") if name in known}
            tracks._append(Path(path) if path else None, known.pop("name", ""), **known)
        tracks.folder = common_folder(table["path"])
        return tracks

    def add(self, source: Any, *, note: str = "") -> Track:
        """Add a file or samples, and return the track; one whose file is listed already is not added again."""
        if not _is_path(source) and not isinstance(source, tuple | Audio):
            raise AudioError(
                f"A file, a (samples, sample_rate) pair or an Audio is expected, {source!r:.80} was found."
            )
        if not _is_path(source):
            return self._append(None, "array" if isinstance(source, tuple) else source.title, sound=Audio.open(source))
        path = expand_user(source)
        for track in self._items:
            if track.path == path:
                return track
        return self._append(path, printable_name(path), note=note)

    def change(self, number: int, **facts: Any) -> Track:
        """Put what has become known of a track into the list."""
        self._items[number] = replace(self._items[number], **facts)
        return self._items[number]

    def find(self, path: str | os.PathLike[str] | None) -> Track | None:
        """Return the track of a file, or None."""
        if path is None:
            return None
        path = expand_user(path)
        same = [track for track in self._items if track.path == path]
        if not same:
            whole = path.absolute()
            same = [track for track in self._items if track.place is not None and track.place.absolute() == whole]
        return same[0] if same else None

    @property
    def first(self) -> Track | None:
        """The track to begin with, or None where there is none.

        That is the first of a list; of a folder, the one in the first row of its ``tracks.csv``, else the first with
        sections, else the first by name.
        """
        usable = [track for track in self._items if not track.problem] or self._items
        if self._is_ordered:
            return usable[0] if usable else None
        by_file = {(track.path.parent, track.path.name): track for track in usable if track.path is not None}
        named = (by_file.get((folder, file)) for folder, rows in self._tables.items() for file in rows)
        with_sections = (track for track in usable if track.sections)
        return next(chain(filter(None, named), with_sections, usable), None)

    def to_dict(self) -> list[TrackItem]:
        """Return what a list shows, ready for JSON."""
        return [track.to_dict() for track in self._items]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Track]:
        return iter(self._items)

    def __getitem__(self, number: int) -> Track:
        return self._items[number]

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(self._items)

    def read(self, source: Any) -> None:
        """Add the tracks of a folder, or a file."""
        try:
            path = Path(source).expanduser()
            is_folder, exists = path.is_dir(), path.exists()
        except (TypeError, ValueError, OSError) as error:
            raise AudioError(
                "A folder, an audio file, a list of them or a (samples, sample_rate) pair is expected, "
                f"{source!r:.80} was found."
            ) from error
        if not exists:
            raise AudioError(f"There is no file or folder {str(source)!r}; {check_the_path(path)}")
        if not is_folder:
            self.folder = folder_name(path.parent)
            self.add(path)
            return
        self.folder = folder_name(path)
        found = find_audio_files(path, most=MOST)
        self.is_whole = len(found.names) < MOST
        for name in found.names:
            self._append(path / name, printable(name.as_posix()))
        said = [self.notice] if self.notice else []  # of a table
        if len(found.names) >= MOST:
            said.append(f"Only the first {MOST:,} tracks of {self.folder!r} are listed; name a folder inside.")
        if not found.names:
            said.append(f"There is no sound in {self.folder!r}: {LISTED}")
        self.notice = " ".join([*said, *undecodable_note(found)])

    def _append(self, path: Path | None, name: str, *, sound: Audio | None = None, **known: Any) -> Track:
        facts: dict[str, Any] = {}
        if path is not None:
            if path.parent not in self._tables:
                self._tables[path.parent], wrong = read_sidecar(path.parent)
                self.notice = wrong or self.notice
            said = self._tables[path.parent].get(path.name, {})
            facts |= {name: value for name, value in said.items() if name != "labels"}
        facts |= {name: value for name, value in known.items() if value}
        self._items.append(Track(len(self._items), path, name, sound=sound, base=self._base, **facts))
        return self._items[-1]


def sound_facts(audio: Audio, digest: str, store: Cache | None) -> SoundFacts:
    """Return the facts of a sound, from the cache or as it is decoded; they are remembered then."""
    known = load_facts(store, digest) if store is not None else None
    if known is None and store is not None and audio.path is not None:
        store.note_sound(digest, asdict(audio.facts))
    return known or audio.facts


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it has been removed
        return Path()


def _is_path(source: Any) -> bool:
    return isinstance(source, str | os.PathLike)
