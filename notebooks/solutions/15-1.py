import zlib


def relay_of(key, relays):
    return zlib.crc32(key.encode()) % relays  # the same in each process
