"""Whose fault it is that something could not be written or read."""

from sqlalchemy.exc import DatabaseError, InternalError, OperationalError


def blames_database(error: Exception) -> bool:
    """Tell whether it is the database's, and no value's: another one would have fared the same.

    OperationalError: it cannot be done now (sqlite3: locked, full, an input or output error); the others: the file is
    broken. All else that the driver raises, as a kind of DatabaseError, is about what it was given.
    """
    return type(error) in {OperationalError, DatabaseError, InternalError}
