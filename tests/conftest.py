"""What all tests share.

The whole run, notebooks included, lives in a home of its own: ``EMBVIZ_TEST_HOME`` or ``build/home``, which is kept, so
that weights are fetched once. The user's own weights and cache are neither read nor written.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEST_HOME = Path(os.environ.get("EMBVIZ_TEST_HOME") or ROOT / "build" / "home").resolve()

os.environ["EMBVIZ_HOME"] = str(TEST_HOME)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def rock() -> Path:
    """The two-minute rock track."""
    return ROOT / "sample_audio" / "rock.ogg"


@pytest.fixture(scope="session")
def weights_home() -> Path:
    """``EMBVIZ_HOME`` with the default weights, fetched the way users do."""
    from embviz.models import weights

    for error in weights.pull_all(["musicnn", "vgg", "tempocnn", "spleeter"], progress=True).failed.values():
        raise error
    return TEST_HOME


@pytest.fixture
def home(weights_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``EMBVIZ_HOME`` with the default weights and an empty cache."""
    own = tmp_path / "home"
    own.mkdir()
    (own / "data").symlink_to(weights_home / "data")
    monkeypatch.setenv("EMBVIZ_HOME", str(own))
    return own
