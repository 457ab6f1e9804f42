# SPDX-License-Identifier: GPL-2.0-or-later
"""A small test framework with TAP output, which needs only the standard library.

    import tap
    from tap import test, eq, ok, skip

    @test("the device echoes one byte")
    def echoes_one_byte(): ...

    tap.main()

A test passes when its function returns, and fails when its function raises an exception. skip("reason") skips the
test. Code that prepares something for all tests belongs above tap.main(). A function that is passed to tap.cleanup()
runs after every test, also after a failed one.

    test_x.py                     runs all tests; with TAP_PART=2/3 in the environment only the second of
                                  three parts, which has the tests 2, 5, 8 and so on
    test_x.py echoes_one_byte...  runs the tests of these functions
    test_x.py --filter TEXT       runs the tests with TEXT in their sentence
    test_x.py --list              prints each test as FUNCTION: SENTENCE

A test with `only_all` (see test()) runs only if LAB_TIER=all is in the environment, if it runs under lab/soak, or if its
function is an argument. The output of a test goes to stderr, because stdout is for TAP.
"""

import os
import sys
import time
import traceback

BUILD = os.environ.get("FFSCTL_BUILD", ".")
# The build whose ffsbench is the host's side: another one if that of the tested programs has no libusb
HOST_BUILD = os.environ.get("FFSCTL_HOST_BUILD", BUILD)
SRC = os.environ.get("FFSCTL_SRC", ".")

# Factor for time limits: how many times slower this machine is than the reference machine. lab/test measures this
# during a run.
PATIENCE = float(os.environ.get("LAB_PATIENCE", "1"))
VIRTUAL_TIME = os.environ.get("LAB_TIME") == "virtual"
# False with lab/test --qemu, whose kernels are Debian's, and outside of the lab
with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as _cpuinfo:
    USER_MODE_LINUX = "User Mode Linux" in _cpuinfo.read()

# Whether the tests are run by lab/test --all
EVERYTHING = os.environ.get("LAB_TIER") == "all"
SOAKING = "SOAK_SEED" in os.environ  # lab/soak

_tests = []
_cleanups = []


def patience(seconds):
    """Returns a time limit for an event that must happen, adapted to the speed of this machine. If a test expects that
    an event does *not* happen, it needs virtual time instead; if that it happens at a certain time, see at_most()."""
    return seconds * PATIENCE


def at_most(seconds):
    """Returns the upper limit of a measured time, in a test that checks more than times: `seconds` in virtual time. In
    real time, as in QEMU, a loaded machine adds to what is measured, so the limit is that of patience(). A test that
    compares times exactly, and nothing else, calls needs_virtual_time()."""
    return seconds if VIRTUAL_TIME else patience(seconds)


def rounds(few, many, soak=None):
    """Returns the number of rounds of a loop that finds a defect only by chance, or that has many cases: `few` in
    lab/test, `many` in lab/test --all, and `soak` (default: `many`) in lab/soak. `few` rounds must be enough to detect
    the mutants of tests/mutants and kernel/mutants."""
    if SOAKING:
        return many if soak is None else soak
    return many if EVERYTHING else few


def sanitized():
    """Returns whether the tested programs were built with sanitizers."""
    with open(os.path.join(BUILD, "ffsctl"), "rb") as f:
        return b"__asan_init" in f.read()


class Skip(Exception):
    """Ends a test that cannot run on this system."""


def skip(reason):
    raise Skip(reason)


def needs_virtual_time():
    """Skips a test that waits for hours or compares times exactly where time is real: with lab/test --qemu."""
    if not VIRTUAL_TIME:
        skip("needs virtual time")


def test(name, *args, only_all=None):
    """Registers a test. The function is called with the arguments `args`, so that one function can be used for several
    tests: for n in (1, 2): test(f"{n} bytes", n)(echo).

    If `only_all` is set, only lab/test --all runs the test. The text of `only_all` says why: it names a mutant that
    lab/test detects without this test, and what other tests check. For example, "plan/NAME: every kind of step has a
    test" names the mutant NAME of tests/mutants/plan.mutants. lab/compare checks that the mutant exists.
    """

    def register(function):
        if function.__name__ == "_":
            raise ValueError("the test %r has no name that it could be run by" % name)
        _tests.append((" ".join(name.split()).replace("#", "No. "), function, args, only_all))
        return function

    return register


def cleanup(function):
    """Runs `function` after every test; an exception in it fails the test."""
    _cleanups.append(function)
    return function


def ok(condition, what="condition does not hold"):
    if not condition:
        raise AssertionError(what)


def eq(got, want, what="value"):
    if got != want:
        raise AssertionError("%s:\n  got  %s\n  want %s" % (what, _brief(got), _brief(want)))


def with_hints(words):
    """Converts error messages from the form on stderr, where a hint has its own line, to the form in logs and JSON
    documents, where the hint follows after a semicolon."""
    return words.replace("\nhint: ", "; ")


# Words of errors in glibc that are others in musl (musl's __strerror.h)
MUSL_WORDS = {"Address already in use": "Address in use", "Cannot allocate memory": "Out of memory",
              "Device or resource busy": "Resource busy", "Inappropriate ioctl for device": "Not a tty",
              "Input/output error": "I/O error"}


def _musl():
    """Returns whether the tested programs use the C library musl. The lab's own tests have none."""
    try:
        with open(os.path.join(BUILD, "ffsctl"), "rb") as f:
            return b"/ld-musl-" in f.read(4096)
    except FileNotFoundError:
        return False


MUSL = _musl()


def in_words_of_libc(text):
    """Returns a text of a test with the words for errors that the C library of the tested programs has."""
    if MUSL and isinstance(text, str):
        for words, others in MUSL_WORDS.items():
            text = text.replace(words, others)
    return text


def contains(text, part, what="text"):
    part = in_words_of_libc(part)
    if part not in text:
        raise AssertionError("%s lacks %r:\n%s" % (what, part, text))


def raises(kind, function, *args):
    """Calls the function, which must raise an exception of class `kind`; returns the exception."""
    try:
        function(*args)
    except kind as e:
        return e
    raise AssertionError("no %s" % kind.__name__)


def _brief(value):
    text = repr(value)
    return text if len(text) <= 4000 else "%s... (%d characters)" % (text[:4000], len(text))


def _attempt(function, args):
    """Runs a test. Returns None if it passed, else the text of its failure."""
    trouble = []
    for f, a in [(function, args)] + [(c, ()) for c in _cleanups]:
        try:
            f(*a)
        except Skip:
            if f is function:
                raise
            trouble.append("skip() in a cleanup")
        except (Exception, SystemExit):
            trouble.append(traceback.format_exc())
    return "\n".join(trouble) or None


def _chosen(argv):
    """Returns the tests that the arguments select."""
    if argv and not argv[0].startswith("--"):
        known = list(dict.fromkeys(t[1].__name__ for t in _tests))
        unknown = [name for name in argv if name not in known]
        if unknown:
            sys.exit("%s: no test %s; there are:\n  %s" % (sys.argv[0], ", ".join(unknown), "\n  ".join(known)))
        return [t for t in _tests if t[1].__name__ in argv]
    only = argv[1] if argv[:1] == ["--filter"] else ""
    chosen = [t for t in _tests if only in t[0] and (EVERYTHING or SOAKING or not t[3])]
    part, _, parts = os.environ.get("TAP_PART", "1/1").partition("/")
    return chosen[int(part) - 1::int(parts)]


def main():
    argv = sys.argv[1:]
    chosen = _chosen(argv)
    if argv == ["--list"]:
        print("\n".join("%s: %s" % (t[1].__name__, t[0]) for t in chosen))
        sys.exit(0)
    # Output of tests and of child processes must not get into the TAP output
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    failed = 0

    def say(line):
        out.write(line + "\n")
        out.flush()

    say("1..%d" % len(chosen))
    for n, (name, function, args, only_all) in enumerate(chosen, 1):
        start = time.monotonic()
        try:
            trouble = _attempt(function, args)
        except Skip as e:
            say("ok %d - %s # SKIP %s" % (n, name, e))
            continue
        if trouble:
            failed += 1
            say("not ok %d - %s" % (n, name))
            for line in trouble.splitlines():
                say("# " + line)
        else:
            say("ok %d - %s" % (n, name))
        if only_all:
            say("# only --all: " + only_all)
        say("# %.2f s" % (time.monotonic() - start))
    sys.exit(1 if failed else 0)
