"""Endpoints that take their time: what they send never ends, or never comes."""

import gzip
import itertools

from fault_server import HEAD, Connection, Fault, completion

REPLY = completion(content='late')
LONG = b'Content-Length: 100000\r\n\r\n'
CHUNKED = b'Transfer-Encoding: chunked\r\n\r\n'


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def slowly(pieces: list[bytes], before: bytes = b'') -> Fault:
    """These pieces, one after the other, after what comes at once."""

    def fault(connection: Connection) -> None:
        connection.read_request()
        connection.send(before)
        connection.drip(pieces)
        connection.hold()

    return fault


def forever(piece: bytes, before: bytes = b'') -> Fault:
    """This piece again and again."""

    def fault(connection: Connection) -> None:
        connection.read_request()
        connection.send(before)
        connection.drip(itertools.repeat(piece))

    return fault


def only(before: bytes) -> Fault:
    """This, and nothing any more."""
    return slowly([], before)


def deaf(connection: Connection) -> None:
    connection.hold()


def hard_of_hearing(connection: Connection) -> None:
    connection.drip(b'' for _ in iter(lambda: connection.socket.recv(1), b''))


def redirects_slowly(connection: Connection) -> None:
    connection.read_request()
    connection.drip(bytewise(b'HTTP/1.1 307 T\r\nLocation: /v1/again\r\nContent-Length: 0\r\n\r\n'))


def redirects_to_silence(connection: Connection) -> None:
    if b'/again ' in connection.read_request():
        connection.hold()
    connection.answer(b'', b'Location: /v1/again', status=b'307 T')


def handshake(connection: Connection) -> None:
    """Of TLS: a record that comes byte by byte."""
    connection.drip(bytewise(b'\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03' + bytes(16384)))


FAULTS: dict[str, Fault] = {
    'silence': only(b''),
    'request never read': deaf,
    'request read by the byte': hard_of_hearing,
    'status line by the byte': slowly(bytewise(HEAD + b'\r\n' + REPLY)),
    'a header for ever': forever(b'x', HEAD + b'X: '),
    'headers for ever': forever(b'X: y\r\n', HEAD),
    'half of a status line': only(b'HTTP/1.1 2'),
    'half of the headers': only(HEAD),
    '100 Continue for ever': forever(b'HTTP/1.1 100 Continue\r\n\r\n'),
    '102 Processing for ever': forever(b'HTTP/1.1 102 Processing\r\n\r\n'),
    '103 Early Hints for ever': forever(b'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
    'half of a 100 Continue': only(b'HTTP/1.1 100 Continue\r\n'),
    'body by the byte': slowly(bytewise(REPLY), HEAD + b'Content-Length: %d\r\n\r\n' % len(REPLY)),
    'body without an end by the byte': forever(b' ', HEAD + b'\r\n'),
    'body announced': only(HEAD + LONG),
    'half of a body': only(HEAD + LONG + REPLY),
    'chunks by the byte': forever(b'1\r\n \r\n', HEAD + CHUNKED),
    'chunk announced': only(HEAD + CHUNKED + b'ff\r\n'),
    'chunk size by the byte': forever(b'0', HEAD + CHUNKED),
    'chunk extension for ever': forever(b'x', HEAD + CHUNKED + b'1;x='),
    'trailers for ever': forever(b'X: y\r\n', HEAD + CHUNKED + b'0\r\n'),
    'events for ever': forever(b'data: {}\n\n', HEAD.replace(b'application/json', b'text/event-stream') + b'\r\n'),
    'packed body by the byte': slowly(
        bytewise(gzip.compress(REPLY)), HEAD + b'Content-Encoding: gzip\r\n' + LONG
    ),
    'body of an error by the byte': forever(b' ', b'HTTP/1.1 500 E\r\n\r\n'),
    'headers of a 429 by the byte': forever(b'x', b'HTTP/1.1 429 T\r\nX: '),
    'body of a redirect by the byte': forever(b' ', b'HTTP/1.1 307 T\r\nLocation: /v1/a\r\n' + LONG),
    'slow redirects': redirects_slowly,
    'redirect to silence': redirects_to_silence,
}  # fmt: skip
"""None of them ever ends by itself, or not before minutes."""

SECURED: dict[str, Fault] = {'silent handshake': deaf, 'handshake by the byte': handshake}
"""For addresses with https."""
