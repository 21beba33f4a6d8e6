"""Queue and hall-operations simulator and staffing optimizer for government service halls."""

__version__ = "0.1.0"
