"""Trajectory search: sequences of continuous actions, sampled, simulated and made better."""
