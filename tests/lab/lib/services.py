# SPDX-License-Identifier: GPL-2.0-or-later
"""The same checks for all service managers, such as systemd. There is a class for each manager. The constructor of the
class sets up a service that brings up the gadget x. An object of the class has these methods and members:
  start()    runs the manager's command that starts the service, in the background; the command ends when the gadget is up
  knows()    returns the manager's state of the service: down, starting or up
  reload()   reloads the service; returns whether that succeeded
  stop()     stops the service; returns when the gadget is down
  end()      ends the manager itself, if it is a running process
  restarts   whether the manager restarts a supervisor that has crashed
  remains()  returns what must be the same before the start and after the stop"""

import contextlib
import pathlib
import shutil
import signal
import subprocess

import harness
from gadgets import LOOPBACK, Fifo, continue_stopped_worker, finish, gadget, odd, processes, traffic
from harness import FFSCTL, devnums, ffsctl, kill, must, check_same_snapshots, snapshot, status
from tap import eq, test

# The programs and files that the service files refer to
pathlib.Path("/usr/local/bin/ffsctl").symlink_to(FFSCTL)
GADGETS = pathlib.Path("/run/ffsctl/gadget.d")
GADGETS.mkdir(parents=True)


def write(functions=LOOPBACK, more=""):
    """Writes the gadget file x. Its setting `udc` is the virtual UDC, so that the gadget waits for this UDC."""
    shutil.copy(gadget("x", functions, f'udc = "dummy_udc.0"; autostart = true; {more}'), GADGETS)


def command(*words, **kwargs):
    """Starts a command in the background; finish() waits for it."""
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            **kwargs)


def run(*words):
    return finish(command(*words))


def answer(*words):
    return must(run(*words)).stdout.strip()


class Manager:
    restarts = True

    def remains(self):
        """Returns the snapshot without /run, because service managers may change their own files there."""
        return {key: value for key, value in snapshot().items() if key != "run"}

    def end(self):
        pass


@contextlib.contextmanager
def managing(kind):
    """Yields a manager; its service x is down. Checks at the end that the service is down again and nothing is left."""
    manager = kind()
    before = manager.remains()
    try:
        yield manager
        eq((manager.knows(), status("x")), ("down", (None, 3)))
        check_same_snapshots(before, manager.remains())
        eq(harness.tree("/run/ffsctl"), [str(GADGETS), f"{GADGETS}/x.conf"])
    finally:
        ffsctl("down", "x")
        manager.end()


def starts(kind):
    told = Fifo()
    write(odd("tell", told.path, "raise", int(signal.SIGSTOP), "notify", "wait", stop_timeout=0.1))
    with managing(kind) as manager:
        starting = manager.start()
        worker = told.wait()
        eq((starting.poll(), manager.knows()), (None, "starting"))
        continue_stopped_worker(worker)
        must(finish(starting))
        eq((manager.knows(), status("x")[0]["state"]), ("up", "ready"))
        manager.stop()


def crashes(kind):
    write()
    with managing(kind) as manager:
        must(finish(manager.start()))
        must(ffsctl("wait", "x", "--for", "configured"))
        numbers, before = devnums(), processes("x")
        with traffic() as t:
            kill(status("x")[0]["supervisor"])
            if manager.restarts:
                must(ffsctl("wait", "x", "--timeout", "60"))
            must(finish(manager.start()))
            eq(manager.knows(), "up")
            t.more(2)
            eq((processes("x"), devnums()), (before, numbers))
        manager.stop()


def reloads(kind):
    write()
    attribute = pathlib.Path(harness.CONFIGFS, "x", "max_speed")
    with managing(kind) as manager:
        must(finish(manager.start()))
        before = processes("x")
        eq(attribute.read_text(), "super-speed-plus\n")
        write(more='max_speed = "high";')
        eq(manager.reload(), True)
        eq((attribute.read_text(), processes("x")), ("high-speed\n", before))
        write(more="max_speed = 7;")
        eq(manager.reload(), False)
        eq((attribute.read_text(), processes("x"), manager.knows()), ("high-speed\n", before, "up"))
        manager.stop()


def gives_up(kind):
    write(more="nonsense = 1;")
    with managing(kind) as manager:
        result = finish(manager.start(), 100)
        eq(result.returncode == 0, False, "whether it has started")


def checks(kind):
    name = kind.__name__
    test(f"{name}: start returns when the gadget is up, stop when it is gone", kind)(starts)
    test(f"{name}: the supervisor crashes, and the next one takes over while data flows", kind)(crashes)
    test(f"{name}: reload makes it what its file says now, and leaves it where that is wrong", kind)(reloads)
    test(f"{name}: a file with errors is no gadget, and not tried again", kind)(gives_up)
