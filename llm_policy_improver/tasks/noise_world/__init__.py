"""NoiseWorld: boards of cells in which chance has a say, small enough to be solved exactly."""
