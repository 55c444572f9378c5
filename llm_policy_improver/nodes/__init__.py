"""The ROS 2 nodes. Only this folder imports rclpy and the package's messages."""

import os

# Before numpy loads: its matrices are small here, and threads of the linear algebra only get in each other's way.
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
