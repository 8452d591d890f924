"""SQLAlchemy Core on SQLite or PostgreSQL, chosen by URL."""
