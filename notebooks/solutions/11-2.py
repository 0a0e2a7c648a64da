def lost(came_in, routed, left_out, rejected):
    return set(came_in) - {*routed, *left_out, *rejected}
