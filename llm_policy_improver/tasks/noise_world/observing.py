"""What a program sees of a board, and what it is told of it.

As in the paper on PromptPO (arXiv 2605.30719) and its public code, a program is told the directions of the actions,
that chance plays a part, the horizon, where walker and goal are, and a label for each cell without what the label does;
of the reward that a step costs something, that the goal under the task's condition pays much and that a disaster costs
much. Not told: what labels and flags mean, probabilities, and the sizes of bonus and loss. The public code describes
the reward of all boards in the same words, and so does this; that a step costs 1 is told, as any episode shows it.

With the keys told, as the public code does on demand, labels 6 and 7 and the two flags are explained.
"""

from typing import Final

from llm_policy_improver.core.environment import EpisodeBrief, Observation, Quantity
from llm_policy_improver.tasks.describing import choice_code
from llm_policy_improver.tasks.noise_world.boards import BAD, FIRST_KEY, GOAL, SECOND_KEY, WALL, Board, Chance
from llm_policy_improver.tasks.noise_world.dynamics import State

_CHANCE_LABELS: Final = {Chance.NONE: 0, Chance.STAY: 1, Chance.RESET: 2}
_LABELS: Final = {WALL: 3, GOAL: 4, BAD: 5, FIRST_KEY: 6, SECOND_KEY: 7}

CHOICES: Final = (
    'ask for a step up, to the row before',
    'ask for a step down, to the row after',
    'ask for a step left, to the column before',
    'ask for a step right, to the column after',
)


def observe(board: Board, state: State) -> Observation:
    """What is seen in a state: (4 + n^2,), with keys (6 + n^2,): `quantities` names the numbers."""
    last = board.size - 1
    places = tuple(index / last for index in (*state.cell, *board.goal))
    flags = (float(state.keys >= 1), float(state.keys >= 2)) if board.has_keys else ()
    return places + _labels(board) + flags


def _labels(board: Board) -> tuple[float, ...]:
    """The label of each cell, row by row."""
    return tuple(
        float(_LABELS[drawn] if drawn in _LABELS else _CHANCE_LABELS[board.regions[drawn].chance])
        for row in board.drawing
        for drawn in row
    )


def quantities(board: Board, keys_told: bool = False) -> tuple[Quantity, ...]:
    """The numbers of an observation."""
    most = 7.0 if board.has_keys else 5.0
    places = tuple(
        Quantity(f'{what}_{way}', f'{way} of the {what}, 0 for the first and 1 for the last', 0.0, 1.0)
        for what in ('agent', 'goal')
        for way in ('row', 'column')
    )
    labels = tuple(
        Quantity(f'label_{row}_{column}', f'label of the cell in row {row}, column {column}', 0.0, most)
        for row in range(board.size)
        for column in range(board.size)
    )
    if not board.has_keys:
        return places + labels
    meanings = (
        (
            '1 once the cell labelled 6 has been entered',
            '1 once the cell labelled 7 has been entered after that',
        )
        if keys_told
        else ('a flag, 0 or 1', 'another flag, 0 or 1')
    )
    flags = tuple(Quantity(f'flag_{number}', meaning, 0.0, 1.0) for number, meaning in enumerate(meanings, 1))
    return places + labels + flags


def make_brief(board: Board, keys_told: bool = False) -> EpisodeBrief:
    """What may be known of a board."""
    return EpisodeBrief(
        text=_TEXT.format(n=board.size, horizon=board.horizon) + (_KEYS if keys_told else ''),
        observation=quantities(board, keys_told),
        action=(),
        choices=CHOICES,
        observation_code=_OBSERVATION_CODE.format(n=board.size)
        + (_FLAGS_CODE if board.has_keys else '')
        + _DESCRIBE_CODE,
        action_code=choice_code(CHOICES),
        reward_code=_REWARD_CODE,
        horizon=board.horizon,
    )


_TEXT: Final = """\
A walker moves on a board of {n} x {n} cells. Each action asks for one step up, down, left or right. What comes of it \
is up to the board's own rules, in which chance may play a part: the walker need not end up where the step was meant \
to go. Each cell bears a label, a whole number; labels stay the same in all episodes, and what they mean is not told. \
Every step costs 1. Coming to the goal pays a large bonus, given that the task's condition for success is met; an \
episode may also end in a disaster, which costs very much. It is over at the latest after {horizon} steps. The aim is \
the largest expected sum of rewards of an episode."""

_KEYS: Final = """ \
The goal pays its bonus only if before it the cell labelled 6 and after that the cell labelled 7 have been entered, in \
this order; there is one cell of each."""

_OBSERVATION_CODE: Final = """\
# An observation is a tuple of floats: row and column of the walker and of the goal, each divided by SIZE - 1; then the
# labels of all cells, row by row.
SIZE = {n}
OBSERVATION = ['agent_row', 'agent_column', 'goal_row', 'goal_column']
OBSERVATION += [f'label_{{row}}_{{column}}' for row in range(SIZE) for column in range(SIZE)]
"""

_FLAGS_CODE: Final = """OBSERVATION += ['flag_1', 'flag_2']
"""

_DESCRIBE_CODE: Final = '''

def describe(obs):
    """The parts of an observation by name."""
    return dict(zip(OBSERVATION, obs, strict=True))
'''

_REWARD_CODE: Final = '''\
STEP = -1.0


def reward(obs, action, next_obs):
    """What every step pays. What the goal or a disaster pay besides, on the last step of an episode, is not told."""
    return STEP
'''
