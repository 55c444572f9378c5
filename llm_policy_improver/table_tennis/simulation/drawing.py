"""Pictures of the arm at given joint positions, drawn by MuJoCo without a screen."""

import math
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import mujoco
import numpy as np
from numpy.typing import NDArray
from transforms3d.quaternions import mat2quat

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.simulation.marks import Marks
from llm_policy_improver.table_tennis.simulation.off_screen import NoPictureError, off_screen_context
from llm_policy_improver.table_tennis.simulation.scene import build_scene

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Camera:
    """A fixed one.

    Attributes:
        name: in the model.
        place, looks_at: m, frame ``table``.
        up: direction that is up in the picture.
        height: m of what the picture shows at the distance of ``looks_at``.
        width: pixels of its part of the picture.
    """

    name: str
    place: tuple[float, float, float]
    looks_at: tuple[float, float, float]
    up: tuple[float, float, float]
    height: float
    width: int


ROBOTS_SIDE: Final = Camera(
    'robots_side', (-2.5, -4.4, 2.4), (0.05, -0.36, 0.04), (0.0, 0.0, 1.0), height=2.9, width=620
)
# From far above, so that what is high over the table is hardly shifted.
ABOVE: Final = Camera('above', (0.0, -0.45, 14.0), (0.0, -0.45, 0.0), (0.0, 1.0, 0.0), height=4.6, width=280)
HEIGHT: Final = 480
"""pixels"""
WIDTH: Final = ROBOTS_SIDE.width + ABOVE.width
"""pixels"""

_MOST_GEOMS: Final = 8000
"""In a picture: a trial of the longest duration has 3,750 sightings."""
_PHYSICS_STEP: Final = 0.001
"""s; of no meaning here, as nothing is simulated."""
_SAMPLES: Final = 4
"""A pixel, against stairs at edges. Without a graphics card they take most of the time; shadows would double it."""
_LEFT_OUT: Final = [
    int(each)
    for each in (
        mujoco.mjtRndFlag.mjRND_SHADOW,
        mujoco.mjtRndFlag.mjRND_REFLECTION,
        mujoco.mjtRndFlag.mjRND_SKYBOX,
    )
]
_SLICES: Final = 16
"""Of a round shape."""
_FLOOR: Final = 16.0
"""m, half its length."""


def drawn_model() -> mujoco.MjModel:
    """The scene with its two cameras, and without the ball, which is drawn as it was seen."""
    spec = build_scene(BallModel(), _PHYSICS_STEP)
    spec.geom('ball').rgba = [0.0, 0.0, 0.0, 0.0]
    # Behind all that is seen, so that no sky need be drawn; in one piece, as the light is the same everywhere.
    spec.geom('floor').size = [_FLOOR] * 3
    for camera in (ROBOTS_SIDE, ABOVE):
        back = np.subtract(camera.place, camera.looks_at)
        distance = float(np.linalg.norm(back))
        z = back / distance
        x = np.cross(camera.up, z)
        x /= np.linalg.norm(x)
        turn = np.column_stack((x, np.cross(z, x), z))
        spec.worldbody.add_camera(
            name=camera.name,
            pos=list(camera.place),
            quat=list(mat2quat(turn)),
            fovy=math.degrees(2.0 * math.atan(camera.height / 2.0 / distance)),
        )
    # A patch of darkness under the table, in place of the shadows.
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[0.97 * table.HALF_WIDTH, 0.97 * table.HALF_LENGTH, 0.001],
        pos=[0.0, 0.0, 0.002 - table.HEIGHT],
        contype=0,
        conaffinity=0,
        rgba=[0.22, 0.23, 0.25, 1.0],
    )
    quality = spec.visual.quality
    quality.offsamples, quality.numslices, quality.numstacks = _SAMPLES, _SLICES, _SLICES // 2
    # The scene's own light shines from above: the camera's would double it in the view from there.
    lamp = spec.visual.headlight
    lamp.ambient, lamp.diffuse, lamp.specular = [0.35] * 3, [0.1] * 3, [0.2] * 3
    for light in spec.lights:
        light.specular = [0.0] * 3
    spec.visual.global_.offwidth, spec.visual.global_.offheight = WIDTH, HEIGHT
    return spec.compile()


def place_arm(model: mujoco.MjModel, data: mujoco.MjData, joints: Array) -> None:
    """Bring the arm to joint positions (8,), m and rad, and all that is drawn with it."""
    for joint, position in zip(arm.ARM, joints, strict=True):
        data.joint(joint.name).qpos = position
    mujoco.mj_kinematics(model, data)
    mujoco.mj_camlight(model, data)


class Drawing:
    """Draws pictures; in a ``with`` statement, or until ``close()``. Of one thread.

    Raises:
        NoPictureError: this machine cannot draw.
    """

    def __init__(self) -> None:
        self._model = drawn_model()
        self._data = mujoco.MjData(self._model)
        self._scene = mujoco.MjvScene(self._model, _MOST_GEOMS)
        self._scene.flags[_LEFT_OUT] = 0
        self._option = mujoco.MjvOption()
        self._context: Any = off_screen_context(WIDTH, HEIGHT)
        try:
            self._renderer = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        except mujoco.FatalError as error:
            self._context.free()
            raise NoPictureError(
                f'nothing can be drawn here: OpenGL is there, but MuJoCo cannot draw with it ({error})'
            ) from error
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._renderer)

    def picture(self, joints: Array, marks: Marks) -> Picture:
        """(HEIGHT, WIDTH, 3) the view from the robot's side, and beside it that from above.

        Args:
            joints: (8,) m and rad.
            marks: what else is to be seen.
        """
        place_arm(self._model, self._data, joints)
        self._context.make_current()
        left = 0
        for camera in (ROBOTS_SIDE, ABOVE):
            seen_by = mujoco.MjvCamera()
            seen_by.type = mujoco.mjtCamera.mjCAMERA_FIXED
            seen_by.fixedcamid = self._model.camera(camera.name).id
            mujoco.mjv_updateScene(
                self._model, self._data, self._option, None, seen_by, mujoco.mjtCatBit.mjCAT_ALL, self._scene
            )
            marks.add_to(self._scene)
            part = mujoco.MjrRect(left, 0, camera.width, HEIGHT)
            mujoco.mjr_render(part, self._scene, self._renderer)
            left += camera.width
        picture = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(picture, None, mujoco.MjrRect(0, 0, WIDTH, HEIGHT), self._renderer)
        return picture[::-1]

    def close(self) -> None:
        """End it; it must not be used any more."""
        self._renderer.free()
        self._context.free()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
