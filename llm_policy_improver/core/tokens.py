"""What the operator's key is asked for: tokens that let one thing happen once.

    token = operation_token(key, ARM, status.challenge, 'Ada')

A token tells that a person who has the key wants just this, now. Who hears it on the network may repeat it, to no use:
the challenge that it answers is never asked again, and a proposal is decided on once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack
from typing import Final

from llm_policy_improver.core.security import Key, packed

ARM: Final = 'arm'
RESUME: Final = 'resume'
CHECK: Final = 'check_drives'


def operation_token(key: Key, operation: str, challenge: str, operated_by: str) -> str:
    """To arm, resume or check the drives.

    Args:
        key: the operator's.
        operation: `ARM`, `RESUME` or `CHECK`.
        challenge: of the controller's latest status.
        operated_by: who does it.
    """
    return key.seal(operation, packed(challenge.encode(), operated_by.encode()))


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal as a person saw it: a decision on other numbers is none on these.

    Attributes:
        run: that it is of.
        version: that it would have.
        names, values: of its parameters.
        source, entry: of its program, where it is one.
        low, high: the program's envelope.
    """

    run: str
    version: int
    names: tuple[str, ...]
    values: tuple[float, ...]
    source: str = ''
    entry: str = ''
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def token(
        self, key: Key, decision: str, decided_by: str, reason: str = '', edited: Sequence[float] = ()
    ) -> str:
        """For one decision on it.

        Args:
            key: the operator's.
            decision: one of `loop.approval.DECISIONS`.
            decided_by: who decides.
            reason: why.
            edited: the person's own numbers.
        """
        texts = (
            self.run, str(self.version), self.source, self.entry, decision, decided_by, reason, *self.names,
        )  # fmt: skip
        numbers = (self.values, self.low, self.high, edited)
        parts = [text.encode('utf-8', 'surrogatepass') for text in texts]
        return key.seal('decide', packed(*parts, *(pack(f'<{len(each)}d', *each) for each in numbers)))
