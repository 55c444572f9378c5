"""What a worker may send, and what it may not; here the test is the worker."""

import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from llm_policy_improver.sandbox.channel import BrokenProtocolError, Channel
from llm_policy_improver.sandbox.inside.frames import FRAME


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours, result_bytes=100_000), theirs


def frame(data: bytes) -> bytes:
    return FRAME.pack(len(data)) + data


def test_frame_goes_out_and_another_comes_in(ends: tuple[Channel, socket.socket]) -> None:
    channel, worker = ends
    worker.sendall(frame(b'answer'))
    assert channel.ask(b'question', 1.0) == b'answer'
    assert worker.recv(100) == frame(b'question')


def test_long_answer_comes_in_parts(ends: tuple[Channel, socket.socket]) -> None:
    channel, worker = ends
    answer = bytes(range(256)) * 400
    sending = threading.Thread(target=worker.sendall, args=(frame(answer),))
    sending.start()
    assert channel.ask(b'question', 5.0) == answer
    sending.join()


def test_answer_that_comes_bit_by_bit_has_no_more_time_than_others(
    ends: tuple[Channel, socket.socket],
) -> None:
    channel, worker = ends
    done = threading.Event()

    def trickle() -> None:
        worker.sendall(FRAME.pack(1000))
        while not done.wait(0.02):
            worker.sendall(b'x')

    sending = threading.Thread(target=trickle)
    sending.start()
    with pytest.raises(TimeoutError):
        channel.ask(b'question', 0.2)
    done.set()
    sending.join()


def test_silence_ends_in_time(ends: tuple[Channel, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        ends[0].ask(b'question', 0.05)


def test_worker_that_does_not_read_ends_in_time(ends: tuple[Channel, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        ends[0].ask(bytes(10_000_000), 0.1)


def test_worker_that_hangs_up_is_noticed(ends: tuple[Channel, socket.socket]) -> None:
    channel, worker = ends
    worker.sendall(b'abc')
    worker.close()
    with pytest.raises(EOFError):
        channel.receive(1.0)


@pytest.mark.parametrize(
    ('sent', 'said'),
    [
        (frame(b'one') + frame(b'two'), 'more than one answer'),
        (FRAME.pack(2**32 - 1), 'an answer of 4294967295 bytes'),
        (frame(b'one')[:-1] + b'exx', 'more than one answer'),
    ],
)
def test_what_is_no_frame_is_refused(ends: tuple[Channel, socket.socket], sent: bytes, said: str) -> None:
    channel, worker = ends
    worker.sendall(sent)
    with pytest.raises(BrokenProtocolError, match=said):
        channel.ask(b'question', 1.0)


def test_answer_that_is_too_long_is_refused_though_it_came_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frame(bytes(20_000)))
        channel = Channel(ours, result_bytes=10)
        with pytest.raises(BrokenProtocolError, match='20000 bytes'):
            channel.ask(b'question', 1.0)


def test_worker_that_has_hung_up_does_not_end_us_by_a_signal(ends: tuple[Channel, socket.socket]) -> None:
    """Even where a program that we are part of has set SIGPIPE back to what it does by default."""
    channel, worker = ends
    worker.close()
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        with pytest.raises(EOFError):
            channel.ask(b'question', 1.0)
    finally:
        signal.signal(signal.SIGPIPE, before)
