"""What the tests of heads share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def own_home(weights_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the default weights, an empty cache, and no heads."""
    home = tmp_path / "own"
    (home / "data").mkdir(parents=True)
    (home / "data" / "models").symlink_to(weights_home / "data" / "models")
    monkeypatch.setenv("EMBVIZ_HOME", str(home))
    return home
