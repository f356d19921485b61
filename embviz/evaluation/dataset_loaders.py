"""Loaders of datasets in their folder layouts: the path and class of each sound, and notes on what was left out.

Conventions: a layout gives a row per sound, with its path and its class, and sentences about what was left out. Names
of classes are compared by their letters and digits alone. Nothing is decoded, and nothing below the folder is trusted:
no name in a table or in a JSON file leads out of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from embviz.audio.file_kinds import LISTED
from embviz.collection.discovery import expand_user, find_audio_files
from embviz.collection.loaders import read_table
from embviz.core.text import plural, shorten
from embviz.errors import CollectionError, did_you_mean

CLASS_FOLDERS, URBANSOUND8K, FSL10K = "class folders", "urbansound8k", "fsl10k"

#: What is expected in each layout, as the middle of a sentence.
EXPECTED: Mapping[str, str] = {
    CLASS_FOLDERS: "a folder for each class ({classes}) with its sounds",
    URBANSOUND8K: "metadata/UrbanSound8K.csv and the sounds in audio/fold1 to audio/fold10",
    FSL10K: "the sounds in audio/wav and annotations/NAME/sound-NUMBER.json for each annotator",
}

FOLDS = range(1, 11)
NEEDED = ("slice_file_name", "fold", "class", "fsID")  # columns of UrbanSound8K's table
KNOWN = ("fsID", "start", "end", "salience")  # those that come along as they are
LARGEST_ANNOTATION = 1 << 20  # bytes
LARGEST_TABLE = 64 << 20
MOST_NAMED = 6  # folders in a message
LOOP = re.compile(r"(\d{1,18})(?:_+([^_.]+))?[_.]")  # NUMBER_UPLOADER.wav.wav
ANNOTATION = re.compile(r"sound-(\d{1,18})\.json")


class DatasetRows(NamedTuple):
    """The sounds of a dataset, each with ``path`` and ``class`` and what else is known, and sentences about them."""

    rows: list[dict[str, Any]]
    notes: list[str]


class _Request(NamedTuple):
    """The dataset that is to be read: its title, layout, classes and folder."""

    title: str
    layout: str
    classes: Mapping[str, str]  # key of a name -> class
    folder: Path
    follow_links: bool

    def refuse(self, found: str) -> NoReturn:
        """Raise with what was expected, what was found and what to do."""
        names = list(dict.fromkeys(self.classes.values()))
        expected = EXPECTED[self.layout].format(classes=", ".join(names))
        raise CollectionError(
            f"{self.title} is expected as {expected}; in {_quote_path(self.folder)}, {found}; "
            "name the folder that holds them."
        )


def normalize_name(name: object) -> str:
    """Return what two spellings of a name have in common: ``"Hip-Hop"`` and ``"hip_hop"`` give ``"hiphop"``."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", str(name)).casefold() if letter.isalnum())


def read_dataset(
    layout: str, title: str, classes: Mapping[str, str], folder: Any, *, follow_links: bool = False
) -> DatasetRows:
    """Return the sounds of a dataset with this title, for messages; raise if it is not in the folder.

    `classes` leads from the keys of all names of a class to the class; `follow_links` enters folders that are links.
    """
    try:
        path = expand_user(folder)
        is_folder, exists = path.is_dir(), path.exists()
    except (TypeError, ValueError, OSError) as error:
        raise CollectionError(f"A folder is expected, {folder!r:.80} was found.") from error
    if not is_folder:
        found = "is a file; unpack an archive first" if exists else "is not there; check the path"
        raise CollectionError(f"The folder of a dataset is expected; {_quote_path(path)} {found}.")
    readers = {CLASS_FOLDERS: _class_folders, URBANSOUND8K: _urbansound8k, FSL10K: _fsl10k}
    return readers[layout](_Request(title, layout, classes, path.absolute(), follow_links))


# A folder for each class. ------------------------------------------------------------------------------------------


def _class_folders(request: _Request) -> DatasetRows:
    """Return the sounds below folders that are called as a class is; the innermost such folder counts."""
    found = find_audio_files(request.folder, follow_links=request.follow_links)
    rows, strays, places, nested = [], Counter[Path](), Counter[Path](), []
    for name in found.names:
        depths = [depth for depth, part in enumerate(name.parts[:-1]) if normalize_name(part) in request.classes]
        if not depths:
            strays[name.parent] += 1
            continue
        said = [request.classes[normalize_name(name.parts[depth])] for depth in depths]
        rows.append({"path": request.folder / name, "class": said[-1]})
        places[Path(*name.parts[: depths[-1]])] += 1
        if len(set(said)) > 1:
            nested.append(name.parent)
    links, closed = [], []
    if found.links:
        number = plural(len(found.links), "link")
        place = _quote_path(found.links[0])
        links = [f"{number} to folders not followed, such as {place}; follow_links=True follows them"]
    if found.closed:
        closed = [f"{plural(len(found.closed), 'folder')} could not be read, such as {_quote_path(found.closed[0])}."]
    if not rows:
        why = ["it is itself called as a class is"] * (normalize_name(request.folder.name) in request.classes)
        why += [_describe_folder(request.folder)]
        why += [f"there is no sound below it ({LISTED.rstrip('.')})"] * (not found.names)
        request.refuse("; ".join([*why, *links]))
    links = [f"{link}." for link in links]
    return DatasetRows(rows, [*_note_places(places, nested), *_note_strays(strays, request), *links, *closed])


def _note_places(places: Counter[Path], nested: list[Path]) -> Iterator[str]:
    if set(places) != {Path()} and len(places) == 1:
        yield f"The class folders were found in {_quote_path(next(iter(places)))}."
    elif len(places) > 1:
        yield (
            f"Class folders stand in {len(places)} places ({_quote_names(map(str, sorted(places)))}); the sounds of "
            "all of them are taken, so make sure that they are no copies of each other."
        )
    if nested:
        yield (
            f"{plural(len(nested), 'sound')} in a class folder inside another one, such as {_quote_path(nested[0])}: "
            "the inner one says the class."
        )


def _note_strays(strays: Counter[Path], request: _Request) -> Iterator[str]:
    if not strays:
        return
    first = next(iter(strays))
    meant = did_you_mean(first.name, request.classes.values()) if first.name else ""
    where = f"such as those in {_quote_path(first)}" if first.name else "such as those in the folder itself"
    yield f"{plural(strays.total(), 'sound')} in no class folder, {where}: left out.{meant}"


# UrbanSound8K. -----------------------------------------------------------------------------------------------------


def _urbansound8k(request: _Request) -> DatasetRows:
    """Return the sounds of UrbanSound8K's own table, with the fold of each and the recording it was cut from."""
    table_file = next(_tables(request.folder), None)
    if table_file is None:
        request.refuse(f"there is no table of this name, and {_describe_folder(request.folder)}")
    root = table_file.parent.parent if normalize_name(table_file.parent.name) == "metadata" else table_file.parent
    sounds = root / "audio" if _is_folder(root / "audio") else root
    rows, left_out = [], defaultdict[str, list[str]](list)
    for row in _read_rows(table_file):
        name, fold, label = (row[what] for what in NEEDED[:3])
        wrong = _find_problem(name, fold, label, request.classes)
        if wrong:
            left_out[wrong].append(str(name))
            continue
        known = {what: row[what] for what in KNOWN if what in row}
        path = sounds / f"fold{int(fold)}" / name
        rows.append({"path": path, "class": request.classes[normalize_name(label)], "fold": int(fold), **known})
    there = [_is_file(row["path"]) for row in rows]
    if not any(there):
        what = (
            f"{table_file.name} names {plural(len(rows), 'usable file')}" if rows else "no row of its table is usable"
        )
        request.refuse(f"{what}, and none of them is in {_quote_path(sounds)}" if rows else what)
    notes = [f"{plural(len(names), 'row')} left out, such as {shorten(names[0])[:60]!r}: {wrong}."
             for wrong, names in left_out.items()]  # fmt: skip
    return DatasetRows(rows, [*notes, *_note_missing(rows, there), *_note_folds(rows)])


def _tables(folder: Path) -> Iterator[Path]:
    for root in (folder, *_folders(folder)):
        for place in (root / "metadata", root):
            yield from (path for path in _entries(place) if path.name.casefold() == "urbansound8k.csv")


def _read_rows(table_file: Path) -> list[dict[str, Any]]:
    """Return the rows of UrbanSound8K's table."""
    if not _is_folder(table_file) and not (_is_file(table_file) and table_file.stat().st_size <= LARGEST_TABLE):
        raise CollectionError(
            f"The table {_quote_path(table_file)} is expected as a file of at most {LARGEST_TABLE >> 20} MB, something "
            "else was found; take the table as it was published."
        )
    table, _ = read_table(table_file, NEEDED[0])
    missing = [name for name in NEEDED if name not in table]
    if missing:
        raise CollectionError(
            f"The table {_quote_path(table_file)} is expected to have the columns {', '.join(NEEDED)}; there is no "
            f"{missing[0]!r}; take the table as it was published."
        )
    rows: list[dict[str, Any]] = table.to_dict("records")
    return rows


def _find_problem(name: Any, fold: Any, label: Any, classes: Mapping[str, str]) -> str:
    """Return why a row of the table cannot be used, or nothing."""
    if not isinstance(name, str) or not name.strip("."):
        return "no name of a file"
    if set(name) & set("/\\\0"):
        return "a name of a file in the fold's folder is expected, and no path"
    with contextlib.suppress(TypeError, ValueError):
        if float(fold) in FOLDS:
            return "" if normalize_name(label) in classes else "no class of UrbanSound8K"
    return "the fold is a number from 1 to 10"


def _note_missing(rows: list[dict[str, Any]], there: list[bool]) -> Iterator[str]:
    missing = [row["path"] for row, is_there in zip(rows, there, strict=True) if not is_there]
    if missing:
        number = f"{len(missing):,} of {plural(len(rows), 'sound')}"
        yield f"{number} in the table cannot be found, such as {_quote_path(Path(*missing[0].parts[-2:]))}."


def _note_folds(rows: list[dict[str, Any]]) -> Iterator[str]:
    found = {row["fold"] for row in rows}
    empty = [str(fold) for fold in FOLDS if fold not in found]
    if empty:
        yield f"There is no sound in the folds {', '.join(empty)}; published results are over all ten."
    folds_of = defaultdict(set)
    for row in rows:
        folds_of[row["fsID"]].add(row["fold"])
    torn = [recording for recording, folds in folds_of.items() if len(folds) > 1]
    if torn:
        number = plural(len(torn), "recording")
        yield f"Sounds of {number} stand in several folds, such as those of {torn[0]!r:.40}: not as published."


# The Freesound Loop Dataset. ---------------------------------------------------------------------------------------


def _fsl10k(request: _Request) -> DatasetRows:
    """Return the loops for which all annotators name the same single role; class folders where there are those."""
    roots = (request.folder, *_folders(request.folder))
    places = [place for root in roots for place in (root / "audio" / "wav", root / "audio")]
    audio = next(filter(_is_folder, places), None)
    # The archive has the annotations beside its folder FSL10K.
    beside = [request.folder.parent] if normalize_name(request.folder.name) == "fsl10k" else []
    said = next(filter(None, (_read_annotations(root / "annotations") for root in (*roots, *beside))), {})
    if not said and audio is None:
        names = {normalize_name(place.name) for root in roots for place in _folders(root)}
        if names.isdisjoint(request.classes):
            request.refuse(_describe_folder(request.folder))
        return _class_folders(request._replace(layout=CLASS_FOLDERS))
    if audio is None:
        request.refuse("there is no folder audio")
    if not said:
        request.refuse("there are no annotations, though there are sounds")
    loops = _find_loops(audio, follow_links=request.follow_links)
    rows, left_out = [], Counter[str]()
    for number, judgements in said.items():
        label, why = _one_role(judgements, request.classes)
        if not why and number not in loops:
            why = "without a sound"
        if why:
            left_out[why] += 1
            continue
        path, uploader = loops[number]
        # A loop of unknown origin is a group of its own.
        rows.append({"path": path, "class": label, "sound_id": number, "uploader": uploader or f"of {number}"})
    why = ", ".join(f"{number:,} {reason}" for reason, number in left_out.most_common())
    if not rows:
        request.refuse(f"none of {plural(len(said), 'annotated loop')} can be used ({why})")
    note = f"Of {plural(len(said), 'annotated loop')}, {len(rows):,} have one role that all annotators agree on"
    return DatasetRows(rows, [f"{note}; left out: {why}." if why else f"{note}."])


def _read_annotations(folder: Path) -> dict[str, list[set[str] | None]]:
    """Return number of a sound -> roles that each annotator named; None where a file says none that can be read."""
    said = defaultdict(list)
    for here, inside, names in os.walk(folder):
        inside.sort()
        for name in sorted(names):
            match = ANNOTATION.fullmatch(name)
            if match:
                said[str(int(match[1]))].append(_read_roles(Path(here, name)))
    return dict(said)


def _read_roles(path: Path) -> set[str] | None:
    """Return the roles in an annotation, none where the annotator discarded the loop; None where it is not readable."""
    try:
        if not _is_file(path) or path.stat().st_size > LARGEST_ANNOTATION:
            return None
        row = json.loads(path.read_text(encoding="utf-8-sig"))
        roles = row["instrumentation"]
        return set() if _true(row.get("discard")) else {str(role) for role, plays in roles.items() if _true(plays)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _true(value: Any) -> bool:
    return str(value).casefold() == "true"


def _one_role(judgements: list[set[str] | None], classes: Mapping[str, str]) -> tuple[str, str]:
    """Return the class of a loop, and why it has none."""
    if None in judgements:
        return "", "with an annotation that cannot be read"
    if set() in judgements:
        return "", "discarded or without a role"
    first = judgements[0] or set()
    if any(judgement != first for judgement in judgements):
        return "", "on which annotators disagree"
    if len(first) > 1:
        return "", "with several roles"
    label = classes.get(normalize_name(next(iter(first))))
    return (label, "") if label else ("", "with a role that is no class")


def _find_loops(folder: Path, *, follow_links: bool) -> dict[str, tuple[Path, str]]:
    """Return number of a sound -> file, and number of who uploaded it, which stand in the name of the file."""
    loops: dict[str, tuple[Path, str]] = {}
    for name in find_audio_files(folder, follow_links=follow_links).names:
        match = LOOP.match(name.name)
        if match:
            loops.setdefault(str(int(match[1])), (folder / name, match[2] or ""))
    return loops


# Looking around. ---------------------------------------------------------------------------------------------------


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if _is_folder(path)]


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  Path's own raises where it may not look, or where a name is too long


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113  as above


def _describe_folder(folder: Path) -> str:
    """Return what is in a folder, as part of a sentence."""
    folders = [path.name for path in _folders(folder)]
    others = [path.name for path in _entries(folder) if path.name not in folders]
    several = "are the folders" if len(folders) > 1 else "is the folder"
    there = f"there {several} {_quote_names(folders)}" if folders else "there are no folders"
    if not folders and not others:
        return "there is nothing that can be read"
    return f"{there} and {plural(len(others), 'file')}, such as {_quote_names(others[:1])}" if others else there


def _quote_names(names: Iterable[str]) -> str:
    shown = [repr(shorten(name)[:60]) for name in names]
    return ", ".join(shown[:MOST_NAMED]) + (", …" if len(shown) > MOST_NAMED else "")


def _quote_path(path: Path) -> str:
    return repr(shorten(str(path)))
