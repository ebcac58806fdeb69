"""Reports on finished suites: leaderboards, tables and figures from records.

board = Board.of(suite, store)
board.write("report")
"""

from evenhand_reports.formats.files import ReportFiles, write
from evenhand_reports.report import Board
from evenhand_reports.separated import Separated

__all__ = ["Board", "ReportFiles", "Separated", "write"]
