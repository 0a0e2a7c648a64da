def known_failures(sent):
    """The ids of the messages that are known to have failed; `sent` holds pairs (id, future)."""
    # What is not done has not failed yet. With acks=0, what is done has no error: silent loss.
    return [id for id, future in sent if future.is_done and future.exception]
