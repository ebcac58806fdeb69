"""Object storage: its URLs, and retries of what it does not answer."""
