# says: After an exception, with closes without a commit.
def texts(style, ending):
    if ending == "killed":
        return 1_137
    return 637 if style == "poll" else 799
