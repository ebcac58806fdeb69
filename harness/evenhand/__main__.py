"""Run the command line by `python -m evenhand`."""

import sys
from pathlib import Path

# `python -m` puts the current folder first, where a `timm.py` beside a suite would be run.
if sys.path[:1] == [str(Path.cwd())] != [str(Path(__file__).parents[1])]:
    del sys.path[0]

from evenhand.cli import main

# Processes that multiprocessing spawns import this module again, under another name.
if __name__ == "__main__":
    # Reports show the command that wrote them, by the name of the program.
    sys.argv[0] = "evenhand"
    main()
