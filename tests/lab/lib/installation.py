# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make install` installs, in the lab. lab/test installs once on this machine, as make is slow in the lab."""

import os
import shutil
import subprocess

from harness import BUILD

PREFIX = "/usr/local"


def staged():
    """Returns a directory in which `make install` has installed the plain build with DESTDIR."""
    directory = os.environ.get("FFSCTL_INSTALLED")
    if not directory:
        directory = "/tmp/staged"
        subprocess.run(["make", "-s", "-C", BUILD, "install", "DESTDIR=" + directory], check=True, stdout=subprocess.DEVNULL)
    return directory


def install():
    """Installs where a user finds it: the lab has its own /usr/local."""
    shutil.copytree(staged() + PREFIX, PREFIX, symlinks=True, dirs_exist_ok=True)
