"""Tests of `report`, with a program whose regions are known. Needs rustc, and LLVM's tools in the PATH."""
import importlib.machinery
import importlib.util
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).parent
loader = importlib.machinery.SourceFileLoader("report", str(HERE / "report"))
report = importlib.util.module_from_spec(importlib.util.spec_from_loader("report", loader))
loader.exec_module(report)

LIB = """\
mod only_read;
mod room;

pub fn choose<T>(value: T, other: T, first: bool) -> T {
    if first {
        return value;
    }
    other
}

pub fn not_called() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_instance_for_each_branch() {
        assert_eq!(super::choose(1, 2, true), 1);
        assert_eq!(super::choose("a", "b", false), "b");
        super::room::called(std::env::args().count() > 9);
    }

    #[allow(dead_code)]
    fn test_code_that_is_not_called() {}
}

pub fn after_the_tests() {}
"""
ROOM = """\
#[cfg(all(test, not(feature = "never")))]
mod helpers;
#[cfg(test)]
mod tests;

pub fn called(never: bool) {
    if never && choose() { helper() }
    if never { loop {} }
}
#[cfg(test)]
fn choose() -> bool { false }
#[cfg(not(test))]
fn choose() -> bool { true }
fn helper() {}
"""
FILES = {
    "lib.rs": LIB,
    "only_read.rs": "pub fn never() {}\n",
    "room.rs": ROOM,
    "room/helpers.rs": "pub fn not_called_either() {}\n",
    "room/tests.rs": "mod deep;\n",
    "room/tests/deep.rs": "pub fn not_called_at_all() {}\n",
}


class KnownProgram(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        root = Path(folder.name).resolve()
        for name, text in FILES.items():
            path = root / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        program, profile = root / "program", root / "merged"
        rustc = ["rustc", "--edition=2024", "--test", root / "src/lib.rs", "-o", program, "-A", "warnings"]
        subprocess.run([HERE / "instrumented", *rustc], check=True)
        raw = f"{root}/%m-%p%c.profraw"
        subprocess.run([program], check=True, env={"LLVM_PROFILE_FILE": raw}, stdout=subprocess.DEVNULL)
        merge = ["llvm-profdata", "merge", "--sparse", *root.glob("*.profraw"), "--output", profile]
        subprocess.run(merge, check=True)
        export = ["llvm-cov", "export", f"--instr-profile={profile}", f"--object={program}"]
        printed = subprocess.run(export, check=True, capture_output=True).stdout
        cls.regions = {
            str(path): of_file for path, of_file in report.regions(json.loads(printed), root).items()
        }

    def lines(self, file, executed):
        return {place[0] for place, count in self.regions[file].items() if (count > 0) == executed}

    def test_a_region_is_executed_if_one_instance_is(self):
        self.assertLessEqual({4, 5, 6, 7, 8}, self.lines("src/lib.rs", True))
        self.assertTrue(self.lines("src/lib.rs", False).isdisjoint(range(4, 10)))

    def test_functions_that_are_not_called_are_not_executed(self):
        self.assertLessEqual({11, 12}, self.lines("src/lib.rs", False))
        self.assertLessEqual({28}, self.lines("src/lib.rs", False))
        self.assertEqual(self.lines("src/only_read.rs", False), {1})

    def test_branches_that_are_not_taken_are_not_executed(self):
        self.assertLessEqual({7, 8}, self.lines("src/room.rs", False))
        self.assertLessEqual({6, 7, 8, 9}, self.lines("src/room.rs", True))

    def test_code_of_tests_is_not_counted(self):
        self.assertEqual(set(self.regions), {"src/lib.rs", "src/only_read.rs", "src/room.rs"})
        lines = self.lines("src/lib.rs", True) | self.lines("src/lib.rs", False)
        self.assertTrue(lines.isdisjoint(range(15, 28)))
        self.assertNotIn(11, self.lines("src/room.rs", True) | self.lines("src/room.rs", False))

    def test_shares_are_of_all_files_of_a_room(self):
        counts = {Path("src/a/b.rs"): {(1,): 1, (2,): 0}, Path("src/a/c.rs"): {(1,): 3}, Path("src/d.rs"): {(1,): 1}}
        rows = list(report.rows(counts))
        self.assertIn("| `a` | 3 | 66.7 % |", rows)
        self.assertIn("| `d` | 1 | 100.0 % |", rows)
        self.assertIn("| in all | 4 | 75.0 % |", rows)
        self.assertEqual(rows[-1], "| `src/a/b.rs` | 2 | 1 | 2 |")


if __name__ == "__main__":
    unittest.main()
