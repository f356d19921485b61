"""The notebooks as they are kept in the repository, and that they run, with the solutions of their exercises."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# A path from the root of a disk, or a home folder; an address after "://" or an HTML end tag is none.
ABSOLUTE = re.compile(r"""(?:(?<=["'(=\s`])|^)(?:/(?=\w)|~/|[A-Za-z]:[\\/])[\w.-]""", re.MULTILINE)
SOLUTION = re.compile(r"<details>.*?</details>", re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)

VIEW = "application/vnd.jupyter.widget-view+json"
MOST = 5_000_000  # letters of a notebook that was executed
SOUND = re.compile(r'data:audio/|"audio/[^"]*":')

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_it_is_a_valid_notebook_of_the_current_format(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"


def test_it_is_stripped(path):
    for cell in code_cells(path):
        assert cell.outputs == [], f"cell {cell.id!r} has outputs"
        assert cell.execution_count is None, f"cell {cell.id!r} has an execution count"
    assert "widgets" not in read(path).metadata
    assert not any(cell.get("attachments") for cell in read(path).cells)


def test_its_cells_are_named_and_not_marked(path):
    cells = read(path).cells
    assert len({cell.id for cell in cells}) == len(cells)
    assert all(not cell.metadata for cell in cells)


def test_it_begins_with_a_heading(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert re.match(r"# \S", first.source)


def test_it_has_no_absolute_paths(path):
    found = {cell.id: ABSOLUTE.findall(cell.source) for cell in read(path).cells}
    assert not {name: paths for name, paths in found.items() if paths}


def test_its_solutions_compile_and_are_folded_away(path):
    for cell in read(path).cells:
        if cell.cell_type != "markdown":
            continue
        folded = "".join(SOLUTION.findall(cell.source))
        assert PYTHON.findall(folded) == PYTHON.findall(cell.source), f"cell {cell.id!r} shows its solution"
        for source in PYTHON.findall(folded):
            compile(source, f"{path.name}, cell {cell.id}", "exec")


@pytest.mark.slow
@pytest.mark.usefixtures("weights_home")
def test_it_runs_and_its_solutions_after_it(path, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = read(path)
    solutions = [source for cell in notebook.cells for source in PYTHON.findall(cell.source)]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in solutions]
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}})
    # A kernel that is still ending its workers after five seconds would be killed, and could not tidy up.
    client.create_kernel_manager().shutdown_wait_time = 300
    client.execute()
    assert not list(tmp_path.glob("embviz-*")), "what it wrote for itself is still there"
    text = nbformat.writes(notebook)
    assert len(text) < MOST, f"{len(text) / 1e6:.1f} MB"
    assert not SOUND.search(text)
    stills = [still for cell in notebook.cells for still in stills_of(cell.get("outputs", []))]
    assert all("Run the cell to make it live" in caption.data["text/plain"] for caption, _ in stills)
    assert all("image/png" in picture.data or "<table>" in caption.data["text/html"] for caption, picture in stills)
    assert all(len(part) < 300_000 for still in stills for one in still for part in one.data.values())


def stills_of(outputs: list[nbformat.NotebookNode]) -> list[list[nbformat.NotebookNode]]:
    """Return the caption and the picture of each view that a cell shows."""
    kinds = [set(output.get("data", {})) for output in outputs]
    return [outputs[number + 1 : number + 3] for number, kind in enumerate(kinds) if VIEW in kind]
