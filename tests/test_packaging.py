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

import distribution
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
        "embviz.collection.collection -> embviz.export.collection_page",
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


# What is published. ---------------------------------------------------------------------------------------------------


def build(kind: str, folder: Path, tree: Path = ROOT) -> Path:
    """Return the wheel or the sdist that is built of a tree, without a network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    [made] = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return build("sdist", tmp_path_factory.mktemp("sdist"))


def test_wheel_holds_the_package_only(wheel):
    assert [*distribution.faults_of_wheel(wheel)] == []
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        about = archive.read(f"embviz-{embviz.__version__}.dist-info/METADATA").decode()
    assert {name for name in names if name.endswith(".py")} == {str(path.relative_to(ROOT)) for path in SOURCES}
    assert "embviz/py.typed" in names
    assert {name.removeprefix("embviz/sample_audio/") for name in names if "/sample_audio/" in name} == SAMPLES | {
        f"embviz-{embviz.__version__}.dist-info/licenses/sample_audio/README.md"
    }
    assert re.findall(r"^Project-URL: (\w+),", about, flags=re.MULTILINE) == [
        "Homepage", "Documentation", "Changelog", "Issues",
    ]  # fmt: skip


def test_wheel_installs_into_an_empty_environment(wheel, tmp_path):
    python = tmp_path / "empty" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "empty"], check=True)
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    # What needs none of the packages that embviz needs.
    code = "import embviz, sys; print(embviz.__version__, len(embviz.__all__), embviz.__file__)"
    run = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    version, names, place = run.stdout.split()
    assert (version, int(names)) == (embviz.__version__, len(embviz.__all__))
    assert Path(place).is_relative_to(tmp_path / "empty")
    assert (python.parent / "embviz").exists()
    # With them, an installed package knows where the sample tracks are, wherever one stands.
    command = [sys.executable, "-c", "import embviz; print(embviz.sample_audio())"]
    env = {**os.environ, "PYTHONPATH": str(Path(place).parents[1])}
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=env)
    assert run.stdout.strip() == str(Path(place).parent / "sample_audio")


def test_sdist_builds_the_same_wheel(wheel, sdist, tmp_path):
    assert sdist.name == f"embviz-{embviz.__version__}.tar.gz"
    assert [*distribution.faults_of_sdist(sdist)] == []
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "tree", filter="data")
    [tree] = (tmp_path / "tree").iterdir()
    assert {path.name for path in (tree / "sample_audio").iterdir()} == SAMPLES
    again = build("wheel", tmp_path / "again", tree)
    assert again.read_bytes() == wheel.read_bytes()


def test_the_long_description_leads_to_the_tag_of_the_version(wheel):
    with zipfile.ZipFile(wheel) as archive:
        about = archive.read(f"embviz-{embviz.__version__}.dist-info/METADATA").decode()
    homepage = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Homepage"]
    tag = f"v{embviz.__version__}"
    assert f"({homepage}/blob/{tag}/docs/systems.md)" in about
    assert f'src="{homepage}/raw/{tag}/docs/pictures/explorer-light.webp"' in about
    for found in re.findall(rf"{homepage}/(?:blob|raw)/{tag}/([^)\"#]+)", about):
        assert (ROOT / found).exists(), found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "no long description"), ("[a](docs/x.md)", "links to docs/x.md"), ('<img src="x.png">', "links to x.png")],
)
def test_a_bad_description_is_found(text, sentence):
    assert any(sentence in fault for fault in distribution.faults_of_description(text))


def test_stray_files_are_found(wheel, tmp_path):
    bad = tmp_path / wheel.name
    bad.write_bytes(wheel.read_bytes())
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr("embviz/tests/test_x.py", "")
        archive.writestr("embviz/song.wav", bytes(3_000_000))
        archive.writestr("notes.txt", "")
    assert [*distribution.faults_of_wheel(bad)] == [
        "embviz/tests/test_x.py does not belong into the wheel.",
        "embviz/song.wav does not belong into the wheel.",
        "embviz/song.wav has 3,000,000 bytes, more than 2,000,000.",
        "notes.txt stands outside of the package.",
    ]


def test_a_release_has_its_section_in_the_changelog():
    version = embviz.__version__
    assert not [*distribution.faults_of_changes(f"## [Unreleased]\n\n## [{version}] - 2026-12-01\n- a\n")]
    [missing, waiting] = distribution.faults_of_changes("## [Unreleased]\n\n- b\n\n## [0.0.1] - 2026-01-01\n")
    assert f"no section '## [{version}] - YYYY-MM-DD'" in missing
    assert "entries under 'Unreleased'" in waiting
