"""The contact sheet of moments: its Python half, and the script in a real browser."""

import base64
import io

import numpy as np
import pytest
import soundfile
from harness import rest, until

from embviz.errors import AudioError, OptionError
from embviz.export.track_page import PageRow, render_track_page
from embviz.widgets.browser_audio import encode_clip
from embviz.widgets.moments import NO_MOMENTS, MomentSheet, MomentTile

RATE = 16_000
HZ = [100, 200, 400, 800]


def tone(seconds=2.0, hz=440):
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32) / 4, RATE


def tile(title="tone", start=0.5, stop=0.9, **more):
    return MomentTile(title, start, stop, **{"value": 3.0, "place": 0.999, "source": tone(), **more})


def picture(value=0.0):
    cells = np.full((4, 6), value, np.float32)
    cells[3, 0], cells[0, 5] = 1, np.nan
    return cells


def state(sheet):
    own = [name for name in MomentSheet.class_trait_names(sync=True) if not name.startswith("_")]
    return {name: getattr(sheet, name) for name in own if name not in {"layout", "tabbable", "tooltip"}}


def sent(sheet):
    """Keep what is sent to the page."""
    messages = []
    sheet.send = lambda content, buffers=None: messages.append((content, buffers))
    return messages


# -- Python -----------------------------------------------------------------------------------------------------------


def test_pictures_travel_on_one_scale_one_after_the_other():
    sheet = MomentSheet.of([tile(picture=picture()), tile(), tile(picture=picture(-1))], hz=HZ)
    assert [item["shape"] for item in sheet.items] == [[4, 6], [0, 0], [4, 6]]
    codes = np.frombuffer(sheet.pictures, np.uint8).reshape(2, 4, 6)
    assert (sheet.low, sheet.high) == (-1, 1)
    assert (codes[0, 1, 1], codes[0, 3, 0], codes[1, 1, 1], codes[0, 0, 5]) == (128, 255, 1, 0)


def test_a_difference_has_zero_in_the_middle():
    difference = np.array([[-0.5, 0, 2], [0.5, 0, 0]])
    sheet = MomentSheet.of([tile()], common=difference)
    assert sheet.reach == 2
    assert list(np.frombuffer(sheet.common_picture, np.uint8)) == [96, 128, 255, 160, 128, 128]
    assert sheet.span == pytest.approx(0.4)
    assert not sheet.mean_picture


def test_a_file_that_is_gone_is_said_on_its_tile_and_the_others_stay(tmp_path):
    sheet = MomentSheet.of([tile("<b>gone</b>", source=tmp_path / "gone.ogg"), tile("silent", source=None), tile()])
    assert "gone.ogg" in sheet.items[0]["problem"]
    assert sheet.items[1]["problem"] == "There is no sound for this track."
    assert not sheet.items[2]["problem"]
    with pytest.warns(UserWarning, match="2 of 3 moments cannot be heard on the page: .*gone.ogg"):
        sheet.to_static()
    assert [item["bytes"] > 0 for item in sheet.items] == [False, False, True]


def test_a_clip_is_what_sounds_between_its_ends():
    samples, _ = tone(2)
    samples[: RATE // 2] = 0
    data, mime = encode_clip((samples, RATE), 0.75, 1.25)
    heard, rate = soundfile.read(io.BytesIO(data))
    assert mime == "audio/ogg"
    assert len(heard) / rate == pytest.approx(0.5, abs=1e-3)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) * rate / len(heard) == pytest.approx(440, abs=3)
    data, _ = encode_clip((samples, RATE), -1, 0.25)
    assert len(soundfile.read(io.BytesIO(data))[0]) / rate == pytest.approx(0.25, abs=1e-3)
    with pytest.raises(AudioError, match=r"'array' lasts 2\.0 s; nothing of it lies from 3\.0 to 4\.0 s"):
        encode_clip((samples, RATE), 3, 4)


def test_sound_is_cut_when_the_page_asks_and_what_is_wrong_is_told(tmp_path):
    path = tmp_path / "track.wav"
    soundfile.write(path, *tone())
    sheet = MomentSheet.of([tile(source=path), tile(source=path)])
    messages = sent(sheet)
    sheet._deliver(0, sheet.serial)
    path.unlink()
    sheet._deliver(1, sheet.serial)
    sheet._deliver(0, sheet.serial - 1)
    (first, (sound,)), (second, (nothing,)) = messages
    assert (first["kind"], first["index"], first["problem"], sound[:4]) == ("sound", 0, "", b"OggS")
    assert "track.wav" in second["problem"]
    assert not nothing


@pytest.mark.parametrize("index", [-1, 2, True, "0", None, 1.0])
def test_what_the_page_asks_for_and_is_not_there_is_not_answered(index):
    sheet = MomentSheet.of([tile(), tile()])
    opened = []
    sheet.on_open(opened.append)
    sheet._answer(sheet, {"kind": "open", "index": index, "serial": sheet.serial}, [])
    sheet._answer(sheet, {"kind": "open", "index": 0, "serial": sheet.serial - 1}, [])
    assert not opened
    sheet._answer(sheet, {"kind": "open", "index": 1, "serial": sheet.serial}, [])
    assert opened == [1]
    assert sheet.openable


def test_pictures_may_come_later():
    sheet = MomentSheet.of([tile(), tile()])
    serial = sheet.serial
    sheet.set_pictures([picture(), None], hz=HZ, common=picture(), problems={1: "It could not be drawn."})
    assert [item["shape"] for item in sheet.items] == [[4, 6], [0, 0]]
    assert [item["problem"] for item in sheet.items] == ["", "It could not be drawn."]
    assert (sheet.serial, len(sheet.pictures)) == (serial, 24)
    with pytest.raises(OptionError, match="There are 1 pictures for 2 moments"):
        sheet.set_pictures([None])


def test_bad_input_is_one_sentence():
    with pytest.raises(OptionError, match=r"an array \[4, t\], \[5, 6\] was found"):
        MomentSheet.of([tile(picture=np.zeros((5, 6)))], hz=HZ)
    with pytest.raises(OptionError, match=r"A moment stops after its start; 1\.0 to 1\.0 s"):
        MomentSheet.of([tile(start=1.0, stop=1.0)])
    with pytest.raises(OptionError, match=r"no option 'titel'.*'title'"):
        MomentSheet.of([], titel="x")
    with pytest.raises(OptionError, match=r"index is a moment from 0, of which there are 1; 1"):
        MomentSheet.of([tile()]).play(1)


def test_a_still_lists_the_moments_and_draws_them():
    sheet = MomentSheet.of([tile("a", picture=picture()), tile("b", value=None)], title="highest", unit="dB")
    still = sheet.still()
    assert still.lines == ("1. a · 0:00.5–0:00.9 · 3 dB", "2. b · 0:00.5–0:00.9")
    assert still.picture()["image/png"]
    assert MomentSheet.of([]).still().lines == (NO_MOMENTS,)


def test_an_exported_page_holds_the_clips():
    sheet = MomentSheet.of([tile("<script>alert(1)</script>", picture=picture())], hz=HZ)
    page = render_track_page(tone(), [PageRow(sheet, title="Moments", facts=())])
    assert sheet.static
    assert '"widget": "moments"' in page
    assert "<script>alert" not in page


# -- the browser ------------------------------------------------------------------------------------------------------


def sheet_of(*tiles, **traits):
    tiles = tiles or [tile(f"track {i}", picture=picture(i / 3)) for i in range(3)]
    return state(MomentSheet.of(tiles, hz=HZ, title="highest", **traits).to_static())


def current(element):
    return element.locator(".ev-moment").evaluate_all(
        "tiles => tiles.findIndex((tile) => tile.classList.contains('ev-moment-current'))"
    )


def says(bench, element, words):
    """Wait until the sheet says something, as it does with the next picture of the screen."""
    until(bench.page, lambda: words in element.locator(".ev-moments-status").inner_text())


def test_a_click_plays_a_moment_to_its_end_and_nothing_else(bench):
    element = bench.mount("m", "moments", sheet_of())
    faces = element.locator(".ev-moment-face")
    assert faces.nth(1).get_attribute("aria-label") == (
        "Play 2. track 1, 0:00.50 to 0:00.90, value 3.00, top 0.1 % of frames"
    )
    faces.nth(1).click()
    until(bench.page, lambda: bench.get("m", "playing"))
    says(bench, element, "2 of 3 · track 1 · 0:00.50–0:00.90")
    until(bench.page, lambda: not bench.get("m", "playing"))
    until(bench.page, lambda: (current(element), bench.get("m", "current")) == (1, 1))
    assert faces.nth(1).get_attribute("aria-current") == "true"


@pytest.mark.filterwarnings("ignore:1 of 4 moments cannot be heard")
def test_all_play_in_order_past_what_cannot_be_heard(bench, tmp_path):
    tiles = [tile("a", 0.2, 0.4), tile("gone", source=tmp_path / "gone.ogg"), tile("b", 0.2, 0.4), tile("c", 0.2, 0.4)]
    element = bench.mount("m", "moments", sheet_of(*tiles))
    bench.page.evaluate("""() => {
      const { model } = bench.widgets.m;
      globalThis.heard = [];
      model.on("change:current", (index) => heard.push(index));
    }""")
    says(bench, element, "1 moment cannot be heard")
    assert "gone.ogg" in element.locator(".ev-moment").nth(1).inner_text()
    element.get_by_role("button", name="Play all").click()
    until(bench.page, lambda: bench.get("m", "current") == 3 and not bench.get("m", "playing"))
    assert bench.page.evaluate("heard") == [0, 2, 3]
    element.locator(".ev-moment-face").nth(1).click()
    says(bench, element, "gone.ogg")


def test_keys_walk_play_and_stop(bench):
    element = bench.mount("m", "moments", sheet_of(*[tile(f"track {i}", 0.1, 1.9) for i in range(5)]), width=620)
    faces = element.locator(".ev-moment-face")
    faces.nth(0).focus()
    focused = "faces => faces.indexOf(document.activeElement)"
    for key, at in (("ArrowRight", 1), ("ArrowDown", 4), ("ArrowDown", 4), ("Home", 0), ("End", 4), ("ArrowLeft", 3)):
        bench.page.keyboard.press(key)
        assert faces.evaluate_all(focused) == at, key
    assert faces.evaluate_all("faces => faces.map((face) => face.tabIndex)") == [-1, -1, -1, 0, -1]
    bench.page.keyboard.press("Enter")
    until(bench.page, lambda: bench.get("m", "playing"))
    until(bench.page, lambda: current(element) == 3)
    bench.page.keyboard.press("Space")
    until(bench.page, lambda: not bench.get("m", "playing"))
    bench.page.keyboard.press("Space")
    until(bench.page, lambda: bench.get("m", "playing"))
    bench.page.keyboard.press("Escape")
    until(bench.page, lambda: not bench.get("m", "playing"))


def test_with_shift_all_that_follow_are_played_and_a_page_begins_by_itself_once(bench):
    tiles = [tile(name, 0.2, 0.4) for name in "abc"]
    element = bench.mount("m", "moments", sheet_of(*tiles, autoplay=True))
    until(bench.page, lambda: bench.get("m", "current") == 2 and not bench.get("m", "playing"))
    assert bench.get("m", "autoplay") is False
    element.locator(".ev-moment-face").nth(1).focus()
    bench.page.keyboard.press("Shift+Enter")
    until(bench.page, lambda: bench.get("m", "current") == 1)
    until(bench.page, lambda: bench.get("m", "current") == 2 and not bench.get("m", "playing"))


def test_what_has_the_focus_keeps_its_keys_from_the_notebook(bench):
    """JupyterLab's D, D deletes the cell; it passes by what is marked, if that itself has the focus."""
    element = bench.mount("m", "moments", sheet_of())
    face = element.locator(".ev-moment-face").nth(1)
    marked = "el => el.dataset.lmSuppressShortcuts ?? ''"
    face.focus()
    bench.page.keyboard.press("d")
    assert face.evaluate(marked) == "true"
    bench.page.keyboard.press("Control+s")
    assert not face.evaluate(marked)
    bench.page.keyboard.press("ArrowLeft")
    bench.page.keyboard.press("d")
    assert not face.evaluate(marked)
    assert element.locator(".ev-moment-face").nth(0).evaluate(marked) == "true"


def test_without_a_file_on_the_server_the_kernel_is_asked_and_a_refusal_stands_on_the_tile(bench):
    shown = state(MomentSheet.of([tile("a", picture=picture()), tile("b")], hz=HZ))
    element = bench.mount("m", "moments", shown)
    element.locator(".ev-moment-face").nth(0).click()
    until(bench.page, lambda: bench.page.evaluate("bench.widgets.m.model.sent.length"))
    asked = bench.page.evaluate("bench.widgets.m.model.sent[0].content")
    assert asked == {"kind": "sound", "index": 0, "serial": shown["serial"]}
    says(bench, element, "loading the sound")
    answer = {"kind": "sound", "index": 0, "serial": shown["serial"], "mime": "audio/ogg", "problem": "It is gone."}
    bench.page.evaluate("answer => bench.widgets.m.model.receive(answer, [])", answer)
    problem = element.locator(".ev-moment-problem").nth(0)
    until(bench.page, problem.is_visible)
    assert problem.inner_text() == "It is gone."
    assert not bench.get("m", "playing")


def test_a_change_of_theme_while_all_is_hidden_leaves_the_pictures(bench):
    element = bench.mount("m", "moments", sheet_of())
    canvas = element.locator(".ev-moment canvas").first
    until(bench.page, lambda: canvas.evaluate("canvas => canvas.width > 100"))
    bench.page.evaluate("""async () => {
      document.body.style.display = "none";
      document.body.className = "dark";
      void document.body.offsetWidth;
      for (const { model } of Object.values(bench.widgets)) model.change("picture_unit", "level");
      await new Promise((done) => requestAnimationFrame(done));
      document.body.style.display = "";
    }""")
    rest(bench.page, 100)
    assert canvas.evaluate("canvas => canvas.width > 100 && canvas.offsetWidth > 100")


def test_a_file_that_the_server_has_no_more_is_asked_for_and_the_others_go_on(bench):
    shown = state(MomentSheet.of([tile(name, 0.2, 0.4, picture=picture()) for name in "abc"], hz=HZ))
    shown["items"][1]["url"] = "data:audio/ogg;base64,AAAA"
    element = bench.mount("m", "moments", shown)
    answers = [encode_clip(tone(), 0.2, 0.4)[0], b"", encode_clip(tone(), 0.2, 0.4)[0]]
    bench.page.evaluate(
        """([answers, serial]) => {
          const { model } = bench.widgets.m;
          model.send = ({ kind, index }) => setTimeout(() => {
            const { sound } = bench.decode({}, { sound: answers[index] });
            const problem = sound.byteLength ? "" : "It is gone.";
            model.receive({ kind, index, serial, mime: "audio/ogg", problem }, [sound]);
          }, 50);
        }""",
        [[base64.b64encode(answer).decode() for answer in answers], shown["serial"]],
    )
    element.get_by_role("button", name="Play all").click()
    until(bench.page, lambda: bench.get("m", "current") == 2 and not bench.get("m", "playing"))
    assert element.locator(".ev-moment-problem").nth(1).inner_text() == "It is gone."
    says(bench, element, "3 moments · 1 moment cannot be heard")


def test_no_moments_are_a_sentence_and_titles_are_text(bench):
    element = bench.mount("m", "moments", state(MomentSheet.of([])))
    assert element.locator(".ev-moments-message").inner_text() == NO_MOMENTS
    assert not element.get_by_role("button").count() or not element.get_by_role("button").first.is_visible()
    other = bench.mount("n", "moments", sheet_of(tile("<img src=x onerror=alert(1)>")))
    assert other.locator(".ev-moment-title").inner_text() == "<img src=x onerror=alert(1)>"


def test_a_player_and_a_sheet_are_not_heard_at_once(bench):
    bench.mount("m", "moments", sheet_of(tile("a", 0.1, 1.9)))
    other = bench.mount("n", "moments", sheet_of(tile("b", 0.1, 1.9)))
    bench.page.locator(".ev-moment-face").nth(0).click()
    until(bench.page, lambda: bench.get("m", "playing"))
    other.locator(".ev-moment-face").click()
    until(bench.page, lambda: bench.get("n", "playing") and not bench.get("m", "playing"))
