"""Environments of Gymnasium and Gymnasium-Robotics as episodic tasks; both are loaded when a task is made."""
