"""The processes that decode: whatever happens to one, whoever asks gets the sound or one sentence."""

import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from embviz import Audio
from embviz.audio import decode as decode_module
from embviz.audio import decoder_pool, decoder_process
from embviz.audio.decoder_pool import DecoderPool, DecoderProcess, ProcessEndedError, pool
from embviz.errors import AudioError, UndecodableError

RATE = 44_100


def noise(path, seconds=1.0, seed=1):
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (int(seconds * RATE), 2)).astype(np.float32)
    soundfile.write(path, samples, RATE, **({"subtype": "FLOAT"} if path.suffix == ".wav" else {}))
    return samples


def flac_chain(folder):
    """Write two streams of FLAC behind each other, which Essentia never comes to an end with."""
    tone = 0.1 * np.sin(2 * np.pi * 440 / RATE * np.arange(RATE))
    soundfile.write(folder / "a.flac", np.stack([tone, tone], axis=1), RATE)
    soundfile.write(folder / "b.flac", tone, 16_000)
    (folder / "chain.flac").write_bytes((folder / "a.flac").read_bytes() + (folder / "b.flac").read_bytes())
    return folder / "chain.flac"


def run(code, *arguments, **options):
    """Run code in a fresh process that has to end by itself, quietly."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


def the_process():
    """The only process there is; those that other tests have left are ended."""
    with pool._changed:
        while len(pool._idle) > 1:
            pool._idle.pop(0).close()
        (process,) = pool._idle
    return process


def test_a_process_that_ended_is_replaced(tmp_path):
    samples = noise(tmp_path / "a.wav")
    Audio.open(tmp_path / "a.wav").mono(RATE)
    process = the_process()
    os.kill(process._process.pid, signal.SIGKILL)
    process._process.wait()
    assert np.array_equal(Audio.open(tmp_path / "a.wav").stereo(RATE), samples)
    assert the_process() is not process


def test_a_process_that_ends_over_a_file_is_replaced_once(tmp_path, monkeypatch):
    samples, asked = noise(tmp_path / "a.wav"), []

    def ask(process, question, *rest):
        asked.append(question["decoder"])
        if len(asked) == 1:
            os.kill(process._process.pid, signal.SIGKILL)
            process._process.wait()
        return real(process, question, *rest)

    real = DecoderProcess.ask
    monkeypatch.setattr(DecoderProcess, "ask", ask)
    audio = Audio.open(tmp_path / "a.wav")
    assert np.array_equal(audio.stereo(RATE), samples)
    assert asked == ["essentia", "essentia"]


def test_decoding_can_be_cancelled_while_it_lasts(tmp_path):
    noise(tmp_path / "a.wav")
    noise(tmp_path / "b.wav", seconds=0.5)
    assert Audio.open(tmp_path / "b.wav").duration == 0.5
    process = the_process()
    os.kill(process._process.pid, signal.SIGSTOP)  # so that it lasts
    asked = []

    def cancel():
        asked.append("whether to go on")
        if len(asked) == 2:
            raise CancelledError

    with pytest.raises(CancelledError), decode_module.cancellable(cancel):
        Audio.open(tmp_path / "a.wav").mono(16_000)
    assert len(asked) == 2
    assert not process.alive
    assert Audio.open(tmp_path / "a.wav").duration == 1.0


def test_a_file_that_ends_two_is_told_once_in_one_sentence(tmp_path, monkeypatch):
    noise(tmp_path / "a.wav")
    asked = []

    def ask(process, question, *_):
        asked.append(question["decoder"])
        process.close()
        raise ProcessEndedError(signal.SIGSEGV)

    monkeypatch.setattr(DecoderProcess, "ask", ask)
    for _ in range(2):
        with pytest.raises(UndecodableError, match=r"^'a.wav' cannot be decoded: it is damaged, and ended its decoder"):
            Audio.open(tmp_path / "a.wav").mono(16_000)
    assert asked == ["essentia", "essentia", "libsndfile"]
    monkeypatch.undo()
    noise(tmp_path / "a.wav", seconds=0.5)  # another file under the same name
    assert Audio.open(tmp_path / "a.wav").duration == 0.5


def test_a_decoder_that_never_returns_is_ended_by_its_share_of_the_processor(tmp_path, monkeypatch):
    monkeypatch.setattr(decode_module, "SECONDS", 0.5)
    monkeypatch.setattr(decode_module, "MOST_STRETCHES", 0)
    monkeypatch.setattr(decode_module._Search, "_attempts", lambda _: [("essentia", [])])
    with pytest.raises(AudioError, match="its decoder comes to no end"):
        Audio.open(flac_chain(tmp_path)).mono(16_000)
    monkeypatch.undo()
    assert Audio.open(tmp_path / "a.flac").duration == 1.0


def test_a_worker_of_a_batch_ends_where_a_decoder_never_returns(tmp_path):
    code = (
        "import sys; from embviz import Audio; from embviz.audio import decode\n"
        "decode.decode_here(); decode.SECONDS = 0.5\n"
        "decode.inspect_file = lambda path: decode.Inspection('sound')\n"
        "Audio.open(sys.argv[1]).mono(16_000)"
    )
    assert run(code, flac_chain(tmp_path)).returncode == -signal.SIGXCPU


def test_a_worker_of_a_batch_decodes_on_its_own(tmp_path):
    samples = noise(tmp_path / "a.wav")
    code = (
        "import sys, numpy; from embviz import Audio; from embviz.audio import decode, decoder_pool\n"
        "decode.decode_here(); audio = Audio.open(sys.argv[1])\n"
        "print(audio.facts.digest, float(audio.stereo(44_100).sum(dtype='f8')), len(decoder_pool.pool._idle))"
    )
    digest, total, processes = run(code, tmp_path / "a.wav").stdout.split()
    assert digest == Audio.open(tmp_path / "a.wav").facts.digest == Audio.open((samples, RATE)).facts.digest
    assert float(total) == float(samples.sum(dtype="f8"))
    assert processes == "0"


def test_threads_share_at_most_two_processes(tmp_path):
    expected = {}
    for seed in range(6):
        expected[seed] = noise(tmp_path / f"{seed}.wav", seed=seed)
    with ThreadPoolExecutor(6) as threads:
        found = threads.map(lambda seed: Audio.open(tmp_path / f"{seed}.wav").stereo(RATE), expected)
        assert all(np.array_equal(one, expected[seed]) for seed, one in enumerate(found))
    with pool._changed:
        assert 1 <= len(pool._idle) <= 2
        assert not pool._busy


FORK = """
print(Audio.open(path).duration, flush=True)
if not os.fork():
    assert Audio.open(path).duration == 1.0
    os._exit(0)
assert os.wait()[1] == 0
assert Audio.open(path).mono(44_100).any()
"""


def left_behind(*folders):
    """Return our files in folders for temporary ones."""
    return {path for folder in map(Path, folders) if folder.is_dir() for path in folder.glob("embviz*")}


@pytest.mark.parametrize(
    "body",
    [
        "print(Audio.open(path).duration)",
        "import asyncio\nasync def main(): print(Audio.open(path).duration)\nasyncio.run(main())",
        "import threading\nt = threading.Thread(target=lambda: print(Audio.open(path).duration)); t.start(); t.join()",
        FORK,
        "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(1) as p: print(*p.map(seconds, [path]))",
    ],
    ids=["script", "event loop", "thread", "fork", "forked workers"],
)
def test_it_works_wherever_python_runs_and_leaves_nothing(tmp_path, body):
    noise(tmp_path / "a.wav")
    (tmp_path / "numpy.py").write_text("raise SystemExit('taken for a library')")
    folders = (decoder_process.SHARED_MEMORY, tmp_path / "tmp")
    folders[1].mkdir()
    before = left_behind(*folders)
    code = (
        "import os, sys; path = sys.argv[1]; from embviz import Audio\n"
        f"def seconds(path): return Audio.open(path).duration\n{body}\n"
    )
    done = run(
        code, tmp_path / "a.wav", cwd=tmp_path, env=os.environ | {"PYTHONSAFEPATH": "1", "TMPDIR": str(folders[1])}
    )
    assert (done.stdout.split(), done.stderr, done.returncode) == (["1.0"], "", 0)
    assert left_behind(*folders) <= before


def test_its_end_is_that_of_the_process_that_asks(tmp_path):
    noise(tmp_path / "a.wav")
    code = (
        "import os, sys; from embviz import Audio; from embviz.audio.decoder_pool import pool\n"
        "Audio.open(sys.argv[1]).duration; print(pool._idle[0]._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    process = int(run(code, tmp_path / "a.wav").stdout)
    ended = threading.Event()
    while not ended.wait(0.05):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            ended.set()
        else:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                ended.set()


def test_an_interrupted_question_is_not_answered_to_the_next(tmp_path, monkeypatch):
    samples = noise(tmp_path / "a.wav")
    noise(tmp_path / "b.wav", seed=2)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(DecoderProcess, "_receive", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Audio.open(tmp_path / "b.wav").mono(16_000, keep=False)
    monkeypatch.undo()
    assert np.array_equal(Audio.open(tmp_path / "a.wav").stereo(RATE), samples)


def test_samples_go_to_the_disk_where_memory_has_no_room(tmp_path, monkeypatch):
    channels = [np.arange(10, dtype=np.float32), np.arange(10, 20, dtype=np.float32)]
    folders, real = [], decoder_process._write

    def write(folder, channels):
        folders.append(folder)
        if folder is not None:
            raise OSError(28, "No space left on device")
        return real(folder, channels)

    monkeypatch.setattr(decoder_process, "_write", write)
    monkeypatch.setattr(decoder_process, "SHARED_MEMORY", str(tmp_path))
    with decoder_process.keep_samples(channels) as file:
        file.seek(0)
        assert np.frombuffer(file.read(), np.float32).reshape(10, 2).T.tolist() == [c.tolist() for c in channels]
    assert folders == [str(tmp_path), None]


@pytest.fixture
def without_handing_on(monkeypatch):
    """Processes as on Windows, where neither sockets nor open files are handed to others; and without Essentia."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "without_essentia"))
    monkeypatch.setenv("EMBVIZ_TEST_WINDOWS", "1")
    monkeypatch.setattr("embviz.core.essentia.version", str)
    monkeypatch.setattr(decoder_pool, "PASSES_FILES", False)
    own = DecoderPool()
    monkeypatch.setattr(decode_module, "pool", own)
    yield own
    own.close()


def test_samples_come_through_a_port_where_nothing_is_handed_on(tmp_path, without_handing_on):
    samples = noise(tmp_path / "a.wav", seconds=20)
    assert np.array_equal(Audio.open(tmp_path / "a.wav").stereo(RATE), samples)
    [process] = without_handing_on._idle
    process._process.kill()
    process._process.wait()
    (tmp_path / "b.wav").write_bytes(b"no sound")
    with pytest.raises(UndecodableError, match="'b\\.wav' cannot be decoded"):
        Audio.open(tmp_path / "b.wav").mono(RATE)
    assert Audio.open(tmp_path / "a.wav").mono(16_000, keep=False).shape == (320_001,)


def test_nobody_but_the_process_that_was_started_is_let_in(tmp_path, without_handing_on):
    samples = noise(tmp_path / "a.wav")
    without_handing_on.warm_up()
    [process] = without_handing_on._idle
    with socket.create_connection(process._socket.getsockname()) as stranger:
        stranger.sendall(bytes(decoder_pool.SECRET))
        assert np.array_equal(Audio.open(tmp_path / "a.wav").stereo(RATE), samples)
        assert stranger.recv(1) == b""


def test_a_process_that_never_connects_is_given_up(without_handing_on, monkeypatch):
    monkeypatch.setattr(decoder_pool, "_CODE", "import sys; sys.exit(3)")
    with pytest.raises(ProcessEndedError) as error:
        without_handing_on.ask({}, 1.0)
    assert error.value.signal == -3


def test_a_pool_that_is_closed_says_so():
    own = DecoderPool()
    own.warm_up()
    own.close()
    with pytest.raises(AudioError, match="nothing is decoded any more"):
        own.ask({}, 1.0)


def test_want_of_memory_is_no_fault_of_the_file(tmp_path, monkeypatch):
    samples = noise(tmp_path / "a.wav", seconds=20.0)
    monkeypatch.setattr(decode_module._Search, "_memory", property(lambda _: 3 << 20))
    with pytest.raises(AudioError, match="There is not enough memory to decode") as error:
        Audio.open(tmp_path / "a.wav").mono(RATE)
    assert not isinstance(error.value, UndecodableError)
    monkeypatch.undo()
    assert np.array_equal(Audio.open(tmp_path / "a.wav").stereo(RATE), samples)


def test_a_process_that_the_system_ends_is_no_fault_of_the_file(tmp_path, monkeypatch):
    noise(tmp_path / "a.wav")

    def ask(process, *_):
        process.close()
        raise ProcessEndedError(signal.SIGKILL)

    monkeypatch.setattr(DecoderProcess, "ask", ask)
    with pytest.raises(AudioError, match="ended, for want of memory perhaps") as error:
        Audio.open(tmp_path / "a.wav").mono(16_000)
    assert not isinstance(error.value, UndecodableError)
    monkeypatch.undo()
    assert Audio.open(tmp_path / "a.wav").duration == 1.0


def test_while_one_waits_for_a_process_others_are_not_held_up(monkeypatch):
    """What is told of the waiting may itself wait, for a job that is about to ask the pool."""
    monkeypatch.setattr(decoder_pool, "MOST", 0)
    own = DecoderPool()

    def check() -> None:
        other = threading.Thread(target=own.close, daemon=True)
        other.start()
        other.join(10)
        assert not other.is_alive()

    with pytest.raises(AudioError, match="nothing is decoded any more"):
        own.ask({}, 1, check)
