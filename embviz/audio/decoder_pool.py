"""The processes that decode for this one: started when first needed, kept, replaced when they end.

Conventions: a plain subprocess, so that it works in notebooks, threads, event loops and scripts without a guard of
``__main__``. It shares nothing with this process but a socket, and ends with it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embviz.errors import AudioError

MOST = 2  # processes; the second is started when the first is busy
LONGEST_LINE = 1 << 16  # bytes read at a time
CHECK_EVERY = 0.5  # seconds

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
        self._socket, theirs = socket.socketpair()
        place = str(Path(__file__).resolve().parents[1] / "__init__.py")
        paths = [path for path in sys.path if os.path.isabs(path)]  # noqa: PTH117
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603  our own interpreter and code
                    # -P: what lies in the working folder must not pass for a library.
                    [sys.executable, "-P", "-c", _CODE, json.dumps([place, *paths])],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C in a terminal is not for it
                    env=environment,
                )
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
        meanwhile: Callable[[], object] | None,
        check: Callable[[], object],
    ) -> tuple[dict[str, Any], int | None]:
        """Return an answer, and the descriptor of the file that comes with it, after doing something else meanwhile.

        `check` is called again and again while it is waited for, and may raise to cancel.
        """
        try:
            end = time.monotonic() + seconds
            self._socket.settimeout(seconds)
            self._socket.sendall(json.dumps(question).encode() + b"\n")
            if meanwhile is not None:
                meanwhile()
            self._socket.settimeout(CHECK_EVERY)
            reply, file = self._receive(end, check)
        except TimeoutError as error:
            self.close()
            raise ProcessEndedError(signal.SIGXCPU) from error
        except OSError as error:
            raise ProcessEndedError(self._wait()) from error
        except BaseException:  # Ctrl-C: the answer would be taken for that to the next question
            self.close()
            raise
        if reply["last"]:
            self.close()
        return reply, file

    def _receive(self, end: float, check: Callable[[], object]) -> tuple[dict[str, Any], int | None]:
        data, files = b"", []
        try:
            while not data.endswith(b"\n"):
                try:
                    part, some, *_ = socket.recv_fds(self._socket, LONGEST_LINE, 1)
                except TimeoutError:
                    if time.monotonic() > end:
                        raise
                    check()
                    continue
                files += some
                if not part:
                    raise ConnectionResetError
                data += part
            return json.loads(data), files.pop() if files else None
        finally:
            for file in files:
                os.close(file)

    def _wait(self) -> int:
        """Wait for the end of the process, and return the signal that ended it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll() or 0
        self.close()
        return -code

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
        meanwhile: Callable[[], object] | None = None,
        check: Callable[[], object] = lambda: None,
    ) -> tuple[dict[str, Any], int | None]:
        """Put a question to a process that is free; raises ProcessEndedError where it ends over it.

        `check` is called while it is waited for, and may raise to cancel.
        """
        process = self._take(check)
        try:
            return process.ask(question, seconds, meanwhile, check)
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
        with self._changed:
            while True:
                if self._closed:
                    raise AudioError("The interpreter ends: nothing is decoded any more.")
                while self._idle:
                    process = self._idle.pop()
                    if process.alive:
                        self._busy.add(process)
                        return process
                    process.close()
                if len(self._busy) < MOST:
                    process = DecoderProcess()
                    self._busy.add(process)
                    return process
                if not self._changed.wait(CHECK_EVERY):
                    check()

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
