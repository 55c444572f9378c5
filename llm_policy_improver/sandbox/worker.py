"""A worker: one program that can be called, wherever it runs."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from llm_policy_improver.sandbox.errors import ProgramError
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.values import Outgoing

Call = tuple[Any, ...]
"""An object's number, the name of a method, and its arguments."""

MODULE: Final = 0
"""The number of the program itself, with its functions."""


class Worker(ABC):
    """One program that can be called. Used from one thread at a time.

    Attributes:
        protections: what holds the program.
        takes_arrays: whether the program can be given NumPy arrays; else lists.
    """

    protections: tuple[Protection, ...]
    takes_arrays: bool = True

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    @property
    @abstractmethod
    def output(self) -> str:
        """What the program has printed, as far as it was kept; also after its end."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether it can be called."""

    @abstractmethod
    def close(self) -> None:
        """End it."""

    @abstractmethod
    def _ask(self, kind: str, content: Any, arrays: bool, seconds: float, what: str) -> Any:
        """Make a request of `inside.loop`.

        Args:
            kind, content: of the request.
            arrays: whether its values hold arrays.
            seconds: that it may take.
            what: is called, for messages.
        """

    @abstractmethod
    def _break(self, what: str) -> NoReturn:
        """End it, as it answered with something else than was asked."""

    def load(self, source: str) -> None:
        """Execute the program's source; once, and first.

        Raises:
            ProgramError: it does not compile, or raised.
            ProgramTimeoutError: it took too long.
            ProgramDiedError: its process ended.
        """
        size = len(source.encode(errors='replace'))
        if size > self._limits.source_bytes:
            raise ProgramError(
                'the program', 'SyntaxError', f'it has {size} bytes; {self._limits.source_bytes} are the most'
            )
        self._ask('load', source, False, self._limits.load_seconds, 'the program')

    def new(self, name: str, *arguments: Any, seed: int = 0, **keywords: Any) -> int:
        """A fresh object of the program's class, or what its function of this name returns.

        Args:
            name: of the class.
            arguments, keywords: it is made with.
            seed: of everything random in the program from here on.

        Returns:
            The object's number, for `call_method`.

        Raises:
            ProgramError, ProgramTimeoutError, ProgramDiedError: as `load` does.
        """
        outgoing = Outgoing()
        content = (seed, name, outgoing.arguments(arguments), outgoing.keywords(keywords))
        made = self._ask('new', content, outgoing.arrays, self._limits.new_seconds, name)
        if type(made) is not int:
            self._break('no number of an object')
        return made

    def call(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of the program; what it returns. Raises as `load` does."""
        return self.call_method(MODULE, name, *arguments, **keywords)

    def call_method(self, target: int, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a method of an object; what it returns. Raises as `load` does."""
        outgoing = Outgoing()
        call = (target, name, outgoing.arguments(arguments), outgoing.keywords(keywords))
        return self._call((call,), outgoing.arrays)[0]

    def call_methods(self, calls: Sequence[Call]) -> list[Any]:
        """Call many methods in one round trip; what they return. The first that raises ends it, as `load` does."""
        outgoing = Outgoing()
        content: tuple[Any, ...] = tuple(
            [(each[0], each[1], outgoing.arguments(each[2:]), {}) for each in calls]
        )
        return self._call(content, outgoing.arrays) if content else []

    def delete(self, *targets: int) -> None:
        """Let the program forget objects."""
        self._ask('delete', targets, False, self._limits.call_seconds, 'letting go of an object')

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, content: tuple[tuple[int, str, tuple[Any, ...], Any], ...], arrays: bool) -> list[Any]:
        results = self._ask('calls', content, arrays, len(content) * self._limits.call_seconds, content[0][1])
        if type(results) is not list or len(results) != len(content):
            self._break('not one result a call')
        return results
