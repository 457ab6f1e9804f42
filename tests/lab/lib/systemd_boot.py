# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots systemd in the lab, as process 1 of separate name spaces of processes and mounts."""

import contextlib
import os
import pathlib
import select
import socket
import subprocess

UNITS = pathlib.Path("/etc/systemd/system")
TARGET = """[Unit]
Wants=sysinit.target
"""


def hide_units():
    """Leaves systemd no units of this machine but those that belong to packages, and enables none of them."""
    # Only where nothing lasts
    os.environ["LAB_KERNEL"]
    subprocess.run(["mount", "-t", "tmpfs", "none", UNITS], check=True)
    (UNITS / "lab.target").write_text(TARGET)
    # It would clear /tmp, which is this machine's, and takes as long as there are files
    (UNITS / "systemd-tmpfiles-setup.service").symlink_to("/dev/null")


@contextlib.contextmanager
def booted():
    """Boots; yields the words that run a command in systemd's name spaces. At the end kills all that runs there, if it has
    not been shut down."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind("\0systemd")
        environment = {"PATH": os.environ["PATH"], "container": "lab", "NOTIFY_SOCKET": "@systemd"}
        unshare = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "/lib/systemd/systemd",
                                    "--system", "--unit=lab.target", "--log-target=console"], env=environment)
        while b"READY=1" not in ready.recv(4096).split(b"\n"):
            pass
    process_1 = pathlib.Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text().strip()
    try:
        yield ["nsenter", "--mount", "--pid", "--target", process_1]
    finally:
        unshare.kill()
        unshare.wait()


def shut_down(inside):
    """Shuts systemd down as for a reboot; returns when all its processes have ended."""
    process_1 = os.pidfd_open(int(inside[-1]))
    try:
        subprocess.run([*inside, "systemctl", "poweroff"], check=True)
        select.select([process_1], [], [])  # readable when the process has ended
    finally:
        os.close(process_1)
