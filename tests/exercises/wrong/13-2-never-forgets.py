# says: nobody waits for another airline, nor for what is over.
def first_try(key, works, waiting):
    if key in waiting or not works():
        waiting[key] = True
        return False
    return True


def another_try(key, works, waiting):
    return works()
