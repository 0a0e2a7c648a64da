# says: AA2 was done while AA1 was still in the retry topic.
def first_try(key, works, waiting):
    if works() and not waiting.get(key, 0):
        return True
    waiting[key] = waiting.get(key, 0) + 1
    return False


def another_try(key, works, waiting):
    if works():
        waiting[key] -= 1
        return True
    return False
