# says: they still wait in the producer, and nobody knows yet what becomes of them
def known_failures(sent):
    return [id for id, future in sent if not future.succeeded()]
