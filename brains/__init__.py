"""Models that are asked in text: one streaming interface over whatever speaks OpenAI's chat completions.

`async with brain.chat(context) as stream: async for chunk in stream`; see `brains/base.py`. What is decided here is
pure; the network is in `brains/upstream.py` alone.
"""
