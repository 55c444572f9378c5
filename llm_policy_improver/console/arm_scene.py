"""The arm, the table and the ball in three dimensions, made of the simulation's own parts; moved by the browser."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.colors import to_hex
from nicegui import ui
from nicegui.elements.scene import Object3D
from numpy.typing import NDArray
from transforms3d.axangles import axangle2mat

from llm_policy_improver.table_tennis.arm.links import LINKS
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.table_parts import LEGS, LINES, NET_PART, TOP
from llm_policy_improver.table_tennis.shapes import ORANGE, Box, Disc, Part
from llm_policy_improver.table_tennis.tracing.motion import Motion, MotionError
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

_BROWSER: Final = Path(__file__).parent / 'browser'
_SKY, _FLOOR = '#cfd8e1', '#aab4be'


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
        'hit': round(_meeting(samples), 4),
    }


def _meeting(samples: TraceSamples) -> float:
    """s, when ball and blade met, as clips have it; 0 where the samples show no motion."""
    try:
        return Motion.of(samples).meeting
    except MotionError:
        return 0.0


def _add_table(scene: ui.scene) -> None:
    for part in (*LEGS, TOP, *LINES, NET_PART):
        _add_part(scene, part)
    scene.box(4.4, 5.4, 0.01).move(y=-0.5, z=-table.HEIGHT).material(_FLOOR)


def _add_arm(scene: ui.scene, look: ArmLook) -> dict[str, Any]:
    moving: list[dict[str, Any]] = []
    whole = scene.group().with_name('arm')
    with ExitStack() as chain:
        chain.enter_context(whole)
        for link in LINKS:
            group = scene.group().move(*link.offset)
            if link.joint is None:
                group.rotate(*link.rpy).with_name(link.name)
            else:
                # The browser moves it along, or about, an axis of the frame before: no link that moves is turned.
                group.with_name(link.joint.name)
                moving.append(
                    {
                        'id': group.id,
                        'slides': link.joint.kind == 'slide',
                        'axis': link.joint.axis.index(1.0),
                        'at': list(link.offset),
                    }
                )
            chain.enter_context(group)
            for part in link.parts:
                _add_part(scene, part, look)
    ball = scene.sphere(table.BALL_RADIUS).material('#ffffff', opacity=max(look.opacity, 0.8))
    trail = scene.point_cloud([[0.0, 0.0, -9.0]], point_size=0.034).material(look.colour)
    return {'colour': look.colour, 'arm': whole.id, 'joints': moving, 'ball': ball.id, 'trail': trail.id}


def _add_part(scene: ui.scene, part: Part, look: ArmLook | None = None) -> None:
    red, green, blue, opacity = part.colour
    if look is not None:
        opacity *= look.opacity
    shown = look.colour if look is not None and part.colour == ORANGE else to_hex((red, green, blue))
    for each in _objects(scene, part):
        each.material(shown, opacity=opacity)


def _objects(scene: ui.scene, part: Part) -> list[Object3D]:
    shape = part.shape
    if isinstance(shape, Box):
        width, length, height = shape.half
        return [scene.box(2.0 * width, 2.0 * length, 2.0 * height).move(*shape.centre)]
    if isinstance(shape, Disc):
        return [scene.cylinder(shape.radius, shape.radius, shape.thickness, 32).rotate(np.pi / 2, 0.0, 0.0)]
    direction = (np.array(shape.end) - np.array(shape.start)) / shape.length
    ends: list[Object3D] = [scene.sphere(shape.radius).move(*place) for place in (shape.start, shape.end)]
    cylinder = scene.cylinder(shape.radius, shape.radius, shape.length, 24)
    return [*ends, cylinder.move(*shape.centre).rotate_R(_from_y(direction).tolist())]


def _from_y(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) rotation of the y axis, along which cylinders stand, into a unit vector."""
    along = np.array([0.0, 1.0, 0.0])
    axis = np.cross(along, direction)
    sine, cosine = float(np.linalg.norm(axis)), float(along @ direction)
    if sine < 1e-9:
        return np.eye(3)  # a cylinder upside down is the same
    turn: NDArray[np.float64] = axangle2mat(axis / sine, np.arctan2(sine, cosine))
    return turn
