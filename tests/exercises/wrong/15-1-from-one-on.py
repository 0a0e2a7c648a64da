# says: nobody would take its events
import zlib


def relay_of(key, relays):
    return zlib.crc32(key.encode()) % relays + 1
