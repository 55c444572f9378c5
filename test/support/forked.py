"""Python programs run one after the other in processes forked from one that has loaded the large packages already.

What is the same for all of them, some 2 s of importing, is done once. The package itself is not among it: each program
imports the one that lies in its folder.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

LARGE = (
    'click', 'matplotlib.backends.backend_agg', 'matplotlib.figure', 'mujoco', 'numba', 'numpy', 'openai', 'pydantic',
    'rich.console', 'scipy.optimize', 'scipy.spatial', 'scipy.stats', 'yaml',
)  # fmt: skip


def run_module(
    arguments: list[str], folder: Path, surroundings: Mapping[str, str], seconds: float = 600.0
) -> str:
    """What ``python -m ARGUMENTS``, or ``python -c ARGUMENTS``, prints in a folder.

    Args:
        arguments: after ``python``: ``-m`` and a module, or ``-c`` and a text, and what they are given.
        folder: to be in; modules in it come first.
        surroundings: environment variables beside those of this process.
        seconds: it may take.
    """
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(list(LARGE))
    printed = folder / 'printed.txt'
    process = context.Process(target=_run, args=(arguments, str(folder), str(printed), dict(surroundings)))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    said = printed.read_text()
    assert process.exitcode == 0, said
    return said


def _run(arguments: list[str], folder: str, printed: str, surroundings: dict[str, str]) -> None:
    with Path(printed).open('w') as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    loaded = [name for name in sys.modules if name.split('.')[0] == 'llm_policy_improver']
    assert not loaded, f'the package would not come from {folder}: {loaded[0]} is loaded'
    os.environ.update(surroundings)
    import numba

    numba.core.config.reload_config()  # it has read its settings where it was loaded
    os.chdir(folder)
    sys.path.insert(0, folder)
    kind, what, *given = arguments
    sys.argv = ['-c', *given] if kind == '-c' else [what, *given]
    if kind == '-c':
        exec(compile(what, '<string>', 'exec'), {'__name__': '__main__'})
    else:
        runpy.run_module(what, run_name='__main__', alter_sys=True)
