import json
import math
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.played_blocks import Block, PlayedBlocks
from llm_policy_improver.table_tennis.tracing.observed import Outcome

VALUES = (0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, math.inf, math.nan)


def block(count: int = 2) -> Block:
    trial = Trial(
        Parameters(('b', 'a'), (1 / 3, -2.5)), Outcome.LANDED, {f'm{i}': each for i, each in enumerate(VALUES)},
        succeeded=True, proposed_by='neutral', note='landed at (−0.02, 0.86) m',
    )  # fmt: skip
    return ((trial, Trial(trial.policy, 'missed', tested=False)), (trial, None))[:count]


@pytest.fixture
def blocks(tmp_path: Path) -> PlayedBlocks:
    made = PlayedBlocks(tmp_path / 'cache' / 'prior.trials', (2, 2, 1))
    made.prepare()
    return made


def file_of(blocks: PlayedBlocks, number: int) -> Path:
    """The file of a block that was just kept there."""
    blocks.keep(number, block(blocks.sizes[number]))
    return max(blocks.folder.glob('*.json.z'), key=lambda path: path.name)


def test_a_block_comes_back_float_for_float(blocks: PlayedBlocks) -> None:
    blocks.keep(1, block())
    assert blocks.missing() == [0, 2]
    read = blocks.read(1)
    assert read is not None
    (first, second), (again, none) = read
    assert none is None
    assert second is not None
    assert not second.tested
    for kept in (first, again):
        given = block()[0][0]
        assert kept.policy == given.policy
        assert list(kept.measures) == list(given.measures)
        assert [struct.pack('d', each) for each in kept.measures.values()] == [
            struct.pack('d', each) for each in VALUES
        ]
        assert kept.outcome == Outcome.LANDED
        assert (kept.succeeded, kept.tested, kept.note) == (True, True, given.note)


def test_blocks_that_nobody_began_come_first_then_the_one_begun_the_longest_ago(blocks: PlayedBlocks) -> None:
    other = PlayedBlocks(blocks.folder, blocks.sizes)  # of another process
    assert [blocks.take(), other.take(), blocks.take()] == [0, 1, 2]
    for number, seconds in ((0, 2_000), (1, 1_000), (2, 3_000)):
        os.utime(blocks.folder / f'{number:04}.begun', (seconds, seconds))
    assert [other.take(), blocks.take()] == [1, 0]
    for number in (0, 1):
        blocks.keep(number, block())
    assert blocks.take() == 2
    blocks.keep(2, block(1))
    assert blocks.take() is None


@pytest.mark.parametrize(
    'damaged',
    [
        lambda content: b'',
        lambda content: content[:-1],
        lambda content: content[:20] + bytes([content[20] ^ 1]) + content[21:],
        lambda content: b'cos\nsystem\n(S"true"\ntR.',  # a pickle
        lambda content: zlib.compress(b'{"of": "another program"}'),
        lambda content: zlib.compress(b'[[{"policy": {}, "outcome": "landed"}, null], [1, 2]]'),
        lambda content: zlib.compress(json.dumps(json.loads(zlib.decompress(content))[:1]).encode()),
    ],
)
def test_a_block_that_is_damaged_is_missing(blocks: PlayedBlocks, damaged: Callable[[bytes], bytes]) -> None:
    blocks.keep(0, block())
    path = file_of(blocks, 1)
    path.write_bytes(damaged(path.read_bytes()))
    assert blocks.read(1) is None
    blocks.prepare()
    assert blocks.missing() == [1, 2]
    blocks.keep(1, block())
    assert blocks.read(1) is not None


def test_what_is_removed_is_not_begun_again(blocks: PlayedBlocks) -> None:
    assert blocks.take() == 0
    blocks.remove()
    blocks.keep(0, block())  # of a process that was still at it
    assert blocks.take() is None
    assert not list(blocks.folder.parent.iterdir())
    blocks.remove()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(OSError):
        PlayedBlocks(tmp_path / 'file' / 'prior.trials', (1,)).prepare()
