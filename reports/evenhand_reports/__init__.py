"""Everything that reads records: from a finished suite to a leaderboard, tables and figures.

board = Board.of(suite, store)
board.write("report")
"""

from evenhand_reports.formats.files import Written, write
from evenhand_reports.report import Board

__all__ = ["Board", "Written", "write"]
