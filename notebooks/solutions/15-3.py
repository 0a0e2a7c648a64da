# c is the usual consumer: 08, errors that pass (13), and those that don't (14).
choices = {"a": {1}, "b": {3}, "c": {8, 13, 14}, "d": {10}, "e": {15}}
