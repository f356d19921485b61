"""The store of graphs: what is here, whether it is still what it was, and how a new graph lands.

A model's graph lies in the user's data folder as ``<name>.pb``, with ``<name>.weights.json`` beside it: its SHA-256,
size and source; and ``<name>.shapes.json``, which can be found out again. A graph lands by temporary file, validation
and rename, so none is ever half there. Later it is used only if its SHA-256 is still the recorded one. A graph that is
not there may be in a shared home (:mod:`embviz.core.paths`): nothing is written there, and what is damaged passed over.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from embviz.core.io import parse_json, write_bytes
from embviz.core.paths import data_dir, shared_folders
from embviz.errors import GraphError, WeightsError
from embviz.models.wheels import sha256_of

if TYPE_CHECKING:
    from embviz.inference.graph import Graph
    from embviz.models.layer import Layer
    from embviz.models.model import Model


_FORMAT = 1
#: How far the numbers in a graph may be from those in the record: other networks are much further away.
_TOLERANCE = 0.1
_STALE_SECONDS = 86_400.0


class Named(Protocol):
    """A model, or a head, whose files lie under its name."""

    @property
    def name(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Weights:
    """The graph of a model, as it lies in the store.

    Parameters
    ----------
    path : path
        The frozen graph.
    sha256 : str
        Of that file, as hexadecimal digits.
    source : str
        Where it came from, such as ``"wheel musicnn==0.1.0"``.
    """

    path: Path
    sha256: str
    source: str


def weights_folder() -> Path:
    """Return the folder that graphs are kept in; it need not exist yet."""
    return data_dir() / "models"


def model_folders() -> list[Path]:
    """Return the folders that graphs are looked for in: that of the user, then those shared, which are only read."""
    return [weights_folder(), *(folder / "models" for folder in shared_folders("data", data_dir()))]


@dataclass(frozen=True)
class WeightsNote:
    """What ``<name>.weights.json`` says."""

    sha256: str
    size: int
    source: str


#: Files whose hash was checked in this process, with size, time of change and hash.
_checked: dict[Path, tuple[int, int, str]] = {}


def locate(model: Model, *, verify: bool = True) -> Weights | None:
    """Return a model's weights if they are here, after making sure that they are still what they were.

    The file is hashed at its first use in a process and whenever its size or time of change is another; `verify` as
    for :func:`embviz.models.find_weights`.
    """
    if model.identity:
        return Weights(Path(), model.identity, "function")
    own, *shared = model_folders()
    found = _locate_in(own, model, verify=verify)
    for folder in shared if found is None else ():
        with contextlib.suppress(WeightsError, OSError):  # what is wrong in there is not for this user to mend
            if (found := _locate_in(folder, model, verify=verify)) is not None:
                return found
    return found


def _locate_in(folder: Path, model: Model, *, verify: bool) -> Weights | None:
    path = folder / f"{model.name}.pb"
    entry = read_note(model, path)
    if entry is None:
        return None
    stat = path.stat()
    now = (stat.st_size, stat.st_mtime_ns, entry.sha256)
    # Without the time of change, which is another one wherever the files were copied to.
    trusted = _checked.get(path) == now or (not verify and stat.st_size == entry.size)
    if not trusted:
        _check_hash(model, path, entry)
        _checked[path] = now
    return Weights(path, entry.sha256, entry.source)


def state(model: Model) -> str:
    """Say how a model's weights stand; see :func:`embviz.models.weights_state`."""
    if model.identity:
        return "ready"
    for folder in model_folders():
        with contextlib.suppress(WeightsError):
            if read_note(model, folder / f"{model.name}.pb") is not None:
                return "ready"
    kinds = {source.kind for source in model.sources}
    return next((kind for kind in ("wheel", "zoo") if kind in kinds), "missing")


def read_note(model: Model, path: Path) -> WeightsNote | None:
    """Return what the note beside a graph says; None where graph or note are missing."""
    note = _note_path(path)
    try:
        text = note.read_text(encoding="utf-8")
        if not path.is_file():
            return None
        kept = parse_json(text)
        return WeightsNote(str(kept["sha256"]), int(kept["size"]), str(kept["source"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(model, note, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"The checksum of {model.name!r} is expected in {str(note)!r}, which is damaged; {_remedy(model)}."
        ) from error


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.weights.json")


def _unreadable(model: Model, path: Path, error: OSError) -> WeightsError:
    return WeightsError(f"The weights of {model.name!r} cannot be read from {str(path)!r}: {error.strerror or error}.")


def _check_hash(model: Model, path: Path, entry: WeightsNote) -> None:
    try:
        found = sha256_of(path)
    except OSError as error:
        raise _unreadable(model, path, error) from error
    if found != entry.sha256:
        raise WeightsError(
            f"The weights of {model.name!r} have changed since they were fetched: SHA-256 {entry.sha256} was expected, "
            f"{found} was found in {str(path)!r}. They are not used; {_remedy(model)}."
        )


def _remedy(model: Model) -> str:
    return f"run `embviz pull {model.name}` to fetch them again" if model.sources else "register your graph again"


def install(temporary: Path, model: Model, source: str, digest: str) -> Weights:
    """Validate a graph and move it to its place."""
    validate(temporary, model, digest)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    path = weights_folder() / f"{model.name}.pb"
    temporary.replace(path)
    return write_note(path, source, digest)


def write_note(path: Path, source: str, digest: str) -> Weights:
    """Write the note beside a graph that lies in its place."""
    stat = path.stat()
    entry = {"format": _FORMAT, "sha256": digest, "size": stat.st_size, "source": source}
    note = write_bytes(_note_path(path), json.dumps(entry, indent=1).encode())
    note.chmod(stat.st_mode & 0o777)
    _checked[path] = (stat.st_size, stat.st_mtime_ns, digest)
    return Weights(path, digest, source)


def validate(path: Path, model: Model, digest: str) -> None:
    """Read a graph and compare it with the record; a WeightsError's text is made to follow the name of its source."""
    from embviz.inference.graph import Graph

    try:
        graph = Graph.read(path)
    except GraphError as error:
        # Without the name of what may be a temporary file.
        plain = str(error).replace(repr(str(path)), "it").removesuffix("; download it again.").rstrip(".")
        raise WeightsError(f"gave no frozen graph: {plain}") from error
    ends = [layer for layer in model.known_layers if layer.name in ("embedding", "output")]
    _check_nodes(graph, model, ends)
    _check_shapes(Weights(path, digest, ""), graph, model, ends)


def _check_nodes(graph: Graph, model: Model, ends: list[Layer]) -> None:
    if model.input_node not in graph.placeholders:
        inputs = ", ".join(map(repr, graph.placeholders))
        raise WeightsError(f"gave another network: it takes {inputs}, {model.input_node!r} was expected")
    # One of them will do: not all names inside Essentia's own files are known beforehand.
    if not any(layer.find_in(graph) for layer in ends):
        nodes = ", ".join(repr(node) for layer in ends for node in layer.nodes)
        raise WeightsError(f"gave another network: it has none of the nodes {nodes}")
    if model.parameters and abs(graph.parameters / model.parameters - 1) > _TOLERANCE:
        raise WeightsError(
            f"gave another network: it has {graph.parameters:,} parameters, about {model.parameters:,} were expected"
        )


def _check_shapes(weights: Weights, graph: Graph, model: Model, ends: list[Layer]) -> None:
    """Run the network once: siblings differ in nothing but the shape of what goes in or comes out."""
    try:
        found = layer_shapes(model, weights)
    except GraphError as error:
        # Without the name of what may be a temporary file.
        plain = str(error).replace(repr(weights.path.name), "it").rstrip(".")
        raise WeightsError(f"gave a graph that does not run: {plain}") from error
    for layer in ends:
        there = layer.find_in(graph)
        shape = there.joined_shape(found) if there else ()
        tokens = layer.axes.find("k")  # however many
        if (
            there
            and layer.shape
            and [n for i, n in enumerate(shape) if i != tokens] != [n for i, n in enumerate(layer.shape) if i != tokens]
        ):
            has = f"has the shape {shape}" if shape else "cannot be computed"
            raise WeightsError(f"gave another network: its {layer.name} {has}, {layer.shape} was expected")


def layer_shapes(model: Model, weights: Weights) -> dict[str, tuple[int, ...]]:
    """Return the run-time shapes of the nodes of a model's graph, by their names."""
    from embviz.inference.shapes import node_shapes

    memos = [folder / f"{model.name}.shapes.json" for folder in model_folders()]
    return node_shapes(weights.path, model.input_node, model.input_shape, sha256=weights.sha256, memos=memos)


@contextlib.contextmanager
def temporary_graph(model: Model) -> Iterator[Path]:
    """Give a temporary file in the store that is gone afterwards, unless it was moved to its place."""
    weights_folder().mkdir(parents=True, exist_ok=True)
    # Made by plain opening, so that graphs in a shared folder can be read by those whom the umask allows.
    path = weights_folder() / f".{model.name}.{secrets.token_hex(8)}.new"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a temporary folder on the disk of the store, and remove those of processes that were killed."""
    weights_folder().mkdir(parents=True, exist_ok=True)
    for old in [*weights_folder().glob(".pull-*"), *weights_folder().glob(".*.new")]:
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
    with tempfile.TemporaryDirectory(dir=weights_folder(), prefix=".pull-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextlib.contextmanager
def lock(model: Named) -> Iterator[None]:
    """Keep other processes from writing the same model meanwhile; they wait."""
    from filelock import FileLock

    weights_folder().mkdir(parents=True, exist_ok=True)
    lock = FileLock(weights_folder() / f".{model.name}.lock")
    with contextlib.ExitStack() as held:
        # Some network folders have no locks. Without one the same file may be fetched twice; renames keep it whole.
        with contextlib.suppress(NotImplementedError):
            held.enter_context(lock)
        yield


def copy_graph(model: Model, graph: Path) -> Weights:
    """Copy a user's own graph into the store; the caller holds the lock."""
    with temporary_graph(model) as temporary:
        shutil.copyfile(graph, temporary)
        return install(temporary, model, "registered", sha256_of(temporary))


def disk_error(model: Named, error: OSError) -> WeightsError:
    """Return what to raise where the store cannot be written."""
    where = str(weights_folder())
    if error.errno == errno.ENOSPC:
        text = f"The disk of {where!r} is full: make room for the weights of {model.name!r} and pull them again"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        text = f"The weights of {model.name!r} go to {where!r}, which cannot be written to"
    else:
        text = f"The weights of {model.name!r} could not be written to {where!r} ({error.strerror or error})"
    failure = WeightsError(f"{text}; the environment variable EMBVIZ_HOME can name another folder.")
    failure.__cause__ = error
    return failure
