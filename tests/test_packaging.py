"""What the package promises as a whole: what it needs, what it loads, which way its imports point."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import embviz
from embviz.core import essentia

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "embviz"

# Libraries that take their time to load.
HEAVY = {
    "dask", "distributed", "essentia", "faiss", "h5py", "kaleido", "loky", "mirdata", "mutagen", "numba",
    "pacmap", "pandas", "plotly", "pyarrow", "rich", "scipy", "sklearn", "umap",
}  # fmt: skip

SOURCES = sorted(PACKAGE.rglob("*.py"))
# What there is to hear, and what is said of it; not what renders it.
SAMPLES = {path.name for path in (ROOT / "sample_audio").iterdir() if path.is_file()}
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def module(path: Path) -> str:
    """Return the first part of a module's name below the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names of all that is imported anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports are not used"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(run.stdout.split())


def test_import_is_light():
    modules = loaded_by("import embviz")
    assert not {name.split(".")[0] for name in modules} & (HEAVY | {"click", "tensorboard"})
    assert len(modules) < 400


def test_help_is_light():
    modules = loaded_by("from embviz.cli.entry_point import run; run(['--help']); run(['embed', '--help'])")
    assert not {name.split(".")[0] for name in modules} & (HEAVY | {"numpy", "tensorboard"})


def test_a_contract_says_which_way_imports_point():
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers, circles = linter["contracts"]
    assert (layers["type"], circles["type"]) == ("layers", "acyclic_siblings")
    rooms = {room for layer in layers["layers"] for room in layer.split(" | ")}
    assert rooms == {module(path) for path in SOURCES} - {"__init__", "__main__", "_version"}
    assert layers["ignore_imports"] == [
        "embviz.extraction.extract -> embviz.heads.lookup",
        "embviz.collection.questions -> embviz.units.*",
        "embviz.collection.collection -> embviz.app.atlas",
        "embviz.collection.collection -> embviz.export.collection_report",
    ]
    assert "ignore_imports" not in circles


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_runs_foreign_code(path):
    names = {name.split(".")[0] for name in imported(TREES[path])}
    assert not names & {"pickle", "cPickle", "dill", "joblib", "marshal", "shelve"}
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Call):
            assert getattr(node.func, "id", None) not in {"eval", "exec", "compile", "__import__"}
            for keyword in node.keywords:
                assert (keyword.arg, getattr(keyword.value, "value", None)) not in {
                    ("shell", True),
                    ("allow_pickle", True),
                }


def test_pages_load_nothing_from_the_network():
    loading = re.compile(r"""(src|href)\s*=\s*["']?https?:|(@import\s+|from\s+|import\(|url\(\s*)["']?https?:""")
    for path in PACKAGE.rglob("*"):
        if path.suffix in {".py", ".js", ".mjs", ".css", ".html"} and "node_modules" not in path.parts:
            found = loading.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(ROOT)}: {found}"


def test_downloads_come_from_the_documented_site_only():
    hosts = {
        (module(path), host)
        for path in SOURCES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("https://")
        for host in [node.value.split("/")[2]]
    }
    assert {name for name, _ in hosts} <= {"models"}


def test_conda_and_pip_install_the_same():
    made = subprocess.run([sys.executable, "docs/environment.py"], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == made.stdout, "run `make environment`"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [python, _, last] = yaml.safe_load(made.stdout)["dependencies"]
    assert last["pip"] == [*project["dependencies"], "-e ."]
    assert python.replace("=", ">=", 1) in f"python{project['requires-python']}"


def test_what_is_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    extras = [entry for name in ("png", "dask", "mirdata", "pacmap") for entry in optional[name]]
    declared = {re.split(r"[<>=\[]", entry)[0] for entry in project["dependencies"] + extras}
    by_import = {
        "essentia": "essentia-tensorflow",
        "google_crc32c": "google-crc32c",
        "google": "protobuf",
        "jupyter_core": "jupyter-core",
        "IPython": "jupyterlab",
        "choreographer": "kaleido",
        "faiss": "faiss-cpu",
        "numba": "umap-learn",
        "sklearn": "scikit-learn",
        "umap": "umap-learn",
    }
    used = {name.split(".")[0] for tree in TREES.values() for name in imported(tree)}
    used -= set(sys.stdlib_module_names) | {"embviz"}
    assert {by_import.get(name, name) for name in used} <= declared


SYSTEMS = {
    "Linux": ("linux", "x86_64", "3.11", "2.1b6.dev1389"),
    "Linux, 3.13": ("linux", "x86_64", "3.13", "2.1b6.dev1389"),
    "Linux, 3.14": ("linux", "x86_64", "3.14", "2.1b6.dev1438"),
    "Linux on ARM": ("linux", "aarch64", "3.12", ""),
    "macOS": ("darwin", "arm64", "3.12", "2.1b6.dev1389"),
    "macOS on Intel": ("darwin", "x86_64", "3.14", "2.1b6.dev1438"),
    "Windows": ("win32", "AMD64", "3.11", ""),
    "Windows, 3.14": ("win32", "AMD64", "3.14", ""),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_system_gets_essentia_or_what_takes_its_place(name, monkeypatch):
    system, machine, python, build = SYSTEMS[name]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert python in SpecifierSet(project["requires-python"])
    at = {"sys_platform": system, "platform_machine": machine, "python_version": python}
    needed = [need for need in map(Requirement, project["dependencies"]) if not need.marker or need.marker.evaluate(at)]
    builds = [str(need.specifier) for need in needed if need.name == "essentia-tensorflow"]
    assert builds == ([f"=={build}"] if build else [])
    assert {"av", "samplerate"} & {need.name for need in needed} == (set() if build else {"av", "samplerate"})
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(sys, "version_info", tuple(map(int, python.split("."))))
    monkeypatch.setattr("platform.machine", lambda: machine)
    remedy = f"pip install essentia-tensorflow=={build}" if build else f"it has wheels for {essentia.PLATFORMS}"
    assert essentia.how_to_install() == remedy


def test_licence_is_the_unmodified_agpl():
    text = (ROOT / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == "8486a10c4393cee1c25392769ddd3b2d6c242d6ec7928e1414efff7dfb2f07ef"


def built(kind: str, folder: Path) -> Path:
    """Return the wheel or the sdist that is built of this tree."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [made] = folder.iterdir()
    return made


def test_wheel_holds_the_package_only(tmp_path):
    with zipfile.ZipFile(built("wheel", tmp_path / "dist")) as wheel:
        names = wheel.namelist()
        wheel.extractall(tmp_path / "site")  # noqa: S202  our own
        about = wheel.read(f"embviz-{embviz.__version__}.dist-info/METADATA").decode()
    assert {name.split("/")[0] for name in names} == {"embviz", f"embviz-{embviz.__version__}.dist-info"}
    assert {name for name in names if name.endswith(".py")} == {str(path.relative_to(ROOT)) for path in SOURCES}
    assert "embviz/py.typed" in names
    assert {name.removeprefix("embviz/sample_audio/") for name in names if "sample_audio" in name} == SAMPLES
    assert re.findall(r"^Project-URL: (\w+),", about, flags=re.MULTILINE) == [
        "Homepage", "Documentation", "Changelog", "Issues",
    ]  # fmt: skip
    # An installed package knows where they are, wherever one stands.
    run = subprocess.run(
        [sys.executable, "-c", "import embviz; print(embviz.sample_audio())"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{tmp_path}/site"},
    )  # fmt: skip
    assert run.stdout.strip() == str(tmp_path / "site" / "embviz" / "sample_audio")


def test_sdist_builds_the_same_package(tmp_path):
    sdist = built("sdist", tmp_path)
    assert sdist.name == f"embviz-{embviz.__version__}.tar.gz"
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {str(path.relative_to(ROOT)) for path in SOURCES} <= names
    assert {"embviz/py.typed", "pyproject.toml", "README.md", "LICENSE"} <= names
    assert {f"sample_audio/{name}" for name in SAMPLES} == {name for name in names if name.startswith("sample_audio/")}
