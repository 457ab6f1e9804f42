#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1 timeout=300
# lab all: kernel=6.12,6.1 vudcs=1 timeout=300
# lab all: build=without-libusbgx vudcs=1 timeout=300
# lab all: build=musl,i386 vudcs=1 timeout=300
"""The descriptions in the files of gadget.d and examples are correct: the test uses each gadget from the host's side,
by the kernel's own driver if the lab's kernel has it, otherwise by libusb."""

import contextlib
import fcntl
import os
import pathlib
import select
import shutil
import socket
import string
import struct
import subprocess
import threading
import uuid

import harness
import identity
import ioctls
import tap
from gadgets import DIRECTORY, interface_of, network_namespace, raw_terminal, read_until, sh
from harness import EXAMPLES, SRC, ffsctl, must, status
from tap import contains, eq, ok, patience, raises, test

GADGETS = f"{SRC}/gadget.d"
OLD = os.environ["LAB_KERNEL"] == "6.1"  # without WebUSB and DFU
SILENT = OLD and tap.USER_MODE_LINUX  # that kernel has no sound

harness.load_host_drivers()
harness.leaves_nothing()


def localised(path):
    """The file with what it has in /var/lib/ffsctl in a directory of ours; nothing else is changed."""
    copy = DIRECTORY / os.path.basename(path)
    copy.write_text(pathlib.Path(path).read_text().replace("/var/lib/ffsctl", str(DIRECTORY)).replace(
        "${dir}", os.path.dirname(path)))
    return copy


@contextlib.contextmanager
def up(path, udc="dummy_udc.0"):
    """The gadget, its host's drivers bound; as the status shows it."""
    name = os.path.basename(path)[:-5]
    with contextlib.ExitStack() as stack:
        with harness.configured():
            must(ffsctl("up", localised(path), "--udc", udc))
            if udc != "dummy_udc.0":
                for plug in harness.attach(udc):
                    stack.callback(plug.close)
            stack.callback(harness.down, name)
        must(ffsctl("wait", name, "--for", "configured", "--timeout", str(round(patience(10)))))
        shown, _ = status(name)
        eq(shown["state"], "ready")
        eq(shown["problems"], [], "problems")
        yield shown


# --- the plugin bridge ---------------------------------------------------------------------------------


@test("bridge: a client on the device, the program on the host, and each gets what the other sends")
def bridge_client_and_host():
    with up(f"{GADGETS}/bridge.conf"):
        with socket.create_connection(("127.0.0.1", 5511), patience(10)) as client:
            host = subprocess.Popen([f"{EXAMPLES}/bridge-host.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            there, back = os.urandom(100000), os.urandom(1 << 16)  # the second ends with a full packet
            client.sendall(back)
            eq(read_until(host.stdout.fileno(), back[-100:]), back)
            host.stdin.write(there)
            host.stdin.flush()
            eq(read_until(client.fileno(), there[-100:]), there)
            host.stdin.write(back)  # the program's own empty packet
            host.stdin.flush()
            eq(read_until(client.fileno(), back[-100:]), back)
            out, _ = host.communicate(timeout=patience(10))
            eq((out, host.returncode), (b"", 0))


# --- a serial line ------------------------------------------------------------------------------------


def shell_over(port):
    """A getty there and a terminal here: a shell that computes."""
    # Raw before anything comes, which a line would echo
    fd = raw_terminal("/dev/ttyACM0")
    getty = subprocess.Popen(["setsid", "agetty", "-n", "-l", "/bin/sh", "-L", port.removeprefix("/dev/"), "115200", "dumb"])
    try:
        read_until(fd, b"# ")
        os.write(fd, b"echo $((6 * 7))-$(tty)\r")
        contains(read_until(fd, b"42-" + port.encode() + b"\r"), b"echo")
        os.write(fd, b"exit\r")
        eq(getty.wait(timeout=patience(10)), 0, "getty")
    finally:
        os.close(fd)
        getty.kill()
        getty.wait()


@test("serial: a shell on the host's /dev/ttyACM0")
def serial_shell():
    with up(f"{GADGETS}/serial.conf") as gadget:
        eq(must(ffsctl("status", "serial", "-o", "console.device")).stdout, "/dev/ttyGS0\n")
        shell_over(gadget["functions"][0]["device"])


# --- networks -----------------------------------------------------------------------------------------


FETCH = """
import socket, sys
with socket.create_connection((sys.argv[1], 5555), timeout=20) as s:
    s.sendall(b"come"); s.shutdown(socket.SHUT_WR)
    data = b"".join(iter(lambda: s.recv(65536), b""))
sys.exit(0 if data == bytes(range(256)) * 2048 else 1)
"""


def traffic(here, theirs):
    """Half a megabyte from this side of the cable to a host that is another machine."""
    sh(f"ip address add 192.168.55.1/24 dev {here} && ip link set {here} up")
    with network_namespace() as host, socket.create_server(("192.168.55.1", 5555)) as server:
        sh(f"ip link set {theirs} netns {host}")
        inside = f"nsenter -t {host} -n "
        sh(inside + f"ip address add 192.168.55.2/24 dev {theirs} && " + inside + f"ip link set {theirs} up")
        client = subprocess.Popen([*inside.split(), "/usr/bin/python3", "-c", FETCH, "192.168.55.1"])
        try:
            server.settimeout(patience(20))
            connection, (address, _) = server.accept()
            with connection:
                eq((address, connection.recv(16)), ("192.168.55.2", b"come"))
                connection.sendall(bytes(range(256)) * 2048)
            eq(client.wait(timeout=patience(30)), 0, "what the host got")
        finally:
            client.kill()
            client.wait()


@test("network: TCP between two network namespaces, the interfaces as the file says, WINNCM for Windows")
def network_tcp_both_ways():
    with up(f"{GADGETS}/network.conf") as gadget:
        eq(gadget["functions"][0]["ifname"], interface_of(identity.address("network", "ncm.net", "dev_addr")))
        eq(compatible_ids(harness.device(), 1), {0: ("WINNCM", "")})
        traffic(gadget["functions"][0]["ifname"], interface_of(identity.address("network", "ncm.net", "host_addr")))


@test("network-windows: RNDIS first, with its ids; Linux takes NCM, and there is traffic")
def network_windows_rndis_first():
    with up(f"{GADGETS}/network-windows.conf"):
        device = harness.device()
        first, second = device.configurations()
        eq([i.bInterfaceClass for i in first], [2, 10])
        eq(bytes(first.extra_descriptors)[-8:-1], bytes([8, 11, 0, 2, 0xE0, 1, 3]), "association")
        eq(device.get_active_configuration().bConfigurationValue, second.bConfigurationValue)
        eq(compatible_ids(device, 1), {0: ("RNDIS", "5162001")})
        ends = [interface_of(identity.address("network-windows", "ncm.ncm", end)) for end in ("dev_addr", "host_addr")]
        traffic(*ends)


# --- keyboard and mouse -------------------------------------------------------------------------------

# The lab does not load a HID driver: reports are taken off the endpoints.

KEYS = string.ascii_letters + string.digits + string.punctuation + " \t\n\x1b\b"  # all of the programs


def reports(device, interface, count):
    """The next reports of an interface, read by a thread from now on; call the result for them. Between
    two there is an empty packet, which a HID driver leaves out as well."""
    endpoint = next(e for e in device.get_active_configuration()[interface, 0] if e.bEndpointAddress & 0x80)
    found = []

    def read():
        while len(found) < count:
            if report := bytes(endpoint.read(endpoint.wMaxPacketSize, timeout=round(patience(10000)))):
                found.append(report)

    thread = threading.Thread(target=read)
    thread.start()

    def result():
        thread.join()
        return found

    return result


@contextlib.contextmanager
def example_runs(program, *words):
    """Runs an example beside the body of the `with` statement; it must succeed."""
    process = subprocess.Popen([f"{EXAMPLES}/{program}", *words])
    try:
        yield
        eq(process.wait(timeout=patience(20)), 0, "exit status")
    finally:
        process.kill()
        process.wait()


@test("keyboard-mouse: what the program types and moves, the host gets")
def keyboard_mouse_types_and_moves():
    def run(*words):
        return example_runs("keyboard-mouse.py", *words)

    with up(f"{EXAMPLES}/keyboard-mouse.conf") as gadget:
        device = harness.device()
        eq([(i.bInterfaceClass, i.bInterfaceProtocol) for i in device.get_active_configuration()], [(3, 1), (3, 2)])
        taken = reports(device, 0, 8)
        with run("type", "Hi?\n"):
            keys = taken()
        release = bytes(8)
        eq(keys, [bytes([2, 0, 0x0B, 0, 0, 0, 0, 0]), release, bytes([0, 0, 0x0C, 0, 0, 0, 0, 0]), release,
                  bytes([2, 0, 0x38, 0, 0, 0, 0, 0]), release, bytes([0, 0, 0x28, 0, 0, 0, 0, 0]), release])
        taken = reports(device, 1, 4)
        with run("move", "200", "-5", "click"):
            eq(taken(), [bytes([0, 127, 251, 0]), bytes([0, 73, 0, 0]), bytes([1, 0, 0, 0]), bytes(4)])
        # The lights: a report from the host.
        with open(gadget["functions"][0]["device"], "rb", buffering=0) as keyboard:
            device.ctrl_transfer(0x21, 9, 0x200, 0, b"\2")
            eq(keyboard.read(8), b"\2", "Caps Lock")
        # Nobody reads on the host
        refuses("the host has not read the last report of /dev/hidg0", "keyboard-mouse.py", "type", "ab")


def refuses(said, program, *words, env=None):
    """The program ends with exit status 1 and one line on stderr, which has these words."""
    refused = subprocess.run([f"{EXAMPLES}/{program}", *words], stderr=subprocess.PIPE, text=True, check=False, env=env)
    must(refused, 1)
    contains(refused.stderr, f"{program}: {said}")
    eq(refused.stderr.count("\n"), 1, refused.stderr)


@test("kvm: keys, pointer, media keys and lights; the drive's medium comes and goes")
def kvm_controls():
    def run(*words):
        return example_runs("kvm.py", *words)

    # Beside a gadget file of the user's is the drop-in that has the medium
    directory = DIRECTORY / "kvm"
    directory.mkdir()
    shutil.copy(f"{GADGETS}/kvm.conf", directory)
    medium = directory / 'a "medium".iso'
    medium.write_bytes(bytes(2048 * 400))
    with up(directory / "kvm.conf") as gadget:
        device = harness.device()
        eq([(i.bInterfaceClass, i.bInterfaceSubClass, i.bInterfaceProtocol) for i in device.get_active_configuration()],
           [(3, 1, 1), (3, 0, 0), (3, 0, 0), (8, 6, 0x50)])
        taken = reports(device, 0, 6)
        with run("key", "Ctrl+Alt+Delete", "type", "A\\"):
            eq(taken(), [bytes([5, 0, 0x4C]).ljust(8, b"\0"), bytes(8), bytes([2, 0, 4]).ljust(8, b"\0"), bytes(8),
                         bytes([0, 0, 0x31]).ljust(8, b"\0"), bytes(8)])
        taken = reports(device, 1, 4)
        with run("move", "25", "100", "click", "right", "wheel", "-1"):
            eq(taken(), [struct.pack("<BHHb", buttons, 8192, 32767, wheel)
                         for buttons, wheel in ((0, 0), (2, 0), (0, 0), (0, -1))])
        taken = reports(device, 2, 2)
        with run("media", "VolumeUp"):
            eq(taken(), [b"\xe9\0", b"\0\0"])
        lun = pathlib.Path(harness.CONFIGFS, "kvm/functions/mass_storage.disk/lun.0/file")
        before = gadget["since"]
        with run("insert", str(medium)):
            pass
        eq(lun.read_text(), f"{medium}\n")
        with run("eject"):
            pass
        eq((lun.read_text(), status("kvm")[0]["since"]), ("", before))
        with subprocess.Popen([f"{EXAMPLES}/kvm.py", "key", "nothing"], stderr=subprocess.PIPE, text=True) as wrong:
            contains(wrong.communicate()[1], "kvm.py: no key has the name 'nothing': a, b, c")
        eq(wrong.returncode, 1)
        refuses("the host does not read /dev/hidg0", "kvm.py", "type", "ab")


@test("keyboard: what keyboard-mouse.py types, read-keys.py prints on the host until the keyboard is disconnected")
def keyboard_is_read_on_host():
    with contextlib.ExitStack() as stack:
        with up(f"{GADGETS}/keyboard.conf") as gadget:
            host = stack.enter_context(subprocess.Popen(
                [f"{EXAMPLES}/read-keys.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            stack.callback(host.kill)
            contains(host.stderr.readline(), b":1.0 until Ctrl-C")
            must(subprocess.run([f"{EXAMPLES}/keyboard-mouse.py", "--gadget", "keyboard", "type", KEYS, "enter"], check=False))
            eq(read_until(host.stdout.fileno(), KEYS[-5:].encode() + b"\n"), KEYS.encode() + b"\n")
            with open(gadget["functions"][0]["device"], "wb", buffering=0) as device:
                for pressed in (b"\4", b"\4\5", b"\5", b"\5\x3a"):
                    device.write((b"\0\0" + pressed).ljust(8, b"\0"))
            eq(read_until(host.stdout.fileno(), b"<0x3a>"), b"ab<0x3a>", "keys that are pressed together")
            refuses("another program reads the keyboard", "read-keys.py")
        eq(host.communicate(timeout=patience(20)), (b"", b""))
        eq(host.returncode, 0, "exit status")


@test("keyboard: the programs say what is missing")
def keyboard_programs_say_what_is_missing():
    here = ("keyboard-mouse.py", "--gadget", "keyboard", "type", "a")
    refuses("no keyboard: ", "read-keys.py")
    refuses("the gadget keyboard is not up", *here)
    refuses("cannot find ffsctl: ", *here, env={"PATH": "/"})
    with up(f"{GADGETS}/keyboard.conf"):
        refuses("the gadget keyboard has no function 'mouse' of type hid", *here[:3], "click")
    for udc, said in (("--no-bind", "the gadget keyboard is unbound: "),
                      ("--udc=usbip-vudc.0", "no host has configured the gadget: 'ffsctl wait keyboard ")):
        must(ffsctl("up", f"{GADGETS}/keyboard.conf", udc))
        refuses(said, *here)
        harness.down("keyboard")


@test("keyboard: reports that a UDC accepts although no program of the host reads them, as ffsctl-functions(5) says")
def reports_without_reader():
    for udc, accepted in (("dummy_udc.0", 2), ("usbip-vudc.0", 1)):
        with up(f"{GADGETS}/keyboard.conf", udc) as gadget:
            fd = os.open(gadget["functions"][0]["device"], os.O_WRONLY | os.O_NONBLOCK)
            try:
                for _ in range(accepted):
                    eq(os.write(fd, bytes(8)), 8)
                raises(BlockingIOError, os.write, fd, bytes(8))
            finally:
                os.close(fd)


# --- storage ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def block_device():
    """The path of the drive that comes meanwhile, once its host has read what it is."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, harness.NETLINK_KOBJECT_UEVENT) as uevents:
        uevents.bind((0, 1))
        uevents.settimeout(patience(20))

        def path():
            words = []
            while not (b"DEVTYPE=disk" in words and words[0].startswith(b"add@")
                       and any(w.startswith(b"DEVNAME=sd") for w in words)):
                words = uevents.recv(65536).split(b"\0")
            return "/dev/" + next(w[8:].decode() for w in words if w.startswith(b"DEVNAME="))

        yield path


def image():
    path = DIRECTORY / "storage.img"
    path.write_bytes(b"")
    os.truncate(path, 4 << 20)
    sh(f"/sbin/mke2fs -q -F -t ext2 {path}")
    return path


@test("storage: a file that the host writes into the file system is in the image")
def storage_file_reaches_image():
    # The lab's kernel has no file systems for drives: e2fsprogs' own, on the host's block device.
    path = image()
    text = DIRECTORY / "text"
    text.write_bytes(os.urandom(300000))
    with block_device() as drive:
        with up(f"{GADGETS}/storage.conf"):
            device = drive()
            contains(pathlib.Path("/sys/class/block", device[5:], "device/model").read_text(), "Storage")
            sh(f"/sbin/debugfs -w -R 'write {text} hello' {device}")
            sh(f"sync {device}")
    copy = DIRECTORY / "copy"
    sh(f"/sbin/debugfs -R 'dump hello {copy}' {path} && /sbin/e2fsck -fn {path}")
    ok(copy.read_bytes() == text.read_bytes(), "another file")


# --- sound and MIDI -----------------------------------------------------------------------------------


def cards(id_of_ours):
    """The directories in /proc/asound of our card and of the host's, once both are there."""
    def both():
        ids = {p.parent: harness.text_of(p) for p in pathlib.Path("/proc/asound").glob("card[0-9]*/id")}
        ours, theirs = ([p for p, id in ids.items() if (id == id_of_ours) == here] for here in (True, False))
        return ours and theirs and (ours, theirs)

    found = harness.await_devices(both)
    ok(found, "no two cards in /proc/asound")
    eq([len(side) for side in found], [1, 1], f"cards {found}")
    return found[0][0], found[1][0]


def refused_if(so, path, words):
    """Checks that `up` refuses the file with these words, if `so`; returns `so`."""
    if so:
        contains(must(ffsctl("up", path, "--udc", "dummy_udc.0"), 69).stderr, words)
    return so


def sound(name, ours, stream):
    path = f"{GADGETS}/{name}.conf"
    if refused_if(SILENT, path, "this kernel has no function"):
        return
    with up(path, harness.ISOCHRONOUS_UDC):
        _, theirs = cards(ours)
        eq((theirs / "usbid").read_text(), "1d6b:0104\n")
        text = (theirs / "stream0").read_text()
        for direction in ("Playback:", "Capture:"):
            part = text[text.index(direction):]
            for line in stream:
                contains(part, line, direction)


@test("sound: an ALSA card on both sides, on the host's the rates of the file")
def sound_cards_both_sides():
    sound("sound", "UAC2Gadget", ["Format: S16_LE", "Channels: 2", "Rates: 48000, 44100"])


@test("sound-uac1: an ALSA card on both sides")
def sound_uac1_cards_both_sides():
    sound("sound-uac1", "UAC1Gadget", ["Format: S16_LE", "Channels: 2", "Rates: 48000"])


@test("midi: notes both ways between the two ALSA cards")
def midi_notes_both_ways():
    path = f"{GADGETS}/midi.conf"
    if refused_if(SILENT, path, "this kernel has no function"):
        return
    with up(path):
        a, b = (os.open(f"/dev/snd/midiC{p.name[4:]}D0", os.O_RDWR) for p in cards("ffsctl"))
        try:
            for source, sink in ((a, b), (b, a)):
                select.select([sink], [], [], 0)  # from its first poll on an ALSA input listens
                os.write(source, bytes.fromhex("903c40"))
                eq(read_until(sink, b"\x40"), bytes.fromhex("903c40"))
        finally:
            os.close(a)
            os.close(b)


# --- a camera -----------------------------------------------------------------------------------------

VIDIOC_QUERYCAP, VIDIOC_ENUM_FMT = 0x80685600, 0xC0405602
VIDIOC_ENUM_FRAMESIZES, VIDIOC_ENUM_FRAMEINTERVALS = 0xC02C564A, 0xC034564B
CAPTURE = 1


def v4l2(fd, request, size, *values):
    """The answer to an ioctl whose argument begins with these numbers."""
    argument = bytearray(struct.pack(f"={len(values)}I", *values).ljust(size, b"\0"))
    fcntl.ioctl(fd, request, argument)
    return argument


@contextlib.contextmanager
def camera():
    """The webcam with a host: its program, and its device node."""
    # usbip-vudc moves no isochronous data: that far and no farther the lab sees a camera.
    with contextlib.ExitStack() as stack:
        with harness.configured():
            must(ffsctl("up", f"{EXAMPLES}/webcam.conf", "--udc", harness.ISOCHRONOUS_UDC))
            # In the end: the program, the gadget, the plug.
            plugs = stack.enter_context(contextlib.ExitStack())
            stack.callback(harness.down, "webcam")
            ours = must(ffsctl("status", "webcam", "-o", "camera.device")).stdout.strip()
            program = subprocess.Popen([f"{harness.BUILD}/examples/webcam", ours], stdout=subprocess.PIPE, text=True)
            stack.callback(program.wait)
            stack.callback(program.kill)
            contains(program.stdout.readline(), "webcam: ready")
            for plug in harness.attach():
                plugs.callback(plug.close)
        yield program, ours


@test("webcam: uvcvideo takes it, and knows its format, size and rate")
def webcam_format_size_rate():
    with camera() as (program, ours):
        theirs, = harness.await_devices(lambda: [
            f"/dev/{p.name}" for p in pathlib.Path("/sys/class/video4linux").glob("video*")
            if f"/dev/{p.name}" != ours and harness.text_of(p / "index") == "0"])
        fd = harness.open_device(theirs, os.O_RDWR)
        try:
            contains(v4l2(fd, VIDIOC_QUERYCAP, 104).decode("latin1"), "uvcvideo")
            eq(v4l2(fd, VIDIOC_ENUM_FMT, 64, 0, CAPTURE)[44:48], b"YUYV")
            tap.raises(OSError, v4l2, fd, VIDIOC_ENUM_FMT, 64, 1, CAPTURE)
            yuyv, = struct.unpack("=I", b"YUYV")
            eq(struct.unpack("=4I", v4l2(fd, VIDIOC_ENUM_FRAMESIZES, 44, 0, yuyv)[4:20]), (yuyv, 1, 320, 180))
            answer = v4l2(fd, VIDIOC_ENUM_FRAMEINTERVALS, 52, 0, yuyv, 320, 180)
            numerator, denominator = struct.unpack("=2I", answer[20:28])
            eq(round(denominator / numerator), 15, "frames per second")
            # What the program has answered: the default, with the size of a frame.
            form = v4l2(fd, ioctls.VIDIOC_G_FMT, struct.calcsize(ioctls.V4L2_FORMAT_FORM), CAPTURE)
            _, chosen = struct.unpack(ioctls.V4L2_FORMAT_FORM, form)
            eq(struct.unpack_from("=6I", chosen), (320, 180, yuyv, 1, 640, 320 * 180 * 2))
        finally:
            os.close(fd)
        eq(program.poll(), None, "the program has ended")


@test("webcam: its program is killed while a host is there, and the gadget goes down at once")
def webcam_program_killed():
    # The kernel deactivates the function for a process that dies (lab/patches: usbip: vudc).
    with camera() as (program, _):
        program.kill()


# --- a printer ----------------------------------------------------------------------------------------


@test("printer: its device id, and a job from the host's side")
def printer_id_and_job():
    # The lab does not load usblp: libusb does what it does.
    with up(f"{GADGETS}/printer.conf"):
        device = harness.device()
        answer = bytes(device.ctrl_transfer(0xA1, 0, 0, 0, 1024))  # GET_DEVICE_ID
        eq(answer[2:], b"MFG:ffsctl;MDL:Virtual printer;CLS:PRINTER;CMD:PCL;")
        eq(struct.unpack(">H", answer[:2])[0], len(answer))
        job = os.urandom(100001)
        with open("/dev/g_printer0", "rb", buffering=0) as printer:
            out = next(e for e in device.get_active_configuration()[0, 0] if e.bEndpointAddress < 0x80)
            writer = threading.Thread(target=out.write, args=(job, 10000))
            writer.start()
            data = b""
            while len(data) < len(job):
                data += printer.read(8192)
            writer.join()
        ok(data == job, "another job")


# --- all in one ---------------------------------------------------------------------------------------


@test("composite: a shell, a network and a drive at once")
def composite_shell_network_drive():
    path = image()
    with block_device() as drive:
        with up(f"{GADGETS}/composite.conf") as gadget:
            device = harness.device()
            eq((device.bDeviceClass, device.bDeviceSubClass, device.bDeviceProtocol), (0xEF, 2, 1))
            eq(compatible_ids(device, 1), {2: ("WINNCM", "")})
            shell_over(gadget["functions"][0]["device"])
            traffic(gadget["functions"][1]["ifname"], interface_of(identity.address("composite", "ncm.net", "host_addr")))
            with open(drive(), "rb") as f:
                ok(f.read() == path.read_bytes(), "another medium")
                eq(pathlib.Path("/sys/class/block", f.name[5:], "ro").read_text(), "1\n")


# --- descriptors by which hosts find drivers ----------------------------------------------------------


def compatible_ids(device, code):
    """Microsoft OS 1.0 descriptors, as Windows asks for them: {interface: (compatible, sub-compatible)}."""
    string = bytes(device.ctrl_transfer(0x80, 6, 0x03EE, 0, 18))
    eq((string[:2], string[2:16].decode("utf-16le"), string[16]), (b"\x12\3", "MSFT100", code), "string 0xee")
    answer = bytes(device.ctrl_transfer(0xC0, code, 0, 4, 4096))
    length, _, index, count = struct.unpack_from("<IHHB", answer)
    eq((length, index), (len(answer), 4))
    found = {}
    for n in range(count):
        interface, _, compatible, sub = struct.unpack_from("<BB8s8s", answer, 16 + 24 * n)
        if compatible.strip(b"\0"):
            found[interface] = (compatible.rstrip(b"\0").decode(), sub.rstrip(b"\0").decode())
    return found


def guid(device, code):
    """The value DeviceInterfaceGUID of interface 0."""
    answer = bytes(device.ctrl_transfer(0xC1, code, 0, 5, 4096))
    length, _, index, count = struct.unpack_from("<IHHH", answer)
    eq((length, index, count), (len(answer), 5, 1))
    _, kind, size = struct.unpack_from("<IIH", answer, 10)
    eq((kind, answer[20:20 + size].decode("utf-16le")), (1, "DeviceInterfaceGUID\0"))
    return answer[24 + size:].decode("utf-16le").rstrip("\0")


@test("winusb: what Windows asks for, and the echo")
def winusb_descriptors_and_echo():
    with up(f"{EXAMPLES}/winusb.conf"):
        device = harness.device()
        eq(compatible_ids(device, 0xEE), {0: ("WINUSB", "")})
        eq(guid(device, 0xEE), "{6f3b2f0c-6d0a-4f5e-9f57-0d6b9d1d6b01}")
        harness.bench("loop", "--size", "65536")


@test("webusb: what a browser asks for, and the echo")
def webusb_descriptors_and_echo():
    path = f"{EXAMPLES}/webusb.conf"
    if refused_if(OLD, path, "this kernel has no such attribute"):
        return
    with up(path):
        device = harness.device()
        bos = bytes(device.ctrl_transfer(0x80, 6, 0x0F00, 0, 4096))
        eq(struct.unpack_from("<H", bos, 2)[0], len(bos))
        at, found = 5, []
        while at < len(bos):
            if bos[at + 2] == 5:  # platform
                found.append((uuid.UUID(bytes_le=bos[at + 4:at + 20]), struct.unpack_from("<HBB", bos, at + 20)))
            at += bos[at]
        eq(found, [(uuid.UUID("3408b638-09a9-47a0-8bfd-a0768815b665"), (0x100, 1, 1))])
        eq(bytes(device.ctrl_transfer(0xC0, 1, 1, 2, 255)), b"\x15\3\1example.org/device")
        eq(compatible_ids(device, 0xEE), {0: ("WINUSB", "")})
        harness.bench("loop", "--size", "65536")


# --- DFU ----------------------------------------------------------------------------------------------


@test("dfu: a firmware there and back, and what is out of order")
def dfu_firmware_both_ways():
    path = f"{EXAMPLES}/dfu.conf"
    if refused_if(OLD, path, "6.12"):
        return
    image = DIRECTORY / "firmware.bin"
    with up(path):
        device = harness.device()
        functional = bytes(device.get_active_configuration()[0, 0].extra_descriptors)
        eq(struct.unpack("<BBBHHH", functional), (9, 0x21, 7, 1000, 1024, 0x110))
        size = struct.unpack("<BBBHHH", functional)[4]

        def state():
            status, *_, state, _ = device.ctrl_transfer(0xA1, 3, 0, 0, 6)
            return status, state

        def download(firmware):
            blocks = [firmware[i:i + size] for i in range(0, len(firmware), size)]
            for n, block in enumerate(blocks):
                eq(device.ctrl_transfer(0x21, 1, n, 0, block), len(block))
                eq(state(), (0, 5), "after a block")
            device.ctrl_transfer(0x21, 1, len(blocks), 0, b"")
            eq(state(), (0, 2), "after the last")

        def upload():
            data = b""
            for n in range(100):
                block = bytes(device.ctrl_transfer(0xA1, 2, n, 0, size))
                data += block
                if len(block) < size:
                    break
            return data

        for firmware in (os.urandom(5000), os.urandom(2048)):
            download(firmware)
            ok(image.read_bytes() == firmware, "another firmware")
            ok(upload() == firmware, "another firmware is read back")
        eq(state(), (0, 2))
        # The end of a download that has not begun: refused, an error until it is cleared.
        tap.raises(harness.usb.core.USBError, device.ctrl_transfer, 0x21, 1, 0, 0, b"")
        eq(state(), (15, 10))
        tap.raises(harness.usb.core.USBError, device.ctrl_transfer, 0x21, 1, 0, 0, b"x")
        device.ctrl_transfer(0x21, 4, 0, 0, b"")
        eq(state(), (0, 2))
        # A download that is broken off leaves the firmware as it was.
        device.ctrl_transfer(0x21, 1, 0, 0, b"x")
        device.ctrl_transfer(0x21, 6, 0, 0, b"")
        eq(state(), (0, 2))
        ok(image.read_bytes() == firmware, "the firmware was changed")


tap.main()
