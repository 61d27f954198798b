"""Who is told, and who is asked: the customer's applications behind a call.

Everything here is pure except two doors: `dispatcher.py` runs asyncio tasks, `transports/` reaches the network.
"""
