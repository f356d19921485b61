"""Work in the background: order, replacement, cancelling, and results where they are wanted."""

import asyncio
import errno
import logging
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from embviz.core import worker as worker_module
from embviz.core.worker import StoppedError, Worker, explain
from embviz.errors import AudioError
from embviz.widgets.base import close_widget
from embviz.widgets.panel import Panel


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


def until_stopped(job):
    while True:
        job.report("step", 0, 0)
        time.sleep(0.005)


def test_jobs_run_one_after_the_other_in_a_thread_of_their_own(worker):
    seen, results = [], []
    for i in range(5):
        worker.submit(i, lambda _, i=i: (seen.append((i, threading.current_thread())), i)[1], on_done=results.append)
    assert worker.wait(10)
    assert [i for i, _ in seen] == results == [0, 1, 2, 3, 4]
    assert {thread for _, thread in seen}.isdisjoint({threading.main_thread()})
    assert len({thread for _, thread in seen}) == 1


def test_no_thread_before_the_first_job():
    before = threading.active_count()
    worker = Worker()
    assert threading.active_count() == before
    worker.close()


def test_results_come_in_the_thread_that_waits(worker):
    threads = []
    worker.submit("a", lambda job: job.report("x", 1, 1), on_done=lambda _: threads.append(threading.current_thread()),
                  on_progress=lambda *_: threads.append(threading.current_thread()))  # fmt: skip
    assert worker.wait(10)
    assert set(threads) == {threading.main_thread()}


class MarimoContext:
    """What marimo knows of the cell that runs."""

    def __init__(self):
        self.cell_id = None

    @contextmanager
    def with_cell_id(self, cell_id):
        before, self.cell_id = self.cell_id, cell_id
        yield
        self.cell_id = before


@pytest.mark.parametrize("made_in", [None, "a cell"])
def test_in_marimo_results_come_as_a_part_of_the_cell_that_made_the_worker(monkeypatch, made_in):
    context, cells = MarimoContext(), []
    module = SimpleNamespace(safe_get_context=lambda: context)
    monkeypatch.setitem(sys.modules, "marimo._runtime.context", module)
    with context.with_cell_id(made_in):
        worker = Worker(lambda: cells.append(context.cell_id))
        view = Panel()
    worker.submit("a", lambda _: None, on_done=lambda _: cells.append(context.cell_id))
    assert worker.wait(10)
    view.on_msg(lambda *_: cells.append(context.cell_id))
    view._handle_msg({"content": {"data": {"method": "custom", "content": {}}}, "buffers": []})
    assert set(cells) == {made_in}
    assert context.cell_id is None
    worker.close()
    close_widget(view)


def test_a_newer_job_of_the_same_key_replaces_the_older_one(worker):
    results, stopped, begun = [], [], threading.Event()

    def old(job):
        begun.set()
        try:
            until_stopped(job)
        except StoppedError:
            stopped.append(True)
            raise

    worker.submit("row", old, on_done=results.append, on_failed=lambda *said: results.append(said))
    assert begun.wait(30)
    worker.submit("row", lambda _: "replaced before it began", on_done=results.append)
    worker.submit("row", lambda _: "new", on_done=results.append)
    assert worker.wait(10)
    assert results == ["new"]
    assert stopped == [True]


def test_what_was_over_but_not_handed_over_is_dropped_with_its_job(worker):
    results = []
    worker.submit("row", lambda _: "old", on_done=results.append)
    while worker.pending():
        time.sleep(0.005)
    worker.submit("row", lambda _: "new", on_done=results.append)
    assert worker.wait(10)
    assert results == ["new"]


def test_other_keys_wait_and_are_not_disturbed(worker):
    results, begun, hold = [], threading.Event(), threading.Event()
    worker.submit("a", lambda _: (begun.set(), hold.wait(30)), on_done=lambda _: results.append("a"))
    assert begun.wait(30)
    worker.submit("b", lambda _: None, on_done=lambda _: results.append("b"))
    worker.submit("c", lambda _: None, on_done=lambda _: results.append("c"), first=True)
    worker.cancel(lambda key: key == "b")
    hold.set()
    assert worker.wait(10)
    assert results == ["a", "c"]


def test_cancelling_stops_at_the_next_report_and_tells_nobody(worker):
    told = []
    worker.submit("a", until_stopped, on_done=told.append, on_failed=lambda *said: told.append(said))
    time.sleep(0.05)
    assert worker.cancel() == 1
    assert worker.wait(10)
    assert not told
    worker.submit("a", lambda _: 7, on_done=told.append)
    assert worker.wait(10)
    assert told == [7]


def test_progress_is_told_ten_times_a_second_at_most_and_the_last_one_is_not_lost(worker):
    told = []

    def work(job):
        for i in range(2000):
            job.report("stage", i, 2000)
            time.sleep(0.0002)

    begun = time.monotonic()
    worker.submit("a", work, on_progress=lambda *at: told.append(at[1]))
    assert worker.wait(30)
    assert 1 <= len(told) <= 11 * (time.monotonic() - begun) + 2
    assert told == sorted(told)
    assert told[-1] == 1999


def test_partial_results_replace_each_other_and_come_before_the_end(worker):
    told = []

    def work(job):
        for i in range(50):
            job.show("partial", told.append, i)
        return "end"

    worker.submit("a", work, on_done=told.append, on_begin=lambda: told.append("begun"))
    assert worker.wait(10)
    assert told[0] == "begun"
    assert told[-2:] == [49, "end"]


def test_on_a_loop_results_come_by_themselves():
    async def main():
        worker, told = Worker(), []
        thread = threading.current_thread()
        worker.submit("a", lambda job: job.report("x", 1, 2),
                      on_done=lambda _: told.append(threading.current_thread() is thread),
                      on_progress=lambda *_: told.append("progress"))  # fmt: skip
        for _ in range(200):
            await asyncio.sleep(0.01)
            if True in told:
                break
        assert not worker.busy
        worker.close()
        return told

    told = asyncio.run(main())
    assert told[-1] is True


def test_waiting_on_a_loop_works_in_the_middle_of_a_cell():
    async def main():
        worker, told = Worker(), []
        worker.submit("a", lambda _: 3, on_done=told.append)
        assert worker.wait(10)
        worker.close()
        return told

    assert asyncio.run(main()) == [3]


def test_time_runs_out(worker):
    worker.submit("a", until_stopped)
    assert worker.wait(0.1) is False
    worker.cancel()
    assert worker.wait(10)


def test_closing_ends_the_thread_and_drops_everything():
    worker, told = Worker(), []
    worker.submit("a", until_stopped, on_done=told.append)
    worker.submit("b", lambda _: told.append("b"))
    time.sleep(0.05)
    thread = worker._thread
    worker.close()
    thread.join(10)
    assert not thread.is_alive()
    worker.submit("c", lambda _: told.append("c"))
    assert worker.wait(1)
    assert not told


def test_the_thread_goes_when_there_is_nothing_to_do_and_comes_back(monkeypatch):
    monkeypatch.setattr(worker_module, "IDLE", 0.05)
    worker, told = Worker(), []
    worker.submit("a", lambda _: 1, on_done=told.append)
    assert worker.wait(10)
    thread = worker._thread
    if thread is not None:
        thread.join(10)
    worker.submit("b", lambda _: 2, on_done=told.append)
    assert worker.wait(10)
    assert told == [1, 2]
    worker.close()


def test_two_workers_compute_by_turns():
    inside, most = [], []

    def work(job):
        for _ in range(20):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.001)
            inside.pop()
            job.report("x", 0, 0)
        return time.monotonic()

    one, other, ends = Worker(), Worker(), []
    one.submit("a", until_stopped)
    time.sleep(0.02)
    other.submit("a", work, on_done=ends.append)
    assert other.wait(10), "a long job of one keeps the other from working"
    assert max(most) == 1
    one.close()
    other.close()


def test_one_that_does_not_compute_does_not_wait_for_the_others(worker):
    other, begun, hold = Worker(computes=False), threading.Event(), threading.Event()
    worker.submit("a", lambda _: (begun.set(), hold.wait(30)))
    assert begun.wait(30)
    other.submit("b", lambda _: None)
    assert other.wait(10)
    assert worker.busy
    hold.set()
    assert worker.wait(10)
    other.close()


# What goes wrong. --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "sentence", "remedy"),
    [
        (AudioError("'x' is\nempty."), "'x' is empty.", ""),
        (MemoryError(), "not enough memory", "hop"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "disk is full", "Free"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "Permission denied", "Mend"),
        (ValueError("odd\nmore"), "unexpectedly with ValueError: odd.", "DEBUG"),
        (KeyError(), "unexpectedly with KeyError.", "DEBUG"),
    ],
)
def test_every_error_is_one_sentence_and_a_remedy(error, sentence, remedy):
    said = explain(error)
    assert sentence in said[0]
    assert remedy in said[1]
    assert "\n" not in "".join(said)


def test_a_job_that_fails_says_so_and_the_next_one_runs(worker, caplog):
    caplog.set_level(logging.DEBUG, logger="embviz")
    told = []

    def fails(job):
        raise ZeroDivisionError("division by zero")

    worker.submit("a", fails, on_failed=lambda *said: told.append(said))
    worker.submit("b", lambda _: "fine", on_done=told.append)
    assert worker.wait(10)
    assert told[0][0] == "This failed unexpectedly with ZeroDivisionError: division by zero."
    assert told[1] == "fine"
    assert "Traceback" in caplog.text


def test_a_result_that_cannot_be_used_fails_its_job(worker):
    told = []

    def unusable(result):
        raise AudioError("There is nothing to draw.")

    worker.submit("a", lambda _: 1, on_done=unusable, on_failed=lambda *said: told.append(said))
    assert worker.wait(10)
    assert told == [("There is nothing to draw.", "")]


def test_a_job_that_is_stopped_while_others_have_their_turn_never_begins(worker):
    other, begun, hold = Worker(), threading.Event(), threading.Event()

    def holds(job):
        begun.set()
        hold.wait(10)

    other.submit("a", holds)
    assert begun.wait(10)
    done = []
    worker.submit("b", lambda _: done.append("b"))
    while worker.running is None:
        time.sleep(0.01)
    worker.cancel()
    hold.set()
    assert other.wait(10)
    assert worker.wait(10)
    assert done == []
    other.close()
