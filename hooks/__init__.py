"""Who is told, and who is asked: the customer's applications behind a call.

Everything here is pure except three doors: `dispatcher.py` with `draining.py` runs asyncio tasks, `working.py` runs
functions of somebody else's, `transports/` reaches the network.
"""
