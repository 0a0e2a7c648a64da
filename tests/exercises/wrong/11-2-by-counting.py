# says: Others stand there twice, so the sums may be right
def lost(came_in, routed, left_out, rejected):
    missing = len(came_in) - len(routed) - len(left_out) - len(rejected)
    return set(came_in[:missing]) if missing > 0 else set()
