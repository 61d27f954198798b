"""The door for platforms and operators: thin handlers over the store and the live calls."""
