"""Tracks: what is in a folder, listed without opening a sound.

Conventions: a track has an id, its place in the list, which it keeps. What is known of it beforehand (title, style,
tempo, key, metre, sections) stands in a file ``tracks.csv`` beside it, with the columns ``file``, ``title``, ``style``,
``bpm``, ``key``, ``meter`` and ``sections`` ("intro 0.000; verse 7.500"), of which all but ``file`` may be missing.
"""

from __future__ import annotations

import contextlib
import csv
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from embviz.audio import Audio
from embviz.audio.decode import plain, printable
from embviz.core.text import one_line
from embviz.errors import AudioError

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["SUFFIXES", "Facts", "Found", "Track", "Tracks", "facts", "files"]

SUFFIXES = frozenset(
    {".aac", ".aif", ".aiff", ".au", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wave"}
)
TABLE = "tracks.csv"
LARGEST_TABLE = 16 << 20  # bytes
MOST = 50_000  # files; a whole disk is not meant to be listed

Facts: TypeAlias = Mapping[str, Mapping[str, Any]]

# What of a collection's table a track shows, and as what.
_OF_TABLE = {
    **{name: name for name in ("name", "title", "style", "bpm", "key", "meter", "problem")},
    "artist": "note",
    "duration": "seconds",
}


@dataclass(frozen=True)
class Track:
    """One track, and what is known of it beforehand.

    Parameters
    ----------
    id : int
        Place in the list.
    path : Path or None
        The file; None where the sound came as samples.
    name : str
        Name of the file, below the folder that was listed, as text that can be shown.
    title, style, key, meter, note : str
        Empty where not known.
    bpm, seconds : float or None
        Tempo; length.
    sections : tuple of (str, float)
        Name and start in seconds.
    problem : str
        Why it cannot be heard, where that is known.
    sound : Audio or None
        The samples, where there is no file.
    base : Path
        The working folder when the track was listed: `path` starts there.
    """

    id: int
    path: Path | None
    name: str
    title: str = ""
    style: str = ""
    bpm: float | None = None
    key: str = ""
    meter: str = ""
    seconds: float | None = None
    sections: tuple[tuple[str, float], ...] = ()
    note: str = ""
    problem: str = ""
    sound: Audio | None = field(default=None, repr=False, compare=False)
    base: Path = field(default=Path(), repr=False, compare=False)

    @property
    def place(self) -> Path | None:
        """Where the file is, whatever the working folder has become meanwhile."""
        return None if self.path is None else self.base / self.path

    @property
    def told(self) -> str | None:
        """The file's path as the working folder of now understands it; as it was given, where that is so."""
        moved = self.path is not None and not self.path.is_absolute() and _working_folder() != self.base
        return None if self.path is None else str(self.place if moved else self.path)

    def open(self) -> Audio:
        """Return the sound; raises AudioError where the file is gone."""
        return self.sound or Audio.open(self.place or "")

    def listed(self) -> dict[str, Any]:
        """Return what a list shows of it, ready for JSON."""
        shown = ("id", "name", "title", "style", "bpm", "key", "seconds", "note", "problem")
        return {name: getattr(self, name) for name in shown}


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
    notice : str
        What was wrong with the list or its table, as a sentence, or empty.

    Raises
    ------
    AudioError
        If there is no such file or folder.
    """

    def __init__(self, source: Any = None) -> None:
        self.folder, self.notice = "", ""
        self._items: list[Track] = []
        self._base = _working_folder()
        self._tables: dict[Path, Facts] = {}
        if isinstance(source, Audio) or (isinstance(source, tuple) and not all(map(_is_path, source))):
            self.add(source)
        elif isinstance(source, list | tuple):
            for path in source:
                self.add(path)
        elif source is not None:
            self._read(source)

    @classmethod
    def of_table(cls, table: DataFrame) -> Tracks:
        """Return the tracks of a collection's table, in its order; what it says goes before what stands beside them."""
        tracks = cls()
        columns = {shown: table[name].tolist() for name, shown in _OF_TABLE.items() if name in table}
        for i, path in enumerate(table["path"]):
            known: dict[str, Any] = {name: _text(values[i]) for name, values in columns.items()}
            known |= {name: _number(known[name]) for name in ("bpm", "seconds") if name in known}
            tracks._append(Path(path) if path else None, known.pop("name"), **known)
        folders = [os.path.dirname(path) for path in table["path"] if path]  # noqa: PTH120  many files
        with contextlib.suppress(ValueError):  # some are absolute and some are not, or there are none
            tracks.folder = _shown(Path(os.path.commonpath(folders)))
        return tracks

    def add(self, source: Any, *, note: str = "") -> Track:
        """Add a file or samples, and return the track; one whose file is listed already is not added again."""
        if not _is_path(source):
            return self._append(None, "array" if isinstance(source, tuple) else source.title, sound=Audio.open(source))
        path = Path(source).expanduser()
        for track in self._items:
            if track.path == path:
                return track
        return self._append(path, printable(path), note=note)

    def change(self, number: int, **facts: Any) -> Track:
        """Put what has become known of a track into the list."""
        self._items[number] = replace(self._items[number], **facts)
        return self._items[number]

    def find(self, path: str | os.PathLike[str] | None) -> Track | None:
        """Return the track of a file, or None."""
        if path is None:
            return None
        wanted = Path(path).expanduser()
        same = [track for track in self._items if track.path is not None and track.path == wanted]
        if not same:
            whole = wanted.absolute()
            same = [track for track in self._items if track.place is not None and track.place.absolute() == whole]
        return same[0] if same else None

    def listed(self) -> list[dict[str, Any]]:
        """Return what a list shows, ready for JSON."""
        return [track.listed() for track in self._items]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Track]:
        return iter(self._items)

    def __getitem__(self, number: int) -> Track:
        return self._items[number]

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(self._items)

    def _read(self, source: Any) -> None:
        try:
            path = Path(source).expanduser()
            is_folder, exists = path.is_dir(), path.exists()
        except (TypeError, ValueError, OSError) as error:
            raise AudioError(
                "A folder, an audio file, a list of them or a (samples, sample_rate) pair is expected, "
                f"{source!r:.80} was found."
            ) from error
        if not exists:
            raise AudioError(
                f"There is no file or folder {str(source)!r}; check the path, which starts from {str(Path.cwd())!r}."
            )
        if not is_folder:
            self.folder = _shown(path.parent)
            self.add(path)
            return
        self.folder = _shown(path)
        found = files(path, most=MOST).names
        if len(found) >= MOST:
            self.notice = f"Only the first {MOST:,} tracks of {self.folder!r} are listed; name a folder inside."
        for name in found:
            self._append(path / name, plain(name.as_posix()))
        if not found:
            self.notice = (
                f"There is no sound in {self.folder!r}: files ending in {', '.join(sorted(SUFFIXES))} are listed."
            )

    def _append(self, path: Path | None, name: str, *, sound: Audio | None = None, **known: Any) -> Track:
        beside = self._table(path.parent).get(path.name, {}) if path is not None else {}
        told = {name: value for name, value in known.items() if value}
        track = Track(len(self._items), path, name, sound=sound, base=self._base, **{**beside, **told})
        self._items.append(track)
        return track

    def _table(self, folder: Path) -> Facts:
        if folder not in self._tables:
            self._tables[folder], wrong = facts(folder)
            self.notice = wrong or self.notice
        return self._tables[folder]


class Found(NamedTuple):
    """The sounds below a folder, named from there and sorted; what was passed over there."""

    names: list[Path]
    links: list[Path]  # folders that are links, and were not entered
    closed: list[Path]  # folders that cannot be read


def files(folder: Path, *, follow_links: bool = False, most: int | None = None) -> Found:
    """Return the sounds below a folder, but not hidden ones.

    Parameters
    ----------
    folder : Path
        Where.
    follow_links : bool
        Whether folders that are links are entered; each folder is entered once, under its own name where it has one.
    most : int, optional
        After how many sounds to stop.
    """
    found = Found([], [], [])
    waiting, entered = [folder], set()
    while waiting and len(found.names) != most:
        start = waiting.pop(0)
        for here, folders, names in os.walk(start, onerror=lambda error: found.closed.append(Path(error.filename))):
            if follow_links:
                place = os.path.realpath(here)
                if place in entered:
                    folders.clear()
                    continue
                entered.add(place)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            linked = [Path(here, name) for name in folders if os.path.islink(os.path.join(here, name))]  # noqa: PTH114, PTH118
            (waiting if follow_links else found.links).extend(linked)
            inside = Path(here).relative_to(folder)
            found.names.extend(inside / name for name in names if _is_sound(name))
            if most is not None and len(found.names) >= most:
                del found.names[most:]
                break
    for paths in found:
        paths.sort(key=lambda path: _natural(str(path)))
    return found


def facts(folder: Path) -> tuple[Facts, str]:
    """Return what ``tracks.csv`` in a folder says, by the name of the file, and what is wrong with it."""
    try:
        return _read_table(folder / TABLE), ""
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError, csv.Error) as error:
        said = error.strerror if isinstance(error, OSError) else error
        return {}, f"{TABLE} in {_shown(folder)!r} was left out: {said}."


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it has been removed
        return Path()


def _is_path(source: Any) -> bool:
    return isinstance(source, str | os.PathLike)


def _shown(folder: Path) -> str:
    return plain(str(folder)) if str(folder) != "." else plain(Path.cwd().name)


def _natural(name: str) -> list[Any]:
    """Sort 2 before 10, and capitals with the others."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d{1,18})", name.casefold())
    ]


def _is_sound(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")  # noqa: PTH122  many files


def _read_table(path: Path) -> dict[str, dict[str, Any]]:
    """Return what a table says, by the name of the file."""
    if path.stat().st_size > LARGEST_TABLE:
        raise ValueError("it is too large for a table of tracks")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if "file" not in (rows.fieldnames or ()):
            raise ValueError("it has no column 'file'")
        return {row["file"]: _told(row) for row in rows if row["file"]}


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: " ".join(str(row.get(name) or "").split()) for name in ("title", "style", "key", "meter", "note")}
    sections = [_section(part) for part in str(row.get("sections") or "").split(";")]
    return {
        **{name: text[:500] for name, text in texts.items()},
        "bpm": _number(row.get("bpm")),
        "seconds": _number(row.get("seconds")),
        "sections": tuple(sorted(filter(None, sections), key=lambda section: section[1])),
    }


def _section(text: str) -> tuple[str, float] | None:
    name, _, start = text.strip().rpartition(" ")
    seconds = _number(start, lowest=0.0)
    return None if seconds is None else (name.strip(), seconds)


def _text(value: Any) -> str:
    """Return a cell of a table as one line of text; empty where nothing stands there."""
    from pandas import isna

    return "" if isna(value) is True else " ".join(one_line(plain(str(value))).split())[:500]


def _number(text: Any, *, lowest: float = 1e-9) -> float | None:
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= lowest else None
