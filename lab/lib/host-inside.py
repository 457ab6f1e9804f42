# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of lab/host that runs in the lab: host-inside.py SYSTEM CONTROLLER GADGET [COMMAND [ARGUMENT]...]."""

import os
import subprocess
import sys

import harness
import machine
import replay
import systems

system, controller, gadget, *command = sys.argv[1:]
os.environ["PATH"] = harness.BUILD + ":" + os.environ["PATH"]
up = subprocess.run(["ffsctl", "up", gadget, "--wait-host"], check=False)
if up.returncode:
    sys.exit(up.returncode)
if system in systems.REPLAYS:
    try:
        print("\n".join(replay.play(system)))
    except replay.GivesUp as e:
        sys.exit(f"{e}")
    sys.exit(0)
pc = subprocess.Popen([*machine.command(system, controller), "-device", machine.as_option(machine.port()),
                       "-chardev", "stdio,id=console,mux=on,signal=off", "-serial", "chardev:console", "-mon", "chardev=console"])
if not command:
    sys.exit(pc.wait())
done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
pc.kill()
sys.exit(done.returncode)
