# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers of ffsctl in Python: endpoints, events, control requests, readiness and stop.

A worker is a process that ffsctl starts to move the data of one function of a USB gadget. ffsctl-worker(7) describes what
it gets and the messages of its control socket; this module implements that. A worker that sends back each message of the
host, and answers a vendor request:

    from ffsctl_worker import Worker

    worker = Worker()
    source, sink = worker.outs[0], worker.ins[0]

    @worker.on_request
    def version(request):
        if request.is_in and request.kind == "vendor" and request.number == 1:
            return b"1.0"        # the data for the host; None refuses a request

    def echo():
        for message in source.messages():
            sink.send(message)

    worker.run(echo)

Endpoints: a read or write waits until the host has enabled the function and has moved the data. poll(2) does not work on
endpoints, so each loop over endpoints needs a thread: run() starts one for each function that it gets. With asyncio, use
arun(), and aread() and asend() of endpoints.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import errno
import functools
import inspect
import json
import os
import queue
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

if TYPE_CHECKING:  # its import takes long on a small board, and most workers do not need it
    import asyncio

__all__ = ["Endpoint", "Event", "LinkDown", "MessageTooLong", "Pair", "Request", "Worker", "WorkerError"]

# Types of messages: enum ffsctl_msg_type of <ffsctl/control.h>
_EVENT, _SETUP, _DATA, _PING, _STOP = 1, 2, 3, 4, 5
_READY, _ACCEPT, _STALL, _PONG, _STATS, _SWITCH, _TRAFFIC, _CUT, _WAKEUP = 33, 34, 35, 36, 37, 38, 39, 40, 41
_HEADER = struct.Struct("<HHII")  # version, type, length of the body, id
_VERSION, _MAX_BODY = 1, 65535
_SPEEDS = {2: "full", 3: "high", 5: "super", 6: "super-plus"}
_INDEX_ORIGINS = ("function", "rebuilt", "host")  # enum ffsctl_index_origin
_FIRST_FD = 3  # sd_listen_fds(3)
# What some UDC drivers (dwc3, dwc2) end a transfer with that has moved no data, when the host clears a halt of its endpoint,
# also one that is not set
_HALT_WAS_CLEARED = (errno.EPIPE, errno.EINPROGRESS)
_MAX_REPEATS = 1000  # of a transfer that ends so: a driver may do it without a host
_FOR_ANY_UDC = 16384  # bytes of a transfer that each UDC driver takes; on i.MX it refuses longer ones since Linux 6.12.5
_LATE_SUSPEND = 5  # seconds in which the event SUSPEND must arrive after a UDC has refused a request because of it
_LAST_WRITES = 0.1  # seconds in which writes may end after STOP before they are reported as cut

# What a handler of control requests returns: None or False refuses the request (STALL), True and b"" acknowledge it, other
# bytes are the data for the host
Answer = Union[bytes, bool, None]
Handler = Callable[["Request"], Union[Answer, Awaitable[Answer]]]


class WorkerError(Exception):
    """The process was not started by ffsctl, or asks for something that it did not get."""


class LinkDown(ConnectionError):
    """The host disabled the function, or the gadget was unbound, during a transfer. The data of the transfer is lost."""


class MessageTooLong(ValueError):
    """A message was longer than Endpoint.max_message. Its data was read and dropped."""


class Event(enum.IntEnum):
    """Events of the function; the numbers are those of enum usb_functionfs_event_type."""

    BIND = 0
    UNBIND = 1
    ENABLE = 2  # the host has enabled the function, perhaps again
    DISABLE = 3
    SUSPEND = 5
    RESUME = 6


@dataclasses.dataclass
class Request:
    """A control request of the host (USB 2.0, 9.3)."""

    request_type: int  # bmRequestType
    number: int  # bRequest
    value: int  # wValue
    index: int  # wIndex, as the host sent it as far as the kernel reports it: see index_origin
    length: int  # wLength: bytes of the data stage, for IN requests the most that the host accepts
    _id: int = dataclasses.field(repr=False)
    _worker: "Worker" = dataclasses.field(repr=False)
    _answered: bool = dataclasses.field(default=False, repr=False)
    # The number that the function itself uses: of the interface in its descriptors, from 0; of the endpoint, from 1, or with
    # `virtual_addr` its address there
    function_index: int = 0
    # What `index` is. "host": all of it is what the host sent. "rebuilt": the low byte is; the high byte is 0, because the kernel
    # does not report it. "function": it is function_index, and what the host sent is not known.
    index_origin: str = "function"

    @property
    def is_in(self) -> bool:
        """Whether the host wants data."""
        return bool(self.request_type & 0x80)

    @property
    def kind(self) -> str:
        """The type of the request: "standard", "class", "vendor" or "reserved"."""
        return ("standard", "class", "vendor", "reserved")[self.request_type >> 5 & 3]

    @property
    def recipient(self) -> str:
        """Who the request is for: "device", "interface", "endpoint" or "other"."""
        return ("device", "interface", "endpoint")[self.request_type & 31] if self.request_type & 31 < 3 else "other"

    def read(self) -> bytes:
        """Returns the data that the host sends with an OUT request. This acknowledges the request: refuse it before.

        Only for handlers that are no coroutines; those use aread().
        """
        self._accept()
        return self._worker._wait_for_data(self._id)

    async def aread(self) -> bytes:
        """Like read(), for handlers that are coroutines."""
        self._accept()
        return await self._worker._await_data(self._id)

    def _accept(self) -> None:
        if self.is_in or not self.length or self._answered:
            raise WorkerError("the request has no data to read, or its data was read already")
        self._answered = True
        self._worker._send(_ACCEPT, self._id)

    def _answer(self, answer: Answer) -> None:
        """Sends the answer, unless read() has acknowledged the request."""
        if self._answered:
            return
        self._answered = True
        if answer is None or answer is False:
            self._worker._send(_STALL, self._id)
        elif self.is_in and self.length:
            self._worker._send(_DATA, self._id, b"" if answer is True else bytes(answer[: self.length]))
        else:
            self._worker._send(_ACCEPT, self._id)


class _File:
    """An open file of FunctionFS."""

    def __init__(self, fd: int, name: str) -> None:
        self.fd, self.name = fd, name
        self._thread: Optional[_Thread] = None

    def _call(self, call: Callable[..., Any], *args: Any) -> Any:
        repeats = 0
        while True:
            try:
                return call(self.fd, *args)
            except OSError as e:
                if e.errno == errno.ESHUTDOWN:
                    raise LinkDown(e.errno, "the link with the host went down") from None
                repeats += 1
                if e.errno not in _HALT_WAS_CLEARED or repeats > _MAX_REPEATS:
                    raise

    def _read_from(self, endpoint: "Endpoint", size: Optional[int]) -> tuple[bytes, int]:
        """Returns the data of one transfer, and the length that was asked for."""
        while True:
            length = size or endpoint.transfer_size
            try:
                return endpoint._worker._transfer(self, os.read, length), length
            except OSError as e:
                if size or not endpoint._shorten_transfers(e, length):
                    raise

    async def _acall(self, function: Callable[..., Any], *args: Any) -> Any:
        """Runs a call that waits in the thread of this file."""
        if self._thread is None:
            self._thread = _Thread(self.name)
        return await self._thread.call(function, *args)


class Endpoint(_File):
    """An endpoint of the function."""

    def __init__(self, worker: "Worker", fd: int, config: Mapping[str, Any]) -> None:
        super().__init__(fd, config["name"])
        self._worker = worker
        self.address: int = config["address"]  # bEndpointAddress of the descriptors
        self.type: str = config["type"]  # "bulk", "interrupt" or "isochronous"
        self.direction: str = config["direction"]  # "in": to the host; "out": from the host
        self.packet_sizes: dict[str, int] = dict(config["packet"])  # {speed: bytes of the largest packet}
        self._is_writing = self._is_inside_message = False  # the end of the process would cut a transfer, or a message
        self.max_message = 16 << 20  # bytes of the longest message of receive() and messages(); the host must not fill memory

    def __repr__(self) -> str:
        return f"<Endpoint {self.name}: {self.type} {self.direction}>"

    @property
    def packet_size(self) -> int:
        """Bytes of the largest packet at the current speed."""
        speed = "super" if self._worker.speed == "super-plus" else self._worker.speed
        return self.packet_sizes.get(speed or "", max(self.packet_sizes.values()))

    @property
    def transfer_size(self) -> int:
        """Bytes of a read: `io.size` of the gadget file or 64 KiB, in whole packets at every speed; less with a UDC whose
        driver takes less. At most 16 KiB before the event ENABLE, which says of which UDC it is."""
        packet = max(self.packet_sizes.values())
        return max(min(self._worker.size or 65536, self._worker._longest_transfer) // packet, 1) * packet

    def _shorten_transfers(self, refusal: OSError, length: int) -> bool:
        """Returns whether the UDC's driver refused a transfer for its length. It moved no data: it can be repeated, shorter."""
        if refusal.errno != errno.EMSGSIZE or length <= _FOR_ANY_UDC:
            return False
        self._worker._longest_transfer = _FOR_ANY_UDC
        return True

    def read(self, size: Optional[int] = None) -> bytes:
        """Reads one transfer of at most `size` bytes, which must be whole packets. A packet that is shorter than the packet
        size ends it. Raises LinkDown.

        A UDC (dwc2) may take no requests while the host has suspended the function. Then this waits for the resume, except in
        the thread of run() or arun(), which takes the events: there it raises BlockingIOError. So do all that read or write.
        """
        return self._read_from(self, size)[0]

    def write(self, data: bytes) -> None:
        """Writes one transfer; b"" is a zero-length packet. Raises LinkDown.

        The kernel needs contiguous memory for the data: a transfer of some MiB can fail with ENOMEM.
        """
        self._write_to(self, data)

    def _write_to(self, file: _File, data: bytes) -> None:
        # An interrupt transfer of one packet is sent whole or not at all
        self._is_writing = self.type != "interrupt" or len(data) > self.packet_size
        try:
            self._worker._transfer(file, os.write, data)
        finally:
            self._worker._end_write(self)

    def halt(self) -> None:
        """Halts a bulk or interrupt endpoint: transfers of the host fail until it clears the halt, which is not reported.
        Only the thread that reads from the endpoint, or writes to it, should call this. Raises LinkDown, and
        BlockingIOError if the host has not read all data of an IN endpoint yet."""
        try:
            if self.direction == "in":  # I/O in the wrong direction halts (ffsctl-worker(7))
                self._call(os.read, 1)
            else:
                self._call(os.write, b"\0")
        except OSError as e:
            if e.errno != errno.EBADMSG:
                raise

    def send(self, message: bytes) -> bool:
        """Writes a message, and a zero-length packet if the host could not see its end otherwise. Returns False if the link
        with the host went down: then the message is lost, as its receiver is.

        A long message is several transfers, because the kernel needs contiguous memory for each.
        """
        self._is_inside_message = len(message) >= self.packet_size
        try:
            start = 0
            while start < len(message):
                part = message[start:start + self.transfer_size]
                try:
                    self.write(part)
                except OSError as e:
                    if not self._shorten_transfers(e, len(part)):
                        raise
                else:
                    start += len(part)
            if len(message) % self.packet_size == 0:
                self.write(b"")
        except LinkDown:
            return False
        finally:
            self._is_inside_message = False
        return True

    def receive(self) -> bytes:
        """Reads a message: all data up to a short packet. Raises LinkDown and MessageTooLong."""
        parts, total = [], 0
        try:
            while True:
                part, length = self._read_from(self, None)
                total += len(part)
                if total <= self.max_message:
                    parts.append(part)
                else:
                    parts.clear()
                if len(part) < length:
                    break
                self._is_inside_message = True
        finally:
            self._is_inside_message = False
        if total > self.max_message:
            raise MessageTooLong(f"a message of {total} bytes from {self.name}, more than {self.max_message}")
        return b"".join(parts)

    def messages(self) -> Iterator[bytes]:
        """Yields each message of the host, for ever. Drops messages that a link that went down has cut off, and those that
        are too long."""
        while True:
            try:
                yield self.receive()
            except LinkDown:
                pass
            except MessageTooLong as e:
                print(e, file=sys.stderr, flush=True)

    async def aread(self, size: Optional[int] = None) -> bytes:
        """Like read(), for coroutines."""
        data: bytes = await self._acall(self.read, size)
        return data

    async def awrite(self, data: bytes) -> None:
        """Like write(), for coroutines."""
        await self._acall(self.write, data)

    async def asend(self, message: bytes) -> bool:
        """Like send(), for coroutines."""
        sent: bool = await self._acall(self.send, message)
        return sent

    async def areceive(self) -> bytes:
        """Like receive(), for coroutines."""
        data: bytes = await self._acall(self.receive)
        return data


class Pair(_File):
    """The file for both directions of an endpoint pair (`rw_proxy`): a read is from `out`, a write is to `in_`."""

    def __init__(self, fd: int, name: str, in_: Endpoint, out: Endpoint) -> None:
        super().__init__(fd, name)
        self.in_, self.out = in_, out

    def read(self, size: Optional[int] = None) -> bytes:
        """Reads one transfer from the OUT endpoint. Raises LinkDown."""
        return self._read_from(self.out, size)[0]

    def write(self, data: bytes) -> None:
        """Writes one transfer to the IN endpoint. Raises LinkDown."""
        self.in_._write_to(self, data)


class _Thread:
    """A thread that makes calls for coroutines, one after the other.

    It is a daemon thread, unlike those of an executor: a call that waits for the host does not delay the end of the process.
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...], asyncio.Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        import asyncio

        future = asyncio.get_running_loop().create_future()
        self._calls.put((function, args, future))
        return await future

    def _run(self) -> None:
        while True:
            function, args, future = self._calls.get()
            try:
                end = functools.partial(_end, future, function(*args), None)
            except BaseException as e:  # the coroutine gets it, whatever it is
                end = functools.partial(_end, future, None, e)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(end)


def _end(future: asyncio.Future[Any], result: Any, error: Optional[BaseException]) -> None:
    if future.done():  # cancelled
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class Worker:
    """This process as a worker: what ffsctl has passed to it, and the messages of the control socket."""

    def __init__(self) -> None:
        if os.environ.get("LISTEN_PID") != str(os.getpid()):
            raise WorkerError("this program must be started by ffsctl: see worker.exec in ffsctl-gadget(5)")
        names = os.environ["LISTEN_FDNAMES"].split(":")
        fds = {name: _FIRST_FD + i for i, name in enumerate(names)}
        for fd in fds.values():
            os.set_inheritable(fd, False)
        self.config: dict[str, Any] = json.loads(os.pread(fds["config"], 1 << 20, 0))
        self.gadget: str = self.config["gadget"]
        self.function: str = self.config["function"]  # label of the function
        self.mount: Optional[str] = self.config.get("mount")
        self.device: Optional[str] = os.environ.get("FFSCTL_DEVICE")  # device node of a kernel function
        self.ifname: Optional[str] = os.environ.get("FFSCTL_IFNAME")  # network interface of a kernel function
        self.options: dict[str, Any] = self.config.get("options", {})
        self.size: int = self.config.get("size", 0)  # io.size in bytes; 0: not set
        self._longest_transfer = _FOR_ANY_UDC  # bytes that the UDC's driver takes
        self.endpoints: list[Endpoint] = [Endpoint(self, fds[e["name"]], e) for e in self.config.get("endpoints", [])]
        named = {endpoint.name: endpoint for endpoint in self.endpoints}
        self.pairs: list[Pair] = [Pair(fds[p["file"]], p["file"], named[p["in"]], named[p["out"]])
                                  for p in self.config.get("pairs", [])]
        self.speed: Optional[str] = None  # "full", "high", "super" or "super-plus"; None: never enabled, or not known
        self.enabled = False  # whether the host has enabled the function
        self.suspended = False  # whether the host has suspended the function
        self._control = socket.socket(fileno=fds["control"])
        self._sending = threading.Lock()
        self._write_ended = threading.Condition()
        self._event_came = threading.Condition()
        self._n_events = 0
        self._message_thread: Optional[int] = None  # the thread of run() or arun(), which takes the events
        self._on_request: Optional[Handler] = None
        self._on_event: Optional[Callable[[Event], Any]] = None
        self._later: list[bytes] = []  # messages that came while read() waited for data
        self._data: dict[int, asyncio.Future[bytes]] = {}  # coroutines that wait for data

    @property
    def ins(self) -> list[Endpoint]:
        """The IN endpoints: to the host."""
        return [endpoint for endpoint in self.endpoints if endpoint.direction == "in"]

    @property
    def outs(self) -> list[Endpoint]:
        """The OUT endpoints: from the host."""
        return [endpoint for endpoint in self.endpoints if endpoint.direction == "out"]

    def endpoint(self, name: str) -> Endpoint:
        """Returns the endpoint with this name, such as "ep1-in"."""
        for endpoint in self.endpoints:
            if endpoint.name == name:
                return endpoint
        raise WorkerError(f"no endpoint '{name}'; there are: {', '.join(e.name for e in self.endpoints)}")

    # Handlers, also as decorators

    def on_request(self, handler: Handler) -> Handler:
        """Sets the function that answers control requests. Without one, and when it raises an exception, they are refused."""
        self._on_request = handler
        return handler

    def on_event(self, handler: Callable[[Event], Any]) -> Callable[[Event], Any]:
        """Sets the function that is called for each event, after `speed` and `enabled` were set."""
        self._on_event = handler
        return handler

    # Messages to ffsctl

    def ready(self, word: str = "") -> None:
        """Reports that the worker is ready, for `ready = "notify"`. run() and arun() do so themselves. `word`: how data is
        moved, which `ffsctl status` shows as worker.engine."""
        self._send(_READY, 0, word.encode("ascii"))

    def stats(self, values: Mapping[str, Any]) -> None:
        """Sends an object that `ffsctl status` shows: at most 4096 bytes of JSON, four levels."""
        self._send(_STATS, 0, json.dumps(values).encode())

    def traffic(self, counts: Sequence[int]) -> None:
        """Sends the number of bytes moved since the start, for each endpoint, which `ffsctl status` shows; at most once a
        second."""
        self._send(_TRAFFIC, 0, struct.pack("<%dQ" % len(counts), *counts))

    def switch(self, gadget: str, message: Optional[Mapping[str, Any]] = None) -> None:
        """Asks that this gadget become another one, which must be in `switch_to` of the gadget file. The workers of that one
        find `message` in config["switch"]."""
        body = gadget.encode() + (b"\0" + json.dumps(message).encode() if message is not None else b"")
        self._send(_SWITCH, 0, body)

    def wakeup(self) -> None:
        """Asks the UDC to wake the host, which has suspended the function. If the host wakes up, the event RESUME follows.
        `bmAttributes` of the configuration must have bit 5, and the host decides whether it lets the device wake it."""
        self._send(_WAKEUP)

    def _send(self, kind: int, id: int = 0, body: bytes = b"") -> None:
        with self._sending:
            self._control.send(_HEADER.pack(_VERSION, kind, len(body), id) + body)

    # Messages from ffsctl

    @staticmethod
    def _parse(packet: bytes) -> tuple[int, int, bytes]:
        _, kind, length, id = _HEADER.unpack_from(packet)
        return kind, id, packet[_HEADER.size:_HEADER.size + length]

    def _receive(self) -> bytes:
        """Returns the next packet; b"" if ffsctl has closed the socket."""
        return self._control.recv(_HEADER.size + _MAX_BODY)

    def _wait_for_data(self, id: int) -> bytes:
        while packet := self._receive():
            kind, number, body = self._parse(packet)
            if kind == _DATA and number == id:
                return body
            self._later.append(packet)
            if kind in (_SETUP, _STOP):  # the host has given up, or the worker must end
                break
        raise LinkDown(errno.ESHUTDOWN, "the host ended the request before it sent the data")

    async def _await_data(self, id: int) -> bytes:
        import asyncio

        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._data[id] = future
        try:
            return await future
        finally:
            del self._data[id]

    def _take_event(self, body: bytes) -> Optional[Event]:
        try:
            event = Event(body[0])
        except ValueError:  # of a later version
            return None
        if event is Event.ENABLE:
            self.speed = _SPEEDS.get(body[1])
            (longest,) = struct.unpack("=H", body[2:4])  # KiB; 0: no limit is known
            self._longest_transfer = longest * 1024 or sys.maxsize
        if event in (Event.ENABLE, Event.DISABLE, Event.UNBIND):
            self.enabled = event is Event.ENABLE
        with self._event_came:
            self.suspended = event is Event.SUSPEND
            self._n_events += 1
            self._event_came.notify_all()
        return event

    def _transfer(self, file: _File, call: Callable[..., Any], *args: Any) -> Any:
        """Reads or writes. dwc2 refuses that while the host has suspended the function: waits for the resume then."""
        while True:
            n_events = self._n_events
            try:
                return file._call(call, *args)
            except BlockingIOError:
                if not self._await_resume(n_events):
                    raise

    def _await_resume(self, n_events: int) -> bool:
        """Waits until the function is not suspended. `n_events`: of before the refusal, whose SUSPEND may still be on its way.
        Returns False if it does not come, or if this thread is the one that would take it."""
        if self._message_thread in (None, threading.get_ident()):
            return False
        with self._event_came:
            known = self._event_came.wait_for(lambda: self.suspended or self._n_events != n_events, _LATE_SUSPEND)
            self._event_came.wait_for(lambda: not self.suspended)
        return known

    def _request_of(self, id: int, body: bytes) -> Request:
        request_type, number, value, index, length = struct.unpack("<BBHHH", body[:8])
        own, origin = struct.unpack("<HB", body[8:11]) if len(body) >= 11 else (index, 0)  # ffsctl before 0.3 sends 8 bytes
        known = _INDEX_ORIGINS[origin] if origin < len(_INDEX_ORIGINS) else "function"
        return Request(request_type, number, value, index, length, id, self, function_index=own, index_origin=known)

    def _checked_answer(self, answer: Any) -> Answer:
        """Returns what the handler of control requests has returned, if it is an answer."""
        if answer is None or isinstance(answer, (bool, bytes, bytearray, memoryview)):
            return answer
        name = getattr(self._on_request, "__name__", "the handler")
        raise TypeError(f"{name}() returned {type(answer).__name__}, not bytes, True or None")

    def _handle(self, packet: bytes) -> bool:
        """Handles a message; returns False if the worker must end."""
        kind, id, body = self._parse(packet)
        if kind == _EVENT:
            event = self._take_event(body)
            if event is not None and self._on_event:
                self._on_event(event)
        elif kind == _SETUP:
            request = self._request_of(id, body)
            answer: Answer = None
            try:
                answer = self._checked_answer(self._on_request(request) if self._on_request else None)
            except Exception:
                traceback.print_exc()  # a mistake in a handler costs one request
            request._answer(answer)
        elif kind == _PING:
            self._send(_PONG, id)
        return kind != _STOP

    def run(self, *loops: Callable[[], Any]) -> None:
        """Serves the function: starts a thread for each of `loops`, reports that the worker is ready, and handles messages
        until ffsctl stops the worker. Then the process ends with status 0.

        An exception in a loop ends the process with status 1, so that ffsctl starts the next worker; a loop may return.
        """
        _leave_sigterm_to_stop()
        self._message_thread = threading.get_ident()
        for loop in loops:
            threading.Thread(target=self._run_loop, args=(loop,), name=getattr(loop, "__name__", "loop"), daemon=True).start()
        self.ready()
        while packet := self._later.pop(0) if self._later else self._receive():
            if not self._handle(packet):
                break
        self._report_cut_transfers()
        _exit(0)

    def _end_write(self, endpoint: Endpoint) -> None:
        with self._write_ended:
            endpoint._is_writing = False
            self._write_ended.notify_all()

    def _report_cut_transfers(self) -> None:
        """Reports to ffsctl which endpoints have a transfer or message that the end of the process cuts, if any.

        The host may have read all data of a write whose thread has not gone on yet, so it gets the time to do so.
        """
        with self._write_ended:
            self._write_ended.wait_for(lambda: not any(endpoint._is_writing for endpoint in self.endpoints), _LAST_WRITES)
        cut = bytes(endpoint._is_writing or endpoint._is_inside_message for endpoint in self.endpoints)
        if any(cut):
            self._send(_CUT, 0, cut)

    @staticmethod
    def _run_loop(loop: Callable[[], Any]) -> None:
        try:
            loop()
        except BaseException:
            traceback.print_exc()
            _exit(1)

    # asyncio

    def arun(self, *loops: Callable[[], Awaitable[Any]]) -> None:
        """Like run(), with a task for each of `loops`, which are coroutine functions. The handler of requests may be one, too."""
        import asyncio

        try:
            asyncio.run(self._arun(loops))
        except BaseException:
            traceback.print_exc()
            _exit(1)
        self._report_cut_transfers()
        _exit(0)

    async def _arun(self, loops: Sequence[Callable[[], Awaitable[Any]]]) -> None:
        import asyncio

        _leave_sigterm_to_stop()
        self._message_thread = threading.get_ident()
        running = asyncio.get_running_loop()
        stop: asyncio.Future[None] = running.create_future()
        requests: asyncio.Queue[Request] = asyncio.Queue()

        def readable() -> None:
            packet = self._receive()
            if not packet or self._ahandle(packet, requests) is False:
                running.remove_reader(self._control)
                if not stop.done():
                    stop.set_result(None)

        running.add_reader(self._control, readable)
        tasks = [asyncio.ensure_future(loop()) for loop in loops] + [asyncio.ensure_future(self._answer_requests(requests))]
        self.ready()
        waiting = {stop, *tasks}
        while not stop.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises the exception of a loop

    def _ahandle(self, packet: bytes, requests: "asyncio.Queue[Request]") -> bool:
        kind, id, body = self._parse(packet)
        if kind == _SETUP:
            for future in self._data.values():  # the host has given up an earlier request
                if not future.done():
                    future.set_exception(LinkDown(errno.ESHUTDOWN, "the host ended the request before it sent the data"))
            requests.put_nowait(self._request_of(id, body))
            return True
        if kind == _DATA:
            if id in self._data and not self._data[id].done():
                self._data[id].set_result(body)
            return True
        return self._handle(packet)

    async def _answer_requests(self, requests: "asyncio.Queue[Request]") -> None:
        while True:
            request = await requests.get()
            answer: Answer = None
            try:
                returned: Any = self._on_request(request) if self._on_request else None
                answer = self._checked_answer(await returned if inspect.isawaitable(returned) else returned)
            except Exception:
                traceback.print_exc()
            request._answer(answer)


def _leave_sigterm_to_stop() -> None:
    """Ignores SIGTERM, which comes with STOP: it would end the process before it reports the transfers that it cuts."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: None)  # unlike SIG_IGN not inherited by programs


def _exit(status: int) -> None:
    """Ends the process without waiting for threads, which may be in a system call that waits for the host."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
