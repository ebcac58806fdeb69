"""Run the command line by `python -m evenhand`."""

import sys

from evenhand.cli import main

# Processes that multiprocessing spawns import this module again, under another name.
if __name__ == "__main__":
    # Reports show the command that wrote them, by the name of the program.
    sys.argv[0] = "evenhand"
    main()
