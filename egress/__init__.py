"""Where connections that we open may lead. All pure but for `door.py`, which opens them, and `names.py`."""
