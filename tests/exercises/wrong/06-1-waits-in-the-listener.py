# says: Cannot block on net.run() from the IO thread itself
async def on_revoked(consumer, revoked, done):
    mine = {partition: done.pop(partition) for partition in revoked if partition in done}
    consumer.commit({p: OffsetAndMetadata(offset, "", -1) for p, offset in mine.items()})
