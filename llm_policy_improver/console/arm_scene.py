"""The arm, the table and the ball in three dimensions, of the simulation's own numbers; moved by the browser."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from nicegui import ui
from nicegui.elements.scene import Object3D
from numpy.typing import NDArray
from transforms3d.axangles import axangle2mat

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm import shapes
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

_BROWSER: Final = Path(__file__).parent / 'browser'
_SKY, _TABLE, _LINE, _NET = '#cfd8e1', '#1d4f80', '#ffffff', '#f4f6f8'
_METAL, _DARK, _RUBBER = '#8e959c', '#30343a', '#b3202c'
_THICKNESS: Final = 0.03
"""m, of the table's top and, tenfold thinner, of its lines; for the eye alone."""


@dataclass(frozen=True, slots=True)
class ArmLook:
    """How one of the two arms in the scene looks.

    Attributes:
        colour: of its links and of the trail of its ball.
        opacity: below 1 the other arm is seen through it.
    """

    colour: str
    opacity: float


LOOKS: Final = (ArmLook('#f0731a', 1.0), ArmLook('#2f7fd6', 0.45))
"""Of the chosen trial, and of the one beside it."""


class Replay(ui.element, component=_BROWSER / 'replay.js'):
    """Plays trials in a scene: buttons and a slider; emits ``beside`` with the number of a second trial, or 0."""


def arm_scene() -> tuple[ui.scene, list[dict[str, Any]]]:
    """The scene, and of each arm in it what moves: the objects of its joints, of its ball and of the ball's trail."""
    camera = ui.scene.perspective_camera(fov=42)
    scene = ui.scene(
        width=640, height=420, grid=False, background_color=_SKY, fps=30, camera=camera, click_events=[]
    ).classes('scene')
    with scene:
        _add_table(scene)
        arms = [_add_arm(scene, look) for look in LOOKS]
    scene.move_camera(2.1, -2.75, 1.45, look_at_x=0.0, look_at_y=-0.3, look_at_z=0.08, duration=0.0)
    return scene, arms


def replay_data(number: int, samples: TraceSamples) -> dict[str, Any]:
    """A trial as the browser plays it: one message of some 10 kB; s, m and rad to four digits."""
    return {
        'number': number,
        'joint_time': samples.joint_time.round(4).tolist(),
        'joints': samples.joint_position.round(4).tolist(),
        'ball_time': samples.ball_time.round(4).tolist(),
        'ball': samples.ball_position.round(4).tolist(),
        'hit': round(hit_time(samples), 4),
    }


def hit_time(samples: TraceSamples) -> float:
    """s, when ball and blade were nearest to each other: the hit, where there was one; 0 of a trial without either."""
    if not (len(samples.ball_time) and len(samples.joint_time)):
        return 0.0
    blade = np.column_stack(
        [np.interp(samples.ball_time, samples.joint_time, axis) for axis in samples.racket_position.T]
    )
    nearest = np.linalg.norm(samples.ball_position - blade, axis=1).argmin()
    return float(samples.ball_time[nearest])


def _add_table(scene: ui.scene) -> None:
    width, length = table.WIDTH, table.LENGTH
    scene.box(width, length, _THICKNESS).move(z=-_THICKNESS / 2).material(_TABLE)
    for x, w, y, h in (
        (0.0, 0.003, 0.0, length),
        (table.HALF_WIDTH - 0.01, 0.02, 0.0, length),
        (0.01 - table.HALF_WIDTH, 0.02, 0.0, length),
        (0.0, width, table.HALF_LENGTH - 0.01, 0.02),
        (0.0, width, 0.01 - table.HALF_LENGTH, 0.02),
    ):
        scene.box(w, h, _THICKNESS / 10).move(x, y, 0.0).material(_LINE)
    net = scene.box(width + 2 * table.NET_OVERHANG, 0.005, table.NET_HEIGHT)
    net.move(z=table.NET_HEIGHT / 2).material(_NET, opacity=0.55)
    for x in (-0.8, 0.8):
        for y in (-0.75, 0.75):
            height = table.HEIGHT - _THICKNESS
            leg = scene.box(0.05, 0.05, height)
            leg.move(x * table.HALF_WIDTH, y * table.HALF_LENGTH, -_THICKNESS - height / 2).material(_DARK)
    scene.box(4.4, 5.4, 0.01).move(y=-0.5, z=-table.HEIGHT).material('#aab4be')


def _add_arm(scene: ui.scene, look: ArmLook) -> dict[str, Any]:
    joints = {joint.name: joint for joint in arm.ARM}
    moving: list[dict[str, Any]] = []
    groups: list[Any] = []

    def enter(group: Any) -> None:
        groups.append(group.__enter__())

    def enter_joint(name: str, at: arm.Vec) -> None:
        joint = joints[name]
        group = scene.group().move(*at).with_name(name)
        moving.append({'id': group.id, 'slides': joint.kind == 'slide', 'axis': joint.axis.index(1.0), 'at': list(at)})
        enter(group)

    whole = scene.group().with_name('arm')
    enter(whole)
    enter_joint('slide_y', arm.BASE)
    _box(scene, shapes.GANTRY, _METAL, look)
    enter_joint('slide_x', joints['slide_x'].offset)
    _box(scene, shapes.CARRIAGE, _DARK, look)
    # The arm's own frame has x towards the opponent.
    enter(scene.group().rotate(0.0, 0.0, np.pi / 2))
    _capsule(scene, shapes.BASE, _DARK, look)
    for name, link in shapes.LINKS.items():
        enter_joint(name, joints[name].offset)
        _capsule(scene, link, look.colour, look)
    enter(scene.group().move(*arm.BLADE_OFFSET).rotate(arm.BLADE_TILT, 0.0, 0.0).with_name('paddle'))
    blade = scene.cylinder(arm.BLADE_RADIUS, arm.BLADE_RADIUS, arm.BLADE_THICKNESS, 32)
    blade.rotate(np.pi / 2, 0.0, 0.0).material(_RUBBER, opacity=look.opacity)
    _capsule(scene, shapes.HANDLE, _DARK, look)
    for group in reversed(groups):
        group.__exit__()
    ball = scene.sphere(table.BALL_RADIUS).material('#ffffff', opacity=max(look.opacity, 0.8))
    trail = scene.point_cloud([[0.0, 0.0, -9.0]], point_size=0.034).material(look.colour)
    return {'colour': look.colour, 'arm': whole.id, 'joints': moving, 'ball': ball.id, 'trail': trail.id}


def _box(scene: ui.scene, part: shapes.Box, colour: str, look: ArmLook) -> None:
    width, length, height = part.half
    scene.box(2 * width, 2 * length, 2 * height).move(*part.centre).material(colour, opacity=look.opacity)


def _capsule(scene: ui.scene, link: shapes.Capsule, colour: str, look: ArmLook) -> None:
    start, end = np.array(link.start), np.array(link.end)
    length = float(np.linalg.norm(end - start))
    parts: list[Object3D] = [scene.sphere(link.radius).move(*place) for place in (link.start, link.end)]
    cylinder = scene.cylinder(link.radius, link.radius, length, 24)
    cylinder.move(*((start + end) / 2).tolist()).rotate_R(_from_y((end - start) / length).tolist())
    for each in (*parts, cylinder):
        each.material(colour, opacity=look.opacity)


def _from_y(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) rotation of the y axis, along which cylinders stand, into a unit vector."""
    along = np.array([0.0, 1.0, 0.0])
    axis = np.cross(along, direction)
    sine, cosine = float(np.linalg.norm(axis)), float(along @ direction)
    if sine < 1e-9:
        return np.eye(3)  # a cylinder upside down is the same
    turn: NDArray[np.float64] = axangle2mat(axis / sine, np.arctan2(sine, cosine))
    return turn
