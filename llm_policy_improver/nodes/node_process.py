"""A node in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from llm_policy_improver.nodes.enclaves import REHEARSE, enclave_arguments

_ENDING: Final = 10.0
"""s that a process is given to end; the controller slows the arm down before."""


class NodeProcess:
    """Out of reach of a Ctrl-C in the terminal; its output is added to a file.

    Args:
        name: of the node, and of its module.
        namespace: of the node.
        parameters: file of its settings.
        log: for its output.
        environment: variables beside those of this process.
    """

    def __init__(
        self, name: str, namespace: str, parameters: Path, log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self._environment = os.environ | dict(environment)
        self._log = log
        self._command = [sys.executable, '-m', f'llm_policy_improver.nodes.{name}']
        self._command += ['--ros-args', '-r', f'__ns:={namespace}', '--params-file', str(parameters)]
        self._command += enclave_arguments(REHEARSE + name)
        self.start()

    def start(self) -> None:
        """Start the process, another time where it has ended."""
        with self._log.open('ab') as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environment,
            )

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def last_words(self) -> str:
        """The last line it has written."""
        lines = self._log.read_text(errors='replace').strip().splitlines()
        return lines[-1] if lines else f'it ended with status {self._process.poll()}'

    def end(self) -> None:
        """As by Ctrl-C; by force where that does not help."""
        if self.running:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """By force: no handler, no farewell."""
        if self.running:
            self._process.kill()
            self._process.wait()
