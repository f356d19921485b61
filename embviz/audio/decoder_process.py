"""A process that decodes what it is asked to, so that no decoder can end or stop the process that asks.

Conventions: its standard input is a socket. A line of JSON asks; a line of JSON answers, and with it come open files
that have no name: nothing is left of them, whatever happens to either process. It ends when the socket is closed.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from embviz.audio import decoders
from embviz.audio.decoders import DecodeRequest, RefusedError
from embviz.audio.sniff import Format, Stretch
from embviz.core import essentia
from embviz.core.processes import end_first
from embviz.errors import AudioError, UndecodableError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHARED_MEMORY = "/dev/shm"  # noqa: S108  the files made there have no name
LARGEST_SHARED = 256 << 20  # bytes; what is larger is left to a disk, from which it can come back


def main() -> None:
    """Answer until the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=os.dup(0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    end_first()
    essentia.load()
    usable = True
    with connection.makefile("rb") as requests:
        while usable and (line := requests.readline()):
            reply, file, usable = _answer(json.loads(line))
            message = json.dumps(reply | {"last": not usable}).encode() + b"\n"
            if file is None:
                connection.sendall(message)
            else:
                with file:
                    socket.send_fds(connection, [message], [file.fileno()])
    os._exit(0)  # what native code has broken might show at the end


def _answer(asked: dict[str, Any]) -> tuple[dict[str, Any], IO[bytes] | None, bool]:
    """Return an answer, the file that goes with it, and whether this process can be used on."""
    stretches = [Stretch(start, stop, Format(*form), *rest) for start, stop, form, *rest in asked.pop("stretches")]
    seconds, memory = asked.pop("seconds"), asked.pop("memory")
    request = DecodeRequest(**asked, stretches=stretches)
    try:
        with limit_processor_time(seconds), _limit_memory(memory):
            channels, facts = decoders.decode(request)
            file = keep_samples(channels)
    except RefusedError:
        return {"refused": True}, None, request.decoder != "essentia"
    except AudioError as error:
        return {"problem": str(error), "final": isinstance(error, UndecodableError)}, None, True
    except MemoryError:
        return {"problem": f"There is not enough memory to decode {request.title!r}."}, None, False
    except OSError as error:
        return {"problem": f"{request.title!r} cannot be decoded: {error.strerror}."}, None, True
    return {"shape": [len(channels[0]), len(channels)], "facts": asdict(facts)}, file, True


def keep_samples(channels: list[NDArray[np.float32]]) -> IO[bytes]:
    """Return a file without a name that holds samples, frames first; in memory where there is room."""
    size = sum(channel.nbytes for channel in channels)
    if size <= LARGEST_SHARED and os.path.isdir(SHARED_MEMORY):  # noqa: PTH112
        with contextlib.suppress(OSError):
            return _write(SHARED_MEMORY, channels)
    return _write(None, channels)


def _write(folder: str | None, channels: list[NDArray[np.float32]]) -> IO[bytes]:
    file = tempfile.TemporaryFile(prefix="embviz-", dir=folder)  # noqa: SIM115
    try:
        # Written, not mapped: where there is no room, this is an error and not the end of the process.
        decoders.write_samples(file, channels)
    except BaseException:
        file.close()
        raise
    return file


@contextlib.contextmanager
def limit_processor_time(seconds: float) -> Iterator[None]:
    """End this process where what is inside takes more of the processor's time than that."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


@contextlib.contextmanager
def _limit_memory(size: int) -> Iterator[None]:
    """Have allocations fail inside that take this process more than a number of bytes further."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _data_size() + size
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_size() -> int:
    """Return the bytes of data that this process has mapped; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError), open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[5]) * resource.getpagesize()
    return 0


if __name__ == "__main__":
    sys.exit("This process is started by embviz.")
