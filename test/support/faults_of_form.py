"""Endpoints that send what is no chat completion, no JSON or no HTTP, and such with odd values in it."""

import gzip

from fault_server import HEAD, Connection, Fault, answered, completion

CONTROLS = 'a\u202eb\x9b2Jc\x1b]0;t\x07d\u200be\U000e0041f\ud800'


def body(content: bytes, *headers: bytes, status: bytes = b'200 OK') -> Fault:
    """A correct HTTP answer with this body."""

    def fault(connection: Connection) -> None:
        connection.read_request()
        connection.answer(content, *headers, status=status)

    return fault


def bytes_alone(data: bytes) -> Fault:
    """These bytes, and the end."""

    def fault(connection: Connection) -> None:
        connection.read_request()
        connection.send(data)

    return fault


def to(location: bytes, status: bytes = b'307 T') -> Fault:
    """A redirect."""
    return body(b'', b'Location: ' + location, status=status)


def chosen(reason: str | None, **message: object) -> Fault:
    """A completion that ended so."""
    return body(answered(choices=[{'finish_reason': reason, 'message': message}]))


def counted(tokens: object) -> Fault:
    """A completion with this usage."""
    usage = {'prompt_tokens': tokens, 'completion_tokens': tokens}
    return body(answered(choices=[{'message': {'content': 'x'}}], usage=usage))


def reset(connection: Connection) -> None:
    connection.read_request()
    connection.reset()


FAULTS: dict[str, Fault] = {
    'usage of 10**30': counted(10**30),
    'usage below 0': counted(-7),
    'usage that is no number': counted({'a': ['7']}),
    'usage of NaN': counted(float('nan')),
    'usage that is true': counted(True),
    'cut off at a length': chosen('length', content='{"parameters": {"a": 1.'),
    'refusal': chosen('stop', content=None, refusal='I will not do that.'),
    'tool call': chosen('tool_calls', content=None, tool_calls=[{'function': {'name': 'x'}}]),
    'filtered': chosen('content_filter', content=''),
    'no choices': body(answered(choices=[])),
    'choices that are text': body(answered(choices='none')),
    'message that is a list': body(answered(choices=[{'message': [1]}])),
    'content that is an object': body(completion(content={'a': 1})),
    'error with status 200': body(answered(error={'message': CONTROLS, 'code': 400})),
    'control characters': body(completion(content=CONTROLS)),
    'control characters in an error': body(answered(error={'message': CONTROLS}), status=b'500 E'),
    'page': body(b'<html>gateway</html>', b'Content-Type: text/html'),
    'no UTF-8': body(b'{"choices": "\xff\xfe"}'),
    'UTF-16': body('{"choices": []}'.encode('utf-16')),
    'a number': body(b'7'),
    'half of JSON': body(b'{"choices": [{'),
    'nothing': body(b''),
    'status 101': bytes_alone(b'HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc'),
    'status 204': bytes_alone(b'HTTP/1.1 204 N\r\n\r\n'),
    'status 304': bytes_alone(b'HTTP/1.1 304 N\r\n\r\n'),
    'status 000': bytes_alone(b'HTTP/1.1 000 N\r\n\r\n'),
    'status 999': body(b'{}', status=b'999 N'),
    'empty lines': bytes_alone(b'\r\n' * 9),
    'no status line': bytes_alone(b'hello\r\n\r\n'),
    'HTTP/0.9': bytes_alone(b'<html>'),
    'HTTP/2': bytes_alone(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    'two lengths': bytes_alone(HEAD + b'Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}'),
    'length of 5000 digits': bytes_alone(HEAD + b'Content-Length: ' + b'9' * 5000 + b'\r\n\r\n{}'),
    'length below 0': bytes_alone(HEAD + b'Content-Length: -1\r\n\r\n{}'),
    'chunk that is none': bytes_alone(HEAD + b'Transfer-Encoding: chunked\r\n\r\nxyz\r\n'),
    'largest chunk': bytes_alone(HEAD + b'Transfer-Encoding: chunked\r\n\r\n' + b'f' * 20 + b'\r\n{}'),
    'unknown transfer': bytes_alone(HEAD + b'Transfer-Encoding: br, chunked\r\n\r\n'),
    'NUL in a header': bytes_alone(HEAD + b'X: a\0b\r\nContent-Length: 2\r\n\r\n{}'),
    'header without a name': bytes_alone(HEAD + b': x\r\n\r\n'),
    'odd reason': body(b'{}', status=b'500 \x1b[2J\xff'),
    'closed at once': bytes_alone(b''),
    'reset': reset,
    'closed after the headers': bytes_alone(HEAD + b'Content-Length: 9\r\n\r\n'),
    'closed within the body': bytes_alone(HEAD + b'Content-Length: 90\r\n\r\n{"choices"'),
    'gzip that is none': body(b'no gzip', b'Content-Encoding: gzip'),
    'gzip cut off': body(gzip.compress(completion(content='x' * 999))[:40], b'Content-Encoding: gzip'),
    'packed six times': body(b'{}', b'Content-Encoding: ' + b', '.join([b'gzip'] * 6)),
    'unknown packing': body(b'{}', b'Content-Encoding: zz'),
    'another host': to(b'http://example.invalid/v1/chat/completions'),
    'another port': to(b'http://127.0.0.1:9/v1'),
    'another scheme': to(b'https://127.0.0.1/v1', b'301 M'),
    'a file': to(b'file:///etc/hostname', b'302 F'),
    'an address that is none': to(b'http://[::1'),
    'an address with a key': to(b'http://me:hunter2@127.0.0.1:9/v1'),
    'an endless address': to(b'/' + b'x' * 60_000),
    'itself': to(b'/v1/again'),
    'no location': body(b'', status=b'307 T'),
    'refused key': body(answered(error={'message': 'key sk-recognisable-fake-0123456789'}), status=b'401 U'),
    'pause of a year': body(b'{}', b'Retry-After: 31536000', status=b'429 T'),
    'pause that is no number': body(b'{}', b'Retry-After: nan', status=b'429 T'),
    'pause without an end': body(b'{}', b'Retry-After: inf', status=b'503 T'),
    'pause until a day that is none': body(b'{}', b'Retry-After: Mon, 99 Foo 99999 99:99:99 GMT', status=b'429 T'),
}  # fmt: skip
