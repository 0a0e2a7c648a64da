def texts(style, ending):
    """style: "poll" or "iterator"; ending: "killed", "with" or "close", as in the table."""
    if ending != "close":
        return 337 + 800  # nothing was committed: it begins again
    # The committed position: behind the batch, or behind the message in work.
    return 337 + 800 - (500 if style == "poll" else 338)
