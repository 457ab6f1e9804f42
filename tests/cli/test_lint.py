#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`make lint`: what clang-format, clang-tidy and cppcheck find in the sources."""

import pathlib
import subprocess
import tempfile

import paths
import tap
from tap import contains, eq, ok, test

SLOW = "these programs take a minute, and no mutant needs them"
# For each target of make a source with a defect, and what is said about the defect
PLANTED = {
    "lint-format": ("int  x;\n", "code should be clang-formatted"),
    "lint-tidy": ("int f(int n);\nint f(int n)\n{\n\tint sum = 0;\n\n\tfor (char i = 0; i < n; i++)\n\t\tsum += i;\n"
                  "\treturn sum;\n}\n", "bugprone-too-small-loop-variable"),
    "lint-cppcheck": ("int f(void);\nint f(void)\n{\n\tint a[2] = { 0 };\n\n\treturn a[2];\n}\n", "arrayIndexOutOfBounds"),
}


def make(*words):
    return subprocess.run(["make", "-s", *words], cwd=paths.BUILD, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


for target_ in PLANTED:
    @test(f"make {target_} finds a planted defect", target_)
    def finds_planted_defect(target):
        text, message = PLANTED[target]
        with tempfile.TemporaryDirectory() as directory:
            source = pathlib.Path(directory, "planted.c")
            source.write_text("/* SPDX-License-Identifier: GPL-2.0-or-later */\n" + text)
            r = make(target, f"LINT_SOURCES={source}")
        ok(r.returncode, r.stdout)
        contains(r.stdout, message)

    @test(f"make {target_} finds nothing in the sources", target_, only_all=SLOW)
    def finds_nothing(target):
        r = make(target)
        eq((r.returncode, r.stdout), (0, ""))


tap.main()
