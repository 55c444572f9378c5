"""The field that an attack is played on: a folder, sockets and a bystander, all made for it and gone after it."""

import os
import pwd
import secrets
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.random import _bounded_integers

SECRET_NAME: Final = 'SANDBOX_SECRET'
"""A variable of our environment that holds the secret while a field is there."""

_CALLS: Final = {
    'x86_64': {
        'clone': 56, 'tgkill': 234, 'kcmp': 312, 'userfaultfd': 323, 'add_key': 248, 'keyctl': 250, 'bpf': 321,
        'perf_event_open': 298,
    },
    'aarch64': {
        'clone': 220, 'tgkill': 131, 'kcmp': 272, 'userfaultfd': 282, 'add_key': 217, 'keyctl': 219, 'bpf': 280,
        'perf_event_open': 241,
    },
}  # fmt: skip
"""Numbers of system calls, from the kernel's syscall_64.tbl and include/uapi/asm-generic/unistd.h."""

_POLL_MS, _MOST_POLLS = 50, 400

_BYSTANDER: Final = """
import ctypes, os, sys, time
if os.getuid() == 0:
    os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
libc = ctypes.CDLL(None)
libc.prctl(4, 1, 0, 0, 0)
libc.prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)
print(flush=True)
for line in sys.stdin:
    print(flush=True)
"""
"""Answers each line, and may be traced by anybody of its user: it is the sandbox alone that keeps others from it."""


class Field:
    """Everything that attacks may aim at. To be used as a context.

    Attributes:
        secret: what no program may learn.
    """

    def __init__(self) -> None:
        self.secret = f'SECRET-{secrets.token_hex(8)}'
        self.folder = Path(tempfile.mkdtemp(prefix='sandbox-'))
        os.environ[SECRET_NAME] = self.secret
        self._make_files()
        self._sockets = self._listening()
        self._begin_bystander()

    def told(self, channel: int, number: int) -> dict[str, Any]:
        """What an attack is given.

        Args:
            channel: descriptor of its connection to its caller.
            number: of the call, as the protocol counts.
        """
        tcp, udp, path, abstract = self._sockets
        return {
            'folder': str(self.folder),
            'secret': str(self.folder / 'secret.txt'),
            'array': str(self.folder / 'array.npy'),
            'library': str(self.folder / 'library.so'),
            'victim': str(self.folder / 'victim'),
            'made': str(self.folder / 'made'),
            'tcp': tcp.getsockname()[1],
            'udp': udp.getsockname()[1],
            'unix': path.getsockname(),
            'abstract': abstract.getsockname()[1:].decode(),
            'bystander': self._bystander.pid,
            'address': self._address(),
            'token': f'sandbox-{self.folder.name}',
            'channel': channel,
            'number': number,
            'calls': _CALLS[os.uname().machine],
        }

    def files_changed(self) -> bool:
        """Whether anything was done to the files; undoes it."""
        changed = self._state() != self._intact
        if changed:
            for each in self.folder.iterdir():
                if each.is_dir() and not each.is_symlink():
                    shutil.rmtree(each)
                elif each.name != 'socket':
                    each.unlink()
            self._make_files()
        return changed

    def packet_came(self) -> bool:
        """Whether anything arrived at a socket."""
        return sum(_came(each) for each in self._sockets) > 0

    def bystander_changed(self) -> bool:
        """Whether the other process ended, was stopped or given other limits; begins a new one then."""
        changed = not self._bystander_answers() or self._bystander_state() != self._begun
        if changed:
            self._end_bystander()
            self._begin_bystander()
        return changed

    def close(self) -> None:
        """Remove all of it."""
        self._end_bystander()
        for each in self._sockets:
            each.close()
        os.environ.pop(SECRET_NAME, None)
        shutil.rmtree(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _make_files(self) -> None:
        """Open to everybody, so that it is the sandbox alone that keeps a program from them."""
        self.folder.chmod(0o777)
        (self.folder / 'secret.txt').write_text(self.secret)
        (self.folder / 'planted.py').write_text(f'SECRET = {self.secret!r}\n')
        (self.folder / 'victim').write_text('victim')
        np.save(self.folder / 'array.npy', np.arange(4.0))
        shutil.copy(str(_bounded_integers.__file__), self.folder / 'library.so')
        for each in self.folder.iterdir():
            each.chmod(0o666)
        (self.folder / 'library.so').chmod(0o777)
        self._intact = self._state()

    def _state(self) -> dict[str, tuple[int, int, int, int]]:
        facts = {each.name: each.lstat() for each in self.folder.iterdir() if each.name != 'socket'}
        return {
            name: (fact.st_mode, fact.st_size, fact.st_mtime_ns, fact.st_nlink)
            for name, fact in facts.items()
        }

    def _listening(self) -> tuple[socket.socket, ...]:
        made = (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        )
        places: tuple[Any, ...] = (
            ('127.0.0.1', 0),
            ('127.0.0.1', 0),
            str(self.folder / 'socket'),
            f'\0sandbox-{self.secret[-8:]}',
        )
        for each, place in zip(made, places, strict=True):
            each.bind(place)
            each.setblocking(False)
            if each.type == socket.SOCK_STREAM:
                each.listen()
        (self.folder / 'socket').chmod(0o666)
        return made

    def _begin_bystander(self) -> None:
        command = [sys.executable, '-I', '-S', '-c', _BYSTANDER, str(pwd.getpwnam('nobody').pw_uid)]
        self._bystander = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ.copy()
        )
        assert self._bystander.stdout is not None
        self._bystander.stdout.readline()
        self._begun = self._bystander_state()

    def _end_bystander(self) -> None:
        self._bystander.kill()
        self._bystander.communicate()

    def _bystander_answers(self) -> bool:
        """Whether it still does; what was sent to it before comes to work before its answer."""
        asked, answers = self._bystander.stdin, self._bystander.stdout
        assert asked is not None
        assert answers is not None
        try:
            os.write(asked.fileno(), b'\n')
        except BrokenPipeError:
            return False
        answered = select.poll()
        answered.register(answers, select.POLLIN)
        for _ in range(_MOST_POLLS):
            if answered.poll(_POLL_MS):
                return os.read(answers.fileno(), 1) == b'\n'
            if self._bystander_state()[0] == 'stopped':
                return False
        return False

    def _bystander_state(self) -> tuple[str, ...]:
        """Whether it is stopped, its priority and its limits."""
        place = Path('/proc', str(self._bystander.pid))
        fields = (place / 'stat').read_text().rpartition(')')[2].split()
        return ('stopped' if fields[0] in 'tT' else 'runs', fields[16], (place / 'limits').read_text())

    def _address(self) -> int:
        """Of the first bytes of the bystander's memory."""
        maps = Path('/proc', str(self._bystander.pid), 'maps').read_text()
        return int(maps.partition('-')[0], 16)


def _came(listening: socket.socket) -> bool:
    take: Callable[[], Any] = (
        listening.accept if listening.type == socket.SOCK_STREAM else lambda: listening.recv(9)
    )
    came = False
    while True:
        try:
            taken = take()
        except BlockingIOError:
            return came
        came = True
        if isinstance(taken, tuple):
            taken[0].close()
