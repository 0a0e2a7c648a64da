# says: they were left out, which is no loss
def lost(came_in, routed, left_out, rejected):
    return set(came_in) - {*routed, *rejected}
