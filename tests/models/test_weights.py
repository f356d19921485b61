"""The weights store: real downloads from a local server and from a package index, and all that can go wrong."""

from __future__ import annotations

import hashlib
import http.server
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from architectures import random_yamnet

import embviz
from embviz.errors import OptionError, WeightsError
from embviz.models import CATALOGUE, Model, download, get_model, list_models, pull, weight_store, weights, wheels
from embviz.models.convert.nodes import serialise
from embviz.models.weights import find_weights, pull_all, weights_state

MUSICNN = ["msd-musicnn-1", "mtt-musicnn-1", "msd-vgg-1", "mtt-vgg-1"]


# A home of one's own, and graphs to put there. -----------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``EMBVIZ_HOME``."""
    monkeypatch.setenv("EMBVIZ_HOME", str(tmp_path / "home"))
    weight_store._checked.clear()
    download._outages.clear()
    return tmp_path / "home"


@pytest.fixture(scope="session")
def from_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the four models of the musicnn wheel, fetched with a real ``pip download``, once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("wheel")
        patch.setenv("EMBVIZ_HOME", str(folder))
        reports: list[tuple[str, int, int]] = []
        pulled = pull_all(MUSICNN, sources=["wheel"], progress=lambda *report: reports.append(report))
        for error in pulled.failed.values():
            raise error
        (folder / "reports.json").write_text(json.dumps(reports), encoding="utf-8")
        return folder


@pytest.fixture
def graph(from_wheel: Path) -> bytes:
    """The bytes of a real graph of msd-musicnn-1."""
    return (from_wheel / "data" / "models" / "msd-musicnn-1.pb").read_bytes()


def stored(home: Path, name: str) -> Path:
    return home / "data" / "models" / name


def leftovers(home: Path) -> list[str]:
    """Return what lies in the store beside graphs, notes and locks."""
    folder = home / "data" / "models"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [name for name in names if not re.fullmatch(r"[^.].*\.(pb|json)|\..*\.lock", name)]


# A server that can misbehave. ----------------------------------------------------------------------------------------


@dataclass
class Zoo:
    """What a local server gives, and what it was asked for."""

    content: bytes = b""
    etag: str = '"one"'
    faults: list[Callable[[http.server.BaseHTTPRequestHandler], None]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    address: str = ""

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.asked]


class Handler(http.server.BaseHTTPRequestHandler):
    zoo: Zoo

    def do_GET(self) -> None:
        self.zoo.asked.append((self.path, dict(self.headers)))
        if self.zoo.faults:
            self.zoo.faults.pop(0)(self)
            return
        send(self, self.zoo.content, start=start_asked(self))

    def log_message(self, *args: object) -> None:
        pass


def start_asked(handler: Any) -> int:
    if handler.headers.get("If-Range") != handler.zoo.etag:
        return 0
    return int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))


def send(
    handler: Any, content: bytes, *, start: int = 0, stop: int | None = None, kind: str = "application/octet-stream"
) -> None:
    """Answer with a file, or with its end; `stop` breaks the connection off before the promised end."""
    handler.send_response(206 if start else 200)
    handler.send_header("Content-Type", kind)
    handler.send_header("ETag", handler.zoo.etag)
    handler.send_header("Content-Length", str(len(content) - start))
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    handler.end_headers()
    handler.wfile.write(content[start:stop])
    handler.close_connection = True


def breaking_off_after(n: int) -> Callable[[Any], None]:
    """Give `n` bytes of what is asked for, then close the connection."""

    def answer(handler: Any) -> None:
        start = start_asked(handler)
        send(handler, handler.zoo.content, start=start, stop=start + n)

    return answer


def status(code: int) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


@pytest.fixture
def zoo(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zoo]:
    """A server on this computer in the place of Essentia's model site."""
    given = Zoo()
    handler = type("Bound", (Handler,), {"zoo": given})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    given.address = f"http://127.0.0.1:{server.server_port}/models/"
    monkeypatch.setattr(weights, "_zoo", download.Site(given.address, scheme="http://"))
    monkeypatch.setattr(download, "_FIRST_PAUSE", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield given
    server.shutdown()
    server.server_close()


@pytest.fixture
def model(graph: bytes) -> Model:
    """MusiCNN with only the zoo as a source, and the hash of the graph that the tests serve."""
    known = get_model("msd-musicnn-1")
    source = replace(known.sources[0], sha256=hashlib.sha256(graph).hexdigest())
    return replace(known, sources=(source,))


# The zoo. ------------------------------------------------------------------------------------------------------------


def test_a_graph_from_the_zoo(zoo: Zoo, home: Path, graph: bytes, model: Model):
    zoo.content = graph
    reports: list[tuple[str, int, int]] = []
    got = pull(model, progress=lambda *report: reports.append(report))
    assert got.path.read_bytes() == graph
    assert got.sha256 == hashlib.sha256(graph).hexdigest()
    assert got.source == "Essentia's model site: feature-extractors/musicnn/msd-musicnn-1.pb"
    assert zoo.asked[0][0] == "/models/feature-extractors/musicnn/msd-musicnn-1.pb"
    assert reports[0] == ("downloading msd-musicnn-1", 0, len(graph))
    assert reports[-1] == ("downloading msd-musicnn-1", len(graph), len(graph))
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)
    assert leftovers(home) == []
    assert find_weights("msd-musicnn-1") == got
    assert weights_state("msd-musicnn-1") == "ready"


def test_the_names_of_classes_come_with_a_graph_from_the_zoo(zoo: Zoo, home: Path):
    graph, described = serialise(random_yamnet()), {"classes": [f"sound {i}" for i in range(521)]}
    answers = [graph, json.dumps(described).encode()]
    zoo.faults = [lambda handler, answer=answer: send(handler, answer) for answer in answers]
    pull("yamnet")
    place = "/models/audio-event-recognition/yamnet/audioset-yamnet-1"
    assert [path for path, _ in zoo.asked] == [f"{place}.pb", f"{place}.json"]
    assert get_model("yamnet").layer("output").labels[520] == "sound 520"
    assert leftovers(home) == []
    pull("yamnet")
    assert len(zoo.asked) == 2


def test_a_graph_whose_description_is_missing_is_kept(zoo: Zoo, home: Path):
    zoo.faults = [lambda handler: send(handler, serialise(random_yamnet())), status(404)]
    with pytest.warns(UserWarning, match="stay without names. Essentia's model site does not have the file"):
        pull("yamnet")
    assert weights_state("yamnet") == "ready"
    assert get_model("yamnet").layer("output").labels == ()


def test_what_is_here_is_not_fetched_again(zoo: Zoo, graph: bytes, model: Model):
    zoo.content = graph
    assert pull(model) == pull(model)
    assert len(zoo.asked) == 1


def test_a_download_that_breaks_off_goes_on(zoo: Zoo, home: Path, graph: bytes, model: Model):
    zoo.content = graph
    zoo.faults = [breaking_off_after(1_000_000)]
    assert pull(model).path.read_bytes() == graph
    first, second = zoo.ranges
    assert first is None
    assert 900_000 < int(second[6:-1]) <= 1_000_000
    assert zoo.asked[1][1]["If-Range"] == '"one"'
    assert leftovers(home) == []


def test_a_download_goes_on_in_a_later_session(zoo: Zoo, home: Path, graph: bytes, model: Model):
    zoo.content = graph

    class Interrupted(BaseException):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        if done > 2_000_000:
            raise Interrupted

    with pytest.raises(Interrupted):
        pull(model, progress=stop)
    assert find_weights(model) is None
    assert weights_state(model) == "zoo"
    assert leftovers(home) == [".msd-musicnn-1.pb.part", ".msd-musicnn-1.pb.part.json"]
    have = stored(home, ".msd-musicnn-1.pb.part").stat().st_size
    assert pull(model).path.read_bytes() == graph
    assert zoo.ranges == [None, f"bytes={have}-"]
    assert leftovers(home) == []


def test_a_file_that_changed_meanwhile_is_fetched_anew(zoo: Zoo, home: Path, graph: bytes, model: Model):
    zoo.content, zoo.etag = graph, '"two"'
    part = stored(home, ".msd-musicnn-1.pb.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 5000)
    note = {"url": zoo.address + model.sources[0].location, "version": '"one"'}
    part.with_name(part.name + ".json").write_text(json.dumps(note), encoding="utf-8")
    assert pull(model).path.read_bytes() == graph
    assert zoo.ranges == ["bytes=5000-"]


@pytest.mark.parametrize("note", ["{", "[]", '{"url": "elsewhere", "version": "x"}', None])
def test_a_part_of_something_unknown_is_not_gone_on_with(
    zoo: Zoo, home: Path, graph: bytes, model: Model, note: str | None
):
    zoo.content = graph
    part = stored(home, ".msd-musicnn-1.pb.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 5000)
    if note is not None:
        part.with_name(part.name + ".json").write_text(note, encoding="utf-8")
    assert pull(model).path.read_bytes() == graph
    assert zoo.ranges == [None]


def test_a_range_that_cannot_be_given_starts_anew(zoo: Zoo, graph: bytes, model: Model):
    zoo.content = graph
    zoo.faults = [breaking_off_after(500_000), status(416)]
    assert pull(model).path.read_bytes() == graph
    assert [asked is None for asked in zoo.ranges] == [True, False, True]


def test_errors_of_the_server_are_tried_again(zoo: Zoo, graph: bytes, model: Model):
    zoo.content = graph
    zoo.faults = [status(503), status(429), status(500)]
    assert pull(model).path.read_bytes() == graph
    assert len(zoo.asked) == 4


def test_a_server_that_stays_broken_is_given_up_and_left_alone(zoo: Zoo, model: Model):
    zoo.faults = [status(503) for _ in range(20)]
    with pytest.raises(WeightsError, match="Essentia's model site answered with error 503"):
        pull(model)
    assert len(zoo.asked) == 4
    with pytest.raises(WeightsError, match="answered with error 503"):
        pull(model)
    assert len(zoo.asked) == 4


def test_a_missing_file_is_not_tried_again(zoo: Zoo, model: Model):
    zoo.faults = [status(404)]
    with pytest.raises(WeightsError, match=r"'msd-musicnn-1' could not be had: .*does not have the file") as caught:
        pull(model)
    assert len(zoo.asked) == 1
    assert "`embviz pull msd-musicnn-1` when online" in str(caught.value)
    assert "`embviz pull --from DIR`" in str(caught.value)


def test_a_download_that_brings_something_each_time_is_never_given_up(zoo: Zoo, graph: bytes, model: Model):
    zoo.content = graph
    zoo.faults = [breaking_off_after(400_000) for _ in range(6)]
    assert pull(model).path.read_bytes() == graph
    assert len(zoo.asked) == 7


def test_parts_that_do_not_fit_are_not_put_together(zoo: Zoo, graph: bytes, model: Model):
    zoo.content = graph

    def elsewhere(handler: Any) -> None:
        send(handler, graph, start=start_asked(handler) + 7)

    zoo.faults = [breaking_off_after(500_000), elsewhere]
    assert pull(model).path.read_bytes() == graph
    assert [asked is None for asked in zoo.ranges] == [True, False, True]


def test_a_file_with_another_hash_is_refused(zoo: Zoo, home: Path, graph: bytes, model: Model):
    zoo.content = graph[:-1] + b"\x00"
    with pytest.raises(WeightsError, match=r"sent a file with SHA-256 [0-9a-f]{64}, not the expected"):
        pull(model)
    assert leftovers(home) == []
    assert find_weights(model) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html>Not found</html>", "a web page"),
        (b"", "an empty file was found"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git-lfs pointer"),
        (b"\x08\x96\x01" * 100, "a frozen TensorFlow graph is expected|gave no frozen graph"),
    ],
)
def test_what_is_no_graph_is_refused(zoo: Zoo, home: Path, model: Model, content: bytes, message: str):
    unhashed = replace(model, sources=(replace(model.sources[0], sha256=""),))
    zoo.content = content
    with pytest.raises(WeightsError, match=message):
        pull(unhashed)
    assert leftovers(home) == []
    assert not list((home / "data" / "models").glob("*.pb"))


def test_a_truncated_file_is_refused(zoo: Zoo, model: Model, graph: bytes):
    unhashed = replace(model, sources=(replace(model.sources[0], sha256=""),))
    zoo.content = graph[:-1000]
    with pytest.raises(WeightsError, match="gave no frozen graph"):
        pull(unhashed)


def test_a_web_page_is_noticed_by_its_type(zoo: Zoo, model: Model):
    zoo.faults = [lambda handler: send(handler, b"<html>log in</html>", kind="text/html; charset=utf-8")]
    with pytest.raises(WeightsError, match="a web page instead of the file"):
        pull(model)


def test_another_network_is_refused(zoo: Zoo, from_wheel: Path, model: Model):
    unhashed = replace(model, sources=(replace(model.sources[0], sha256=""),))
    zoo.content = stored(from_wheel, "msd-vgg-1.pb").read_bytes()
    with pytest.raises(WeightsError, match=r"gave another network: it has 60.,... parameters, about 787,159"):
        pull(unhashed)
    tempo = replace(get_model("deeptemp-k4-3"))
    with pytest.raises(WeightsError, match="takes 'model/Placeholder', 'input' was expected"):
        pull(tempo)
    renamed = replace(model.layer("embedding"), nodes=("nowhere",))
    with pytest.raises(WeightsError, match="none of the nodes 'nowhere'"):
        pull(replace(unhashed, known_layers=(renamed,)))


def test_redirects_leave_the_scheme_for_nothing(zoo: Zoo, model: Model, graph: bytes):
    def elsewhere(handler: Any) -> None:
        handler.send_response(302)
        handler.send_header("Location", "ftp://127.0.0.1/graph.pb")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    zoo.faults = [elsewhere]
    with pytest.raises(WeightsError, match="redirects to an address without HTTPS"):
        pull(model)


def test_https_is_never_left(zoo: Zoo, monkeypatch: pytest.MonkeyPatch, model: Model):
    assert (download.ESSENTIA.base, download.ESSENTIA.scheme) == ("https://essentia.upf.edu/models/", "https://")
    with download._session(download.ESSENTIA) as session:
        assert list(session.adapters) == ["https://"]
    monkeypatch.setattr(weights, "_zoo", download.Site(zoo.address))
    with pytest.raises(WeightsError, match="without HTTPS"):
        pull(model)
    assert zoo.asked == []


def test_redirects_within_the_scheme_are_followed(zoo: Zoo, graph: bytes, model: Model):
    def there(handler: Any) -> None:
        handler.send_response(301)
        handler.send_header("Location", "/moved.pb")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    zoo.content, zoo.faults = graph, [there]
    assert pull(model).sha256 == hashlib.sha256(graph).hexdigest()
    assert zoo.asked[1][0] == "/moved.pb"


def test_a_file_far_too_large_is_not_even_begun(zoo: Zoo, model: Model):
    def huge(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 40))
        handler.end_headers()

    zoo.faults = [huge]
    with pytest.raises(WeightsError, match="far more than any model has"):
        pull(model)


def test_a_site_out_of_reach_costs_one_try(home: Path, monkeypatch: pytest.MonkeyPatch, model: Model):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(weights, "_zoo", download.Site("https://127.0.0.1:9/models/"))
    begun = time.monotonic()
    for _ in range(3):
        with pytest.raises(WeightsError, match=r"could not be reached \(no connection\)"):
            pull(model)
    assert time.monotonic() - begun < 3
    assert leftovers(home) == []


def test_a_site_that_never_answers_costs_seconds(home: Path, monkeypatch: pytest.MonkeyPatch, model: Model):
    import socket

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "_CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(download, "_FIRST_PAUSE", 0.01)
    with socket.socket() as silent:  # accepts, but says nothing: the TLS handshake waits
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setattr(weights, "_zoo", download.Site(f"https://127.0.0.1:{silent.getsockname()[1]}/models/"))
        begun = time.monotonic()
        for _ in range(2):
            with pytest.raises(WeightsError, match="could not be had: Essentia's model site"):
                pull(model)
        assert time.monotonic() - begun < 5


def test_a_proxy_is_taken_from_the_environment_and_never_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch, model: Model
):
    monkeypatch.setenv("HTTPS_PROXY", "http://somebody:secret@127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(WeightsError, match="could not be reached through the proxy") as caught:
        pull(model)
    assert "secret" not in str(caught.value)


def test_a_full_disk(zoo: Zoo, home: Path, graph: bytes, model: Model):
    if not Path("/dev/full").exists():
        pytest.fail("this test needs /dev/full")
    zoo.content = graph
    part = stored(home, ".msd-musicnn-1.pb.part")
    part.parent.mkdir(parents=True)

    # The part is made anew when a download begins, so the full disk comes in just before it is opened.
    original = download._write_note

    def note(path: Path, *rest: Any) -> None:
        original(path, *rest)
        path.symlink_to("/dev/full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download, "_write_note", note)
        with pytest.raises(WeightsError, match=r"The disk of .* is full: make room .*EMBVIZ_HOME"):
            pull(model)
    assert leftovers(home) == []
    assert pull(model).path.read_bytes() == graph


def test_a_folder_that_cannot_be_written(stick: Path):
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        top.chmod(0o755)
        shutil.copytree(stick, top / "stick")
        (top / "locked").mkdir(mode=0o555)
        shown = run_unprivileged(
            f"""
for folder in (None, {str(top / "stick")!r}):
    try:
        pull("musicnn", folder=folder)
    except WeightsError as error:
        print(error)
print(find_weights("musicnn"), weights_state("musicnn"))
""",
            home=top / "locked" / "home",
        )
    *errors, last = shown.splitlines()
    assert len(errors) == 2
    for error in errors:
        assert error.endswith(
            "which cannot be written to; the environment variable EMBVIZ_HOME can name another folder."
        )
    assert last == "None wheel"


def test_a_folder_of_graphs_that_cannot_be_read(stick: Path):
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        top.chmod(0o777)
        shutil.copytree(stick, top / "stick")
        (top / "stick" / "msd-vgg-1.pb").chmod(0)
        (top / "closed").mkdir(mode=0)
        shown = run_unprivileged(
            f"""
found = pull_all(folder={str(top / "stick")!r})
print(list(found.ready), found.failed["msd-vgg-1"])
try:
    pull_all(folder={str(top / "closed")!r})
except WeightsError as error:
    print(error)
""",
            home=top / "home",
        )
    first, second = shown.splitlines()
    assert first.startswith(
        "['msd-musicnn-1'] The weights of 'msd-vgg-1' could not be had: there is no 'msd-vgg-1.pb' to"
    )
    assert "(Permission denied)" in first
    assert second.endswith("cannot be read: Permission denied.")


def run_unprivileged(code: str, *, home: Path) -> str:
    """Run Python as somebody to whom permissions matter; root may write anywhere."""
    begin = """
import os, filelock, requests, embviz.inference.shapes, embviz.models.convert, tensorboard.compat.proto.graph_pb2
from embviz.errors import OptionError, WeightsError
from embviz.models import find_weights, pull, pull_all, weights_state
if os.geteuid() == 0:
    os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
"""
    environment = os.environ | {"EMBVIZ_HOME": str(home)}
    command = [sys.executable, "-c", begin + code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Wheels. -------------------------------------------------------------------------------------------------------------


def test_one_wheel_serves_all_that_need_it(from_wheel: Path):
    reports = json.loads((from_wheel / "reports.json").read_text(encoding="utf-8"))
    stages = list(dict.fromkeys(stage for stage, _, _ in reports))
    assert stages == ["downloading musicnn==0.1.0", *(f"converting {name}" for name in MUSICNN)]
    for stage in stages:
        assert [done for name, done, total in reports if name == stage][-1] == reports[
            max(i for i, report in enumerate(reports) if report[0] == stage)
        ][2]
    for name in MUSICNN:
        note = json.loads(stored(from_wheel, f"{name}.weights.json").read_text(encoding="utf-8"))
        data = stored(from_wheel, f"{name}.pb").read_bytes()
        assert note["source"] == "wheel musicnn==0.1.0"
        assert (note["sha256"], note["size"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert leftovers(from_wheel) == []


def test_graphs_can_be_read_by_others(from_wheel: Path):
    mask = os.umask(0)
    os.umask(mask)
    for name in ("msd-vgg-1.pb", "msd-vgg-1.weights.json"):
        assert stored(from_wheel, name).stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_wheel_of_another_hash_is_refused(home: Path):
    model = get_model("msd-musicnn-1")
    wrong = replace(model.sources[1], sha256="0" * 64)
    with pytest.raises(
        WeightsError, match=r"the wheel musicnn==0.1.0 arrived with a checksum other than the known one"
    ):
        pull(replace(model, sources=(wrong,)))
    assert leftovers(home) == []


def test_a_wheel_that_nobody_has(home: Path):
    model = get_model("msd-musicnn-1")
    missing = replace(model.sources[1], location="musicnn==99.0.0")
    with pytest.raises(WeightsError, match=r"the wheel musicnn==99.0.0 is not to be had from the package index"):
        pull(replace(model, sources=(missing,)))


def test_no_package_index(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://somebody:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(WeightsError, match=r"could not be downloaded: (no|the) package index") as caught:
        pull("musicnn", sources=["wheel"])
    assert "secret" not in str(caught.value)
    assert leftovers(home) == []


def test_the_zoo_failing_the_wheel_is_taken_and_all_failing_all_is_told(
    zoo: Zoo, home: Path, from_wheel: Path, monkeypatch: pytest.MonkeyPatch
):
    zoo.faults = [status(404), status(404)]

    def fetch(wheel: str, *_: Any) -> Path:
        raise WeightsError("could not be downloaded: no package index answers")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wheels, "fetch", fetch)
        with pytest.raises(WeightsError) as caught:
            pull("musicnn")
    assert str(caught.value) == (
        "The weights of 'msd-musicnn-1' could not be had: Essentia's model site does not have the file (any more); the "
        "wheel musicnn==0.1.0 could not be downloaded: no package index answers. Run `embviz pull msd-musicnn-1` when "
        "online, or copy msd-musicnn-1.pb from a computer that has it into a folder DIR and run `embviz pull --from "
        "DIR`."
    )
    assert pull("musicnn").source == "wheel musicnn==0.1.0"


def test_no_pip(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'python: No module named pip' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(WeightsError, match="cannot be downloaded without pip: run `python -m ensurepip`"):
        pull("tempocnn")
    monkeypatch.setattr(sys, "executable", None)
    with pytest.raises(WeightsError, match="this Python does not know its own program"):
        pull("tempocnn")


def test_a_pip_in_the_current_folder_is_not_run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "pip.py").write_text("raise SystemExit('the wrong pip ran')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match="is not to be had"):
        pull(
            replace(
                get_model("tempocnn"), sources=(replace(get_model("tempocnn").sources[0], location="x" * 3 + "==0"),)
            )
        )


def test_an_interrupted_pip_is_ended(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program, mark = tmp_path / "python", tmp_path / "alive"
    program.write_text(f"#!/bin/sh\necho $$ > {mark}\nexec sleep 60\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))

    def interrupt(*_: object) -> None:
        if mark.exists() and mark.read_text(encoding="utf-8").strip():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("tempocnn", progress=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text(encoding="utf-8")), 0)
    assert leftovers(home) == []


def wheel_with(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def test_only_the_wanted_members_leave_a_wheel_under_our_own_names(tmp_path: Path):
    wheel = wheel_with(
        tmp_path / "hostile.whl",
        {
            "package/model/../../../../evil.index": b"evil",
            "/etc/evil.index": b"evil",
            "package/model/sub/evil.index": b"evil",
            "package/model\\..\\evil.index": b"evil",
            "package/model/._net.index": b"evil",
            "package/model/checkpoint": b"evil",
            "package/model/evil.py": b"evil",
            "package/model/net.index": b"1",
            "package/model/net.meta": b"2",
            "package/model/net.data-00000-of-00001": b"3",
        },
    )
    folder = tmp_path / "deep" / "inside" / "out"
    assert wheels.unpack(wheel, "package/model", folder) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "model.index": b"1",
        "model.meta": b"2",
        "model.data-00000-of-00001": b"3",
    }
    assert not list(tmp_path.rglob("*evil*"))


def test_a_link_in_a_wheel_is_copied_as_its_text(tmp_path: Path):
    path = tmp_path / "link.whl"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("package/net.h5")
        link.external_attr = (0o120777 << 16) | 0o777
        archive.writestr(link, "/etc/passwd")
    out = wheels.unpack(path, "package/net.h5", tmp_path / "out")
    assert not out.is_symlink()
    assert out.read_bytes() == b"/etc/passwd"


def test_a_bomb_is_noticed_by_what_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wheels, "_LARGEST", 1 << 20)
    wheel = wheel_with(tmp_path / "bomb.whl", {"package/net.h5": b"\0" * (3 << 20)})
    assert wheel.stat().st_size < 10_000
    with pytest.raises(WeightsError, match="unpacks to far more"):
        wheels.unpack(wheel, "package/net.h5", tmp_path / "out")
    both = wheel_with(tmp_path / "two.whl", {f"p/m/net.{part}": b"\0" * (700 << 10) for part in ("index", "meta")})
    with pytest.raises(WeightsError, match="unpacks to far more"):
        wheels.unpack(both, "p/m", tmp_path / "out2")


def test_wheels_that_are_none(tmp_path: Path):
    page = tmp_path / "page.whl"
    page.write_text("<html>", encoding="utf-8")
    with pytest.raises(WeightsError, match="is no wheel that can be opened"):
        wheels.unpack(page, "package/net.h5", tmp_path / "out")
    whole = wheel_with(tmp_path / "whole.whl", {"package/net.h5": os.urandom(100_000)})
    data = bytearray(whole.read_bytes())
    data[5000] ^= 0xFF
    broken = tmp_path / "broken.whl"
    broken.write_bytes(data)
    with pytest.raises(WeightsError, match="is no wheel that can be opened"):
        wheels.unpack(broken, "package/net.h5", tmp_path / "out")
    with pytest.raises(WeightsError, match=r"has no package/other.h5 in it"):
        wheels.unpack(whole, "package/other.h5", tmp_path / "out")
    twice = wheel_with(tmp_path / "twice.whl", {"p/m/a.index": b"1", "p/m/b.index": b"2"})
    with pytest.raises(WeightsError, match="holds p/m twice over"):
        wheels.unpack(twice, "p/m", tmp_path / "out")


def test_a_checkpoint_that_cannot_be_converted(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = get_model("tempocnn")
    wheel = wheel_with(tmp_path / "bad.whl", {model.sources[0].member: b"no HDF5"})
    monkeypatch.setattr(wheels, "fetch", lambda *_: wheel)
    with pytest.raises(WeightsError, match=r"what is in the wheel tempocnn==0.0.8 cannot be converted: "):
        pull(model)
    assert leftovers(home) == []


# Folders. ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def stick(from_wheel: Path, tmp_path: Path) -> Path:
    """A folder of graphs, as a teacher carries it."""
    folder = tmp_path / "stick"
    folder.mkdir()
    for name in ("msd-musicnn-1", "msd-vgg-1"):
        shutil.copy(stored(from_wheel, f"{name}.pb"), folder)
    return folder


def test_a_folder_of_graphs(home: Path, stick: Path):
    (stick / "holiday.pb").write_bytes(b"x")
    pulled = pull_all(folder=stick)
    assert (sorted(pulled.ready), pulled.failed) == (["msd-musicnn-1", "msd-vgg-1"], {})
    assert {found.source for found in pulled.ready.values()} == {"a folder of graphs"}
    assert leftovers(home) == []
    shutil.rmtree(stick)
    assert find_weights("vgg") == pulled.ready["msd-vgg-1"]


def with_other_numbers(graph: bytes) -> bytes:
    """Return the graph of a tagger with another bias, as another training would give it."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    message = GraphDef.FromString(graph)
    bias = next(node for node in message.node if node.op == "Const" and node.name.endswith("dense/bias"))
    numbers = np.frombuffer(bias.attr["value"].tensor.tensor_content, np.float32) + np.float32(0.5)
    bias.attr["value"].tensor.tensor_content = numbers.tobytes()
    return bytes(message.SerializeToString())


@pytest.mark.filterwarnings("error")
def test_another_file_of_a_folder_is_left_out_with_a_word_and_taken_on_request(
    ready: Path, stick: Path, from_wheel: Path, graph: bytes
):
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000 * 4).astype(np.float32), 16_000
    before = embviz.embed(sound, "musicnn")
    pull("musicnn", folder=stick)  # the same file: nothing to say
    (stick / "msd-musicnn-1.pb").write_bytes(with_other_numbers(graph))
    left_out = r"msd-musicnn-1.pb' was left out: 'msd-musicnn-1' has other weights here already \(.*\)\. --replace, or"
    with pytest.warns(UserWarning, match=left_out):
        kept = pull("musicnn", folder=stick)
    assert kept.sha256 == hashlib.sha256(graph).hexdigest()
    assert np.array_equal(embviz.embed(sound, "musicnn").values, before.values)
    taken = pull("musicnn", folder=stick, replace=True)
    assert taken.sha256 == hashlib.sha256((stick / "msd-musicnn-1.pb").read_bytes()).hexdigest()
    assert find_weights("musicnn") == taken
    after = embviz.embed(sound, "musicnn")
    np.testing.assert_allclose(after.values, before.values + 0.5, atol=1e-4)
    (stick / "msd-musicnn-1.pb").write_bytes(b"no graph")
    with pytest.raises(WeightsError, match="gave no frozen graph"):
        pull("musicnn", folder=stick, replace=True)
    assert find_weights("musicnn") == taken  # what is here stays until the other is found good


def test_a_graph_that_does_not_run_is_not_taken(home: Path, stick: Path, graph: bytes):
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    message = GraphDef.FromString(graph)
    next(node for node in message.node if node.op == "MatMul").op = "Conv3D"
    (stick / "msd-musicnn-1.pb").write_bytes(message.SerializeToString())
    with pytest.raises(WeightsError, match=r"does not run: TensorFlow cannot run it: [^.]+\. `embviz pull") as caught:
        pull("musicnn", folder=stick)
    assert ".new" not in str(caught.value)


def test_what_is_here_is_fetched_anew_on_request(zoo: Zoo, graph: bytes, model: Model):
    zoo.content = graph
    first = pull(model)
    assert pull(model, replace=True) == first
    assert len(zoo.asked) == 2
    zoo.content = b"<html>"
    with pytest.raises(WeightsError):
        pull(model, replace=True)
    assert find_weights(model) == first


def test_unknown_kinds_of_sources(home: Path):
    for sources in ("wheel", ["pypi"], [3]):
        with pytest.raises(OptionError, match="a list of 'zoo' and 'wheel'"):
            pull("musicnn", sources=sources)


def test_a_folder_without_locks(home: Path, stick: Path, monkeypatch: pytest.MonkeyPatch):
    import filelock

    def none(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(filelock.FileLock, "_acquire", none)
    assert pull("musicnn", folder=stick) == find_weights("musicnn")


def test_a_folder_with_notes_keeps_where_graphs_came_from(home: Path, from_wheel: Path):
    pulled = pull_all(folder=str(from_wheel / "data" / "models"))
    assert sorted(pulled.ready) == sorted(MUSICNN)
    assert pulled.ready["msd-vgg-1"].source == "wheel musicnn==0.1.0"


def test_a_graph_that_was_damaged_on_its_way(home: Path, from_wheel: Path, stick: Path):
    shutil.copy(stored(from_wheel, "msd-vgg-1.weights.json"), stick)
    graph = bytearray((stick / "msd-vgg-1.pb").read_bytes())
    graph[len(graph) // 2] ^= 1  # one bit of a weight: still a graph
    (stick / "msd-vgg-1.pb").write_bytes(graph)
    pulled = pull_all(folder=stick)
    assert list(pulled.ready) == ["msd-musicnn-1"]
    assert re.search("has SHA-256 .* damaged on its way, copy it again", str(pulled.failed["msd-vgg-1"]))


def test_a_folder_without_the_wanted_graph(home: Path, stick: Path, tmp_path: Path):
    with pytest.raises(
        WeightsError, match=r"there is no 'audioset-vggish-3.pb' to read in .*gets them from the network instead"
    ):
        pull("vggish", folder=stick)
    with pytest.raises(WeightsError, match="no graph of a known model"):
        pull_all(folder=tmp_path / "stick" / "..")
    with pytest.raises(WeightsError, match="where there is none"):
        pull_all(folder=tmp_path / "nowhere")
    with pytest.raises(WeightsError, match="Name the models"):
        pull_all()


def test_what_is_no_graph_in_a_folder(home: Path, stick: Path):
    (stick / "msd-vgg-1.pb").write_text("<html>", encoding="utf-8")
    shutil.copy(stick / "msd-musicnn-1.pb", stick / "deepsquare-k8.pb")
    (stick / "deeptemp-k8.pb").write_bytes((stick / "msd-musicnn-1.pb").read_bytes()[:-5000])
    pulled = pull_all(folder=stick)
    assert list(pulled.ready) == ["msd-musicnn-1"]
    assert "'msd-vgg-1.pb' gave no frozen graph" in str(pulled.failed["msd-vgg-1"])
    assert "gave another network" in str(pulled.failed["deepsquare-k8"])
    assert "gave no frozen graph" in str(pulled.failed["deeptemp-k8"])
    assert leftovers(home) == []


# What is here. -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ready(home: Path, stick: Path) -> Path:
    """A home with MusiCNN in it; returns its graph."""
    return pull("musicnn", folder=stick).path


def flip(path: Path) -> None:
    """Change one bit and keep the size and the time."""
    before, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_changed_graph_is_never_used(ready: Path):
    flip(ready)
    weight_store._checked.clear()  # as in a new process
    with pytest.raises(
        WeightsError, match=r"changed since they were fetched: SHA-256 .* run `embviz pull msd-musicnn-1`"
    ):
        find_weights("musicnn")
    ready.write_bytes(ready.read_bytes() + b"x")
    for verify in (True, False):  # another size is reason enough to look
        with pytest.raises(WeightsError, match="They are not used"):
            find_weights("musicnn", verify=verify)


def test_a_graph_is_hashed_once_in_a_process(ready: Path, monkeypatch: pytest.MonkeyPatch):
    hashed: list[Path] = []
    original = weight_store.sha256_of
    monkeypatch.setattr(weight_store, "sha256_of", lambda path: hashed.append(path) or original(path))
    find_weights("musicnn")
    assert hashed == []  # checked when it landed
    weight_store._checked.clear()
    find_weights("musicnn", verify=False)
    assert hashed == []
    find_weights("musicnn")
    find_weights("musicnn")
    assert hashed == [ready]
    ready.touch()
    find_weights("musicnn")
    assert hashed == [ready, ready]


def test_a_changed_graph_is_mended_by_pulling(ready: Path, stick: Path, graph: bytes):
    flip(ready)
    weight_store._checked.clear()
    assert pull("musicnn", folder=stick).path.read_bytes() == graph
    assert find_weights("musicnn") is not None


def test_a_changed_graph_is_mended_by_pulling_from_the_zoo(ready: Path, zoo: Zoo, graph: bytes, model: Model):
    flip(ready)
    weight_store._checked.clear()
    zoo.content = graph
    assert pull(model).path.read_bytes() == graph


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '{"sha256": 1}', "\xff", "[" * 100_000])
def test_a_damaged_note(ready: Path, stick: Path, note: str):
    ready.with_name("msd-musicnn-1.weights.json").write_text(note, encoding="latin-1")
    with pytest.raises(WeightsError, match="which is damaged; run `embviz pull msd-musicnn-1`"):
        find_weights("musicnn")
    assert weights_state("musicnn") == "wheel"
    assert find_weights(pull("musicnn", folder=stick) and "musicnn") is not None


def test_a_graph_put_there_by_hand_is_taken_by_pulling(home: Path, stick: Path):
    by_hand = stored(home, "msd-musicnn-1.pb")
    by_hand.parent.mkdir(parents=True)
    shutil.copy(stick / "msd-musicnn-1.pb", by_hand)
    assert find_weights("musicnn") is None
    assert pull("musicnn", sources=[]).source == "the store, put there by hand"
    by_wrong_hand = stored(home, "msd-vgg-1.pb")
    by_wrong_hand.write_text("<html>", encoding="utf-8")
    with pytest.raises(WeightsError, match="no source was allowed"):
        pull("vgg", sources=[])


@pytest.fixture
def shared(from_wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shared home, copied without its times; returns its folder of graphs."""
    folder = tmp_path / "class" / "data" / "models"
    shutil.copytree(from_wheel / "data" / "models", folder, copy_function=shutil.copyfile)
    monkeypatch.setenv("EMBVIZ_SHARED", str(tmp_path / "class"))
    return folder


def test_weights_of_a_shared_home(home: Path, shared: Path, monkeypatch: pytest.MonkeyPatch):
    before = sorted(shared.iterdir())
    monkeypatch.setattr("embviz.inference.shapes._compute_shapes", None)  # TensorFlow is not asked again
    assert find_weights("musicnn", verify=False) == find_weights("musicnn")
    assert pull("musicnn").path == shared / "msd-musicnn-1.pb"  # nothing is fetched
    assert list_models().loc["msd-musicnn-1", "weights"] == "ready"
    assert get_model("musicnn").layers().set_index("name")["shape"]["embedding"] == (200,)
    assert sorted(shared.iterdir()) == before
    assert not home.exists()
    flip(shared / "msd-musicnn-1.pb")
    weight_store._checked.clear()
    assert find_weights("musicnn") is None  # passed over: nobody here can mend it


def test_what_is_not_known_of_a_shared_graph_is_kept_at_home(home: Path, shared: Path):
    for memo in shared.glob("*.shapes.json"):
        memo.write_text("[" * 100_000)
    assert get_model("musicnn").layers().set_index("name")["shape"]["embedding"] == (200,)
    assert [path.name for path in (home / "data" / "models").iterdir()] == ["msd-musicnn-1.shapes.json"]


def test_nothing_is_made_by_looking(home: Path):
    for model in CATALOGUE.values():
        assert find_weights(model) is None
        assert weights_state(model) in ("wheel", "zoo")
    assert not home.exists()


def test_a_note_without_its_graph(ready: Path):
    ready.unlink()
    assert find_weights("musicnn") is None
    assert weights_state("musicnn") == "wheel"


# At once. ------------------------------------------------------------------------------------------------------------


def pull_in_process(folder: str, home: str) -> str:
    os.environ["EMBVIZ_HOME"] = home
    return pull("musicnn", folder=folder).sha256


def test_two_processes_at_once(home: Path, stick: Path, graph: bytes):
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        found = pool.starmap(pull_in_process, [(str(stick), str(home))] * 6)
    assert set(found) == {hashlib.sha256(graph).hexdigest()}
    assert find_weights("musicnn") is not None
    assert leftovers(home) == []


def test_two_threads_share_one_download(zoo: Zoo, graph: bytes, model: Model):
    zoo.content = graph
    zoo.faults = [lambda handler: (time.sleep(0.3), send(handler, graph))]
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(pull(model))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert len(zoo.asked) == 1


def test_what_killed_processes_left_is_removed_after_a_day(home: Path, stick: Path):
    folder = home / "data" / "models"
    (folder / ".pull-old").mkdir(parents=True)
    (folder / ".pull-old" / "file").write_bytes(b"x")
    (folder / ".musicnn.0.new").write_bytes(b"x")
    (folder / ".pull-new").mkdir()
    long_ago = time.time() - 100_000
    for old in (".pull-old", ".musicnn.0.new"):
        os.utime(folder / old, (long_ago, long_ago))
    with weight_store.scratch_folder():
        pass
    assert leftovers(home) == [".pull-new"]
