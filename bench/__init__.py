"""The benchmark of the media path: `python -m bench` . Imports nothing of the server it measures."""
