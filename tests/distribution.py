"""What is wrong with a wheel and an sdist: ``python tests/distribution.py FOLDER``, as ``make release`` calls it."""

from __future__ import annotations

import email
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Endings of what belongs into the package; all else has strayed into it.
PACKAGED = {".py", ".typed", ".js", ".css", ".ogg", ".mp3", ".csv", ".md"}
LARGEST_FILE, LARGEST_WHEEL = 2_000_000, 12_000_000
#: Of the sdist: what stands beside the package and the sample tracks.
BESIDE = {
    ".gitignore", "CHANGELOG.md", "CITATION.cff", "LICENSE", "PKG-INFO", "README.md", "hatch_build.py",
    "pyproject.toml",
}  # fmt: skip


def version() -> str:
    """Return the version, where it is stated."""
    stated = re.search(r'__version__ = "(.+)"', (ROOT / "embviz" / "_version.py").read_text(encoding="utf-8"))
    assert stated
    return stated[1]


def faults_of_wheel(path: Path) -> Iterator[str]:
    """Yield a sentence for each fault of a wheel."""
    info = f"embviz-{version()}.dist-info"
    with zipfile.ZipFile(path) as wheel:
        files = {entry.filename: entry.file_size for entry in wheel.infolist()}
        metadata = email.message_from_bytes(wheel.read(f"{info}/METADATA"))
    for name, size in files.items():
        if name.startswith("embviz/"):
            if Path(name).suffix not in PACKAGED or {"tests", "notebooks", "src", "node_modules"} & {*Path(name).parts}:
                yield f"{name} does not belong into the wheel."
        elif not name.startswith(f"{info}/"):
            yield f"{name} stands outside of the package."
        if size > LARGEST_FILE:
            yield f"{name} has {size:,} bytes, more than {LARGEST_FILE:,}."
    for licence in ("LICENSE", "sample_audio/README.md"):
        if f"{info}/licenses/{licence}" not in files:
            yield f"{licence}, which states a licence, is missing in the wheel."
    if path.stat().st_size > LARGEST_WHEEL:
        yield f"The wheel has {path.stat().st_size:,} bytes, more than {LARGEST_WHEEL:,}."
    if metadata["Version"] != version():
        yield f"The wheel is of version {metadata['Version']}, {version()} is stated in embviz/_version.py."
    description = metadata.get_payload(decode=True)
    yield from faults_of_description(description.decode() if isinstance(description, bytes) else "")


def faults_of_description(text: str) -> Iterator[str]:
    """Yield a sentence for each fault of the long description, as a package index shows it."""
    if not text.strip():
        yield "There is no long description."
    links = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'\b(?:src|srcset|href)="([^"]+)"', text)
    yield from (f"The long description links to {link}." for link in links if not link.startswith(("https://", "#")))
    if find_spec("readme_renderer"):
        from readme_renderer import markdown

        shown = markdown.render(text) or ""
        for tag in ("<h1", "<table", "<pre", "<img"):
            if tag not in shown:
                yield f"The long description is rendered without {tag}>."


def faults_of_sdist(path: Path) -> Iterator[str]:
    """Yield a sentence for each fault of an sdist."""
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    beside = {name for name in names if not name.startswith(("embviz/", "sample_audio/"))}
    yield from (f"{name} does not belong into the sdist." for name in sorted(beside - BESIDE))
    yield from (f"{name} is missing in the sdist." for name in sorted(BESIDE - beside))


def faults_of_changes(text: str) -> Iterator[str]:
    """Yield a sentence for each fault of the changelog of a version that is to be released."""
    if not re.search(rf"^## \[{re.escape(version())}\] - \d{{4}}-\d\d-\d\d$", text, flags=re.MULTILINE):
        yield f"CHANGELOG.md has no section '## [{version()}] - YYYY-MM-DD'."
    waiting = re.search(r"^## \[Unreleased\]\n(.*?)^## ", text, flags=re.MULTILINE | re.DOTALL)
    if waiting and waiting[1].strip():
        yield f"CHANGELOG.md has entries under 'Unreleased'; move them to {version()}."


def main(folder: Path) -> int:
    """Print what is wrong with all in a folder; returns the exit code."""
    wheel, sdist = folder / f"embviz-{version()}-py3-none-any.whl", folder / f"embviz-{version()}.tar.gz"
    if {*folder.iterdir()} != {wheel, sdist}:
        print(f"{wheel.name} and {sdist.name} alone are expected in {folder}.", file=sys.stderr)
        return 1
    faults = [*faults_of_wheel(wheel), *faults_of_sdist(sdist)]
    faults += faults_of_changes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(
            "\n".join(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, nothing is wrong" for path in (wheel, sdist))
        )
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
