# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the table of lab/test --profile, which shows how a run has spent its time."""

import os

COLUMNS = ("total", "boot", "start", "processor", "waiting")
# Number of rows in the table of the slowest tests
SLOWEST = 100
WORDS = {"total": "whole", "boot": "boot", "start": "interpreter", "processor": "processor", "waiting": "waiting"}


def times_of_program(result):
    """Returns the times of one program as {column of the table: seconds}. `processor` is the processor time of the whole
    lab, with its boot. `waiting` is the rest of the time, in which the lab was idle or other programs used the CPU."""
    out = {"total": result.seconds, "boot": 0.0, "start": 0.0, "processor": 0.0, **result.profile}
    out["total"] = result.seconds
    out["waiting"] = max(0.0, out["total"] - out["processor"]) if result.profile else 0.0
    return out


def format_row(values, name):
    return " ".join("%11.2f" % values[c] for c in COLUMNS) + "  " + name


def add_times(table, key, values):
    sums = table.setdefault(key, dict.fromkeys(COLUMNS, 0.0))
    for c in COLUMNS:
        sums[c] += values[c]
    sums["runs"] = sums.get("runs", 0) + 1


def format_table(results):
    """Returns the lines of the table: all runs sorted by time, then the sum of each program, of each folder, and of
    all runs."""
    measured = [(times_of_program(r), r.name) for r in results if r.seconds]
    programs, folders, everything = {}, {}, {}
    for values, name in measured:
        program = name.split(" [")[0]
        add_times(programs, program, values)
        add_times(folders, os.path.dirname(program) or program, values)
        add_times(everything, "all", values)
    head = " ".join("%11s" % WORDS[c] for c in COLUMNS)
    out = ["seconds of each run:", head]
    out += [format_row(v, n) for v, n in sorted(measured, key=lambda x: -x[0]["total"])]
    for words, sums in (("program", programs), ("folder", folders), ("run", everything)):
        out += ["", "seconds, sum of each %s:" % words, head]
        out += [format_row(v, "%s (%d)" % (n, v["runs"])) for n, v in sorted(sums.items(), key=lambda x: -x[1]["total"])]
    out += ["", "seconds of the slowest tests (virtual time, if they use it):"]
    tests = sorted(((took, "%s: %s" % (r.name, name)) for r in results for took, name in r.took), reverse=True)
    return out + ["%11.2f  %s" % test for test in tests[:SLOWEST]]
