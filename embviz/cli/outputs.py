"""Embeddings as files: which result goes where, and what is in it.

Conventions: one sound, model and layer make one result. An output is a file, a folder, a name with the placeholders
``{track}``, ``{model}`` and ``{layer}``, or ``-``, which is stdout. What can be refused is refused before anything is
computed, and a file is written whole or not at all.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import product, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embviz.core.spreadsheet import escape_table
from embviz.errors import EmbvizError, OptionError

if TYPE_CHECKING:
    from pandas import DataFrame

    from embviz.core.embedding import Embedding
    from embviz.core.vectors import Vectors


SUFFIXES = (".npz", ".parquet", ".csv")
PLACEHOLDER = re.compile(r"\{(track|model|layer)\}")


class OutputError(EmbvizError):
    """A result could not be written."""


@dataclass(frozen=True)
class Target:
    """Where one result goes."""

    audio: Path
    model: str
    layer: str
    path: Path


def plan(output: str, audio: Sequence[Path], models: Sequence[str], layers: Sequence[str], suffix: str) -> list[Target]:
    """Decide which result goes into which file; each combination of sound, model and layer is one, in this order.

    Files in a folder have `suffix`, such as ``npz``. Raises OptionError for a folder that cannot be written, and
    UsageError where results would share a file or take a sound's own place, or where the format is not known.
    """
    into_folder = output.endswith("/") or Path(output).is_dir()
    pattern = str(Path(output) / f"{{track}}.{{model}}.{{layer}}.{suffix}") if into_folder else output
    targets = [Target(*parts, path=_fill(pattern, *parts)) for parts in product(audio, models, layers)]
    _check_distinct(targets, pattern)
    if output == "-":
        return targets
    _check_suffix(pattern, SUFFIXES)
    _check_folder(_fixed_folder(pattern))
    for target in targets:
        _check_not_input(target.path, audio)
    return targets


def check_file(path: Path, suffixes: Sequence[str], audio: Iterable[Path]) -> None:
    """Refuse a file that has none of the suffixes, cannot be written where it is, or is one of the sounds."""
    _check_suffix(path, suffixes)
    _check_folder(path.parent)
    _check_not_input(path, audio)


def write(path: Path, embedding: Embedding, *, spreadsheet_safe: bool = False) -> None:
    """Write an embedding to its file, or as CSV to stdout."""
    from embviz.core import io as core_io

    if path == Path("-"):
        sys.stdout.write(_encode(embedding, ".csv", spreadsheet_safe=spreadsheet_safe).decode())
        return
    try:
        core_io.write_bytes(path, _encode(embedding, path.suffix.lower(), spreadsheet_safe=spreadsheet_safe))
    except OSError as error:
        raise OutputError(f"{str(path)!r} could not be written: {error.strerror}.") from error


def write_vectors(path: Path, vectors: Vectors, table: DataFrame, *, spreadsheet_safe: bool = False) -> None:
    """Write the vectors of a table of tracks to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".csv":
        vectors.to_csv(path, table, spreadsheet_safe=spreadsheet_safe)
    else:
        {".npz": vectors.to_npz, ".parquet": vectors.to_parquet}[path.suffix.lower()](path, table)


# -- places ------------------------------------------------------------------------------------------------------


def _fill(pattern: str, audio: Path, model: str, layer: str) -> Path:
    names = {"track": audio.stem, "model": model, "layer": layer}
    # The names of nodes hold slashes, those of tracks whatever people type.
    safe = {place: re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", name) for place, name in names.items()}
    return Path(PLACEHOLDER.sub(lambda place: safe[place[1]], pattern))


def _fixed_folder(pattern: str) -> Path:
    """Return the folder down to the first placeholder; folders below it are made."""
    return Path(*takewhile(lambda part: not PLACEHOLDER.search(part), Path(pattern).parent.parts))


def _check_distinct(targets: Sequence[Target], pattern: str) -> None:
    """Refuse results that would overwrite each other."""
    twice = [path for path, count in Counter(target.path for target in targets).items() if count > 1]
    if not twice:
        return
    places = {"audio": "{track}", "model": "{model}", "layer": "{layer}"}
    several = [place for name, place in places.items() if len({getattr(target, name) for target in targets}) > 1]
    missing = [place for place in several if place not in pattern]
    if missing:
        raise click.UsageError(
            f"These are {len(targets)} results, and {pattern!r} is one place: "
            f"give a folder, or a name with {' and '.join(missing)} in it."
        )
    raise click.UsageError(f"Two results would go to {str(twice[0])!r}: write the tracks to separate folders.")


def _check_suffix(path: str | Path, known: Sequence[str]) -> None:
    if Path(path).suffix.lower() not in known:
        *others, last = known
        endings = f"{', '.join(others)} or {last}" if others else last
        raise click.UsageError(f"{str(path)!r} should end in {endings}.")


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise OptionError(f"There is no folder {str(folder)!r} to write to; make it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OptionError(f"The folder {str(folder)!r} cannot be written to; choose another one.")


def _check_not_input(path: Path, audio: Iterable[Path]) -> None:
    if path.exists() and any(sound.exists() and path.samefile(sound) for sound in audio):
        raise click.UsageError(f"{str(path)!r} is one of the sounds; write somewhere else.")


# -- formats -----------------------------------------------------------------------------------------------------


def _encode(embedding: Embedding, suffix: str, *, spreadsheet_safe: bool) -> bytes:
    import numpy as np

    if suffix == ".parquet":
        return bytes(embedding.to_frame().to_parquet())
    if suffix == ".csv":
        return str(escape_table(embedding.to_frame(), safe=spreadsheet_safe).to_csv(lineterminator="\n")).encode()
    names = ("title", "model", "layer", "unit", "source", "duration")
    meta = {name: getattr(embedding, name) for name in names}
    meta |= {"grid": asdict(embedding.grid), "info": dict(embedding.info)}
    buffer, labels = io.BytesIO(), np.array(embedding.labels, dtype=np.str_)
    text = json.dumps(meta, ensure_ascii=False)
    np.savez(buffer, values=embedding.values, times=embedding.times, labels=labels, meta=text)
    return buffer.getvalue()
