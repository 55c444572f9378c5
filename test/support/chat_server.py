"""A real HTTP server on the loopback interface that speaks the OpenAI chat protocol as a test wants it to.

    with ChatServer() as server:
        server.script(say('no JSON here'), fail(429), good([1.05] * 8))
        Endpoint('test-model', server.url, environment={'OPENAI_API_KEY': 'none'}).complete(...)

Every request takes the next scripted answer; when there is none left, the server's default.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

LETTERS = 'abcdefgh'
EXPLAINED: dict[str, Any] = {
    'summary': 'Two trials landed left.',
    'analysis': 'b: left, g: right',
    'effects': {'b': {'x': 'left'}, 'g': {'x': 'right'}},
    'synthesis': 'Raised g from the best trial.',
    'reason': 'Raising g moves the landing right.',
}


@dataclass(frozen=True)
class Answer:
    """One HTTP response; ``silent`` sends nothing at all until the server stops."""

    status: int = 200
    body: bytes = b''
    content_type: str = 'application/json'
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False


Scripted = Answer | Callable[[dict[str, Any]], Answer]


def _common() -> dict[str, Any]:
    return {'id': 'test-1', 'object': 'chat.completion', 'created': 1, 'model': 'test-model-answered'}


def _json(body: Any) -> Answer:
    return Answer(200, json.dumps(body).encode())


def say(text: str | None, prompt_tokens: int = 100, completion_tokens: int = 20, **message: Any) -> Answer:
    """A chat completion with this text."""
    choice = {
        'index': 0,
        'finish_reason': 'stop',
        'message': {'role': 'assistant', 'content': text, **message},
    }
    usage = {
        'prompt_tokens': prompt_tokens,
        'completion_tokens': completion_tokens,
        'total_tokens': prompt_tokens + completion_tokens,
    }
    return _json({**_common(), 'choices': [choice], 'usage': usage})


def reply_text(values: Sequence[Any], **changed: Any) -> str:
    """What a well-behaved model writes."""
    parameters = dict(zip(LETTERS, values, strict=False))
    return f'Here is my analysis.\n{json.dumps({**EXPLAINED, "parameters": parameters, **changed})}'


def good(values: Sequence[Any]) -> Answer:
    """A well-behaved reply with these parameters."""
    return say(reply_text(values))


def fenced(values: Sequence[float]) -> Answer:
    """A reply with its JSON in a code fence, thinking before it and chatter after it."""
    inner = json.dumps({**EXPLAINED, 'parameters': dict(zip(LETTERS, values, strict=True))}, indent=2)
    return say(
        f'<think>maybe {{"parameters": [9]}}?</think>\nSure!\n```json\n{inner}\n```\nHope that helps {{:-)}}!'
    )


def fail(status: int, message: str = 'the server is not well', **headers: str) -> Answer:
    """An HTTP error; its header keeps the client's pause before a retry short."""
    body = json.dumps({'error': {'message': message, 'type': 'test'}}).encode()
    return Answer(status, body, headers={'retry-after-ms': '1', **headers})


def silence() -> Answer:
    """No answer: the client runs into its time-out."""
    return Answer(silent=True)


def no_choices() -> Answer:
    """A completion without any choice."""
    return _json({**_common(), 'choices': []})


def raw(body: bytes, content_type: str = 'application/json') -> Answer:
    """Any bytes with status 200."""
    return Answer(200, body, content_type)


NAN = float('nan')

BAD_REPLIES: dict[str, Answer] = {
    'no JSON': say('I would raise g a little.'),
    'seven numbers': good([1.0] * 7),
    'nine numbers': say(reply_text([], parameters=[1.0] * 9)),
    'NaN': good([1.0, NAN, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
    'infinity': good([1.0, float('inf'), 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
    'one billion': good([1e9] + [1.0] * 7),
    'text for a number': good(['high'] + [1.0] * 7),
    'empty': say(''),
    'null': say(None),
    'cut off': say('{"summary": "a", "parameters": {"a": 1.0, "b": 1.'),
    'no choices': no_choices(),
    'not JSON at all': raw(b'<html>gateway</html>', 'text/html'),
    'broken JSON': raw(b'{"choices": [{'),
    'JSON of another kind': raw(b'[1, 2, 3]'),
    'HTTP 400': fail(400),
    'HTTP 401': fail(401),
    'HTTP 429': fail(429),
    'HTTP 500': fail(500),
    'time-out': silence(),
}
"""One answer of every kind that must not reach the arm."""


class ChatServer:
    """The server; use it as a context manager.

    Args:
        default: what is answered when the script is used up.
        models: what ``GET /v1/models`` answers.
    """

    def __init__(self, default: Scripted | None = None, models: Answer | None = None) -> None:
        self.default = good([1.0] * 8) if default is None else default
        self.models = models or _json({'object': 'list', 'data': [{'id': 'test-model', 'object': 'model'}]})
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str] = []
        self._script: list[Scripted] = []
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._server = ThreadingHTTPServer(('127.0.0.1', 0), self._handler())
        self._server.daemon_threads = True
        # Polled often, so that stopping is quick.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f'http://127.0.0.1:{self._server.server_address[1]}/v1'

    def script(self, *answers: Scripted) -> None:
        """Add answers to be given in this order, one a chat request."""
        with self._lock:
            self._script.extend(answers)

    def __enter__(self) -> 'ChatServer':
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop serving; later requests find nobody."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self, request: dict[str, Any]) -> Answer:
        with self._lock:
            self.requests.append(request)
            scripted = self._script.pop(0) if self._script else self.default
        return scripted if isinstance(scripted, Answer) else scripted(request)

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                server.authorizations.append(self.headers.get('Authorization', ''))
                known = self.path.rstrip('/') == '/v1/models'
                self._send(server.models if known else fail(404, f'no such path: {self.path}'))

            def do_POST(self) -> None:
                if server._stopped.is_set():
                    # A connection that was kept open.
                    self.close_connection = True
                    return
                body = json.loads(self.rfile.read(int(self.headers.get('Content-Length', 0))))
                server.authorizations.append(self.headers.get('Authorization', ''))
                known = self.path == '/v1/chat/completions'
                self._send(server._next(body) if known else fail(404, f'no such path: {self.path}'))

            def _send(self, answer: Answer) -> None:
                if answer.silent:
                    server._stopped.wait()
                    self.close_connection = True
                    return
                try:
                    self.send_response(answer.status)
                    self.send_header('Content-Type', answer.content_type)
                    self.send_header('Content-Length', str(len(answer.body)))
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.body)
                except OSError:
                    # The client has gone.
                    self.close_connection = True

        return Handler
