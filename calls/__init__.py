"""One call's life: the rooms joined. Its files with tasks use asyncio and no network; the others are pure."""
