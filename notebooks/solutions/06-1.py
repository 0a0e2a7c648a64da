async def on_revoked(consumer, revoked, done):
    """Commits what is done in the partitions that are revoked, and forgets them."""
    mine = {partition: done.pop(partition) for partition in revoked if partition in done}
    await consumer.commit_async(
        {p: OffsetAndMetadata(offset, "", -1) for p, offset in mine.items()}
    )
