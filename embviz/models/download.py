"""Downloads from Essentia's model site: over HTTPS only, resumed, tried again, and given up quickly when out of reach.

A file arrives in a ``.part`` file beside its place; a note next to that says which version of the file it is a part
of, so that a later try goes on only with the same version. ``requests`` does the talking: it takes proxies and
certificates from the environment, and brings certificates where Python has none.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embviz.core.io import parse_json

if TYPE_CHECKING:
    import requests


_CONNECT_SECONDS = 3.05
_READ_SECONDS = 30.0
_TRIES = 4
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
_CHUNK = 1 << 16
_LARGEST_FILE = 1 << 30
#: Seconds for which a site that could not be reached is left alone; a network that comes back is noticed after that.
_OUTAGE_SECONDS = 300.0


class DownloadError(Exception):
    """A file could not be had from a site; the text is the reason, made to follow the site's name."""


class _RetryError(Exception):
    """The try failed in a way that another one may mend."""


@dataclass(frozen=True)
class Site:
    """A web site with files below a base address; `scheme` is the only one that is ever followed."""

    base: str
    scheme: str = "https://"


ESSENTIA = Site("https://essentia.upf.edu/models/")

_outages: dict[Site, tuple[float, str]] = {}


def download(site: Site, location: str, part: Path, report: Callable[[int, int], None]) -> None:
    """Fetch a file into `part`, going on where an earlier try stopped.

    Parameters
    ----------
    site : Site
        Where the file lies.
    location : str
        Path below the site's base.
    part : path
        File to write; what it holds is kept when the download fails, so that it can go on later.
    report : callable
        Given bytes done and bytes in all (0 where the site does not say).

    Raises
    ------
    DownloadError
        With the reason.
    OSError
        If `part` cannot be written.
    """
    import requests

    since, reason = _outages.get(site, (float("-inf"), ""))
    if time.monotonic() - since < _OUTAGE_SECONDS:
        raise DownloadError(reason)
    failures, before = 0, _size(part)
    with _session(site) as session:
        while True:
            try:
                _try_once(session, site.base + location, part, report)
                return
            except _RetryError as error:
                # Only tries that brought nothing count: a long download over a bad line comes to its end.
                failures = failures + 1 if _size(part) <= before else 1
                before = _size(part)
                if failures >= _TRIES:
                    raise _mark_outage(site, str(error)) from error
                longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (failures - 1))
                time.sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries, guards nothing
            except requests.exceptions.ConnectionError as error:
                raise _mark_outage(site, _reason(error)) from error


def _session(site: Site) -> requests.Session:
    import requests

    session = requests.Session()
    # Without an adapter for any other scheme no redirect can leave it.
    adapter = session.get_adapter("https://")
    session.adapters.clear()
    session.mount(site.scheme, adapter)
    return session


def _try_once(session: requests.Session, url: str, part: Path, report: Callable[[int, int], None]) -> None:
    import requests

    version = _read_version(part, url)
    have = _size(part) if version else 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "embviz"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    try:
        timeout = (_CONNECT_SECONDS, _READ_SECONDS)
        with session.get(url, headers=headers, stream=True, timeout=timeout) as answer:
            total = _check_answer(answer, part, have)
            _receive(answer, url, part, have if answer.status_code == 206 else 0, total, report)
    except (requests.exceptions.ReadTimeout, requests.exceptions.ChunkedEncodingError) as error:
        raise _RetryError("stopped sending") from error
    except requests.exceptions.ConnectionError as error:
        if _was_connected(error):
            raise _RetryError("broke off the connection") from error
        raise
    except requests.exceptions.InvalidSchema as error:
        raise DownloadError("redirects to an address without HTTPS, which is not followed") from error
    except requests.exceptions.RequestException as error:
        raise DownloadError(f"could not be asked ({type(error).__name__})") from error


def _check_answer(answer: requests.Response, part: Path, have: int) -> int:
    """Return the bytes of the whole file (0: not said); raise where the answer is not (a part of) the file."""
    status = answer.status_code
    if status == 416:
        discard(part)
        raise _RetryError("did not accept where the download was to go on")
    if status in (408, 425, 429) or status >= 500:
        raise _RetryError(f"answered with error {status}")
    if status in (404, 410):
        raise DownloadError("does not have the file (any more)")
    if status not in (200, 206):
        raise DownloadError(f"answered with error {status}")
    if "html" in answer.headers.get("Content-Type", ""):
        raise DownloadError("answered with a web page instead of the file (a log-in page of the network, perhaps)")
    length = int(found) if (found := answer.headers.get("Content-Length", "")).isdigit() else 0
    if status == 206:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        if span is None or int(span[1]) != have:
            discard(part)
            raise _RetryError("went on at another place than asked for")
        length = int(span[2])
    if length > _LARGEST_FILE:
        raise DownloadError(f"announced {length} bytes, far more than any model has")
    return 0 if answer.headers.get("Content-Encoding", "identity") != "identity" else length


def _receive(
    answer: requests.Response, url: str, part: Path, start: int, total: int, report: Callable[[int, int], None]
) -> None:
    if not start:
        discard(part)
        _write_note(part, url, answer)
    done = start
    report(done, total)
    with part.open("ab") as file:
        for block in answer.iter_content(_CHUNK):
            file.write(block)
            done += len(block)
            if done > _LARGEST_FILE:
                raise DownloadError("sent far more bytes than any model has")
            report(done, total)
    if total and done != total:
        if done > total:
            discard(part)
        raise _RetryError(f"stopped after {done} of {total} bytes")


def _note_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _write_note(part: Path, url: str, answer: requests.Response) -> None:
    etag = answer.headers.get("ETag", "")
    # If-Range takes no weak tags.
    version = etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")
    part.parent.mkdir(parents=True, exist_ok=True)
    _note_path(part).write_text(json.dumps({"url": url, "version": version}), encoding="utf-8")


def _read_version(part: Path, url: str) -> str:
    """Return the version that `part` is a part of; empty where nothing can go on."""
    try:
        note: Any = parse_json(_note_path(part).read_bytes())
        return str(note["version"]) if note["url"] == url else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def discard(part: Path) -> None:
    """Remove a part and its note."""
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def _size(part: Path) -> int:
    with contextlib.suppress(OSError):
        return part.stat().st_size
    return 0


def _mark_outage(site: Site, reason: str) -> DownloadError:
    _outages[site] = (time.monotonic(), reason)
    return DownloadError(reason)


def _was_connected(error: Exception) -> bool:
    """Whether a connection stood and was lost; anything else never stood."""
    from requests import exceptions
    from urllib3.exceptions import MaxRetryError

    if isinstance(error, (exceptions.ProxyError, exceptions.SSLError, exceptions.ConnectTimeout)):
        return False
    return not (error.args and isinstance(error.args[0], MaxRetryError))


def _reason(error: Exception) -> str:
    """Say why there was no connection; the exception's own text may hold addresses and passwords of proxies."""
    import requests

    if isinstance(error, requests.exceptions.ProxyError):
        return "could not be reached through the proxy"
    if isinstance(error, requests.exceptions.SSLError):
        return "could not prove who it is (TLS certificate)"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"did not answer within {_CONNECT_SECONDS:.0f} seconds"
    return "could not be reached (no connection)"
