# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory in pieces: free pages whose neighbours are in use."""

import contextlib
import ctypes
import fcntl
import itertools
import mmap
import os

from tap import eq

PIPE_SIZE = 1 << 20  # fs/pipe.c, the most that a process may have without privileges
KEEP_SIZE, PUNCH_HOLE = 1, 2  # linux/falloc.h
fallocate = ctypes.CDLL(None, use_errno=True).fallocate64
fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


def free_every_other_page(fd, size):
    """Frees every other page of a file whose pages are memory."""
    for at in range(0, size, 2 * mmap.PAGESIZE):
        eq(fallocate(fd, KEEP_SIZE | PUNCH_HOLE, at, mmap.PAGESIZE), 0, "fallocate")


@contextlib.contextmanager
def single_pages(size):
    """At least so many bytes are free in single pages of the kind that the kernel allocates for itself. It takes these before it
    splits a block: what it allocates then has no two neighbouring pages."""
    pipes = []
    try:
        for _ in range(0, size, PIPE_SIZE):
            freed, kept = os.pipe(), os.pipe()
            pipes += [freed, kept]
            for _, writer in (freed, kept):
                fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
            for _ in range(0, PIPE_SIZE, mmap.PAGESIZE):
                for _, writer in (freed, kept):
                    os.write(writer, bytes(mmap.PAGESIZE))
        for reader, _ in pipes[::2]:
            os.read(reader, PIPE_SIZE)
        yield
    finally:
        for fd in itertools.chain(*pipes):
            os.close(fd)
