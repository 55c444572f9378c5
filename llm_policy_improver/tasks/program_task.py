"""An episodic task as the loop sees it: a program in, some episodes of it out.

The program runs in the sandbox, environment and reward in this process. A program that fails is a result, with its
traceback in the note: whoever wrote it can mend it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from llm_policy_improver.core.environment import Action, Environment, EpisodeBrief, Observation, Transition
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.sandbox.acting import begin
from llm_policy_improver.sandbox.errors import ProgramError, SandboxError
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.sandbox.worker import Worker
from llm_policy_improver.tasks.actions import clipped

PLAYED: Final = 'played'
CRASHED: Final = 'crashed'

_TOLD: Final = frozenset({PLAYED})
_ALL: Final = 1e6
"""Beyond every return of these tasks."""

RETURN: Final = Measure('return', '', 'mean return of the episodes', -_ALL, _ALL, told_by=_TOLD)
WORST: Final = Measure('worst_return', '', 'least return of the episodes', -_ALL, _ALL, told_by=_TOLD)
STEPS: Final = Measure('steps', '', 'steps of all episodes', 0.0, _ALL, told_by=_TOLD)


class ProgramTask:
    """Plays some episodes a trial.

    Args:
        environment: what the program acts in; closed by whoever made it.
        sandbox: where the program runs.
        episodes: of a trial.

    Attributes:
        brief: of the environment.
    """

    def __init__(self, environment: Environment, sandbox: Sandbox, episodes: int = 5) -> None:
        if episodes < 1:
            raise ValueError(f'a trial needs at least 1 episode; got {episodes}')
        self.brief: EpisodeBrief = environment.brief
        self._names = [quantity.name for quantity in self.brief.observation]
        self._environment = environment
        self._sandbox = sandbox
        self._episodes = episodes

    def run(self, policy: Program, seed: int) -> Trial:
        """Play the episodes of this seed, each with a policy of its own that remembers none of the others."""
        return self.play(policy, self.seeds(seed))

    def seeds(self, seed: int) -> Sequence[int]:
        """Of the episodes of a trial."""
        return range(seed * self._episodes, (seed + 1) * self._episodes)

    def play(self, policy: Program, seeds: Sequence[int]) -> Trial:
        """A trial with episodes of these seeds."""
        played: list[Episode] = []
        steps: list[Transition] = []
        changed: list[Action] = []
        try:
            with self._sandbox.load(policy.source) as worker:
                for seed in seeds:
                    played.append(self._episode(worker, policy, seed, steps, changed))
        except (SandboxError, ValueError) as error:
            return Trial(
                policy, CRASHED, {STEPS.name: float(len(steps))}, note=_said(error), samples=tuple(played)
            )
        returns = [episode.total for episode in played]
        measures = {
            RETURN.name: math.fsum(returns) / len(returns),
            WORST.name: min(returns),
            STEPS.name: float(len(steps)),
        }
        note = f'{len(played)} episodes, mean return {measures[RETURN.name]:.6g}, least {min(returns):.6g}'
        if changed:
            note += (
                f'; {len(changed)} of {len(steps)} actions were outside their range and were clipped to it'
            )
        return Trial(policy, PLAYED, measures, succeeded=True, note=note, samples=tuple(played))

    @contextmanager
    def acting(self, policy: Program) -> Iterator[Callable[[Observation], Action]]:
        """A program at work without an episode: what it does about an observation.

        Raises:
            SandboxError: it failed, then or at a call.
        """
        with self._sandbox.load(policy.source) as worker:
            act, release = begin(worker, policy.source, policy.entry, self._names, 0)
            yield lambda seen: self._action(act(seen), [])
            release()

    def _episode(
        self, worker: Worker, policy: Program, seed: int, steps: list[Transition], changed: list[Action]
    ) -> Episode:
        act, release = begin(worker, policy.source, policy.entry, self._names, seed)
        first = observation = self._environment.reset(seed)
        actions: list[Action] = []
        began = len(steps)
        while len(steps) == began or not (steps[-1].terminated or steps[-1].truncated):
            actions.append(self._action(act(observation), changed))
            steps.append(self._environment.step(actions[-1]))
            observation = steps[-1].observation
        release()
        return Episode(first, tuple(actions), tuple(steps[began:]))

    def _action(self, answered: Any, changed: list[Action]) -> Action:
        """What was answered, as an action of this task: whole numbers as such, values clipped to their ranges.

        Where one was, the action is added to ``changed``.

        Raises:
            ValueError: it is none.
        """
        if self.brief.choices:
            whole = isinstance(answered, int | float) and float(answered).is_integer()
            return int(answered) if whole else answered
        given = answered if isinstance(answered, list | tuple) else [answered]
        if not all(isinstance(value, int | float) for value in given) or len(given) != len(self.brief.action):
            return answered if isinstance(answered, int) else tuple(given)
        action = clipped(given, self.brief.action)
        if any(value != applied for value, applied in zip(given, action, strict=True)):
            changed.append(action)
        return action


def _said(error: Exception) -> str:
    traceback = error.traceback if isinstance(error, ProgramError) else ''
    return f'{error}\n{traceback}'.strip()
