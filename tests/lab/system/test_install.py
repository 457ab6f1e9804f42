#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab cross: no, its programs are for this machine
# lab: timeout=240 installed
# lab all: kernel=6.12 timeout=240
"""What `make install` installs works without the build and source directories.

The lab has its own /usr/local, so the test really installs.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import time

import jsonschema
import usb.util

import gadgets
import harness
import installation
import tap
from harness import BUILD, SRC
from installation import PREFIX
from tap import contains, eq, ok, patience, test

harness.PYTHON_MODULE.unlink()  # the installed one must be found

PYTHON = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/dist-packages/ffsctl_worker"
INSTALLED = sorted(f"{PYTHON}/__init__.py {PYTHON}/py.typed".split() + """
bin/ffsbench
bin/ffsctl
include/ffsctl/control.h
include/ffsctl/plugin.h
include/ffsctl/stream.h
lib/ffsctl/plugins/accessory.so
lib/ffsctl/plugins/bridge.so
lib/ffsctl/plugins/loopback.so
lib/ffsctl/plugins/selftest.so
lib/ffsctl/plugins/sourcesink.so
lib/libffsctl-stream.so
lib/libffsctl-stream.so.1
lib/pkgconfig/ffsctl.pc
lib/pkgconfig/libffsctl-stream.pc
lib/systemd/system/ffsctl@.service
libexec/ffsctl/ffsctl-worker
share/bash-completion/completions/ffsctl
share/doc/ffsctl/README.md
share/doc/ffsctl/examples/accessory/README.md
share/doc/ffsctl/examples/accessory/accessory.conf
share/doc/ffsctl/examples/accessory/app.conf
share/doc/ffsctl/examples/accessory/app.py
share/doc/ffsctl/examples/accessory/phone.conf
share/doc/ffsctl/examples/blocking-echo.c
share/doc/ffsctl/examples/bridge-host.py
share/doc/ffsctl/examples/camera-frames.c
share/doc/ffsctl/examples/camera-frames.conf
share/doc/ffsctl/examples/dfu-worker.py
share/doc/ffsctl/examples/dfu.conf
share/doc/ffsctl/examples/echo-worker.py
share/doc/ffsctl/examples/exec-worker.conf
share/doc/ffsctl/examples/interrupt.conf
share/doc/ffsctl/examples/keyboard-mouse.conf
share/doc/ffsctl/examples/keyboard-mouse.py
share/doc/ffsctl/examples/kvm.py
share/doc/ffsctl/examples/languages.conf
share/doc/ffsctl/examples/loopback.conf
share/doc/ffsctl/examples/mount-options.conf
share/doc/ffsctl/examples/one-host.sh
share/doc/ffsctl/examples/plugin-template/README.md
share/doc/ffsctl/examples/plugin-template/mine.c
share/doc/ffsctl/examples/plugin-template/mine.conf
share/doc/ffsctl/examples/python-echo.conf
share/doc/ffsctl/examples/python-echo.py
share/doc/ffsctl/examples/python-worker.conf
share/doc/ffsctl/examples/read-frames.py
share/doc/ffsctl/examples/read-keys.py
share/doc/ffsctl/examples/stream-echo.c
share/doc/ffsctl/examples/stream-echo.conf
share/doc/ffsctl/examples/two-functions.conf
share/doc/ffsctl/examples/usbip/README.md
share/doc/ffsctl/examples/usbip/farm.conf
share/doc/ffsctl/examples/usbip/farm@.service
share/doc/ffsctl/examples/usbip/usbip-attach@.service
share/doc/ffsctl/examples/usbip/usbipd-device.service
share/doc/ffsctl/examples/webcam.c
share/doc/ffsctl/examples/webcam.conf
share/doc/ffsctl/examples/webusb.conf
share/doc/ffsctl/examples/winusb.conf
share/ffsctl/gadget.d/aoa-accessory.conf
share/ffsctl/gadget.d/aoa.conf
share/ffsctl/gadget.d/bridge.conf
share/ffsctl/gadget.d/composite.conf
share/ffsctl/gadget.d/iio.conf
share/ffsctl/gadget.d/keyboard.conf
share/ffsctl/gadget.d/kvm.conf
share/ffsctl/gadget.d/login.conf
share/ffsctl/gadget.d/loopback.conf
share/ffsctl/gadget.d/midi.conf
share/ffsctl/gadget.d/mtp.conf
share/ffsctl/gadget.d/network.conf
share/ffsctl/gadget.d/network-dhcp.conf
share/ffsctl/gadget.d/network-windows.conf
share/ffsctl/gadget.d/printer.conf
share/ffsctl/gadget.d/serial.conf
share/ffsctl/gadget.d/sound.conf
share/ffsctl/gadget.d/sound-uac1.conf
share/ffsctl/gadget.d/sourcesink.conf
share/ffsctl/gadget.d/storage.conf
share/fish/vendor_completions.d/ffsctl.fish
share/ffsctl/init/README.md
share/ffsctl/init/dinit/ffsctl-loopback
share/ffsctl/init/openrc/ffsctl
share/ffsctl/init/procd/ffsctl
share/ffsctl/init/runit/check
share/ffsctl/init/runit/finish
share/ffsctl/init/runit/run
share/ffsctl/init/s6/finish
share/ffsctl/init/s6/notification-fd
share/ffsctl/init/s6/run
share/ffsctl/init/sysvinit/ffsctl
share/ffsctl/schemas/check.schema.json
share/ffsctl/schemas/descriptors.schema.json
share/ffsctl/schemas/doctor.schema.json
share/ffsctl/schemas/export.schema.json
share/ffsctl/schemas/features.schema.json
share/ffsctl/schemas/ffsbench.schema.json
share/ffsctl/schemas/gadget.schema.json
share/ffsctl/schemas/list.schema.json
share/ffsctl/schemas/output.schema.json
share/ffsctl/schemas/plugin.schema.json
share/ffsctl/schemas/plugins.schema.json
share/ffsctl/schemas/trace.schema.json
share/ffsctl/schemas/udc.schema.json
share/ffsctl/schemas/worker-config.schema.json
share/man/man1/ffsbench.1
share/man/man3/ffsctl-plugin.3
share/man/man3/ffsctl-stream.3
share/man/man5/ffsctl-functions.5
share/man/man5/ffsctl-gadget.5
share/man/man7/ffsctl-worker.7
share/man/man8/ffsctl.8
share/zsh/site-functions/_ffsctl
""".split())
EXECUTABLE = re.compile(r"bin/|\.so(\.1)?$|libexec/|examples/.*\.py$|\.sh$|init/\w+/(run|check|finish|ffsctl)$")
README = pathlib.Path(SRC, "README.md").read_text()

# Nothing of ours in the environment, and PATH as root has it
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def sh(command, **kwargs):
    return harness.must(subprocess.run(command, shell=True, env=ENVIRONMENT, cwd="/", text=True, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, **kwargs))


def make(*args):
    subprocess.run(["make", "-s", "-C", BUILD, *args], check=True, stdout=subprocess.DEVNULL)


def files(top):
    return {str(p.relative_to(top)) for p in pathlib.Path(top).rglob("*") if not p.is_dir()}


# A build in the source tree is hidden with it
HIDDEN = [SRC] if pathlib.Path(BUILD).is_relative_to(SRC) else [SRC, BUILD]


def hide():
    for directory in HIDDEN:
        subprocess.run(["mount", "-t", "tmpfs", "none", directory], check=True)


before = files(PREFIX)
staged = installation.staged()
if tap.EVERYTHING:
    make("install")
else:
    installation.install()
hide()
snapshot = harness.snapshot()


@tap.cleanup
def nothing_left():
    harness.check_same_snapshots(snapshot, harness.snapshot())


@test("every file is installed, and no other")
def every_file_and_no_other():
    eq(sorted(files(PREFIX) - before), INSTALLED)
    eq(sorted(files(f"{staged}{PREFIX}")), INSTALLED, "with DESTDIR")
    eq(sorted(files(staged)), sorted(f"{PREFIX[1:]}/{f}" for f in INSTALLED), "with DESTDIR")


@test("modes: programs can be run, nothing but root writes")
def modes_of_files():
    for file in INSTALLED:
        mode = stat.S_IMODE(os.stat(f"{PREFIX}/{file}").st_mode)
        eq(oct(mode), oct(0o755 if EXECUTABLE.search(file) else 0o644), file)


@test("no installed program names the place where it was built")
def no_program_names_build():
    for file in INSTALLED:
        data = pathlib.Path(PREFIX, file).read_bytes()
        # (debugging information does, which a package strips)
        if not data.startswith(b"\x7fELF"):
            ok(BUILD.encode() not in data and SRC.encode() not in data, f"{file} has a path of this machine")


@test("installed manual pages name the directories of this build")
def manual_pages_name_directories():
    pages = {path.name: path.read_text() for path in pathlib.Path(PREFIX, "share/man").rglob("*.[1-8]")}
    ok(len(pages) >= 6, sorted(pages))
    for name, text in pages.items():
        for other in ("/usr/share/ffsctl", "/usr/share/doc/ffsctl", " /etc/ffsctl", "/usr/bin/ffsctl"):
            ok(other not in text, f"{name} has {other}")
    for path in ("etc/ffsctl/gadget.d", "share/ffsctl/gadget.d", "share/ffsctl/schemas", "share/doc/ffsctl/examples",
                 "share/bash-completion/completions/ffsctl", "bin/ffsctl"):
        ok(f"{PREFIX}/{path}" in pages["ffsctl.8"], path)


@test("each link of an installed document leads to an installed file")
def installed_links():
    documents = [path for path in pathlib.Path(PREFIX, "share").rglob("*.md") if str(path.relative_to(PREFIX)) in INSTALLED]
    ok(len(documents) >= 5, documents)
    links = [(path, link) for path in documents for link in re.findall(r"\]\(([^)#\s]+)", path.read_text())]
    eq([(str(path), link) for path, link in links if not re.match(r"[a-z]+:", link) and not (path.parent / link).exists()], [])


@test("what lies beside an installed ffsctl is not its worker host")
def worker_host_beside_ffsctl():
    decoy = pathlib.Path(PREFIX, "bin/ffsctl-worker")
    decoy.write_text("#!/bin/sh\nexit 1\n")
    decoy.chmod(0o755)
    sh("ffsctl up loopback")
    worker = json.loads(sh("ffsctl status loopback --json").stdout)["gadgets"][0]["functions"][0]["worker"]["pid"]
    eq(os.readlink(f"/proc/{worker}/exe"), f"{PREFIX}/libexec/ffsctl/ffsctl-worker")
    sh("ffsctl down loopback")
    decoy.unlink()


@test("up by name, 64 MiB by the installed bench, status, down")
def loopback_up_and_down():
    contains(sh("ffsctl up loopback --wait-host").stderr, "loopback: configured by the host")
    gadget = json.loads(sh("ffsctl status loopback --json").stdout)["gadgets"][0]
    eq(gadget["file"], f"{PREFIX}/share/ffsctl/gadget.d/loopback.conf")
    worker = gadget["functions"][0]["worker"]["pid"]
    eq(os.readlink(f"/proc/{worker}/exe"), f"{PREFIX}/libexec/ffsctl/ffsctl-worker", "worker host")
    contains(pathlib.Path(f"/proc/{worker}/maps").read_text(), f"{PREFIX}/lib/ffsctl/plugins/loopback.so", "its maps")
    eq(os.readlink(f"/proc/{gadget['supervisor']}/exe"), f"{PREFIX}/bin/ffsctl", "supervisor")
    sh("lsusb -d 1d6b:0104")
    sh("ffsbench loop --quiet")
    sh("ffsctl down loopback")


@test("README's gadget file, under `ffsctl run` as by a unit")
def readme_gadget_file():
    smallest = re.search(r"^```conf\n(.*?)^```", README, re.M | re.S).group(1)
    contains(smallest, "functions : {")
    command = f"{PREFIX}/bin/ffsctl run meter"
    directory = pathlib.Path(PREFIX, "etc/ffsctl/gadget.d")  # without --sysconfdir=/etc
    directory.mkdir(parents=True)
    # `run` takes a virtual UDC only by name
    (directory / "meter.conf").write_text(smallest + 'udc = "dummy_udc.0";\n')
    service = subprocess.Popen(command.split(), env=ENVIRONMENT, cwd="/", stderr=subprocess.PIPE, text=True)
    gadgets.read_lines_until(service.stderr, "up on dummy_udc.0")
    sh("ffsctl up meter --wait-host")
    sh("ffsbench loop --bytes 1M --wait 10 --quiet")
    service.send_signal(signal.SIGTERM)
    eq(service.wait(timeout=patience(30)), 0, "exit status after SIGTERM")
    service.stderr.close()


@test("the installed examples are clean, and the Python workers serve as nobody")
def examples_and_python_workers():
    sh(f"ffsctl check {PREFIX}/share/doc/ffsctl/examples/*.conf")
    for name in ("python-worker", "python-echo"):
        sh(f"ffsctl up {PREFIX}/share/doc/ffsctl/examples/{name}.conf --wait-host")
        sh("ffsbench loop --bytes 1M --quiet")
        sh(f"ffsctl down {name}")


TEMPLATE = pathlib.Path("/tmp/template")


def commands_of(readme):
    """Returns the indented lines of a README, without comments after "#"."""
    return [line[4:].split("  #")[0].strip() for line in readme.read_text().splitlines() if line.startswith("    ")]


def bytes_and_back(data):
    device = harness.device()
    device.set_configuration()
    out, in_ = sorted(device.get_active_configuration()[(0, 0)], key=lambda e: e.bEndpointAddress)
    out.write(data)
    back = bytes(in_.read(len(data) + 1024))
    key = bytes(device.ctrl_transfer(0xC1, 1, 0, 0, 8))
    usb.util.dispose_resources(device)
    return back, key


@test("the template plugin: built outside of the tree by the line of its README, and it serves data")
def template_plugin():
    shutil.copytree(f"{PREFIX}/share/doc/ffsctl/examples/plugin-template", TEMPLATE)
    build, plugins, check, up, status, bench, plugindir = commands_of(TEMPLATE / "README.md")
    sh(f"cd {TEMPLATE} && {build.replace('-shared', '-shared -std=c99 -Wall -Wextra -Wpedantic -Werror')}")
    sh(f"cd {TEMPLATE} && {build}")
    contains(sh(f"cd {TEMPLATE} && {plugins}").stdout, "int, 0 to 255; default 0")
    contains(sh(f"cd {TEMPLATE} && {check}").stderr, "mine.conf: no errors")
    conf = TEMPLATE / "mine.conf"
    conf.write_text(conf.read_text().replace("key = 0", "key = 32"))
    sh(f"cd {TEMPLATE} && {up}")
    eq(bytes_and_back(b"Hello" * 700), (b"hELLO" * 700, b"\x20"))
    # Installed, by its name; the host sees no disconnect.
    eq(sh(plugindir).stdout.strip(), f"{PREFIX}/lib/ffsctl/plugins")
    sh(f"install -m 644 {TEMPLATE}/mine.so $({plugindir})")
    conf.write_text(conf.read_text().replace("key = 32", "key = 0").replace("./mine.so", "mine"))
    contains(sh("ffsctl reload mine").stderr, "reloaded without a rebind")
    sh(f"{bench} --bytes 16M --quiet")
    for _ in range(200):
        stats = json.loads(sh("ffsctl status mine -o mine.worker.stats").stdout.replace("-\n", "{}"))
        if stats.get("bytes") == 16 << 20:
            break
        time.sleep(0.05)  # it tells them from time to time
    eq(stats["bytes"], 16 << 20, "bytes in the statistics")
    contains(sh(status).stdout, "bytes 16777216")
    sh("ffsctl down mine")
    pathlib.Path(f"{PREFIX}/lib/ffsctl/plugins/mine.so").unlink()
    shutil.rmtree(TEMPLATE)


@test("a program with libffsctl-stream: built by the line of its source, found by its soname, and it serves data")
def stream_library_program():
    examples = pathlib.Path(PREFIX, "share/doc/ffsctl/examples")
    here = pathlib.Path("/tmp/streams")
    here.mkdir(mode=0o755)
    for name in ("stream-echo.c", "stream-echo.conf"):
        shutil.copy(examples / name, here)
    line, = re.findall(r"^ \*\t(cc .*)$", (here / "stream-echo.c").read_text(), re.M)
    sh(f"cd {here} && {line} -std=c99 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror")
    contains(sh(f"readelf -d {here}/stream-echo").stdout, "[libffsctl-stream.so.1]")
    conf = here / "stream-echo.conf"
    text = conf.read_text().replace('"stream-echo" ]', '"./stream-echo" ]').replace("# env", "env")
    ok("\n      env" in text, text)
    conf.write_text(text.replace("/usr/local/lib", f"{PREFIX}/lib"))
    contains(sh(f"ffsctl check {conf}").stderr, "no errors")
    sh(f"ffsctl up {conf} --wait-host")
    sh("ffsbench loop --bytes 16M --quiet")
    worker = json.loads(sh("ffsctl status stream-echo --json").stdout)["gadgets"][0]["functions"][0]["worker"]["pid"]
    contains(pathlib.Path(f"/proc/{worker}/maps").read_text(), f"{PREFIX}/lib/libffsctl-stream.so.1", "its maps")
    sh("ffsctl down stream-echo")
    shutil.rmtree(here)


@test("installed schemas are schemas")
def schemas_are_schemas():
    for file in INSTALLED:
        if file.endswith(".schema.json"):
            jsonschema.Draft202012Validator.check_schema(json.loads(pathlib.Path(PREFIX, file).read_text()))


@test("the program has the installed schemas and completions inside")
def schemas_and_completions_inside():
    for shell, file in (("bash", "bash-completion/completions/ffsctl"), ("zsh", "zsh/site-functions/_ffsctl"),
                        ("fish", "fish/vendor_completions.d/ffsctl.fish")):
        eq(sh(f"ffsctl completion {shell}").stdout, pathlib.Path(PREFIX, "share", file).read_text(), shell)
    for file in INSTALLED:
        if file.endswith(".schema.json"):
            name = os.path.basename(file)[:-len(".schema.json")]
            eq(sh(f"ffsctl schema {name}").stdout, pathlib.Path(PREFIX, file).read_text(), name)


@test("the manual pages are found by name")
def manual_pages():
    for page in ("8 ffsctl", "5 ffsctl-gadget", "5 ffsctl-functions", "7 ffsctl-worker", "3 ffsctl-plugin", "3 ffsctl-stream", "1 ffsbench"):
        contains(sh(f"mandoc -l {PREFIX}/share/man/man{page[0]}/{page[2:]}.{page[0]} | head -1").stdout,
                 page[2:].upper())


@test("uninstall leaves nothing")
def uninstall_leaves_nothing():
    for hidden in HIDDEN:
        subprocess.run(["umount", hidden], check=True)
    make("uninstall")
    hide()
    eq(sorted(files(PREFIX) - before - {"etc/ffsctl/gadget.d/meter.conf"}), [])


tap.main()
