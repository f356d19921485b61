"""What of the scripts needs no page, in Node: every ``tests/widgets/*.test.mjs``."""

import shutil
import subprocess
from pathlib import Path

import pytest

SUITES = sorted(Path(__file__).parent.glob("*.test.mjs"))
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="Node is not installed; with it, these tests run the scripts as shipped.")
@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.name.removesuffix(".test.mjs"))
def test_scripts(suite):
    run = subprocess.run([str(NODE), "--test", str(suite)], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, f"{run.stdout[-6000:]}\n{run.stderr[-2000:]}"


def test_there_are_suites():
    assert SUITES
