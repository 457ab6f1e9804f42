#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A worker in Python: sends back each message of the host, and answers a vendor request with the number of messages.

In the gadget file: worker : { exec = [ "./python-echo.py" ]; ready = "notify"; };
"""

import sys

try:
    from ffsctl_worker import Worker
except ModuleNotFoundError:
    sys.exit("python-echo.py: no Python module ffsctl_worker; 'make install' and the package python3-ffsctl-worker install it")

worker = Worker()
count = 0


@worker.on_request
def how_many(request):
    if request.kind == "vendor" and request.is_in and request.number == 1:
        return count.to_bytes(4, "little")


def echo():
    global count
    for message in worker.outs[0].messages():
        count += 1
        worker.ins[0].send(message)


worker.run(echo)
