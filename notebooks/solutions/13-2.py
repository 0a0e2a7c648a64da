def first_try(key, works, waiting):
    if waiting.get(key, 0) == 0 and works():
        return True
    waiting[key] = waiting.get(key, 0) + 1  # of this key, so many are in the retry topic
    return False


def another_try(key, works, waiting):
    if not works():
        return False
    waiting[key] -= 1
    return True
