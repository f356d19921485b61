"""Audio files of a folder that match a pattern, and notes on what was skipped."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from embviz.audio.file_kinds import LISTED, SUFFIXES, UNDECODABLE
from embviz.collection.track_table import LONGEST_PATH, names_below
from embviz.core.paths import check_the_path
from embviz.core.text import plural, shorten
from embviz.errors import CollectionError


class ListedFiles(NamedTuple):
    """Files to be listed, their names, and notes on what was skipped."""

    paths: Sequence[Path | None]
    names: list[str]
    notes: list[str]


def list_folder(path: Any, pattern: Any, *, follow_links: bool) -> ListedFiles:
    """Return the sounds of a folder whose names match a pattern; raises CollectionError where there are none."""
    folder, parts = _check_folder(path), _parse_pattern(pattern)
    found = find_audio_files(folder, follow_links=follow_links)
    notes = _skipped_notes(found)
    names = [name for name in found.names if _matches(name.parts, parts)]
    if not names and found.names:
        number = plural(len(found.names), "sound")
        raise CollectionError(f"Of {number} in {str(folder)!r}, none matches {pattern!r}; change the pattern.")
    if not names:
        raise CollectionError(" ".join([f"There is no sound in {str(folder)!r}: {LISTED}", *notes]))
    shown = [shorten(name.as_posix(), LONGEST_PATH) for name in names]
    return ListedFiles([folder / name for name in names], shown, notes)


def list_folders(paths: Sequence[Any], pattern: Any, *, follow_links: bool) -> ListedFiles:
    """Return the sounds of several folders, named below the folder that holds all of these; a file is listed once."""
    if not paths:
        raise CollectionError("A folder is expected, or several in a list; an empty list was found.")
    several = [list_folder(path, pattern, follow_links=follow_links) for path in paths]
    try:
        base = Path(os.path.commonpath([expand_user(path).absolute() for path in paths]))
    except ValueError:  # on different drives
        base = Path()
    files = {path.absolute(): path for found in several for path in found.paths if path is not None}
    notes = list(dict.fromkeys(note for found in several for note in found.notes))
    return ListedFiles([*files.values()], names_below([*files], base), notes)


def expand_user(path: Any) -> Path:
    """Return a path with the user's folder in place of ``~``; as it is, where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _check_folder(path: Any) -> Path:
    try:
        folder = expand_user(path)
        exists, is_folder = folder.exists(), folder.is_dir()
    except (TypeError, ValueError, OSError) as error:
        raise CollectionError(f"A folder is expected, {path!r:.80} was found.") from error
    if not exists:
        raise CollectionError(f"There is no folder {str(path)!r}; {check_the_path(folder)}")
    if not is_folder:
        raise CollectionError(f"{str(path)!r} is a file; a folder is expected. Collection.from_paths([…]) lists files.")
    return folder


def _parse_pattern(pattern: Any) -> tuple[str, ...]:
    if not isinstance(pattern, str) or not pattern.strip("/"):
        raise CollectionError(f"A pattern such as '**/*.mp3' is expected, {pattern!r:.80} was found.")
    if pattern.startswith(".") and "/" not in pattern:
        return ("**", f"*{pattern}".casefold())
    return tuple(pattern.casefold().removeprefix("./").strip("/").split("/"))


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Return whether the parts of a path match those of a pattern, case ignored."""
    if not pattern or not parts:
        return not parts and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return _matches(parts, pattern[1:]) or _matches(parts[1:], pattern)
    return fnmatchcase(parts[0].casefold(), pattern[0]) and _matches(parts[1:], pattern[1:])


def _skipped_notes(found: FoundFiles) -> list[str]:
    notes = []
    if found.links:
        number, first = plural(len(found.links), "link"), shorten(found.links[0].name)
        notes.append(
            f"{number} to folders not followed, such as {first!r}; follow_links=True (--follow-links) follows them."
        )
    if found.closed:
        number, first = plural(len(found.closed), "folder"), shorten(found.closed[0].name)
        notes.append(f"{number} could not be read, such as {first!r}.")
    return [*notes, *undecodable_note(found)]


def undecodable_note(found: FoundFiles) -> list[str]:
    """Return a sentence about files whose names say that there is no decoder for them; none where there are none."""
    if not found.undecodable:
        return []
    kinds = ", ".join(sorted({path.suffix.lower() for path in found.undecodable}))
    return [f"{plural(len(found.undecodable), 'file')} passed over, for there is no decoder here for {kinds}."]


class FoundFiles(NamedTuple):
    """The audio files below a folder, relative to it and sorted, and what was skipped."""

    names: list[Path]
    links: list[Path]  # folders that are links, and were not entered
    closed: list[Path]  # folders that cannot be read
    undecodable: list[Path]  # files of music that has no decoder here


def find_audio_files(folder: Path, *, follow_links: bool = False, most: int | None = None) -> FoundFiles:
    """Return the audio files below a folder, but not hidden ones; at most a number of them.

    Where folders that are links are entered, each is entered once, under its own name where it has one.
    """
    found = FoundFiles([], [], [], [])
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
            for name in names:
                suffix = "" if name.startswith(".") else os.path.splitext(name)[1].lower()  # noqa: PTH122  many files
                if suffix in SUFFIXES:
                    found.names.append(inside / name)
                elif suffix in UNDECODABLE:
                    found.undecodable.append(inside / name)
            if most is not None and len(found.names) >= most:
                del found.names[most:]
                break
    for paths in found:
        paths.sort(key=lambda path: _natural_key(str(path)))
    return found


def _natural_key(name: str) -> list[Any]:
    """Return a sort key that puts 2 before 10 and ignores case."""
    parts = re.split(r"(\d{1,18})", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
