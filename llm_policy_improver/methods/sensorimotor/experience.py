"""What a language model is told of earlier rules: what all came to, and what the latest and the best did."""

from collections.abc import Iterable, Sequence
from typing import Final

from llm_policy_improver.core.environment import Action, EpisodeBrief, Observation
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.programs.attempts import Attempt, error_of
from llm_policy_improver.methods.programs.returns import episodes_of, numbers, returns_of

RULES: Final = 'rules'
"""Memo: the rules that a proposal's code is for."""
MOST_RETURNS: Final = 200
"""Mean returns listed, the latest ones."""


def experience_text(
    attempts: Sequence[Attempt], objective: Objective, brief: EpisodeBrief, steps: int
) -> str:
    """The mean returns of all iterations, and the current, the previous and the best rules with what they did.

    Args:
        attempts: so far; of code that was mended the last one counts.
        objective: ranks them.
        brief: of the task.
        steps: shown of the worst episode of each, from its end.
    """
    latest = list({attempt.place.round: attempt for attempt in attempts}.values())
    if not latest:
        return ''
    parts = [f'Mean returns of all iterations, oldest first: {", ".join(map(_mean, latest[-MOST_RETURNS:]))}']
    best = objective.best([attempt.trial for attempt in latest])
    shown = [('Current', latest[-1])]
    shown += [('Previous', latest[-2])] if len(latest) > 1 else []
    same = next((name.lower() for name, attempt in shown if attempt.trial is best), '')
    parts += [_part(name, attempt, brief, steps) for name, attempt in shown]
    if same:
        parts.append(f'# Best rules\n\nThe best rules so far are the {same} ones.')
    elif best is not None:
        found = next(attempt for attempt in latest if attempt.trial is best)
        parts.append(_part('Best', found, brief, steps))
    return '\n\n'.join(parts)


def _mean(attempt: Attempt) -> str:
    found = returns_of(attempt.trial) if attempt.trial.succeeded else None
    return 'failed' if found is None else f'{found.mean:.5g}'


def _part(name: str, attempt: Attempt, brief: EpisodeBrief, steps: int) -> str:
    head = f'# {name} rules, iteration {attempt.place.round}\n\n{attempt.memos[RULES]}'
    return f'{head}\n\n{_came_to(attempt.trial, brief, steps)}'


def _came_to(trial: Trial, brief: EpisodeBrief, steps: int) -> str:
    returns, episodes = returns_of(trial), episodes_of(trial)
    if not trial.succeeded:
        return f'Their code failed: {error_of(trial)}'
    if returns is None:
        return f'They came to: {trial.note}'
    worst = min(episodes, key=lambda episode: episode.total)
    return f'They came to: {returns}.\n\n{steps_text(worst, brief, steps)}'


def steps_text(episode: Episode, brief: EpisodeBrief, steps: int) -> str:
    """The last steps of an episode, a line each: ``[observation];action``.

    Numbers that are the same in all of these steps are told once, above them, where there are some.
    """
    before: list[Observation] = [episode.first, *(each.observation for each in episode.transitions)][:-1]
    seen, done = before[-steps:], episode.actions[-steps:]
    moving = [place for place, values in enumerate(zip(*seen, strict=True)) if len(set(values)) > 1]
    moving = moving or list(range(len(brief.observation)))
    fixed = [place for place in range(len(brief.observation)) if place not in set(moving)]
    names = _listed(brief.observation[place].name for place in moving)
    lines = [f'The last {len(done)} of {len(episode.actions)} steps of the worst episode, as [{names}];action']
    if fixed:
        same = _listed(f'{brief.observation[place].name} = {seen[0][place]:.4g}' for place in fixed)
        lines.append(f'The same in all of them: {same}')
    lines += [
        f'[{numbers([observation[place] for place in moving])}];{_action(action)}'
        for observation, action in zip(seen, done, strict=True)
    ]
    return '\n'.join(lines)


def _listed(words: Iterable[str]) -> str:
    return ', '.join(words)


def _action(action: Action) -> str:
    return str(action) if isinstance(action, int) else numbers(action)
