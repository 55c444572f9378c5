"""How sensory-motor control asks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SensorimotorOptions:
    """How sensory-motor control asks.

    Attributes:
        steps: shown of the worst episode, from its end, as in the paper.
        repairs: how often code that failed is mended at most.
        asked_again: further requests where a reply cannot be used.

    Raises:
        ValueError: an option has a value it must not have.
    """

    steps: int = 20
    repairs: int = 3
    asked_again: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 1000:
            raise ValueError(f'steps must be 1 to 1000; got {self.steps}')
        if not 0 <= self.repairs <= 10 or not 0 <= self.asked_again <= 10:
            raise ValueError(
                f'repairs and asked_again must be 0 to 10; got {self.repairs}, {self.asked_again}'
            )
