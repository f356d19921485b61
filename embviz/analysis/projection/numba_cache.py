"""Machine code of numba: cached between processes, and run by one thread at a time.

numba reads what it has kept with pickle, which runs whatever it is given. So it is kept neither in ``EMBVIZ_HOME`` nor
in the cache folder, which may be shared or handed on, but in a folder of its own that nobody else can write to; where
there is none such, code is compiled in each process. ``NUMBA_CACHE_DIR`` names another folder, which is not judged.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs

grp: Any = None  # on Windows, where the folders of a user are closed to all other users from the beginning
pwd: Any = None
with contextlib.suppress(ImportError):
    grp, pwd = importlib.import_module("grp"), importlib.import_module("pwd")

# Where there is neither OpenMP nor TBB, two parallel kernels of numba at once end the process.
_one_at_a_time = threading.Lock()


def machine_code_folder() -> Path | None:
    """Return where machine code is kept, which need not exist yet; None where it is not kept."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    folder = platformdirs.user_cache_path("embviz-numba", appauthor=False)
    if not folder.is_absolute():
        return None
    try:
        folder = Path(os.path.realpath(folder))
        last, *above = (path for path in (folder, *folder.parents) if path.exists())
        # In a folder such as /tmp others may add what they like, but not replace what is there.
        closed = _is_closed(last, sticky=last != folder) and all(_is_closed(path, sticky=True) for path in above)
        return folder if closed and last.is_dir() and os.access(last, os.W_OK | os.X_OK) else None
    except OSError:
        return None


def _is_closed(folder: Path, *, sticky: bool) -> bool:
    """Tell whether nobody but this user and the superuser can change what is in a folder.

    Where `sticky`, it is enough that others cannot change what is not theirs.
    """
    if grp is None or pwd is None:
        return True
    status = folder.stat()
    others = status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid))
    return status.st_uid in (0, os.geteuid()) and (not others or (sticky and bool(status.st_mode & stat.S_ISVTX)))


def _is_own_group(group: int) -> bool:
    """Tell whether a group is that of this user alone, as many systems make one for each."""
    try:
        name, found = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == name and set(found.gr_mem) <= {name}


@contextlib.contextmanager
def use_numba_cache() -> Iterator[None]:
    """Let numba cache machine code in the :func:`machine_code_folder`, in one thread at a time."""
    import numba
    import numba.core.dispatcher
    import numba.np.ufunc.ufuncbuilder

    config: Any = numba.config
    compilers: tuple[Any, ...] = (numba.core.dispatcher, numba.np.ufunc.ufuncbuilder)
    with _one_at_a_time, contextlib.ExitStack() as after:
        folder = Path(config.CACHE_DIR) if config.CACHE_DIR else _make_folder()
        after.callback(setattr, config, "CACHE_DIR", config.CACHE_DIR)
        config.CACHE_DIR = str(folder or "")
        for compiler in compilers:
            after.callback(setattr, compiler, "FunctionCache", compiler.FunctionCache)
            compiler.FunctionCache = functools.partial(_open_cache, folder)
        yield


def _make_folder() -> Path | None:
    folder = machine_code_folder()
    try:
        for path in reversed((folder, *folder.parents)) if folder else ():
            if not path.exists():
                path.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return folder


def _open_cache(folder: Path | None, function: Callable[..., Any]) -> Any:
    """Return the cache of a function's machine code: one that keeps nothing where there is no place in the folder."""
    from numba.core import caching

    if folder is not None:
        with contextlib.suppress(OSError, RuntimeError):
            cache = _cache_class()(function)
            if Path(cache.cache_path).is_relative_to(folder):  # numba has other places to fall back on
                return cache
    return caching.NullCache()


@functools.cache
def _cache_class() -> Any:
    from numba.core import caching

    usual: Any = caching.FunctionCache

    class MachineCode(usual):  # type: ignore[misc]
        """Machine code in files: what is damaged is compiled again, what cannot be written is not kept."""

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                return super().load_overload(sig, target_context)
            except Exception:  # noqa: BLE001  whatever pickle makes of damaged files
                with contextlib.suppress(OSError):
                    self.flush()
                return None

        def save_overload(self, sig: Any, data: Any) -> None:
            with contextlib.suppress(Exception):
                super().save_overload(sig, data)

    return MachineCode


def enable_caching(*modules: ModuleType) -> None:
    """Cache the machine code of functions that a library would compile anew in each process."""
    from numba.core.dispatcher import Dispatcher

    for module in modules:
        for function in vars(module).values():
            if isinstance(function, Dispatcher):
                function.enable_caching()
