"""MuJoCo's own viewer, with the arm at joint positions that are given from outside."""

import threading
import time
import warnings
from collections.abc import Callable
from typing import Final

import mujoco
import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.simulation.drawing import ABOVE, drawn_model, place_arm
from llm_policy_improver.table_tennis.simulation.marks import Marks

Array = NDArray[np.float64]
Shown = tuple[Array, Marks]
"""Joint positions (8,), m and rad, and what else is to be seen."""

_PERIOD: Final = 1.0 / 50.0
"""s between two pictures."""
_CLOSING: Final = 2.0
"""s that a window may take to close."""


class NoWindowError(RuntimeError):
    """There is no screen to open a window on; the message says what to do."""


def show_live(moment: Callable[[float], Shown]) -> None:
    """Show what a function gives for the seconds since the beginning, until the window is closed.

    Raises:
        NoWindowError: no window can be opened.
    """
    _require_window()
    from mujoco import viewer

    model = drawn_model()
    data = mujoco.MjData(model)
    before = threading.enumerate()
    window = viewer.launch_passive(model, data, show_left_ui=False, show_right_ui=False)
    drawing = [each for each in threading.enumerate() if each not in before]
    try:
        with window.lock():
            _stand_at_robots_side(window.cam)
        begin = time.monotonic()
        while window.is_running():
            joints, marks = moment(time.monotonic() - begin)
            with window.lock():
                place_arm(model, data, joints)
                window.user_scn.ngeom = 0
                marks.add_to(window.user_scn)
            window.sync()
            time.sleep(_PERIOD)
    finally:
        window.close()
        for thread in drawing:  # or the process ends under it, and X complains
            thread.join(_CLOSING)


def _stand_at_robots_side(camera: mujoco.MjvCamera) -> None:
    """Where a person can turn it by hand, which a fixed camera does not allow."""
    camera.type = mujoco.mjtCamera.mjCAMERA_FREE
    camera.lookat[:] = ABOVE.looks_at
    camera.distance, camera.azimuth, camera.elevation = 4.6, 58.0, -25.0


def _require_window() -> None:
    """Raise `NoWindowError` where none can be opened: the viewer itself would wait for one for ever."""
    import glfw

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # glfw warns of what is said here
        opened = None
        if glfw.init():
            glfw.window_hint(glfw.VISIBLE, glfw.FALSE)
            opened = glfw.create_window(64, 64, '', None, None)
            glfw.default_window_hints()
    if not opened:
        raise NoWindowError(
            'no window can be opened here: --view needs a screen with OpenGL; without one leave --view out, which '
            'makes a file'
        )
    glfw.destroy_window(opened)
