"""A self-hosted video-meeting backend: user, meeting, signaling, media and AI in one package."""

__version__ = "0.1.0"
