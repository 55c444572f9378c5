"""Everything random in a program comes from the seed that the parent gives, so that a trial can be repeated."""

import os
import random
from typing import Any, Final

import numpy as np

_entropy: Final = random.Random(0)
"""Stands in for the system's random bytes."""


class SeededRandom(random.Random):
    """A generator that takes what it is not given from the seeded stream."""

    def seed(self, a: Any = None, version: int = 2) -> None:
        super().seed(_entropy.randbytes(32) if a is None else a, version)


def replace_entropy() -> None:
    """From here on `random`, `secrets`, `os.urandom` and `numpy.random` have no other source than the seed."""
    generator = SeededRandom()
    for name in random.__all__:
        if hasattr(generator, name):
            setattr(random, name, getattr(generator, name))
    vars(random).update(Random=SeededRandom, _inst=generator, _urandom=_entropy.randbytes)
    os.urandom = _entropy.randbytes


def seed_all(seed: int) -> None:
    """Begin anew, as after no other seed before."""
    _entropy.seed(str(seed))  # as a text: of an integer the sign would be lost
    random.seed(_entropy.getrandbits(64))
    np.random.seed(_entropy.getrandbits(32))  # noqa: NPY002 - for programs that use the global generator
