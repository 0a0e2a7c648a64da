# says: c, one is missing: garbage never becomes a booking
choices = {"a": {1}, "b": {3}, "c": {8, 13}, "d": {10}, "e": {15}}
