"""The leaderboard as data: scores, ranks, gaps and provenance, without any layout."""
