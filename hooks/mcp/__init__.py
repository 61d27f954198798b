"""The servers of tools that an `llm` verb names (`mcpServers`), asked by the Model Context Protocol.

servers.py     one verb's servers: connected to while it runs, their tools offered, and closed at its end
offers.py      which of their tools the model is offered, and how one is served
results.py     what a server answered, made into a tool's output
pace.py        how fast a server is read
server.py      a server, as a verb names it
connection.py  the door: the `mcp` package, whose import takes a second; loaded only where a verb names a server
"""
