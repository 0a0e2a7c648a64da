# says: two systems must agree, and a crash may come between two writes
choices = {"a": {1}, "b": {3}, "c": {8, 13, 14}, "d": {10}, "e": {3}}
