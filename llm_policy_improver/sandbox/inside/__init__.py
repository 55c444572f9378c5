"""What runs in the other process: the zygote that is started afresh, and the confined workers that it forks.

Nothing here imports more of this package than this folder, and nothing outside of the standard library and NumPy.
"""
