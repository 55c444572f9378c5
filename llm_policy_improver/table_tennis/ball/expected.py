"""What is expected of the balls to come, as flights that are over showed it."""

from dataclasses import dataclass, replace
from typing import Final

from llm_policy_improver.table_tennis.ball.restitution import Restitution
from llm_policy_improver.table_tennis.ball.spin import Spin
from llm_policy_improver.table_tennis.ball.state import BallModel


@dataclass(frozen=True, slots=True)
class Expected:
    """Of the next ball; None where nothing is known yet.

    Attributes:
        spin: when it comes into view.
        restitution: of its bounce on the table.
    """

    spin: Spin | None = None
    restitution: Restitution | None = None

    def model(self, model: BallModel) -> BallModel:
        """A model of flight and bounces that goes by what is expected."""
        if self.restitution is None:
            return model
        return replace(model, table_restitution=self.restitution.mean)

    def __str__(self) -> str:
        spin = '' if self.spin is None else f'to spin by {self.spin} rad/s'
        bounce = '' if self.restitution is None else f'to leave the table with {self.restitution} of their speed'
        return ' and '.join(filter(None, (spin, bounce)))


NOTHING: Final = Expected()
"""Is expected before enough balls were seen."""
