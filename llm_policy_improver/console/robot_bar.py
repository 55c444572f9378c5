"""On every page beside a robot: what moves, how it stands, why it was stopped, and the emergency stop."""

from pathlib import Path
from typing import Final

from nicegui import ui

from llm_policy_improver.console.texts import text
from llm_policy_improver.report.robot import DISARMED, ESTOP, FAULT, PLAYING, READY, Kind, Robot, RobotState

PERIOD: Final = 0.25
"""s between two looks."""
STATES: Final = {
    '': 'not heard yet',
    DISARMED: 'disarmed: it stands',
    READY: 'armed, waits for a ball',
    PLAYING: 'armed, plays a ball',
    FAULT: 'stopped by a fault',
    ESTOP: 'stopped by a person',
}
_CLASSES: Final = {
    Kind.NOBODY: '', Kind.SIMULATION: 'simulated', Kind.STAND_IN: 'stand-in', Kind.PHYSICAL: 'nodes',
}  # fmt: skip


class EmergencyStop(ui.element, component=Path(__file__).parent / 'browser' / 'emergency_stop.js'):
    """The button, Esc, and what came of it."""


class RobotBar:
    """For one browser. Made within a page; it follows the robot."""

    def __init__(self, robot: Robot) -> None:
        self._robot = robot
        with ui.element('section').classes('robot-bar').props('aria-label="The robot"'):
            with ui.element('div').classes('robot-state'):
                with ui.element('p').classes('pills').props('role=status'):
                    self._kind, self._state = text('span', '', 'pill'), text('span', '', 'pill')
                self._fault = text('p', '', 'stopped')
                self._fault.props['role'] = 'alert'
            self._stop = EmergencyStop()
        self._look()
        ui.timer(PERIOD, self._look)

    def _look(self) -> None:
        state = self._robot.state()
        self._kind.text = state.kind.value
        self._kind.classes(replace=f'pill {_CLASSES[state.kind]}')
        self._state.text = _controller(state)
        moving = not state.silent and state.controller in (READY, PLAYING)
        self._state.classes(replace='pill on' if moving else 'pill')
        self._fault.text = _fault(state)
        self._fault.set_visibility(bool(self._fault.text))
        self._stop.props['stopped'] = state.controller == ESTOP
        self._stop.props['physical'] = state.kind in (Kind.PHYSICAL, Kind.STAND_IN)


def _controller(state: RobotState) -> str:
    if state.silent:
        return 'the controller has fallen silent'
    return STATES.get(state.controller, state.controller)


def _fault(state: RobotState) -> str:
    if state.silent:
        return 'Nothing has come from the controller for two seconds: what is shown is old.'
    if not state.controller and state.left_out:
        return 'What is heard was not sealed by this run: name the parameter file of its nodes with --config.'
    if not state.fault:
        return ''
    return f'Stopped: {state.fault}. It is commanded to stand still until somebody resumes.'
