"""Attacks by way of sockets; everything is on this machine, at the loopback address or without one."""

from typing import Final

from llm_policy_improver.sandbox.attacks.attack import ERROR, LIBC, ROOT, VALUE, Attack, Witness, body

_PACKET, _TRUE = Witness.PACKET, Witness.TRUE
_SOCKET: Final = 'import socket'

ATTACKS: Final = (
    Attack(
        'connect by TCP',
        _PACKET,
        body('socket.create_connection(("127.0.0.1", field["tcp"])).send(b"x")', _SOCKET),
    ),
    Attack(
        'wait for others by TCP',
        _TRUE,
        body(
            """
            server = socket.socket()
            server.bind(("127.0.0.1", 0))
            server.listen()
            return True
            """,
            _SOCKET,
        ),
    ),
    Attack(
        'send by UDP',
        _PACKET,
        body(
            'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", field["udp"]))',
            _SOCKET,
        ),
    ),
    Attack(
        'connect to a unix socket',
        _PACKET,
        body('socket.socket(socket.AF_UNIX).connect(field["unix"])', _SOCKET),
    ),
    Attack(
        'connect to an abstract unix socket',
        _PACKET,
        body('socket.socket(socket.AF_UNIX).connect("\\0" + field["abstract"])', _SOCKET),
    ),
    Attack(
        'read the network interfaces by netlink',
        _TRUE,
        body(
            """
            asking = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
            asking.bind((0, 0))
            return True
            """,
            _SOCKET,
        ),
    ),
    Attack(
        'open a raw socket',
        _TRUE,
        body('socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\nreturn True', _SOCKET),
        needs=ROOT,
    ),
    Attack(
        'open a packet socket',
        _TRUE,
        body('socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\nreturn True', _SOCKET),
        needs=ROOT,
    ),
    Attack(
        'make a pair of sockets and pass a descriptor through it',
        _TRUE,
        body(
            """
            here, there = socket.socketpair()
            socket.send_fds(here, [b"x"], [0])
            return len(socket.recv_fds(there, 1, 1)[1]) == 1
            """,
            _SOCKET,
        ),
    ),
    Attack(
        'send a descriptor to the caller',
        Witness.CONFUSED,
        body(
            """
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=field["channel"])
            socket.send_fds(connection, [b"x"], [0])
            return connection.detach() == field["channel"]
            """,
            _SOCKET,
        ),
    ),
    Attack('ask for the names of this machine', _TRUE, body('return bool(socket.gethostname())', _SOCKET)),
    Attack(
        'look up a name',
        _TRUE,
        body('return bool(socket.getaddrinfo("localhost", 80))', _SOCKET),
    ),
    Attack(
        'open a socket by C',
        _TRUE,
        body('return require(libc.socket(2, 2, 0)) > 0', LIBC),
    ),
    Attack(
        'set up io_uring',
        _TRUE,
        body('return system_call(425, 4, ctypes.create_string_buffer(120)) > 0', LIBC),
    ),
    Attack(
        'make a pipe',
        _TRUE,
        body('return len(os.pipe()) == 2', 'import os'),
    ),
    Attack(
        'wait for events by epoll',
        _TRUE,
        body('select.epoll()\nreturn True', 'import select'),
        ERROR | VALUE,
    ),
)
