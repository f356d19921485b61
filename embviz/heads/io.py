"""Heads in files: ``PATH.safetensors`` with the numbers, ``PATH.json`` with what can be read.

A file may come from anywhere: nothing in it is run, all of it is checked, and the two know each other by a checksum.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.core import io
from embviz.errors import EmbvizError, ModelError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embviz.heads.head import Head


FORMAT = 1
LARGEST = 64 << 20  # bytes of numbers
LARGEST_WORDS = 1 << 20
FIELDS = ("name", "title", "model", "layer", "classes", "kind", "exclusive", "dimensions", "nodes", "unit")


def _paths(path: str | Path) -> tuple[Path, Path]:
    """Return where numbers and words of a head lie, given the path without ending or that of either file."""
    given = Path(path).expanduser()
    bare = given.with_suffix("") if given.suffix in (".safetensors", ".json") else given
    if not bare.name or "\0" in bare.name:
        raise OptionError(f"The path of a head ends in a name, {str(path)!r} does not.")
    return bare.with_name(f"{bare.name}.safetensors"), bare.with_name(f"{bare.name}.json")


def save(head: Head, path: str | Path) -> Path:
    """Write a head; see :meth:`Head.save`."""
    numbers, words = _paths(path)
    arrays = {name: np.asarray(array) for name, array in head.weights.items()}
    try:
        if words.exists():
            _check_overwrite(words)
        # The words tell by a checksum which numbers are theirs: until they are written, the old pair is whole, and from
        # then on the new one, of which _find_numbers knows the place that a save which was ended has left it in.
        io.write_arrays(_beside(numbers), arrays, {"embviz": "head"})
        described = {"format": FORMAT, **{name: getattr(head, name) for name in FIELDS}, "facts": dict(head.facts)}
        described["sha256"] = hashlib.sha256(_beside(numbers).read_bytes()).hexdigest()
        text = json.dumps(described, indent=1, ensure_ascii=False)
        # What is no text, such as half of a pair of surrogates, becomes an escape that JSON has, too.
        io.write_bytes(words, text.encode(errors="backslashreplace"))
        _beside(numbers).replace(numbers)
    except OSError as error:
        raise EmbvizError(f"The head cannot be written to {str(numbers)!r}: {error.strerror or error}.") from error
    return numbers


def remove(numbers: Path, words: Path) -> None:
    """Remove the files of a head."""
    # The words go first: without them the numbers are not seen.
    for path in (words, numbers, _beside(numbers)):
        path.unlink(missing_ok=True)


def _beside(numbers: Path) -> Path:
    """Return where new numbers lie until their words are written."""
    return numbers.with_name(f"{numbers.name}.new")


def read_fields(path: str | Path) -> dict[str, Any]:
    """Return what makes a head of its files; whether these fit together, the head itself finds out."""
    numbers, words = _paths(path)
    described = _read_description(words)
    numbers = _find_numbers(numbers, described, words)
    try:
        arrays, _ = io.read_arrays(numbers)
    except EmbvizError as error:
        raise ModelError(f"{str(numbers)!r} is damaged: the numbers of a head were expected.") from error
    try:
        fields = {name: described[name] for name in (*FIELDS, "facts")}
        if not isinstance(fields["exclusive"], bool) or type(fields["dimensions"]) is not int:
            raise TypeError("exclusive or dimensions")
        source, target = fields["nodes"]
        # Copied, so that the file may be written again or be gone.
        weights = {name: np.array(array) for name, array in arrays.items()}
        return fields | {"nodes": (source, target), "weights": weights}
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{str(words)!r} is not a head that this version of embviz wrote.") from error


def _check_overwrite(words: Path) -> None:
    """Raise where a head would take the place of something else, such as Essentia's description of a graph."""
    try:
        _read_description(words)
    except ModelError as error:
        message = f"There is another file {str(words)!r}, which is no head; save under another name."
        raise OptionError(message) from error


@contextlib.contextmanager
def _explain_missing(path: Path, words: Path, numbers: Path) -> Iterator[None]:
    """Say in one sentence that one of the two files is missing, or cannot be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise ModelError(
            f"A head is expected in two files, {words.name!r} and {numbers.name!r}; {str(path)!r} is missing."
        ) from error
    except OSError as error:
        raise ModelError(f"{str(path)!r} cannot be read: {error.strerror or error}.") from error


def _read_description(path: Path) -> Mapping[str, Any]:
    try:
        with _explain_missing(path, path, _paths(path)[0]):
            if file_size(path) > LARGEST_WORDS:
                limit = f"{LARGEST_WORDS >> 20} MB"
                raise ModelError(f"{str(path)!r} is too large for the description of a head ({limit}).")
            described = io.parse_json(path.read_bytes())
    except ValueError as error:
        raise ModelError(f"{str(path)!r} is damaged: the description of a head was expected.") from error
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise ModelError(f"{str(path)!r} is not a head that this version of embviz wrote.")
    return described


def file_size(path: Path) -> int:
    """Return the bytes of a file; raises where it is a folder, or a device that never ends."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no file")
    return status.st_size


def _find_numbers(numbers: Path, described: Mapping[str, Any], words: Path) -> Path:
    """Return the file of the numbers that the words were written for; raises where there is none."""
    new = _beside(numbers)
    with contextlib.suppress(OSError):
        if file_size(new) <= LARGEST and hashlib.sha256(new.read_bytes()).hexdigest() == described.get("sha256"):
            return new
    with _explain_missing(numbers, words, numbers):
        if file_size(numbers) > LARGEST:
            raise ModelError(f"{str(numbers)!r} is too large for a head: at most {LARGEST >> 20} MB are expected.")
        found = hashlib.sha256(numbers.read_bytes()).hexdigest()
    if found != described.get("sha256"):
        what = f"{numbers.name!r} is not the file that {words.name!r} was written for (its checksum is another)"
        raise ModelError(f"{what}; take both from the same place.")
    return numbers
