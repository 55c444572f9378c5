"""The zygote: a fresh Python with everything loaded, which forks a worker whenever its parent asks for one.

It runs no program itself. Requests and answers are JSON, a packet each, with descriptors beside them:

    {"modules": [...]}, process of the parent     -> {}
    {"fork": limits}, channel, file for output    -> {"process": number}, process
    {"wait": number}                              -> {"status": of os.waitpid}

Where something fails: ``{"error": sentence}``. Each has a ``number``, an answer that of its request. The parent may
have many threads and be killed at any time; so its process is watched, not the thread that began the zygote, as
PR_SET_PDEATHSIG would.
"""

import gc
import json
import os
import resource
import select
import signal
import socket
import traceback
from typing import Any, Final, NoReturn

from llm_policy_improver.sandbox.inside.confinement import ResourceLimits, confine, keep_only
from llm_policy_improver.sandbox.inside.loop import begin, serve
from llm_policy_improver.sandbox.inside.modules import load

_CONTROL: Final = 0
"""Standard input is the connection to the parent."""

_LONGEST_REQUEST: Final = 65_536
_DESCRIPTORS: Final = 64
"""That this process may have; few, as each worker closes all others."""


def main() -> None:
    """Serve until the parent hangs up or dies."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
    control = socket.socket(fileno=os.dup(_CONTROL))
    request, (parent,) = _receive(control)
    try:
        load(request['modules'])
    except Exception as error:
        _send(control, request, {'error': f'{type(error).__name__}: {error}'})
        return
    gc.collect()
    gc.freeze()
    _send(control, request, {})
    workers: set[int] = set()
    try:
        _serve(control, parent, workers)
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGKILL)


def _serve(control: socket.socket, parent: int, workers: set[int]) -> None:
    events = select.poll()
    events.register(control, select.POLLIN)
    events.register(parent, select.POLLIN)
    while all(descriptor != parent for descriptor, _ in events.poll()):
        request, given = _receive(control)
        if not request:
            return
        if 'wait' in request:
            _, status = os.waitpid(request['wait'], 0)
            workers.discard(request['wait'])
            _send(control, request, {'status': status})
            continue
        channel, output = given
        zygote = os.getpid()
        try:
            worker = os.fork()
            if worker == 0:
                _work(
                    ResourceLimits(**request['fork']['resources']), request['fork'], channel, output, zygote
                )
            workers.add(worker)
            process = os.pidfd_open(worker)
        except OSError as error:
            _send(control, request, {'error': f'no worker could be forked: {error.strerror}'})
        else:
            _send(control, request, {'process': worker}, process)
            os.close(process)
        finally:
            os.close(channel)
            os.close(output)


def _work(
    limits: ResourceLimits, request: dict[str, Any], channel: int, output: int, zygote: int
) -> NoReturn:
    try:
        keep_only(channel, output)
        begin(confine(limits, zygote))
        serve(request['result_bytes'])
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
    text, descriptors, _, _ = socket.recv_fds(control, _LONGEST_REQUEST, 2)
    return json.loads(text or b'{}'), descriptors


def _send(control: socket.socket, request: dict[str, Any], answer: dict[str, Any], *descriptors: int) -> None:
    text = json.dumps({**answer, 'number': request['number']})
    socket.send_fds(control, [text.encode()], descriptors)


if __name__ == '__main__':
    main()
