"""Tests of matrix.py, on small tables. Run with `python3 tests/interop/matrix_test.py`."""

import sys
import unittest

sys.dont_write_bytecode = True
import matrix

ROW = ("fastmcp", "HTTP")


def tables(version="4.2.3", **cells):
    return {
        **{table: {} for table in matrix.TABLES},
        matrix.CLIENTS: {ROW: cells},
        matrix.VERSIONS: {("fastmcp",): {"version": version}},
    }


class Matrix(unittest.TestCase):
    def differences(self, old, new, whole=True):
        return [explained for _, explained in matrix.differences(matrix.read(matrix.render(old)), new, whole)]

    def test_a_page_is_read_as_it_was_written(self):
        old = tables(Basic="✓", bearer='{"a|b": "\\n"} `x`')
        self.assertEqual(matrix.read(matrix.render(old)), old)

    def test_equal_results_do_not_differ(self):
        self.assertEqual(self.differences(tables(Basic="✓"), tables(Basic="✓")), [])

    def test_another_result_fails(self):
        self.assertEqual(self.differences(tables(Basic="✓"), tables(Basic="401")), [False])

    def test_another_result_of_another_version_is_printed(self):
        found = self.differences(tables(Basic="✓"), tables("4.2.4", Basic="401"))
        self.assertEqual(found, [True, True])

    def test_a_result_that_is_new_fails(self):
        self.assertEqual(self.differences(tables(), tables(Basic="✓")), [False])

    def test_a_result_that_is_missing_fails_in_a_whole_run(self):
        old, new = tables(Basic="✓", bearer="✓"), tables(Basic="✓")
        self.assertEqual(self.differences(old, new), [False])
        self.assertEqual(self.differences(old, new, whole=False), [])


if __name__ == "__main__":
    unittest.main()
