"""Where embviz keeps things: the user's data and cache folders, or ``EMBVIZ_HOME``.

Behind them stand the homes that ``EMBVIZ_SHARED`` names, separated as in ``PATH``: what is missing in the user's is
read from these, and nothing is ever written there. Nothing is created here; who writes makes the folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_dir() -> Path:
    """Return the folder of what is worth keeping (weights, registered models)."""
    home = os.environ.get("EMBVIZ_HOME")
    return Path(home).expanduser() / "data" if home else platformdirs.user_data_path("embviz", appauthor=False)


def cache_dir() -> Path:
    """Return the folder of what can be computed again (embeddings, digests)."""
    home = os.environ.get("EMBVIZ_HOME")
    return Path(home).expanduser() / "cache" if home else platformdirs.user_cache_path("embviz", appauthor=False)


def shared_homes() -> list[Path]:
    """Return what ``EMBVIZ_SHARED`` names, each once, whether it is there or not.

    Relative paths are among them, so that :func:`shared_folders` can leave them out and ``embviz doctor`` can say so.
    """
    named = os.environ.get("EMBVIZ_SHARED", "").split(os.pathsep)
    # Not Path.expanduser, which raises where there is no such user.
    return list(dict.fromkeys(Path(os.path.expanduser(home.strip())) for home in named if home.strip()))  # noqa: PTH111


def shared_folders(name: str, own: Path) -> list[Path]:
    """Return the folders of a name (``"data"``, ``"cache"``) in the shared homes, without the one that is `own`.

    A relative path would be another folder in each notebook, and is left out.
    """
    homes = [home for home in shared_homes() if home.is_absolute()]
    itself = os.path.realpath(own) if homes else ""
    return [home / name for home in homes if os.path.realpath(home / name) != itself]
