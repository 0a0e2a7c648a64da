# says: only who reads the topic can find that out: a sender has nothing but its futures
def known_failures(sent):
    topic = next(future.value.topic for _, future in sent if future.succeeded())
    stored = set(course.stored_ids(topic))
    return [id for id, _ in sent if id not in stored]
