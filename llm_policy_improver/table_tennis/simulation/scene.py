"""The MuJoCo model: arm, gantry, paddle, table, net and ball, drawn from primitive shapes.

The geometry comes from `table_tennis.arm.facts` and `table_tennis.ball.table`; here are the drives, the masses and
the shapes. ``build_scene(...).to_xml()`` gives the MJCF.
"""

import math
from dataclasses import dataclass
from typing import Final

import mujoco
from transforms3d.quaternions import axangle2quat

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm import shapes
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.state import BallModel


@dataclass(frozen=True, slots=True)
class Drive:
    """A velocity-commanded drive: an inner position loop around the integral of the command.

    Attributes:
        force: N or N m, limit.
        kp, kv: gains of the position loop.
        damping, armature: of the joint.
    """

    force: float
    kp: float
    kv: float
    damping: float
    armature: float


DRIVES: Final[dict[str, Drive]] = {
    'slide_y': Drive(4102, 1279178, 164636, 30.924, 0.002),
    'slide_x': Drive(1499, 248791, 13157, 255.683, 27.097),
    'axis_1': Drive(100, 85874, 1599, 25, 0.01),
    'axis_2': Drive(100, 10669, 265, 25, 0.01),
    'axis_3': Drive(60, 180694, 2735, 25, 0.01),
    'axis_4': Drive(20, 21905, 331, 5, 0.01),
    'axis_5': Drive(25, 9000, 211, 3, 0.01),
    'axis_6': Drive(100, 5101, 66, 3, 0.01),
}
"""Identified on the physical arm: D'Ambrosio et al. 2024 (arXiv 2408.03906), Table V."""

# Collision classes: who may touch whom is decided by these bits, the ball's bounces by explicit pairs.
_FIXED, _LINK, _TABLE, _BLADE = 1, 2, 4, 8
_ORANGE, _GREY, _DARK = [0.95, 0.45, 0.1, 1.0], [0.62, 0.64, 0.67, 1.0], [0.15, 0.15, 0.17, 1.0]
_BLUE, _WHITE, _RED = [0.05, 0.25, 0.5, 1.0], [0.95, 0.95, 0.95, 1.0], [0.75, 0.1, 0.1, 1.0]
_BALL_COLOUR = [1.0, 0.85, 0.3, 1.0]
_TABLE_THICKNESS = 0.03
_STOP_MARGIN = 0.001
"""m or rad between a drive's last set point and the end of its joint's range."""
_NET_RESTITUTION = 0.1
"""A net swallows the ball rather than throwing it back."""
_LINK_RESTITUTION = 0.5
_ONE_STEP = [0.9999, 0.9999, 0.001, 0.5, 2.0]
"""solimp of a contact that is over within one step."""


def build_scene(ball: BallModel, physics_step: float) -> mujoco.MjSpec:
    """The scene as a specification to compile or to write out.

    Args:
        ball: coefficients of flight and bounces.
        physics_step: s; the one-step bounces depend on it.
    """
    spec = mujoco.MjSpec()
    spec.modelname = 'table_tennis_arm'
    spec.compiler.degree = False
    option = spec.option
    option.timestep = physics_step
    option.gravity = [0.0, 0.0, -ball.gravity]
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    # MuJoCo 4.0.0 has a wrong Hessian with a sparse Jacobian (google-deepmind/mujoco#3767).
    option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    _add_table(spec)
    _add_arm(spec)
    _add_ball(spec, physics_step)
    for name, other, restitution in (
        ('table_bounce', 'table', ball.table_restitution),
        ('racket_bounce', 'blade', ball.racket_restitution),
        ('net_bounce', 'net', _NET_RESTITUTION),
    ):
        # A damper that reverses the normal speed within one step: exact at every speed and phase.
        spec.add_pair(
            name=name, geomname1=other, geomname2='ball', condim=1,
            solref=_bouncing(restitution, physics_step), solimp=_ONE_STEP,
        )  # fmt: skip
    return spec


def _bouncing(restitution: float, physics_step: float) -> list[float]:
    """solref of a contact that turns the normal speed round within one step."""
    return [0.0, -(1.0 + restitution) / physics_step]


def _add_table(spec: mujoco.MjSpec) -> None:
    world = spec.worldbody
    spec.add_texture(
        name='sky',
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.93, 0.95, 0.97],
        rgb2=[0.55, 0.65, 0.75],
        width=64,
        height=64,
    )
    for x, y in ((-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)):
        leg = [x * 0.85 * table.HALF_WIDTH, y * 0.7 * table.HALF_LENGTH]
        world.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[0.025, 0.025, (table.HEIGHT - _TABLE_THICKNESS) / 2],
            pos=[*leg, -(table.HEIGHT + _TABLE_THICKNESS) / 2],
            contype=0,
            conaffinity=0,
            rgba=_DARK,
        )
    world.add_light(pos=[0.0, -1.0, 3.0], dir=[0.0, 0.2, -1.0], type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL)
    world.add_geom(
        name='floor', type=mujoco.mjtGeom.mjGEOM_PLANE, size=[4.0, 5.0, 0.1], pos=[0.0, 0.0, -table.HEIGHT],
        contype=_FIXED, conaffinity=0, rgba=[0.35, 0.37, 0.4, 1.0],
    )  # fmt: skip
    box = mujoco.mjtGeom.mjGEOM_BOX
    world.add_geom(
        name='table', type=box, size=[table.HALF_WIDTH, table.HALF_LENGTH, _TABLE_THICKNESS / 2],
        pos=[0.0, 0.0, -_TABLE_THICKNESS / 2], contype=_TABLE, conaffinity=0, rgba=_BLUE,
    )  # fmt: skip
    world.add_geom(
        name='net', type=box, size=[table.HALF_WIDTH + table.NET_OVERHANG, 0.0025, table.NET_HEIGHT / 2],
        pos=[0.0, 0.0, table.NET_HEIGHT / 2], contype=_FIXED, conaffinity=0, rgba=[0.9, 0.9, 0.9, 0.5],
    )  # fmt: skip
    lines = (
        ([0.0, table.HALF_LENGTH - 0.01], [table.HALF_WIDTH, 0.01]),
        ([0.0, -table.HALF_LENGTH + 0.01], [table.HALF_WIDTH, 0.01]),
        ([table.HALF_WIDTH - 0.01, 0.0], [0.01, table.HALF_LENGTH]),
        ([-table.HALF_WIDTH + 0.01, 0.0], [0.01, table.HALF_LENGTH]),
        ([0.0, 0.0], [0.0015, table.HALF_LENGTH]),
    )
    for (x, y), (half_x, half_y) in lines:
        world.add_geom(
            type=box, size=[half_x, half_y, 0.0004], pos=[x, y, 0.0], contype=0, conaffinity=0, rgba=_WHITE
        )


def _add_ball(spec: mujoco.MjSpec, physics_step: float) -> None:
    body = spec.worldbody.add_body(name='ball', pos=[0.0, 1.5, 0.3])
    body.add_freejoint(name='ball')
    inertia = 2.0 / 3.0 * table.BALL_MASS * table.BALL_RADIUS**2
    body.mass, body.inertia, body.explicitinertial = table.BALL_MASS, [inertia] * 3, True
    body.ipos = [0.0, 0.0, 0.0]
    body.add_geom(
        name='ball', type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[table.BALL_RADIUS, 0.0, 0.0],
        contype=0, conaffinity=_FIXED | _LINK, rgba=_BALL_COLOUR,
        # Off links and floor it bounces within one step too: MuJoCo's softer default lets it through.
        priority=1, condim=1, solref=_bouncing(_LINK_RESTITUTION, physics_step), solimp=_ONE_STEP,
    )  # fmt: skip


def _add_arm(spec: mujoco.MjSpec) -> None:
    body = spec.worldbody.add_body(name='gantry', pos=list(arm.BASE))
    joints = {joint.name: joint for joint in arm.ARM}
    _add_joint(spec, body, joints['slide_y'])
    _box(body, shapes.GANTRY, _GREY)
    body = body.add_body(name='carriage')
    _add_joint(spec, body, joints['slide_x'])
    _box(body, shapes.CARRIAGE, _DARK)
    turn = axangle2quat((0.0, 0.0, 1.0), math.pi / 2)  # x towards the opponent
    body = body.add_body(name='base', quat=turn)
    _capsule(body, shapes.BASE, _DARK, solid=False)
    for name, link in shapes.LINKS.items():
        joint = joints[name]
        body = body.add_body(name=name, pos=list(joint.offset))
        _add_joint(spec, body, joint)
        _capsule(body, link, _ORANGE)
    tilt = axangle2quat((1.0, 0.0, 0.0), arm.BLADE_TILT)
    paddle = body.add_body(name='paddle', pos=list(arm.BLADE_OFFSET), quat=tilt)
    paddle.gravcomp = 1.0
    paddle.add_geom(
        name='blade', type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=[arm.BLADE_RADIUS, arm.BLADE_THICKNESS / 2, 0.0],
        mass=0.15, contype=_BLADE, conaffinity=_FIXED | _TABLE, rgba=_RED,
    )  # fmt: skip
    _capsule(paddle, shapes.HANDLE, _DARK, name='handle')
    paddle.add_site(name='blade', pos=[0.0, 0.0, 0.0])


def _add_joint(spec: mujoco.MjSpec, body: mujoco.MjsBody, joint: arm.Joint) -> None:
    drive = DRIVES[joint.name]
    kind = mujoco.mjtJoint.mjJNT_SLIDE if joint.kind == 'slide' else mujoco.mjtJoint.mjJNT_HINGE
    body.add_joint(
        name=joint.name, type=kind, axis=list(joint.axis), range=[joint.low, joint.high], limited=True,
        damping=[drive.damping, 0.0, 0.0], armature=drive.armature,
    )  # fmt: skip
    actuator = spec.add_actuator(name=joint.name, target=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    actuator.set_to_intvelocity(kp=drive.kp, kv=drive.kv)
    actuator.forcelimited, actuator.forcerange = True, [-drive.force, drive.force]
    # The set point must stay within the joint's range, or the integral winds up at a stop; by a hair more,
    # because the joint may overshoot it.
    inside = [joint.low + _STOP_MARGIN, joint.high - _STOP_MARGIN]
    actuator.actlimited, actuator.actrange = True, inside
    actuator.ctrllimited, actuator.ctrlrange = True, [-joint.speed, joint.speed]


def _capsule(
    body: mujoco.MjsBody, link: shapes.Capsule, colour: list[float], *, solid: bool = True, name: str = ''
) -> None:
    """A link. Real arms of this class compensate their own weight, hence gravcomp."""
    body.gravcomp = 1.0
    body.add_geom(
        name=name or f'{body.name}_link', type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=[*link.start, *link.end],
        size=[link.radius, 0.0, 0.0], mass=link.mass, contype=_LINK if solid else 0,
        conaffinity=_FIXED | _TABLE if solid else 0, rgba=colour,
    )  # fmt: skip


def _box(body: mujoco.MjsBody, part: shapes.Box, colour: list[float]) -> None:
    """A part of the gantry; it runs on rails below the table's surface and touches nothing."""
    body.gravcomp = 1.0
    body.add_geom(
        name=f'{body.name}_part', type=mujoco.mjtGeom.mjGEOM_BOX, size=list(part.half), pos=list(part.centre),
        mass=part.mass, contype=0, conaffinity=0, rgba=colour,
    )  # fmt: skip
