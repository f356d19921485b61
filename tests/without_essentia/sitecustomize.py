"""A Python without Essentia: what starts with this folder on its path finds neither the package nor its metadata.

With ``EMBVIZ_TEST_WINDOWS`` it also lacks what Python has on Linux and macOS alone, and embviz might ask for.
"""

import importlib.metadata
import mmap
import os
import signal
import socket
import sys

ABSENT = {"essentia"}
if os.environ.get("EMBVIZ_TEST_WINDOWS"):
    import psutil  # noqa: F401  asks for them itself, and for others on Windows

    ABSENT |= {"fcntl", "grp", "pwd", "resource", "termios"}
    LACKING = {
        os: "sysconf sched_getaffinity posix_fallocate register_at_fork",
        signal: "SIGXCPU SIGHUP SIGALRM SIGSTOP",
        socket: "send_fds recv_fds",
        mmap: "MADV_DONTNEED",
    }
    for module, names in LACKING.items():
        for name in names.split():
            delattr(module, name)


class Absent:
    """A finder that comes before all others, and finds out that there is nothing."""

    def find_spec(self, name, *_):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def from_name(name):
    if name == "essentia-tensorflow":
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)


found = importlib.metadata.Distribution.from_name
importlib.metadata.Distribution.from_name = from_name
sys.meta_path.insert(0, Absent())
for name in ABSENT & sys.modules.keys():
    del sys.modules[name]
