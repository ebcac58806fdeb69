"""Numbers printed in papers, and their match with the rows of a leaderboard."""
