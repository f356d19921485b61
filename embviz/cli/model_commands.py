"""Commands for models and their weights: ``models``, ``heads``, ``pull``, ``register`` and ``cite``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embviz.cli.console import PATH, json_option, print_json, print_table, say

if TYPE_CHECKING:
    from embviz.heads import Head
    from embviz.models import Weights


@click.command()
@json_option
def models(as_json: bool) -> None:
    """List the models, and whether their weights are here."""
    from embviz.models import list_models

    frame = list_models().reset_index()
    if as_json:
        print(frame.to_json(orient="records", indent=2, force_ascii=False))
        return
    if sys.stdout.isatty():
        frame = frame[["name", "task", "dimensions", "weights"]]
    for column in {"parameters", "dimensions"} & set(frame):  # 0 is what only the weights could tell
        frame[column] = frame[column].astype(object).where(frame[column] > 0, "")
    print_table([str(column) for column in frame.columns], frame.itertuples(index=False))


@click.command()
@click.option("--task", help="Only the heads for this task, such as mood_sad.")
@click.option("--model", help="Only the heads for this extractor.")
@json_option
def heads(task: str | None, model: str | None, *, as_json: bool) -> None:
    """List the heads, Essentia's and your own, and whether they are here."""
    from embviz.heads import list_heads

    frame = list_heads(task=task, model=model).reset_index()
    if as_json:
        print(frame.to_json(orient="records", indent=2, force_ascii=False))
        return
    shown = ["name", "model", "classes", "weights", "extractor"] if sys.stdout.isatty() else list(frame.columns)
    frame = frame.astype({"classes": object}).fillna({"classes": ""})[shown]
    print_table([str(column) for column in frame.columns], frame.itertuples(index=False))


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every model of the catalogue.")
@click.option("--default", is_flag=True, help="The models of the poster; the same as no model at all.")
@click.option("--from", "folder", type=PATH, help="Take the .pb files of this folder, and .json of heads.")
@click.option("--replace", is_flag=True, help="Get weights that are here already anew, such as another file of --from.")
@json_option
def pull(
    names: tuple[str, ...], *, everything: bool, default: bool, folder: Path | None, replace: bool, as_json: bool
) -> int:
    """Get the weights of models, or Essentia's heads.

    They are verified, and kept in the data folder; what is there already stays, unless --replace. A head is named as
    its file, mood_sad-msd-musicnn-1. Without a name: the six models of the poster, or, with --from, all that the folder
    has. OpenL3 and VGGish are published on Essentia's site
    only: where that cannot be reached, the default is content without them.
    """
    from embviz.heads import Head
    from embviz.heads.weights import pull_all
    from embviz.models import CATALOGUE, get_model
    from embviz.models.catalogue import POSTER

    if (bool(names) + everything + default) > 1:
        raise click.UsageError("Name models, or say --all, or --default: one of these.")
    wanted = None if folder and not default else POSTER
    chosen = names or (CATALOGUE if everything else wanted)
    ready, failed = pull_all(chosen, folder=folder, replace=replace, progress=True)
    for error in failed.values():
        say(error)
    for found in ready.values():
        if isinstance(found, Head) and "note" in found.facts:
            say(f"{found.name}: {found.facts['note']}")
    if as_json:
        print_json([_pulled_facts(name, found) for name, found in ready.items()])
    else:
        for name, found in ready.items():
            if isinstance(found, Head):
                print(f"{name}: a head on {found.model} / {found.layer} ({found.facts['source']})")
            elif get_model(name).identity:
                print(f"{name}: a function, without weights")
            else:
                print(f"{name}: {found.path} ({found.source})")
    if names or everything or folder:
        return int(bool(failed))
    on_site_only = {name for name in failed if {source.kind for source in get_model(name).sources} == {"zoo"}}
    return int(bool(failed.keys() - on_site_only))


def _pulled_facts(name: str, found: Weights | Head) -> dict[str, Any]:
    from embviz.heads import Head

    if isinstance(found, Head):
        return {"head": name, "model": found.model, "layer": found.layer, **found.facts}
    return {"model": name, "file": str(found.path), "sha256": found.sha256, "source": found.source}


@click.command()
@click.argument("graph", type=PATH)
@click.argument("metadata", type=PATH, required=False)
@click.option("--name", help="Name to register it under; that of the file by default.")
@click.option("--frontend", help="Of a model: the front-end it was trained with.")
@click.option("--embedding", help="Of a model: the node of its embeddings.")
@click.option("--model", help="Of a head: the model whose embeddings it takes.")
@click.option("--layer", help="Of a head: the layer of that model.")
@click.option("--input", "source", metavar="NODE", help="The node that takes what goes in.")
@click.option("--output", "target", metavar="NODE", help="The node of the output.")
@click.option("--label", "labels", multiple=True, help="Name of a value of the output; repeated for each, in order.")
@json_option
def register(graph: Path, metadata: Path | None, *, as_json: bool, **options: Any) -> None:
    """Add a model or a classification head of your own.

    GRAPH is a frozen TensorFlow graph (.pb), METADATA Essentia's description of it, by default the .json file beside
    it. It is a head where the metadata name TensorflowPredict2D, or --model or --layer say what it listens to. Nodes
    that neither the metadata nor these options name are found where the graph leaves one choice; NODE:1 is the second
    result of a node.
    """
    from embviz.heads import register_head
    from embviz.models import register_model
    from embviz.models.metadata import get_mapping, get_text, read_metadata

    nodes = {"name": options["name"], "input": options["source"], "output": options["target"]}
    labels = list(options["labels"]) or None
    algorithm = get_text(get_mapping(read_metadata(graph, metadata), "inference"), "algorithm")
    if algorithm == "TensorflowPredict2D" or options["model"] or options["layer"] or graph.suffix != ".pb":
        _refuse_options(options, "a head", ("frontend", "embedding"))
        head = register_head(graph, metadata, model=options["model"], layer=options["layer"], classes=labels, **nodes)
        facts: dict[str, Any] = {"kind": "head", "name": head.name, "model": head.model, "layer": head.layer}
        facts |= {"values": head.dimensions, "classes": list(head.classes), "note": head.facts.get("note", "")}
        sentence = f"{head.name}: a head on {head.model} / {head.layer}, {len(head.classes)} classes"
    else:
        frontend, embedding = options["frontend"], options["embedding"]
        added = register_model(graph, metadata, frontend=frontend, embedding=embedding, labels=labels, **nodes)
        facts = {"kind": "model", "name": added.name, "dimensions": added.dimensions, "note": added.note}
        facts["layers"] = [layer.name for layer in added.known_layers]
        sentence = f"{added.name}: a model, {added.dimensions} values; its layers are {', '.join(facts['layers'])}"
    if as_json:
        print_json(facts)
        return
    print(sentence)
    if facts["note"]:
        say(facts["note"])


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def cite(names: tuple[str, ...]) -> None:
    """Print what is to be cited, as BibTeX.

    NAME is a model, a head or its task, or a method of projection (umap, tsne, pacmap). Without any, it is what every
    result of embviz rests on.
    """
    from embviz.app.citations import cite as cite_names

    print(cite_names(*names))


def _refuse_options(options: dict[str, Any], what: str, names: tuple[str, ...]) -> None:
    if given := [f"--{name}" for name in names if options[name] is not None]:
        raise click.UsageError(f"Of a model only: {', '.join(given)}; {what} was found.")
