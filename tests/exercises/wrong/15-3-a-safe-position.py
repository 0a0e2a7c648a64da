# says: a lost position is replaced in five seconds
choices = {"a": {4}, "b": {3}, "c": {8, 13, 14}, "d": {10}, "e": {15}}
