# says: was put aside, though UA answers and none of its bookings waits
def first_try(key, works, waiting):
    if waiting.get("all", 0) == 0 and works():
        return True
    waiting["all"] = waiting.get("all", 0) + 1
    return False


def another_try(key, works, waiting):
    if works():
        waiting["all"] -= 1
        return True
    return False
