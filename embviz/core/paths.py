"""Where embviz keeps things: the user's data and cache folders, or ``EMBVIZ_HOME``.

Behind them stand the homes that ``EMBVIZ_SHARED`` names, separated as in ``PATH``: what is missing in the user's is
read from these, and nothing is ever written there. Nothing is created here; who writes makes the folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from embviz.errors import EmbvizError

SAMPLE_AUDIO = "sample_audio"


def data_dir() -> Path:
    """Return the folder of what is worth keeping (weights, registered models)."""
    home = os.environ.get("EMBVIZ_HOME")
    return Path(home).expanduser() / "data" if home else platformdirs.user_data_path("embviz", appauthor=False)


def cache_dir() -> Path:
    """Return the folder of what can be computed again (embeddings, digests)."""
    home = os.environ.get("EMBVIZ_HOME")
    return Path(home).expanduser() / "cache" if home else platformdirs.user_cache_path("embviz", appauthor=False)


def shared_homes() -> list[Path]:
    """Return what ``EMBVIZ_SHARED`` names, each once, whether it is there or not.

    Relative paths are among them, so that :func:`shared_folders` can leave them out and ``embviz doctor`` can say so.
    """
    named = os.environ.get("EMBVIZ_SHARED", "").split(os.pathsep)
    # Not Path.expanduser, which raises where there is no such user.
    return list(dict.fromkeys(Path(os.path.expanduser(home.strip())) for home in named if home.strip()))  # noqa: PTH111


def shared_folders(name: str, own: Path) -> list[Path]:
    """Return the folders of a name (``"data"``, ``"cache"``) in the shared homes, without the one that is `own`.

    A relative path would be another folder in each notebook, and is left out.
    """
    homes = [home for home in shared_homes() if home.is_absolute()]
    itself = os.path.realpath(own) if homes else ""
    return [home / name for home in homes if os.path.realpath(home / name) != itself]


def sample_audio() -> Path:
    """Return the folder of the sample tracks: ten short pieces of music in different styles.

    They are part of embviz wherever it is installed. ``tracks.csv`` beside them says what they are; its README says how
    they were made. They are dedicated to the public domain (CC0).

    Returns
    -------
    Path

    Raises
    ------
    EmbvizError
        If embviz was packaged without them.

    Examples
    --------
    >>> import embviz
    >>> sorted(path.stem for path in embviz.sample_audio().glob("*.mp3"))
    ['electronic', 'hiphop']
    """
    package = Path(__file__).resolve().parents[1]
    # Inside of an installed package, beside that of a checkout.
    for folder in (package / SAMPLE_AUDIO, package.parent / SAMPLE_AUDIO):
        if (folder / "tracks.csv").is_file():
            return folder
    raise EmbvizError(
        f"The sample tracks belong to embviz, but are not in {str(package / SAMPLE_AUDIO)!r}: install embviz again."
    )


def python_path(path: str | os.PathLike[str]) -> str:
    """Return a path as Python writes it: the sample tracks are found on any computer."""
    inside = Path(path)
    try:
        parts = inside.relative_to(sample_audio()).parts
    except (EmbvizError, ValueError):
        return ascii(os.fspath(path))
    return " / ".join(["embviz.sample_audio()", *map(ascii, parts)])


def relative_path(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> str:
    """Return the way to a file from a folder, with slashes; its whole path where none leads from drive to drive."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return Path(path).absolute().as_posix()


def check_the_path(path: Path) -> str:
    """Return what to do about a path where nothing is: the end of an error's sentence, and its full stop."""
    start = "" if path.is_absolute() else f", which starts from {str(Path.cwd())!r}"
    meant = SAMPLE_AUDIO in path.parts
    samples = "; embviz.sample_audio() is the folder of the sample tracks" if meant else ""
    return f"check the path{start}{samples}."
