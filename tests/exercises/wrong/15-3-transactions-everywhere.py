# says: a printer's database is no part of Kafka's transaction
choices = {"a": {1}, "b": {3}, "c": {10}, "d": {10}, "e": {15}}
