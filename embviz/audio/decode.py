"""Decoding: which decoder reads a file, in which process, and what is said where none does.

Conventions: samples are float32 ``[n, channels]`` at the file's own rate.

No decoder runs in the process that asks (:mod:`embviz.audio.decoder_pool`), but in a worker of a batch, which is there
to be replaced. What the bytes show (:mod:`embviz.audio.sniff`) only decides which decoder is tried first.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from embviz.audio import decoder_process, decoders
from embviz.audio.decoder_pool import SIGKILL, SIGXCPU, ProcessEndedError, pool
from embviz.audio.decoders import DecodeRequest, describe_changes
from embviz.audio.facts import SoundFacts
from embviz.audio.loaders import RefusedError, usual_loaders
from embviz.audio.sniff import Inspection, Stretch, inspect_file
from embviz.core.processes import count_memory, limit_processor_time
from embviz.core.text import printable_name
from embviz.errors import AudioError, UndecodableError

if TYPE_CHECKING:
    from numpy.typing import NDArray


LONGEST_AT_ONCE = 1200.0  # seconds; longer tracks are decoded from file to file to bound the memory
SMALL = 4 << 20  # bytes; no file this small is long, at any bit rate that music has
MOST_STRETCHES = 32  # that are decoded each on its own
MOST_ENDS = 3  # of processes over one file
MOST_REMEMBERED = 10_000  # files
MEMORY = 2 << 30  # bytes that any file may take
SECONDS = 10.0  # of the processor's time that any file may take
PATIENCE = 20  # times that a busy machine may take longer
DELAY = 0.1  # seconds
EXPECTED = "mp3, ogg, opus, flac, wav, aiff, m4a and aac are expected."
NOT_AUDIO = f"cannot be decoded: it is not audio, is damaged, or has a codec that is not known here; {EXPECTED}"

_Attempt: TypeAlias = tuple[str, list[Stretch]]  # a decoder, and the parts that it decodes each on its own


class Decoded(NamedTuple):
    """Samples ``[n, channels]``, or ``[n]`` where they are a mix; their rate; and what was found out."""

    samples: NDArray[np.float32]
    rate: int
    facts: SoundFacts


class _Switch:
    """Whether this process is there to be replaced, so that decoders may run in it."""

    on = False


_expendable = _Switch()
_remembered: OrderedDict[tuple[object, ...], str | UndecodableError] = OrderedDict()


_check: ContextVar[Callable[[], object]] = ContextVar("embviz_check", default=lambda: None)


@contextlib.contextmanager
def cancellable(check: Callable[[], object]) -> Iterator[None]:
    """Have `check` called again and again while something is decoded inside; it may raise to cancel."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def decode_here() -> None:
    """Let decoders run in this process, which is there to be replaced where one ends it."""
    _expendable.on = True


def prepare() -> None:
    """Start what decodes, where it is not there yet, without waiting for it."""
    if not _expendable.on:
        pool.warm_up()


def decode(path: Path, *, first: str = "") -> Decoded:
    """Return all channels of a file; `first` is the decoder to be tried first, where it is known which reads it.

    Raises
    ------
    AudioError
        If the file cannot be read or is not audio.
    """
    return _decode(path, first, mix=False)


def decode_mix(path: Path, *, at: tuple[int, int] | None = None, exact: bool = True, first: str = "") -> Decoded:
    """Return the mix of all channels; with `at`, a rate and Essentia's resampleQuality, it is resampled on the way.

    `exact` says whether to the last bit as Essentia does, as in :func:`embviz.audio.samples.resample`.

    It takes less memory here than to decode the channels and to mix them then, and gives the same samples.
    """
    rate, quality = at or (None, 4)
    return _decode(path, first, mix=True, rate=rate, quality=quality, exact=exact)


def is_long(path: Path) -> bool:
    """Tell whether a file is so long that its samples lie in files, to bound the memory."""
    with _native_path(path) as plain:
        return _is_long(plain.stat().st_size, inspect_file(plain))


def _is_long(size: int, inspection: Inspection) -> bool:
    return size > SMALL and (inspection.claimed or 0) > LONGEST_AT_ONCE


def _decode(
    path: Path, first: str, *, mix: bool, rate: int | None = None, quality: int = 4, exact: bool = True
) -> Decoded:
    with _native_path(path) as plain:
        stat = plain.stat()
        stamp = str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino
        remembered = _remembered.get(stamp, first)
        if isinstance(remembered, UndecodableError):
            raise UndecodableError(str(remembered))  # a new one: the old one holds what it passed through
        prepare()
        inspection = inspect_file(plain)
        long = _is_long(stat.st_size, inspection)
        request = DecodeRequest(str(plain), printable_name(path), remembered, mix, rate, quality, exact, long)
        search = _Search(request, inspection, stat.st_size)
        try:
            decoded = search.run()
        except UndecodableError as error:
            _remember(stamp, error)
            raise
        _remember(stamp, decoded.facts.decoder)
        return decoded


def _remember(stamp: tuple[object, ...], verdict: str | UndecodableError) -> None:
    _remembered[stamp] = verdict
    if len(_remembered) > MOST_REMEMBERED:
        _remembered.popitem(last=False)


@contextlib.contextmanager
def _native_path(path: Path) -> Iterator[Path]:
    """Give a path that native code can take, and turn what goes wrong with it into one sentence."""
    try:
        with contextlib.ExitStack() as stack:
            try:
                str(path).encode()
            except UnicodeEncodeError:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="embviz-"))
                link = Path(folder) / "track"
                link.symlink_to(path.resolve())
                path = link
            yield path.absolute()
    except OSError as error:
        raise AudioError(f"{printable_name(path)!r} cannot be read: {error.strerror}.") from error


@dataclass
class _Search:
    """The search for a decoder that reads a file."""

    request: DecodeRequest
    inspection: Inspection
    size: int
    ends: list[int] = field(default_factory=list)

    def run(self) -> Decoded:
        """Return the sound as the first decoder gives it that reads all of the file, else as the one that reads most.

        A decoder that ended its process is tried once more: at once where the file looks sound, since another decoder
        gives other last bits, else after the others.
        """
        best: Decoded | None = None
        problem: AudioError | None = None
        attempts = self._attempts()
        while attempts:
            decoder, stretches = attempt = attempts.pop(0)
            try:
                found = self._try(replace(self.request, decoder=decoder, stretches=stretches))
            except RefusedError:
                continue
            except ProcessEndedError as error:
                attempts = self._attempts_after(attempt, attempts, error.signal)
                continue
            except AudioError as error:
                problem = problem or error
                continue
            if best is None or found.facts.seconds > best.facts.seconds + _tolerance(found.facts.seconds):
                best = found
            if not self._is_short(found.facts.seconds):
                break
        if best is not None:
            return best
        raise problem or self._error()

    def _attempts_after(self, ended: _Attempt, others: list[_Attempt], signal: int) -> list[_Attempt]:
        """Return what is still to be tried after an attempt that ended its process."""
        self.ends.append(signal)
        if len(self.ends) >= MOST_ENDS:
            return []
        if signal == SIGXCPU:
            return [attempt for attempt in others if attempt[0] != ended[0]]
        if len(self.ends) > 1 or self.inspection.verdict == "foreign":
            return others
        return [ended, *others] if self.inspection.verdict == "sound" else [*others, ended]

    def _attempts(self) -> list[_Attempt]:
        """Return decoders in the order in which they are tried, and the stretches that each decodes on its own."""
        seen = self.inspection
        if seen.verdict == "empty":
            raise UndecodableError(f"{self.request.title!r} is empty (0 bytes); copy or download it again.")
        order, odd = list(usual_loaders()), seen.verdict == "foreign" or seen.misfits
        if odd or seen.changes:
            order.sort(key=lambda decoder: decoder == "essentia")
        if self.request.decoder:
            order.sort(key=lambda decoder: decoder != self.request.decoder)
        if any(stretch.format.channels > 2 for stretch in seen.stretches):
            order = [decoder for decoder in order if decoder != "essentia"]
        whole: list[_Attempt] = [(decoder, []) for decoder in order]
        if not 1 < len(seen.stretches) <= MOST_STRETCHES:
            return whole
        # Parts are as Essentia likes them.
        order.sort(key=lambda decoder: (decoder == "essentia") == odd)
        apart = [(decoder, list(seen.stretches)) for decoder in order]
        return apart + whole if seen.changes else whole + apart

    def _try(self, request: DecodeRequest) -> Decoded:
        if _expendable.on and self.inspection.verdict == "sound":
            with limit_processor_time(self._seconds):
                channels, facts = decoders.decode(request)
            samples = _join(channels, request)
        else:
            samples, facts = self._ask(request)
        facts = replace(facts, claimed=self.inspection.claimed, note=self._note(facts))
        return Decoded(samples[:, 0] if request.mix else samples, request.rate or facts.sample_rate, facts)

    def _ask(self, request: DecodeRequest) -> tuple[NDArray[np.float32], SoundFacts]:
        """Have another process decode."""
        question = asdict(request) | {"seconds": self._seconds, "memory": self._memory}
        reply, file = pool.ask(question, PATIENCE * self._seconds, _check.get())
        if file is not None:
            with file:
                mapped = np.memmap(file, np.float32, "c", shape=tuple(reply["shape"]))
            return mapped, SoundFacts(**reply["facts"])
        if "problem" in reply:
            raise (UndecodableError if reply.get("final") else AudioError)(reply["problem"])
        raise RefusedError

    @property
    def _seconds(self) -> float:
        """Seconds of the processor's time that the file may take."""
        return SECONDS + 2e-6 * self.size + (self.inspection.claimed or 0) / 5

    @property
    def _memory(self) -> int:
        """Bytes that the file may take."""
        first = self.inspection.stretches[0].format if self.inspection.stretches else None
        claimed = self.inspection.claimed
        samples = claimed * first.rate * max(first.channels, 2) if claimed and first else 4 * self.size
        return int(min(MEMORY + 16 * samples, count_memory()))

    def _is_short(self, seconds: float) -> bool:
        claimed = self.inspection.claimed
        if claimed is None:
            return False
        # Each stream of a chain may claim the delays of its encoder.
        delays = min(DELAY * len(self.inspection.stretches), 0.05 * claimed)
        return seconds < claimed - _tolerance(claimed) - delays

    def _note(self, facts: SoundFacts) -> str:
        told = [stretch.seconds for stretch in self.inspection.stretches]
        changes = facts.note or describe_changes([stretch.format for stretch in self.inspection.stretches], told)
        notes = [changes] if changes else []
        if self._is_short(facts.seconds):
            notes.append(f"{facts.seconds:.1f} of {self.inspection.claimed:.1f} s could be decoded")
        return "; ".join(notes)

    def _error(self) -> AudioError:
        title, codec = repr(self.request.title), self.inspection.codec
        if any(signal <= 0 or signal == SIGKILL for signal in self.ends):  # not a crash of its own
            return AudioError(f"{title} cannot be decoded now: its decoder was ended, for want of memory perhaps.")
        if codec:
            return UndecodableError(f"{title} cannot be decoded: its codec is {codec}, not known here; {EXPECTED}")
        if self.inspection.channels > 2:
            return UndecodableError(
                f"{title} cannot be decoded: it has {self.inspection.channels} channels, and only one or two are "
                "known here of its codec; mix them to two."
            )
        if SIGXCPU in self.ends:
            return UndecodableError(f"{title} cannot be decoded: it is damaged, its decoder comes to no end.")
        if len(self.ends) > 1:
            return UndecodableError(f"{title} cannot be decoded: it is damaged, and ended its decoder twice.")
        return UndecodableError(f"{title} {NOT_AUDIO}")


def _join(channels: list[NDArray[np.float32]], request: DecodeRequest) -> NDArray[np.float32]:
    """Return channels ``[n, channels]``; those of a long track in a file, of which pages can be let go."""
    if len(channels) == 1 and request.mix:
        return channels[0][:, np.newaxis]
    if not request.long:
        return np.stack(channels, axis=1)
    with decoder_process.keep_samples(channels) as file:
        return np.memmap(file, np.float32, "c", shape=(len(channels[0]), len(channels)))


def _tolerance(seconds: float) -> float:
    """Return by how many seconds a sound may differ from what is claimed, as delays of encoders make it do."""
    return 0.5 + 1e-3 * seconds
