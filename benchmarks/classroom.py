"""What a class needs on one server: Jupyter kernels that open the Explorer at once, on a home that all of them share.

Memory is that of each kernel and what it started, with what they share divided among them: after the work, and at its
peak, looked at several times a second. The server is JupyterLab's own, after it has sent its page once, as JupyterHub
starts one for each student. The last row is estimated from the others. Lessons are run one after the other, with their
embeddings in the shared home already, as the page for the teacher advises.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from benchmarks import ROOT
from benchmarks.measuring import NotMeasured, Options, PeakMemory, clean_environment, tree_memory
from benchmarks.sounds import ROCK, duration
from benchmarks.tables import Figure, Table

STUDENTS, CLASS = 6, 30
OTHER = ROCK.parent / "jazz.ogg"
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PATIENCE = 600  # seconds for what takes two on a machine at rest

EMBED = "import embviz; embviz.embed({track!r}, 'musicnn')"
OPEN = "import embviz; explorer = embviz.Explorer({track!r}, models=['musicnn']); display(explorer); explorer.wait()"
OPEN_ANOTHER = "explorer.open({track!r}); explorer.wait()"


def measure(options: Options) -> list[Table]:
    """Return the memory and the processor's time of students who open the Explorer, and of one in each lesson."""
    if not os.environ.get("EMBVIZ_HOME"):
        raise NotMeasured("EMBVIZ_HOME names no home to share; make benchmarks sets it")
    with tempfile.TemporaryDirectory() as folder:
        server = _server_memory(Path(folder) / "server")
    lessons = LESSONS[:1] if options.quick else LESSONS
    return [_measure_class(options.count(STUDENTS), server), _measure_lessons(lessons, server)]


def _measure_class(students: int, server: int) -> Table:
    columns = ["", "memory of a student's kernel", "at its peak", "CPU time of a student"]
    seconds = " s and ".join(f"{duration(each):.0f}" for each in (ROCK, OTHER))
    note = f"{students} Jupyter kernels at once, MusiCNN, tracks of {seconds} s; one run"
    table = Table("classroom", columns, note)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        shared = Path(folder) / "shared"
        _fill(shared, Path(os.environ["EMBVIZ_HOME"]))
        kernels = [
            stack.enter_context(_kernel(Path(folder) / str(number), EMBVIZ_SHARED=str(shared)))
            for number in range(students)
        ]
        table.rows["a track in the shared home"] = _run_at_once(kernels, OPEN.format(track=str(ROCK)))
        table.rows["then one that is new"] = _run_at_once(kernels, OPEN_ANOTHER.format(track=str(OTHER)))
    return _for_a_class(table, server)


def _for_a_class(table: Table, server: int) -> Table:
    """Add JupyterLab's server, and what a class needs in the row that takes most."""
    most = [max(cells[way].value for cells in table.rows.values()) for way in (0, 1)]  # type: ignore[union-attr]
    table.rows["JupyterLab's server"] = [Figure(server, "B"), None, None]
    table.rows[f"estimate for {CLASS} students, a server each"] = [
        *(Figure(CLASS * (each + server), "B") for each in most),
        None,
    ]
    return table


def _measure_lessons(lessons: list[Path], server: int) -> Table:
    columns = ["", "memory of a student's kernel", "at its peak", "CPU time of a student"]
    table = Table("classroom-lessons", columns, "all cells of a lesson, without its solutions; one run")
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder) / "shared"
        _fill(shared, Path(os.environ["EMBVIZ_HOME"]))
        for number, path in enumerate(lessons, start=1):
            cells = [cell.source for cell in _read_notebook(path).cells if cell.cell_type == "code"]
            with _kernel(shared) as kernel:
                kernel.run(*cells)
            with _kernel(Path(folder) / path.stem, EMBVIZ_SHARED=str(shared)) as kernel:
                table.rows[f"lesson {number}"] = _run_at_once([kernel], *cells)
    return _for_a_class(table, server)


def _read_notebook(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


class Kernel:
    """A kernel of Jupyter and the client that runs cells in it."""

    def __init__(self, manager: Any) -> None:
        self.pid = manager.provisioner.process.pid
        self._client = manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)

    def run(self, *cells: str) -> None:
        """Run cells; raises NotMeasured where one fails."""
        for cell in cells:
            reply = self._client.execute_interactive(cell, timeout=PATIENCE, output_hook=lambda _: None)["content"]
            if reply["status"] != "ok":
                raise NotMeasured(f"{reply['ename']}: {reply['evalue']}")

    @property
    def processor(self) -> float:
        """Seconds of all cores together, of the kernel and what it has started."""
        return sum(psutil.Process(self.pid).cpu_times()[:4])

    def close(self) -> None:
        """Close the client."""
        self._client.stop_channels()


@contextmanager
def _kernel(home: Path, **environment: str) -> Iterator[Kernel]:
    from jupyter_client.manager import KernelManager

    manager = KernelManager()
    manager.start_kernel(
        cwd=str(LESSONS[0].parent), stderr=subprocess.DEVNULL, env=clean_environment(ROOT, home) | environment
    )
    try:
        kernel = Kernel(manager)
        try:
            yield kernel
        finally:
            kernel.close()
    finally:
        manager.shutdown_kernel()


def _fill(shared: Path, weights: Path) -> None:
    """Make a home with the weights of another one, and the embedding of the first track."""
    shared.mkdir()
    (shared / "data").symlink_to(weights / "data", target_is_directory=True)
    with _kernel(shared) as kernel:
        kernel.run(EMBED.format(track=str(ROCK)))


def _run_at_once(kernels: list[Kernel], *cells: str) -> list[Any]:
    before = [kernel.processor for kernel in kernels]
    with ThreadPoolExecutor(len(kernels)) as pool, ExitStack() as stack:
        peaks = [stack.enter_context(PeakMemory(kernel.pid)) for kernel in kernels]
        list(pool.map(lambda kernel: kernel.run(*cells), kernels))
    memory = statistics.mean(tree_memory(kernel.pid) for kernel in kernels)
    peak = max(memory, statistics.mean(each.peak for each in peaks))
    processor = statistics.mean(kernel.processor - earlier for kernel, earlier in zip(kernels, before, strict=True))
    return [Figure(memory, "B"), Figure(peak, "B"), Figure(processor, "s")]


def _server_memory(folder: Path) -> int:
    """Return the bytes of memory of a JupyterLab that has sent its page."""
    own = {
        f"{name}_DIR": str(folder / name.lower())
        for name in ("JUPYTER_CONFIG", "JUPYTER_RUNTIME", "JUPYTER_DATA", "JUPYTERLAB_SETTINGS")
    }
    folder.mkdir()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    process = subprocess.Popen(  # noqa: S603  our own interpreter
        [*command, "--ServerApp.port=0", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"],
        stderr=subprocess.DEVNULL,
        env=clean_environment() | own,
    )
    try:
        until = monotonic() + PATIENCE
        while not (found := list(Path(own["JUPYTER_RUNTIME_DIR"]).glob("jpserver-*.json"))):
            if process.poll() is not None or monotonic() > until:
                raise NotMeasured("JupyterLab's server does not start")
            sleep(0.1)
        server = json.loads(found[0].read_text(encoding="utf-8"))
        with urllib.request.urlopen(f"{server['url']}lab?token={server['token']}", timeout=PATIENCE) as page:  # noqa: S310  this machine
            page.read()
        return tree_memory(process.pid)
    finally:
        process.terminate()
        process.wait()
