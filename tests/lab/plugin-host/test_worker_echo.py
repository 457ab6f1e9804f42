# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=300
# lab all: kernel=6.12,6.1 speed=full,high,super timeout=300
"""Workers without ffsctl echo data byte for byte: the plugin loopback with all kinds of functions and all options, and
the example of ffsctl-worker(7). (test_echo.py tests the other examples.)"""

import contextlib
import os
import re
import subprocess
import tempfile

import memory
import tap
from harness import has_scatterlists
from tap import eq, main, ok, test
from worker_harness import BUILD, LOOPBACK, WORKER, Gadget, bench

SRC = os.environ.get("FFSCTL_SRC", ".")
PLUGIN = [WORKER, LOOPBACK]
ENGINES = ["copy", "mmap"]
BULK = [("bulk", "in"), ("bulk", "out")]


def man_worker():
    """Compiles the example of ffsctl-worker(7); returns the program."""
    with open(os.path.join(SRC, "man/ffsctl-worker.7")) as f:
        blocks = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed", f.read(), re.S | re.M)
    text = [b for b in blocks if b.startswith("#!")][0]
    ok(len(text.splitlines()) <= 40, "about 30 lines were promised")
    path = tempfile.mkdtemp() + "/echo.py"
    with open(path, "w") as f:
        f.write(text.replace("\\e", "\\"))
    os.chmod(path, 0o755)
    return [path]


def echo(argv, endpoints, *runs, engine=None, **kw):
    with Gadget(endpoints) as g:
        worker = g.worker(argv, engine=engine or "auto", **kw)
        eq(worker.wait_ready(), engine or "", "the engine that it tells")
        g.bind()
        for run in runs:
            for pair in range(len(endpoints) // 2):
                bench("--pair", str(pair), "--timeout", "20", *run.split(), timeout=200)


@test("the worker of ffsctl-worker(7) echoes every length to 1025 bytes, and 1 MiB")
def manual_worker_echoes():
    echo(man_worker(), BULK, "--lengths 0-1025,1M", blocking=True)


def multiples(engine):
    sizes = [64, 512, 1024, 16384, 65536, 131072, 524288]
    around = "0-64," + ",".join("%d-%d" % (n - 1, n + 1) for n in sizes)
    echo(PLUGIN, BULK, "--lengths " + around, engine=engine)


def pairs(engine):
    run = "--lengths 0-600,8K"
    echo(PLUGIN, [("bulk", "out"), ("bulk", "in")] + BULK, run, engine=engine)
    echo(PLUGIN, [("interrupt", "in"), ("interrupt", "out")], run, engine=engine)
    # The first OUT belongs to the first IN, whatever they are and whatever stands between them
    echo(PLUGIN, [("bulk", "out"), ("interrupt", "out"), ("interrupt", "in"), ("bulk", "in")], run, engine=engine)


def sizes(engine, size, depth):
    echo(PLUGIN, BULK, "--lengths 1-50,1023-1025,4095-4097,1M", size=size, depth=depth, engine=engine)


for engine_ in ENGINES:
    test(f"{engine_}: loopback echoes multiples of every packet and buffer size", engine_)(multiples)
    test(f"{engine_}: loopback serves several pairs, bulk and interrupt, in any order", engine_)(pairs)
    for size_, depth_ in ((4096, 1), (1500, 3), (1024, 16), (1048576, 4)):
        test(f"{engine_}: loopback echoes with io.size {size_} and io.depth {depth_}", engine_, size_, depth_)(sizes)


@test("auto takes the fastest engine")
def auto_takes_fastest_engine():
    with Gadget(BULK) as g:
        eq(g.worker(PLUGIN).wait_ready(), "mmap")


@test("mmap: where the mount's memory ends the rest is copied, which is said once")
def mmap_copies_beyond_mount_memory():
    with Gadget(BULK) as g:  # 16 MiB
        worker = g.worker(PLUGIN, engine="mmap", size=1 << 20, depth=17)
        eq(worker.wait_ready(), "mmap")
        g.bind()
        bench("--lengths", "1-50,1M,4M", timeout=200)
        eq(worker.log().count("mount.mmap_memory_mb"), 1, worker.log())


def blocks_of_1m():
    """Returns for how many requests of 1 MiB there is contiguous memory, in free blocks of 1 MiB and in larger ones."""
    with open("/proc/buddyinfo", encoding="ascii") as f:
        counts = [list(map(int, line.split()[4:])) for line in f]
    return sum(n << (order - 8) for zone in counts for order, n in enumerate(zone) if order >= 8)


@contextlib.contextmanager
def fragmented():
    """Free memory in single pages, except for a few blocks: nearly all of it is a file, of which every other page is
    freed."""
    piece, size = 1 << 20, 0
    directory = tempfile.mkdtemp()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100%", "none", directory], check=True)
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
            f.write("3")  # the page cache could become free blocks
        with open(f"{directory}/fill", "w+b") as f:
            # If less than 4 MiB is free, the kernel may kill a process
            while blocks_of_1m() > 8:
                os.posix_fallocate(f.fileno(), size, piece)
                size += piece
            memory.free_every_other_page(f.fileno(), size)
        yield
    finally:
        subprocess.run(["umount", directory], check=True)


@test("copy: on a machine whose memory is in pieces requests get smaller, which is said once, unless the UDC takes scatterlists")
def copy_with_fragmented_memory():
    if not tap.USER_MODE_LINUX:
        tap.skip("Debian's kernel kills a process before its memory is in pieces")
    with Gadget(BULK) as g:
        worker = g.worker(PLUGIN, engine="copy", size=1 << 20, depth=32)
        worker.wait_ready()
        # Measured: 6 to 12 of the requests have room
        with fragmented():
            g.bind()
            bench("--lengths", "1-50,1M,4M,1-50", timeout=200)
        # What is then read is sent back in pieces of that size: nothing need be said of the other endpoint
        eq(worker.log().count("cannot submit 1048576 bytes on ep2-out: no memory"), 0 if has_scatterlists() else 1, worker.log())


@test("ffsbench notices a device that does not echo")
def ffsbench_notices_wrong_echo():
    with Gadget(BULK) as g:
        g.worker([WORKER, os.path.join(BUILD, "tests/lab/workers/probe.so")])
        g.bind()
        _, err = bench("--timeout", "0.5", "--lengths", "100", status=75)
        ok("nothing moved for 0.5 s: 0 of 1 messages came back" in err, err)


main()
