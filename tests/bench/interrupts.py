# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""How a run ends early: whatever tells it to, it stops what it has started and removes what it has written.

Python raises KeyboardInterrupt between any two steps, so also between starting a process, or making a folder, and
noting that it has to be cleaned up. hold() makes such steps one.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import tempfile
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

# Loaded before any fork: a child that is about to run a program must not load a library.
_libc = ctypes.CDLL(None, use_errno=True)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_held = 0
_pending = False


def _interrupt(_number, _frame):
    global _pending
    if _held:
        _pending = True
        return
    # Cleaning up has begun: nothing interrupts that.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def install():
    """From here on the signals that end a program raise KeyboardInterrupt, once, and never within hold()."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)


@contextlib.contextmanager
def hold():
    """A block that an interrupt waits for."""
    global _held
    _held += 1
    try:
        yield
    finally:
        _held -= 1
        if _pending and not _held:
            _interrupt(None, None)


@contextlib.contextmanager
def fresh_directory():
    """A folder for temporary files, which is gone when the block is left."""
    path = None
    try:
        with hold():
            path = tempfile.mkdtemp(prefix="kv-bench-")
        yield path
    finally:
        if path:
            with hold():
                shutil.rmtree(path)


def end_with_parent():
    """In a child, before it runs its program: the kernel ends it where its parent is killed and cannot."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def adopt_orphans():
    """Makes whoever loses their parent a child of this process, where end_children() finds them."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)


def find_children():
    """The processes that this one has started and not yet waited for."""
    children = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # Behind the name, which is in parentheses and may hold anything, come state and parent.
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid():
                    children.append(int(entry.name))
    return children


def end_children(patience=10):
    """Ends whoever is left, which is nobody unless something went wrong: politely, then by force."""
    deadline = time.monotonic() + patience
    asked = set()
    while children := find_children():
        for pid in children:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                elif pid not in asked:
                    os.kill(pid, signal.SIGTERM)
                    asked.add(pid)
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)
    return len(asked)
