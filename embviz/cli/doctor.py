"""The command ``doctor``: what works here, what is missing, and how to mend it."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from embviz.cli.console import format_size, json_option, print_json
from embviz.core import essentia
from embviz.core.paths import cache_dir, data_dir, shared_folders, shared_homes
from embviz.core.text import plural
from embviz.errors import EmbvizError, EngineError

MOST_HEADS = 6  # that are named
ROOM = 2**30  # bytes; all default weights and a day's embeddings take less

# Run in a process of its own: a processor that lacks an instruction ends it, and not the doctor.
PROBE = """
import essentia, essentia.standard as standard
wanted = ["TensorflowPredict", "TensorflowInputMusiCNN", "TensorflowInputTempoCNN", "TensorflowInputVGGish"]
print(*[name for name in wanted if not hasattr(standard, name)])
"""


@dataclass(frozen=True)
class Check:
    """One thing that embviz uses."""

    name: str
    works: bool  # whether it can be used
    found: str
    mend: str = ""  # what to do where it does not work
    needed: bool = True  # whether embviz is of no use without it
    optional: bool = False  # whether nothing is wrong without it

    @property
    def state(self) -> str:
        """Whether it works, in a word."""
        return "works" if self.works else "optional" if self.optional else "missing"


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Say what works here, what is missing, and how to mend it.

    Each line says "works", "missing", or "optional" for what can be had besides. The exit code is 1 if something is
    missing that embviz cannot do without.
    """
    found = run_checks()
    if as_json:
        print_json([asdict(check) for check in found])
    else:
        for check in found:
            print(f"{check.state:<8} {check.name}: {check.found}")
            if not check.works:
                print(f"{'':<8} → {check.mend}")
    return int(any(check.needed and not check.works for check in found))


def run_checks() -> list[Check]:
    """Check everything embviz uses, without a network and without changing anything."""
    python = Check("Python", works=True, found=platform.python_version())
    folders = [_check_folder("Data folder", data_dir()), _check_folder("Cache folder", cache_dir())]
    folders += [_check_shared(home) for home in shared_homes()]
    rest = [_check_machine_code(), _check_jupyter(), _check_browser()]
    return [python, *_check_essentia(), *_check_engines(), *_check_weights(), *_check_heads(), *folders, *rest]


def _check_essentia() -> list[Check]:
    if not essentia.is_installed():
        return _without_essentia()
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)  # noqa: S603
    mend = f"Install it with: pip install --force-reinstall essentia-tensorflow=={essentia.version()}"
    if run.returncode:
        last = (run.stderr.strip().splitlines() or [f"its process ended with status {run.returncode}"])[-1]
        return [Check("Essentia", works=False, found=f"cannot be imported ({last})", mend=mend)]
    lacking = run.stdout.split()
    operations = Check(
        "TensorFlow in Essentia",
        works=not lacking,
        found=f"lacks {', '.join(lacking)}" if lacking else "the network algorithms are there",
        mend=f"The package 'essentia' hides 'essentia-tensorflow': remove it with pip uninstall. {mend}",
    )
    return [Check("Essentia", works=True, found=essentia.version()), operations]


def _without_essentia() -> list[Check]:
    """Say what the want of Essentia means, and what does its work: on some systems that is all there can be."""
    how = essentia.how_to_install()
    mend = f"Install it with: {how}" if how.startswith("pip") else f"All else works without: {how}."
    found = "not installed: no engine='essentia'"
    checks = [Check("Essentia", works=False, found=found, mend=mend, needed=False)]
    for package, task in (("av", "Decoding"), ("samplerate", "Resampling")):
        try:
            checks.append(Check(f"{task} without Essentia", works=True, found=f"{package} {version(package)}"))
        except PackageNotFoundError:
            mend = f"Install it with: pip install {package}"
            checks.append(Check(f"{task} without Essentia", works=False, found=f"{package} is missing", mend=mend))
    return checks


def _check_engines() -> list[Check]:
    """Say which engine runs which models, and why not the faster one."""
    from embviz.extraction.trust import kept_verdicts
    from embviz.inference.onnx_session import load_runtime
    from embviz.models import known_models
    from embviz.models.weights import find_weights

    try:
        runtime = load_runtime().__version__
    except EngineError as error:
        mend = "pip install -U onnxruntime"
        return [Check("ONNX Runtime", works=False, found=str(error), mend=mend, needed=not essentia.is_installed())]
    checks = [Check("ONNX Runtime", works=True, found=runtime)]
    fast: dict[str, float] = {}
    unknown: list[str] = []
    for model in (model for model in known_models() if not model.identity):  # no engine runs a function
        with contextlib.suppress(EmbvizError):  # damaged weights are said where they are used
            weights = find_weights(model, verify=False)
            verdicts = [] if weights is None else kept_verdicts(model, weights)
            problems = {verdict.problem: verdict for verdict in verdicts if verdict.problem}
            if weights is not None and not verdicts:
                unknown.append(model.name)
            for problem, verdict in problems.items():
                what = f"{model.name}, {', '.join(verdict.nodes[:3])}"
                checks.append(Check("Engine", works=True, found=f"Essentia for {what}: {problem}"))
            if any(not verdict.problem for verdict in verdicts):
                fast[model.name] = max(verdict.difference for verdict in verdicts if not verdict.problem)
    if fast:
        off = f"at most {max(fast.values()):.0e} of a layer's standard deviation from Essentia"
        checks.append(Check("Engine", works=True, found=f"ONNX Runtime for {', '.join(fast)} ({off})"))
    if unknown:
        compared = "compared with Essentia when first used" if essentia.is_installed() else "not compared with Essentia"
        checks.append(Check("Engine", works=True, found=f"ONNX Runtime for {', '.join(unknown)}, {compared}"))
    return checks


def _check_weights() -> list[Check]:
    from embviz.models import CATALOGUE
    from embviz.models.weights import weights_state

    here: dict[str, list[str]] = {system: [] for system in dict.fromkeys(model.system for model in CATALOGUE.values())}
    for model in CATALOGUE.values():
        if weights_state(model) == "ready":
            here[model.system].append(model.name)
    ready = [f"{system} ({', '.join(names)})" for system, names in here.items() if names]
    lacking = [system for system, names in here.items() if not names]
    if not ready:
        return [Check("Models", False, "none here", "embviz pull musicnn gets the first one", needed=False)]
    checks = [Check("Models", True, ", ".join(ready))]
    if lacking:
        mend = f"embviz pull {lacking[0]} gets one, embviz pull --from DIR takes them from a folder"
        checks.append(Check("Other models", False, ", ".join(lacking), mend, needed=False, optional=True))
    return checks


def _check_heads() -> list[Check]:
    """Say which heads are here, where there are some: embviz is complete without."""
    from embviz.heads import known_heads

    names = [head.name for head in known_heads()]
    more = f" and {len(names) - MOST_HEADS} more" if len(names) > MOST_HEADS else ""
    found = f"{', '.join(names[:MOST_HEADS])}{more}"
    return [Check("Heads", True, found)] if names else []


def _check_folder(name: str, path: Path) -> Check:
    there = next(parent for parent in (path, *path.parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        mend = "Set EMBVIZ_HOME to a folder you may write to."
        return Check(name, works=False, found=f"{path} cannot be written", mend=mend)
    free = shutil.disk_usage(there).free
    mend = "Free some space, or set EMBVIZ_HOME to a folder on another disk."
    return Check(name, works=free >= ROOM, found=f"{path}, {free / 2**30:.1f} GB free", mend=mend)


def _check_shared(home: Path) -> Check:
    from embviz.core.cache import Cache

    name, mend = "Shared home", "Let EMBVIZ_SHARED name absolute paths of folders that are laid out as EMBVIZ_HOME is."
    if not home.is_absolute():
        return Check(name, works=False, found=f"{home} is a relative path, and left out", mend=mend, needed=False)
    there = [home / part for part in ("data", "cache") if os.access(home / part, os.R_OK | os.X_OK)]
    if not there:
        return Check(name, works=False, found=f"{home} has no data or cache to read", mend=mend, needed=False)
    used = [*shared_folders("data", data_dir()), *shared_folders("cache", cache_dir())]
    sizes = [f"{format_size(_bytes_in(folder))} of {folder.name}" for folder in there if folder in used]
    n = Cache(home / "cache").info()["entries"] if home / "cache" in there else 0
    sizes += [plural(n, "embedding") if n else "no embeddings"] if sizes else []
    found = f"{home}, {' and '.join(sizes)}, only read" if sizes else f"{home} is your own"
    return Check(name, works=True, found=found, needed=False)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # what cannot be read, or has just gone
            total += path.stat().st_size if path.is_file() else 0
    return total


def _check_machine_code() -> Check:
    from embviz.analysis.projection.numba_cache import machine_code_folder

    folder = machine_code_folder()
    found = f"kept in {folder}" if folder else "not kept, so that the first UMAP of each process takes longer"
    mend = "Let no others write to your home and its .cache folder, or let NUMBA_CACHE_DIR name a folder of your own."
    return Check("Machine code of UMAP", works=bool(folder), found=found, mend=mend, needed=False)


def _check_jupyter() -> Check:
    try:
        found = ", ".join(f"{package} {version(package)}" for package in ("jupyterlab", "ipywidgets", "anywidget"))
    except PackageNotFoundError as error:
        mend = f"Install it with: pip install {error.name}"
        return Check("JupyterLab", works=False, found=f"{error.name} is missing", mend=mend)
    return Check("JupyterLab", works=True, found=found)


def _check_browser() -> Check:
    name = "Browser for PNG and SVG"
    try:
        from choreographer.browsers.chromium import Chromium
    except ImportError:
        mend = "Install it with: pip install 'embviz[png]'. HTML works without."
        return Check(name, works=False, found="kaleido is missing", mend=mend, needed=False)
    path = Chromium.find_browser(skip_local=False)
    mend = "Install Chrome or Chromium, or set BROWSER_PATH to its program. HTML works without."
    return Check(name, works=bool(path), found=str(path or "no Chrome or Chromium"), mend=mend, needed=False)
