"""Packages of others for the same networks, in environments made for the occasion and thrown away.

musicnn and tempocnn are installed from the package index, with the TensorFlow that pip finds for this Python; where
that does not work, the table says why. musicnn asks for a NumPy of 2019, so it is installed without what it asks for,
beside tempocnn. Each takes its own way from file to numbers, in a process whose libraries and network have been loaded
by the call before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from benchmarks.measuring import NotMeasured, Options, clean_environment, interleave
from benchmarks.sounds import duration
from benchmarks.tables import Table
from benchmarks.ways import MUSICNN, TEMPOCNN, Sides, prepare

INSTALL = 900  # seconds at most
# What a peer does with each line it is sent, an audio file: answers the seconds.
_SERVE = """
import json, os, sys, time, warnings
warnings.simplefilter("ignore")
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
{prepare}
for line in sys.stdin:
    path = json.loads(line)
    start = time.perf_counter()
    {call}
    answers.write(json.dumps(time.perf_counter() - start) + "\\n")
    answers.flush()
"""
PEERS = {
    "MusiCNN": (
        MUSICNN,
        "musicnn",
        "from musicnn.extractor import extractor",
        # Half of each patch overlaps, as in Essentia's.
        'extractor(path, model="MSD_musicnn", input_length=3, input_overlap=1.5, extract_features=True)',
    ),
    "Tempo-CNN (`deepsquare-k8`)": (
        TEMPOCNN,
        "tempocnn",
        (
            "from tempocnn.classifier import TempoClassifier; from tempocnn.feature import read_features\n"
            "classifier = TempoClassifier('deepsquare_k8')"
        ),
        "classifier.estimate(read_features(path))",
    ),
}


def measure(options: Options) -> list[Table]:
    """Return seconds per minute of audio."""
    columns = ["per minute of audio", "package", "its time", "embviz", "package / embviz"]
    rounds = options.count(3)
    with tempfile.TemporaryDirectory() as folder, Sides(options) as sides:
        length = duration(sides.audio)
        table = Table("peers", columns, f"{length:.1f} s of stereo rock, medians of {rounds} rounds")
        python, reason = Path(folder) / "bin" / "python", ""
        try:
            _install(Path(folder))
        except NotMeasured as why:
            reason = str(why)
        for title, (model, package, before, call) in PEERS.items():
            if reason:
                table.rows[title] = [package, reason, None, None]
                continue
            with _Peer(python, before, call) as peer:
                ways: dict[str, Callable[[], float]] = {"peer": partial(peer.seconds, sides.audio)}
                ways["embviz"] = partial(sides.embviz("embviz", prepare([model])), engine=None)
                found = interleave(ways, rounds)
            cells = [found.figure(name, 60 / length) for name in ways]
            table.rows[title] = [package, *cells, found.ratio("peer", "embviz")]
    return [table]


def _install(folder: Path) -> None:
    """Install both packages into an environment in a folder."""
    _run([sys.executable, "-m", "venv", str(folder)])
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    _run([*install, "tempocnn"])
    version = "from importlib.metadata import version; print('.'.join(version('tensorflow').split('.')[:2]))"
    tensorflow = _run([python, "-c", version]).strip()
    # The Keras that musicnn was written for goes on as a package of its own.
    _run([*install, "--no-deps", "musicnn", f"tf-keras=={tensorflow}.*"])


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=INSTALL)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"not installed within {INSTALL} s") from None
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if line.lower().startswith("error")]
        raise NotMeasured(f"not installed: {(lines or ['pip failed'])[-1][:150]}") from None
    return done.stdout


class _Peer:
    """A process that has loaded a package, and applies it to a file when asked."""

    def __init__(self, python: Path, before: str, call: str) -> None:
        environment = clean_environment() | {"TF_USE_LEGACY_KERAS": "1", "PYTHONPATH": ""}
        self._process = subprocess.Popen(  # noqa: S603  an interpreter that was just installed, and our own code
            [str(python), "-c", _SERVE.format(prepare=before, call=call)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )

    def seconds(self, audio: Path) -> float:
        """Return what it takes for a file."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(json.dumps(os.fspath(audio)) + "\n")
            self._process.stdin.flush()
            return float(json.loads(self._process.stdout.readline()))
        except (BrokenPipeError, ValueError):
            raise NotMeasured("it does not run with the libraries of today") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
