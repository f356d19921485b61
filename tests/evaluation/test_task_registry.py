"""The downstream tasks as data, and the layouts in which their datasets are distributed."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from embviz.audio.decode import decode
from embviz.collection import Collection
from embviz.core.text import LONGEST_LINE
from embviz.errors import CollectionError, OptionError
from embviz.evaluation import dataset_loaders, get_task, list_tasks
from embviz.evaluation.task import Task
from embviz.evaluation.task_registry import ALIASES, TASKS, published_scores
from embviz.models import CATALOGUE

HOSTILE = "<script>alert(1)</script> \u202edesrever\u2066 'it\"s' \U0001f3b8"
ORDER = [
    "dortmund", "gtzan", "rosamerica",
    "acoustic", "aggressive", "electronic", "happy", "party", "relaxed", "sad",
    "voice_instrumental", "tonal_atonal", "gender", "danceability", "fs_loop_ds", "urbansound8k",
]  # fmt: skip
COLUMNS = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]


def sound(path, number=0):
    """Write a tenth of a second of noise, another one for each number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(number).normal(0, 0.1, 800)
    soundfile.write(path, noise.astype("float32"), 8000, **({"format": "AU"} if path.suffix == ".au" else {}))
    return path


def sounds(folder, *names):
    for number, name in enumerate(names):
        sound(folder / name, number)
    return folder


def load(task, folder, **options):
    return get_task(task).load(folder, cache=False, progress=False, **options)


def said(collection):
    return " ".join(collection.notes)


def classes(collection, task):
    return dict(zip(collection.table["name"], collection.table[task], strict=True))


# The catalogue. ----------------------------------------------------------------------------------------------------


def test_the_sixteen_tasks_stand_in_the_posters_order():
    assert list(TASKS) == ORDER
    assert all(task.name == name == task.target for name, task in TASKS.items())
    assert [task.kind for task in TASKS.values()] == ["genre"] * 3 + ["mood"] * 7 + ["other"] * 6


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_what_is_said_of_a_task_agrees_with_itself(task):
    assert len(task.classes) == len(set(task.classes)) >= 2
    assert all((task.title, task.audio, task.source, task.licence))
    assert set(task.class_sizes) <= set(task.classes)
    if len(task.class_sizes) == len(task.classes):
        assert sum(task.class_sizes.values()) == task.size
    assert set(task.spellings) <= set(task.classes)
    assert task.layout in dataset_loaders.EXPECTED
    assert len(task.note) <= LONGEST_LINE  # a collection shows no more of it


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_no_spelling_means_two_classes(task):
    spelt = [(name, other) for name in task.classes for other in (name, *task.spellings.get(name, ()))]
    assert all(task.class_of(other) == name for name, other in spelt)


def test_the_labels_of_mtg_jamendos_annotations_are_understood():
    labels = {
        "rosamerica": "classic, dance, hip hop, jazz, pop, rhythm and blues, rock, speech",
        "gtzan": "blues, classic, country, disco, hip hop, jazz, metal, pop, reggae, rock",
        "dortmund": "alternative, blues, electronic, folkcountry, funksoulrnb, jazz, pop, raphiphop, rock",
        "danceability": "danceable, non danceable",
        **{name: f"{name}, non {name}" for name, task in TASKS.items() if task.kind == "mood"},
    }
    for name, jamendos in labels.items():
        assert tuple(get_task(name).class_of(label) for label in jamendos.split(", ")) == get_task(name).classes
    assert get_task("sad").class_of("unmatched") == ""
    assert get_task("sad").class_of(float("nan")) == ""


def test_published_scores_are_of_known_models():
    table = published_scores()
    assert list(table.columns) == ["task", "model", "accuracy", "source", "note"]
    assert set(table["model"]) == {"msd-musicnn-1", "mtt-musicnn-1", "audioset-vggish-3"} <= set(CATALOGUE)
    assert table["accuracy"].between(0, 1).all()
    assert (table.groupby("task").size() == 3).all()
    assert set(ORDER) - set(table["task"]) == {"fs_loop_ds", "urbansound8k"}
    assert table["source"].all()


def test_the_degenerate_score_is_kept_with_a_remark():
    table = published_scores().set_index(["task", "model"])
    assert table.loc[("tonal_atonal", "msd-musicnn-1"), "accuracy"] == 0.60
    assert "guessing" in table.loc[("tonal_atonal", "msd-musicnn-1"), "note"]
    assert (table["note"] != "").sum() == 1


def test_loaders_are_mirdatas_own():
    mirdata = pytest.importorskip("mirdata")
    named = {task.mirdata for task in TASKS.values()} - {""}
    assert named == {"gtzan_genre"} <= set(mirdata.list_datasets())


@pytest.mark.parametrize(
    ("name", "task"),
    [("genre_tzanetakis", "gtzan"), ("mood_electronic", "electronic"), ("FS-Loop-DS", "fs_loop_ds"),
     ("voice/instrumental", "voice_instrumental"), ("UrbanSound8K", "urbansound8k"), (TASKS["sad"], "sad")],
)  # fmt: skip
def test_tasks_have_other_names(name, task):
    assert get_task(name) is TASKS[task]
    assert set(ALIASES.values()) <= set(TASKS)


@pytest.mark.parametrize(
    ("name", "message"),
    [("gtsan", "Did you mean 'gtzan'"), ("zzzzzz", r"There is no task 'zzzzzz'\. list_tasks"), (3, "int was found"),
     ("genre_electronic", "five genres of electronic music are none of the 16 tasks")],
)  # fmt: skip
def test_unknown_tasks_are_refused(name, message):
    with pytest.raises(OptionError, match=message):
        get_task(name)


def test_tasks_are_listed():
    table = list_tasks()
    assert list(table.index) == ORDER
    assert list(table.columns) == ["title", "kind", "classes", "tracks", "audio", "licence", "published", "model"]
    assert table.loc["gtzan", ["classes", "tracks", "published", "model"]].tolist() == [
        10, 1000, 0.86, "audioset-vggish-3",
    ]  # fmt: skip
    assert pd.isna(table.loc["urbansound8k", "published"])
    assert list(list_tasks(kind="genre").index) == ORDER[:3]
    with pytest.raises(OptionError, match="genre, mood, other are expected"):
        list_tasks(kind="moods")


def test_a_task_describes_itself():
    text = repr(get_task("urbansound8k"))
    assert "gun_shot (374)" in text
    assert "fold (folds), fsID (groups)" in text
    assert "no scores that are known here" in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_hostile_names_are_shown_as_text():
    task = Task(HOSTILE, HOSTILE, "other", (HOSTILE, "b"), 2, HOSTILE, HOSTILE)
    shown = task._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


# Class folders. ----------------------------------------------------------------------------------------------------


def test_gtzan_is_read_from_its_genre_folders(tmp_path):
    names = [f"genres/{genre}/{genre}.{n:05d}.{'au' if n else 'wav'}"
             for genre in get_task("gtzan").classes for n in range(2)]  # fmt: skip
    folder = sounds(tmp_path, *names)
    (folder / "genres/jazz/jazz.00054.wav").write_bytes(bytes(range(256)) * 20)
    (folder / "genres/jazz/._jazz.00001.wav").write_bytes(b"of a Mac")
    collection = load("gtzan", folder)
    assert isinstance(collection, Collection)
    assert len(collection) == 21
    assert collection.table["gtzan"].value_counts().to_dict() == {
        **dict.fromkeys(get_task("gtzan").classes, 2), "jazz": 3,
    }  # fmt: skip
    [broken] = collection.table.index[collection.table["problem"] != ""]
    assert collection.table.loc[broken, "name"].endswith("jazz.00054.wav")
    au = collection.table["path"][collection.table["name"] == "blues/blues.00001.au"].item()
    assert decode(Path(au))[0].shape == (800, 1)
    assert "Sturm 2013" in said(collection)
    assert "found in 'genres'" in said(collection)
    assert "Published scores are of 1,000 tracks; here are 21." in collection.notes
    assert "There is no track" not in said(collection)


@pytest.mark.parametrize(
    ("task", "folders", "labels"),
    [("happy", ["Happy", "NOT HAPPY"], ["happy", "non_happy"]),
     ("aggressive", ["aggressive", "non-aggressive"], ["aggressive", "not_aggressive"]),
     ("danceability", ["danceable", "non_danceable"], ["danceable", "not_danceable"]),
     ("gtzan", ["Hip-Hop", "cla"], ["hiphop", "classical"]),
     ("rosamerica", ["rhythm and blues", "Hip Hop"], ["rnb", "hiphop"]),
     ("dortmund", ["folk country", "Funk-Soul-RnB"], ["folkcountry", "funksoulrnb"])],
)  # fmt: skip
def test_names_of_folders_may_be_spelt_otherwise(tmp_path, task, folders, labels):
    collection = load(task, sounds(tmp_path, *(f"{folder}/a.wav" for folder in folders)))
    assert classes(collection, task) == {
        f"{folder}/a.wav": label for folder, label in zip(folders, labels, strict=True)
    }


def test_the_inner_folder_says_the_class(tmp_path):
    collection = load("electronic", sounds(tmp_path, "electronic/electronic/a.wav", "electronic/not_electronic/b.wav"))
    assert sorted(collection.table["electronic"]) == ["electronic", "non_electronic"]
    assert "1 sound in a class folder inside another one" in said(collection)


def test_what_is_odd_about_folders_is_said(tmp_path):
    folder = sounds(tmp_path, "train/sad/a.wav", "test/non_sad/deep/b.wav", "sda/c.wav", "d.wav", "sad.wav")
    collection = load("sad", folder)
    assert classes(collection, "sad") == {"train/sad/a.wav": "sad", "test/non_sad/deep/b.wav": "non_sad"}
    assert "stand in 2 places ('test', 'train')" in said(collection)
    assert "3 sounds in no class folder" in said(collection)


def test_a_misspelt_folder_is_pointed_out(tmp_path):
    notes = said(load("gtzan", sounds(tmp_path, "rock/a.wav", "clasical/b.wav")))
    assert "such as those in 'clasical': left out. Did you mean 'classical'?" in notes
    assert "There is no track of blues, classical, country" in notes


def test_links_are_followed_only_when_asked(tmp_path):
    sounds(tmp_path / "elsewhere", "sad/a.wav")
    folder = sounds(tmp_path / "data", "non_sad/b.wav")
    (folder / "sad").symlink_to(tmp_path / "elsewhere" / "sad", target_is_directory=True)
    (folder / "non_sad" / "loop").symlink_to(folder, target_is_directory=True)
    collection = load("sad", folder)
    assert collection.table["sad"].tolist() == ["non_sad"]
    assert "2 links to folders not followed" in said(collection)
    assert sorted(load("sad", folder, follow_links=True).table["sad"]) == ["non_sad", "sad"]


def test_hostile_file_names_stay_text(tmp_path):
    folder = sounds(tmp_path, "sad/~root.wav", "sad/file:/a.wav", "non_sad/" + HOSTILE.replace("/", "") + ".wav")
    sound(folder / "sad" / "x.wav", 9).rename(folder / "sad" / os.fsdecode(b"\xff.wav"))
    collection = load("sad", folder)
    assert collection.table["problem"].tolist() == [""] * 4
    assert "\u202e" not in collection._repr_html_()
    assert "<script" not in collection._repr_html_()


def test_the_folder_of_one_class_and_an_archive_are_recognised(tmp_path):
    sound(tmp_path / "genres/rock/a.wav")
    with pytest.raises(
        CollectionError, match=r"it is itself called as a class is; there are no folders and 1 file, such"
    ):
        load("gtzan", tmp_path / "genres" / "rock")
    (tmp_path / "empty" / "rock").mkdir(parents=True)
    with pytest.raises(
        CollectionError, match=r"there is the folder 'rock'; there is no sound below it \(files ending in .mp3, "
    ):
        load("gtzan", tmp_path / "empty")
    (tmp_path / "empty" / "rock").rmdir()
    (tmp_path / "empty" / "genres.tar.gz").write_bytes(b"packed")
    with pytest.raises(CollectionError, match=r"there are no folders and 1 file, such as 'genres.tar.gz'; there is no"):
        load("gtzan", tmp_path / "empty")


def test_labels_survive_looking_again(tmp_path):
    collection = load("sad", sounds(tmp_path, "sad/a.wav", "non_sad/b.wav"))
    assert collection.refresh().table["sad"].tolist() == collection.table["sad"].tolist()
    assert collection.query("sad == 'sad'").refresh().table["sad"].tolist() == ["sad"]


@pytest.mark.parametrize("task", ["gtzan", "urbansound8k", "fs_loop_ds"])
def test_a_wrong_folder_is_refused_in_one_sentence(tmp_path, task):
    with pytest.raises(CollectionError, match=r"there is nothing that can be read; .*name the folder"):
        load(task, tmp_path)
    sounds(tmp_path, "some/a.wav", "other/b.wav")
    with pytest.raises(
        CollectionError, match=r"is expected as .+; in .+, there .*are the folders 'other', 'some'.*; name"
    ):
        load(task, tmp_path)
    with pytest.raises(CollectionError, match="is not there; check the path"):
        load(task, tmp_path / "nowhere")
    with pytest.raises(CollectionError, match="is a file; unpack an archive first"):
        load(task, tmp_path / "some" / "a.wav")
    for odd in (None, 3, "a\0b"):
        with pytest.raises(CollectionError, match="folder"):
            load(task, odd)


# UrbanSound8K. -----------------------------------------------------------------------------------------------------


def urban(folder, rows, *, table="metadata/UrbanSound8K.csv", audio="audio", columns=COLUMNS, encoding="utf-8"):
    """Write a small UrbanSound8K; rows are (fsID, class, slice, fold)."""
    lines = []
    for recording, number, cut, fold in rows:
        name = f"{recording}-{number}-0-{cut}.wav"
        lines.append([name, recording, 0.0, 0.1, 1, fold, number, get_task("urbansound8k").classes[number]])
        sound(folder / audio / f"fold{fold}" / name, len(lines))
    return listed(folder, lines, table=table, columns=columns, encoding=encoding)


def listed(folder, lines, *, table="metadata/UrbanSound8K.csv", columns=COLUMNS, encoding="utf-8"):
    (folder / table).parent.mkdir(parents=True, exist_ok=True)
    with (folder / table).open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([columns, *lines])
    return folder


TEN = [(100 + fold, fold % 10, 0, fold) for fold in range(1, 11)]


@pytest.mark.parametrize(
    ("table", "audio", "encoding"),
    [("metadata/UrbanSound8K.csv", "audio", "utf-8"), ("UrbanSound8K.csv", ".", "utf-8-sig"),
     ("UrbanSound8K/metadata/UrbanSound8k.csv", "UrbanSound8K/audio", "utf-8")],
)  # fmt: skip
def test_urbansound8k_keeps_its_ten_folds(tmp_path, table, audio, encoding):
    collection = load("urbansound8k", urban(tmp_path, TEN, table=table, audio=audio, encoding=encoding))
    task = get_task("urbansound8k")
    assert collection.table[task.folds].tolist() == list(range(1, 11))
    assert collection.table[task.groups].tolist() == [row[0] for row in TEN]
    assert collection.table[task.target].tolist() == [task.classes[row[1]] for row in TEN]
    assert (collection.table["problem"] == "").all()
    assert collection.notes == (task.note,)


def test_urbansound8ks_missing_files_stay_with_their_problem(tmp_path):
    folder = urban(tmp_path, TEN)
    (folder / "audio/fold3/103-3-0-0.wav").unlink()
    collection = load("urbansound8k", folder)
    assert len(collection) == 10
    assert (collection.table["problem"] != "").sum() == 1
    assert "1 of 10 sounds in the table cannot be found, such as 'fold3/103-3-0-0.wav'" in said(collection)


def test_odd_rows_of_urbansound8k_are_left_out_and_counted(tmp_path):
    folder = urban(tmp_path, TEN[:3])
    lines = list(csv.reader((folder / "metadata/UrbanSound8K.csv").open()))[1:]
    outside = sound(tmp_path / "outside.wav")
    odd = [
        ["../../outside.wav", 1, 0, 1, 1, 1, 0, "siren"],
        [str(outside), 1, 0, 1, 1, 1, 0, "siren"],
        ["..", 1, 0, 1, 1, 1, 0, "siren"],
        ["", 1, 0, 1, 1, 1, 0, "siren"],
        ["a.wav", 1, 0, 1, 1, 11, 0, "siren"],
        ["a.wav", 1, 0, 1, 1, "../..", 0, "siren"],
        ["a.wav", 1, 0, 1, 1, 1.5, 0, "siren"],
        ["a.wav", 1, 0, 1, 1, "", 0, "siren"],
        ["a.wav", 1, 0, 1, 1, 1, 0, HOSTILE],
        ["a\0b.wav", 1, 0, 1, 1, 1, 0, "siren"],
        lines[0],
    ]
    collection = load("urbansound8k", listed(folder, [*lines, *odd]))
    assert len(collection) == 3
    notes = said(collection)
    assert "3 rows left out, such as '../../outside.wav': a name of a file in the fold's folder is expected" in notes
    assert "2 rows left out, such as '..': no name of a file" in notes
    assert "4 rows left out, such as 'a.wav': the fold is a number from 1 to 10" in notes
    assert "1 row left out, such as 'a.wav': no class of UrbanSound8K" in notes
    assert "1 row of the table with a file that stood there before" in notes
    assert "no sound in the folds 4, 5, 6, 7, 8, 9, 10" in notes


def test_names_that_no_file_can_have_are_problems(tmp_path):
    line = ["a" * 5000 + ".wav", 1, 0, 1, 1, 1, 0, "siren"]
    folder = urban(tmp_path, TEN)
    lines = list(csv.reader((folder / "metadata/UrbanSound8K.csv").open()))[1:]
    collection = load("urbansound8k", listed(folder, [*lines, line]))
    assert collection.table["problem"].ne("").tolist() == [False] * 10 + [True]
    assert "1 of 11 sounds in the table cannot be found" in said(collection)


def test_recordings_torn_apart_are_pointed_out(tmp_path):
    notes = said(load("urbansound8k", urban(tmp_path, [*TEN, (101, 1, 1, 2)])))
    assert "Sounds of 1 recording stand in several folds, such as those of 101" in notes


def test_broken_tables_of_urbansound8k_are_refused(tmp_path):
    folder = urban(tmp_path / "a", TEN[:2], columns=[*COLUMNS[:5], "part", *COLUMNS[6:]])
    with pytest.raises(
        CollectionError, match=r"expected to have the columns .*; there is no 'fold'; take the table as"
    ):
        load("urbansound8k", folder)
    with pytest.raises(CollectionError, match="no rows"):
        load("urbansound8k", listed(tmp_path / "b", []))
    line = ["a.wav", 1, 0, 1, 1, 1, 0, "siren"]
    with pytest.raises(CollectionError, match="names 1 usable file, and none of them is in"):
        load("urbansound8k", listed(tmp_path / "c", [line]))
    with pytest.raises(CollectionError, match="no row of its table is usable"):
        load("urbansound8k", listed(tmp_path / "d", [[*line[:7], "trumpet"]]))
    with pytest.raises(CollectionError, match="UTF-8"):
        load("urbansound8k", listed(tmp_path / "e", [[*line[:7], "é"]], encoding="utf-16"))
    table = tmp_path / "c" / "metadata" / "UrbanSound8K.csv"
    with table.open("r+b") as file:
        file.truncate(65 << 20)
    with pytest.raises(CollectionError, match="as a file of at most 64 MB, something else was found"):
        load("urbansound8k", tmp_path / "c")
    table.unlink()
    os.mkfifo(table)
    with pytest.raises(CollectionError, match="as a file of at most 64 MB, something else was found"):
        load("urbansound8k", tmp_path / "c")


# The Freesound Loop Dataset. ---------------------------------------------------------------------------------------

ROLES = ("bass", "chords", "fx", "melody", "percussion", "vocal")


def annotate(folder, annotator, number, *roles, **told):
    place = folder / annotator / f"sound-{number}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    plays = {role: role in roles for role in ROLES}
    place.write_text(json.dumps({"instrumentation": plays, "discard": False, "bpm": "120", **told}))
    return place


@pytest.mark.parametrize(("audio", "notes"), [("audio/wav", "annotations"), ("FSL10K/audio/wav", "annotations"),
                                              ("FSL10K/audio/wav", "FSL10K/annotations")])  # fmt: skip
def test_loops_have_the_role_that_all_annotators_name(tmp_path, audio, notes):
    for number in range(1, 11):
        sound(tmp_path / audio / f"{number}_{number // 3 + 50}.wav.wav", number)
    for number, role in enumerate(("bass", "chords", "fx", "melody", "percussion"), start=1):
        annotate(tmp_path / notes, "ann", number, role)
    annotate(tmp_path / notes, "bob", 1, "bass")
    annotate(tmp_path / notes, "bob", 2, "melody")
    annotate(tmp_path / notes, "ann", 6, "melody", "vocal")
    annotate(tmp_path / notes, "ann", 7, "vocal")
    annotate(tmp_path / notes, "ann", 8, "bass", discard=True)
    annotate(tmp_path / notes, "ann", 9).write_text("[" * 5000)
    annotate(tmp_path / notes, "ann", 99, "fx")
    task = get_task("fs_loop_ds")
    collection = load("fs_loop_ds", tmp_path)
    assert dict(zip(collection.table["sound_id"], collection.table[task.target], strict=True)) == {
        "1": "bass", "3": "fx", "4": "melody", "5": "percussion",
    }  # fmt: skip
    assert collection.table[task.groups].tolist() == ["50", "51", "51", "51"]
    assert "Of 10 annotated loops, 4 have one role that all annotators agree on" in said(collection)
    for reason in (
        "on which annotators disagree",
        "with several roles",
        "with a role that is no class",
        "discarded or without a role",
        "with an annotation that cannot be read",
        "without a sound",
    ):
        assert f"1 {reason}" in said(collection)
    assert "There is no track of chords." in collection.notes


def test_annotations_may_lie_beside_the_folder_that_is_named(tmp_path):
    for name in ("FSL10K", "other"):
        sound(tmp_path / name / "audio/wav/1_2.wav.wav")
    annotate(tmp_path / "annotations", "ann", 1, "bass")
    assert load("fs_loop_ds", tmp_path / "FSL10K").table["fs_loop_ds"].tolist() == ["bass"]
    with pytest.raises(CollectionError, match="there are no annotations"):
        load("fs_loop_ds", tmp_path / "other")


def test_loops_may_lie_in_class_folders(tmp_path):
    collection = load("fs_loop_ds", sounds(tmp_path, "bass/a.wav", "FX/b.wav"))
    assert sorted(collection.table["fs_loop_ds"]) == ["bass", "fx"]


def test_loops_of_nobody_are_groups_of_their_own(tmp_path):
    for number in (1, 2):
        sound(tmp_path / "audio/wav" / f"{number}.wav", number)
        annotate(tmp_path / "annotations", "ann", number, "bass")
    assert load("fs_loop_ds", tmp_path).table["uploader"].nunique() == 2


def test_half_a_loop_dataset_is_refused(tmp_path):
    sound(tmp_path / "a/audio/wav/1_2.wav.wav")
    with pytest.raises(CollectionError, match="there are no annotations, though there are sounds"):
        load("fs_loop_ds", tmp_path / "a")
    annotate(tmp_path / "b/annotations", "ann", 1, "bass")
    with pytest.raises(CollectionError, match="there is no folder audio"):
        load("fs_loop_ds", tmp_path / "b")
    annotate(tmp_path / "a/annotations", "ann", 1, "bass", "fx")
    with pytest.raises(CollectionError, match=r"none of 1 annotated loop can be used \(1 with several roles\)"):
        load("fs_loop_ds", tmp_path / "a")
