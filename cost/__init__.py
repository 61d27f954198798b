"""What models have used, what that comes to, and how much may be spent. Pure, and exact: whole numbers and Decimals.

Ground floor: `config` reads prices and limits into these types, `media` counts by them, `calls` keeps and tells them.
"""
