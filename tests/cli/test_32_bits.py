#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program of 32 bits does otherwise than one of 64: built with -m32, run on this machine, by QEMU if its kernel runs no
programs of 32 bits."""

import os
import shutil
import subprocess
import tempfile

from paths import SRC
import tap
from tap import eq, skip, test


def built(work, *sources):
    """Returns the command of a program of 32 bits; skips where none can be built or run."""
    out = os.path.join(work, "program")
    # gcc-multilib, which links these headers to where -m32 finds them, conflicts with the cross compilers of kernel/check
    arch = subprocess.run(["cc", "-print-multiarch"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    result = subprocess.run(["cc", "-m32", "-std=gnu11", "-D_GNU_SOURCE", "-I" + os.path.join(SRC, "src"),
                             "-idirafter", "/usr/include/" + arch, "-o", out,
                             *(os.path.join(SRC, s) for s in sources)], stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode and any(word in result.stderr for word in ("-m32", "gnu/stubs-32.h", "skipping incompatible")):
        skip("the compiler makes no programs of 32 bits (gcc-12-multilib)")
    eq((result.returncode, result.stderr), (0, ""), "cc -m32")
    try:
        subprocess.run([out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    except OSError as e:
        if not shutil.which("qemu-i386"):
            skip("this kernel runs no programs of 32 bits (qemu-user): %s" % e.strerror)
        return ["qemu-i386", out]
    return [out]


@test("a worker's user and groups are those of its file, also above 65535")
def large_ids():
    if os.geteuid() != 0:
        skip("only root may become somebody else")
    with tempfile.TemporaryDirectory() as work:
        become = built(work, "tests/unit/process/become.c", "src/process/credentials.c", "src/process/capabilities.c")
        for ids in ("65534 65534 29 20", "70001 70002 70003 5 4294967294", "1 1"):
            got = subprocess.run([*become, *ids.split()], stdout=subprocess.PIPE, text=True, check=True).stdout
            uid, gid, *groups = got.split()
            want = ids.split()
            # The kernel sorts them
            eq((uid, gid, sorted(groups)), (want[0], want[1], sorted(want[2:])), ids)


tap.main()
