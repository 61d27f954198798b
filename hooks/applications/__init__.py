"""Who says what a call does: one kind of application a file."""
