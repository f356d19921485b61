"""A process that decodes what it is asked to, so that no decoder can end or stop the process that asks.

Conventions: its standard input is a socket. A line of JSON asks; a line of JSON answers, and with it come open files
that have no name: nothing is left of them, whatever happens to either process. It ends when the socket is closed.
Where sockets cannot be handed on, as on Windows, a line of standard input says where to connect to, and samples come
behind the answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from embviz.audio import decoders
from embviz.audio.decoder_pool import LOCAL, PASSES_FILES
from embviz.audio.decoders import DecodeRequest
from embviz.audio.loaders import RefusedError
from embviz.audio.samples import write_samples
from embviz.audio.sniff import Format, Stretch
from embviz.core import essentia
from embviz.core.processes import end_first, leave_no_core_dump, limit_memory, limit_processor_time
from embviz.errors import AudioError, UndecodableError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHARED_MEMORY = "/dev/shm"  # noqa: S108  the files made there have no name
LARGEST_SHARED = 256 << 20  # bytes; what is larger is left to a disk, from which it can come back


def main() -> None:
    """Answer until the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = _connect()
    leave_no_core_dump()
    end_first()
    if essentia.is_installed():
        essentia.load()
    usable = True
    with connection.makefile("rb") as requests:
        while usable and (line := requests.readline()):
            reply, file, usable = _answer(json.loads(line))
            message = json.dumps(reply | {"last": not usable}).encode() + b"\n"
            if file is None:
                connection.sendall(message)
                continue
            with file:
                if PASSES_FILES:
                    socket.send_fds(connection, [message], [file.fileno()])
                else:
                    connection.sendall(message)
                    connection.sendfile(file)
    os._exit(0)  # what native code has broken might show at the end


def _connect() -> socket.socket:
    """Return the socket of the process that asks."""
    if PASSES_FILES:
        return socket.socket(fileno=os.dup(0))
    port, token = json.loads(sys.stdin.readline())
    connection = socket.create_connection((LOCAL, port))
    connection.sendall(bytes.fromhex(token))
    return connection


def _answer(asked: dict[str, Any]) -> tuple[dict[str, Any], IO[bytes] | None, bool]:
    """Return an answer, the file that goes with it, and whether this process can be used on."""
    stretches = [Stretch(start, stop, Format(*form), *rest) for start, stop, form, *rest in asked.pop("stretches")]
    seconds, memory = asked.pop("seconds"), asked.pop("memory")
    request = DecodeRequest(**asked, stretches=stretches)
    try:
        with limit_processor_time(seconds), limit_memory(memory):
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
        write_samples(file, channels)
    except BaseException:
        file.close()
        raise
    return file


if __name__ == "__main__":
    sys.exit("This process is started by embviz.")
