"""Starts the real programs and talks to them as a person, a script or another program would."""
