"""What can be computed of a board: the best expected return, and that of a policy which remembers nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.environment import Observation
from llm_policy_improver.tasks.noise_world.boards import Board
from llm_policy_improver.tasks.noise_world.dynamics import DIRECTIONS, FIRST, Outcome, State, outcomes
from llm_policy_improver.tasks.noise_world.observing import observe

ACTIONS: Final = range(len(DIRECTIONS))


@dataclass(frozen=True, slots=True)
class Plan:
    """The best that can be done on a board within its horizon.

    Attributes:
        optimum: the expected return from the start.
        actions: (horizon,) of maps from state to best action, for the steps 0, 1, ...; it depends on the steps left.
    """

    optimum: float
    actions: tuple[Mapping[State, int], ...]


def optimal_plan(board: Board) -> Plan:
    """By value iteration backwards from the horizon."""
    rules = _rules(board)
    values = dict.fromkeys(rules, 0.0)
    backwards: list[Mapping[State, int]] = []
    for _ in range(board.horizon):
        worth = {
            state: [_worth(chances, values) for chances in by_action] for state, by_action in rules.items()
        }
        backwards.append({state: of.index(max(of)) for state, of in worth.items()})
        values = {state: max(of) for state, of in worth.items()}
    return Plan(values[FIRST], tuple(reversed(backwards)))


def expected_return(board: Board, act: Callable[[Observation], int]) -> float:
    """Of a policy whose action depends on the observation alone. It is asked at most once about each state."""
    chosen: dict[State, int] = {}

    def choose(state: State, step: int) -> int:
        if state not in chosen:
            chosen[state] = act(observe(board, state))
        return chosen[state]

    return _expected(board, choose)


def expected_return_of_plan(board: Board, plan: Plan) -> float:
    """Of actions that depend on the state and the step."""
    return _expected(board, lambda state, step: plan.actions[step][state])


def _expected(board: Board, choose: Callable[[State, int], int]) -> float:
    """The expected return, from the probabilities of all states after each step."""
    rules = _rules(board)
    probabilities = {FIRST: 1.0}
    total = 0.0
    for step in range(board.horizon):
        after: dict[State, float] = {}
        for state, probability in probabilities.items():
            for outcome in rules[state][choose(state, step)]:
                share = probability * outcome.probability
                total += share * outcome.reward
                if not outcome.terminated:
                    after[outcome.state] = after.get(outcome.state, 0.0) + share
        probabilities = after
    return total


def _worth(chances: tuple[Outcome, ...], values: Mapping[State, float]) -> float:
    """Expected reward and value of what comes after."""
    return sum(
        outcome.probability * (outcome.reward + (0.0 if outcome.terminated else values[outcome.state]))
        for outcome in chances
    )


def _rules(board: Board) -> dict[State, tuple[tuple[Outcome, ...], ...]]:
    """What may come of each action in each state that can be reached and in which the episode goes on."""
    rules: dict[State, tuple[tuple[Outcome, ...], ...]] = {}
    to_visit = [FIRST]
    while to_visit:
        state = to_visit.pop()
        if state in rules:
            continue
        rules[state] = tuple(outcomes(board, state, action) for action in ACTIONS)
        to_visit += [
            outcome.state for chances in rules[state] for outcome in chances if not outcome.terminated
        ]
    return rules
