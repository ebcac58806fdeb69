"""Everything that reads records: from a finished suite to a leaderboard, tables and figures.

board = evenhand_reports.board.leaderboard.build(resolved, store)
written = evenhand_reports.write(board, Path("report"))
"""

from evenhand_reports.formats.files import Written, write

__all__ = ["Written", "write"]
