import pickle

from llm_policy_improver.sandbox.errors import ProgramError, ProgramTimeoutError


def test_errors_pass_through_a_process_pool() -> None:
    error = pickle.loads(pickle.dumps(ProgramError('act', 'KeyError', "'x'", '  line 1', 3)))
    assert (str(error), error.type, error.traceback, error.call) == (
        "act raised KeyError: 'x'",
        'KeyError',
        '  line 1',
        3,
    )
    late = pickle.loads(pickle.dumps(ProgramTimeoutError('act', 0.5)))
    assert (str(late), late.seconds) == ('act took longer than 0.5 s and was stopped', 0.5)


def test_exception_without_a_message_is_a_sentence_too() -> None:
    assert str(ProgramError('act', 'StopIteration', '')) == 'act raised StopIteration'
