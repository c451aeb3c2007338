"""The parts of a report: each function turns results into a `Section`, or None where there is nothing."""
