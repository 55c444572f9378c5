"""Parameters that change when the swing begins: what guards the arm holds whatever is chosen."""

import numpy as np
import pytest
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.bench.attacks.attack import Attack
from llm_policy_improver.table_tennis.bench.attacks.case import Case
from llm_policy_improver.table_tennis.bench.attacks.range import ATTACKS, Range
from llm_policy_improver.table_tennis.control.choosing import IncomingBall

Array = NDArray[np.float64]


class AnyChoice(Attack):
    """Chooses far beyond any envelope, which is not there to stop it."""

    size = 3.0
    taken = 0

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.chooser = self

    def prepare(self, parameters: Modulation) -> None:
        """Nothing to prepare."""

    def ask(self, ball: IncomingBall) -> None:
        """Nothing to ask."""

    def take(self) -> tuple[Array, Array] | None:
        AnyChoice.taken += 1
        attenuation, residual = self._rng.normal(0.0, self.size, (2, 8))
        return attenuation, residual


class HugeChoice(AnyChoice):
    size = 1e9


class NoNumber(AnyChoice):
    size = np.nan


@pytest.fixture(scope='module')
def place() -> Range:
    return Range()


@pytest.mark.parametrize('attack', [AnyChoice, HugeChoice, NoNumber])
def test_whatever_is_chosen_for_a_swing_what_is_sent_keeps_the_limits(
    attack: type[Attack], place: Range, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ATTACKS, 'chosen', attack)
    for seed in range(3):
        before = AnyChoice.taken
        result = place.run(Case('chosen', seed))
        assert AnyChoice.taken > before
        assert result.violations == {}
        assert result.moved
