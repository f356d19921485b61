"""The store of what was computed: content-addressed, shared between processes, never in the way.

Conventions: an entry is one safetensors file named by the digest of its *key*, a flat mapping of everything that
changes the numbers (audio digest, SHA-256 of the weights, layer, front-end, resample quality, Essentia's version,
format). The key stands readable in the file's header. Entries are written by temporary file and rename, so that two
processes may write the same one. Whatever goes wrong with the store costs time and one warning, not the result.

What is derived from embeddings (pooled vectors, matrices of a collection, neighbours, maps) is kept apart, in folders
named after its kind, within a limit of its own: a run over many tracks may push out embeddings, but not what it has
made of them.

A file whose sound was heard in another one before, which has other tags or lies in another container, is a *twin* of
that one: it is told by the digest of the decoded samples, and finds what is kept under the digest of the first.

What is not in the folder is looked for in the caches of the shared homes (:mod:`embviz.core.paths`), which are only
read: they are not pruned or cleared, what is damaged in them is passed over, and no time of use is noted there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, get_args

from embviz.core import io
from embviz.core.embedding import Embedding, Precision
from embviz.core.io import file_digest
from embviz.core.paths import cache_dir, shared_folders
from embviz.errors import CacheWarning, EmbvizError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

GIB = 2**30
RACY = 2.0  # seconds; a file changed this recently may change again without a new time stamp
LARGEST_SHARE = 0.25  # of the limit, for one entry
ENTRIES = (".safetensors", ".npy", ".json")
ROUNDED = ".float16.safetensors"  # ending of embeddings in half the bytes
STALE = 3600.0  # seconds; a part this old belongs to a process that was killed while it wrote
POOLED = "pooled"  # the kind that is small, and takes longest to make again
# What decoding found out about a file; the first file with a sound; the first file that sounds like another one.
FACTS, FIRST, TWIN = "facts", "first", "twins"
PROBLEMS = "problems"  # kind of record: why a file cannot be decoded
LONGEST_RECORD = 1 << 16  # bytes of JSON

# Folders and kinds of problems that were warned of: one call may open several caches of one folder, one for each step.
_told: set[tuple[str, str]] = set()

T = TypeVar("T")


class _Digestible(Protocol):
    """A sound that may lie in a file, and knows the digest of its content."""

    @property
    def path(self) -> Path | None: ...
    @property
    def digest(self) -> str: ...


class Cache:
    """A folder of computed embeddings.

    Parameters
    ----------
    folder : path, optional
        Where; the user's cache folder by default (``EMBVIZ_HOME`` overrides). What is not there is looked for in the
        homes that ``EMBVIZ_SHARED`` names.
    max_bytes : int
        Size beyond which the least recently used entries are removed, 10 GiB by default; what is derived from the
        embeddings may take as much again.
    precision : {"float32", "float16"}
        Of the embeddings that are kept. ``"float16"`` takes half the bytes, and reads what either kind of cache kept
        in the folder; ``"float32"`` does not read what was rounded. ``info["rounding"]`` of an embedding that was
        states the largest errors. What float16 is too small for is kept as float32.

    Raises
    ------
    OptionError
        If `max_bytes` is not above 0, or there is no such precision.

    Examples
    --------
    >>> cache = Cache()
    >>> cache.info()["limit"] == 10 * 2**30
    True
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        max_bytes: int = 10 * GIB,
        precision: Precision = "float32",
    ) -> None:
        if max_bytes <= 0:
            raise OptionError(f"max_bytes is a number of bytes above 0, {max_bytes} was found.")
        if precision not in get_args(Precision):
            raise OptionError(f"precision is 'float32' or 'float16', {precision!r:.80} was found.")
        self.precision = precision
        self.folder = Path(folder).expanduser() if folder is not None else cache_dir()
        self.max_bytes = int(max_bytes)
        self._embeddings = _Shelf(self.folder / "embeddings")
        self._derived = _Shelf(self.folder / "derived", last=(POOLED, FACTS, FIRST, TWIN))
        self._warned: set[str] = set()  # kinds of problems

    @property
    def folders(self) -> list[Path]:
        """Where entries are looked for: this cache's own folder, then those shared, which are only read."""
        return [self.folder, *shared_folders("cache", self.folder)]

    # Embeddings. ---------------------------------------------------------------------------------------------------

    def get(self, key: Mapping[str, Any]) -> Embedding | None:
        """Return the embedding that was put under a key.

        Parameters
        ----------
        key : mapping
            Everything that determines the numbers, ready for JSON.

        Returns
        -------
        Embedding or None
            Memory-mapped where it was not rounded; None where there is none. A damaged entry is set aside with a
            warning.
        """
        found = (self._read(entry, Embedding.load) for entry in self._entries(key))
        return next((embedding for embedding in found if embedding is not None), None)

    def has(self, key: Mapping[str, Any]) -> bool:
        """Tell whether an embedding is kept under a key, without reading it.

        Parameters
        ----------
        key : mapping
            As for :meth:`get`.

        Returns
        -------
        bool
        """
        return any(map(self._has, self._entries(key)))

    def put(self, key: Mapping[str, Any], embedding: Embedding) -> None:
        """Keep an embedding; failing to do so costs one warning.

        Parameters
        ----------
        key : mapping
            As for :meth:`get`.
        embedding : Embedding
            One larger than a quarter of the limit is not kept.
        """
        if embedding.nbytes > LARGEST_SHARE * self.max_bytes:
            return
        *_, key = self._keys(key)
        try:
            written = self._save(key, embedding)
            self._embeddings.register(written.stat().st_size, self.max_bytes)
        except OSError as error:
            self.warn_unwritable(error, "Embeddings", "each time")

    def _save(self, key: Mapping[str, Any], embedding: Embedding) -> Path:
        extra = {"key": _canonical_json(key)}
        if self.precision == "float16":
            with contextlib.suppress(OptionError):  # it is too small for a number
                return embedding.save(self.folder / _entry(key, ROUNDED), extra=extra, precision="float16")
        return embedding.save(self.folder / _entry(key), extra=extra)

    def _entries(self, key: Mapping[str, Any]) -> Iterator[str]:
        """Yield where an embedding may lie, and serves: what was not rounded first."""
        suffixes = (".safetensors", ROUNDED) if self.precision == "float16" else (".safetensors",)
        return (_entry(one, suffix) for suffix in suffixes for one in self._keys(key))

    # What is derived from them. ------------------------------------------------------------------------------------

    def load_arrays(self, kind: str, key: Mapping[str, Any]) -> dict[str, NDArray[Any]] | None:
        """Return the arrays that were kept under a key.

        Parameters
        ----------
        kind, key
            As for :meth:`save_arrays`.

        Returns
        -------
        dict of str to ndarray, or None
            Memory-mapped; None where there are none. A damaged file is set aside with a warning.
        """
        found = (self._read(_derived(kind, one), io.read_arrays) for one in self._keys(key))
        return next((content[0] for content in found if content is not None), None)

    def save_arrays(self, kind: str, key: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays under a key; failing to do so costs one warning.

        Parameters
        ----------
        kind : str
            What they are, which is the name of their folder: ``"pooled"``, ``"neighbours"``, ``"projections"`` …
        key : mapping
            Everything that determines them, ready for JSON.
        arrays : mapping of str to ndarray
            float32, float64, int32, int64 or uint8.
        """
        try:
            self.register(io.write_arrays(self.derived_path(kind, key), arrays, {"key": _canonical_json(key)}))
        except OSError as error:
            self.warn_unwritable(error)

    def has_arrays(self, kind: str, key: Mapping[str, Any]) -> bool:
        """Tell whether arrays are kept under a key, without reading them.

        Parameters
        ----------
        kind, key
            As for :meth:`save_arrays`.

        Returns
        -------
        bool
        """
        return any(self._has(_derived(kind, one)) for one in self._keys(key))

    def derived_path(self, kind: str, key: Mapping[str, Any], suffix: str = ".safetensors") -> Path:
        """Return where a derived result belongs, for callers that write and read the file themselves.

        Parameters
        ----------
        kind, key
            As for :meth:`save_arrays`.
        suffix : str
            Ending of the file's name.

        Returns
        -------
        Path
            The file need not exist.
        """
        *_, kept = self._keys(key)
        return self.folder / _derived(kind, kept, suffix)

    def derived_paths(self, kind: str, key: Mapping[str, Any], suffix: str = ".safetensors") -> list[Path]:
        """Return where a derived result may lie: its :meth:`derived_path`, then places that are only to be read.

        Parameters
        ----------
        kind, key, suffix
            As for :meth:`derived_path`.

        Returns
        -------
        list of Path
            None of the files need exist.
        """
        *keys, kept = self._keys(key)
        return [folder / _derived(kind, one, suffix) for one in (kept, *keys) for folder in self.folders]

    def register(self, path: Path) -> None:
        """Count a file towards the limit of derived results; beyond it, the least recently used are removed.

        Parameters
        ----------
        path : Path
            A file that was written to its :meth:`derived_path`.
        """
        with contextlib.suppress(OSError):
            self._derived.register(path.stat().st_size, self.max_bytes)

    def warn_unwritable(self, error: OSError, what: str = "Results", when: str = "next time") -> None:
        """Warn, once, that results cannot be kept, and when they are computed again.

        Parameters
        ----------
        error : OSError
            What went wrong.
        what, when : str
            What cannot be kept, and when it is computed again, as words of the warning.
        """
        self.warn(
            "write",
            f"{what} cannot be kept in {str(self.folder)!r}: {error.strerror}. "
            f"They are computed again {when}; free space or set EMBVIZ_HOME to a folder you may write to.",
        )

    @property
    def unwritable(self) -> bool:
        """Whether something could not be kept."""
        return "write" in self._warned

    def warn(self, kind: str, message: str) -> None:
        """Warn of a problem with this folder, once in this process for each kind of problem.

        Parameters
        ----------
        kind : str
            Kind of problem, such as ``"damaged"``.
        message : str
            Text of the :class:`~embviz.errors.CacheWarning`.
        """
        self._warned.add(kind)
        if (str(self.folder), kind) not in _told:
            _told.add((str(self.folder), kind))
            warnings.warn(message, CacheWarning, stacklevel=4)

    # Digests. ------------------------------------------------------------------------------------------------------

    def digest(self, audio: _Digestible) -> str:
        """Return the digest of a track; a file is read again only if its size or time has changed.

        Parameters
        ----------
        audio : Audio
            A file, or samples.

        Returns
        -------
        str
            BLAKE2b of the content, hexadecimal. A file that changed within the last two seconds is not remembered.

        Raises
        ------
        AudioError
            If the file cannot be read.
        """
        stamp = None if audio.path is None else _file_stamp(audio.path)
        if audio.path is None or stamp is None:
            return audio.digest
        if (remembered := self._load_digest(stamp)) is not None:
            return remembered
        digest = file_digest(audio.path)
        if time.time() - stamp.changed / 1e9 > RACY:
            memo = json.dumps({"file": stamp, "digest": digest}).encode()
            with contextlib.suppress(OSError):  # put() warns about a store that cannot be written to
                io.write_bytes(self._memo_path(stamp), memo, sync=False)
        return digest

    def known_digest(self, path: Path) -> str | None:
        """Return the digest that :meth:`digest` remembers of a file, without reading the file.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        str or None
            None where the file was not read before, or has changed since.
        """
        stamp = _file_stamp(path)
        return None if stamp is None else self._load_digest(stamp)

    # Sounds. -------------------------------------------------------------------------------------------------------

    def note_sound(self, digest: str, facts: Mapping[str, Any]) -> bool:
        """Remember what decoding a file found out, and whether its sound was heard in another file before.

        Parameters
        ----------
        digest : str
            That of the file, as of :meth:`digest`.
        facts : mapping
            Ready for JSON; its ``digest`` is that of the decoded samples, of all channels and of their rate.

        Returns
        -------
        bool
            Whether from now on what is kept of another file is also found under this `digest`.
        """
        if self.sound_facts(digest) != facts:
            self._save_record(FACTS, {"file": digest}, facts)
        sound, kept = {"sound": facts["digest"]}, self.kept_digest(digest)
        first = self._load_record(FIRST, sound).get("digest")
        if not isinstance(first, str):
            self._save_record(FIRST, sound, {"digest": kept})
            return False
        if first == kept:
            return False
        self._save_record(TWIN, {"file": digest}, {"digest": first})
        return True

    def sound_facts(self, digest: str) -> dict[str, Any]:
        """Return what :meth:`note_sound` remembers of a file.

        Parameters
        ----------
        digest : str
            That of the file.

        Returns
        -------
        dict
            Empty where it was never decoded. It was read from the disk: check its types.
        """
        return self._load_record(FACTS, {"file": digest})

    def note_problem(self, digest: str, problem: Mapping[str, Any]) -> None:
        """Remember why a file cannot be decoded, so that it is not tried again; :meth:`prune` forgets that.

        Parameters
        ----------
        digest : str
            That of the file.
        problem : mapping
            Ready for JSON.
        """
        self._save_record(PROBLEMS, {"file": digest}, problem)

    def known_problem(self, digest: str) -> dict[str, Any]:
        """Return what :meth:`note_problem` remembers of a file.

        Parameters
        ----------
        digest : str
            That of the file.

        Returns
        -------
        dict
            Empty where there is nothing. It was read from the disk: check its types.
        """
        return self._load_record(PROBLEMS, {"file": digest})

    def kept_digest(self, digest: str) -> str:
        """Return the digest of the file under which results for a sound are kept.

        Parameters
        ----------
        digest : str
            That of a file.

        Returns
        -------
        str
            That of the first file in which the sound was heard: mostly the same.
        """
        first = self._load_record(TWIN, {"file": digest}).get("digest")
        return first if isinstance(first, str) else digest

    def _keys(self, key: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield a key and, where its sound was heard in another file before, that file's, under which it is kept."""
        yield key
        digest = key.get("audio")
        kept = self.kept_digest(digest) if digest else digest
        if kept != digest:
            yield {**key, "audio": kept}

    def _load_record(self, kind: str, key: Mapping[str, Any]) -> dict[str, Any]:
        name = _derived(kind, key, ".json")
        if not self._has(name):  # mostly: this is asked of each track of a collection
            return {}
        for folder in self.folders:
            with contextlib.suppress(OSError, ValueError, RecursionError), (folder / name).open("rb") as file:
                record = json.loads(file.read(LONGEST_RECORD))
                if isinstance(record, dict):
                    return record
        return {}

    def _save_record(self, kind: str, key: Mapping[str, Any], record: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # put() warns about a store that cannot be written to
            path = self.folder / _derived(kind, key, ".json")
            self.register(io.write_bytes(path, json.dumps(record).encode(), sync=False))

    def _memo_path(self, stamp: _FileStamp) -> Path:
        return self.folder / _memo(stamp)

    def _load_digest(self, stamp: _FileStamp) -> str | None:
        name = _memo(stamp)
        for folder in self.folders:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                memo = io.parse_json((folder / name).read_bytes())
                if memo["file"] == list(stamp):
                    return str(memo["digest"])
        return None

    # Housekeeping. -------------------------------------------------------------------------------------------------

    def info(self) -> dict[str, Any]:
        """Return what the cache holds.

        Returns
        -------
        dict
            ``folder``; number of ``entries``, their ``bytes``, the ``limit`` to these, how many were set aside as
            ``damaged``; ``derived``, the bytes of pooled vectors, matrices, neighbours and maps; ``sounds``, the bytes
            of what was made for browsers to play; ``shared``, a list with folder, entries, bytes, derived and sounds
            of each cache that is looked into, too.
        """
        return {
            **_contents(self.folder),
            "limit": self.max_bytes,
            "damaged": sum(len(shelf.damaged()) for shelf in (self._embeddings, self._derived)),
            "shared": [_contents(folder) for folder in self.folders[1:]],
        }

    def keys(self) -> Iterator[dict[str, Any]]:
        """Iterate over the keys of the embeddings in this folder.

        Yields
        ------
        dict
            A key, as it was given to :meth:`put`; entries whose header cannot be read are passed over.
        """
        for entry in self._embeddings.entries():
            with contextlib.suppress(EmbvizError, KeyError, ValueError):
                yield io.parse_json(io.read_arrays(entry.path, check=False)[1]["key"])

    def verify(self) -> list[Path]:
        """Read every entry of this folder, and set the damaged ones aside.

        Returns
        -------
        list of Path
            The damaged files under their new names, which end in ``.damaged``, or under the old where the folder can
            only be read.
        """
        aside = []
        for read, shelf in ((Embedding.load, self._embeddings), (io.read_arrays, self._derived)):
            for path in [entry.path for entry in shelf.entries() if entry.path.suffix == ".safetensors"]:
                try:
                    read(path)
                except EmbvizError:
                    aside.append(_set_aside(path))
        return [path for path in aside if path is not None]

    def prune(self, max_bytes: int | None = None) -> int:
        """Remove what is damaged, why files could not be decoded, and the least recently used entries beyond a limit.

        Parameters
        ----------
        max_bytes : int, optional
            The limit, by default the cache's. What is derived from the embeddings is held to the same number on its
            own, pooled vectors going last.

        Returns
        -------
        int
            Bytes freed.
        """
        limit = self.max_bytes if max_bytes is None else max_bytes
        shutil.rmtree(self._derived.folder / PROBLEMS, ignore_errors=True)
        return self._embeddings.prune(limit) + self._derived.prune(limit)

    def clear(self) -> int:
        """Remove all entries, derived results, sounds made for browsers, and remembered digests.

        Returns
        -------
        int
            Bytes freed.
        """
        freed = self.prune(0) + _sound_bytes(self.folder)
        for name in ("embeddings", "derived", "sounds", "digests", "index"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        return freed

    def _has(self, entry: str) -> bool:
        # Not by Path, which may raise, and takes longer than the system does.
        return any(os.path.exists(f"{folder}/{entry}") for folder in self.folders)  # noqa: PTH110

    def _read(self, entry: str, read: Callable[[Path], T]) -> T | None:
        """Return what an entry holds, from the first folder that has it whole."""
        own, *shared = self.folders
        content = self._read_own(own / entry, read)
        for folder in shared if content is None else ():
            with contextlib.suppress(EmbvizError, OSError):
                return read(folder / entry)
        return content

    def _read_own(self, path: Path, read: Callable[[Path], T]) -> T | None:
        try:
            content = read(path)
            os.utime(path)  # the time of change is the time of last use: access times are often switched off
        except EmbvizError:
            if aside := _set_aside(path):
                what = "cannot be set aside" if aside == path else f"was set aside as {aside.name!r}"
                self.warn("damaged", f"A damaged entry of the cache {what} and is computed again.")
            return None
        except OSError:  # a folder that can only be read, or another process has just removed it
            return content if path.exists() else None
        return content

    def __repr__(self) -> str:
        held = _contents(self.folder)
        used = f"{held['bytes'] / GIB:.2f} of {self.max_bytes / GIB:g} GiB"
        return f"<Cache {held['folder']!r}: {held['entries']} entries, {used}>"


#: Where results are kept: None is the user's cache, False keeps nothing.
CacheOption: TypeAlias = "Cache | Literal[False] | None"


def check_cache(cache: CacheOption) -> None:
    """Raise where something is no cache."""
    if cache is not None and cache is not False and not isinstance(cache, Cache):
        raise OptionError(f"cache is a Cache, False or None, {cache!r:.80} was found.")


def resolve_cache(cache: CacheOption) -> Cache | None:
    """Return what an argument `cache` means: None is the user's cache, False none at all."""
    check_cache(cache)
    return None if cache is False else cache or Cache()


class _File(NamedTuple):
    """Where a file is, its bytes, and when it was last used."""

    path: Path
    size: int
    used: float


def _files(folder: Path, pattern: str) -> Iterator[_File]:
    for path in folder.rglob(pattern):
        with contextlib.suppress(OSError):  # another process may have removed it
            stat = path.stat()
            yield _File(path, stat.st_size, stat.st_mtime)


def _contents(folder: Path) -> dict[str, Any]:
    """Return how much the folder of a cache holds."""
    embeddings, derived = (
        [file.size for file in _Shelf(folder / name).entries()] for name in ("embeddings", "derived")
    )
    return {
        "folder": str(folder),
        "entries": len(embeddings),
        "bytes": sum(embeddings),
        "derived": sum(derived),
        "sounds": _sound_bytes(folder),
    }


def _sound_bytes(folder: Path) -> int:
    return sum(file.size for file in _files(folder / "sounds", "*.*"))


class _Shelf:
    """A folder of entries; where they take too much, those used longest ago go, those in its folders `last` last."""

    def __init__(self, folder: Path, *, last: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self._last = last
        self._size: int | None = None

    def entries(self) -> Iterator[_File]:
        return (file for file in _files(self.folder, "*.*") if file.path.suffix in ENTRIES)

    def damaged(self) -> list[Path]:
        return list(self.folder.rglob("*.damaged"))

    def register(self, new_bytes: int, limit: int) -> None:
        self._size = sum(entry.size for entry in self.entries()) if self._size is None else self._size + new_bytes
        if self._size > limit:
            # A little more than needed, so that not every entry from now on has to look at all the others.
            self.prune(int(0.9 * limit))

    def prune(self, limit: int) -> int:
        # Parts of entries that were being written by processes that were killed.
        stale = [file.path for file in _files(self.folder, ".*.part") if file.used < time.time() - STALE]
        freed = sum(_remove(path) for path in self.damaged() + stale)
        entries = sorted(self.entries(), key=self._order)
        excess = sum(entry.size for entry in entries) - limit
        for entry in entries:
            if excess <= 0:
                break
            if _remove(entry.path):
                excess -= entry.size
                freed += entry.size
        self._size = None
        return freed

    def _order(self, entry: _File) -> tuple[bool, float]:
        return entry.path.relative_to(self.folder).parts[0] in self._last, entry.used


class _FileStamp(NamedTuple):
    """What tells whether a file is the same: its whole path, its bytes, and when it was changed, in nanoseconds."""

    where: str
    size: int
    changed: int


def _file_stamp(path: Path) -> _FileStamp | None:
    """Return the stamp of a file; None where there is none."""
    try:
        stat = path.stat()
        return _FileStamp(str(path.resolve()), stat.st_size, stat.st_mtime_ns)
    except OSError:
        return None


def _canonical_json(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True, ensure_ascii=False, separators=(", ", ": "))


def _entry(key: Mapping[str, Any], suffix: str = ".safetensors") -> str:
    """Return the place of an embedding below the folder of a cache."""
    return f"embeddings/{_fan_out(_canonical_json(key), suffix)}"


def _derived(kind: str, key: Mapping[str, Any], suffix: str = ".safetensors") -> str:
    return f"derived/{kind}/{_fan_out(_canonical_json(key), suffix)}"


def _memo(stamp: _FileStamp) -> str:
    return f"digests/{_fan_out(stamp.where, '.json')}"


def _fan_out(text: str, suffix: str) -> str:
    """Return the path of a text's digest in one of 256 folders: some file systems slow down with very full ones."""
    name = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()
    return f"{name[:2]}/{name[2:]}{suffix}"


def _set_aside(path: Path) -> Path | None:
    if not path.exists():
        return None
    aside = path.with_suffix(".damaged")
    try:
        path.replace(aside)
    except OSError:  # a folder that can only be read
        return path
    return aside


def _remove(path: Path) -> int:
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError:
        return 0
    return size
