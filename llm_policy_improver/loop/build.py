"""The one place that assembles an improvement from settings: command line, nodes, replay and experiments call it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.chat import Completer
from llm_policy_improver.core.clock import utc_now
from llm_policy_improver.core.gate import Gate
from llm_policy_improver.core.method import Method
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.waiting import Waiting
from llm_policy_improver.loop.approval import Approval
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.loop.language_model import make_endpoint, words_reader
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.settings_gates import make_gates
from llm_policy_improver.loop.step import Step
from llm_policy_improver.methods.candidates import Screen, SimulatorScreen
from llm_policy_improver.methods.prompt_po.options import PromptPoOptions
from llm_policy_improver.methods.registry import (
    BY_EXAMPLES,
    METHODS,
    NUMERIC,
    PROGRAMS,
    Kind,
    make_numeric,
    make_with_model,
    usual_numeric,
)
from llm_policy_improver.methods.rules import repeats_allowed
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.methods.setup import MethodSetup
from llm_policy_improver.sandbox.errors import SandboxUnavailableError
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.table_tennis.ball_chooser import LIMITS
from llm_policy_improver.table_tennis.cells import Cell, noisy_cell, quiet_cell
from llm_policy_improver.table_tennis.objectives import parse_objective, read_objective, require_measurable
from llm_policy_improver.table_tennis.rehearsal import arm_cell
from llm_policy_improver.table_tennis.simulated_examples import simulated_examples
from llm_policy_improver.table_tennis.simulated_prior import SimulatedPrior
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.tasks.ball_rounds import (
    BallPrograms,
    aimed_at,
    is_program,
    round_of,
    rounds_objective,
)


@dataclass(frozen=True, slots=True)
class Assembly:
    """What settings come to: who proposes, who stands in, and how a run is made of them.

    Attributes:
        settings: as given.
        brief: of the task, with the parameters that are searched.
        method: who proposes.
        fallback: who stands in where it fails; None: the last policy stays.
        said: a sentence about them, for people.
        repeats_allowed: how often a policy may be tried again.
        model: the language model that proposes; None where none does.
        prior: of simulated trials that the method begins with; None where it has none.
        programs: the same as ``method`` where it writes programs that choose for each ball; None where it does not.
    """

    settings: OptimizerSettings
    brief: Brief
    method: Method
    fallback: Method | None
    said: str
    repeats_allowed: int = 0
    model: Completer | None = None
    programs: BallPrograms | None = None
    prior: SimulatedPrior | None = None

    def objective(self, words: str) -> Objective:
        """What the words ask for; what the vocabulary does not understand, a language model is asked.

        Raises:
            ObjectiveError: they are empty, too long, or not understood.
            EndpointError: the language model did not answer.
        """
        reader = words_reader(self.settings, self.model)
        if reader is None:
            objective = parse_objective(words)
            who = f'{self.method.name}, which proposes here, is no language model and needs a measure'
            require_measurable(objective, who)
            return objective
        ranks = self.model is not None and self.programs is None
        if ranks and self.settings.rank_by_model:
            return parse_objective(words)
        otherwise = '; or have the model rank the trials by its word alone (rank_by_model)' if ranks else ''
        objective = read_objective(words, reader, otherwise)
        return objective if self.programs is None else rounds_objective(objective)

    def seeds(self, step: Step) -> Sequence[int]:
        """Of the balls that make up the trial of a step: a round where a program is tried, else one."""
        if self.programs is None:
            return (step.seed,)
        return range(step.seed * self.settings.balls, (step.seed + 1) * self.settings.balls)

    def trial(self, balls: Sequence[Trial], objective: Objective) -> Trial:
        """The trial of a step, from those of its balls."""
        return balls[0] if self.programs is None else round_of(balls, aimed_at(objective))

    def known(self, history: Sequence[Trial]) -> Sequence[Trial]:
        """Earlier runs' trials that its method can learn from: of parameters, none where it writes programs."""
        return () if self.programs is not None else [trial for trial in history if not is_program(trial)]

    def require_parameters(self) -> None:
        """Raise `SettingsError` where it proposes programs, which are tried through the nodes alone."""
        if self.programs is not None:
            raise SettingsError(
                f'{self.programs.name} is tried on rounds of balls, through the nodes: use "demo", or for simulated '
                'episodes "bench methods --task arm_varied_balls"'
            )

    def require_improvements(self, trials: int | None = None, history: Sequence[Trial] = ()) -> None:
        """Raise `SettingsError` where a run of so many trials, from this history on, would end before it improves."""
        self.settings.require_improvements(trials, len(self.known(history)))

    def close(self) -> None:
        """End what runs for it."""
        if self.programs is not None:
            self.programs.close()

    def gates(self, approval: Approval | None = None) -> tuple[Gate, ...]:
        """What a proposal must pass by the settings; see `settings_gates.make_gates`."""
        return make_gates(self.settings, approval)

    def improvement(
        self,
        objective: Objective,
        *,
        trials: int | None = None,
        ball_seed: int | None = None,
        history: Sequence[Trial] = (),
        first_version: int = 1,
        gates: Sequence[Gate] = (),
        in_force: Proposal | None = None,
        all_trials: bool | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> Improvement:
        """A run towards an objective; what is not given is as in the settings, and see `Improvement`.

        Raises:
            SettingsError: it would end before its method is asked.
        """
        self.require_improvements(trials, history)
        settings, programs = self.settings, self.programs
        if self.prior is not None and objective.measurable:
            self.prior.begin(self.brief.space)
        if programs is not None:
            in_force = programs.from_here(in_force)
        elif in_force is not None and is_program(in_force):
            in_force = None
        return Improvement(
            objective,
            self.method,
            self.brief.space if programs is None else programs.space,
            trials=settings.trials if trials is None else trials,
            first_trials=settings.first_trials if programs is None else 0,
            seed=settings.seed,
            ball_seed=ball_seed,
            vary_balls=settings.vary_balls,
            history=self.known(history),
            fallback=self.fallback,
            repeats_allowed=self.repeats_allowed,
            first_version=first_version,
            gates=gates,
            in_force=in_force,
            all_trials=settings.all_trials if all_trials is None else all_trials,
            noise=settings.landing_noise,
            clock=clock,
        )


def assemble(
    settings: OptimizerSettings,
    model: Completer | None = None,
    options: SasOptions | None = None,
    *,
    method: Method | None = None,
    brief: Brief | None = None,
    waiting: Waiting | None = None,
) -> Assembly:
    """Assemble from settings; a language model's endpoint is tried once.

    Args:
        settings: of the run.
        model: answers in place of the endpoint of the settings, where given.
        options: of SAS-Prompt, in place of those of the settings, where given.
        method: of the caller's own, which proposes in place of that of the settings; nobody stands in for it.
        brief: of a task of the caller's own, with ``method``; that of the arm where None.
        waiting: told of pauses between requests to the endpoint; the log where None.

    Raises:
        EndpointError: no key in the environment, or an endpoint that cannot be reached.
        SettingsError: the method rests on a package that is not installed.
    """
    if brief is None:
        brief = make_brief(settings.space())
    if method is None and (not settings.model or settings.method in (*NUMERIC, *BY_EXAMPLES)):
        return _numeric(settings, brief)
    where = ''
    if model is None and settings.model:
        model = endpoint = make_endpoint(settings, waiting)
        endpoint.check_reachable()
        where = f' at {endpoint.base_url}'
    noise = settings.landing_noise
    options = options or settings.sas_options()
    if method is not None:
        return Assembly(
            settings, brief, method, None, f'{method.name} proposes', repeats_allowed(noise), model
        )
    assert model is not None
    name = 'sas' if settings.method == 'auto' else settings.method
    if name in PROGRAMS:
        return _programs(settings, brief, model, name, where)
    prior = SimulatedPrior(_cell(settings)) if _asks_landing_model(name, noise, options) else None
    method = make_with_model(
        name,
        MethodSetup(
            model, brief, settings.seed, options, noise, _screen(settings),
            simulated_examples(brief.space, settings.seed), prior=prior,
        ),
    )  # fmt: skip
    said = f', {METHODS[name].said}' if METHODS[name].said else ''
    said += '' if prior is None else f', beside a landing model: {prior.sentence(brief.space)}'
    fallback = usual_numeric(brief.space, noise)
    return Assembly(
        settings,
        brief,
        method,
        make_numeric(fallback, brief, settings.seed, prior=prior),
        f'{method.name}{where} proposes{said}; {fallback} stands in where it fails',
        repeats_allowed(noise),
        model,
        prior=prior,
    )


def _asks_landing_model(name: str, noise: float, options: SasOptions) -> bool:
    """Whether a method that asks a language model tells it, where trials are noisy, what the landing model says."""
    return METHODS[name].landing_model and noise > 0.0 and options.effects and options.landing_model


def _programs(settings: OptimizerSettings, brief: Brief, model: Completer, name: str, where: str) -> Assembly:
    try:
        sandbox = Sandbox(LIMITS)
    except SandboxUnavailableError as error:
        raise SettingsError(f'method {name} writes programs, and none can be run here: {error}') from None
    options = PromptPoOptions(candidates=settings.program_candidates)
    method = BallPrograms(name, model, sandbox, brief.space, options)
    said = (
        f'{method.name}{where} proposes, {METHODS[name].said}; each is tried on {settings.balls} balls. '
        f'{sandbox.sentence}'
    )
    return Assembly(settings, brief, method, None, said, model=model, programs=method)


def _screen(settings: OptimizerSettings) -> Screen | None:
    """Chooses among candidates where the settings ask for a rehearsal; None: a regression on the trials does."""
    if not settings.rehearse or settings.candidates == 1:
        return None
    from llm_policy_improver.table_tennis.task import TableTennis  # MuJoCo is needed only for this

    return SimulatorScreen(TableTennis(), settings.space(), settings.seed)


def _numeric(settings: OptimizerSettings, brief: Brief) -> Assembly:
    name, why = settings.method, ''
    if name == 'auto':
        name, why = usual_numeric(brief.space, settings.landing_noise), 'no language model is configured: '
    prior = SimulatedPrior(_cell(settings)) if METHODS[name].kind is Kind.PRIOR else None
    try:
        method = make_numeric(
            name, brief, settings.seed, simulated_examples(brief.space, settings.seed), prior=prior
        )
    except MissingPackageError as error:
        raise SettingsError(str(error)) from None
    reads = f'; {settings.model} reads what of the words the vocabulary does not' if settings.model else ''
    knows = '' if prior is None else f'; {prior.sentence(brief.space)}'
    said = f'{why}{name} proposes, {METHODS[name].said}{knows}{reads}'
    return Assembly(settings, brief, method, None, said, prior=prior)


def _cell(settings: OptimizerSettings) -> Cell:
    """What a prior simulates: the arm of the settings, a noisy cell, or the simulator as it is."""
    if settings.rehearsal.names_arm:
        return arm_cell(settings.rehearsal)
    return noisy_cell() if settings.landing_noise else quiet_cell()
