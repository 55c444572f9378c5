"""The MuJoCo model: arm, gantry, paddle, table, net and ball, drawn from primitive shapes.

The shapes come from `table_tennis.arm.links` and `table_tennis.ball.table_parts`, the drives from `arm.drives`; here is
what touches what, and how. ``build_scene(...).to_xml()`` gives the MJCF.
"""

import mujoco
from transforms3d.quaternions import axangle2quat

from llm_policy_improver.table_tennis.arm.drives import DRIVES
from llm_policy_improver.table_tennis.arm.facts import Joint
from llm_policy_improver.table_tennis.arm.links import LINKS
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.ball.table_parts import LEGS, LINES, NET_PART, TOP
from llm_policy_improver.table_tennis.shapes import YELLOW, Box, Capsule, Disc, Part

# Collision classes: who may touch whom is decided by these bits, the ball's bounces by explicit pairs.
_FIXED, _LINK, _TABLE, _BLADE = 1, 2, 4, 8
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
    for leg in LEGS:
        _add_part(world, leg, contype=0, conaffinity=0)
    world.add_light(pos=[0.0, -1.0, 3.0], dir=[0.0, 0.2, -1.0], type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL)
    world.add_geom(
        name='floor', type=mujoco.mjtGeom.mjGEOM_PLANE, size=[4.0, 5.0, 0.1], pos=[0.0, 0.0, -table.HEIGHT],
        contype=_FIXED, conaffinity=0, rgba=[0.35, 0.37, 0.4, 1.0],
    )  # fmt: skip
    _add_part(world, TOP, contype=_TABLE, conaffinity=0)
    _add_part(world, NET_PART, contype=_FIXED, conaffinity=0)
    for line in LINES:
        _add_part(world, line, contype=0, conaffinity=0)


def _add_ball(spec: mujoco.MjSpec, physics_step: float) -> None:
    body = spec.worldbody.add_body(name='ball', pos=[0.0, 1.5, 0.3])
    body.add_freejoint(name='ball')
    inertia = 2.0 / 3.0 * table.BALL_MASS * table.BALL_RADIUS**2
    body.mass, body.inertia, body.explicitinertial = table.BALL_MASS, [inertia] * 3, True
    body.ipos = [0.0, 0.0, 0.0]
    body.add_geom(
        name='ball', type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[table.BALL_RADIUS, 0.0, 0.0],
        contype=0, conaffinity=_FIXED | _LINK, rgba=list(YELLOW),
        # Off links and floor it bounces within one step too: MuJoCo's softer default lets it through.
        priority=1, condim=1, solref=_bouncing(_LINK_RESTITUTION, physics_step), solimp=_ONE_STEP,
    )  # fmt: skip


def _add_arm(spec: mujoco.MjSpec) -> None:
    body = spec.worldbody
    for link in LINKS:
        body = body.add_body(name=link.name, pos=list(link.offset), quat=axangle2quat(*link.turn))
        body.gravcomp = 1.0  # real arms of this class compensate their own weight
        if link.joint is not None:
            _add_joint(spec, body, link.joint)
        for part in link.parts:
            own, others = (_BLADE if isinstance(part.shape, Disc) else _LINK), _FIXED | _TABLE
            touches = {'contype': own, 'conaffinity': others} if link.collides else {'contype': 0, 'conaffinity': 0}
            _add_part(body, part, **touches)
    body.add_site(name='blade', pos=[0.0, 0.0, 0.0])


def _add_joint(spec: mujoco.MjSpec, body: mujoco.MjsBody, joint: Joint) -> None:
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


def _add_part(body: mujoco.MjsBody, part: Part, *, contype: int, conaffinity: int) -> None:
    """A shape as a geom; what has no mass of its own belongs to the world."""
    shape = part.shape
    if isinstance(shape, Box):
        form = {'type': mujoco.mjtGeom.mjGEOM_BOX, 'size': list(shape.half), 'pos': list(shape.centre)}
    elif isinstance(shape, Capsule):
        ends = [*shape.start, *shape.end]
        form = {'type': mujoco.mjtGeom.mjGEOM_CAPSULE, 'fromto': ends, 'size': [shape.radius, 0.0, 0.0]}
    else:
        form = {'type': mujoco.mjtGeom.mjGEOM_CYLINDER, 'size': [shape.radius, shape.thickness / 2, 0.0]}
    if part.name:
        form['name'] = part.name
    if part.mass:
        form['mass'] = part.mass
    body.add_geom(**form, contype=contype, conaffinity=conaffinity, rgba=list(part.colour))
