"""The frames of the arm on ``/tf`` and ``/tf_static``, for viewers that draw its URDF. No other node reads them.

``tf2_msgs`` comes with a ROS installation; among the ROS wheels of PyPI there is none. Markers need no frames.
"""

from typing import Any

import numpy as np
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from numpy.typing import NDArray
from rclpy.node import Node

from llm_policy_improver.nodes.messages import FRAME, header_of
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.arm.links import LINKS, relative_poses

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    TFMessage = None

_PARENTS = dict(zip((link.name for link in LINKS), (FRAME, *(link.name for link in LINKS)), strict=False))
_MOVED = frozenset(link.name for link in LINKS if link.joint is not None)


class LinkFrames:
    """Publishes them.

    Args:
        node: that publishes; it says once where it cannot.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._moving: Any = None
        if TFMessage is None:
            node.get_logger().info(
                'tf2_msgs is not installed, so /tf is not published: markers show everything without it'
            )
            return
        self._moving = node.create_publisher(TFMessage, '/tf', 10)
        self._fixed = node.create_publisher(TFMessage, '/tf_static', LATCHED)
        self._fixed.publish(self._message(np.array(HOME), moved=False))

    def publish(self, joints: NDArray[np.float64]) -> None:
        """At joint positions (8,), m and rad."""
        if self._moving is not None:
            self._moving.publish(self._message(joints, moved=True))

    def _message(self, joints: NDArray[np.float64], moved: bool) -> Any:
        from transforms3d.quaternions import mat2quat

        stamp = int(self._node.get_clock().now().nanoseconds)
        transforms = []
        for name, pose in relative_poses(joints).items():
            if (name in _MOVED) is moved:
                x, y, z = pose.translation.tolist()
                turn = dict(zip('wxyz', map(float, mat2quat(pose.rotation)), strict=True))
                transforms.append(
                    TransformStamped(
                        header=header_of(stamp, _PARENTS[name]),
                        child_frame_id=name,
                        transform=Transform(translation=Vector3(x=x, y=y, z=z), rotation=Quaternion(**turn)),
                    )
                )
        return TFMessage(transforms=transforms)
