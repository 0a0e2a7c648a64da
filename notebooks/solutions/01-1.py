# The leader answers when all in-sync replicas have the message: then the next leader has it, too.
# What got no answer is sent again. (Both are kafka-python's defaults, so dict() will do as well.)
settings = dict(acks="all", retries=float("inf"))
