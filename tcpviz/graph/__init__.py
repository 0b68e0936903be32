"""graph: the table as a graph. What pictures need (`edges`, `walk`) is made of plain values; paths, reachability
and planarity are `tcpviz.graph.questions`, which alone imports networkx.
"""

from tcpviz.graph.edges import Edge, edges, walk

__all__ = ["Edge", "edges", "walk"]
