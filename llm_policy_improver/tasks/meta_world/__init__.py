"""Four tasks of Meta-World's robot arm; the suite is loaded when a task is made."""
