"""Tests of .ci/named_tests, on small trees. Run with `python3 .ci/named_tests_test.py`."""

import importlib.machinery
import importlib.util
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("named_tests", str(Path(__file__).with_name("named_tests")))
named_tests = importlib.util.module_from_spec(importlib.util.spec_from_loader("named_tests", loader))
loader.exec_module(named_tests)

TREE = {
    "tests/it/paths.rs": "#[tokio::test]\nasync fn paths_are_exact() {}\n#[test]\n#[ignore]\nfn slow() {}\nfn helper() {}\n",
    "tests/it/jwt/mod.rs": "#[test]\nfn algorithms_are_named() {}\n",
    "tests/redis/nonces.rs": "#[test]\nfn served_once() {}\n",
    "src/crypto.rs": "mod tests {\n    #[test]\n    fn every_bit_is_compared() {}\n}\n",
    **{file: "" for file in named_tests.CASES},
}


class NamedTests(unittest.TestCase):
    def faults(self, cell, cases=""):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            policy = f"| can | shown by |\n| --- | --- |\n| ask | {cell} |\n"
            table = f"| case | test |\n| --- | --- |\n| 1 | {cases} |\n"
            for name, text in {**TREE, "SECURITY.md": policy, "tests/redis/CASES.md": table}.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(text)
            return named_tests.check(folder)[0]

    def test_tests_that_exist_are_no_fault(self):
        for name in ("it::paths::paths_are_exact", "it::jwt::algorithms_are_named", "redis::nonces::served_once",
                     "crypto::every_bit_is_compared"):
            self.assertEqual(self.faults(f"`{name}`"), [], name)

    def test_tests_that_do_not_exist_are_faults(self):
        for name in ("it::paths::paths_are_inexact", "it::jwt::paths_are_exact", "paths_are_exact", "nonces::served_once",
                     "it::paths::slow", "it::paths::helper"):
            self.assertEqual(self.faults(f"`{name}`"), [f"SECURITY.md:3: no test {name}"])

    def test_each_row_needs_a_test(self):
        self.assertEqual(self.faults("nothing"), ["SECURITY.md:3: there is no test",
                                                  "SECURITY.md: there is no table with the column `shown by`"])

    def test_cases_name_files_and_functions(self):
        good = "`it::paths::paths_are_exact`"
        for name in ("jwt", "paths", "{paths,jwt}", "served_once", "served_…", "…_are_…"):
            self.assertEqual(self.faults(good, f"`{name}`"), [], name)
        for name in ("jwts", "{paths,jwts}", "served", "serves_…"):
            self.assertEqual(self.faults(good, f"`{name}`"), [f"tests/redis/CASES.md:3: no test or file {name}"])


if __name__ == "__main__":
    unittest.main()
