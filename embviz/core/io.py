"""Files: written whole or not at all, digests, and safetensors read by memory map.

The format is a little-endian 64-bit header length, a JSON header, and the raw arrays
(https://github.com/huggingface/safetensors). The library writes; reading is done here, because it copies where
a memory map does not.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import secrets
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from embviz.core.text import printable_name
from embviz.errors import AudioError, EmbvizError

_DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I64": np.int64, "I32": np.int32, "U8": np.uint8}


def parse_json(text: str | bytes) -> Any:
    """Return what JSON says; a ValueError where it is none, or nested more deeply than anything embviz writes."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, str]) -> Path:
    """Write arrays and their metadata to `path`, replacing it in one step; their checksums go with them."""
    from safetensors.numpy import save

    compact = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    sums = {f"crc32 {name}": str(_checksum(array)) for name, array in compact.items()}
    data = save(compact, metadata={**meta, **sums})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        header, start = _sort_metadata(data)
        file.write(header)
        file.write(memoryview(data)[start:])
    return path


def _sort_metadata(data: bytes) -> tuple[bytes, int]:
    """Return the header of a file with its metadata in order, and where the arrays begin.

    The library's order differs from call to call; the same arrays should give the same file.
    """
    stop = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:stop])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # arrays begin at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text, stop


def write_bytes(path: Path, data: bytes, *, sync: bool = True) -> Path:
    """Write `data` to `path` by temporary file, flush to disk (unless it is soon made again) and rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, sync=sync) as file:
        file.write(data)
    return path


@contextlib.contextmanager
def atomic_write(path: Path, *, sync: bool = True) -> Iterator[IO[bytes]]:
    """Give a file that takes the place of `path` when all of it is written, and leaves nothing where that fails."""
    # Not tempfile: its files are for the owner alone, and stay so after the rename.
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # what went wrong is what is told
            temporary.unlink()
        raise


def read_arrays(path: Path, *, check: bool = True) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the arrays of a file of :func:`write_arrays`, memory-mapped and read-only, and its metadata.

    `check` compares the arrays with their checksums. A file that is damaged or truncated raises EmbvizError.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= size - 8:
                raise ValueError("header length")
            header = parse_json(file.read(length))
        meta = header.pop("__metadata__", {})
        start = 8 + length
        end = start + max((entry["data_offsets"][1] for entry in header.values()), default=0)
        if end != size:
            raise ValueError("size")
        arrays = {name: _map(path, start, entry) for name, entry in header.items()}
        if check and any(meta[f"crc32 {name}"] != str(_checksum(array)) for name, array in arrays.items()):
            raise ValueError("checksum")
        return arrays, meta
    except FileNotFoundError as error:
        raise EmbvizError(f"There is no file {str(path)!r}.") from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise EmbvizError(f"{str(path)!r} is damaged: a whole safetensors file was expected.") from error


def _checksum(array: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _map(path: Path, start: int, entry: Mapping[str, Any]) -> NDArray[Any]:
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(entry["shape"])
    first, stop = entry["data_offsets"]
    if first < 0 or stop - first != math.prod(shape) * dtype.itemsize:
        raise ValueError("offsets")
    if not math.prod(shape):
        return np.empty(shape, dtype)
    return np.memmap(path, dtype=dtype, mode="r", offset=start + first, shape=shape)


def file_digest(path: Path) -> str:
    """Return the BLAKE2b digest (20 bytes, hexadecimal) of a file's content."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()
    except OSError as error:
        raise AudioError(f"{printable_name(path)!r} cannot be read: {error.strerror}.") from error
