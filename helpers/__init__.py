"""What the notebooks import. Helpers watch, draw and run the cluster; the Kafka code stands in the notebooks."""
