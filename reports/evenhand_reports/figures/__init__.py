"""The figures of a report as data, without layout and colours."""
