# Then the offsets are committed for good, and the successor aborts the points.
dies = "offsets sent"
