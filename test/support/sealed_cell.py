"""All nodes with keys, in simulation."""

from pathlib import Path
from typing import Any

from arm_operator import ArmOperator
from ros_graph import RosGraph

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.msg import ExecutionTrace, OptimizerStatus, PolicyParameters
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.srv import ApproveParameters
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)


class SealedCell:
    """All nodes with keys, in simulation, where a trial takes no time; somebody on the network beside them."""

    def __init__(self, graph: RosGraph, folder: Path, **optimizer: Any) -> None:
        self.graph, self.folder = graph, folder / 'run'
        self.keys = SecuritySettings(str(folder / 'run.key'), str(folder / 'operator.key'))
        graph.add(SimulatorNode, SimulatorSettings())
        self.controller = graph.add(ControllerNode, ControllerSettings(security=self.keys))
        self.logger = graph.add(
            TraceLoggerNode, TraceLoggerSettings(output_folder=str(self.folder), security=self.keys)
        )
        settings: dict[str, Any] = {'first_trials': 2, 'method': 'least_squares', 'all_trials': True} | optimizer
        graph.add(
            OptimizerNode, OptimizerSettings(output_folder=str(self.folder), security=self.keys, **settings)
        )
        self.operator = ArmOperator(graph, self.keys)
        self.states = self.operator.states
        self.told = graph.collect(OptimizerStatus, 'optimizer/status', LATCHED)
        self.sent = graph.collect(PolicyParameters, 'policy_parameters', LATCHED)
        self.traces = graph.collect(ExecutionTrace, 'execution_trace', TRACES)
        graph.spin_until(lambda: self.states, 'the controller')

    @property
    def left_out(self) -> int:
        return int(self.states[-1].left_out)

    def until_left_out(self, count: int) -> None:
        self.graph.spin_until(lambda: self.left_out >= count, f'{count} messages left out')

    def waiting(self, version: int) -> OptimizerStatus:
        def waits() -> bool:
            last = self.told[-1] if self.told else OptimizerStatus()
            return bool(
                last.state == OptimizerStatus.WAITING_FOR_APPROVAL and last.proposed_version == version
            )

        self.graph.spin_until(waits, f'version {version}, which waits')
        return self.told[-1]

    def decide(self, token: str = '', **request: Any) -> ApproveParameters.Response:
        asked = ApproveParameters.Request(decided_by='Ada', token=token, **request)
        return self.graph.call(ApproveParameters, 'optimizer/approve_parameters', asked)
