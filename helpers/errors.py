"""What can go wrong with the cluster, as errors whose text names the cause and the command that mends it."""


class ClusterError(Exception):
    """The cluster can't do what was asked."""


class NoCluster(ClusterError):
    """No cluster is running."""
