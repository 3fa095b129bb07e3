"""Tests of .ci/layers, on small trees. Run with `python3 .ci/layers_test.py`."""

import importlib.machinery
import importlib.util
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("layers", str(Path(__file__).with_name("layers")))
layers = importlib.util.module_from_spec(importlib.util.spec_from_loader("layers", loader))
loader.exec_module(layers)

ROOMS = "# Architecture\n\n## Rooms\n\n| room | |\n| --- | --- |\n" + "".join(
    f"| `{name}` | |\n" for name in ("text.rs", "auth/", "checks/", "layer/", "lib.rs"))

GOOD = {
    "lib.rs": "mod text; mod auth; mod checks; mod layer;\npub use self::auth::Principal;\npub use self::layer::Layer;\n",
    "text.rs": "pub fn trim() {}\n",
    "auth/mod.rs": "mod principal;\nmod names;\npub use self::principal::Principal;\n",
    "auth/principal.rs": "use super::names::Name;\npub struct Principal(Name);\n",
    "auth/names.rs": "pub struct Name;\nfn f() { crate::text::trim() }\n",
    "checks/mod.rs": "//! See `crate::layer::Layer`.\nuse crate::auth::Principal;\npub fn check(_: Principal) {}\n",
    "layer/mod.rs": "use crate::{Principal, checks::{self, check}};\npub struct Layer;\n",
}


class Layers(unittest.TestCase):
    def faults(self, **changed):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "ARCHITECTURE.md").write_text(ROOMS)
            for name, text in {**GOOD, **{name.replace("__", "/") + ".rs": text for name, text in changed.items()}}.items():
                (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / "src" / name).write_text(text)
            return "\n".join(layers.check(folder)[0])

    def test_a_layered_tree_has_no_fault(self):
        self.assertEqual(self.faults(), "")

    def test_an_upward_edge_is_named_by_file_and_line(self):
        for path in ("use crate::layer::Layer;", "fn f(_: crate::layer::Layer) {}", "use crate::{text, Layer};",
                     "use super::layer::Layer as L;", "macro_rules! m { () => { $crate::layer::Layer } }"):
            found = self.faults(checks__mod=f"\n\n{path}\n")
            self.assertIn("src/checks/mod.rs:3: ", found, path)
            self.assertIn("uses room `layer`, which is above `checks`", found, path)

    def test_a_cycle_of_files_is_named_by_files_and_lines(self):
        found = self.faults(auth__names="pub struct Name;\nuse super::Principal;\n")
        self.assertIn("cycle of files:", found)
        self.assertIn("src/auth/names.rs:2 uses src/auth/principal.rs (`super::Principal`)", found)
        self.assertIn("src/auth/principal.rs:1 uses src/auth/names.rs (`super::names::Name`)", found)

    def test_a_cycle_of_rooms_is_found_between_different_files(self):
        found = self.faults(checks__host="use crate::layer::future::F;\n", layer__future="pub struct F;\n")
        self.assertIn("cycle of rooms:", found)
        self.assertNotIn("cycle of files:", found)

    def test_a_glob_and_a_child_module_by_its_bare_name_count(self):
        found = self.faults(auth__mod="mod principal; mod names;\npub use self::principal::*;\npub fn f() { names::g() }\n",
                            auth__names="pub struct Name;\nuse super::f;\n")
        self.assertIn("src/auth/mod.rs:3 uses src/auth/names.rs", found)

    def test_tests_comments_and_strings_do_not_count(self):
        for text in ("#[cfg(test)]\nmod tests { use crate::layer::Layer; }", "// crate::layer::Layer\n",
                     "/* /* */ crate::layer::Layer */", 'const A: &str = "crate::layer::Layer";',
                     'const A: &str = r#"" crate::layer::Layer"#;', "#[cfg(test)]\nuse crate::layer::Layer;",
                     "const Q: char = '\"'; // \" crate::layer::Layer\n",
                     "#[cfg(test)]\n#[allow(x)]\nfn f<'a>(_: &'a crate::layer::Layer) { crate::layer::Layer; }"):
            self.assertEqual(self.faults(checks__mod=text), "", text)

    def test_test_modules_in_other_files_do_not_count(self):
        found = self.faults(checks__mod="#[cfg(test)]\nmod tests;\n", checks__tests="use crate::layer::Layer;\n")
        self.assertEqual(found, "")

    def test_what_follows_a_test_counts(self):
        found = self.faults(checks__mod="#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::layer::Layer;\n")
        self.assertIn("src/checks/mod.rs:3: ", found)

    def test_super_in_an_inline_module_is_the_file(self):
        self.assertEqual(self.faults(checks__mod="fn f() {}\nmod inner { use super::f; }\n"), "")

    def test_an_unknown_room_is_a_fault(self):
        self.assertIn("src/cellar: this room is not in the table", self.faults(cellar="fn f() {}\n"))


if __name__ == "__main__":
    unittest.main()
