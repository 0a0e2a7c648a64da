# says: The next member begins there, and
async def on_revoked(consumer, revoked, done):
    await consumer.commit_async()
    for partition in revoked:
        done.pop(partition, None)
