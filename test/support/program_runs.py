"""Runs of methods that write programs, on real tasks, in the real sandbox, against a real local endpoint."""

from collections.abc import Sequence

from chat_server import ChatServer

from llm_policy_improver.core.environment import Environment
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.experiments.program_cells import OBJECTIVE, constant
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.methods.program_setup import ProgramSetup
from llm_policy_improver.methods.prompt_po.options import PromptPoOptions
from llm_policy_improver.methods.registry import ProgramMethod, make_program_method
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.tasks.program_task import ProgramTask


def endpoint(server: ChatServer) -> Endpoint:
    return Endpoint('test-model', server.url, environment={'OPENAI_API_KEY': 'none'})


def method_for(
    name: str,
    server: ChatServer,
    environment: Environment,
    sandbox: Sandbox,
    options: PromptPoOptions | None = None,
) -> ProgramMethod:
    setup = ProgramSetup(
        endpoint(server), environment.brief, sandbox, options or PromptPoOptions(candidates=2)
    )
    return make_program_method(name, setup)


def improvement_of(method: ProgramMethod, environment: Environment, trials: int) -> Improvement:
    return Improvement(
        OBJECTIVE,
        method,
        method.space,
        trials=trials,
        first_trials=0,
        vary_balls=True,
        in_force=constant(environment.brief, method.space),
    )


def played(
    name: str, server: ChatServer, environment: Environment, sandbox: Sandbox, trials: int
) -> Improvement:
    """A run, to its end, with three episodes a trial."""
    method = method_for(name, server, environment, sandbox)
    improvement = improvement_of(method, environment, trials)
    for _ in run_improvement(improvement, ProgramTask(environment, sandbox, 3)):
        pass
    return improvement


def proposals(improvement: Improvement) -> Sequence[Proposal]:
    return [step.proposal for step in improvement.steps]


def asked(server: ChatServer, request: int = -1) -> Sequence[str]:
    """The texts of a request's messages."""
    return [str(message['content']) for message in server.requests[request]['messages']]


def outcomes(improvement: Improvement) -> Sequence[str]:
    return [trial.outcome for trial in improvement.history]
