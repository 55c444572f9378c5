"""Say in plain words what a robot should do; a language model improves its policy, trial by trial, until it does.

    from llm_policy_improver import improve

    result = improve('hit the ball as far right as possible')
    print(result.best_distance_m, result.best_policy)

The names below are all that a script or notebook needs, beside the measures of the arm (`table_tennis.measures`); each
is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_policy_improver.core.audit import GateVerdict as GateVerdict
    from llm_policy_improver.core.brief import Brief as Brief
    from llm_policy_improver.core.chat import EndpointError as EndpointError
    from llm_policy_improver.core.gate import Gate as Gate
    from llm_policy_improver.core.gate import GateCase as GateCase
    from llm_policy_improver.core.measure import Measure as Measure
    from llm_policy_improver.core.method import Method as Method
    from llm_policy_improver.core.method import ProposalError as ProposalError
    from llm_policy_improver.core.objective import Objective as Objective
    from llm_policy_improver.core.objective import ObjectiveError as ObjectiveError
    from llm_policy_improver.core.policy import Parameters as Parameters
    from llm_policy_improver.core.policy import Program as Program
    from llm_policy_improver.core.proposal import Proposal as Proposal
    from llm_policy_improver.core.settings import SettingsError as SettingsError
    from llm_policy_improver.core.space import Parameter as Parameter
    from llm_policy_improver.core.space import ParameterSpace as ParameterSpace
    from llm_policy_improver.core.task import Task as Task
    from llm_policy_improver.core.term import Extreme as Extreme
    from llm_policy_improver.core.term import Term as Term
    from llm_policy_improver.core.trial import Trial as Trial
    from llm_policy_improver.llm.endpoint import Endpoint as Endpoint
    from llm_policy_improver.loop.improvement import Improvement as Improvement
    from llm_policy_improver.loop.improvement import ImprovementError as ImprovementError
    from llm_policy_improver.loop.improvement import run_improvement as run_improvement
    from llm_policy_improver.loop.improvement_result import End as End
    from llm_policy_improver.loop.improvement_result import ImprovementResult as ImprovementResult
    from llm_policy_improver.loop.step import Step as Step
    from llm_policy_improver.loop.step import TrialResult as TrialResult
    from llm_policy_improver.methods.numeric.least_squares import LeastSquares as LeastSquares
    from llm_policy_improver.methods.registry import make_numeric as make_numeric
    from llm_policy_improver.methods.sas.sas import SasPrompt as SasPrompt
    from llm_policy_improver.report.landing_map import draw_landing_map as draw_landing_map
    from llm_policy_improver.runs.improving import improve as improve
    from llm_policy_improver.runs.replay import replay as replay
    from llm_policy_improver.runs.store import RunStore as RunStore
    from llm_policy_improver.runs.store import StoreError as StoreError
    from llm_policy_improver.table_tennis.objectives import parse_objective as parse_objective
    from llm_policy_improver.table_tennis.space import parameter_space as parameter_space
    from llm_policy_improver.table_tennis.task import TableTennis as TableTennis
    from llm_policy_improver.table_tennis.task_brief import make_brief as make_brief

_WHERE = {
    'core.audit': ('GateVerdict',),
    'core.brief': ('Brief',),
    'core.chat': ('EndpointError',),
    'core.gate': ('Gate', 'GateCase'),
    'core.measure': ('Measure',),
    'core.method': ('Method', 'ProposalError'),
    'core.objective': ('Objective', 'ObjectiveError'),
    'core.policy': ('Parameters', 'Program'),
    'core.proposal': ('Proposal',),
    'core.settings': ('SettingsError',),
    'core.space': ('Parameter', 'ParameterSpace'),
    'core.task': ('Task',),
    'core.term': ('Extreme', 'Term'),
    'core.trial': ('Trial',),
    'llm.endpoint': ('Endpoint',),
    'loop.improvement': ('Improvement', 'ImprovementError', 'run_improvement'),
    'loop.improvement_result': ('End', 'ImprovementResult'),
    'loop.step': ('Step', 'TrialResult'),
    'methods.numeric.least_squares': ('LeastSquares',),
    'methods.registry': ('make_numeric',),
    'methods.sas.sas': ('SasPrompt',),
    'report.landing_map': ('draw_landing_map',),
    'runs.improving': ('improve',),
    'runs.replay': ('replay',),
    'runs.store': ('RunStore', 'StoreError'),
    'table_tennis.objectives': ('parse_objective',),
    'table_tennis.space': ('parameter_space',),
    'table_tennis.task': ('TableTennis',),
    'table_tennis.task_brief': ('make_brief',),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    """Load a name of the face when it is first used: importing the package alone needs nothing else."""
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = globals()[name] = getattr(import_module(f'{__name__}.{_MODULES[name]}'), name)
    return value


def __dir__() -> list[str]:
    return __all__
