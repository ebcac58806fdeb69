"""Planning and execution of trials, in this process or on Ray Tune; the records are the same."""
