"""What a layer of a model says about a collection; numpy only.

Conventions: points first, ``[n, d]``, float32. A *point* is a track, or a frame of one; it carries the label that its
track has in the table of the collection. Files are written whole or not at all, a block of rows at a time, so that
what is memory-mapped need not fit into memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embviz.core import io
from embviz.core.embedding import Embedding
from embviz.core.labels import is_mask
from embviz.core.own_vectors import HasTable, check_arrays, content_key, even_grid
from embviz.core.spreadsheet import escape_table
from embviz.core.text import html_table, one_line, plural, printable
from embviz.errors import EmbvizError, OptionError

if TYPE_CHECKING:
    import pandas as pd

BLOCK = 1 << 20  # values written at a time
FORMAT = 1  # of files
_ARRAYS = {"values": np.float32, "tracks": np.int64, "times": np.float64, "spread": np.float32, "spans": np.float64}


@dataclass(frozen=True, eq=False)
class Vectors:
    """The output of one layer of a model for a collection: one vector per track, or one per frame.

    :meth:`embviz.Collection.embed` makes them, :meth:`from_array` those that come from elsewhere. Wherever a model's
    name is expected for a collection, its vectors may be given.

    Parameters
    ----------
    values : ndarray, shape [n, d], float32
        Memory-mapped and read-only where they are kept in the cache.
    tracks : ndarray, shape [n], int64
        Label of each point's track in the table; the frames of one track are consecutive and in the order of time.
    times : ndarray, shape [n], float64, or None
        Centre of each frame in seconds; None where a point is a track.
    model, layer : str
        Names of the model and of its layer.
    pooling : {"mean", "mean+std", "max", "median", "frames"}
        How the frames of a track became one vector; ``"frames"``: they did not.
    labels : tuple of str
        A name per dimension (tags, BPM), or empty.
    unit : str
        Unit of the values, or empty.
    spread : ndarray, shape [n], float32, or None
        How far a track's frames are from their mean: root mean square of the Euclidean distances. None for frames.
    failed : mapping of int to str
        A sentence for each track that gave nothing, by its label.
    key : str
        Digest of everything that determines the values and their order.
    spans : ndarray, shape [n, 2], float64, or None
        First and last second of the sound that each frame depends on; None where a point is a track.

    Raises
    ------
    OptionError
        If the arrays are not of one length.

    Examples
    --------
    >>> vectors = Vectors(np.eye(3, 2, dtype=np.float32), np.array([0, 1, 5]), None, "a-model", "a-layer", "mean")
    >>> vectors
    <Vectors a-model / a-layer: 3 tracks × 2 dimensions, mean>
    >>> vectors.select([5, 0]).tracks
    array([5, 0])
    """

    values: NDArray[np.float32]
    tracks: NDArray[np.int64]
    times: NDArray[np.float64] | None
    model: str
    layer: str
    pooling: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    spread: NDArray[np.float32] | None = None
    failed: Mapping[int, str] = field(default_factory=dict)
    key: str = ""
    spans: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        n = self.values.shape[:1]
        beside = {"tracks": self.tracks, "times": self.times, "spread": self.spread}
        wrong = [name for name, array in beside.items() if array is not None and array.shape != n]
        wrong += ["spans"] if self.spans is not None and self.spans.shape != (*n, 2) else []
        if self.values.ndim != 2 or wrong:
            raise OptionError(
                f"Vectors are an array [n, d] with a track for each of the n, an array of shape {self.values.shape} "
                f"was found{', with others of another length: ' + ', '.join(wrong) if wrong else ''}."
            )

    @classmethod
    def from_array(
        cls,
        values: ArrayLike,
        tracks: ArrayLike | HasTable,
        *,
        names: Sequence[str] | None = None,
        times: ArrayLike | None = None,
        spans: ArrayLike | None = None,
        model: str = "own",
        layer: str = "vectors",
        unit: str = "",
    ) -> Vectors:
        """Return vectors of your own, to be used as those of a model.

        Parameters
        ----------
        values : array_like, shape [n, d]
            A vector for each track; for each frame of a track, where there are `times`.
        tracks : array_like of int, shape [n], or Collection
            Label of each vector's track in the table of the collection; the collection itself, where there is one
            vector for each of its tracks, in its order.
        names : sequence of str, optional
            A name per dimension.
        times : array_like, shape [n], optional
            Centre of each frame in seconds.
        spans : array_like, shape [n, 2], optional
            First and last second of the sound that each frame depends on; by default from half way to the frame
            before to half way to the frame behind.
        model, layer, unit : str
            What made the vectors, and the unit of their values: how they are called wherever they are shown.

        Returns
        -------
        Vectors
            Frames are brought into the order of time. Tracks with a value that is not finite (NaN, infinite) are left
            out, with a warning; ``failed`` names them.

        Raises
        ------
        OptionError
            If these do not belong together, or are no numbers.

        Examples
        --------
        >>> import embviz
        >>> vectors = embviz.Vectors.from_array([[120.0, 0.3], [98.0, 0.7]], [0, 1], names=["bpm", "swing"])
        >>> vectors
        <Vectors own / vectors: 2 tracks × 2 dimensions, mean>
        """
        arrays, labels, failed = check_arrays(values, tracks, names, times, spans)
        facts: dict[str, Any] = {
            "model": model,
            "layer": layer,
            "unit": unit,
            "pooling": "mean" if times is None else "frames",
        }
        if not all(isinstance(text, str) for text in facts.values()) or not model or not layer:
            raise OptionError(
                f"model and layer say in words what made the vectors, {model!r:.80} / {layer!r:.80} was found."
            )
        return cls(**arrays, **facts, labels=labels, failed=failed, key=content_key(arrays, [facts, labels]))

    @property
    def shape(self) -> tuple[int, int]:
        """Points and dimensions."""
        return self.values.shape[0], self.values.shape[1]

    @property
    def columns(self) -> list[str]:
        """A name per dimension, made up from the layer's where it has none."""
        if self.labels:
            return list(self.labels)
        if self.pooling != "mean+std":
            return [f"{self.layer}_{i}" for i in range(self.shape[1])]
        return [f"{self.layer}_{i} {what}" for what in ("mean", "std") for i in range(self.shape[1] // 2)]

    def select(self, labels: Iterable[int]) -> Vectors:
        """Return the vectors of some tracks, in the order given.

        Parameters
        ----------
        labels : iterable of int
            Labels of tracks, each once; those that gave nothing are left out, and stay in ``failed``.

        Returns
        -------
        Vectors
            With a key of its own.

        Raises
        ------
        OptionError
            If a track is not among these at all, or is asked for twice.
        """
        given = list(labels)
        if is_mask(given):
            raise OptionError("Labels of tracks are expected, a mask was found; tracks[mask] has the labels of a mask.")
        chosen = np.array(given, dtype=np.int64)
        failed = np.isin(chosen, np.fromiter(self.failed, dtype=np.int64))
        unknown = chosen[~failed & ~np.isin(chosen, self.tracks)]
        if len(unknown) or len(np.unique(chosen)) < len(chosen):
            wrong = f"{int(unknown[0])} is not" if len(unknown) else "one is asked for twice"
            raise OptionError(f"Labels of tracks that are among these vectors are expected, each once; {wrong}.")
        points = self._point_indices(chosen[~failed])
        return replace(
            self,
            values=self.values[points],
            tracks=self.tracks[points],
            times=None if self.times is None else self.times[points],
            spread=None if self.spread is None else self.spread[points],
            spans=None if self.spans is None else self.spans[points],
            failed={int(label): self.failed[int(label)] for label in chosen[failed]},
            key=hashlib.blake2b(self.key.encode() + points.tobytes(), digest_size=20).hexdigest() if self.key else "",
        )

    def _point_indices(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where the points of tracks are: in the order of these, then of time."""
        order = np.argsort(self.tracks, kind="stable")
        first = np.searchsorted(self.tracks, labels, sorter=order)
        last = np.searchsorted(self.tracks, labels, side="right", sorter=order)
        runs = [order[start:stop] for start, stop in zip(first, last, strict=True)]
        return np.concatenate(runs) if runs else np.empty(0, dtype=np.int64)

    def embedding(self, label: int, *, title: str = "") -> Embedding:
        """Return the frames of one track as an embedding, to be drawn as a heatmap.

        Parameters
        ----------
        label : int
            Label of the track.
        title : str
            Of the track.

        Returns
        -------
        Embedding
            As long as its last frame reaches.

        Raises
        ------
        OptionError
            If these are no frames, there are none of the track, or they are not evenly spaced.

        Examples
        --------
        >>> times = [0.5, 1.5, 2.5]
        >>> vectors = Vectors.from_array([[1, 0], [2, 0], [3, 0]], [7, 7, 7], times=times, model="mine")
        >>> vectors.embedding(7)
        <Embedding mine / vectors: 3 frames × 2 dimensions, every 1 s, 3.00 s of audio>
        """
        points = self._point_indices(np.array([label]))
        if self.times is None or not len(points):
            what = f"no frames of a track {label!r:.80}" if self.times is not None else "a vector for each track"
            raise OptionError(f"{self.model} / {self.layer} holds {what}; frames of a track are drawn over time.")
        grid = even_grid(self.times[points], None if self.spans is None else self.spans[points])
        return Embedding(
            self.values[points], grid, self.model, self.layer, labels=self.labels, unit=self.unit, title=title
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the values as a table.

        Returns
        -------
        pandas.DataFrame
            Index ``track`` (and ``time`` in seconds, for frames); a column per dimension.
        """
        return self._frame(slice(None))

    def _frame(self, rows: slice) -> pd.DataFrame:
        import pandas as pd

        index: pd.Index = pd.Index(self.tracks[rows], name="track")
        if self.times is not None:
            index = pd.MultiIndex.from_arrays([self.tracks[rows], self.times[rows]], names=["track", "time"])
        return pd.DataFrame(self.values[rows], index=index, columns=self.columns, copy=False)

    # Files. ----------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the vectors to a safetensors file, whole or not at all.

        Parameters
        ----------
        path : path
            The file; it is replaced where it exists.

        Returns
        -------
        Path
            The file. The tracks in it are the labels that they have in the table of the collection.

        Raises
        ------
        EmbvizError
            If the file cannot be written.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS if getattr(self, name) is not None}
        failed = [[label, reason] for label, reason in self.failed.items()]
        fields = {"format": FORMAT, **self.meta(), "labels": self.labels, "failed": failed}
        place = Path(path).expanduser()
        try:
            return io.write_arrays(place, arrays, {"embviz vectors": json.dumps(fields)})
        except OSError as error:
            raise _write_error(place, error) from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vectors:
        """Read vectors written by :meth:`save`.

        Parameters
        ----------
        path : path
            The file.

        Returns
        -------
        Vectors
            The arrays are memory-mapped and read-only.

        Raises
        ------
        EmbvizError
            If the file is not such a file, or is damaged.
        """
        place = Path(path).expanduser()
        arrays, meta = io.read_arrays(place)
        try:
            fields = io.parse_json(meta["embviz vectors"])
            if fields.pop("format") != FORMAT:
                raise ValueError("format")
            labels, failed = (
                tuple(fields.pop("labels")),
                {int(one): str(reason) for one, reason in fields.pop("failed")},
            )
            if not all(isinstance(text, str) for text in (*labels, *fields.values())):
                raise TypeError("text")
            if any(array.dtype != _ARRAYS[name] for name, array in arrays.items()):
                raise TypeError("arrays")
            # What is kept under the key is served for these very values only, whatever the file says.
            fields["key"] = content_key(arrays, [fields, labels])
            beside: dict[str, Any] = {"times": None, **arrays}
            return cls(**beside, labels=labels, failed=failed, **fields)
        except (KeyError, TypeError, ValueError, AttributeError, OptionError) as error:
            raise EmbvizError(f"{str(path)!r} holds no vectors that this version of embviz wrote.") from error

    def to_csv(
        self, path: str | os.PathLike[str], table: pd.DataFrame | None = None, *, spreadsheet_safe: bool = False
    ) -> Path:
        """Write the values to a CSV file.

        Parameters
        ----------
        path : path
            The file.
        table : DataFrame, optional
            The collection, for a column with the names of the tracks.
        spreadsheet_safe : bool
            Whether an apostrophe is put before texts that a spreadsheet would compute, those that begin with ``=``,
            ``+``, ``-`` or ``@`` and are no number.

        Returns
        -------
        Path
            The file. Its columns: track, name, one per dimension; of frames also time, and start and stop of the
            sound that they depend on, in seconds.

        Raises
        ------
        EmbvizError
            If the file cannot be written.
        """
        place = Path(path).expanduser()
        with _atomic_write(place) as file:
            for i, frame in enumerate(self._frames(table)):
                cells = escape_table(frame, safe=spreadsheet_safe)
                file.write(cells.to_csv(header=not i, lineterminator="\n").encode())
        return place

    def to_parquet(self, path: str | os.PathLike[str], table: pd.DataFrame | None = None) -> Path:
        """Write the values to a Parquet file; parameters, columns and errors are those of :meth:`to_csv`.

        Parameters
        ----------
        path, table
            As for :meth:`to_csv`.

        Returns
        -------
        Path
            The file.
        """
        import pyarrow as pa
        from pyarrow import parquet

        place = Path(path).expanduser()
        blocks = map(pa.Table.from_pandas, self._frames(table))
        first = next(blocks)
        meta = {**first.schema.metadata, b"embviz": json.dumps(self.meta()).encode()}
        with _atomic_write(place) as file, parquet.ParquetWriter(file, first.schema.with_metadata(meta)) as writer:
            for block in itertools.chain([first], blocks):
                writer.write_table(block.replace_schema_metadata(meta))
        return place

    def to_npz(self, path: str | os.PathLike[str], table: pd.DataFrame | None = None) -> Path:
        """Write the arrays to a numpy file; parameters and errors are those of :meth:`to_csv`.

        Parameters
        ----------
        path, table
            As for :meth:`to_csv`.

        Returns
        -------
        Path
            The file: ``values`` ``[n, d]``; ``tracks``, ``times``, ``spread`` and ``names`` ``[n]``; ``spans``
            ``[n, 2]``; ``labels`` ``[d]``; ``meta``, which is JSON. Without those that are missing.
        """
        arrays: dict[str, Any] = {
            "values": self.values,
            "tracks": self.tracks,
            "times": self.times,
            "spread": self.spread,
            "spans": self.spans,
            "names": None if table is None else np.array(_track_names(table, self.tracks), dtype=np.str_),
            "labels": np.array(self.labels, dtype=np.str_),
            "meta": json.dumps(self.meta(), ensure_ascii=False),
        }
        place = Path(path).expanduser()
        with _atomic_write(place) as file:
            np.savez(file, **{name: array for name, array in arrays.items() if array is not None})
        return place

    def to_tensorboard(self, folder: str | os.PathLike[str], table: pd.DataFrame) -> Path:
        """Write the values for TensorBoard's embedding projector.

        Parameters
        ----------
        folder : path
            Made where it is not there. It gets ``vectors.tsv``, ``metadata.tsv`` with a header, and
            ``projector_config.pbtxt``; ``tensorboard --logdir FOLDER`` shows them.
        table : DataFrame
            The collection. Its columns (without the paths) become the metadata; tabs and line breaks in them become
            spaces.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        EmbvizError
            If it cannot be written.
        """
        place = Path(folder).expanduser()
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _write_error(place, error) from error
        with contextlib.ExitStack() as stack:
            names = ("projector_config.pbtxt", "metadata.tsv", "vectors.tsv")
            # They are brought to the disk together, so that they take their places right after each other.
            config, metadata, vectors = (stack.enter_context(_atomic_write(place / name, sync=False)) for name in names)
            for rows in self._row_blocks():
                np.savetxt(vectors, self.values[rows], fmt="%.9g", delimiter="\t")
            self._write_metadata(metadata, table)
            title = json.dumps(f"{self.model} {self.layer}")
            config.write(
                f'embeddings {{\n  tensor_name: {title}\n  tensor_path: "vectors.tsv"\n'
                f'  metadata_path: "metadata.tsv"\n}}\n'.encode()
            )
            for file in (config, metadata, vectors):
                file.flush()
                os.fsync(file.fileno())
            # It says where the others are, and comes last: what a process that is ended leaves half new is not shown.
            with contextlib.suppress(FileNotFoundError):
                (place / "projector_config.pbtxt").unlink()
        return place

    def _write_metadata(self, file: IO[bytes], table: pd.DataFrame) -> None:
        facts = table.drop(columns="path", errors="ignore")
        times = [] if self.times is None else ["time"]
        file.write(_tsv_line(["track", *times, *facts.columns]))
        for rows in self._row_blocks():
            labels = self.tracks[rows]
            beside = [] if self.times is None else [[f"{time:.3f}" for time in self.times[rows]]]
            columns = [facts[name].reindex(labels) for name in facts.columns]
            file.writelines(map(_tsv_line, zip(labels, *beside, *columns, strict=True)))

    def meta(self) -> dict[str, Any]:
        """Return a description of the values.

        Returns
        -------
        dict
            ``model``, ``layer``, ``pooling``, ``unit`` and ``key``, ready for JSON.
        """
        return {name: getattr(self, name) for name in ("model", "layer", "pooling", "unit", "key")}

    def _row_blocks(self) -> Iterator[slice]:
        """Yield the rows in blocks of a size that fits into memory; one, empty, where there are none."""
        step = max(1, BLOCK // max(1, self.shape[1]))
        for start in range(0, max(1, len(self)), step):
            yield slice(start, start + step)

    def _frames(self, table: pd.DataFrame | None) -> Iterator[pd.DataFrame]:
        for rows in self._row_blocks():
            frame = self._frame(rows)
            if self.spans is not None:
                for i, name in enumerate(("start", "stop")):
                    frame.insert(i, _free_name(name, self.columns), self.spans[rows, i])
            if table is not None:
                frame.insert(0, _free_name("name", self.columns), _track_names(table, self.tracks[rows]))
            yield frame

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        failures = f", {len(self.failed):,} failed" if self.failed else ""
        return f"<Vectors {self.model} / {self.layer}: {self._extent()}, {self.pooling}{failures}>"

    def _extent(self) -> str:
        n, d = self.shape
        of = "" if self.times is None else f" of {plural(len(np.unique(self.tracks)), 'track')}"
        return f"{plural(n, 'track' if self.times is None else 'frame')}{of} × {d} dimensions"

    def _repr_html_(self) -> str:
        rows = {
            "model": self.model,
            "layer": self.layer,
            "shape": self._extent(),
            "pooling": self.pooling,
            "failed": plural(len(self.failed), "track") if self.failed else "none",
        }
        return html_table(rows)


def _track_names(table: pd.DataFrame, labels: ArrayLike) -> list[str]:
    return [printable(str(name)) for name in table["name"].reindex(labels, fill_value="")]


def _free_name(name: str, taken: list[str]) -> str:
    """Return a name that is not taken: models may have a tag that is called like this, too."""
    return name if name not in taken else _free_name(f"{name} ", taken)


def _tsv_line(cells: Iterable[Any]) -> bytes:
    return ("\t".join(one_line(printable(_cell_text(cell))) for cell in cells) + "\n").encode()


def _cell_text(cell: Any) -> str:
    # What is missing (NaN, <NA>) is the only thing that is not equal to itself, or cannot tell.
    try:
        return "" if cell is None or cell != cell else str(cell)  # noqa: PLR0124
    except (TypeError, ValueError):
        return ""


@contextlib.contextmanager
def _atomic_write(path: Path, *, sync: bool = True) -> Iterator[IO[bytes]]:
    """Give a file as :func:`embviz.core.io.atomic_write` does, and say in one sentence that it could not be written."""
    try:
        with io.atomic_write(path, sync=sync) as file:
            yield file
    except OSError as error:
        raise _write_error(path, error) from error


def _write_error(path: Path, error: OSError) -> EmbvizError:
    return EmbvizError(f"{str(path)!r} could not be written: {error.strerror}.")
