"""What the safety stage keeps: the numbers of ``config/safety.yaml``, checked before anything moves."""

import math
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import Allowed
from llm_policy_improver.table_tennis.ball import table

Vec = tuple[float, float, float]
PerJoint = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SafetyLimits:
    """Limits of what is sent to the drives, and of where blade and forearm may be. Per joint: (8,), m or rad,
    in the order of `arm.joints.JOINTS`.

    The numbers and where they come from: docs/safety.md.

    Attributes:
        velocity, acceleration, jerk: of what is sent.
        position_low, position_high: the range of each joint.
        position_margin: from the range's ends to the inner range's, within which every joint is brought to rest.
        soft_zone: width of the zone before the inner range's end in which the speed towards it falls to zero.
        attenuation_low, attenuation_high: what a policy may multiply a joint's velocity by.
        residual: the largest residual that a policy may add to it.
        following_error: how far an encoder may be from what was sent, drives' lag and all latencies included.
        blade_low, blade_high: m, frame ``table``, the box for the blade up to its rim.
        forearm_low, forearm_high: m, frame ``table``, the box for elbow, wrist and handle.
        forearm_radius: m, of the links around these.
        table_clearance: m between the table's surface and whatever is over it.
        workspace_margin: m from boxes and table to the inner ones, outside of which the arm is brought to rest.
        longest_tick: s until the next call that the stage reckons with in every step.
        drive_timeout: s without a command after which the drives brake by themselves, as they were told to when they
            were commissioned; until then they hold the last one.

    Raises:
        ValueError: a limit is not what it must be; the message is one sentence.
    """

    velocity: PerJoint = (1.9, 1.9, 3.4, 3.9, 2.3, 3.9, 5.306, 6.964)
    acceleration: PerJoint = (60.0, 24.0, 40.0, 50.0, 50.0, 120.0, 120.0, 150.0)
    jerk: PerJoint = (8000.0, 3000.0, 5000.0, 8000.0, 6000.0, 16000.0, 16000.0, 20000.0)
    position_low: PerJoint = (-1.8861, -1.8937, -2.0, 0.2, 0.0, -1.5708, -1.75, -0.7)
    position_high: PerJoint = (0.174, 1.88, 2.0, 1.22, 0.9, 1.5708, -0.65, 2.3)
    position_margin: PerJoint = (0.01, 0.01, 0.01, 0.01, 0.005, 0.01, 0.005, 0.01)
    soft_zone: PerJoint = (0.06, 0.15, 0.29, 0.3, 0.08, 0.13, 0.15, 0.32)
    attenuation_low: PerJoint = (0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6)
    attenuation_high: PerJoint = (1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4, 1.4)
    residual: PerJoint = (0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4)
    following_error: PerJoint = (0.6, 0.4, 0.7, 0.75, 0.5, 0.65, 0.85, 1.0)
    blade_low: Vec = (-1.6, -2.7, -0.14)
    blade_high: Vec = (1.6, -0.8, 0.8)
    forearm_low: Vec = (-1.6, -2.5, -0.02)
    forearm_high: Vec = (1.6, -0.93, 0.68)
    forearm_radius: float = 0.05
    table_clearance: float = 0.02
    workspace_margin: float = 0.02
    longest_tick: float = 0.02
    drive_timeout: float = 0.05

    def __post_init__(self) -> None:
        for name in _PER_JOINT:
            _check_count(name, getattr(self, name), len(JOINTS), f'one a joint ({", ".join(JOINTS)})')
        for number, joint in enumerate(arm.ARM):
            for name, (least, most) in _RANGES.items():
                most = joint.speed if name == 'velocity' else most
                _check(f'{name} of {joint.name}', getattr(self, name)[number], least, most)
            self._check_range(number, joint)
        for name, (least, most) in _SCALARS.items():
            _check(name, getattr(self, name), least, most)
        if self.drive_timeout < self.longest_tick:
            raise ValueError(
                f'safety: drive_timeout must be at least longest_tick, {self.longest_tick:g} s, or late ticks alone '
                f'would have the drives brake; got {self.drive_timeout:g} s'
            )
        for part in ('blade', 'forearm'):
            self._check_box(part)

    @property
    def allowed(self) -> Allowed:
        """What policies may be."""
        return Allowed(self.attenuation_low, self.attenuation_high, self.residual)

    def _check_range(self, number: int, joint: arm.Joint) -> None:
        """The joint's inner range holds its ready pose, the outer one is within what the joint can do."""
        margin = self.position_margin[number]
        home = arm.HOME[number]
        low, high = self.position_low[number], self.position_high[number]
        _check(
            f'position_low of {joint.name}', low, joint.low, home - margin, 'its ready pose less the margin'
        )
        _check(f'position_high of {joint.name}', high, home + margin, joint.high, 'and its physical end')

    def _check_box(self, part: str) -> None:
        """The box is upright, and no further out than the floor, the net and a hall's walls."""
        low, high = getattr(self, f'{part}_low'), getattr(self, f'{part}_high')
        for name, corner in ((f'{part}_low', low), (f'{part}_high', high)):
            _check_count(name, corner, 3, 'x, y and z')
        for axis, (least, most) in _HALL.items():
            number = 'xyz'.index(axis)
            _check(f'{part}_low, {axis},', low[number], least, most)
            _check(f'{part}_high, {axis},', high[number], least, most)
            if not high[number] - low[number] > 2.0 * (self.workspace_margin + arm.BLADE_RADIUS):
                raise ValueError(
                    f'safety: {part}_low must be below {part}_high by more than the blade and its margins; '
                    f'got {low[number]:g} and {high[number]:g} m in {axis}'
                )


_PER_JOINT: Final = (
    'velocity', 'acceleration', 'jerk', 'position_low', 'position_high', 'position_margin', 'soft_zone',
    'attenuation_low', 'attenuation_high', 'residual', 'following_error',
)  # fmt: skip
_RANGES: Final = {
    'velocity': (0.01, math.inf),  # at most the joint's own
    'acceleration': (0.1, 1000.0),
    'jerk': (1.0, 1e6),
    'position_margin': (0.001, 0.3),
    'soft_zone': (0.01, 1.0),
    'attenuation_low': (0.0, 1.0),  # the unchanged controller is always allowed
    'attenuation_high': (1.0, 3.0),
    'residual': (0.0, 2.0),
    'following_error': (0.01, 2.0),
}
_HALL: Final = {'x': (-3.0, 3.0), 'y': (-4.0, 0.0), 'z': (-table.HEIGHT, 2.0)}
"""m: from the floor up, and not beyond the net, where people play."""
_SCALARS: Final = {
    'forearm_radius': (0.0, 0.3),
    'table_clearance': (0.0, 0.3),
    'workspace_margin': (0.005, 0.3),
    'longest_tick': (0.002, 0.1),
    'drive_timeout': (0.02, 0.3),
}


def _check_count(name: str, values: tuple[float, ...], count: int, which: str) -> None:
    if len(values) != count:
        raise ValueError(f'safety: {name} must have {count} numbers, {which}; got {len(values)}')


def _check(name: str, value: float, least: float, most: float, why: str = '') -> None:
    if not least <= value <= most:  # false for NaN, too
        raise ValueError(
            f'safety: {name} must be between {least:g} and {most:g}{f" ({why})" if why else ""}; got {value:g}'
        )
