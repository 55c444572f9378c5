"""A reader of OPRO's prompts that does what they ask for, by dice: steps from the best listed trials on.

It sees the text alone. Half of its candidates go downhill from the best trial, by a regression of the scores on the
numbers, the others surround it; both as far as the best few trials lie apart, and less and less.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from chat_server import Answer, say
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NUMBER = r'-?\d+(?:\.\d+)?(?:e[-+]?\d+)?'


@dataclass(frozen=True)
class Told:
    """What a prompt says.

    Attributes:
        names: (n,) of the numbers.
        low, high: (n,) bounds.
        trials: (k, n) those with a score, the best one last.
        scores: (k,) theirs.
        words: what stands in place of the score of the others.
        count: candidates asked for.
    """

    names: list[str]
    low: Array
    high: Array
    trials: Array
    scores: Array
    words: list[str]
    count: int


def read_scores(prompt: str) -> Told:
    """Read a prompt."""
    bounds = re.findall(rf'^- (\w+) \(.*\): ({_NUMBER}) to ({_NUMBER})', prompt, re.MULTILINE)
    rows = [
        line.split(':', 1)[1].split('|')
        for line in prompt.split('# Trials so far')[1].split('# What to answer')[0].splitlines()
        if re.match(r'\d+: ', line)
    ]
    scored = [(values, score) for values, score in rows if re.fullmatch(_NUMBER, score.strip())]
    count = re.search(r'name (\d+) new sets', prompt)
    assert count is not None
    return Told(
        [name for name, _, _ in bounds],
        np.array([float(low) for _, low, _ in bounds]),
        np.array([float(high) for _, _, high in bounds]),
        np.array([[float(value) for value in values.split()] for values, _ in scored]),
        np.array([float(score) for _, score in scored]),
        [score.strip() for _, score in rows if not re.fullmatch(_NUMBER, score.strip())],
        int(count[1]),
    )


def candidates_for(prompt: str) -> tuple[list[str], Array]:
    """Names (n,) and candidates (count, n)."""
    told = read_scores(prompt)
    dice = np.random.default_rng(len(prompt))
    if len(told.trials) < 2:
        return told.names, dice.uniform(told.low, told.high, (told.count, len(told.low)))
    width = told.high - told.low
    few = told.trials[-max(5, len(width) + 2) :]
    best, apart = few[-1], np.maximum(few.std(axis=0), 1e-3 * width)
    # Ridge regression of the scores on the numbers, by the listed trials: downhill is where they fall.
    rows = (told.trials - told.trials.mean(axis=0)) / width
    slopes = np.linalg.solve(
        rows.T @ rows + 0.05 * np.eye(len(width)), rows.T @ (told.scores - told.scores.mean())
    )
    downhill = -slopes / max(float(np.linalg.norm(slopes)), 1e-12) * np.sqrt(len(width))
    found = []
    for number in range(told.count):
        share = 0.75 ** (number // 2)
        if number % 2:
            found.append(best + share * apart * (downhill + 0.3 * dice.normal(size=len(best))))
        else:
            found.append(best + share * apart * dice.normal(size=len(best)))
    return told.names, np.clip(found, told.low, told.high)


def answer(request: dict[str, Any]) -> Answer:
    """For a `ChatServer`."""
    names, found = candidates_for(str(request['messages'][0]['content']))
    candidates = [dict(zip(names, np.round(values, 4).tolist(), strict=True)) for values in found]
    return say(json.dumps({'nearest': 1, 'reason': 'Steps from the best ones.', 'candidates': candidates}))
