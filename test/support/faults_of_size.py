"""Endpoints that send too much, or little that becomes much."""

import gzip
import itertools
import json
import zlib
from collections.abc import Iterator

from fault_server import HEAD, Connection, Fault, answered, completion

MANY = 50 << 20
PIECE = b' ' * 65536
CHUNK = b'%x\r\n%s\r\n' % (len(PIECE), PIECE)
CHUNKED = b'Transfer-Encoding: chunked\r\n\r\n'


def flood(piece: bytes, before: bytes = b'') -> Fault:
    """A piece again and again, as fast as it is read."""

    def fault(connection: Connection) -> None:
        connection.read_request()
        connection.send(before)
        connection.drip(itertools.repeat(piece), 0.0)

    return fault


def many(before: bytes) -> Fault:
    """50 MiB of spaces."""

    def fault(connection: Connection) -> None:
        connection.read_request()
        connection.send(before + b'Content-Length: %d\r\n\r\n' % MANY)
        connection.drip(itertools.repeat(PIECE, MANY // len(PIECE)), 0.0)

    return fault


def body(content: bytes, *headers: bytes) -> Fault:
    """A whole answer, made when it is asked for."""

    def fault(connection: Connection) -> None:
        connection.read_request()
        connection.answer(content, *headers)

    return fault


def spaces() -> Iterator[bytes]:
    yield from itertools.repeat(PIECE, MANY // len(PIECE))


def packed(bits: int) -> bytes:
    """50 MiB of spaces in 50 KB."""
    pack = zlib.compressobj(9, wbits=bits)
    return b''.join(map(pack.compress, spaces())) + pack.flush()


GZIP = 31
TWICE = gzip.compress(packed(GZIP))
WIDE = 1_000_000
"""Bytes of answers that are just not too large as they are sent."""


def repeated(piece: str, around: str = '{"choices": [%s]}') -> bytes:
    return (around % ', '.join([piece] * (WIDE // (len(piece) + 2)))).encode()


FAULTS: dict[str, Fault] = {
    'body without an end': flood(PIECE, HEAD + b'\r\n'),
    'chunks without an end': flood(CHUNK, HEAD + CHUNKED),
    'tiny chunks without an end': flood(b'1\r\n \r\n' * 8192, HEAD + CHUNKED),
    'events without an end': flood(b'data: {}\n\n' * 4096, HEAD + b'\r\n'),
    '50 MiB': many(HEAD),
    '50 MiB of an error': many(b'HTTP/1.1 500 E\r\n'),
    '50 MiB of a redirect': many(b'HTTP/1.1 307 T\r\nLocation: /v1/a\r\n'),
    'error without an end': flood(PIECE, b'HTTP/1.1 500 E\r\n\r\n'),
    'header without an end': flood(PIECE.replace(b' ', b'x'), HEAD + b'X: '),
    'headers without an end': flood(b'X: y\r\n' * 8192, HEAD),
    'status line without an end': flood(PIECE.replace(b' ', b'x'), b'HTTP/1.1 200 '),
    'flood of 100 Continue': flood(b'HTTP/1.1 100 Continue\r\n\r\n' * 1024),
    'flood of large early hints': flood(b'HTTP/1.1 103 E\r\nLink: %s\r\n\r\n' % (b'x' * 60_000)),
    'flood of empty lines': flood(b'\r\n' * 8192),
    'trailers without an end': flood(b'X: y\r\n' * 8192, HEAD + CHUNKED + b'0\r\n'),
    'bomb of gzip': body(packed(GZIP), b'Content-Encoding: gzip'),
    'bomb of deflate': body(packed(15), b'Content-Encoding: deflate'),
    'bomb packed twice': body(TWICE, b'Content-Encoding: gzip, gzip'),
    'an error that is a bomb': lambda connection: connection.answer(
        connection.read_request()[:0] + packed(GZIP), b'Content-Encoding: gzip', status=b'500 E'
    ),
    'a million bytes of choices': body(repeated('{}')),
    'a million bytes of objects': body(repeated('{"":0}', '{"a": [%s]}')),
    'a million bytes of lists': body(repeated('[]', '{"usage": [%s]}')),
    'a million bytes of numbers': body(repeated('1e9', '{"usage": [%s]}')),
    'half a million levels': body(b'[' * (WIDE // 2) + b']' * (WIDE // 2)),
    'cookies': body(b'{}', *[b'Set-Cookie: c%d=%s' % (k, b'x' * 900) for k in range(80)]),
    'reply of 900 kB': body(completion(content='x' * 900_000)),
    'usage of 100,000 digits': body(completion(content='x').replace(b'}', b', "usage": %s}' % (b'9' * 100_000))),
    'names of models': body(answered(data=[{'id': 'm' * 90_000}] * 10)),
    'error of 900 kB': lambda connection: connection.answer(
        connection.read_request()[:0] + json.dumps({'error': {'message': 'x' * 900_000}}).encode(), status=b'400 B'
    ),
}  # fmt: skip
