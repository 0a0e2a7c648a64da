# says: The transaction was committed by then
dies = "committed"
