"""The calls to the kernel that change files, and how to have it ask before each."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import Final

NUMBERS: Final = {
    "x86_64": (0xC000003E, 317, {
        "write": 1, "pwrite64": 18, "writev": 20, "pwritev": 296, "pwritev2": 328, "sendfile": 40, "fsync": 74,
        "fdatasync": 75, "ftruncate": 77, "fallocate": 285, "copy_file_range": 326, "openat": 257, "open": 2,
        "creat": 85, "rename": 82, "renameat": 264, "renameat2": 316, "mkdir": 83, "mkdirat": 258, "rmdir": 84,
        "unlink": 87, "unlinkat": 263, "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266,
    }),
    "aarch64": (0xC00000B7, 277, {
        "write": 64, "pwrite64": 68, "writev": 66, "pwritev": 70, "pwritev2": 287, "sendfile": 71, "fsync": 82,
        "fdatasync": 83, "ftruncate": 46, "fallocate": 47, "copy_file_range": 285, "openat": 56, "renameat": 38,
        "renameat2": 276, "mkdirat": 34, "unlinkat": 35, "linkat": 37, "symlinkat": 36,
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

MAKING: Final = {"openat", "open", "creat", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat"}
"""Calls that need an inode, where the name is new."""

_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_AT_FDCWD: Final = 0xFFFFFF9C
_NO_NEW_PRIVILEGES: Final = 38
_ALLOW, _ASK = 0x7FFF0000, 0x7FC00000


def ask() -> int:
    """Have the kernel ask before calls that change files; return where it asks."""
    mark, seccomp, numbers = NUMBERS[platform.machine()]
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


def counts(name: str, who: int, arguments: list[int], within: str) -> bool:
    """Return whether a call changes something below the folder."""
    if (name == "openat" and not arguments[2] & _WRITES) or (name == "open" and not arguments[1] & _WRITES):
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
