"""Definitions of the ROS messages in a trial's file, as MCAP wants them: complete, without needing ROS.

The field lists are those of std_msgs, geometry_msgs and sensor_msgs in ROS 2 Jazzy and of this package's
``msg/JointVelocityCommand.msg``.
"""

from typing import Final

_SEPARATOR: Final = '\n' + '=' * 80 + '\n'

_TIME: Final = 'MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec'
_HEADER: Final = 'MSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id'
_POINT: Final = 'MSG: geometry_msgs/Point\nfloat64 x\nfloat64 y\nfloat64 z'

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
