"""The command ``cache``: info, verify, prune and clear."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from embviz.cli.console import format_size, json_option, print_json

if TYPE_CHECKING:
    from embviz.core.cache import Cache


def _bytes(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", value.strip().lower())
    if not match:
        raise click.BadParameter(f"{value!r} is not a size such as 500M or 2G.")
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2] or " "))


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """Look after the embeddings that are kept (alone: info)."""
    if context.invoked_subcommand is None:
        context.invoke(cache_info)


@cache.command("info")
@json_option
def cache_info(as_json: bool = False) -> None:
    """Print where the cache is and how much it holds."""
    info = _open_cache().info()
    if as_json:
        print_json(info)
        return
    held, limit = format_size(info["bytes"]), format_size(info["limit"])
    print(f"{info['folder']}: {info['entries']} entries, {held} of at most {limit}")
    for shared in info["shared"]:
        size = format_size(shared["bytes"] + shared["derived"] + shared["sounds"])
        print(f"{shared['folder']}, shared and only read: {shared['entries']} entries, {size} in all")
    if info["derived"]:
        what = "of vectors, neighbours and maps of collections, and of facts about sounds"
        print(f"{format_size(info['derived'])} {what}, of at most as much again.")
    if info["sounds"]:
        print(f"{format_size(info['sounds'])} of sound was made for browsers; embviz cache clear removes it, too.")
    if info["damaged"]:
        print(f"{info['damaged']} damaged entries were set aside; embviz cache prune removes them.")


@cache.command("verify")
@json_option
def cache_verify(as_json: bool) -> int:
    """Read every entry, and set the damaged ones aside; they will be computed again.

    The exit code is 1 if there were any.
    """
    damaged = [str(entry) for entry in _open_cache().verify()]
    if as_json:
        print_json({"damaged": damaged})
    elif damaged:
        print(*(f"damaged, set aside: {entry}" for entry in damaged), sep="\n")
    else:
        print("Every entry is whole.")
    return int(bool(damaged))


@cache.command("prune")
@click.option("--max-bytes", "limit", callback=_bytes, metavar="SIZE", help="Size to stay under, such as 500M or 2G.")
def cache_prune(limit: int | None) -> None:
    """Remove what was used longest ago, until the cache is within its limit."""
    store = _open_cache()
    freed = store.prune(limit)
    info = store.info()
    print(f"{format_size(freed)} removed, {format_size(info['bytes'] + info['derived'])} kept.")


@cache.command("clear")
def cache_clear() -> None:
    """Remove everything from the cache; weights are not touched."""
    print(f"{format_size(_open_cache().clear())} removed.")


def _open_cache() -> Cache:
    from embviz.core.cache import Cache

    return Cache()
