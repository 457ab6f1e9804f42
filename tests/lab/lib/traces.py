# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs `ffsctl trace` beside a test, and reads what it prints."""

import contextlib
import json
import signal

import gadgets
import valid
from harness import must


class Trace:
    """The documents of `trace --json`, or the text of `trace`, after its end."""

    def __init__(self, result, is_json):
        self.result, self.text, self.documents = result, result.stdout, []
        if not is_json:
            return
        for line in result.stdout.splitlines():
            self.documents.append(json.loads(line))
            valid.validator("trace")(self.documents[-1])

    def events(self, event, gadget="x"):
        return [d for d in self.documents if d["event"] == event and d["gadget"] == gadget]

    def requests(self, gadget="x"):
        return [(d["words"], d["outcome"], d["length"]) for d in self.events("request", gadget)]

    def hosts(self, gadget="x"):
        return [host["host"] for host in self.conclusion(gadget)["hosts"]]

    def conclusion(self, gadget="x"):
        return self.events("conclusion", gadget)[-1]


@contextlib.contextmanager
def tracing(*args):
    """Runs `trace` while the body of the `with` statement runs; returns a list that then has the Trace."""
    found = []
    process = gadgets.start("trace", *args)
    try:
        said = gadgets.read_lines_until(process.stderr, "tracing")
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        result = gadgets.finish(process)
    must(result)
    result.stderr = said + result.stderr
    found.append(Trace(result, "--json" in args))
