"""A person's own program in the episodes of a task, in the sandbox like those of a language model."""

import ast
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.core.policy import Program
from llm_policy_improver.experiments.policy_kind import PolicyKind, kind_of
from llm_policy_improver.methods.programs.replies import top_level
from llm_policy_improver.methods.programs.returns import Returns
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.tasks.program_task import ProgramTask
from llm_policy_improver.tasks.registry import make_environment

ENTRIES: Final = ('Policy', 'get_action')
"""What a program may be: a class with ``act(self, obs)``, or a function of the named numbers of an observation."""


class ProgramFileError(ValueError):
    """A file holds no program; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """What a program came to.

    Attributes:
        sandbox: what held it, a sentence.
        kind: of policy that it is.
        returns: of its episodes, as far as they were played to their end.
        note: of the trial: what it came to, or how it failed, with the lines of the program that led there.
        failed: whether it failed.
    """

    sandbox: str
    kind: PolicyKind
    returns: tuple[float, ...]
    note: str
    failed: bool

    @property
    def told(self) -> Returns | None:
        """Mean return and standard error; None where the program failed."""
        return None if self.failed else Returns(self.returns)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        told = self.told
        return {
            'mean': None if told is None else told.mean,
            'standard_error': None if told is None else told.standard_error,
            'returns': list(self.returns), 'kind': self.kind.value, 'failed': self.failed, 'note': self.note,
            'sandbox': self.sandbox,
        }  # fmt: skip


def read_program(path: Path) -> Program:
    """The program in a file.

    Raises:
        ProgramFileError: it cannot be read, is no Python, or defines none of `ENTRIES`.
    """
    try:
        source = path.read_text(encoding='utf-8')
        ast.parse(source)
    except OSError as error:
        raise ProgramFileError(f'{path} cannot be read: {error.strerror}') from None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ProgramFileError(f'{path} is no Python: {error}') from None
    entry = next((name for name in ENTRIES if name in top_level(source)), None)
    if entry is None:
        raise ProgramFileError(
            f'{path} must define, at its top level, a class Policy with act(self, obs), or a function get_action of '
            'the named numbers of an observation'
        )
    return Program(source, entry)


def run_file(path: Path, task: str, episodes: int, seed: int = 0) -> FileResult:
    """Play the program in a file.

    Args:
        path: of the file.
        task: name, of `tasks.registry.TASKS`.
        episodes: to play, at least 1.
        seed: of the block of so many episodes, from 0.

    Raises:
        ProgramFileError: the file holds no program.
        UnknownTaskError: there is no such task.
        MissingPackageError: the task rests on a package that is not installed.
        SandboxUnavailableError: this machine cannot confine programs.
    """
    program = read_program(path)
    with closing(make_environment(task)) as environment, Sandbox() as sandbox:
        trial = ProgramTask(environment, sandbox, episodes).run(program, seed)
        returns = tuple(episode.total for episode in trial.samples or ())
        kind = kind_of(program.source)
        return FileResult(sandbox.sentence, kind, returns, trial.note, not trial.succeeded)
