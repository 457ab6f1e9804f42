#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
"""The runner of the unit tests where there is no Criterion (tests/unit/runner): tests that fail in every way that it
must see."""

import os
import pathlib
import subprocess
import tempfile

import paths
import tap
from tap import contains, eq, test

RUNNER = pathlib.Path(paths.SRC, "tests/unit/runner")
SOURCE = r"""
#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

static int begun;
static void begin(void) { begun++; }
static void end(void) { fprintf(stderr, "end %d\n", begun); }
static void fail_at_end(void) { cr_assert(0, "at the end"); }

TestSuite(s, .init = begin, .fini = end, .timeout = 1);
Test(s, passes) { cr_assert_eq(begun, 1); cr_expect_str_eq("a", "a"); cr_assert_float_eq(1.0, 1.05, 0.1); }
Test(s, fails) { cr_assert_eq(1, 2, "one is %d", 1); fprintf(stderr, "not reached\n"); }
Test(s, goes_on_and_fails) { cr_expect_lt(2, 1); cr_expect_arr_eq("ab", "ac", 2); fprintf(stderr, "reached\n"); }
Test(s, crashes) { raise(SIGSEGV); }
Test(s, exits) { exit(0); }
Test(s, exits_with_a_failure) { exit(3); }
Test(s, hangs) { for (;;) pause(); }
Test(s, is_skipped) { cr_skip_test("no %s", "root"); }
Test(other, fails_at_end, .fini = fail_at_end) { cr_expect_not_null("x"); }
Test(other, has_no_init) { cr_assert_not(begun); }
"""
RESULTS = ["ok 1 - s::passes", "not ok 2 - s::fails", "not ok 3 - s::goes_on_and_fails", "not ok 4 - s::crashes",
           "not ok 5 - s::exits", "not ok 6 - s::exits_with_a_failure", "not ok 7 - s::hangs",
           "ok 8 - s::is_skipped # SKIP no root", "not ok 9 - other::fails_at_end", "ok 10 - other::has_no_init", "1..10"]


@test("sees each failure, crash and timeout, and goes on with the next test")
def every_failure():
    with tempfile.TemporaryDirectory() as directory:
        source, program = pathlib.Path(directory, "tests.c"), pathlib.Path(directory, "tests")
        source.write_text(SOURCE)
        subprocess.run([*os.environ.get("CC", "cc").split(), "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-I{RUNNER}", source,
                        RUNNER / "runner.c", "-o", program, "-lm"], check=True)
        got = subprocess.run([RUNNER.parent / "tap", program], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    eq(got.stdout.splitlines(), RESULTS)
    eq(got.returncode, 1)
    contains(got.stderr, f"{source}:13: failed: 1 == 2: one is 1\nend 1\n", "stderr")
    contains(got.stderr, 'failed: 2 < 1 \n', "stderr")
    contains(got.stderr, "reached\nend 1\n", "stderr")
    contains(got.stderr, "s::crashes: killed by signal 11 (Segmentation fault)\n", "stderr")
    contains(got.stderr, "s::hangs: killed by signal 14 (Alarm clock)\n", "stderr")
    eq("not reached" in got.stderr, False)


tap.main()
