# says: No answer is no refusal: the broker may have stored it
def tell(future):
    try:
        future.get(timeout=2)
        return "booked"
    except Exception:
        return "failed"
