"""Settings of the programs as typed dataclasses, read from YAML files in the form of ROS 2 parameters.

The same files serve ``ros2 launch`` and the command line; the same dataclasses check both.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from llm_policy_improver.core.parameters import JOINTS, ParameterError, ParameterSpace
from llm_policy_improver.loop.approval import ApprovalConfig
from llm_policy_improver.methods.registry import CHOICES, WITH_MODEL, UnknownOptimizerError, require_known
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.table_tennis.arm.frames import CameraFrame
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.guard.guarded import GuardSettings
from llm_policy_improver.table_tennis.guard.handover import HandoverSettings
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoopSettings
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig

Settings = TypeVar('Settings')

NODES = ('simulator', 'stand_in_arm', 'controller', 'trace_logger', 'optimizer')
"""The nodes a parameter file may speak of."""


class SettingsError(ValueError):
    """A setting is unknown or has a value it must not have; the message says which and what is expected."""


def check_joint_names(names: tuple[str, ...], where: str) -> None:
    """Raise `SettingsError` unless ``names`` are the arm's eight joints in their order."""
    unknown = [name for name in names if name not in JOINTS]
    if unknown:
        raise SettingsError(f'{where}: unknown joint "{unknown[0]}"; the joints are {", ".join(JOINTS)}')
    if tuple(names) != JOINTS:
        raise SettingsError(
            f'{where}: joint_names must be all {len(JOINTS)} joints in this order: {", ".join(JOINTS)}'
        )


def check_priority(priority: int, where: str) -> None:
    """Raise `SettingsError` unless it is 0 (ordinary) or a priority of Linux' SCHED_FIFO, 1 to 99."""
    if not 0 <= priority <= 99:
        raise SettingsError(
            f'{where}: realtime_priority must be 0 (ordinary) or from 1 to 99 (SCHED_FIFO); got {priority}'
        )


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Of the simulator.

    Attributes:
        simulation: physics, sensors and balls.
        command_timeout: s of wall clock after which a trial without an answer from the controller is given up.
    """

    simulation: SimulationConfig = field(default_factory=SimulationConfig)
    command_timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Of the controller.

    Attributes:
        joint_names: the arm's joints, in the order of `core.parameters.JOINTS`.
        driver_joint_names: what the drivers call them, in the same order.
        lockstep: whether commands answer the simulator's ticks, instead of a clock.
        armed: of a simulated arm, which always is; a physical one is armed by the service only.
        autostart: whether the node configures and activates itself; otherwise whoever manages it does.
        realtime_priority: of the process, 1 to 99 for SCHED_FIFO; 0: ordinary.
        joint_state_topic, ball_topic: where the encoders and the cameras report.
        gantry_command_topic, arm_command_topic: where a ros2_control arm takes the velocities of the two slides
            and of the six axes; empty: not sent.
        peers: nodes that must go on giving signs of life on ``/diagnostics`` once they have begun to.
        controller: the controller itself.
        watchdog, inner_loop, handover, safety: what guards the physical arm.
        cameras: where the cameras' frame is.
    """

    joint_names: tuple[str, ...] = JOINTS
    driver_joint_names: tuple[str, ...] = JOINTS
    lockstep: bool = True
    armed: bool = False
    autostart: bool = True
    realtime_priority: int = 0
    joint_state_topic: str = 'joint_states'
    ball_topic: str = 'ball/position'
    gantry_command_topic: str = ''
    arm_command_topic: str = ''
    peers: tuple[str, ...] = ('trace_logger',)
    controller: ControllerConfig = field(default_factory=ControllerConfig)
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    inner_loop: InnerLoopSettings = field(default_factory=InnerLoopSettings)
    handover: HandoverSettings = field(default_factory=HandoverSettings)
    safety: SafetyLimits = field(default_factory=SafetyLimits)
    cameras: CameraFrame = field(default_factory=CameraFrame)

    def __post_init__(self) -> None:
        check_joint_names(self.joint_names, 'controller')
        check_priority(self.realtime_priority, 'controller')
        if len(set(self.driver_joint_names)) != len(JOINTS):
            raise SettingsError(
                f'controller: driver_joint_names must be {len(JOINTS)} different names, one for each of '
                f'{", ".join(JOINTS)}; got {len(self.driver_joint_names)}'
            )

    @property
    def guard(self) -> GuardSettings:
        """All that guards the physical arm."""
        return GuardSettings(self.watchdog, self.inner_loop, self.handover, self.safety)


@dataclass(frozen=True, slots=True)
class TraceLoggerSettings:
    """Of the trace logger.

    Attributes:
        output_folder: of the run; empty: a new folder under ``runs``.
        resume: whether the folder may already hold trials, to be continued.
        joint_state_topic, ball_topic: where the encoders and the cameras report.
        driver_joint_names: what the drivers call the joints, in the order of `core.parameters.JOINTS`.
        lockstep: whether trials end with the simulator's last tick, instead of by time.
        autostart: whether the node configures and activates itself; otherwise whoever manages it does.
        ball_lost: s without a sighting after which a trial is over.
        cameras: where the cameras' frame is.
    """

    output_folder: str = ''
    resume: bool = False
    joint_state_topic: str = 'joint_states'
    ball_topic: str = 'ball/position'
    driver_joint_names: tuple[str, ...] = JOINTS
    lockstep: bool = True
    autostart: bool = True
    ball_lost: float = 0.4
    cameras: CameraFrame = field(default_factory=CameraFrame)


@dataclass(frozen=True, slots=True)
class OptimizerSettings:
    """Of the improvement loop.

    Attributes:
        objective: plain words; empty: wait for the service or the action.
        optimizer: one of `methods.registry.CHOICES`: ``'auto'`` (``sas`` where ``model`` is set, else
            ``least_squares``), ``'sas'``, ``'hybrid'`` or a numeric one.
        base_url: of an OpenAI-compatible endpoint; empty: OPENAI_BASE_URL, or OpenAI's own.
        model: name of the language model.
        request_timeout: s for one request.
        request_retries: further attempts of a request that failed.
        token_budget: most tokens of a prompt; more trials than fit in are shown in part.
        candidates: proposals asked of the language model at a time; the most promising one is tried.
        rehearse: for runs on the arm: whether proposals are played in simulation first, and refused where they do
            badly there; a language model's candidates are compared there, too, and not by a regression.
        rehearsal: what is played, and what is refused.
        approval: whether proposals wait for a person.
        landing_noise: m, spread of the landing of repeated trials, where known; the language model is told, and may
            then repeat trials.
        trials: balls in a run, the first trials included.
        first_trials: spread over the bounds before the optimizer is asked.
        seed: draws the first trials and the balls.
        vary_balls: whether every trial meets another ball.
        feed_balls: whether balls are asked for by service; otherwise somebody throws them.
        trial_timeout: s of wall clock after which a ball that was fed and not reported is asked for again; the third
            time the run fails.
        output_folder: of the run, the same as the trace logger's; empty: proposals are not stored.
        resume: whether a run that was broken off in that folder is gone on with at the start.
        joint_names: the joints the bounds are for.
        attenuation_low, attenuation_high: bounds, one a joint.
    """

    objective: str = ''
    optimizer: str = 'auto'
    base_url: str = ''
    model: str = ''
    request_timeout: float = 120.0
    request_retries: int = 2
    token_budget: int = 4000
    candidates: int = 1
    rehearse: bool = False
    rehearsal: RehearsalConfig = field(default_factory=RehearsalConfig)
    approval: ApprovalConfig = field(default_factory=ApprovalConfig)
    landing_noise: float = 0.0
    trials: int = 39
    first_trials: int = 24
    seed: int = 0
    vary_balls: bool = False
    feed_balls: bool = True
    trial_timeout: float = 60.0
    output_folder: str = ''
    resume: bool = False
    joint_names: tuple[str, ...] = JOINTS
    attenuation_low: tuple[float, ...] = ParameterSpace().low
    attenuation_high: tuple[float, ...] = ParameterSpace().high

    def __post_init__(self) -> None:
        check_joint_names(self.joint_names, 'optimizer')
        try:
            require_known(self.optimizer, CHOICES)
        except UnknownOptimizerError as error:
            raise SettingsError(str(error)) from None
        if self.request_timeout <= 0.0 or self.request_retries < 0:
            raise SettingsError('request_timeout must be above 0 s and request_retries at least 0')
        if self.trial_timeout <= 0.0:
            raise SettingsError(f'trial_timeout must be above 0 s; got {self.trial_timeout:g} s')
        if self.trials < 1 or not self.first_trials >= 0:
            raise SettingsError(
                f'trials must be at least 1 and first_trials at least 0; got {self.trials} and {self.first_trials}'
            )
        if self.base_url and not self.model:
            raise SettingsError(
                'base_url names an endpoint but no model is named: give model, too (--model NAME)'
            )
        if self.optimizer in WITH_MODEL and not self.model:
            raise SettingsError(
                f'optimizer {self.optimizer} needs a language model: give its name (--model NAME)'
            )
        if not 0 <= self.seed < 2**62:
            raise SettingsError(f'seed must be a whole number from 0 to 2^62; got {self.seed}')
        if not 0.0 <= self.landing_noise <= 1.0:
            raise SettingsError(f'landing_noise must be between 0 and 1 m; got {self.landing_noise:g} m')
        self.sas_options()
        self.space()

    def sas_options(self) -> SasOptions:
        """How the language model is asked."""
        try:
            return SasOptions(token_budget=self.token_budget, candidates=self.candidates)
        except ValueError as error:
            raise SettingsError(f'optimizer: {error}') from None

    def space(self) -> ParameterSpace:
        """The bounds as the space the optimizers search."""
        try:
            return ParameterSpace(self.attenuation_low, self.attenuation_high)
        except ParameterError as error:
            raise SettingsError(f'optimizer: {error}') from None


def to_mapping(settings: Any, prefix: str = '') -> dict[str, Any]:
    """All settings as flat ``{'launcher.position': [..], ..}``, tuples as lists: the form of ROS 2 parameters."""
    flat: dict[str, Any] = {}
    for entry in fields(settings):
        if not entry.init:
            continue
        value = getattr(settings, entry.name)
        if is_dataclass(value):
            flat |= to_mapping(value, f'{prefix}{entry.name}.')
        else:
            flat[prefix + entry.name] = list(value) if isinstance(value, tuple) else value
    return flat


def from_mapping(kind: type[Settings], flat: Mapping[str, Any], where: str) -> Settings:
    """Build ``kind`` from flat settings; those not given keep their defaults.

    Raises:
        SettingsError: an unknown name, a wrong type or a value that the dataclass refuses.
    """
    known = to_mapping(kind())
    for name in flat:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3, 0.5)
            meant = f'did you mean {" or ".join(near)}?' if near else f'the settings are {", ".join(known)}'
            raise SettingsError(f'{where}: unknown setting "{name}"; {meant}')
    try:
        return _build(kind, dict(flat), '', where)
    except SettingsError:
        raise
    except ValueError as error:
        raise SettingsError(f'{where}: {error}') from None


def _build(kind: Any, flat: dict[str, Any], prefix: str, where: str) -> Any:
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for entry in fields(kind):
        if not entry.init:
            continue
        name, hint = prefix + entry.name, hints[entry.name]
        if is_dataclass(hint):
            values[entry.name] = _build(hint, flat, f'{name}.', where)
        elif name in flat:
            values[entry.name] = _typed(hint, flat[name], name, where)
    return kind(**values)


def _typed(hint: Any, value: Any, name: str, where: str) -> Any:
    if get_origin(hint) is tuple:
        if isinstance(value, str) or not hasattr(value, '__len__'):
            raise SettingsError(f'{where}: {name} must be a list; got {value!r}')
        arguments = get_args(hint)
        if Ellipsis not in arguments and len(value) != len(arguments):
            raise SettingsError(f'{where}: {name} must have {len(arguments)} entries; got {len(value)}')
        return tuple(_typed(arguments[0], item, name, where) for item in value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise SettingsError(f'{where}: {name} must be finite; got {value}')
        return float(value)
    if type(value) is not hint:
        raise SettingsError(f'{where}: {name} must be of type {hint.__name__}; got {value!r}')
    return value


def read_settings(path: Path, kind: type[Settings], node: str, *on_top: Path) -> Settings:
    """The settings of one node in a ROS 2 parameter file; the defaults where the file does not name it.

    Args:
        path: of the file.
        kind: of the settings.
        node: the node's name.
        on_top: further files; what a later one says wins.

    Raises:
        SettingsError: a file cannot be read, is no parameter file, or holds a wrong setting.
    """
    flat: dict[str, Any] = {}
    for each in (path, *on_top):
        flat |= _read(each, node)
    return from_mapping(kind, flat, f'{" with ".join(map(str, (path, *on_top)))}, {node}')


def _read(path: Path, node: str) -> dict[str, Any]:
    """The flat settings of one node in one file."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f'{path}: cannot be read ({error.__class__.__name__}); name an existing YAML file'
        ) from None
    except yaml.YAMLError as error:
        raise SettingsError(f'{path}: is no valid YAML: {" ".join(str(error).split())}') from None
    if not isinstance(content, dict) or not all(
        isinstance(section, dict) and isinstance(section.get('ros__parameters', None), dict)
        for section in content.values()
    ):
        raise SettingsError(f'{path}: must map node names to ros__parameters, as in config/sim.yaml')
    for section in content:
        if str(section).rsplit('/', 1)[-1] not in (*NODES, '**'):
            raise SettingsError(f'{path}: unknown node "{section}"; the nodes are {", ".join(NODES)}')
    flat: dict[str, Any] = {}
    wherever = ('/**', f'/**/{node}', node)  # the later ones win, as in ROS 2
    for section in content:
        if section not in wherever and str(section).rsplit('/', 1)[-1] in (node, '**'):
            raise SettingsError(f'{path}: "{section}" is for one namespace only; write "/**/{node}"')
    for section in wherever:
        flat |= _flatten(content.get(section, {}).get('ros__parameters', {}))
    return flat


def _flatten(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f'{prefix}{name}.')
        else:
            flat[f'{prefix}{name}'] = value
    return flat
