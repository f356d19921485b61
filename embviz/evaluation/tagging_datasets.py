"""Loaders of datasets with several labels per track, in the layouts in which they are published.

Conventions: labels are a column of lists. No name in a table leads out of the folders; links that the user has made
there are followed.
What a table names and the folder lacks is left out, and counted: such datasets are large, and mostly here in parts.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from embviz.collection import Collection
from embviz.collection.discovery import expand_user
from embviz.core.text import plural, shorten
from embviz.errors import CollectionError, OptionError, did_you_mean

if TYPE_CHECKING:
    from embviz.core.cache import CacheOption
    from embviz.core.progress import Progress


SUBSETS = tuple(f"autotagging{ending}" for ending in ("_top50tags", "_genre", "_instrument", "_moodtheme", ""))
PARTS = ("train", "validation", "test")
CATEGORIES = {"genre": "genres", "instrument": "instruments", "mood/theme": "moods"}
SPLITS = 5
#: Folders of the clips of MagnaTagATune that each part has, as in S. Dieleman and B. Schrauwen, ICASSP 2014.
FOLDERS = {"train": "0123456789ab", "validation": "c", "test": "def"}
ABOUT = ("title", "artist", "album")  # of the track that a clip was cut from
LARGEST = 128 << 20  # bytes of a table
JAMENDO_PATH = re.compile(r"\d{1,4}/\d{1,12}\.mp3")
CLIP_PATH = re.compile(r"[0-9a-f]/[^/\\\0]{1,250}\.mp3")


def load_mtg_jamendo(
    folder: str | os.PathLike[str],
    audio: str | os.PathLike[str] | None = None,
    *,
    subset: str = "autotagging_top50tags",
    split: int | None = 0,
    cache: CacheOption = None,
    progress: Progress = True,
) -> Collection:
    """Return the tracks of MTG-Jamendo that are here, with their tags and the part of a published split.

    Parameters
    ----------
    folder : path
        The dataset's repository, or its folder ``data``.
    audio : path, optional
        Where the sounds were unpacked, ``00/7400.mp3`` or ``00/7400.low.mp3``; by default the folder ``audio`` or
        ``audio-low`` in or beside `folder`, or `folder` itself.
    subset : {"autotagging_top50tags", "autotagging_genre", "autotagging_instrument", "autotagging_moodtheme", \
"autotagging"}
        Which tags are meant, by the name of the file that lists them.
    split : int or None
        Number of the split, 0 to 4; with None, all tracks of the subset, without parts.
    cache, progress
        As for :meth:`embviz.Collection.from_folder`.

    Returns
    -------
    Collection
        Its column ``tags`` holds lists such as ``["genre---rock"]``, ``genres``, ``instruments`` and ``moods`` hold
        those of one category without its name; ``artist`` and ``album`` are the numbers of these, which group the
        tracks, and ``split`` is ``"train"``, ``"validation"`` or ``"test"``.

    Raises
    ------
    CollectionError
        If the tables or the sounds are not there; the message says what is expected.
    OptionError
        If there is no such subset or split.

    References
    ----------
    D. Bogdanov, M. Won, P. Tovstogan, A. Porter and X. Serra, The MTG-Jamendo dataset for automatic music tagging,
    Machine Learning for Music Discovery Workshop, ICML 2019.

    Examples
    --------
    >>> tracks = load_mtg_jamendo("mtg-jamendo-dataset", "/data/jamendo")  # doctest: +SKIP
    >>> train, test = tracks.query("split != 'test'"), tracks.query("split == 'test'")  # doctest: +SKIP
    >>> embviz.evaluation.evaluate(train, "tags", "musicnn", external=test, groups="artist")  # doctest: +SKIP
    """
    if subset not in SUBSETS:
        near = did_you_mean(str(subset), SUBSETS)
        raise OptionError(f"subset is one of {', '.join(SUBSETS)}, {subset!r:.80} was found.{near}")
    if split is not None and (type(split) is not int or not 0 <= split < SPLITS):
        raise OptionError(f"split is a number from 0 to {SPLITS - 1} or None, {split!r:.80} was found.")
    root = _folder(folder, "MTG-Jamendo")
    needed = f"{subset}.tsv" if split is None else "splits"
    data = next((place for place in (root, root / "data") if _exists(place / needed)), None)
    if data is None:
        raise CollectionError(
            f"MTG-Jamendo is expected as its repository, whose folder data holds {subset}.tsv and splits; there is no "
            f"{needed} in {_quote(root)}; name that folder."
        )
    if split is None:
        tables = {"": data / f"{subset}.tsv"}
    else:
        tables = {part: data / "splits" / f"split-{split}" / f"{subset}-{part}.tsv" for part in PARTS}
    rows = [row for part, table in tables.items() for row in _read_jamendo(table, part)]
    beside = (data, data.parent, data.parent.parent)
    places = [place / name for place in beside for name in ("audio", "audio-low", "")]
    sounds = [_folder(audio, "The sounds of MTG-Jamendo")] if audio is not None else list(filter(_is_folder, places))
    there, notes = _find_sounds(rows, sounds, "MTG-Jamendo", lambda path: (path, path.with_suffix(".low.mp3")))
    return _collect(there, notes, cache, progress)


def _read_jamendo(table: Path, part: str) -> Iterator[dict[str, Any]]:
    header = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
    lines = _read_lines(table, quoted=False)
    first = next(lines, [])
    if first[: len(header)] != header:
        raise CollectionError(
            f"The table {_quote(table)} is expected to begin with the columns {', '.join(header)}, "
            f"{shorten(', '.join(first[:6])) or 'nothing'!r} was found; take it as it was published (a link to another "
            "table is a text file where links were not made)."
        )
    for line in lines:
        if len(line) < len(header) or not JAMENDO_PATH.fullmatch(line[3]):
            yield {"problem": "not as published"}
            continue
        tags = [tag for tag in line[5:] if tag]
        row: dict[str, Any] = {"path": line[3], "track_id": line[0], "artist": line[1], "album": line[2]}
        row |= {"split": part} if part else {}
        row["tags"] = tags
        for category, column in CATEGORIES.items():
            row[column] = [tag.partition("---")[2] for tag in tags if tag.startswith(f"{category}---")]
        yield row


def load_magnatagatune(
    folder: str | os.PathLike[str], *, tags: int | None = 50, cache: CacheOption = None, progress: Progress = True
) -> Collection:
    """Return the clips of MagnaTagATune that are here, with their tags and the part of the usual split.

    Parameters
    ----------
    folder : path
        Where ``annotations_final.csv``, ``clip_info_final.csv`` and the folders ``0`` to ``f`` with the clips are.
    tags : int or None
        So many of the most frequent tags; None for all 188. Frequencies are those of the whole table, whatever of the
        clips is here, so that a number always means the same tags.
    cache, progress
        As for :meth:`embviz.Collection.from_folder`.

    Returns
    -------
    Collection
        Its column ``tags`` holds lists, empty for a clip with none of the tags; ``title``, ``artist`` and ``album``
        are those of the track that a clip was cut from, and ``split`` is ``"train"`` (folders 0 to b),
        ``"validation"`` (c) or ``"test"`` (d to f).

    Raises
    ------
    CollectionError
        If the tables or the clips are not there; the message says what is expected.
    OptionError
        If `tags` is no number.

    References
    ----------
    E. Law, K. West, M. Mandel, M. Bay and J. S. Downie, Evaluation of algorithms using games: the case of music
    tagging, ISMIR 2009. Split: S. Dieleman and B. Schrauwen, End-to-end learning for music audio, ICASSP 2014.

    Examples
    --------
    >>> clips = load_magnatagatune("/data/mtt")  # doctest: +SKIP
    >>> embviz.evaluation.evaluate(clips, "tags", "musicnn", groups="artist")  # doctest: +SKIP
    """
    if tags is not None and (type(tags) is not int or tags < 1):
        raise OptionError(f"tags is how many of the most frequent tags are taken, or None, {tags!r:.80} was found.")
    root = _folder(folder, "MagnaTagATune")
    table = root / "annotations_final.csv"
    if not os.path.isfile(table):  # noqa: PTH113  Path's own raises where it may not look
        raise CollectionError(
            f"MagnaTagATune is expected as annotations_final.csv, clip_info_final.csv and the folders 0 to f; there is "
            f"no annotations_final.csv in {_quote(root)}; name the folder that holds it."
        )
    rows = list(_read_clips(table, tags))
    known = _read_clip_info(root / "clip_info_final.csv")
    part_of = {letter: part for part, letters in FOLDERS.items() for letter in letters}
    nobody = dict.fromkeys(ABOUT, "")
    rows = [
        row | known.get(row["clip_id"], nobody) | {"split": part_of[row["path"][0]]} if "path" in row else row
        for row in rows
    ]
    there, notes = _find_sounds(rows, [root, root / "mp3"], "MagnaTagATune", lambda path: (path,))
    if not known:
        notes.append("There is no clip_info_final.csv, so that clips of one artist cannot be kept together.")
    untagged = sum(not row["tags"] for row in there)
    if untagged:
        notes.append(f"{plural(untagged, 'clip')} with none of the tags, whose lists are empty.")
    return _collect(there, notes, cache, progress)


def _read_clips(table: Path, most: int | None) -> Iterator[dict[str, Any]]:
    lines = _read_lines(table)
    header = next(lines, [])
    if header[:1] != ["clip_id"] or header[-1:] != ["mp3_path"] or len(header) < 3:
        raise CollectionError(
            f"The table {_quote(table)} is expected to have the columns clip_id, one per tag, and mp3_path, with tabs "
            f"between them; {shorten(', '.join(header[:4])) or 'nothing'!r} was found; take it as it was published."
        )
    names, rows = header[1:-1], list(lines)
    whole = [row for row in rows if len(row) == len(header) and CLIP_PATH.fullmatch(row[-1])]
    counts = Counter(name for row in whole for name, value in zip(names, row[1:-1], strict=True) if value == "1")
    # Of equally frequent tags the one whose column comes first.
    taken = {name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], names.index(item[0])))[:most]}
    for row in rows:
        if len(row) != len(header) or not CLIP_PATH.fullmatch(row[-1]):
            yield {"problem": "not as published"}
            continue
        said = [name for name, value in zip(names, row[1:-1], strict=True) if value == "1" and name in taken]
        yield {"path": row[-1], "clip_id": row[0], "tags": said}


def _read_clip_info(table: Path) -> dict[str, dict[str, str]]:
    """Return title, artist and album of each clip; nothing where there is no table of them."""
    if not os.path.isfile(table):  # noqa: PTH113  as above
        return {}
    lines = _read_lines(table)
    header = next(lines, [])
    if not {"clip_id", *ABOUT} <= set(header):
        raise CollectionError(
            f"The table {_quote(table)} is expected to have the columns clip_id, {', '.join(ABOUT)}; take it as it was "
            "published."
        )
    clip, places = header.index("clip_id"), {name: header.index(name) for name in ABOUT}
    whole = (row for row in lines if len(row) > max(clip, *places.values()))
    return {row[clip]: {name: row[place] for name, place in places.items()} for row in whole}


# What they share. ----------------------------------------------------------------------------------------------------


def _read_lines(table: Path, *, quoted: bool = True) -> Iterator[list[str]]:
    """Yield the cells of a table with tabs, line by line; where it is not `quoted`, quotes are letters."""
    try:
        if table.stat().st_size > LARGEST:
            raise CollectionError(f"The table {_quote(table)} is larger than {LARGEST >> 20} MB; it is not read.")
        with table.open(encoding="utf-8-sig", newline="") as file:
            yield from csv.reader(file, delimiter="\t", quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
    except OSError as error:
        raise CollectionError(f"The table {_quote(table)} cannot be read: {error.strerror or error}.") from error
    except (UnicodeError, csv.Error) as error:
        raise CollectionError(
            f"The table {_quote(table)} is no text with tabs in UTF-8; take it as it was published."
        ) from error


def _find_sounds(
    rows: list[dict[str, Any]],
    folders: Iterable[Path],
    title: str,
    spellings: Callable[[PurePosixPath], tuple[PurePosixPath, ...]],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows whose sounds are in one of some folders, with their paths, and sentences about the others."""
    folders = list(folders)
    there, left_out = [], defaultdict[str, list[str]](list)
    for row in rows:
        if "path" not in row:
            left_out[row["problem"]].append("")
            continue
        places = (folder / name for name in spellings(PurePosixPath(row["path"])) for folder in folders)
        path = next((place for place in places if os.path.isfile(place)), None)  # noqa: PTH113  as above
        if path is None:
            left_out["without a sound here"].append(row["path"])
        elif not path.stat().st_size:
            left_out["whose file is empty"].append(row["path"])
        else:
            there.append(row | {"path": path})
    if not there:
        looked = ", ".join(map(_quote, folders[:3])) or "no folder"
        first = next((row["path"] for row in rows if "path" in row), "")
        if not first:
            raise CollectionError(
                f"{title}: no sound is listed in its tables ({plural(len(rows), 'row')}, none as published); take them "
                "as they were published."
            )
        raise CollectionError(
            f"{title} lists {plural(len(rows), 'sound')}, such as {shorten(first)!r}, none of which is in {looked}; "
            "name the folder that holds them."
        )
    notes = []
    for why, names in left_out.items():
        example = f", such as {shorten(names[0])!r}" if names[0] else ""
        notes.append(f"Left out: {len(names):,} of {plural(len(rows), 'row')} {why}{example}.")
    return there, notes


def _collect(rows: list[dict[str, Any]], notes: list[str], cache: CacheOption, progress: Progress) -> Collection:
    import pandas as pd

    collection = Collection.from_table(pd.DataFrame(rows), cache=cache, progress=progress)
    collection.notes = (*notes, *collection.notes)
    return collection


def _folder(folder: Any, title: str) -> Path:
    try:
        path = expand_user(folder).absolute()
        is_folder = path.is_dir()
    except (TypeError, ValueError, OSError) as error:
        raise CollectionError(f"A folder is expected, {folder!r:.80} was found.") from error
    if not is_folder:
        raise CollectionError(f"{title}: a folder is expected at {_quote(path)}, where there is none; check the path.")
    return path


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110  as above


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  as above


def _quote(path: Path) -> str:
    return repr(shorten(str(path)))
