import assert from "node:assert/strict";
import { test } from "node:test";
import { csv, m3u } from "../../embviz/widgets/playlist.js";

test("a playlist names what is played, and where it lies", () => {
  const text = m3u([
    { title: "Blue", artist: "Ada", seconds: 61.6, file: "a/b #1.ogg" },
    { title: "x\ny\u2028#EXTINF", artist: "", seconds: null, file: "#remark\r\n.mp3" },
    { title: "", artist: "", seconds: 5, file: "http://x/y" },
  ]);
  assert.deepEqual(text.split("\n"), [
    "#EXTM3U", "#EXTINF:62,Ada - Blue", "a/b #1.ogg", "#EXTINF:-1,x y #EXTINF", "./#remark .mp3",
    "#EXTINF:5,", "./http://x/y", "",
  ]);
});

test("a table keeps texts, and gives spreadsheets no formulas", () => {
  const rows = [["a,b", 1.5], ['say "x"', null], ["=1+1", -2], ["two\nlines", 0], ["-3", ""]];
  assert.deepEqual(csv(["Title", "Length, s"], rows).split("\r\n"), [
    'Title,"Length, s"', '"a,b",1.5', '"say ""x""",', "'=1+1,-2", '"two\nlines",0', "'-3,", "",
  ]);
});
