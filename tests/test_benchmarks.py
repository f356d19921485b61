"""The benchmarks: the documentation shows what they found, and they measure side by side."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from itertools import count
from types import SimpleNamespace

import pytest
from onnx import TensorProto, helper

import benchmarks
from benchmarks import __main__ as command
from benchmarks import matrix_limit
from benchmarks.measuring import NotMeasured, Options, Process, figure_of, interleave, run_fresh
from benchmarks.tables import Figure, Table, fill, headline, load_results, markdown, summary, to_json

FOLDER = benchmarks.ROOT / "benchmarks"


def tiny(options: Options) -> list[Table]:
    """Measure next to nothing."""
    found = interleave({"one": lambda: 1.0, "two": lambda: 2.0}, options.count(3))
    table = Table("tiny", ["", "one", "two", "two / one"], f"{options.count(3)} rounds")
    table.rows["a | b"] = [found.figure("one"), found.figure("two"), found.ratio("two", "one")]
    return [table]


@pytest.fixture
def tiny_benchmark(monkeypatch, tmp_path):
    """A benchmark of its own, whose results and documents lie elsewhere."""
    monkeypatch.setitem(sys.modules, "benchmarks.tiny", SimpleNamespace(measure=tiny))
    monkeypatch.setattr(command, "NAMES", ("tiny",))
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(command, "describe_machine", lambda: "two cores of a machine")


# Documents. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "table"), list(zip(benchmarks.DOCUMENTS, ("summary", "extraction", "classroom"), strict=True))
)
def test_documents_show_what_was_measured(name, table):
    text = (benchmarks.ROOT / name).read_text(encoding="utf-8")
    assert text == fill(text, load_results(benchmarks.RESULTS)), "run `python -m benchmarks --readme`"
    assert f"<!-- benchmarks:{table} -->" in text


def test_the_short_table_is_made_of_the_full_ones():
    results = load_results(benchmarks.RESULTS)
    short = summary(results)
    assert len(short["rows"]) == 6, "a benchmark has other rows or columns than the short table takes"
    full = results["extraction"]
    cells = dict(zip(full["columns"][1:], full["rows"]["MusiCNN"], strict=True))
    assert short["rows"]["MusiCNN, a minute of audio"] == [cells["recipe"], cells["`onnx`"], cells["recipe / `onnx`"]]
    measured_later = {"extraction": full | {"date": "2100-01-01"}, "dense_hop": results["dense_hop"]}
    short = summary(measured_later)
    assert len(short["rows"]) == 4
    assert short["date"] == f"2100-01-01, {results['dense_hop']['date']}"
    assert summary({}) is None


def test_every_table_says_where_and_when_it_was_measured():
    results = load_results(benchmarks.RESULTS)
    assert results
    for name, table in results.items():
        assert name.partition("-")[0] in benchmarks.NAMES
        assert all(table[key] for key in ("machine", "version", "date", "note")), name
        assert all(len(cells) == len(table["columns"]) - 1 for cells in table["rows"].values()), name


def test_a_table_is_written_between_its_marks():
    table = Table("speed", ["", "a", "b"], "one run")
    table.rows["x"] = [Figure(0.01234, "s"), Figure(2.5, "×", 2.25, 3.0)]
    table.rows["y"] = ["not here", None]
    results = {"speed": to_json(table) | {"machine": "M", "version": "1", "date": "2020-01-01"}}
    text = "before\n<!-- benchmarks:speed -->\nold\n<!-- /benchmarks -->\nafter\n"
    filled = fill(text, json.loads(json.dumps(results)))
    assert "| x | 12.3 ms | 2.50 × (2.25–3.00) |\n| y | not here | – |" in filled
    assert "*one run. M; embviz 1, 2020-01-01.*" in filled
    assert "old" not in filled
    assert filled.startswith("before\n")
    assert filled.endswith("after\n")
    assert fill(filled, results) == filled
    assert "Not measured yet" in fill(text, {})


def test_documents_have_reasons_below_their_tables_and_no_earlier_commit():
    reason = "This is a sentence that says why there is no figure."
    table = Table("speed", ["", "a", "b", "before / `b`"], "one run")
    table.rows["x"] = [Figure(0.01234, "s"), reason, Figure(2.5, "×")]
    table.rows["before"] = [Figure(1, "s"), None, None]
    results = {"speed": to_json(table) | {"machine": "M", "version": "1", "date": "2020-01-01"}}
    filled = fill("<!-- benchmarks:speed -->\n<!-- /benchmarks -->", results)
    assert f"|  | a | b |\n| --- | --- | --- |\n| x | 12.3 ms | – |\n\nMissing (–): {reason}\n\n*one run." in filled
    assert "before" not in filled


def test_the_headline_is_made_of_the_short_table():
    results = load_results(benchmarks.RESULTS)
    said = headline(results)
    for row in ("MusiCNN, a minute of audio", "these three with their outputs, a minute of audio"):
        ratio = Figure(**summary(results)["rows"][row][2])
        assert f"{Figure(ratio.value)} times" in said
    assert not headline({"extraction": results["extraction"]})


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(0, "s"), "0 ms"),
        (Figure(1.3304, "s"), "1.33 s"),
        (Figure(384.4, "s"), "384 s"),
        (Figure(0.00041, "s"), "0.410 ms"),
        (Figure(3.5e9, "B"), "3.50 GB"),
        (Figure(402e6, "B"), "402 MB"),
        (Figure(12_300, "B"), "12.3 kB"),
        (Figure(1_234_567), "1,234,567"),
        (Figure(61.26, "%"), "61.3 %"),
        (Figure(0.9923), "0.992"),
    ],
)
def test_figures_have_three_digits_and_their_unit(figure, text):
    assert str(figure) == text


# Measuring. ----------------------------------------------------------------------------------------------------------


def test_ways_take_turns_and_the_first_round_does_not_count():
    calls, clock = [], count(1)

    def way(name):
        return lambda: calls.append(name) or float(next(clock))

    found = interleave({"a": way("a"), "b": way("b"), "c": way("c")}, 2)
    assert "".join(calls) == "abcbcacab"
    assert found.seconds == {"a": [6, 8], "b": [4, 9], "c": [5, 7]}
    assert found.ratio("a", "b") == Figure((6 / 4 + 8 / 9) / 2, "×", 8 / 9, 6 / 4)
    assert found.figure("c", 10) == Figure(60, "s", 50, 70)
    assert found.speed("c", 35, "h/min") == Figure(6, "h/min", 5, 7)


def test_a_way_that_cannot_be_measured_says_why_and_the_others_go_on():
    def missing():
        raise NotMeasured("no such engine")

    found = interleave({"here": lambda: 1.0, "missing": missing}, 3)
    assert found.figure("missing") == "no such engine"
    assert found.ratio("here", "missing") is None
    assert found.seconds["here"] == [1, 1, 1]
    assert figure_of([2.0], "s") == Figure(2.0, "s")


def test_a_process_answers_and_survives_what_fails():
    with Process() as process:
        assert process.call("benchmarks.machine:matrix_product", seconds=0.0) == 0
        with pytest.raises(NotMeasured, match="no attribute 'nothing'"):
            process.call("benchmarks.machine:nothing")
        with pytest.raises(NotMeasured, match="the process ended with 3"):
            process.call("os:_exit", status=3)


def test_a_fresh_process_is_measured_whole():
    run = run_fresh("benchmarks.machine:matrix_product", seconds=0.2)
    assert run.result > 0
    assert run.seconds > 0.2
    assert run.processor > 0
    assert run.peak > 10_000_000


def test_work_is_counted_with_the_shapes_that_are_fed():
    float32 = TensorProto.FLOAT
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["y"], pads=[0, 1, 0, 1]),
        helper.make_node("Flatten", ["y"], ["flat"]),
        helper.make_node("MatMul", ["flat", "dense"], ["z"]),
    ]
    constants = [
        helper.make_tensor("kernel", float32, [5, 2, 1, 3], [0.0] * 30),
        helper.make_tensor("dense", float32, [120, 7], [0.0] * 840),
    ]
    given = [helper.make_tensor_value_info("x", float32, ["n", 2, 4, 6])]
    graph = helper.make_graph(nodes, "g", given, [helper.make_tensor_value_info("z", float32, None)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    of_one = 2e-9 * (5 * 4 * 6 * 2 * 3 + 120 * 7)
    assert matrix_limit.count_work(model.SerializeToString(), (("x", (3, 2, 4, 6)),)) == pytest.approx(3 * of_one)


# The command. --------------------------------------------------------------------------------------------------------


def test_every_benchmark_is_a_module_that_describes_itself():
    for name in benchmarks.NAMES:
        tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
        assert "measure" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert command.describe(name).endswith(".")


def test_the_command_lists_what_there_is_and_refuses_what_there_is_not():
    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], cwd=benchmarks.ROOT, capture_output=True, text=True, check=False)  # fmt: skip # noqa: E501

    listed = run("--list")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(benchmarks.NAMES)
    unknown = run("nothing")
    assert unknown.returncode == 2
    assert "there is no benchmark 'nothing'" in unknown.stderr


@pytest.mark.usefixtures("tiny_benchmark")
def test_results_are_kept_beside_others_and_shown_in_documents(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "DOCUMENTS", ("README.md",))
    kept = tmp_path / "results.json"
    kept.write_text('{"other": {"columns": []}}', encoding="utf-8")
    (tmp_path / "README.md").write_text("<!-- benchmarks:tiny -->\n<!-- /benchmarks -->\n", encoding="utf-8")
    assert command.main(["tiny", "--readme", "--json", str(tmp_path / "own.json")]) == 0
    results = load_results(kept)
    assert set(results) == {"other", "tiny"}
    assert load_results(tmp_path / "own.json") == {"tiny": results["tiny"]}
    assert results["tiny"]["rows"]["a | b"][2] == {"value": 2, "unit": "×", "low": 2, "high": 2}
    assert results["tiny"]["machine"].startswith("two cores of a machine")
    shown = markdown(results["tiny"])
    assert "2.00 × (2.00–2.00)" in shown
    assert shown in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert shown in capsys.readouterr().out


@pytest.mark.usefixtures("tiny_benchmark")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rounds", "0"], "--rounds is at least 1, 0 was found"),
        (["--before", "nowhere"], "--before is a folder with the package embviz in it, 'nowhere' was found"),
        (["--quick", "--readme"], "--quick measures nothing that README could show"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(arguments, sentence, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("tiny_benchmark")
def test_a_benchmark_that_cannot_run_says_why(monkeypatch, capsys):
    def measure(_options):
        raise NotMeasured("Dask is not installed")

    monkeypatch.setattr(sys.modules["benchmarks.tiny"], "measure", measure)
    assert command.main([]) == 1
    assert "Not measured: Dask is not installed." in capsys.readouterr().out
