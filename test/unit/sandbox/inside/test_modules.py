"""What programs of language models use must work, though nothing can be loaded any more."""

import pytest

from llm_policy_improver.sandbox.errors import ProgramError
from llm_policy_improver.sandbox.sandbox import Sandbox

PROGRAMS = {
    'value iteration': """
import numpy as np
from collections import defaultdict, deque
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Dict, List, Optional, Tuple
import heapq, itertools, math, copy

@dataclass(order=True)
class Node:
    cost: float
    cell: Tuple[int, int] = field(compare=False)

class Policy:
    def __init__(self, size: int = 5) -> None:
        self.values = np.zeros((size, size))
        for _ in range(100):
            padded = np.pad(self.values, 1, constant_values=-np.inf)
            beside = [padded[2:, 1:-1], padded[:-2, 1:-1], padded[1:-1, 2:], padded[1:-1, :-2]]
            self.values = 0.9 * np.maximum.reduce(beside)
            self.values[-1, -1] = 1.0
        self.queue: List[Node] = []
        heapq.heappush(self.queue, Node(1.0, (0, 0)))
        self.seen: Dict[int, deque] = defaultdict(deque)

    @lru_cache(maxsize=None)
    def best(self, x: int, y: int) -> Optional[float]:
        return float(self.values[x, y])

def run():
    policy = copy.deepcopy(Policy())
    return math.isclose(policy.best(4, 4), 1.0) and policy.best(0, 0) > 0.3
""",
    'linear algebra': """
import numpy as np

def run():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(60, 60))
    b = np.ones(60)
    values = np.linalg.eigvals(A), np.linalg.svd(A), np.linalg.solve(A, b), np.linalg.lstsq(A, b, rcond=None)
    spectrum = np.fft.rfft(np.sin(np.linspace(0, 9, 256)))
    line = np.polyfit(np.arange(9.0), np.arange(9.0) * 2 + 1, 1)
    gain = np.linalg.inv(A @ A.T) @ np.einsum('ij,jk->ik', A, A)
    return bool(np.allclose(line, [2, 1])) and len(spectrum) == 129 and gain.shape == (60, 60) and len(values) == 4
""",
    'text and warnings': """
import datetime, decimal, fractions, json, logging, re, statistics, string, textwrap, time, warnings
import numpy as np

def run():
    warnings.warn('careful')
    logging.warning('careful %s', 'again')
    with np.errstate(all='warn'):
        np.array([1.0]) / np.zeros(1)
    print(np.array([1.0, np.nan]), f'{3.14159:.2f}', repr(np.float64(2.0)), flush=True)
    assert datetime.datetime.strptime('2026-01-02', '%Y-%m-%d').day == 2
    assert json.loads(json.dumps({'a': [1, 2.5]})) == {'a': [1, 2.5]}
    assert re.findall(r'\\d+', 'a1b22') == ['1', '22']
    assert statistics.mean([1, 2, 3]) == 2 and decimal.Decimal('0.1') + 1 > 1 and fractions.Fraction(1, 3) < 1
    assert '\\N{GREEK SMALL LETTER ALPHA}'.encode('utf-8').decode('latin-1') and time.perf_counter() > 0.0
    assert np.char.upper(np.array(['a']))[0] == 'A' and np.rec.array([(1,)]).size == 1
    assert np.median([3, 1, 2]) == 2 and np.percentile(range(11), 50) == 5 and np.unique([1, 1]).size == 1
    return True
""",
    'large arrays': """
import numpy as np

def run():
    total = 0.0
    for _ in range(20):
        total += np.random.rand(1_000_000).sum()
        big = sorted(range(200_000), key=lambda k: -k)
    time_table = np.zeros((100, 100, 100)).tolist()
    return total > 0 and big[0] == 199_999 and len(time_table) == 100
""",
}


@pytest.mark.parametrize('name', PROGRAMS)
def test_program_runs(sandbox: Sandbox, name: str) -> None:
    with sandbox.load(PROGRAMS[name]) as worker:
        assert worker.call('run') is True, worker.output


def test_warnings_go_to_the_output(sandbox: Sandbox) -> None:
    with sandbox.load(PROGRAMS['text and warnings']) as worker:
        worker.call('run')
        for said in (
            'UserWarning: careful',
            'WARNING:root:careful again',
            'divide by zero',
            '[ 1. nan] 3.14',
        ):
            assert said in worker.output


def test_module_that_is_not_loaded_is_not_found(sandbox: Sandbox) -> None:
    with pytest.raises(ProgramError, match="ModuleNotFoundError: No module named 'sqlite3'"):
        sandbox.load('import sqlite3')
