"""The cell of the rehearsal whose nodes are killed, and started again as the launch files do it."""

from pathlib import Path
from typing import Final

from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.demo import RunFailedError
from llm_policy_improver.nodes.rehearsal_cell import RehearsalCell, RehearsalSettings
from llm_policy_improver.nodes.scripted_operator import ANSWER
from llm_policy_improver.srv import SetObjective

_PATIENCE: Final = 180.0
"""s that the optimizer may take to start and to answer."""
_BEGUN: Final = (OptimizerStatus.RUNNING, OptimizerStatus.WAITING_FOR_APPROVAL)
"""States of the optimizer in a run."""


class RespawnedCell(RehearsalCell):
    """Bears any number of faults and refusals. Arguments and attributes as those of the rehearsal's cell."""

    def __init__(
        self, settings: RehearsalSettings, folder: Path, namespace: str, measured: bool = False
    ) -> None:
        self._killed: set[str] = set()
        super().__init__(settings, folder, namespace, measured)
        self._objectives = self.node.create_client(SetObjective, 'set_objective')

    def kill(self, name: str) -> None:
        """End a node by force, at once: no handler, no farewell."""
        next(process for process in self.processes if process.name == name).kill()
        self._killed.add(name)

    def check(self) -> None:
        """Start again who was killed.

        Raises:
            RunFailedError: a node ended by itself.
        """
        for process in self.processes:
            if process.running:
                continue
            if process.name not in self._killed:
                raise RunFailedError(f'{process.name} ended: {process.last_words}')
            self._killed.remove(process.name)
            process.start()

    def ask(self, objective: str) -> None:
        """Set an objective by the service; unlike a goal of the action it survives the end of the optimizer's process.

        Raises:
            RunFailedError: it was refused, or a node ended by itself.
        """
        if not self.until(self._objectives.service_is_ready, _PATIENCE):
            raise RunFailedError('the optimizer did not start in time')
        end = self.now + _PATIENCE
        accepted = False
        # An answer can get lost while the nodes find each other; that the run has begun says as much.
        while not accepted and self.run not in _BEGUN and self.now < end:
            asked = self._objectives.call_async(SetObjective.Request(objective=objective))
            self.until(asked.done, ANSWER)
            accepted = asked.done() and asked.result().accepted
            if asked.done() and not accepted:
                self.until(lambda: self.run in _BEGUN, ANSWER)
                break
        if not accepted and self.run not in _BEGUN:
            raise RunFailedError(f'the optimizer refused the objective "{objective}"; its log says why')
