"""Definitions of the ROS messages in a trial's file, as MCAP wants them: complete, without needing ROS.

The field lists are those of std_msgs, geometry_msgs, sensor_msgs and tf2_msgs in ROS 2 Jazzy and of this package's
``msg/JointVelocityCommand.msg``.
"""

from typing import Final

_SEPARATOR: Final = '\n' + '=' * 80 + '\n'

_TIME: Final = 'MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec'
_HEADER: Final = 'MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id'
_POINT: Final = 'MSG: geometry_msgs/Point\nfloat64 x\nfloat64 y\nfloat64 z'
_TRANSFORMS: Final = (
    'MSG: geometry_msgs/TransformStamped\nstd_msgs/Header header\nstring child_frame_id\n'
    'geometry_msgs/Transform transform',
    'MSG: geometry_msgs/Transform\ngeometry_msgs/Vector3 translation\ngeometry_msgs/Quaternion rotation',
    'MSG: geometry_msgs/Vector3\nfloat64 x\nfloat64 y\nfloat64 z',
    'MSG: geometry_msgs/Quaternion\nfloat64 x\nfloat64 y\nfloat64 z\nfloat64 w',
)

DEFINITIONS: Final = {
    'geometry_msgs/msg/PointStamped': _SEPARATOR.join(
        ('std_msgs/Header header\ngeometry_msgs/Point point', _HEADER, _TIME, _POINT)
    ),
    'sensor_msgs/msg/JointState': _SEPARATOR.join(
        (
            'std_msgs/Header header\nstring[] name\nfloat64[] position\nfloat64[] velocity\nfloat64[] effort',
            _HEADER,
            _TIME,
        )
    ),
    'llm_policy_improver/msg/JointVelocityCommand': _SEPARATOR.join(
        (
            'std_msgs/Header header\nuint32 parameters_version\nstring[] joint_names\n'
            'float64[] requested\nfloat64[] applied',
            _HEADER,
            _TIME,
        )
    ),
}
"""Type name to definition, the types it uses included (encoding ``ros2msg`` of MCAP)."""

EXPORTED: Final = {
    'std_msgs/msg/String': 'string data',
    'tf2_msgs/msg/TFMessage': _SEPARATOR.join(
        ('geometry_msgs/TransformStamped[] transforms', *_TRANSFORMS, _HEADER, _TIME)
    ),
}
"""The same of what an export adds to them."""
