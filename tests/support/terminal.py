# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""A shell in which the examples of a page are carried out, as by somebody who reads it."""

import os
import select
import signal
import subprocess
import time

from support.limits import LATER

# Carries out what stands in a file, with its output in another, and tells the status in a line. The variables that it
# sets stay; nothing of it reads what the shell is told next.
COMMAND = '{{ eval "$(<{0}/command)"; }} </dev/null >{0}/output 2>&1; echo $?\n'
# Becomes the one program that it is, so that the number of its process is the program's.
STREAM = '_stream=$(<{0}/command); eval "exec $_stream" </dev/null >{0}/stream 2>&1 & echo $!\n'
END = "kill {0}; wait {0}; echo $?\n"


class Terminal:
    """A bash, and what was started in it and left running, of which there is one at most."""

    def __init__(self, directory, environment):
        self.directory = os.path.join(directory, "terminal")
        os.mkdir(self.directory)
        os.mkfifo(os.path.join(self.directory, "stream"))
        # What curl has of a terminal: no progress is shown, and errors are.
        with open(os.path.join(directory, ".curlrc"), "w", encoding="ascii") as file:
            file.write("silent\nshow-error\n")
        self.shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=directory,
            encoding="utf-8",
            start_new_session=True,
        )
        self.stream = None
        self.stream_pid = None
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the shell, and all that runs in it."""
        if self.shell.poll() is None:
            os.killpg(self.shell.pid, signal.SIGKILL)
        self.shell.communicate()
        if self.stream is not None:
            os.close(self.stream)
            self.stream = None

    def _tell(self, line):
        self.shell.stdin.write(line)
        self.shell.stdin.flush()
        ready, _, _ = select.select([self.shell.stdout], [], [], LATER)
        assert ready, "the command does not end"
        answer = self.shell.stdout.readline().strip()
        assert answer.isdigit(), f"the shell has ended: {answer}"
        return int(answer)

    def _write_command(self, command):
        with open(os.path.join(self.directory, "command"), "w", encoding="utf-8") as file:
            file.write(command)

    def run(self, command):
        """Carries a command out: its status, and the lines that it printed."""
        self._write_command(command)
        status = self._tell(COMMAND.format(self.directory))
        with open(os.path.join(self.directory, "output"), encoding="utf-8") as file:
            return status, file.read().splitlines()

    def start_stream(self, command):
        """Starts one program that goes on printing."""
        assert self.stream is None
        self._write_command(command)
        self.stream = os.open(os.path.join(self.directory, "stream"), os.O_RDONLY | os.O_NONBLOCK)
        self.unread = b""
        self.stream_pid = self._tell(STREAM.format(self.directory))

    def read_stream(self, count):
        """Waits for so many further lines of the stream, but for blank ones and comments."""
        deadline = time.monotonic() + LATER
        lines = []
        while len(lines) < count:
            line, found, rest = self.unread.partition(b"\n")
            if found:
                self.unread = rest
                lines += keep_line(line)
            elif not self._fill(deadline):
                break
        return lines

    def _fill(self, deadline):
        """Reads on; gives False when nothing comes any more."""
        ready, _, _ = select.select([self.stream], [], [], max(deadline - time.monotonic(), 0))
        data = os.read(self.stream, 65536) if ready else b""
        self.unread += data
        return bool(data)

    def end_stream(self):
        """Ends it, and gives what it had printed that has not been read."""
        self._tell(END.format(self.stream_pid))
        while self._fill(time.monotonic() + LATER):
            pass
        os.close(self.stream)
        self.stream = None
        return [kept for line in self.unread.splitlines() for kept in keep_line(line)]


def keep_line(line):
    """The line, unless it is one that comes when it likes."""
    text = line.decode("utf-8").strip()
    return [text] if text and text != ":" else []
