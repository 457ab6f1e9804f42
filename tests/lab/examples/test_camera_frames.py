#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: append=dummy_hcd.gadget_sg=1 udcs=2 vudcs=1 timeout=120
# lab all: kernel=6.12,6.1 speed=full,high,super append=dummy_hcd.gadget_sg=1 udcs=2 vudcs=1 timeout=120
# lab all: kernel=6.12 build=sanitize append=dummy_hcd.gadget_sg=1 udcs=2 vudcs=1 timeout=240
# lab all: kernel=6.12 flavour=debug append=dummy_hcd.gadget_sg=1 udcs=2 vudcs=1 timeout=240
# lab all: kernel=6.1 stock udcs=2 vudcs=1 timeout=60
"""The example camera-frames: the host gets whole frames with the picture of the camera, and the kernel copies none of them.
The camera is vivid, a driver without hardware, which draws the same test pattern in each frame. Its buffers are pages from
vmalloc(), which dummy_hcd can read."""

import contextlib
import errno
import fcntl
import os
import pathlib
import re
import signal
import struct
import subprocess
import time

import usb.core
import usb.util

import harness
import ioctls
import tap
from gadgets import DIRECTORY, await_log, await_status, await_worker, sh
from harness import EXAMPLES, down, ffsctl, must, status, up
from tap import contains, eq, ok, patience, test

STOCK = os.environ["LAB_MODULES"] != "patched"
DMABUFS = not (STOCK and os.environ["LAB_KERNEL"] == "6.1")
VIDEO = "/dev/video0"
VIVID = pathlib.Path("/sys/bus/platform/drivers/vivid")
TRACING = pathlib.Path("/sys/kernel/tracing")
VIDIOC_S_PARM, VIDIOC_S_CTRL = 0xC0CC5616, 0xC008561C
TEST_PATTERN, OSD_TEXT_MODE = 0x00F0F000, 0x00F0F001  # vivid-ctrls.c
BARS, RED, SQUARES = 1, 7, 4  # patterns
NO_TEXT = 2
CAPTURE = 1
# Name, size, bytes of a frame. At SuperSpeed the second one, at high speed the first one, and at full speed all are
# whole packets
FORMATS = [("YUYV", "320x180", 115200), ("YUYV", "640x480", 614400), ("GREY", "320x180", 57600)]
LAST = 2  # MAX_IN_FLIGHT of camera-frames.c

subprocess.run(["modprobe", "vivid", "n_devs=1", "node_types=0x1"], check=True)
subprocess.run(["mount", "-t", "tracefs", "none", str(TRACING)], check=True)
harness.leaves_nothing()


def permit():
    """Does what udev does on other systems."""
    os.chown(VIDEO, 0, int(sh("getent group video").split(":")[2]))
    os.chmod(VIDEO, 0o660)


permit()


# --- the camera ---------------------------------------------------------------------------------


def set_control(number, value):
    fd = os.open(VIDEO, os.O_RDWR)
    try:
        fcntl.ioctl(fd, VIDIOC_S_CTRL, struct.pack("=Ii", number, value))
    finally:
        os.close(fd)


def picture(pattern, name, size, length):
    """Returns a frame that read() has copied from the camera."""
    set_control(OSD_TEXT_MODE, NO_TEXT)
    set_control(TEST_PATTERN, pattern)
    width, height = map(int, size.split("x"))
    fd = os.open(VIDEO, os.O_RDWR)
    try:
        form = struct.pack("=II4s", width, height, name.encode())
        fcntl.ioctl(fd, ioctls.VIDIOC_S_FMT, struct.pack(ioctls.V4L2_FORMAT_FORM, CAPTURE, form))
        # 50 frames a second: while the host waits, dummy_hcd runs a timer every 125 us
        fcntl.ioctl(fd, VIDIOC_S_PARM, struct.pack("=5I", CAPTURE, 0, 0, 1, 50).ljust(204, b"\0"))
        frame = os.read(fd, 2 * length)
    finally:
        os.close(fd)
    eq(len(frame), length, "bytes of a frame")
    return frame


# --- gadget and host ----------------------------------------------------------------------------


def file_with(*words, without=None):
    """Returns the path of the example with other arguments of the program, in a directory of ours."""
    text = pathlib.Path(EXAMPLES, "camera-frames.conf").read_text()
    line, = re.findall(r"^ *exec = .*\n", text, re.M)
    text = text.replace(line, "exec = [ %s ];\n" % ", ".join(f'"{word}"' for word in ("camera-frames", *words)))
    if without:
        ok(without in text, f"the example has no {without!r} now")
        text = text.replace(without, "")
    path = DIRECTORY / "camera-frames.conf"
    path.write_text(text)
    return path


class Host:
    """A host that reads like read-frames.py, but every read must be one frame."""

    def __init__(self, size):
        self.device, self.size = harness.device(), size
        self.endpoint, = self.device.get_active_configuration()[(0, 0)]

    def frame(self):
        packet = self.endpoint.wMaxPacketSize
        while True:
            try:
                data = self.endpoint.read((self.size // packet + 1) * packet, round(patience(20000)))
            except usb.core.USBError as e:
                if e.errno != errno.EPIPE:
                    raise
                self.device.clear_halt(self.endpoint)
                continue
            eq(len(data), self.size, "bytes of a transfer")
            return data.tobytes()

    def await_picture(self, wanted, *others, count=20):
        """Reads frames until one is the picture `wanted`; returns how many before it were each of the others."""
        before = [0] * len(others)
        for _ in range(count):
            frame = self.frame()
            if frame == wanted:
                return before
            ok(frame in others, "a frame with another picture")
            before[others.index(frame)] += 1
        raise AssertionError(f"not the picture of the camera in {count} frames")


@contextlib.contextmanager
def gadget(*words, size=115200):
    """Brings the example up with these arguments of the program; yields its host."""
    up(file_with(*words), "--udc", "dummy_udc.0", "--wait-host")
    host = Host(size)
    try:
        yield host
    finally:
        usb.util.dispose_resources(host.device)
        down("camera-frames")


def new_host(size, expected):
    """A new host receives twelve pictures, more than the worker has buffers."""
    host = Host(size)
    for _ in range(12):
        host.await_picture(expected)
    usb.util.dispose_resources(host.device)


def configure(value):
    """Makes the host select a configuration."""
    (harness.usb_device() / "bConfigurationValue").write_text(value)


def bind(udc="dummy_udc.0"):
    with harness.configured():
        must(ffsctl("bind", "camera-frames", udc))


def camera_test(name, *args):
    """Is test(), if the example can come up: stock modules have no automatic ZLP."""
    return (lambda function: function) if STOCK else test(name, *args)


# --- whole frames -------------------------------------------------------------------------------


def whole_frames(name, size, length):
    pictures = [picture(pattern, name, size, length) for pattern in (BARS, SQUARES, RED)]  # ends with RED
    eq(len(set(pictures)), 3, "different pictures")
    bars, squares, red = pictures
    with gadget(VIDEO, name, size, size=length) as host:
        answer = host.device.ctrl_transfer(0xC1, 1, 0, 0, 20)
        width, height = map(int, size.split("x"))
        eq(struct.unpack("<4s4I", answer), (name.encode(), width, height, width * length // width // height, length), "format")
        for _ in range(12):  # each buffer more than once
            eq(host.frame() == red, True, "the frame is the red picture")
        set_control(TEST_PATTERN, BARS)
        host.await_picture(bars, red)
        set_control(TEST_PATTERN, SQUARES)
        host.await_picture(squares, bars)
        refused = tap.raises(usb.core.USBError, host.device.ctrl_transfer, 0xC1, 2, 0, 0, 20)
        eq(refused.errno, errno.EPIPE, "an unknown request")


for format_ in FORMATS:
    camera_test(f"{format_[0]} {format_[1]}: each transfer is one frame with the picture of the camera", *format_)(whole_frames)


@camera_test("read-frames.py writes the frames that it is asked for")
def read_frames_program():
    red = picture(RED, *FORMATS[0])
    with gadget(VIDEO):
        result = must(subprocess.run([f"{EXAMPLES}/read-frames.py", "5"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     check=False, timeout=patience(60)))
        ok(result.stdout == 5 * red, f"{len(result.stdout)} bytes, not five frames")
        contains(result.stderr, b"read-frames.py: YUYV, 320x180, 115200 bytes in a frame\n")
        eq(result.stderr.count(b"\n"), 1, result.stderr)


# --- without a copy -----------------------------------------------------------------------------

EVENTS = ("f_fs/ffs_io", "gadget/usb_ep_queue")


@contextlib.contextmanager
def tracing():
    (TRACING / "trace").write_text("")
    for event in EVENTS:
        (TRACING / "events" / event / "enable").write_text("1")
    try:
        yield
    finally:
        for event in EVENTS:
            (TRACING / "events" / event / "enable").write_text("0")


@camera_test("no frame is copied: each request of the endpoint is a DMABUF transfer of the whole frame")
def no_copy():
    red = picture(RED, *FORMATS[0])
    with tracing():
        with gadget(VIDEO) as host:
            for _ in range(20):
                eq(host.frame() == red, True, "the frame is the red picture")
        trace = (TRACING / "trace").read_text()
    ways = re.findall(r" ffs_io: \S+ \S+ write async (\d+) (\w+)$", trace, re.M)
    eq(set(ways), {("115200", "dmabuf")}, "how requests were made")
    eq(len(ways), len(re.findall(r" ffs_io: ", trace)), "writes, and all reads and writes")
    ok(20 <= len(ways) <= 20 + LAST, f"{len(ways)} transfers for 20 frames")
    queued = [match for match in re.findall(r" usb_ep_queue: (\S+): req \S+ length 0/(\d+) sgs \d+/(\d+) .* --> (-?\d+)", trace)
              if not match[0].startswith("ep0")]
    eq(len(queued), len(ways), "requests of the endpoint")
    # The scatterlist is that of the camera's pages, which vmalloc() does not make contiguous
    eq({(int(length), int(entries) > 1, result) for _, length, entries, result in queued}, {(115200, True, "0")}, "requests")


# --- a slow host --------------------------------------------------------------------------------


@camera_test("a host that does not read: the camera continues, frames are dropped, at most two wait")
def host_does_not_read():
    bars, red = (picture(pattern, *FORMATS[0]) for pattern in (BARS, RED))

    def stats(**least):
        def there(shown):
            now = shown["functions"][0]["worker"]["stats"] or {}
            return all(now.get(key, 0) >= value for key, value in least.items())
        return await_status("camera-frames", there, least)[0]["functions"][0]["worker"]["stats"]

    with gadget(VIDEO) as host:
        eq(stats(dropped=12)["sent"], LAST, "frames sent")
        set_control(TEST_PATTERN, BARS)
        dropped = stats(dropped=12)["dropped"]
        eq(stats(dropped=dropped + 12)["sent"], LAST, "frames sent")
        # What waited was not overwritten by later frames, and what follows is new
        eq(host.await_picture(bars, red), [LAST], "old frames")


# --- disturbances -------------------------------------------------------------------------------


@camera_test("frames continue after a reset, another configuration, and on another UDC, with the same worker")
def frames_continue():
    red = picture(RED, *FORMATS[0])
    with gadget(VIDEO) as host:
        pid = await_worker("camera-frames", "ready")["worker"]["pid"]
        for _ in range(3):
            host.await_picture(red)
            host.device.reset()
            host.await_picture(red)
            usb.util.dispose_resources(host.device)
            for value in ("0", "1", "1"):
                configure(value)
            host = Host(host.size)
            host.await_picture(red)
        for _ in range(12):  # each buffer is attached
            host.await_picture(red)
        usb.util.dispose_resources(host.device)
        for udc in ("dummy_udc.1", "dummy_udc.0", "dummy_udc.0"):
            must(ffsctl("unbind", "camera-frames"))
            bind(udc)
            new_host(host.size, red)
        eq(await_worker("camera-frames", "ready")["worker"]["pid"], pid, "pid of the worker")


@camera_test("a frame that the host no longer wants when it arrives is dropped, with the same worker")
def late_frame():
    red = picture(RED, *FORMATS[0])
    with gadget(VIDEO) as host:
        host.await_picture(red)
        worker = await_worker("camera-frames", "ready")["worker"]["pid"]
        usb.util.dispose_resources(host.device)
        for end, begin in ((lambda: configure("0"), lambda: configure("1")),
                           (lambda: must(ffsctl("unbind", "camera-frames")), bind)):
            # When it continues, the worker has a frame and the event, and handles the frame first
            os.kill(worker, signal.SIGSTOP)
            end()
            time.sleep(0.1)  # five frames; nothing reports them
            os.kill(worker, signal.SIGCONT)
            begin()
            new_host(host.size, red)
        eq(await_worker("camera-frames", "ready")["worker"]["pid"], worker, "pid of the worker")


@camera_test("frames continue after a restart and after a crash of the worker, without a disconnect")
def frames_continue_after_restart():
    red = picture(RED, *FORMATS[0])
    with gadget(VIDEO) as host:
        host.await_picture(red)
        for how in ("restart", "kill"):
            pid = await_worker("camera-frames", "ready")["worker"]["pid"]
            if how == "kill":
                harness.kill(pid)
            else:
                must(ffsctl("restart", "camera-frames"))
            for _ in range(12):
                host.await_picture(red)
            ok(await_worker("camera-frames", "ready")["worker"]["pid"] != pid, "the same worker")


@camera_test("the camera is removed and comes back: the log has the reason, frames continue, the host sees no disconnect")
def camera_removed():
    red = picture(RED, *FORMATS[0])
    with gadget(VIDEO) as host:
        host.await_picture(red)
        # When it continues, the first that it finds is that the camera has an error
        worker = await_worker("camera-frames", "ready")["worker"]["pid"]
        os.kill(worker, signal.SIGSTOP)
        (VIVID / "unbind").write_text("vivid.0")
        os.kill(worker, signal.SIGCONT)
        try:
            await_log("camera-frames", f" {VIDEO}: the camera was removed\n")
            await_log("camera-frames", f"camera-frames: cannot open {VIDEO}: No such file or directory\n")
        finally:
            (VIVID / "bind").write_text("vivid.0")
            permit()
        set_control(OSD_TEXT_MODE, NO_TEXT)
        set_control(TEST_PATTERN, RED)
        for _ in range(12):
            host.await_picture(red)


# --- what is missing ----------------------------------------------------------------------------


@camera_test("a UDC without scatter-gather: the log says so, and the worker is not restarted")
def no_scatter_gather():
    plugs = []
    with harness.configured():
        up(file_with(VIDEO), "--udc", "usbip-vudc.0")
        plugs += harness.attach("usbip-vudc.0")
    await_worker("camera-frames", "failed")
    contains(ffsctl("log", "camera-frames").stdout,
             f"camera-frames: cannot attach buffers of {VIDEO} to the endpoint: the UDC has no scatter-gather; "
             "use another UDC, or a program that copies the frames\n")
    eq(status("camera-frames")[0]["functions"][0]["worker"]["restarts"], 0, "restarts")
    down("camera-frames")
    for plug in plugs:
        plug.close()


def refused(reason, *words):
    result = ffsctl("up", file_with(*words), "--udc", "dummy_udc.0")
    ok(result.returncode != 0, "the gadget is up")
    contains(result.stderr, f"camera-frames: cannot {reason}\n")


for name, reason, *words in (
    ("no camera", "open /dev/video9: No such file or directory", "/dev/video9"),
    ("not a camera", "use /dev/null: it is not a capture device with the single-planar API", "/dev/null"),
    ("an unknown format", f"set the format XXXX of {VIDEO}: the camera lacks it", VIDEO, "XXXX"),
):
    camera_test(f"{name}: 'up' prints the reason", reason, *words)(refused)


@test("FunctionFS without DMABUFs: 'up' prints the reason")
def no_dmabufs():
    reason = "camera-frames: cannot attach buffers to the endpoint: FunctionFS of this kernel has no DMABUFs; use Linux 6.9 or later\n"
    # /dev/null does not have this ioctl, either
    program = "exec camera-frames 3</dev/null 4</dev/null 5</dev/null"
    for environment, expected in (({"LISTEN_FDS": "3"}, reason),
                                  ({}, "camera-frames: cannot find the endpoint: ffsctl must pass exactly one\n")):
        result = subprocess.run(program, shell=True, env={**os.environ, **environment}, stderr=subprocess.PIPE,
                                text=True, check=False)
        eq((result.returncode, result.stderr), (125, expected))
    if not DMABUFS:
        contains(must(ffsctl("up", file_with(VIDEO, without=" zlp = true;"), "--udc", "dummy_udc.0"), 76).stderr, reason)


tap.main()
