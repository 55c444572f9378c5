"""What settings come to where a language model is to write programs for the arm."""

import pytest
from chat_server import ChatServer
from program_runs import endpoint
from scripted_programmer import RIGHT, programmer

from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.settings import OptimizerSettings


@pytest.mark.parametrize('method', ['prompt_po', 'sensorimotor'])
def test_what_is_said_tells_what_holds_programs(method: str) -> None:
    settings = OptimizerSettings(method=method, model='test-model', vary_balls=True, balls=4)
    with ChatServer() as server:
        assembly = assemble(settings, endpoint(server))
    assembly.close()
    assert assembly.said.startswith(f'{method}:test-model proposes, by programs, ')
    assert '; each is tried on 4 balls. Programs are held by ' in assembly.said


def test_a_round_of_prompt_po_has_as_many_programs_as_the_settings_say() -> None:
    settings = OptimizerSettings(
        method='prompt_po', model='test-model', vary_balls=True, candidates=4, program_candidates=2
    )
    with ChatServer(programmer(RIGHT)) as server:
        assembly = assemble(settings, endpoint(server))
        proposal = assembly.method.propose((), assembly.objective('at (0.38, 0.68)'))
        assembly.close()
    assert proposal.reason == 'prompt_po:test-model: round 1, candidate 1 of 2.'


def test_number_of_programs_in_a_round_must_be_one() -> None:
    with pytest.raises(SettingsError, match='program_candidates must be between 1 and 100; got 0'):
        OptimizerSettings(program_candidates=0)
