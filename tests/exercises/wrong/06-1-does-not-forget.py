# says: done still holds a partition that was revoked
async def on_revoked(consumer, revoked, done):
    await consumer.commit_async(
        {p: OffsetAndMetadata(offset, "", -1) for p, offset in done.items()}
    )
