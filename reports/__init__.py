"""Everything that reads records: from a finished suite to a leaderboard, tables and figures.

board = reports.leaderboard.build(resolved, store)
written = reports.write(board, Path("report"))
"""

from reports.written import Written, write

__all__ = ["Written", "write"]
