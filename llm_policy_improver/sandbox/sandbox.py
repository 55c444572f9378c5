"""The sandbox: where programs that are not trusted are run."""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from llm_policy_improver.sandbox.confined import Processes
from llm_policy_improver.sandbox.errors import SandboxError, SandboxUnavailableError
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.protections import sentence
from llm_policy_improver.sandbox.worker import Worker


class Workers(Protocol):
    """Makes workers of one kind."""

    @property
    def protections(self) -> tuple[Protection, ...]:
        """What holds the programs in them."""

    @property
    def takes_arrays(self) -> bool:
        """Whether these can be given NumPy arrays; else lists."""

    @property
    def not_used(self) -> str:
        """A sentence about what more there might be, and why it is not used; else empty."""

    def worker(self, limits: Limits) -> Worker:
        """A new one, with nothing loaded."""

    def close(self) -> None:
        """End all of them."""


class Sandbox:
    """Runs programs that are not trusted. May be used from any thread; each worker from one at a time.

        with Sandbox() as sandbox, sandbox.load(source) as worker:
            policy = worker.new('Policy', seed=7)
            action = worker.call_method(policy, 'act', observation)

    Args:
        limits: that each program is held to.
        modules: that programs may use beyond the standard library's harmless ones and NumPy.

    Raises:
        SandboxUnavailableError: this machine cannot confine programs.
    """

    def __init__(self, limits: Limits | None = None, modules: Sequence[str] = ()) -> None:
        self._limits = limits or Limits()
        self._workers = _start(modules)

    @property
    def limits(self) -> Limits:
        """That each program is held to."""
        return self._limits

    @property
    def protections(self) -> tuple[Protection, ...]:
        """What holds programs on this machine."""
        return self._workers.protections

    @property
    def sentence(self) -> str:
        """What holds programs, and where something stronger does not work here, why it does not."""
        return sentence(self.protections, self._workers.not_used)

    @property
    def takes_arrays(self) -> bool:
        """Whether programs can be given NumPy arrays; else lists."""
        return self._workers.takes_arrays

    def load(self, source: str, limits: Limits | None = None) -> Worker:
        """A worker that has executed a program's source.

        Args:
            source: of the program.
            limits: where others than the sandbox's are to hold.

        Raises:
            ProgramError: the program does not compile, or raised.
            ProgramTimeoutError: it took too long.
            ProgramDiedError: its process ended.
        """
        worker = self._workers.worker(limits or self._limits)
        try:
            worker.load(source)
        except BaseException:
            worker.close()
            raise
        return worker

    def close(self) -> None:
        """End all of it."""
        self._workers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _start(modules: Sequence[str]) -> Workers:
    """Confined processes; where they cannot be had on this machine, interpreters, if they are installed."""
    try:
        return Processes(modules)
    except SandboxError as error:
        reason = str(error)
    try:
        from llm_policy_improver.sandbox.monty import Interpreters
    except ImportError:
        raise SandboxUnavailableError(
            f"{reason}; programs without NumPy can run after pip install 'llm-policy-improver[sandbox]'"
        ) from None
    return Interpreters(f'Confined processes are not used: {reason}.')
