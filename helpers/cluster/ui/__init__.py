"""The web page of the process runner: the cluster, as it is at this second. It only reads.

    python -m helpers.cluster.ui BOOTSTRAP_SERVERS PORT CLUSTER_NAME

    server      answers the browser, on this machine only
    watch       asks the brokers once a second, for as long as somebody looks
    messages    what is stored in a partition, on demand
    page.*      what the browser shows; it asks server for all that changes

Nothing here joins a group, commits, or writes: what is watched stays as it is.
"""
