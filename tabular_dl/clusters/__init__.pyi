from .address import ClusterAddress as ClusterAddress
from .address import read_address as read_address
from .cluster import Cluster as Cluster
from .opened import current_cluster as current_cluster
from .opened import open_cluster as open_cluster
from .shared_arrays import arrays_of as arrays_of
from .shared_arrays import digest_of as digest_of
