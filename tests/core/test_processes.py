"""What a process may use: cores, memory and threads, on its machine and in its container."""

import os

import pytest

from embviz.core import processes


@pytest.fixture
def container(tmp_path, monkeypatch):
    """Write the files that limit a container."""
    monkeypatch.setattr(processes, "_CONTAINER", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    return write


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu.max": "6400000 100000\n"}, 8),
        ({"cpu.max": "200000 0\n"}, 8),
        ({"cpu.max": ""}, 8),
        ({"cpu.max": "200000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
    ],
)
def test_a_container_has_no_more_cores_than_its_quota(container, files, cores):
    container(files)
    assert processes.count_cores() == cores


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_container_has_no_more_memory_than_its_limit(container, name):
    whole = processes.count_memory()
    container({name: "max\n"})
    assert processes.count_memory() == whole
    container({name: "536870912\n"})
    assert processes.count_memory() == 2**29


@pytest.mark.parametrize(
    ("said", "threads"), [(None, 8), ("", 8), ("3", 3), ("4,2", 4), ("64", 8), ("0", 1), ("-2", 1), ("many", 8)]
)
def test_a_process_computes_with_as_many_threads_as_it_is_told(container, monkeypatch, said, threads):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if said is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert processes.count_threads() == threads
