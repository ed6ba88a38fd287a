"""jobs/scaling_report.py on logs written by hand: its tables against numbers worked out on paper, and the logs that do not count."""
import csv
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(__file__), "..", "..", "jobs", "scaling_report.py")
LOG = """batch: job 7, start 1, {ranks} ranks on {nodes} nodes, 0 units stored
2026-01-01T00:00:00 INFO [0] {units} units, {before} done before, {units} to do on {world} ranks of 0.94 GB, about 9 s
2026-01-01T00:00:09 INFO [0] stage      rank seconds   share      GFLOP/s      GB read
2026-01-01T00:00:09 INFO [0] read              {read:.2f}   20.0%          1.0        0.001
2026-01-01T00:00:09 INFO [0] svd               {svd:.2f}   80.0%          2.5        0.000
2026-01-01T00:00:09 INFO [0] peak memory of a rank 0.500 GB, 9.0 s in all; planned 0.510 GB, 9.4 s
batch: job 7, {ranks} ranks on {nodes} nodes, {seconds} s, exit {code}, state done, {units} units stored
"""


class ScalingReport(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def log(self, name, ranks, seconds, units=64, **other):
        values = dict(ranks=ranks, world=ranks, nodes=(ranks + 1) // 2, seconds=seconds, units=units, before=0, code=0,
                      read=20.0, svd=80.0)
        values.update(other)
        with open(os.path.join(self.folder.name, name + ".log"), "w") as file:
            file.write(LOG.format(**values))

    def report(self, code=0):
        done = subprocess.run([sys.executable, SCRIPT, self.folder.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def rows(self):
        with open(os.path.join(self.folder.name, "scaling.csv"), newline="") as file:
            return {(row["kind"], int(row["ranks"])): row for row in csv.DictReader(file)}

    def test_tables(self):
        self.log("strong-2", 2, "60.0")
        self.log("strong-4", 4, "40.0")
        self.log("strong-16", 16, "10.0")
        self.log("weak-1", 1, "20.0", units=4)
        self.log("weak-4", 4, "25.0", units=16)
        text = self.report().stdout
        rows = self.rows()
        # 2 ranks are the reference: 60/40 = 1.5 and 2*60/(4*40) = 0.75; 60/10 = 6 and 2*60/(16*10) = 0.75
        for ranks, speedup, efficiency, hours in ((2, 1, 1, 60 / 3600), (4, 1.5, .75, 80 / 3600), (16, 6, .75, 80 / 3600)):
            row = rows["strong", ranks]
            self.assertAlmostEqual(float(row["speedup"]), speedup)
            self.assertAlmostEqual(float(row["efficiency"]), efficiency)
            self.assertAlmostEqual(float(row["node_hours"]), hours)
        # weak: 20/25 = 0.8; four times the work in 25 s for one part of it in 20 s: 3.2
        self.assertAlmostEqual(float(rows["weak", 4]["efficiency"]), .8)
        self.assertAlmostEqual(float(rows["weak", 4]["speedup"]), 3.2)
        self.assertEqual(float(rows["weak", 4]["rank_seconds_svd"]), 80)
        self.assertAlmostEqual(float(rows["weak", 4]["rate"]), 2.2)  # (20 * 1.0 + 80 * 2.5) / 100 GFLOP/s
        self.assertAlmostEqual(float(rows["weak", 4]["intensity"]), 220e3)  # 220 GFLOP on 0.001 GB
        # of 4 ranks on 2 nodes: 80 node seconds; 64 units: 0.3472 node-hours per 1000
        self.assertIn("| 4 | 2 | 64 | 40.0 | 1.50 | 75 % | 0.02222 | 0.3472 | 0.50 | 2.2 | 220000 |", text)
        self.assertIn("| 4 | 5.00 | 20.00 | 25.00 |", text)  # stages, a rank's mean: 20/4, 80/4
        self.assertLess(text.index("| 4 | 2 | 64"), text.index("| 16 | 8 | 64"))  # by ranks, not by name
        self.assertIn("4 units a rank", text)

    def test_left_out(self):
        self.log("strong-1", 1, "60.0")
        self.log("strong-2", 2, "60.0", code=75)
        self.log("strong-4", 4, "60.0", before=3)
        self.log("strong-8", 8, "60.0", world=1)
        with open(os.path.join(self.folder.name, "strong-16.log"), "w") as file:
            file.write("batch: job 9, start 1, 16 ranks on 1 nodes, 0 units stored\n")
        errors = self.report().stderr
        for word in ("strong-2.log is left out: ended with exit code 75", "strong-4.log is left out: 3 units were done before",
                     "strong-8.log is left out: has 8 tasks but 1 ranks in one run", "strong-16.log is left out: has not ended"):
            self.assertIn(word, errors)
        self.assertEqual(list(self.rows()), [("strong", 1)])

    def test_nothing(self):
        self.assertIn("no job's log can be used", self.report(65).stderr)
        done = subprocess.run([sys.executable, SCRIPT], stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 64)


if __name__ == "__main__":
    unittest.main()
