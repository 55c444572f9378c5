"""Answers that a program forges at random: each ends in plain data or in an error of the sandbox, at once."""

import math
from typing import Any

import pytest

from llm_policy_improver.sandbox.errors import SandboxError
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.sandbox import Sandbox

FORGING = """
import os, random, struct

ANSWERS = [
    b'[2,true,[%s]]', b'[2,false,[0,"KeyError","x","  line 1"]]', b'[2,true,[{"a":[1.5,-2e9,null,"b"]}]]',
    b'[2,true,[1e999]]', b'[2,true,[NaN]]', b'[2,true,["\\\\ud800"]]', b'[2,false,[0,"\\\\u001b[2J","\\\\u202e",""]]',
    b'[2,true,[' + b'9' * 5000 + b']]', b'[2,true,' + b'[' * 500 + b']' * 500 + b']', b'[2.0,1,[0]]', b'null', b'',
    b'{"2":true}', b'[2,true,0]', b'[2,true,[0,0]]', b'[true,true,[0]]', b'[2,false,[-1,"a","b","c"]]',
]
PIECES = [
    b'[', b']', b'{', b'}', b'"', b',', b':', b'1', b'-', b'e', b'.', b'null',
    b'true', b'NaN', b'\\\\', b'\\xff', b'\\x00',
]

def forge(seed):
    draw = random.Random(seed)
    answer = bytearray(draw.choice(ANSWERS).replace(b'%s', str(seed).encode()))
    for _ in range(draw.randrange(4)):
        place = draw.randrange(len(answer) + 1)
        answer[place : place + draw.randrange(3)] = draw.choice(PIECES)
    size = len(answer) + draw.choice([0, 0, 0, 0, 1, -1, 100, 2**31])
    os.write(3, struct.pack('=I', max(size, 0)) + answer)
    return 0
"""


def plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(plain, value))
    if isinstance(value, dict):
        return all(map(plain, value)) and all(map(plain, value.values()))
    return (
        value is None or isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))
    )


@pytest.mark.parametrize('first', range(0, 120, 30))
def test_forged_answers_do_no_harm(sandbox: Sandbox, first: int) -> None:
    for seed in range(first, first + 30):
        with sandbox.load(FORGING, Limits(call_seconds=0.1)) as worker:
            said = ''
            try:
                assert plain(worker.call('forge', seed)), seed
                worker.call('forge', seed)
            except SandboxError as error:
                said = str(error)
            assert '\x1b' not in said, seed
        with sandbox.load('def f(): return 1') as other:
            assert other.call('f') == 1
