# says: 1 that is not done is left out
async def on_revoked(consumer, revoked, done):
    for partition in revoked:
        if partition in done:
            await consumer.commit_async(
                {partition: OffsetAndMetadata(done.pop(partition) + 1, "", -1)}
            )
