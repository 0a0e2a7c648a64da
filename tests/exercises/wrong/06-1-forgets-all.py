# says: what it held of the partition that this member keeps
async def on_revoked(consumer, revoked, done):
    await consumer.commit_async(
        {p: OffsetAndMetadata(offset, "", -1) for p, offset in done.items()}
    )
    done.clear()
