# says: whose futures are done, but without an error
def known_failures(sent):
    return [id for id, future in sent if future.is_done]
