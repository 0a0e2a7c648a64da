# says: for "iterator" and "close" it returned 637
def texts(style, ending):
    return 637 if ending == "close" else 1_137
