"""The runner of the campaigns: a campaign goes on where it was stopped, and a fault is counted."""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

CAMPAIGNS = Path(__file__).parent / "campaigns"
BROKEN = """
TRIALS, CHUNK = 3, 1
def run(seed, count, folder):
    import os
    from collections import Counter
    assert not list(folder.iterdir())
    if seed % 3 == 1:
        os.abort()
    return Counter(tried=count, survived=count)
"""


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(CAMPAIGNS))
    monkeypatch.delitem(sys.modules, "run", raising=False)
    return importlib.import_module("run")


def test_every_campaign_can_be_run(runner):
    names = {path.stem for path in CAMPAIGNS.glob("*.py")} - {"run", "common"}
    assert {"kills", "many_files", "mutated_sounds", "mutated_tables", "two_writers", "ten_hours"} <= names
    for name in names:
        module = importlib.import_module(name)
        assert 0 < module.CHUNK <= module.TRIALS
        assert callable(module.run)


def test_a_dead_chunk_is_counted_and_a_campaign_goes_on_where_it_stopped(runner, monkeypatch, tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    total = runner.run_campaign("broken", 0, 1.0, tmp_path / "results")
    assert (total["tried"], total["survived"], total["died"]) == (3, 2, 1)
    record = tmp_path / "results" / "broken-0.jsonl"
    first, *others = record.read_text(encoding="utf-8").splitlines()
    record.write_text(first + "\n", encoding="utf-8")
    ran = []
    monkeypatch.setattr(runner, "run_chunk", lambda _, seed, count, __: ran.append(seed) or Counter(tried=count))
    assert runner.run_campaign("broken", 0, 1.0, tmp_path / "results")["tried"] == 3
    assert ran == [json.loads(line)["first"] for line in others]
