# says: The answer was there after a moment
def tell(future):
    if not future.is_done:
        return "unknown"
    return "failed" if future.exception else "booked"
