"""The processes that decode for this one: started when first needed, kept, replaced when they end.

Conventions: a plain subprocess, so that it works in notebooks, threads, event loops and scripts without a guard of
``__main__``. It shares nothing with this process but a socket, and ends with it. Windows hands no sockets on: there it
connects to a port of the machine itself, and shows that it is the process that was started by a secret.
"""

from __future__ import annotations

import atexit
import contextlib
import hmac
import json
import math
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from embviz.errors import AudioError

MOST = 2  # processes; the second is started when the first is busy
LONGEST_LINE = 1 << 16  # bytes read at a time …
LONGEST_PART = 1 << 20  # … and where samples follow
CHECK_EVERY = 0.5  # seconds
STARTING = 60.0  # seconds that a process may take to connect

SIGSEGV, SIGKILL, SIGXCPU = 11, 9, 24  # on Linux and macOS; Windows has none of them
CRASHES = 1 << 30  # exit codes of Windows beyond it are those of crashes

PASSES_FILES = hasattr(socket, "send_fds")  # whether open files can be handed to another process
LOCAL = "127.0.0.1"
SECRET = 32  # bytes

ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

# It is this very package, wherever it lies; what else this process finds comes after what a fresh one does.
_CODE = """
import importlib.util, json, sys
place, *paths = json.loads(sys.argv[1])
sys.path += paths
spec = importlib.util.spec_from_file_location("embviz", place)
sys.modules["embviz"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from embviz.audio.decoder_process import main
main()
"""


class ProcessEndedError(Exception):
    """A decoding process ended while it was at a file.

    Parameters
    ----------
    signal : int
        What ended it: ``SIGXCPU`` where it took too long, ``SIGKILL`` where the system took its memory; its exit code,
        as a number below 0, where it ended by itself.
    """

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class DecoderProcess:
    """A process that decodes one file at a time."""

    def __init__(self) -> None:
        self._secret = b""  # that it has yet to show
        theirs: socket.socket | None = None
        if PASSES_FILES:
            self._socket, theirs = socket.socketpair()
        else:
            self._socket, self._secret = socket.create_server((LOCAL, 0)), secrets.token_bytes(SECRET)
        place = str(Path(__file__).resolve().parents[1] / "__init__.py")
        paths = [path for path in sys.path if os.path.isabs(path)]  # noqa: PTH117
        try:
            with theirs or contextlib.nullcontext():
                self._process = subprocess.Popen(  # noqa: S603  our own interpreter and code
                    # -P: what lies in the working folder must not pass for a library.
                    [sys.executable, "-P", "-c", _CODE, json.dumps([place, *paths])],
                    stdin=theirs.fileno() if theirs else subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C in a terminal is not for it
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                    env=os.environ | ENVIRONMENT,
                )
            if self._process.stdin is not None:
                with self._process.stdin as stdin:
                    stdin.write(json.dumps([self._socket.getsockname()[1], self._secret.hex()]).encode() + b"\n")
        except OSError as error:
            self._socket.close()
            raise AudioError(f"No process that decodes sound could be started: {error.strerror}.") from error

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def ask(
        self,
        question: dict[str, Any],
        seconds: float,
        check: Callable[[], object],
    ) -> tuple[dict[str, Any], IO[bytes] | None]:
        """Return an answer, and the file of samples that comes with it.

        `check` is called again and again while it is waited for, and may raise to cancel.
        """
        try:
            if self._secret:
                self._let_in(check)
            end = time.monotonic() + seconds
            self._socket.settimeout(seconds)
            self._socket.sendall(json.dumps(question).encode() + b"\n")
            self._socket.settimeout(CHECK_EVERY)
            reply, file = self._receive(end, check)
        except TimeoutError as error:
            self.close()
            raise ProcessEndedError(SIGXCPU) from error
        except OSError as error:
            raise ProcessEndedError(self._wait()) from error
        except BaseException:  # Ctrl-C: the answer would be taken for that to the next question
            self.close()
            raise
        if reply["last"]:
            self.close()
        return reply, file

    def _let_in(self, check: Callable[[], object]) -> None:
        """Wait until the process has connected, and shown the secret."""
        end = time.monotonic() + STARTING
        with self._socket as listener:
            listener.settimeout(CHECK_EVERY)
            while self._secret:
                if not self.alive or time.monotonic() > end:
                    raise ConnectionAbortedError
                check()
                with contextlib.suppress(TimeoutError, ConnectionError):  # also of others that connect
                    connection, _ = listener.accept()
                    connection.settimeout(CHECK_EVERY)
                    if hmac.compare_digest(connection.recv(SECRET), self._secret):
                        self._socket, self._secret = connection, b""
                    else:
                        connection.close()

    def _receive(self, end: float, check: Callable[[], object]) -> tuple[dict[str, Any], IO[bytes] | None]:
        data, files = b"", list[int]()
        try:
            while b"\n" not in data:
                part, some = self._receive_part(end, check)
                data, files = data + part, files + some
            line, _, samples = data.partition(b"\n")
            reply = json.loads(line)
            if files:
                return reply, os.fdopen(files.pop(), "rb")
        finally:
            for file in files:
                os.close(file)
        if "shape" not in reply:
            return reply, None
        return reply, self._receive_samples(samples, 4 * math.prod(reply["shape"]), end, check)

    def _receive_samples(self, first: bytes, size: int, end: float, check: Callable[[], object]) -> IO[bytes]:
        """Return a file without a name of the bytes that follow an answer."""
        file = tempfile.TemporaryFile(prefix="embviz-")  # noqa: SIM115
        try:
            done = file.write(first)
            while done < size:
                done += file.write(self._receive_part(end, check)[0])
            file.flush()
        except BaseException:
            file.close()
            raise
        return file

    def _receive_part(self, end: float, check: Callable[[], object]) -> tuple[bytes, list[int]]:
        """Return some bytes, and the descriptors of files that came along."""
        while True:
            try:
                if PASSES_FILES:
                    part, files, *_ = socket.recv_fds(self._socket, LONGEST_LINE, 1)
                else:
                    part, files = self._socket.recv(LONGEST_PART), []
            except TimeoutError:
                if time.monotonic() > end:
                    raise
                check()
                continue
            if not part:
                raise ConnectionResetError
            return part, files

    def _wait(self) -> int:
        """Wait for the end of the process, and return the signal that ended it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll() or 0
        self.close()
        return SIGSEGV if code > CRASHES else -code

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._socket.close()

    def forget(self) -> None:
        """Let go of the process of another one, whose copy this process is."""
        self._socket.close()
        self._process.returncode = 0


class DecoderPool:
    """Processes that decode, as many as are asked at once, up to ``MOST``; safe to be used by several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[DecoderProcess] = []
        self._busy: set[DecoderProcess] = set()
        self._closed = False

    def warm_up(self) -> None:
        """Start the first process, where none is there, without waiting for it."""
        with self._changed:
            if not self._idle and not self._busy and not self._closed:
                self._idle.append(DecoderProcess())

    def ask(
        self,
        question: dict[str, Any],
        seconds: float,
        check: Callable[[], object] = lambda: None,
    ) -> tuple[dict[str, Any], IO[bytes] | None]:
        """Put a question to a process that is free; raises ProcessEndedError where it ends over it.

        `check` is called while it is waited for, and may raise to cancel.
        """
        process = self._take(check)
        try:
            return process.ask(question, seconds, check)
        finally:
            self._give(process)

    def close(self) -> None:
        """End all processes."""
        with self._changed:
            self._closed = True
            for process in [*self._idle, *self._busy]:
                process.close()
            self._idle.clear()

    def forget(self) -> None:
        """Begin anew in a copy of the process that owns the processes."""
        for process in [*self._idle, *self._busy]:
            process.forget()
        self.__init__()  # type: ignore[misc]

    def _take(self, check: Callable[[], object]) -> DecoderProcess:
        while True:
            with self._changed:
                process = self._find()
                if process is not None:
                    return process
                notified = self._changed.wait(CHECK_EVERY)
            # Without the lock: a job that is told may wait for its turn, which has one that waits for the lock.
            if not notified:
                check()

    def _find(self) -> DecoderProcess | None:
        """Return a process that is free, or a new one; None where there are as many as may be."""
        if self._closed:
            raise AudioError("The interpreter ends: nothing is decoded any more.")
        while self._idle:
            process = self._idle.pop()
            if process.alive:
                self._busy.add(process)
                return process
            process.close()
        if len(self._busy) >= MOST:
            return None
        process = DecoderProcess()
        self._busy.add(process)
        return process

    def _give(self, process: DecoderProcess) -> None:
        with self._changed:
            self._busy.discard(process)
            if process.alive and not self._closed:
                self._idle.append(process)
            else:
                process.close()
            self._changed.notify()


pool = DecoderPool()
atexit.register(pool.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.forget)
