"""Quality of service of the package's topics."""

from typing import Final

from rclpy.qos import (
    QoSDurabilityPolicy,
    QoSHistoryPolicy,
    QoSProfile,
    QoSReliabilityPolicy,
    qos_profile_sensor_data,
)

RECORDED: Final = QoSProfile(
    history=QoSHistoryPolicy.KEEP_LAST, depth=1000, reliability=QoSReliabilityPolicy.BEST_EFFORT
)
"""What drivers and cameras tell, for whoever keeps it: a second's pause of the reader loses nothing of a stream of up
to 1 kHz. With the few messages that sensor data are kept for, a pause of 80 ms hid a bounce."""

LATCHED: Final = QoSProfile(
    history=QoSHistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=QoSReliabilityPolicy.RELIABLE,
    durability=QoSDurabilityPolicy.TRANSIENT_LOCAL,
)
"""The last message for whoever joins: parameters and states."""

REPEATED: Final = 1.0
"""s after which a latched message is sent once more on the arm, where others may publish on its topic: of a flood a
reader keeps the last message alone, and the one that counts may never have been read."""

RELIABLE: Final = QoSProfile(
    history=QoSHistoryPolicy.KEEP_LAST, depth=200, reliability=QoSReliabilityPolicy.RELIABLE
)
"""Nothing may be lost: everything in lockstep, where a lost message would stop the time."""

EACH_LATCHED: Final = QoSProfile(
    history=QoSHistoryPolicy.KEEP_LAST,
    depth=100,
    reliability=QoSReliabilityPolicy.RELIABLE,
    durability=QoSDurabilityPolicy.TRANSIENT_LOCAL,
)
"""Of a subscriber to a latched topic on which several nodes publish: the last message of each of them."""

TRACES: Final = QoSProfile(
    history=QoSHistoryPolicy.KEEP_LAST,
    depth=10,
    reliability=QoSReliabilityPolicy.RELIABLE,
    durability=QoSDurabilityPolicy.TRANSIENT_LOCAL,
)
"""The last trials also for whoever is found only after they were published, as happens when nodes start."""

COMMANDS: Final = QoSProfile(
    history=QoSHistoryPolicy.KEEP_LAST,
    depth=200,
    reliability=QoSReliabilityPolicy.RELIABLE,
    durability=QoSDurabilityPolicy.TRANSIENT_LOCAL,
)
"""As above: the trace logger may find the controller only after it has answered the first tick."""


def stream(lockstep: bool) -> QoSProfile:
    """For subscribers of sensor streams: reliable in lockstep, the freshest data otherwise (REP 2003)."""
    return RELIABLE if lockstep else qos_profile_sensor_data
