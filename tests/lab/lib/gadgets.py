# SPDX-License-Identifier: GPL-2.0-or-later
"""Helper functions for tests of the whole program, which write gadget files, send data in the background, and wait for
events instead of sleeping for a fixed time."""

import contextlib
import os
import pathlib
import select
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import tty

import usb.core

import harness
from harness import BUILD, FFSCTL, SRC, ffsctl, must, status
from tap import at_most, eq, ok, patience

DIRECTORY = pathlib.Path(tempfile.mkdtemp(prefix="ffsctl-test-"))
DIRECTORY.chmod(0o755)  # workers may run as the user nobody
ODD_WORKER = f"{BUILD}/tests/lab/workers/odd_worker"


def strings(words):
    return ", ".join('"%s"' % word for word in words)


def odd(*words, **settings):
    """Returns the text of a group `worker` that runs odd_worker.c with these words as arguments. The worker itself
    reports when it is ready."""
    return worker(**{"ready": "notify", **settings, "exec": [ODD_WORKER, *map(str, words)]})


def worker(**settings):
    """Returns the text of a group `worker` with these settings."""
    text = ""
    for key, value in settings.items():
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, str):
            value = '"%s"' % value
        elif isinstance(value, dict):
            value = "{ %s }" % " ".join(("%s = %s;" if isinstance(pair[1], int) else '%s = "%s";') % pair
                                        for pair in value.items())
        elif isinstance(value, (list, tuple)):
            value = "[ %s ]" % strings(value)
        text += "%s = %s; " % (key, value)
    return text


LOOPBACK = worker(plugin="loopback")
AT_ONCE = {"restart_delay": 0, "restart_limit": 0}  # settings of a worker that is killed repeatedly


def gadget(name, functions, extra=""):
    """Writes a gadget file and returns its path. `functions` is {label of a function: text of its group `worker`, or None
    for a function without a worker}, or only one such text, for a gadget with the single function `echo`."""
    if not isinstance(functions, dict):
        functions = {"echo": functions}
    text = 'attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n'
    text += 'strings = ( { product = "%s"; serialnumber = "1"; } );\n%s\nfunctions : {\n' % (name, extra)
    for label, group in functions.items():
        text += '  %s : { ffs : { interfaces = ( { endpoints = ( "bulk-out", "bulk-in" ); } ); };\n' % label
        text += "    worker : { %s};\n" % group if group else ""
        text += "  };\n"
    path = DIRECTORY / (name + ".conf")
    path.write_text(text + "};\n")
    return str(path)


EP0_DAEMON = f"{SRC}/tests/lab/workers/ep0_daemon.py"


def ep0_daemon(name, *words, no_disconnect=False, uid=0, beside="", **settings):
    """Writes a gadget file and returns its path. Its function "own" is the daemon ep0_daemon.py with these words; `beside`:
    the text of other functions; `settings`: those of the daemon's group `worker`."""
    path = DIRECTORY / f"{name}.conf"
    group = worker(exec=["/usr/bin/python3", "-I", "-S", EP0_DAEMON, "${mount}", *words], opens="ep0",
                   **{**AT_ONCE, "user": str(uid), **settings})
    ffs = "mount = { no_disconnect = true; };" if no_disconnect else ""
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n'
                    f'functions = {{ own = {{ ffs = {{ {ffs} }}; worker = {{ {group} }}; }}; {beside} }};\n')
    return str(path)


@contextlib.contextmanager
def foreign(name="foreign", bound=True, **attributes):
    """Makes a gadget in configfs without ffsctl. It has a function that libusbgx does not know."""
    top = pathlib.Path(harness.CONFIGFS, name)
    function = top / "functions/SourceSink.x"
    function.mkdir(parents=True)
    (top / "configs/c.1").mkdir()
    for attribute, value in attributes.items():
        (top / attribute).write_text(value)
    (top / "configs/c.1/link").symlink_to(function)
    if bound:
        (top / "UDC").write_text("dummy_udc.0")
    try:
        yield top
    finally:
        if (top / "UDC").read_text().strip():
            (top / "UDC").write_text("\n")
        (top / "configs/c.1/link").unlink()
        for path in (top / "configs/c.1", function, top):
            path.rmdir()


def open_file(name):
    """Makes an empty file that any worker may write to, and returns its path."""
    path = DIRECTORY / name
    path.unlink(missing_ok=True)
    path.touch()
    path.chmod(0o666)
    return path


class Fifo:
    """A FIFO to which a worker writes a line when it has started."""

    def __init__(self, name="told"):
        self.path = str(DIRECTORY / name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        os.mkfifo(self.path, 0o666)
        os.chmod(self.path, 0o666)
        self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.rest = b""

    def wait(self, timeout=60):
        """Returns the next line, which is the pid of the process that wrote it."""
        while b"\n" not in self.rest:
            if not select.select([self.fd], [], [], patience(timeout))[0]:
                raise AssertionError("nobody tells us anything within %g s" % timeout)
            self.rest += os.read(self.fd, 4096)
        line, self.rest = self.rest.split(b"\n", 1)
        return int(line)


def continue_stopped_worker(pid):
    """Continues a worker that has stopped itself."""
    while harness.stat_of(pid)[1][0] != "T":
        os.sched_yield()
    os.kill(pid, signal.SIGCONT)


def start(*args, **kwargs):
    """Starts ffsctl in the background."""
    return subprocess.Popen([FFSCTL, *map(str, args)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)


def session(leader):
    """Returns the pids of all processes in the session (setsid(2)) of a worker."""
    def is_in(pid):
        try:
            return os.getsid(pid) == leader
        except ProcessLookupError:
            return False

    return [pid for pid in harness.processes() if is_in(pid)]


def ends_before_it_is_read(name, *options):
    """Starts `up` for a gadget whose worker reports that it is ready and then ends at once. Makes the supervisor handle
    the end of the worker before the supervisor reads the worker's report."""
    told = Fifo()
    coming = start("up", gadget(name, odd("daemon", "tell", told.path, "raise", int(signal.SIGSTOP), "notify", "exit", 3)),
                   *options)
    pid = told.wait()
    while harness.stat_of(pid)[1][0] != "T":
        os.sched_yield()
    supervisor = int(harness.stat_of(pid)[1][1])
    [daemon] = set(processes_of(name)) - {pid}
    os.kill(supervisor, signal.SIGSTOP)
    # The supervisor is stopped by SIGSTOP and cannot read the worker's report yet. The daemon, which the worker has started,
    # is a child of the supervisor. Its end sends SIGCHLD to the supervisor before the worker reports. So the supervisor,
    # when it continues, handles SIGCHLD first: it reaps all its children that have ended, also the worker
    harness.kill(daemon)
    os.kill(pid, signal.SIGCONT)
    harness.wait_dead(pid)
    os.kill(supervisor, signal.SIGCONT)
    return coming


def start_traced(args, *filters):
    """Starts ffsctl under strace(1) with these filters. Returns the process, and the file of the system calls."""
    trace = DIRECTORY / "trace"
    trace.write_text("")
    process = subprocess.Popen(["strace", "-o", trace, *filters, harness.FFSCTL, *args], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, trace


def start_with_stops(args, stops, *filters):
    """Starts ffsctl, which strace(1) with these filters stops at system calls, and calls each function of `stops` while it is
    stopped."""
    process, trace = start_traced(args, *filters)
    for n, stop in enumerate(stops):
        while trace.read_text().count("stopped by SIGSTOP") <= n:
            time.sleep(0.01)
        stop()
        os.kill(await_child(process.pid), signal.SIGCONT)
    return process


@contextlib.contextmanager
def slow_calls(pid, call, seconds):
    """Delays each of these system calls of the process, by strace(1), while the body of the `with` statement runs."""
    tracer = subprocess.Popen(["strace", "-p", str(pid), "-o", "/dev/null", "-e", f"trace={call}", "-e",
                               f"inject={call}:delay_enter={round(seconds * 1e6)}"], stderr=subprocess.PIPE, text=True)
    read_lines_until(tracer.stderr, "attached")
    try:
        yield
    finally:
        tracer.terminate()
        tracer.communicate()


def read_lines_until(stream, text):
    """Reads lines up to the first one with this text, and returns all of them."""
    said = ""
    for line in iter(stream.readline, ""):
        said += line
        if text in line:
            return said
    raise AssertionError(f"ended without {text!r}:\n{said}")


def finish(process, timeout=60):
    """Waits for the end of the process and returns its result, like harness.ffsctl()."""
    try:
        out, err = process.communicate(timeout=patience(timeout))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError(f"{' '.join(process.args)} does not end") from None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


LOOKS = 500


def looks():
    """Yields before each look at something that a process will change. Sleeps between two looks, so that other processes run:
    with virtual time (lab/run --virtual-time) a loop without a sleep may never be preempted, because time does not advance
    during work that takes less than a tick. The sleeps become longer, so that there are fewer looks."""
    began = time.monotonic()
    for look in range(LOOKS):
        yield
        time.sleep(0.001 if look < 10 else min((time.monotonic() - began) / 5, 0.1))


def await_file(path):
    """Waits until a program has made this file."""
    for _ in looks():
        if os.path.exists(path):
            return
    raise AssertionError(f"no {path} after {LOOKS} looks")


def await_status(name, condition, what):
    """Returns the gadget's status as soon as it fulfils the condition."""
    for _ in looks():
        gadget, code = status(name)
        if condition(gadget):
            return gadget, code
    raise AssertionError(f"not {what} after {LOOKS} looks, at {time.monotonic():.3f}: {gadget}\n"
                         + ffsctl("log", name).stdout[-4000:] + waits_for(gadget and gadget["supervisor"]))


def waits_for(pid):
    """Describes where a process waits, and the remaining time of its timers."""
    process = pathlib.Path(f"/proc/{pid}")
    files = [harness.text_of(p) or "" for p in process.glob("fdinfo/*")]
    return "\n".join([harness.text_of(process / "stack") or "no supervisor", *(f for f in files if "it_value" in f)])


def log(name="x"):
    """Returns the lines of the log so far. The first one makes the file, which may be after `up` has ended."""
    path = pathlib.Path(f"/run/ffsctl/{name}/log")
    return path.read_text() if path.exists() else ""


def await_log(name, words):
    """Waits until the log has these words. A plugin's output comes through a pipe, so it may reach the log later than
    the effects of the plugin are visible."""
    await_status(name, lambda _: words in log(name), f"saying {words!r}")


def await_log_count(name, words, count):
    """Waits until the log has these words `count` times or more."""
    await_status(name, lambda _: log(name).count(words) >= count, f"{count} times {words!r}")


def await_child(pid):
    """Waits until the process has a child, and returns the child's process ID."""
    while True:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])


def stop_while_coming_up(pid):
    """Stops a process that waits until a gadget is up, when it has started the gadget's supervisor."""
    await_child(pid)
    os.kill(pid, signal.SIGSTOP)


def await_state(name, state):
    return await_status(name, lambda g: (g["state"] if g else "down") == state, state)


ROOT_HUBS = pathlib.Path("/sys/bus/usb/drivers/hub")


def buses():
    """Returns the directories of the buses on which the lab's UDCs are, of which dummy_hcd has two at SuperSpeed."""
    controllers = ("dummy_hcd.", "udc_host.")
    return sorted(d for d in harness.USB_DEVICES.glob("usb*") if d.resolve().parent.name.startswith(controllers))


def root_hubs():
    return [d.name.replace("usb", "") + "-0:1.0" for d in buses()]


@contextlib.contextmanager
def no_host():
    """Turns off the ports of the virtual host controllers."""
    hubs = root_hubs()
    for hub in hubs:
        (ROOT_HUBS / "unbind").write_text(hub)
    try:
        yield
    finally:
        for hub in hubs:
            (ROOT_HUBS / "bind").write_text(hub)


def unconfigure():
    """Makes the host unconfigure the device. (If the drivers of the hubs are unbound instead, the host removes the device
    without a request.)"""
    (harness.usb_device() / "bConfigurationValue").write_text("0")


# Workers that move no data. When SLOW is killed, it is restarted only after 1000 s (restart_delay). FRAGILE is restarted
# only once (restart_limit): when it is killed a second time, it has failed permanently.
SLOW = worker(exec=["/bin/sleep", "100000"], ready="started", restart_delay=1000, restart_max_delay=1000)
FRAGILE = worker(exec=["/bin/sleep", "100000"], ready="started", restart_delay=0, restart_limit=1)


def await_worker(name, state):
    """Waits until the worker of the gadget's first function is in this state; returns the status of the function."""
    def there(shown):
        now = shown["functions"][0]["worker"]
        return now["state"] == state and (now["pid"] or state != "ready")
    return await_status(name, there, state)[0]["functions"][0]


def kill_worker(name):
    harness.kill(await_worker(name, "ready")["worker"]["pid"])


def leave_without_worker(name):
    """Kills the worker SLOW, which is restarted much later, so that the function has no worker."""
    kill_worker(name)
    await_worker(name, "waiting")


def fail_for_good(name):
    """Kills the worker FRAGILE until it has failed permanently."""
    for _ in range(2):
        kill_worker(name)
    await_worker(name, "failed")


def processes_of(gadget):
    """Returns the pids of all processes whose environment is that of a worker of this gadget."""
    found = []
    for pid in harness.processes():
        with contextlib.suppress(OSError):
            words = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if b"FFSCTL_GADGET=" + gadget.encode() in words:
                found.append(pid)
    return found


class Traffic:
    """Sends messages from the host in a thread and receives their echoes, until the device is removed or stop() is
    called. Each echo must be equal to the message, or, after the end of a worker, to a complete earlier message, or to the end
    of one where the UDC's driver does not report the length of a cancelled read.

    A message that a restart has cut is given up after `timeout` milliseconds. In virtual time these take real time, too:
    dummy_hcd looks at a transfer that waits in each microframe."""

    def __init__(self, interface=0, size=3000, timeout=2000, pause=0):
        self.device = harness.device()
        self.device.set_configuration()
        self.interface, self.size, self.timeout = interface, size, round(at_most(timeout))
        self.pause = pause  # seconds between two messages
        self.out, self.in_ = harness.endpoints(self.device, interface)
        self.rounds, self.wrong, self.gone = 0, None, False
        self.stopping = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _message(self, n):
        return struct.pack("<I", n) * (self.size // 4)

    def _round(self, n):
        self.out.write(self._message(n), timeout=self.timeout)
        while True:
            answer = bytes(self.in_.read(self.size + 1024, timeout=self.timeout))
            if answer == self._message(n):
                return
            echoed = self._message(struct.unpack_from("<I", answer)[0]) if len(answer) >= 4 else b""
            if not harness.REPORTS_CUT_READS and answer and echoed.endswith(answer):
                continue
            if len(answer) != self.size or answer != echoed:
                raise AssertionError(f"round {n}: {len(answer)} bytes, {answer[:32]!r}...")

    def _clear(self):
        for endpoint in (self.out, self.in_):
            self.device.clear_halt(endpoint.bEndpointAddress)

    def _recover(self):
        """Clears the halts of both endpoints. Then reads the data that a worker still sends, because a worker that waits
        until its data is read does not read the next message."""
        self._clear()
        while True:
            try:
                self.in_.read(self.size + 1024, timeout=50)
            except usb.core.USBTimeoutError:
                return
            except usb.core.USBError as e:
                if e.errno != 32:  # EPIPE: the next worker has ended in the meantime, too
                    raise
                self._clear()

    def _run(self):
        n = 0
        try:
            while not self.stopping:
                n += 1
                try:
                    self._round(n)
                    with self.changed:
                        self.rounds += 1
                        self.changed.notify_all()
                    if self.pause:
                        time.sleep(self.pause)
                except usb.core.USBError as e:
                    if e.errno == 19:  # ENODEV
                        raise
                    self._recover()
        except usb.core.USBError as e:
            self.gone = e
        except AssertionError as e:
            self.wrong = e
        finally:
            with self.changed:
                self.stopping = True
                self.changed.notify_all()

    def more(self, n=3, timeout=60):
        """Waits until n more messages have come back without an error."""
        with self.changed:
            wanted = self.rounds + n
            if not self.changed.wait_for(lambda: self.rounds >= wanted or self.stopping, patience(timeout)):
                raise AssertionError(f"no round trip in {timeout} s, after {self.rounds}")
        if self.wrong:
            raise self.wrong
        if self.rounds < wanted:
            raise AssertionError(f"after {self.rounds} round trips: {self.gone!r}")

    def end(self):
        """Waits for the end of the thread and releases the device."""
        self.stopping = True
        self.thread.join(60)
        usb.util.dispose_resources(self.device)
        if self.thread.is_alive():
            raise AssertionError("a transfer does not end")
        if self.wrong:
            raise self.wrong


def examples():
    """Returns the examples, except those in subdirectories, that `up` can bring up on a dummy UDC of this kernel without
    preparation."""
    cannot = {"camera-frames", "webcam"} | ({"dfu", "webusb"} if os.environ["LAB_KERNEL"] == "6.1" else set())
    return [p for p in sorted(pathlib.Path(SRC, "examples").glob("*.conf")) if p.stem not in cannot]


# --- takeover and re-exec ----------------------------------------------------------------------

# The message of `up` after a takeover
TAKEN_OVER = "its supervisor had died; taken over with its workers"


def processes(name):
    """Returns the pids of keeper and worker of each function."""
    return [(f["keeper"], f["worker"] and f["worker"]["pid"]) for f in status(name)[0]["functions"]]


@contextlib.contextmanager
def traffic(interface=0, **kwargs):
    """Runs Traffic during the `with` statement."""
    t = Traffic(interface, **kwargs)
    try:
        t.more()
        yield t
    finally:
        t.end()


@contextlib.contextmanager
def running(*args):
    """Starts `ffsctl run` and waits until it reports that the gadget is up; returns the process and its output so far."""
    child = subprocess.Popen([FFSCTL, "run", "--udc", "dummy_udc.0", *args], stdin=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    said = ""
    for line in child.stderr:
        said += line
        if "up on " in line:
            break
    else:
        raise AssertionError(f"exit {child.wait()}: {said}")
    try:
        yield child, said
    finally:
        child.kill()
        child.wait()


# --- programs on the host and on the device --------------------------------------------------------


def sh(command, **kwargs):
    return must(subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)).stdout


def sysfs(pattern, what):
    """Waits until there is a file whose path matches the glob pattern and whose text is `what`; returns the path of the
    only one."""
    found = harness.await_devices(lambda: [p for p in pathlib.Path("/").glob(pattern.lstrip("/")) if harness.text_of(p) == what])
    eq(len(found), 1, f"files {pattern} with {what!r}")
    return found[0]


def read_until(fd, end, size=4096):
    """Reads until the data contains `end`; returns the data."""
    data = b""
    while end not in data:
        ok(select.select([fd], [], [], patience(10))[0], f"{end!r} does not come, only {data!r}")
        data += os.read(fd, size)
    return data


def raw_terminal(path):
    """Opens a terminal as soon as there is one, in raw mode; returns its file descriptor."""
    fd = harness.open_device(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    termios.tcflush(fd, termios.TCIOFLUSH)
    return fd


@contextlib.contextmanager
def network_namespace():
    """Makes a network namespace; yields the pid of a process in it."""
    process = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 1000"], stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def interface_of(mac):
    return sysfs("/sys/class/net/*/address", mac).parent.name
