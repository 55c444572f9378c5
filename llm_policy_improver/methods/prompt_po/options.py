"""How PromptPO asks."""

from dataclasses import dataclass
from typing import Final

CANDIDATES: Final = 3
"""Of a round, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class PromptPoOptions:
    """How PromptPO asks. The paper has 10 candidates a round and up to 10 repairs.

    Attributes:
        candidates: programs asked for in a round, all with the same prompt.
        repairs: how often a program that failed is mended at most.
        asked_again: further requests where a reply cannot be used.
        feedback: whether a class that sums episodes up is asked for.
        longest_line: characters of what it says of an episode.
        history_tokens: of what a prompt tells of earlier rounds, as `llm.tokens` counts them; beyond it older rounds
            are told in short.

    Raises:
        ValueError: an option has a value it must not have.
    """

    candidates: int = CANDIDATES
    repairs: int = 3
    asked_again: int = 1
    feedback: bool = True
    longest_line: int = 300
    history_tokens: int = 12_000

    def __post_init__(self) -> None:
        if not 1 <= self.candidates <= 100:
            raise ValueError(f'candidates must be 1 to 100; got {self.candidates}')
        if not 0 <= self.repairs <= 10 or not 0 <= self.asked_again <= 10:
            raise ValueError(
                f'repairs and asked_again must be 0 to 10; got {self.repairs}, {self.asked_again}'
            )
        if self.longest_line < 20 or self.history_tokens < 500:
            raise ValueError(
                'longest_line must be at least 20 characters and history_tokens at least 500; '
                f'got {self.longest_line}, {self.history_tokens}'
            )
