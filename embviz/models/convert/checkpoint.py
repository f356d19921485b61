"""Read TensorFlow V2 checkpoints ("tensor bundles") without TensorFlow.

A checkpoint ``<prefix>`` is a set of files:

``<prefix>.index``
    a LevelDB table: blocks of prefix-compressed, sorted keys, each block followed by one byte for the compression and a
    CRC-32C; a footer of 48 bytes ends in a magic number and points to the block that lists all others. The empty key
    holds a ``BundleHeaderProto``, every other key is the name of a variable and holds its ``BundleEntryProto``.
``<prefix>.data-00000-of-00001``, ...
    the raw little-endian values, row-major, at the offsets of the entries.
``<prefix>.meta``
    the graph (a ``MetaGraphDef``), read by :mod:`embviz.models.convert.freeze`.

The prefix may be empty (files named ``.index``, ``.meta``, ...), hence a checkpoint is named here by the path of its
``.index`` file. Every checksum is verified, and no number in a file is trusted before it has been compared with the
size of what it points into.

Sources: ``doc/table_format.md`` of LevelDB; ``tensor_bundle.proto`` and
``tensor_bundle.h`` of TensorFlow; CRC-32C after RFC 3720, "masked" as in both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embviz.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


_CODES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?", 19: "<f2"}
#: Element types that variables of published models have: number in ``types.proto`` -> numpy type of the stored bytes.
DTYPES = {number: np.dtype(code) for number, code in _CODES.items()}

_FOOTER_BYTES = 48
_TABLE_MAGIC = 0xDB4775248B80FB57
_BLOCK_TRAILER_BYTES = 5
_LONGEST_KEY = 4096
_HIGHEST_RANK = 8
_LARGEST_INDEX = 64 * 2**20


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where one variable lies in the data shards."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


class Checkpoint:
    """The variables of one checkpoint; each is read and verified on demand.

    Parameters
    ----------
    index
        The ``.index`` file. Its data shards lie beside it.

    Raises
    ------
    ConversionError
        If the index is truncated, corrupt or of a kind that is not supported.
    """

    def __init__(self, index: Path) -> None:
        self.index = index
        if not index.is_file():
            raise ConversionError(f"Expected the index of a checkpoint at {index}, found no file.")
        try:
            if index.stat().st_size > _LARGEST_INDEX:
                raise ValueError(f"expected an index of at most {_LARGEST_INDEX} bytes, found more")
            self._shards, self.entries = _read_bundle(index.read_bytes())
        except ValueError as error:
            raise ConversionError(_complaint(index, error)) from error

    def __repr__(self) -> str:
        return f"<Checkpoint {self.index}: {len(self.entries)} variables>"

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def read(self, name: str) -> NDArray[Any]:
        """Return the values of the variable `name`, in the shape it was saved with.

        Raises
        ------
        ConversionError
            If there is no such variable, or its values are damaged.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise ConversionError(
                f"The graph reads variable {name!r}, which {self.index} does not hold: graph and checkpoint must be of "
                "the same model."
            )
        stem = self.index.name.removesuffix(".index")
        shard = self.index.with_name(f"{stem}.data-{entry.shard:05d}-of-{self._shards:05d}")
        try:
            values = _read_span(shard, entry)
        except ValueError as error:
            raise ConversionError(_complaint(shard, f"variable {name!r}: {error}")) from error
        return np.frombuffer(values, entry.dtype).reshape(entry.shape)


def _complaint(path: Path, problem: object) -> str:
    cause = "The file is damaged, incomplete or not of the kind that TensorFlow saves; fetch it again."
    return f"Cannot read {path}: {problem}. {cause}"


def _read_span(path: Path, entry: TensorEntry) -> bytes:
    if not path.is_file():
        raise ValueError("expected a data shard, found no file")
    available = path.stat().st_size
    if entry.offset + entry.size > available:
        raise ValueError(f"expected {entry.size} bytes at offset {entry.offset}, found a file of {available} bytes")
    with path.open("rb") as shard:
        shard.seek(entry.offset)
        values = shard.read(entry.size)
    _verify(values, entry.checksum)
    return values


def _verify(data: bytes, expected: int) -> None:
    found = masked_crc32c(data)
    if found != expected:
        raise ValueError(f"expected checksum {expected:08x}, found {found:08x}")


def masked_crc32c(data: bytes) -> int:
    """CRC-32C of `data`, rotated and offset as LevelDB and TensorFlow store it."""
    import google_crc32c

    crc: int = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _read_bundle(index: bytes) -> tuple[int, dict[str, TensorEntry]]:
    """Return the number of data shards and the entry of each variable."""
    table = read_table(index)
    header = _message(table.pop(b"", b""))
    shards = header.get(1, 0)
    if not isinstance(shards, int) or not 1 <= shards <= 99_999:
        raise ValueError(f"expected a header with the number of data shards, found {shards!r}")
    if header.get(2, 0) != 0:
        raise ValueError("expected little-endian values, found big-endian ones")
    names = {key.decode("utf-8", "backslashreplace"): value for key, value in table.items()}
    return shards, {name: _entry(name, value, shards) for name, value in names.items()}


def _entry(name: str, message: bytes, shards: int) -> TensorEntry:
    fields = _message(message)
    if 7 in fields:
        raise ValueError(f"variable {name!r} is stored in slices, which is not supported")
    numbers = [fields.get(number, 0) for number in (1, 3, 4, 5, 6)]
    dtype, shard, offset, size, checksum = (n if isinstance(n, int) else -1 for n in numbers)
    if dtype not in DTYPES:
        raise ValueError(f"variable {name!r} has element type {dtype}, which is not supported")
    shape = _shape(fields.get(2, b""))
    expected = DTYPES[dtype].itemsize * math.prod(shape)
    if size != expected:
        raise ValueError(f"variable {name!r}: expected {expected} bytes, found {size}")
    if not 0 <= shard < shards or offset < 0 or checksum < 0:
        raise ValueError(f"variable {name!r} points outside the {shards} data shards")
    return TensorEntry(DTYPES[dtype], shape, shard, offset, size, checksum)


def _shape(message: int | bytes) -> tuple[int, ...]:
    """Sizes of a ``TensorShapeProto``: repeated field 2, whose field 1 is the size."""
    dimensions = [] if isinstance(message, int) else [d for n, d in _fields(message) if n == 2]
    sizes = [-1 if isinstance(dimension, int) else _message(dimension).get(1, 0) for dimension in dimensions]
    if len(sizes) > _HIGHEST_RANK or not all(isinstance(size, int) and 0 <= size < 2**31 for size in sizes):
        raise ValueError(f"expected a known tensor shape, found {sizes[: _HIGHEST_RANK + 1]}")
    return tuple(map(int, sizes))


def _message(data: bytes) -> dict[int, int | bytes]:
    """Fields of a protocol buffer by number; of a repeated field, the last."""
    return dict(_fields(data))


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a protocol buffer in its wire format."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"expected a protocol buffer, found wire type {wire}")
        chunk = _span(data, at, size)
        at += size
        yield number, chunk if wire == 2 else int.from_bytes(chunk, "little")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the base-128 number at `at` and the position behind it."""
    value = 0
    for shift in range(0, 64, 7):
        byte = _span(data, at, 1)[0]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("expected a number of at most 64 bits, found a longer one")


def _span(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise ValueError(f"expected {size} bytes at offset {at}, found {max(0, len(data) - at)}")
    return data[at : at + size]


def read_table(data: bytes) -> dict[bytes, bytes]:
    """Return the keys and values of a LevelDB table, in the order they are stored.

    Raises
    ------
    ValueError
        If the table is malformed, or a checksum does not match.
    """
    footer = data[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or int.from_bytes(footer[-8:], "little") != _TABLE_MAGIC:
        raise ValueError("expected a LevelDB table, found no such footer")
    _, _, at = _handle(footer, 0)  # the meta-index, unused in checkpoints
    offset, size, _ = _handle(footer, at)
    table: dict[bytes, bytes] = {}
    behind = 0
    for _, handle in _block_items(_block(data, offset, size)):
        offset, size, _ = _handle(handle, 0)
        if offset < behind:  # also bounds the work that a hostile file can ask for
            raise ValueError("expected consecutive blocks, found overlapping ones")
        table.update(_block_items(_block(data, offset, size)))
        behind = offset + size
    return table


def _handle(data: bytes, at: int) -> tuple[int, int, int]:
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return offset, size, at


def _block(data: bytes, offset: int, size: int) -> bytes:
    """Return a block without its trailer (compression, checksum)."""
    block = _span(data, offset, size + _BLOCK_TRAILER_BYTES)
    _verify(block[:-4], int.from_bytes(block[-4:], "little"))
    if block[size] != 0:
        raise ValueError(f"expected an uncompressed block, found compression of type {block[size]}")
    return block[:size]


def _block_items(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the items of a block: keys share a prefix with the key before them."""
    restarts = int.from_bytes(_span(block, max(0, len(block) - 4), 4), "little")
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise ValueError(f"expected {restarts} restart points in {len(block)} bytes, found fewer")
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        size, at = _varint(block, at)
        if shared > len(key) or shared + fresh > _LONGEST_KEY:
            raise ValueError(f"expected a key of at most {_LONGEST_KEY} bytes, found another")
        key = key[:shared] + _span(block, at, fresh)
        at += fresh
        yield key, _span(block, at, size)
        at += size


def find_index(folder: Path) -> Path:
    """Return the only checkpoint index in `folder` (``model.index``, bare ``.index``).

    Raises
    ------
    ConversionError
        If there is none, or more than one.
    """
    found = sorted(path for path in folder.glob("*.index") if not path.name.startswith("._"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ConversionError(f"Expected one checkpoint (*.index) in {folder}, found {names}.")
    return found[0]
