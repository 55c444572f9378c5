"""The sandbox: a warm zygote, and a confined worker for each program."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from llm_policy_improver.core.policy import Program
from llm_policy_improver.sandbox.bubblewrap import bubblewrap
from llm_policy_improver.sandbox.errors import SandboxUnavailableError
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.protections import missing, missing_sentence, sentence
from llm_policy_improver.sandbox.worker import Worker
from llm_policy_improver.sandbox.zygote import Zygote, module_folders


def _started(modules: Sequence[str], around: Sequence[str]) -> tuple[Zygote, tuple[Protection, ...]]:
    """The zygote, within bubblewrap if that works here."""
    if around:
        try:
            return Zygote(modules, around), (Protection.BUBBLEWRAP,)
        except SandboxUnavailableError:  # e.g. no user namespaces for ordinary users
            pass
    return Zygote(modules), ()


class Sandbox:
    """Runs programs that are not trusted. May be used from any thread; each worker from one at a time.

        with Sandbox() as sandbox, sandbox.load(program) as worker:
            policy = worker.new('Policy', seed=7)
            action = worker.call_method(policy, 'act', observation)

    Args:
        limits: that each program is held to.
        modules: that programs may use beyond the standard library's harmless ones and NumPy.

    Attributes:
        protections: what holds programs on this machine.

    Raises:
        SandboxUnavailableError: this machine cannot confine programs.
    """

    def __init__(self, limits: Limits | None = None, modules: Sequence[str] = ()) -> None:
        self._limits = limits or Limits()
        around = bubblewrap(module_folders(('numpy', *modules)))
        self._zygote, wrapped = _started(modules, around)
        try:
            with Worker(self._zygote, self._limits) as probe:
                self.protections = (*probe.protections, *wrapped)
            absent = missing(self.protections)
            if absent:
                raise SandboxUnavailableError(missing_sentence(absent))
        except BaseException:
            self.close()
            raise

    @property
    def sentence(self) -> str:
        """What holds programs, in a sentence."""
        return sentence(self.protections)

    def load(self, program: Program | str, limits: Limits | None = None) -> Worker:
        """A worker that has executed a program's source.

        Args:
            program: or its source.
            limits: where others than the sandbox's are to hold.

        Raises:
            ProgramError: the program does not compile, or raised.
            ProgramTimeoutError: it took too long.
            ProgramDiedError: its process ended.
        """
        worker = Worker(self._zygote, limits or self._limits)
        try:
            worker.load(program.source if isinstance(program, Program) else program)
        except BaseException:
            worker.close()
            raise
        return worker

    def close(self) -> None:
        """End all of it."""
        self._zygote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
