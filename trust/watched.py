"""A process of its own whose every call that changes files is seen before it is made, so that it can be hit at any.

The kernel asks (seccomp user notification, Linux 5.5 and later; no privileges are needed): each call that changes
something below a folder is counted, and at a chosen one the process is killed or signalled, or told that the call failed.
"""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import os
import platform
import resource
import select
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

_PRELOADED: Final = [
    *(
        "polars",
        "deltalake",
        "httpx",
        "numpy",
        "rich.progress",
        "rich.table",
        "tallybook.book",
        "tallybook.cli.commands",
    ),
    *("tallybook.site.build", "tallybook.cli", "multiprocessing.resource_sharer", "scenes"),
]
"""What every process would import. None of it may start a thread that is asked of, for processes are forked from it."""

_NUMBERS: Final = {
    "x86_64": (0xC000003E, 317, {
        **{"write": 1, "pwrite64": 18, "writev": 20, "pwritev": 296, "pwritev2": 328, "sendfile": 40, "fsync": 74},
        **{"fdatasync": 75, "ftruncate": 77, "fallocate": 285, "copy_file_range": 326, "openat": 257, "open": 2},
        **{"creat": 85, "rename": 82, "renameat": 264, "renameat2": 316, "mkdir": 83, "mkdirat": 258, "rmdir": 84},
        **{"unlink": 87, "unlinkat": 263, "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266},
    }),
    "aarch64": (0xC00000B7, 277, {
        **{"write": 64, "pwrite64": 68, "writev": 66, "pwritev": 70, "pwritev2": 287, "sendfile": 71, "fsync": 82},
        **{"fdatasync": 83, "ftruncate": 46, "fallocate": 47, "copy_file_range": 285, "openat": 56, "renameat": 38},
        **{"renameat2": 276, "mkdirat": 34, "unlinkat": 35, "linkat": 37, "symlinkat": 36},
    }),
}  # fmt: skip
"""Of each machine: its mark, the number of ``seccomp``, and of the calls that change files."""

_OF_FILES: Final = {
    *("write", "pwrite64", "writev", "pwritev", "pwritev2", "fsync", "fdatasync", "ftruncate", "fallocate"),
}
"""Calls whose first argument is an open file."""

_FROM_TO: Final = {"sendfile": 0, "copy_file_range": 2}
"""Calls that write to an open file that is another argument."""

_BY_PATH: Final = {"open": 0, "creat": 0, "rename": 1, "mkdir": 0, "rmdir": 0, "unlink": 0, "link": 1, "symlink": 1}
"""Calls with a path as this argument."""

_BELOW: Final = {"openat": 0, "mkdirat": 0, "unlinkat": 0, "renameat": 2, "renameat2": 2, "linkat": 2, "symlinkat": 1}
"""Calls with an open folder as this argument, and a path in it as the next."""

_MAKING: Final = {"openat", "open", "creat", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat"}
"""Calls that need an inode, where the name is new."""

_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_AT_FDCWD: Final = 0xFFFFFF9C
_RECEIVE, _SEND, _GOES_ON = 0xC0502100, 0xC0182101, 1
_NO_NEW_PRIVILEGES: Final = 38
_ALLOW, _ASK = 0x7FFF0000, 0x7FC00000
_HUNG_SECONDS: Final = 120
_SQUEEZED_SECONDS: Final = 15


@dataclass(frozen=True)
class Fault:
    """What happens to a process, and when.

    Attributes:
        at: at which of the calls that change files, the first being 1; 0: at none.
        after: after how many seconds it is killed; None: never.
        signal: what is sent to it at that call.
        error: how the call fails, as in ``errno``, and all of its kind after it; 0: it does not.
        kind: which calls fail: ``all``; those that ``write`` or make a file; those that ``make`` one.
        squeezed: whether it gets no more memory from that call on.
        limits: limits of the process, such as ``{resource.RLIMIT_FSIZE: 100}``; of RLIMIT_AS, what it may take beyond
            what it has.
    """

    at: int = 0
    after: float | None = None
    signal: int = 0
    error: int = 0
    kind: str = "all"
    squeezed: bool = False
    limits: dict[int, int] = field(default_factory=dict)

    def fails(self, name: str, number: int) -> bool:
        """Return whether a call fails."""
        syncs = {"fsync", "fdatasync"}
        removes = {"unlink", "unlinkat", "rmdir"}
        kinds = {
            "all": True,
            "write": name not in removes | syncs,
            "make": name in _MAKING,
        }
        return bool(self.error) and number >= self.at > 0 and kinds[self.kind]


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: its exit code; negative: the signal that ended it.
        out: what it printed.
        err: what it printed of errors.
        calls: how many calls that change files it made, or tried to.
        seconds: how long it took.
        told: what it returned; None where it did not come to that.
    """

    code: int
    out: str
    err: str
    calls: int
    seconds: float
    told: Any


class HungError(Exception):
    """A process that does not come to an end."""


def run(work: Callable[..., Any], *arguments: Any, within: Path, fault: Fault | None = None) -> Ended:
    """Run a function in a process of its own, with what happens to it, and return how it ended.

    Args:
        work: a function of a module; ``SystemExit`` is its exit code.
        arguments: its arguments.
        within: the folder whose files count.
        fault: what happens; None: nothing, and no call is counted.

    Raises:
        HungError: it took longer than two minutes.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    ours, theirs = socket.socketpair()
    mine, its = context.Pipe(duplex=False)
    files = tuple(within.with_name(f"{within.name}.{name}") for name in ("out", "err"))
    process = context.Process(target=_begin, args=(work, arguments, theirs, its, files, fault and fault.limits))
    process.start()
    theirs.close()
    its.close()
    began = time.monotonic()
    try:
        with ours:
            calls = _watched(process, ours, within, fault) if fault else 0
        process.join(_HUNG_SECONDS)
        told = mine.recv() if mine.poll() else None
    except EOFError:
        told = None
    finally:
        mine.close()
        process.kill()
        process.join()
    out, err = (file.read_text(errors="replace") if file.exists() else "" for file in files)
    for file in files:
        file.unlink(missing_ok=True)
    return Ended(process.exitcode or 0, out, err, calls, time.monotonic() - began, told)


def _begin(
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
    watcher: socket.socket,
    back: connection.Connection,
    files: tuple[Path, Path],
    limits: dict[int, int] | None,
) -> None:
    """Be watched from here on, and work."""
    os.environ.pop("RUST_BACKTRACE", None)
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    if limits is not None:
        asked = _ask()
        socket.send_fds(watcher, [b"."], [asked])
        os.close(asked)
    watcher.close()
    for which, most in (limits or {}).items():
        has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limit = most + (has if which == resource.RLIMIT_AS else 0)
        resource.setrlimit(which, (limit, limit))
    code = 0
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
        told = work(*arguments)
        back.send(told)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _ask() -> int:
    """Have the kernel ask before calls that change files; return where it asks."""
    mark, seccomp, numbers = _NUMBERS[platform.machine()]
    code = [(0x20, 0, 0, 4), (0x15, 1, 0, mark), (0x06, 0, 0, _ALLOW), (0x20, 0, 0, 0)]
    for number in numbers.values():
        code += [(0x15, 0, 1, number), (0x06, 0, 0, _ASK)]
    code.append((0x06, 0, 0, _ALLOW))
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(packed))
    system = ctypes.CDLL(None, use_errno=True)
    system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    handle = system.syscall(seccomp, 1, 1 << 3, program)
    if handle < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return int(handle)


def _watched(process: BaseProcess, link: socket.socket, within: Path, fault: Fault) -> int:
    """Answer what the kernel asks until the process ends; return how many calls counted."""
    _, handles, _, _ = socket.recv_fds(link, 1, 1)
    if not handles:
        return 0
    asked, calls = handles[0], 0
    names = {number: name for name, number in _NUMBERS[platform.machine()][2].items()}
    began = time.monotonic()
    poll = select.poll()
    poll.register(asked, select.POLLIN | select.POLLHUP)
    poll.register(process.sentinel, select.POLLIN)
    try:
        while True:
            patience = _SQUEEZED_SECONDS if fault.squeezed else _HUNG_SECONDS
            left = patience if fault.after is None else began + fault.after - time.monotonic()
            ready = dict(poll.poll(max(left, 0) * 1000))
            if fault.after is not None and time.monotonic() >= began + fault.after:
                process.kill()
                return calls
            if not ready:
                if fault.squeezed:  # its threads wait for one that could not be started
                    process.kill()
                    return calls
                raise HungError(f"after {calls} calls")
            if ready.get(asked, 0) & select.POLLIN:
                calls = _answer(asked, names, within, fault, calls, process)
            else:
                return calls
    finally:
        os.close(asked)


def _answer(asked: int, names: dict[int, str], within: Path, fault: Fault, calls: int, process: BaseProcess) -> int:
    """Answer one question; return how many calls counted so far."""
    question = bytearray(80)
    try:
        fcntl.ioctl(asked, _RECEIVE, question)
    except OSError:  # the one who asked is gone
        return calls
    ticket, who, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", question)
    name, failed = names[number], 0
    if _counts(name, who, arguments, str(within)):
        calls += 1
        if calls == fault.at and fault.signal:
            os.kill(process.pid or 0, fault.signal)
            if fault.signal == signal.SIGKILL:
                return calls
        if calls == fault.at and fault.squeezed:
            _squeeze(process.pid or 0)
        failed = fault.error if fault.fails(name, calls) else 0
    try:
        fcntl.ioctl(asked, _SEND, struct.pack("QqiI", ticket, 0, -failed, 0 if failed else _GOES_ON))
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
    return calls


def _squeeze(process: int) -> None:
    """Let a process have no more memory than it has."""
    has = int(Path(f"/proc/{process}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(process, resource.RLIMIT_AS, (has, has))


def _counts(name: str, who: int, arguments: list[int], within: str) -> bool:
    """Return whether a call changes something below the folder."""
    if name == "openat" and not arguments[2] & _WRITES or name == "open" and not arguments[1] & _WRITES:
        return False
    try:
        if name in _OF_FILES:
            path = os.readlink(f"/proc/{who}/fd/{arguments[0] & 0xFFFFFFFF}")
        elif name in _FROM_TO:
            path = os.readlink(f"/proc/{who}/fd/{arguments[_FROM_TO[name]] & 0xFFFFFFFF}")
        elif name in _BY_PATH:
            path = os.path.join(os.readlink(f"/proc/{who}/cwd"), _text(who, arguments[_BY_PATH[name]]))
        else:
            place = _BELOW[name]
            folder = arguments[place] & 0xFFFFFFFF
            home = f"/proc/{who}/cwd" if folder == _AT_FDCWD else f"/proc/{who}/fd/{folder}"
            path = os.path.join(os.readlink(home), _text(who, arguments[place + 1]))
    except OSError:
        return False
    return os.path.normpath(path).startswith(within + os.sep) or os.path.normpath(path) == within


def _text(who: int, address: int) -> str:
    """Return the text at an address of a process."""
    memory = os.open(f"/proc/{who}/mem", os.O_RDONLY)
    try:
        return os.pread(memory, 4096, address).split(b"\0")[0].decode(errors="replace")
    finally:
        os.close(memory)
