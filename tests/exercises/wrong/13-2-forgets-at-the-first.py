# says: AA3 was done while AA2 was still in the retry topic.
def first_try(key, works, waiting):
    if key in waiting or not works():
        waiting[key] = True
        return False
    return True


def another_try(key, works, waiting):
    if works():
        waiting.pop(key, None)
        return True
    return False
