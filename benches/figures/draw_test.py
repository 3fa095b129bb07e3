"""Tests of benches/figures/draw, on a copy. Run with `python3 benches/figures/draw_test.py`."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

sys.dont_write_bytecode = True
from bars import LETTER, WIDTH, Bar, Panel, picture

HERE = pathlib.Path(__file__).resolve().parent
SVG = "{http://www.w3.org/2000/svg}"


class Draw(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name, "figures")
        shutil.copytree(HERE, self.folder)
        shutil.copy(HERE.parent / "README.md", folder.name)

    def check(self):
        command = [sys.executable, "-B", self.folder / "draw", "--check"]
        return subprocess.run(command, capture_output=True, text=True).stderr

    def test_pictures_that_were_drawn_pass(self):
        subprocess.run([sys.executable, "-B", self.folder / "draw"], check=True)
        self.assertEqual(self.check(), "")

    def test_a_picture_that_was_edited_is_refused(self):
        path = self.folder / "cost.svg"
        path.write_text(path.read_text().replace("<rect ", "<rect  ", 1))
        self.assertIn("cost.svg", self.check())

    def test_a_table_that_was_edited_is_refused(self):
        path = self.folder.parent / "README.md"
        begin, found, rest = path.read_text().partition("<!-- figures.json: socket -->")
        path.write_text(begin + found + rest.replace("1.00", "0.99", 1))
        self.assertIn("README.md", self.check())

    def test_text_beside_the_tables_can_be_edited(self):
        path = self.folder.parent / "README.md"
        path.write_text(path.read_text() + "More text.\n")
        self.assertEqual(self.check(), "")

    def test_figures_that_were_edited_are_refused(self):
        path = self.folder / "figures.json"
        figures = json.loads(path.read_text())
        figures["socket"][0]["rows"][0]["cpu_ns"] *= 2
        path.write_text(json.dumps(figures))
        self.assertIn("cost.svg", self.check())


class Bars(unittest.TestCase):
    def elements(self, name, bars):
        root = xml.fromstring(picture("title", "subtitle", "description", [Panel("heading", "ms", 10, bars)]))
        return root.findall(f".//{SVG}{name}")

    def bars(self, *bars):
        return [element for element in self.elements("rect", bars) if element.get("class") != "panel"]

    def test_bars_begin_at_zero_and_are_in_proportion(self):
        nothing, one, two = self.bars(*(Bar("", value, "", "other") for value in (0, 15, 30)))
        self.assertEqual(nothing.get("width"), "0.0")
        self.assertAlmostEqual(float(two.get("width")), 2 * float(one.get("width")), delta=0.2)
        zero = next(text for text in self.elements("text", [Bar("", 30, "", "other")]) if text.text == "0")
        self.assertEqual(float(one.get("x")), float(zero.get("x")))

    def test_the_text_of_a_long_bar_fits_into_the_picture(self):
        text = "x" * 40
        placed = self.elements("text", [Bar("", 1, "", "other"), Bar("", 30, text, "other")])
        start = next(float(element.get("x")) for element in placed if element.text == text)
        self.assertLess(start + LETTER * len(text), WIDTH)

    def test_the_inner_bar_has_the_scale_of_the_outer_one(self):
        outer, inner = self.bars(Bar("", 30, "", "other light", Bar("", 15, "", "other")))
        self.assertAlmostEqual(float(outer.get("width")), 2 * float(inner.get("width")), delta=0.2)

    def test_figures_are_text(self):
        texts = [text.text for text in self.elements("text", [Bar("a < b", 1, "1.0 & 2", "other")])]
        self.assertIn("1.0 & 2", texts)
        self.assertIn("a < b", texts)

    def test_a_screen_reader_finds_title_and_description(self):
        root = xml.fromstring(picture("a title", "", "a description", []))
        named = {element.get("id"): element.text for element in root}
        self.assertEqual([named[name] for name in root.get("aria-labelledby").split()], ["a title", "a description"])


if __name__ == "__main__":
    unittest.main()
