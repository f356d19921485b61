"""What reads sound files: Essentia's loader, libsndfile, and FFmpeg where there is no Essentia.

Conventions: a loader returns channels ``[n]``, float32, and the file's own rate in Hz, which may be nonsense.

Essentia's loader reads one or two channels, and its bundled FFmpeg lacks some codecs (Opus). Where it refuses a file it
may have freed memory twice, which shows later: the process is not to be used on. The others refuse cleanly.

FFmpeg, by the package ``av``, is set up so that sound begins where Essentia's does: behind the run-up that an encoder
of mp3 or Vorbis has noted, but with that of AAC and WMA, and whatever edit lists say (:mod:`embviz.audio.mp4`).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np

from embviz.audio.file_kinds import identify
from embviz.audio.samples import map_samples, write_samples
from embviz.audio.streaming import MixAt, Streamed, stream
from embviz.core import essentia
from embviz.errors import AudioError

if TYPE_CHECKING:
    from numpy.typing import NDArray


MOST_AT_ONCE = 4 << 20  # samples that libsndfile is asked for
SKIP_MANUAL = 1 << 29  # of FFmpeg's flags2: the run-up of an encoder is not left out
# What FFmpeg takes a file for. Lists of other files and addresses are among what it knows besides.
DEMUXERS = (
    "aac,ac3,aiff,ape,asf,au,avi,caf,eac3,flac,flv,iff,matroska,mov,mp3,mpc,mpc8,nistsphere,ogg,rm,shn,tak,tta,voc,w64,"
    "wav,wv,xwma"
)
OPTIONS = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none", "ignore_editlist": "1"}


class RefusedError(Exception):
    """A loader does not read a file."""


class Loader(Protocol):
    """What reads sound files."""

    def __call__(self, path: Path, *, long: bool) -> tuple[list[NDArray[np.float32]], Any]:
        """Return the channels of a file and its rate; RefusedError where it is not read.

        Channels of a `long` file lie in files without names, to bound the memory.
        """


def usual_loaders() -> tuple[str, str]:
    """Return the loader that is asked first, and the one that reads the rest, of those that are installed."""
    return ("essentia", "libsndfile") if essentia.is_installed() else ("libsndfile", "ffmpeg")


@functools.cache
def decoder_versions() -> dict[str, str]:
    """Return the versions of what decodes and resamples here, on which the last bits of samples depend."""
    if essentia.is_installed():
        return {"essentia": essentia.version()}
    versions = {}
    for name in ("soundfile", "av", "samplerate"):
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions


# Essentia. -----------------------------------------------------------------------------------------------------------


def load_with_essentia(path: Path, *, long: bool) -> tuple[list[NDArray[np.float32]], Any]:
    """Load with Essentia's own loader."""
    if long:
        streamed = stream_with_essentia(path)
        return streamed.channels, streamed.rate
    with _refuse():
        samples, rate, channels, *_ = essentia.standard().AudioLoader(filename=str(path))()
    # The loader gives one channel as two, the right one silent.
    return [samples[:, i] for i in range(min(channels, 2))], rate


def stream_with_essentia(path: Path, mix: MixAt | None = None) -> Streamed:
    """Load a long file with Essentia, and its mix where one is wanted; RefusedError where it is not read."""
    claimed = _read_header(path)
    with _refuse():
        return stream(path, claimed, mix)


def _read_header(path: Path) -> tuple[int, int]:
    """Return the rate and the channels that a header claims."""
    import soundfile

    with contextlib.suppress(soundfile.LibsndfileError, RuntimeError, TypeError, ValueError):
        info = soundfile.info(path)
        return info.samplerate, info.channels
    with _refuse():
        *_, rate, channels = essentia.standard().MetadataReader(filename=str(path))()
    return int(rate), int(channels)


@contextlib.contextmanager
def _refuse() -> Iterator[None]:
    """Silence Essentia, and turn its errors into those of a loader."""
    try:
        with essentia.quiet:
            yield
    except RuntimeError as error:
        raise (MemoryError() if "bad_alloc" in str(error) else RefusedError()) from error


# libsndfile. ---------------------------------------------------------------------------------------------------------


def load_with_sndfile(path: Path, *, long: bool) -> tuple[list[NDArray[np.float32]], int]:
    """Load with libsndfile."""
    import soundfile

    try:
        with essentia.quiet, soundfile.SoundFile(path) as file:
            # By its ending alone, anything passes for mp3, and some of its bytes for frames.
            if file.format == "MP3" and _identify(path) not in ("mpeg", ""):
                raise RefusedError
            return _join(_read_blocks(file), long=long), file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError) as error:
        raise RefusedError from error


def _identify(path: Path) -> str:
    with path.open("rb") as file:
        return identify(file)[0]


def _read_blocks(file: Any) -> Iterator[NDArray[np.float32]]:
    """Yield all samples ``[n, channels]`` of a file of libsndfile, also where its header does not tell how many."""
    if file.frames == sys.maxsize:
        file.seekable = lambda: False  # it would go to the end, which it does not know
    most = MOST_AT_ONCE // file.channels
    block = None
    while block is None or len(block) == most:
        block = file.read(most, "float32", always_2d=True)
        yield block


# FFmpeg. -------------------------------------------------------------------------------------------------------------


def load_with_ffmpeg(path: Path, *, long: bool) -> tuple[list[NDArray[np.float32]], int]:
    """Load with FFmpeg."""
    try:
        import av
    except ImportError as error:
        raise AudioError(
            f"It may be sound that the package av reads, which cannot be imported ({error}): pip install av."
        ) from error
    try:
        # An open file: names may be addresses to FFmpeg.
        with path.open("rb") as file, av.open(_Readable(file), options=OPTIONS, metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise RefusedError
            stream = container.streams.audio[0]
            if container.format.name == "asf":
                stream.codec_context.flags2 |= SKIP_MANUAL
            channels = _join(_decode_blocks(container, stream), long=long)
            if not channels:  # it takes random bytes for much, and gives nothing
                raise RefusedError
            return channels, stream.codec_context.sample_rate
    except av.FFmpegError as error:
        raise (MemoryError() if error.errno == errno.ENOMEM else RefusedError()) from error


class _Readable:
    """An open file as FFmpeg reads it, which at times looks for something before the beginning."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.read, self.tell = file.read, file.tell

    def seek(self, offset: int, whence: int) -> int:
        """Move, if there is such a place."""
        try:
            return self._file.seek(offset, whence)
        except OSError:
            return -1


def _decode_blocks(container: Any, stream: Any) -> Iterator[NDArray[np.float32]]:
    """Yield the samples ``[n, channels]`` of a stream of FFmpeg; what is damaged, or of another format, is left out."""
    import av

    form = None
    for packet in container.demux(stream):
        frames: list[Any] = []
        with contextlib.suppress(av.error.InvalidDataError):
            frames = packet.decode()
        for frame in frames:
            form = form or (frame.sample_rate, frame.layout.nb_channels)
            if (frame.sample_rate, frame.layout.nb_channels) == form:
                yield _to_float(frame)


def _to_float(frame: Any) -> NDArray[np.float32]:
    """Return the samples of a frame of FFmpeg, between -1 and 1."""
    samples = frame.to_ndarray()
    samples = samples.T if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels)
    if samples.dtype.kind == "f":
        return np.asarray(samples, np.float32)
    middle = 128 if samples.dtype.kind == "u" else 0
    return np.asarray((samples.astype(np.float32) - np.float32(middle)) / np.float32(2.0 ** (8 * samples.itemsize - 1)))


def _join(blocks: Iterator[NDArray[np.float32]], *, long: bool) -> list[NDArray[np.float32]]:
    """Return the channels of blocks ``[n, channels]``, those of a long sound in files."""
    if not long:
        whole = list(blocks)
        return list((np.concatenate(whole) if len(whole) > 1 else whole[0]).T) if whole else []
    with contextlib.ExitStack() as stack:
        files: list[IO[bytes]] = []
        for block in blocks:
            files = files or [stack.enter_context(tempfile.TemporaryFile()) for _ in block.T]
            for file, channel in zip(files, block.T, strict=True):
                write_samples(file, [channel])
        return [map_samples(file) for file in files]


LOADERS: dict[str, Loader] = {
    "essentia": load_with_essentia,
    "libsndfile": load_with_sndfile,
    "ffmpeg": load_with_ffmpeg,
}
