"""What a small fixed rule answers to the prompts of the experiments, read from the prompt's text alone.

For `chat_server.ChatServer`: a real endpoint whose replies depend on what is sent, and on nothing else.
"""

import json
import re
from typing import Any

from chat_server import Answer, reply_text, say

_TRIAL = re.compile(r'^ *(\d+)((?: [-+]?\d+\.\d+| -){10,13})(?: ([a-z_]+)(?: \(.*\)|, .*)?)?$', re.MULTILINE)
_POINT = re.compile(r'^(\d+)((?: -?\d+\.\d{4})+) (\S+)$', re.MULTILINE)
PARAMETERS = 8


def trials_in(prompt: str) -> list[tuple[int, list[float | None], str]]:
    """Number, columns and outcome of every trial in a prompt's table; ``-`` as None, no outcome as empty."""
    return [
        (int(number), [None if cell == '-' else float(cell) for cell in cells.split()], outcome)
        for number, cells, outcome in _TRIAL.findall(prompt)
    ]


def prompt_of(request: dict[str, Any]) -> str:
    """The first message of a request."""
    return str(request['messages'][0]['content'])


def improve(request: dict[str, Any]) -> Answer:
    """From the nearest trial (the last one where no distance is shown) one parameter a little further."""
    trials = [trial for trial in trials_in(prompt_of(request)) if trial[2] == 'landed']
    measured = len(trials[0][1]) > PARAMETERS + 4
    best = min(trials, key=lambda trial: trial[1][-1] or 0.0) if measured else trials[-1]
    values = [value or 1.0 for value in best[1][:PARAMETERS]]
    turn = len(trials) % PARAMETERS
    values[turn] += 0.07 if values[turn] < 1.0 else -0.07
    names = re.findall(r'"(\w+)": <number>', prompt_of(request))[-PARAMETERS:]
    parameters = dict(zip(names, (round(value, 3) for value in values), strict=True))
    return say(reply_text([], parameters=parameters, nearest=best[0]), 1000, 50)


def minimize(request: dict[str, Any]) -> Answer:
    """From the best point half way to the middle, then around it."""
    points = [
        (float(value), [float(cell) for cell in cells.split()])
        for _, cells, value in _POINT.findall(prompt_of(request))
    ]
    _, best = min(points)
    values = [round(0.9 * value + 0.01 * len(points), 2) for value in best]
    named = {f'x{index + 1}': value for index, value in enumerate(values)}
    return say(reply_text([], parameters=named), 500, 30)


def rank_by_x(request: dict[str, Any]) -> Answer:
    """The ten trials that landed furthest right, whatever was asked for."""
    landed = [
        (trial[1][PARAMETERS] or 0.0, trial[0])
        for trial in trials_in(prompt_of(request))
        if trial[2] == 'landed'
    ]
    ranking = [number for _, number in sorted(landed, reverse=True)[:10]]
    return say(f'By x.\n{json.dumps({"criterion": "largest x", "ranking": ranking})}', 2000, 40)
