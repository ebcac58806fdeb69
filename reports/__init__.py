"""Everything that reads records: from a finished suite to a leaderboard, tables and figures."""
