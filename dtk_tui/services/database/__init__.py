"""The database as a whole: the embedded server, backups, and moving the library to another server."""
