# SPDX-License-Identifier: GPL-2.0-or-later
"""lab/run: boots the lab's kernel as an ordinary process and runs one command in it."""

import errno
import fcntl
import itertools
import os
import re
import select
import signal
import sys
import time

import cache

HELP = """\
usage: lab/run [OPTION]... [--] [COMMAND [ARGUMENT]...]

Boots a Linux kernel with virtual USB device controllers as an ordinary process
and runs COMMAND in it, as root, in this directory, with this environment; stdin,
stdout and stderr are passed through. It sees the machine's own files, may write
anywhere, and nothing outside changes. Without COMMAND: a shell.

  --kernel 6.12|6.1|NAME  the kernel (6.12), or one that lab/setup --tree has built
  --stock                 gadget modules without the patches of kernel/patches
  --groups LIST           only the patches of these groups of kernel/patches, such as
                          fixes,backports (all)
  --basic                 only FunctionFS, Loopback and SourceSink, and no driver of the
                          host: the fastest to build, unless everything exists
  --flavour normal|debug|i386|power
                          debug: KASAN, lockdep, kmemleak, slub debug; i386: a 32-bit
                          kernel, and programs of Debian's i386, which come before the
                          machine's; power: CONFIG_PM, with which hosts suspend idle devices
                          (normal)
  --udc dummy|dwc2|dwc2-ddma|dwc3|chipidea
                          the driver of the UDCs: dummy_hcd, or the kernel's dwc2, with descriptor
                          DMA or without, dwc3 or ci_hdrc, on a model of its hardware (dummy)
  --speed full|high|super fastest speed of the UDCs (super; not dummy: high)
  --udcs N                UDCs of --udc, dummy_udc.0 and so on (1; not dummy: at most 2)
  --vudcs N               usbip-vudc.0 and so on, with vhci_hcd (0: not loaded)
  --mem SIZE              memory of the machine (1G)
  --timeout S             ends the run after S seconds (600; 0: never; a shell: never)
  --virtual-time          time only passes while something runs: sleeping takes no time
  --qemu                  Debian's kernel in an emulated machine (slow), with the modules that
                          kernel/dkms makes, or with --stock its own;
                          with --flavour debug a kernel of the lab
  --cpus N                processors of the emulated machine (1; debug: 2)
  --bind DIR:PATH         makes DIR also available at PATH
  --append ARG            one more argument for the kernel, or MODULE.PARAMETER=VALUE; may be repeated

Environment:
  PYTHONPATH  tests/lab/lib of FFSCTL_SRC (default: of this tree) is put in front
  LAB_OUT   a directory that is shared with the lab: files written there survive
  LAB_LOG   a file for the whole kernel log
  LAB_CORE  the core to run on (default: one that no other lab uses)
  LAB_EXTRA_PATCH  a patch to apply after those of kernel/patches, or a directory of some
  LAB_GROUPS  the same as --groups
  LAB_UDC   a directory with the sources of the models of UDCs (default: lab/udc)
  LAB_PROFILE  a file for the times of the run, a JSON object in seconds: boot (until
            the command is started), total, processor

Exit status: the command's (128+N if signal N ended it; 126, 127: it could not be
started), or, with a message on stderr:
  96  the lab cannot start
  97  the kernel panicked or died
  98  the timeout expired
  99  the kernel complained: warning, oops, lockdep, KASAN or kmemleak report,
      hung task, a process that cannot be killed
"""

EX_START, EX_PANIC, EX_TIMEOUT, EX_COMPLAINT = 96, 97, 98, 99

# Messages of the kernel that report a fault. Only at the start of a line, because a message may contain
# text of user space (a device's product string).
COMPLAINT = re.compile(
    rb"^(?:<\d>)?\[ *\d+\.\d+\](?:\[[ CT\d]+\])? "
    rb"(?:WARNING: |BUG: |kernel BUG at |Oops|INFO: task |INFO: rcu|rcu: INFO|watchdog: |"
    rb"INFO: possible |INFO: trying to register|INFO: suspicious|INFO: lockdep|"
    rb"UBSAN: |KASAN: |ODEBUG: |Kernel panic|general protection|refcount_t: |"
    rb"list_(?:add|del) corruption|Bad page |Kernel mode |slab error|"
    rb"Unable to handle|Voluntary context switch)")
# The first version of User-Mode Linux with the argument seccomp=
SECCOMP_SINCE = [6, 16]
# Bytes that may be in flight to a console. This is less than the size at which a terminal buffer is throttled.
WINDOW = 3072
# At each fork, User-Mode Linux 6.1 walks a process's mappings without the lock that lockdep expects. Only
# these reports are ignored.
RCU_REPORT = b"WARNING: suspicious RCU usage"
RCU_KNOWN = b"force_flush_all+"
RCU_LINES = 60
OUT_OF_MEMORY = b"Out of memory: Killed process"
KEEP_LOG = 4 << 20
SHOW_LINES = 120


def say(text):
    sys.stderr.write("lab/run: %s\n" % text)
    sys.stderr.flush()


class Usage(Exception):
    pass


class Options:
    def __init__(self, argv):
        self.kernel, self.flavour, self.speed, self.udc = "6.12", "normal", None, "dummy"
        self.variant = "patched"
        self.udcs, self.vudcs = 1, 0
        self.mem, self.timeout, self.virtual = "1G", None, False
        self.append, self.bind = [], []
        self.qemu, self.cpus = False, None
        self.command = self.parse(argv)

    def parse(self, argv):
        choices = {"--flavour": (*cache.FLAVOURS, *cache.SPECIAL_FLAVOURS), "--speed": ("full", "high", "super"),
                   "--udc": ("dummy", *MODELS)}
        flags = {"--stock": ("variant", "stock"), "--virtual-time": ("virtual", True), "--qemu": ("qemu", True),
                 "--basic": ("variant", cache.BASIC)}
        while argv:
            name, eq, value = argv[0].partition("=")
            if name == "--":
                return argv[1:]
            if not name.startswith("-"):
                return argv
            if name in ("--help", "-h"):
                print(HELP, end="")
                sys.exit(0)
            argv = argv[1:]
            if name in flags:
                setattr(self, *flags[name])
                continue
            if name not in ("--kernel", "--flavour", "--speed", "--udc", "--udcs", "--vudcs", "--mem",
                            "--timeout", "--append", "--bind", "--cpus", "--groups"):
                raise Usage("unknown option %s" % name)
            if not eq:
                if not argv:
                    raise Usage("%s needs a value" % name)
                value, argv = argv[0], argv[1:]
            if name in choices and value not in choices[name]:
                raise Usage("%s is one of %s" % (name, ", ".join(choices[name])))
            if name == "--kernel" and not cache.is_kernel(value):
                raise Usage("%s is one of %s; lab/setup --tree DIR --name NAME adds a kernel of your own" % (
                    name, ", ".join((*cache.VERSIONS, *cache.trees()))))
            if name == "--append":
                self.append.append(value)
            elif name == "--groups":
                os.environ["LAB_GROUPS"] = value
            elif name == "--bind":
                source, colon, target = value.rpartition(":")
                if not os.path.isdir(source) or not target.startswith("/"):
                    raise Usage("--bind: %s is not DIRECTORY:/PATH" % value)
                self.bind.append((os.path.abspath(source), target))
            elif name in ("--udcs", "--vudcs", "--cpus"):
                setattr(self, name[2:], number(name, value, r"\d+"))
            elif name == "--timeout":
                self.timeout = number(name, value, r"\d+(\.\d+)?")
            elif name == "--mem":
                number(name, value, r"\d+[KMG]")
                self.mem = value
            else:
                setattr(self, name[2:], value)
        return []

    def check(self):
        try:
            cache.chosen_groups()
        except ValueError as e:
            raise Usage("--groups or LAB_GROUPS: %s" % e) from None
        if self.qemu and self.virtual:
            raise Usage("--qemu has no virtual time")
        if self.qemu and self.flavour in cache.SPECIAL_FLAVOURS:
            raise Usage("--flavour %s is for User-Mode Linux" % self.flavour)
        if self.flavour == cache.I386 and not cache.has_i386(self.kernel):
            raise Usage("Linux %s has no flavour i386" % self.kernel)
        if self.qemu and self.variant == cache.BASIC:
            raise Usage("--basic is for User-Mode Linux")
        if self.qemu and self.kernel not in cache.VERSIONS:
            raise Usage("--qemu has the kernels %s, not one of lab/setup --tree" % " and ".join(cache.VERSIONS))
        if self.variant == cache.BASIC and cache.missing(self.kernel, self.flavour, cache.BASIC) \
                and not cache.missing(self.kernel, self.flavour, "patched"):
            self.variant = "patched"
        if self.udc != "dummy" and self.qemu:
            raise Usage("--udc %s is for User-Mode Linux" % self.udc)
        if self.udc != "dummy" and self.speed == "super":
            raise Usage("--udc %s has the speeds full and high" % self.udc)
        if self.udc != "dummy" and self.udcs > MOST_MODELS:
            raise Usage("--udcs: at most %d of --udc %s" % (MOST_MODELS, self.udc))
        self.speed = self.speed or ("super" if self.udc == "dummy" else "high")
        if self.cpus is not None and not self.qemu:
            raise Usage("--cpus is for --qemu: User-Mode Linux has one processor")
        if self.cpus is None:
            self.cpus = 2 if self.qemu and self.flavour == "debug" else 1
        # The flavour of the kernel in the cache, unless Debian's kernel is used
        self.ours = cache.SMP if self.qemu and self.flavour == "debug" else self.flavour
        self.debians = self.qemu and self.flavour == "normal"

    def lacks(self):
        """Returns what the kernel of a user's tree lacks."""
        return [] if self.kernel in cache.VERSIONS else cache.lacks(cache.kernel_dir(self.kernel, self.ours, self.variant))


def number(name, value, pattern):
    if not re.fullmatch(pattern, value):
        raise Usage("%s: invalid value %s" % (name, value))
    return float(value) if "." in value else int(value) if value.isdigit() else value


def size_in_bytes(text):
    return int(text[:-1]) << {"K": 10, "M": 20, "G": 30}[text[-1]]


LABS_PER_CORE = 4  # with a lock; further labs use any core


def pick_core():
    """Returns (a core with the fewest other labs, the open lock file or None)."""
    named = os.environ.get("LAB_CORE")
    cores = [int(named)] if named else sorted(os.sched_getaffinity(0))
    for n, core in itertools.product(range(LABS_PER_CORE), cores):
        name = "core-%d" % core + (".%d" % n if n else "")
        fd = os.open(os.path.join(cache.root(), name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return core, fd
        except BlockingIOError:
            os.close(fd)
    return cores[os.getpid() % len(cores)], None


TICKS = 100  # of UML's kernel, in a second


def delay_loops(patience):
    """Returns the kernel's parameter for the loops that udelay() makes in a tick of virtual time, which lasts `patience`
    times as long as one of this machine (lab/pace.c). The kernel would measure it at each boot, for longer than the rest of
    the boot takes. A processor makes about a loop in each of its cycles, and BogoMIPS counts it as two instructions."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        mips = re.search(r"^bogomips\s*: ([0-9.]+)$", file.read(), re.MULTILINE)
    return ["lpj=%d" % (float(mips[1]) / 2 * 1e6 / TICKS * patience)] if mips else []


def memory_dir(mem):
    """Returns the directory for UML's memory file, which is unlinked at once, with enough free space."""
    tried = []
    for path in (os.environ.get("TMPDIR"), "/dev/shm", "/tmp", "/var/tmp"):
        if not path or not os.access(path, os.W_OK):
            continue
        st = os.statvfs(path)
        if st.f_bavail * st.f_frsize > size_in_bytes(mem):
            return path
        tried.append(path)
    raise OSError(errno.ENOSPC, "no room for %s of memory in %s" % (mem, ", ".join(tried)))


# The models of UDCs (lab/udc): the modules of --udc, in the order in which they are loaded, with their parameters. The UDCs
# have the names of dummy_hcd's, by which tests find them
MODELS = {"dwc2": {"udc_host": "", "udc_dwc2": "name=dummy_udc", "dwc2": ""},
          "dwc2-ddma": {"udc_host": "", "udc_dwc2": "name=dummy_udc ddma=1", "dwc2": ""},
          "dwc3": {"udc_host": "", "udc_dwc3": "name=dummy_udc", "dwc3": ""},
          "chipidea": {"udc_host": "", "udc_chipidea": "name=dummy_udc", "ci_hdrc": ""}}
MOST_MODELS = 2


def udc_modules(opt):
    """Returns {name: parameters} of the modules of --udc."""
    if opt.udc == "dummy":
        return {"dummy_hcd": "num=%d is_super_speed=%d is_high_speed=%d" % (
            opt.udcs, opt.speed == "super", opt.speed != "full")}
    names = dict(MODELS[opt.udc])
    names["udc_host"] = "full_speed=%d" % (opt.speed == "full")
    model = next(name for name in names if name.startswith("udc_") and name != "udc_host")
    names[model] += " num=%d" % opt.udcs
    return names


def gadget_modules(opt):
    """Returns {name: parameters} of the modules to load, in order."""
    names = {"udc_core": "", "libcomposite": ""}
    if opt.udcs:
        names.update(udc_modules(opt))
    if opt.vudcs:
        names.update({"usbip_core": "", "vhci_hcd": "", "usbip_vudc": "num=%d" % opt.vudcs})
    names.update({"usb_f_fs": "", "usb_f_ss_lb": ""})
    # Like modprobe, also uses parameters from the kernel's arguments
    for argument in opt.append:
        name, dot, parameter = argument.partition(".")
        if dot and name.replace("-", "_") in names:
            names[name.replace("-", "_")] += " " + parameter
    return names


def module_files(opt):
    """Returns (the directory for /lib/modules/RELEASE, [(file, parameters)])."""
    if opt.debians:
        import qemu
        return qemu.module_records(opt, gadget_modules(opt))
    modules = cache.modules_dir(opt.kernel, opt.ours, opt.variant)
    drivers = cache.read(os.path.join(modules, "drivers")).decode().split()
    models = {} if opt.udc == "dummy" else dict.fromkeys(MODELS[opt.udc], cache.udc_dir(opt.kernel, opt.ours, opt.variant))
    return modules, [(os.path.join(modules, file), "") for file in drivers] + [
        (os.path.join(models.get(name, modules), FILES.get(name, name) + ".ko"), parameters)
        for name, parameters in gadget_modules(opt).items()]


# Modules whose file name differs from the name of the module
FILES = {"udc_core": "udc-core", "usbip_core": "usbip-core", "vhci_hcd": "vhci-hcd", "usbip_vudc": "usbip-vudc"}


def job(opt, tty):
    """Returns the records for parse_job() of init.c."""
    modules, files = module_files(opt)
    umask = os.umask(0)
    os.umask(umask)
    out = [b"D" + os.getcwdb(), b"m" + os.fsencode(modules), b"U%o" % umask]
    out += [b"A" + os.fsencode(a) for a in opt.command]
    env = dict(os.environb)
    # A version without a series of kernel/patches has no patched modules
    patched = cache.kernel_patches(opt.kernel, opt.variant)
    env.update({b"LAB_KERNEL": cache.version_of(opt.kernel).encode(), b"LAB_FLAVOUR": opt.flavour.encode(),
                b"LAB_SPEED": opt.speed.encode(), b"LAB_UDC": opt.udc.encode(), b"LAB_MODULES": b"patched" if patched else b"stock",
                b"LAB_TIME": b"virtual" if opt.virtual else b"real",
                b"LAB_LACKS": " ".join(opt.lacks()).encode(),
                b"LAB_PACKAGES": os.fsencode(cache.packages_dir()),
                b"LAB_SELFTESTS": os.fsencode(os.path.join(
                    cache.modules_dir(opt.kernel, "normal", "patched") if opt.debians else modules, "selftests"))})
    # The directory of the tests' Python modules. It belongs to the same copy of the sources as the tests
    modules_of_tests = os.path.join(os.path.abspath(env.get(b"FFSCTL_SRC") or os.fsencode(cache.TREE)), b"tests/lab/lib")
    env[b"PYTHONPATH"] = b":".join(filter(None, (modules_of_tests, env.get(b"PYTHONPATH"))))
    if env.get(b"LAB_OUT"):
        path = os.path.abspath(env[b"LAB_OUT"])
        if not os.path.isdir(path):
            raise OSError(errno.ENOTDIR, "LAB_OUT is not a directory: %s" % os.fsdecode(path))
        env[b"LAB_OUT"] = path
        out += [b"o" + path, b"O" + path]
    for source, target in opt.bind:
        out += [b"b" + os.fsencode(source), b"B" + os.fsencode(target)]
    out += [b"E" + k + b"=" + v for k, v in env.items()]
    out += [b"I" + os.fsencode(file + " " + parameters) for file, parameters in files]
    out.append(b"S/proc/sys/kernel/hung_task_timeout_secs 20")
    if opt.qemu:
        # The serial line of QEMU is slow, so only errors are printed during the boot
        out.append(b"S/proc/sys/kernel/printk 7")
    if opt.flavour == "debug":
        out.append(b"K")
    if tty:
        out.append(b"T")
    blob = b"".join(r + b"\0" for r in out)
    return b"%d\n" % len(blob) + blob


def start_qemu(opt, tty, core):
    """Starts an emulated machine; otherwise like start()."""
    import qemu
    argv, pairs = qemu.command(opt, tty, os.environ.get("LAB_OUT"))
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            if opt.cpus == 1:
                os.sched_setaffinity(0, {core})
            null, log = os.open("/dev/null", os.O_RDWR), pairs["log"][1].fileno()
            os.dup2(null, 0)
            # Messages of QEMU itself
            os.dup2(log, 1)
            os.dup2(log, 2)
            for _, theirs in pairs.values():
                theirs.set_inheritable(True)
            for sig in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(sig, signal.SIG_DFL)
            os.execvp(argv[0], argv)
        finally:
            os._exit(EX_START)
    ours = {}
    for name, (mine, theirs) in pairs.items():
        theirs.close()
        mine.setblocking(False)
        first, second = {"stdio": ("in", "out"), "control": ("to", "from")}.get(name, (None, name))
        ours[second] = mine.detach()
        if first:
            ours[first] = os.dup(ours[second])
    return pid, ours


def start(opt, core):
    """Starts the kernel. Returns (pid, {name: end of its pipe})."""
    kernel = cache.kernel_dir(opt.kernel, opt.flavour, opt.variant)
    pipes = {name: os.pipe2(os.O_CLOEXEC) for name in ("in", "out", "err", "log", "to", "from")}
    theirs = {name: pipes[name][0 if name in ("in", "to") else 1] for name in pipes}
    ours = {name: pipes[name][1 if name in ("in", "to") else 0] for name in pipes}
    # The kernel gets these pipes as its descriptors from 3 on; two consoles of UML must not share a descriptor
    order = ["in", "out", "err", "log", "to", "from"]
    # No address randomization: in one of sixty starts it would move mappings of the machine into the address
    # space that the kernel gives its processes
    argv = ["setarch", "-R", "setpriv", "--pdeathsig", "KILL", os.path.join(kernel, "vmlinux"),
            "mem=" + opt.mem, "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro",
            "init=" + cache.init_file(opt.flavour),
            "con=null", "con0=fd:3,fd:4", "con1=fd:5", "con2=fd:6", "con3=fd:7,fd:8",
            "console=tty2", "quiet", "loglevel=7", "printk.time=1",
            "random.trust_cpu=on", "panic_on_oops=1",
            # Each kind of object has a line of its own in /proc/slabinfo, where selftests count those that leak. Linux 6.18
            # would merge mm_struct with others of its size
            "slab_nomerge"]
    if opt.virtual:
        argv += ["time-travel", *delay_loops(float(os.environ.get("LAB_PATIENCE", 1)))]
    if opt.flavour == "debug":
        argv.append("slub_debug=F")
    if cache.numbers(cache.version_of(opt.kernel)) >= SECCOMP_SINCE:
        # Processes of the lab report their system calls by signals instead of ptrace: system calls and forks take 3/5 of
        # the time. On a host that cannot do this: by ptrace
        argv.append("seccomp=auto")
    if opt.flavour == cache.I386:
        argv.append("LAB_FIRST=" + os.path.join(cache.i386_dir(), "files"))
    argv += opt.append
    memory = memory_dir(opt.mem)
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.sched_setaffinity(0, {core})
            null = os.open("/dev/null", os.O_RDWR)
            # First move the descriptors to high numbers, so that none has the final number of another
            high = [fcntl.fcntl(theirs[name], fcntl.F_DUPFD, 40) for name in order]
            os.dup2(null, 0)
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
            os.dup2(high[3], 1)
            os.dup2(high[3], 2)
            os.closerange(9, 64)
            for sig in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(sig, signal.SIG_DFL)
            # HOME is set, because UML would use ~/.uml. With rseq(2), the host's kernel would access memory of glibc that a
            # process of the lab has unmapped, which ends the process where the kernel has 32 bits
            env = {"PATH": os.environ.get("PATH", "") + ":/usr/bin:/bin", "TMPDIR": memory, "HOME": "/",
                   "GLIBC_TUNABLES": "glibc.pthread.rseq=0"}
            if opt.virtual and "LAB_PATIENCE" in os.environ:
                env |= {"LD_PRELOAD": cache.pace_file(opt.flavour), "LAB_PATIENCE": os.environ["LAB_PATIENCE"]}
            os.execvpe(argv[0], argv, env)
        finally:
            os._exit(EX_START)
    for fd in theirs.values():
        os.close(fd)
    for fd in ours.values():
        os.set_blocking(fd, False)
    return pid, ours


class Pump:
    """Copies bytes from one descriptor to another, with one buffer.

    The caller's descriptors stay blocking, because other processes may share their flags: they are only
    written if poll() reports them ready, and at most what a pipe then accepts without blocking.
    """

    def __init__(self, src, dst, piece):
        self.src, self.dst, self.piece = src, dst, piece
        self.data = b""
        self.count = 0  # bytes taken from src
        self.room = None  # bytes that may still be written; None: no limit
        self.eof = False

    def register(self, poll):
        if self.data:
            if self.room != 0:
                poll.register(self.dst, select.POLLOUT)
        elif not self.eof:
            poll.register(self.src, select.POLLIN)

    def move(self, ready):
        """Moves bytes. Returns False if the reader of dst has closed it."""
        if not self.data and not self.eof and self.src in ready:
            try:
                self.data = os.read(self.src, 65536)
                self.eof = not self.data
                self.count += len(self.data)
            except BlockingIOError:
                pass
            except OSError:
                self.eof = True
        if self.data and self.dst in ready and self.room != 0:
            piece = self.piece if self.room is None else self.room
            try:
                n = os.write(self.dst, self.data[:piece])
                self.data = self.data[n:]
                if self.room is not None:
                    self.room -= n
            except BlockingIOError:
                pass
            except OSError:
                self.data = b""
                return False
        return True


class Run:
    def __init__(self, opt, tty):
        self.opt, self.tty = opt, tty
        self.restore = lambda: None  # restores the caller's terminal
        self.status = None  # wait status of the command
        self.sizes = None  # bytes of stdout and stderr; None: not yet known
        self.started = False  # the lab requested its job
        self.open = False  # stdin can be sent
        self.complaints = []
        self.answer = []
        self.failure = None
        self.log = []
        self.log_size = 0
        self.log_rest = self.from_rest = b""
        self.to_buf = b""
        self.to_room, self.to_taken, self.stdin_taken = WINDOW, 0, 0
        self.taint = 0
        self.first_bad = None
        self.signals = []
        self.deadline = None
        self.ending = False
        self.boot = 0.0  # seconds until the command was started

    def take_log(self, data):
        lines = (self.log_rest + data).replace(b"\r", b"").split(b"\n")
        self.log_rest = lines.pop()
        for line in lines:
            if self.log_file:
                self.log_file.write(line + b"\n")
            if self.first_bad is None and COMPLAINT.match(line):
                self.first_bad = len(self.log)
            if self.log_size < KEEP_LOG or self.first_bad is not None:
                self.log.append(line)
                self.log_size += len(line)
            else:  # only the end of the log is needed
                self.log.pop(0)
                self.log.append(line)

    def known_reports(self):
        """Moves first_bad after reports that are ignored."""
        if cache.version_of(self.opt.kernel) != "6.1" or self.first_bad is None:
            return
        at = self.first_bad
        while at < len(self.log):
            line = self.log[at]
            if not COMPLAINT.match(line):
                at += 1
            elif RCU_REPORT in line and any(RCU_KNOWN in l
                                            for l in self.log[at:at + RCU_LINES]):
                at += 1
            else:
                break
        self.first_bad = at if at < len(self.log) else None

    def take_control(self, data):
        lines = (self.from_rest + data).split(b"\n")
        self.from_rest = lines.pop()
        for line in lines:
            tag, _, text = line.partition(b" ")
            if tag == b"R":
                self.started = True
                self.send(self.job)
            elif tag == b"O":
                self.open = True
                self.boot = time.monotonic() - self.began
            elif tag == b"L":
                self.complaints.append(text)
            elif tag == b"E":
                self.failure = text.decode(errors="replace")
            elif tag == b"A":
                self.stdin.room += int(text) - self.stdin_taken
                self.stdin_taken = int(text)
            elif tag == b"B":
                self.to_room += int(text) - self.to_taken
                self.to_taken = int(text)
            elif tag == b"S":
                self.answer.append(text)
                if text == b"end":
                    self.answer.pop()
                    self.kill()
            elif tag == b"X":
                self.status, self.taint, *self.sizes = map(int, text.split())

    def send(self, data):
        self.to_buf += data

    def on_signal(self, sig, frame):
        self.signals.append(sig)

    def window(self):
        try:
            size = os.get_terminal_size(0)
        except OSError:
            return
        self.send(b"w %d %d\n" % (size.lines, size.columns))

    def handle_signals(self):
        while self.signals:
            sig = self.signals.pop(0)
            if sig == signal.SIGWINCH:
                self.window()
            elif self.started and not self.ending:
                # The first signal goes to the command, the second one ends the lab
                self.ending = True
                self.send(b"s %d\n" % sig)
            else:
                self.kill()
                self.killed_by = sig

    def kill(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def write_profile(self, path, usage):
        # Writes JSON without the module json, whose import takes longer than the rest of this program
        with open(path, "w") as f:
            f.write('{"boot": %.4f, "total": %.4f, "processor": %.4f}\n' % (
                self.boot, time.monotonic() - self.began, usage.ru_utime + usage.ru_stime))

    def main(self):
        opt = self.opt
        self.began = time.monotonic()
        self.killed_by = None
        self.log_file = open(os.environ["LAB_LOG"], "wb") if os.environ.get("LAB_LOG") else None
        self.job = job(opt, self.tty)
        if self.tty:
            size = os.get_terminal_size(0)
            self.job += b"w %d %d\n" % (size.lines, size.columns)
        core, hold = pick_core()
        wake_r, wake_w = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) + (
                (signal.SIGWINCH,) if self.tty else ()):
            if signal.getsignal(sig) != signal.SIG_IGN:
                signal.signal(sig, self.on_signal)
        self.pid, fd = start_qemu(opt, self.tty, core) if opt.qemu else start(opt, core)
        timeout = opt.timeout if opt.timeout is not None else 0 if self.tty else 600
        if timeout:
            self.deadline = time.monotonic() + timeout
        pidfd = os.pidfd_open(self.pid)
        self.stdin = stdin = Pump(0, fd["in"], 65536)
        if not self.tty:
            stdin.room = WINDOW
        pumps = [stdin, Pump(fd["out"], 1, 4096), Pump(fd["err"], 2, 4096)]
        stdin_told = False
        timed_out = False
        while True:
            poll = select.poll()
            poll.register(wake_r, select.POLLIN)
            poll.register(pidfd, select.POLLIN)
            for name in ("log", "from"):
                poll.register(fd[name], select.POLLIN)
            if self.to_buf and self.to_room:
                poll.register(fd["to"], select.POLLOUT)
            for pump in pumps:
                if pump is not stdin or (self.open and self.status is None):
                    pump.register(poll)
            wait = None
            if self.deadline is not None:
                wait = max(0, self.deadline - time.monotonic()) * 1000
            ready = {f for f, _ in poll.poll(wait)}
            if wake_r in ready:
                os.read(wake_r, 512)
            self.handle_signals()
            for name, take in (("log", self.take_log), ("from", self.take_control)):
                if fd[name] in ready:
                    try:
                        take(os.read(fd[name], 65536))
                    except BlockingIOError:
                        pass
            if self.to_buf and fd["to"] in ready:
                try:
                    n = os.write(fd["to"], self.to_buf[:self.to_room])
                    self.to_buf = self.to_buf[n:]
                    self.to_room -= n
                except BlockingIOError:
                    pass
            for pump in pumps:
                if not pump.move(ready):
                    if pump is not stdin:
                        self.send(b"c %d\n" % pump.dst)
                    pump.dst = os.open("/dev/null", os.O_WRONLY | os.O_CLOEXEC)
            if stdin.eof and not stdin.data and not stdin_told and not self.tty:
                stdin_told = True
                self.send(b"e %d\n" % stdin.count)
            if pidfd in ready:
                break
            # Data in flight in QEMU would be lost at power-off: wait for it
            if opt.qemu and self.sizes and all(p.count >= n for p, n in zip(pumps[1:], self.sizes)):
                self.kill()
            if self.deadline is not None and time.monotonic() >= self.deadline:
                if timed_out or not self.started:
                    self.kill()
                    self.deadline = None
                    timed_out = True
                else:
                    # Process 1 reports where every process waits, if it still can; then the lab ends
                    timed_out = True
                    self.send(b"q\n")
                    self.deadline = time.monotonic() + 10
        _, self.end, usage = os.wait4(self.pid, 0)
        if os.environ.get("LAB_PROFILE"):
            self.write_profile(os.environ["LAB_PROFILE"], usage)
        self.kill()  # remaining processes of the kernel
        for name, take in (("log", self.take_log), ("from", self.take_control)):
            self.drain(fd[name], take)
        for pump in pumps[1:]:
            self.drain(pump.src, lambda data, p=pump: self.rest(p, data))
            self.rest(pump, b"")
        if self.log_rest:
            self.take_log(b"\n")
        if self.log_file:
            self.log_file.close()
        if hold is not None:
            os.close(hold)
        self.restore()
        return self.exit_status(timed_out)

    @staticmethod
    def drain(fd, take):
        while True:
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                return
            if not data:
                return
            take(data)

    @staticmethod
    def rest(pump, data):
        data, pump.data = pump.data + data, b""
        while data:
            try:
                data = data[os.write(pump.dst, data):]
            except BlockingIOError:  # the caller has made the descriptor non-blocking
                select.select([], [pump.dst], [])
            except OSError:
                return

    def show(self, lines, what):
        for line in lines[:SHOW_LINES]:
            sys.stderr.write("lab/run: %s: %s\n" % (what, line.decode(errors="replace")))
        if len(lines) > SHOW_LINES:
            say("(%d more lines: LAB_LOG=FILE keeps them)" % (len(lines) - SHOW_LINES))

    def exit_status(self, timed_out):
        self.known_reports()
        if self.killed_by is not None and self.status is None:
            say("ended by signal %d" % self.killed_by)
            return 128 + self.killed_by
        if timed_out and self.status is None:
            self.show(self.answer, "inside")
            if self.first_bad is not None:
                self.show(self.log[self.first_bad:], "kernel")
            elif not self.started:
                self.show(self.log[-SHOW_LINES:], "kernel")
            say("timeout: the command has not ended")
            return EX_TIMEOUT
        if self.failure:
            self.show(self.log[-20:], "kernel")
            say("cannot start the lab: " + self.failure)
            return EX_START
        if self.status is None:
            first = self.first_bad if self.first_bad is not None else -40
            self.show(self.log[first:], "kernel")
            if not self.started and self.first_bad is None:
                say("the kernel did not start (wait status %d)" % self.end)
                return EX_START
            say("the kernel died")
            return EX_PANIC
        code = os.waitstatus_to_exitcode(self.status)
        code = code if code >= 0 else 128 - code
        if self.first_bad is not None or self.complaints or self.taint:
            if self.first_bad is not None:
                self.show(self.log[self.first_bad:], "kernel")
            self.show(self.complaints, "kernel")
            if self.first_bad is None and not self.complaints:
                self.show(self.log[-SHOW_LINES:], "kernel")
            say("the kernel complained (taint %d); the command ended with %d" % (self.taint, code))
            return EX_COMPLAINT
        if code > 128:
            # A signal has ended the command: perhaps it used too much memory
            self.show([line for line in self.log if OUT_OF_MEMORY in line], "kernel")
        return code


def prepare(opt):
    missing = (cache.missing_qemu(opt.kernel, opt.flavour, opt.variant) if opt.qemu
               else cache.missing(opt.kernel, opt.flavour, opt.variant, opt.udc != "dummy"))
    if not missing:
        return
    say("missing: %s; calling lab/setup" % ", ".join(missing))
    pid = os.fork()
    if pid == 0:
        os.dup2(2, 1)
        try:
            os.execv(os.path.join(cache.LAB, "setup"),
                     ["setup", "--kernel", opt.kernel, "--flavour", opt.flavour, "--" + opt.variant]
                     + ["--qemu"] * opt.qemu + ["--udc"] * (opt.udc != "dummy"))
        finally:
            os._exit(EX_START)
    if os.waitpid(pid, 0)[1]:
        raise OSError(0, "lab/setup failed")


def main():
    try:
        opt = Options(sys.argv[1:])
        opt.check()
    except Usage as e:
        say("%s (see --help)" % e)
        return 64
    tty = all(os.isatty(fd) for fd in (0, 1, 2))
    if not opt.command:
        if not tty:
            say("no command given, and a shell needs a terminal")
            return 64
        opt.command = [os.environ.get("SHELL", "/bin/bash")]
        if opt.timeout is None:
            opt.timeout = 0
    try:
        prepare(opt)
        run = Run(opt, tty)
        if not tty:
            return run.main()
        import termios
        import tty as tty_module
        saved = termios.tcgetattr(0)
        run.restore = lambda: termios.tcsetattr(0, termios.TCSADRAIN, saved)
        tty_module.setraw(0)
        try:
            return run.main()
        finally:
            run.restore()
    except OSError as e:
        say("cannot start the lab: %s" % (e.strerror if not e.filename else e))
        return EX_START


def run_and_leave():
    status = main()
    sys.stdout.flush()
    # Not sys.exit(): nothing is left to clean up, and this is faster
    os._exit(status)
