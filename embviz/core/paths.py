"""Where embviz keeps things: the user's data and cache folders, or ``EMBVIZ_HOME``.

Nothing is created here; who writes makes the folder.
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
