"""A report must not flatter: ratios, verdicts and gaps, from samples made up for the purpose."""

import sys
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import plot, report, rows  # noqa: E402


def results(failures=None, **cpu) -> report.Results:
    """Three rounds of keepalive-1k-64 in which each program's CPU time has the values given."""
    row = next(r for r in rows.ROWS if r.name == "keepalive-1k-64")
    samples = {
        (row.name, program): [
            {"cpu_us": v, "rps": 1000.0, "p50_us": 10, "p99_us": 20} for v in values
        ]
        for program, values in cpu.items()
    }
    return report.Results([row], list(rows.PROGRAMS), samples, failures or {}, [])


class Report(unittest.TestCase):
    def test_a_figure_is_the_median_of_its_rounds(self):
        r = results(usher=[9, 1000, 10])
        self.assertEqual(r.median("keepalive-1k-64", "usher", "cpu_us"), 10)

    def test_a_target_compares_medians_and_says_by_how_much_it_is_missed(self):
        good = report.markdown(results(usher=[8.7], nginx=[10.0], relay=[8.0]))
        self.assertEqual(good.count("| pass |"), 2)
        bad = report.markdown(results(usher=[9.68], nginx=[10.0], relay=[8.0]))
        self.assertIn("| 0.97 | – | **fail** (by 10%) |", bad)

    def test_what_was_not_measured_is_neither_a_pass_nor_a_number(self):
        failures = {("keepalive-1k-64", "usher"): "exited with 1: no such directive"}
        text = report.markdown(results(failures, usher=[1.0], nginx=[10.0], relay=[8.0]))
        self.assertNotIn("pass", text)
        self.assertIn("| n/a |", text)
        self.assertIn("usher, keepalive-1k-64: exited with 1: no such directive", text)

    def test_the_plot_is_well_formed_whatever_is_missing(self):
        for r in (results(), results(usher=[9.0]), results(usher=[90.0], nginx=[10.0])):
            xml.fromstring(plot.svg(r))

    def test_every_target_names_a_row_a_metric_and_a_program_that_exist(self):
        names = {row.name for row in rows.ROWS}
        for target in rows.TARGETS:
            self.assertIn(target.row, names)
            self.assertIn(target.divisor_row or target.above_row or target.row, names)
            self.assertIn(target.metric, {m.name for m in rows.METRICS})
            self.assertIn(target.program or "usher", rows.PROGRAMS)

    def test_an_unknown_row_is_refused_with_those_that_exist(self):
        with self.assertRaisesRegex(SystemExit, "no row 'nonsense'; there are: keepalive-1k-1"):
            rows.by_name("nonsense", rows.ROWS, "row")


if __name__ == "__main__":
    unittest.main()
